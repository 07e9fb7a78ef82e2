"""What became of the claims of a report, counted and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

NOT_REPLICATED = "not replicated"
#: What a claim that does not replicate was found to do.
_OUTCOMES = ("fails", "undecided")


def behind(claims: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Of the claims that do not replicate, how many fail and how many are undecided.

    Args:
        claims: of a report; each with its status and its outcome.
    """
    counts = Counter(claim["outcome"] for claim in claims if claim["status"] == NOT_REPLICATED)
    return {word: counts[word] for word in _OUTCOMES}


def of_which(status: str, claims: Iterable[Mapping[str, Any]]) -> str:
    """``fails 42, undecided 4`` for claims that do not replicate; "" for another status."""
    if status != NOT_REPLICATED:
        return ""
    return ", ".join(f"{word} {count}" for word, count in behind(claims).items() if count)
