"""The five things that can become of a claim, as summaries and reports call them."""

from __future__ import annotations

from typing import Any

STATUSES = ("holds", "fails", "undecided", "not replicated", "not judged")


def status(entry: dict[str, Any]) -> str:
    """What became of a claim.

    Args:
        entry: its evidence, as the ledger keeps it.
    """
    if entry["verdict"] is None:
        return "not judged"
    outcome: str = entry["verdict"]["outcome"]
    return "not replicated" if entry["expected_failure"] and outcome != "holds" else outcome
