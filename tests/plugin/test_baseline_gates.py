"""A saved run keeps no network: claims about gates are compared by the verdicts it kept."""

from __future__ import annotations

import json

import pytest

from interp_checks import Change, Claim
from interp_checks.comparing.fates import Judged, fate_by_outcomes
from interp_checks.statistics.threshold_check import Check
from interp_fixtures.command import main

pytestmark = pytest.mark.long

SUITE = """
from pytest_interp_checks import claims

test_it = claims(
    "keeping every direction of the layer 1 cell gate's input weights spares every class",
    "dropping direction 1 of the layer 1 cell gate's input weights spares every class",
)
"""


CLAIM = Claim.parse("dropping direction 1 of the layer 1 cell gate's input weights spares class 3")


def judged(outcome: str | None, lost: int = 0, total: int = 400, **left_out: object) -> Judged:
    """As a saved run has it: class 3 lost so many of its images."""
    change = Change(lost, 0, total)
    check = Check.compare("loss of recall of class 3", change, "below", 0.1).as_dict()
    check = {**check, **left_out, "outcome": outcome or "undecided"}
    checks = [check] if outcome else []
    return Judged(CLAIM, outcome, f"{lost} lost", checks, 0.95 if outcome else None)


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        (judged("holds", 3), judged("holds", 5), "held"),
        (judged("holds", 3), judged("fails", 200), "vanished"),
        (judged("holds", 28), judged("undecided", 32), "held with less certainty"),
        # Each decided by itself, and the difference is within chance.
        (judged("holds", 28), judged("fails", 40, 350), "in doubt"),
        # A point estimate on the other side, and shown to be elsewhere.
        (judged("holds", 3), judged("undecided", 46), "vanished"),
        # Shown to be elsewhere, but not past the threshold.
        (judged("holds", 1), judged("undecided", 32), "held with less certainty"),
        (judged("holds", 3), judged(None), "not judged"),
        (judged("fails", 200), judged("holds", 3), "new"),
        (judged("fails", 200), judged("undecided", 40), "still not"),
        (judged("fails", 200), judged(None), "not judged"),
        (judged(None), judged("holds", 3), "new"),
        (judged(None), judged("fails", 200), "still not"),
        (judged(None), judged(None), "still not"),
    ],
)
def test_every_pair_of_outcomes(before: Judged, after: Judged, word: str) -> None:
    fate = fate_by_outcomes(before, after, 0.001)
    assert fate.word == word
    assert fate.gone == (word == "vanished")


def test_what_is_said_of_a_difference() -> None:
    fate = fate_by_outcomes(judged("holds", 3), judged("fails", 200), 0.001)
    assert fate.line == (
        "fails now: loss of recall of class 3 is 50.0 points [43.2, 55.7] (200 lost, 0 gained of "
        "400), was 0.8 points [-1.0, 2.4] (3 lost, 0 gained of 400)"
    )
    fate = fate_by_outcomes(judged("holds", 28), judged("undecided", 32), 0.001)
    assert fate.line.endswith("no change past its threshold is shown")


def test_a_run_of_an_older_version_keeps_less() -> None:
    """No counts: the intervals that it kept stand for them, and where it kept none, it says so."""
    kept = {"counts": None, "leans": False}
    old, new = judged("holds", 3, **kept), judged("fails", 200, **kept)
    assert fate_by_outcomes(old, new, 0.001).word == "vanished"
    near = judged("holds", 28, **kept), judged("fails", 45, **kept)
    assert fate_by_outcomes(*near, 0.001).word == "in doubt"
    nothing = {**kept, "value": None, "lower": None, "upper": None}
    old, new = judged("holds", 3, **nothing), judged("fails", 200, **nothing)
    fate = fate_by_outcomes(old, new, 0.001)
    assert fate.word == "in doubt"
    assert "too little is known of these numbers to test the difference" in fate.line
    bare = Judged(CLAIM, "holds", "3 lost"), Judged(CLAIM, "fails", "200 lost")
    fate = fate_by_outcomes(*bare, 0.001)
    assert (fate.word, fate.gone) == ("in doubt", False)
    assert "keep no numbers that could be compared" in fate.line


@pytest.mark.slow
def test_a_finding_about_a_gate_that_is_gone_fails_the_run(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    pytester.makepyfile(SUITE)
    first = pytester.runpytest_subprocess("--interp-dataset=digits", "--interp-save=old.json")
    first.assert_outcomes(passed=1, failed=1)
    again = pytester.runpytest_subprocess("--interp-dataset=digits", "--interp-baseline=old.json")
    again.assert_outcomes(passed=1, xfailed=1)
    again.stdout.fnmatch_lines(["*held 1, still not 1*"])
    # As if what fails now had held before, by the same numbers and by others.
    run = json.loads((pytester.path / "old.json").read_text("utf-8"))
    claims = run["report"]["subjects"][0]["claims"]
    for claim in claims:
        claim["outcome"] = "holds"
    (pytester.path / "equal.json").write_text(json.dumps(run), "utf-8")
    for check in (check for claim in claims for check in claim["checks"]):
        check["outcome"], check["leans"] = "holds", True
        check["counts"] = [0, 0, check["total"]]
    (pytester.path / "better.json").write_text(json.dumps(run), "utf-8")
    assert main(["compare", "equal.json", "old.json"]) == 0
    gone = pytester.runpytest_subprocess("--interp-dataset=digits", "--interp-baseline=better.json")
    gone.assert_outcomes(passed=1, failed=1)
    gone.stdout.fnmatch_lines(["*vanished*"])
    assert main(["compare", "old.json", "old.json"]) == 0
    assert main(["compare", "better.json", "old.json"]) == 1
    assert "vanished: fails now" in capsys.readouterr().out
