"""What a verdict does to its test: pass, fail, skip, or fail as expected."""

from __future__ import annotations

from typing import Any

from interp_checks.comparing.fates import Fate
from interp_checks.comparing.saved_run import SavedRun
from interp_checks.judging.verdict import Verdict
from interp_checks.statistics.threshold_check import Outcome

#: What becomes of a test, and the message that says why.
Decision = tuple[str, str]

#: The word for a finding that the baseline does not know.
UNKNOWN = "not in the baseline"


def plain_decision(
    evidence: dict[str, Any], verdict: Verdict | None, if_undecided: str
) -> Decision:
    """What becomes of a test that is compared with nothing.

    Args:
        evidence: of its claim.
        verdict: None if it was not judged.
        if_undecided: what ``--interp-undecided`` says.
    """
    if verdict is None:
        return "skipped", f"not judged: {evidence['reason']}"
    if evidence["expected_failure"]:
        if verdict.outcome == Outcome.HOLDS:
            return "failed", (
                f"{verdict.message()}\nThis claim is marked as not replicated on the shipped "
                "reference, and it holds there: take the mark off."
            )
        return "xfailed", f"not replicated ({verdict.outcome}): {verdict.measured}"
    if verdict.outcome == Outcome.FAILS:
        return "failed", verdict.message()
    if verdict.outcome == Outcome.UNDECIDED and if_undecided == "fail":
        return "failed", verdict.message()
    if verdict.outcome == Outcome.UNDECIDED and if_undecided == "skip":
        return "skipped", f"undecided: {verdict.measured}"
    return "passed", ""


def against_baseline(
    evidence: dict[str, Any],
    verdict: Verdict | None,
    fate: Fate | None,
    baseline: SavedRun,
    path: str,
    alike: str = "",
) -> Decision:
    """Pass what is still there; fail what is not, and what the baseline does not know.

    A finding that the baseline does not know is noted in the evidence like a fate. Of a baseline
    that is part of a run nobody can say whether the whole one knew it, so it is skipped.

    Args:
        evidence: of the claim; changed.
        verdict: None if it was not judged.
        fate: what became of the finding; None if the baseline does not know it.
        baseline: the saved run.
        path: of the saved run, as people read it.
        alike: a line about the tests that judge the same sentence there; empty if none does.
    """
    claim = evidence["claim"]
    if fate is None and baseline.partial:
        why = f"{path} is a partial run, and does not cover this claim"
        evidence.update(fate=[UNKNOWN, why], gone=False)
        return "skipped", f"{UNKNOWN}: {why}"
    if fate is None:
        why = "save a new one with --interp-save, or take the claim out"
        evidence.update(fate=[UNKNOWN, why], gone=True)
        return "failed", (
            f"claim     {claim}\nThis claim is not in the baseline {path}.\n{alike}"
            "Save a new one with --interp-save, or take the claim out."
        )
    if fate.word == "not judged" or (fate.word == "still not" and verdict is None):
        return "skipped", f"not judged: {fate.line}"
    if fate.word == "still not":
        return "xfailed", f"did not hold in the baseline either: {fate.line}"
    if not fate.gone:
        return "passed", ""
    message = verdict.message() if verdict is not None else f"claim     {claim}"
    return "failed", f"{message}\nbecame    {fate}"
