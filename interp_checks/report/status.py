"""What can become of a claim, as summaries and reports call it; counted, and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

NOT_REPLICATED = "not replicated"

#: What judging it comes to.
VERDICTS = ("holds", "fails", "undecided", NOT_REPLICATED, "not judged")

#: What else may become of its test, so that there is no verdict, or not one that stands.
OTHERWISE = (
    "unexpectedly holds",
    "expected failure",
    "error",
    "timed out",
    "crashed",
    "skipped",
    "not run",
)

STATUSES = (*VERDICTS, *OTHERWISE)

#: Of several runs of one claim, the first of these counts.
_WORST_FIRST = (
    *("crashed", "timed out", "error", "fails", "unexpectedly holds", "undecided", "not judged"),
    *("skipped", "expected failure", "not replicated", "holds", "not run"),
)

#: What a claim that does not replicate was found to do.
_OUTCOMES = ("fails", "undecided")

#: What pytest says of a test that makes its run fail.
RED = ("failed", "error", "not run")


def verdict_status(evidence: dict[str, Any]) -> str:
    """What judging a claim came to.

    Args:
        evidence: that judging it left behind.
    """
    if evidence["verdict"] is None:
        return "not judged"
    outcome: str = evidence["verdict"]["outcome"]
    return NOT_REPLICATED if evidence["expected_failure"] and outcome != "holds" else outcome


def worst(statuses: Iterable[str]) -> str:
    """The status that counts when a claim was run several times."""
    return min(statuses, key=_WORST_FIRST.index)


def counted(statuses: Iterable[str]) -> dict[str, int]:
    """How many claims have each status: the five verdicts always, the rest where there are any."""
    counts = Counter(statuses)
    return {word: counts[word] for word in STATUSES if word in VERDICTS or word in counts}


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
