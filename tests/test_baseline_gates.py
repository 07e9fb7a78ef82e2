"""A saved run keeps no network: claims about gates are compared by the verdicts it kept."""

from __future__ import annotations

import json

import pytest

from interp_checks.comparison import KEPT, fate_by_outcomes
from interp_fixtures.command import main

SUITE = """
from pytest_interp_checks import claims

test_it = claims(
    "keeping every direction of the layer 1 cell gate's input weights spares every class",
    "dropping direction 1 of the layer 1 cell gate's input weights spares every class",
)
"""


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ("holds", "holds", "held"),
        ("holds", "fails", "vanished"),
        ("holds", "undecided", "weakened"),
        ("holds", None, "not judged"),
        ("fails", "holds", "new"),
        ("fails", "undecided", "still not"),
        ("fails", None, "not judged"),
        (None, "holds", "new"),
        (None, "fails", "still not"),
        (None, None, "still not"),
    ],
)
def test_every_pair_of_outcomes(before: str | None, after: str | None, word: str) -> None:
    fate = fate_by_outcomes(before, after, "recall is 3 %")
    assert fate.word == word
    assert (fate.word in KEPT) == (not (before == "holds" and after != "holds")) or after is None


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
    # As if what fails now had held before.
    text = (pytester.path / "old.json").read_text("utf-8")
    run = json.loads(text)
    for claim in run["report"]["subjects"][0]["claims"]:
        claim["outcome"] = "holds"
    (pytester.path / "better.json").write_text(json.dumps(run), "utf-8")
    gone = pytester.runpytest_subprocess("--interp-dataset=digits", "--interp-baseline=better.json")
    gone.assert_outcomes(passed=1, failed=1)
    gone.stdout.fnmatch_lines(["*vanished*"])
    assert main(["compare", "old.json", "old.json"]) == 0
    assert main(["compare", "better.json", "old.json"]) == 1
    assert "vanished: fails now" in capsys.readouterr().out
