"""What does not replicate fails or is undecided: every report says which, and how many."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest

from interp_checks.report.page import page
from interp_checks.report.status import behind, of_which

SUITE = """
from pytest_interp_checks import claims, not_replicated

test_marked = claims(
    not_replicated("accuracy is above 99 %", reference="digits"),
    not_replicated("accuracy is above 93 %", reference="digits"),
    not_replicated("dropping direction 5 kills class 8", reference="digits"),
)
test_plain = claims("accuracy is above 80 %", "accuracy is above 94 %", "accuracy is above 98 %")
"""
COUNTS = "not replicated 3 (fails 2, undecided 1)"


@pytest.fixture(params=["-q", "-v", "-n2"])
def lines(request: pytest.FixtureRequest, pytester: pytest.Pytester) -> list[str]:
    pytester.makepyfile(test_suite=SUITE)
    run = pytester.runpytest_subprocess if request.param == "-n2" else pytester.runpytest_inprocess
    result = run(
        *("-p", "no:cacheprovider", "--interp-dataset=digits", "--interp-rotations=1"),
        *("--interp-report=r.json", "--interp-report=r.md", request.param),
    )
    result.assert_outcomes(passed=1, failed=2, xfailed=3)
    return [line.strip() for line in result.stdout.lines]


def plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def test_every_report_says_how_many_fail_and_are_undecided(lines: list[str]) -> None:
    text = " ".join(lines)
    assert f"6 claims: holds 1, fails 1, undecided 1, {COUNTS}" in text
    report: dict[str, Any] = json.loads(Path("r.json").read_text("utf-8"))
    assert report["summary"]["not replicated"] == 3
    assert report["not_replicated"] == {"fails": 2, "undecided": 1}
    markdown = Path("r.md").read_text("utf-8")
    assert COUNTS in markdown.split("\n\n")[1]
    assert markdown.count("not replicated (undecided)") == 1
    assert markdown.count("not replicated (fails)") == 2
    shown = page(report, [None])
    (chip,) = re.findall(r'<button[^>]*data-status="not replicated".*?</button>', shown)
    assert plain(chip) == f"≠ {COUNTS}"
    (group,) = re.findall(r"<h3><code>test_suite.py</code>.*?</h3>", shown, re.DOTALL)
    assert COUNTS in plain(group)
    summaries = re.findall(r"<summary>(.*?)</summary>", shown, re.DOTALL)
    told = [plain(one) for one in summaries if "not replicated" in one]
    assert [re.sub(r"(\(\w+\)).*", r"\1", one) for one in told] == [
        "≠ not replicated (fails)",
        "≠ not replicated (undecided)",
        "≠ not replicated (fails)",
    ]


def test_what_would_decide_is_said_of_what_is_undecided(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_suite=SUITE)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--interp-dataset=digits")
    result.stdout.re_match_lines(
        [
            r"not replicated accuracy is above 93 %",
            r" +undecided: accuracy is 94\.0 % \[91\.8, 95\.8\]",
            r" +\(563 of 599\)",
            r" +about [\d,]+ more images would decide",
        ],
        consecutive=True,
    )


def test_counts_of_claims_from_an_older_report() -> None:
    claims = [
        {"status": "not replicated", "outcome": "undecided"},
        {"status": "fails", "outcome": "fails"},
        {"status": "not judged", "outcome": None},
    ]
    assert behind(claims) == {"fails": 0, "undecided": 1}
    assert of_which("not replicated", claims) == "undecided 1"
    assert of_which("fails", claims) == ""
    assert of_which("not replicated", claims[1:]) == ""
