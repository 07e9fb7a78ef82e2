"""A/A: two disjoint halves of the test set must not contradict each other on any claim."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_runs import half
from suite_claims import claims

from interp_checks import Claim, Outcome, judge, load_snapshot
from interp_fixtures.reference_files import snapshot_file

__all__ = ["claims"]  # fixture


@pytest.mark.slow
def test_no_claim_holds_on_one_half_and_fails_on_the_other(claims: list[Claim]) -> None:
    whole = load_snapshot(snapshot_file("mnist"))
    halves = half(whole, 0), half(whole, 1)
    assert len(halves[0]) == len(halves[1]) == 5000
    differing, contradicting = [], []
    for claim in claims:
        one, other = (judge(claim, part).outcome for part in halves)
        if one != other:
            differing.append(f"{claim}: {one} / {other}")
        if {one, other} == {Outcome.HOLDS, Outcome.FAILS}:
            contradicting.append(str(claim))
    assert contradicting == []
    # What is decided on one half only; the documentation says how many these are.
    assert differing == [
        "accuracy is above 97.23 %: holds / undecided",
        "replacing directions 1 and 5 by their means kills only classes 7 and 8: undecided / fails",
        "the first 4 directions are within 1 point of the best 4: undecided / holds",
    ]


def test_the_comparison_can_fail(claims: list[Claim]) -> None:
    """A half with eights relabelled contradicts the other."""
    whole = load_snapshot(snapshot_file("mnist"))
    one, other = half(whole, 0), half(whole, 1)
    other = replace(other, labels=(other.labels == 8) * 3 + (other.labels != 8) * other.labels)
    headline = Claim.parse("recall of class 3 is above 90 %")
    assert judge(headline, one).outcome == Outcome.HOLDS
    assert judge(headline, other).outcome == Outcome.FAILS
