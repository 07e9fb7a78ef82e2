"""What can become of a claim, as summaries and reports call it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

#: What judging it comes to.
VERDICTS = ("holds", "fails", "undecided", "not replicated", "not judged")

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
    return "not replicated" if evidence["expected_failure"] and outcome != "holds" else outcome


def worst(statuses: Iterable[str]) -> str:
    """The status that counts when a claim was run several times."""
    return min(statuses, key=_WORST_FIRST.index)


def counted(statuses: Iterable[str]) -> dict[str, int]:
    """How many claims have each status: the five verdicts always, the rest where there are any."""
    found = list(statuses)
    return {word: found.count(word) for word in STATUSES if word in VERDICTS or word in found}
