"""The Markdown report as a reader sees it, rendered by markdown-it."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest
from markdown_pages import Page
from reported_suites import COUNT, OPTIONS, report, run, suite

from interp_checks import Claim
from interp_checks.claims import predicates
from interp_checks.report.markdown import markdown
from interp_checks.statistics.intervals import percent

__all__ = ["report", "suite"]  # fixtures


def test_rendered_tables(suite: pytest.Pytester, report: dict[str, Any]) -> None:
    run(suite, "--interp-report=r.md")
    page = Page(Path("r.md").read_text("utf-8"))
    (subject,) = report["subjects"]
    telling, every, *recalls = page.tables
    assert page.summaries == [
        f"All {COUNT} claims",
        *(f"Recall in %: {table['title'].lower()}" for table in subject["tables"]),
    ]
    assert [row[1] for row in every[1:]] == [claim["claim"] for claim in subject["claims"]]
    assert [row[0].split(" ", 1)[1] for row in every[1:]] == [
        claim["status"] + (f" ({claim['outcome']})" if claim["status"] == "not replicated" else "")
        for claim in subject["claims"]
    ]
    assert [row[0].split(" ", 1)[1] for row in telling[1:]] == ["fails", "undecided", "fails"]
    for row, claim in zip(every[1:], subject["claims"], strict=True):
        assert len(row) == 6
        assert row[2] == (claim["source"] or "")
        assert row[3].startswith(claim["measured"].replace("\n", " "))
    for rendered, table in zip(recalls, subject["tables"], strict=True):
        assert rendered[0] == ["", *subject["classes"], "accuracy"]
        shown = {row[0]: row[1:] for row in rendered[1:]}
        assert list(shown) == ["intact", *(row["label"] for row in table["rows"])]
        for row in table["rows"]:
            for text, correct, images in zip(
                shown[row["label"]], row["correct"], subject["support"], strict=False
            ):
                assert text == percent(correct / images, 1, (0.05, 0.5))


NAMES = ("a|b", "`x`", "<b>", "A & B", "*star*", "_low_", "[l](u)", "back\\slash", "&lt;", "x")
OWN = """
import pytest
from dataclasses import replace
from interp_fixtures import reference_readout

@pytest.fixture(scope="session")
def subject():
    return replace(reference_readout("digits"), class_names={names})
"""
OF_CLASSES = """
from interp_checks import Claim
from interp_checks.claims import predicates
from interp_checks.statistics.intervals import percent
from pytest_interp_checks import claims
test_names = claims(*(Claim.of(predicates.Is("above", 10, (name,))) for name in {names}))
test_dropped = claims("dropping direction 4 keeps accuracy above 1 %")
"""


def with_names(pytester: pytest.Pytester, names: tuple[str, ...]) -> Page:
    pytester.makeconftest(OWN.format(names=names))
    pytester.makepyfile(test_suite=OF_CLASSES.format(names=names))
    arguments = [option for option in OPTIONS if "dataset" not in option]
    pytester.runpytest_inprocess(*arguments, "--interp-report=r.md", "--interp-report=r.csv")
    return Page(Path("r.md").read_text("utf-8"))


def test_names_that_mean_something_to_markdown(pytester: pytest.Pytester) -> None:
    page = with_names(pytester, NAMES)
    claims, recalls = page.tables
    assert recalls[0] == ["", *NAMES, "accuracy"]
    assert {len(row) for row in recalls} == {12}
    assert len(claims) == 1 + len(NAMES) + 1
    for name, row in zip(NAMES, claims[1:], strict=False):
        assert row[1] == str(Claim.of(predicates.Is("above", 10, (name,))))
        assert len(row) == 6
    with Path("r.csv").open(newline="", encoding="utf-8") as file:
        assert {row["class"] for row in csv.DictReader(file)} == set(NAMES)


def test_names_in_tildes(pytester: pytest.Pytester) -> None:
    names = ("~~gone~~", *NAMES[1:])
    assert with_names(pytester, names).tables[-1][0][1] == "~~gone~~"


def padded(report: Mapping[str, Any], times: int) -> dict[str, Any]:
    subject = report["subjects"][0]
    return {**report, "subjects": [{**subject, "claims": subject["claims"] * times}]}


@pytest.mark.parametrize("times", [1, 20, 40, 100, 1000])
def test_no_comment_is_too_long(report: dict[str, Any], times: int) -> None:
    text = markdown(padded(report, times))
    assert len(text) <= 65_536
    assert text.count("<details>") == text.count("</details>")
    page = Page(text)
    assert ("left out: too long for a comment" in page.text) == (times >= 40)
    assert "interp-checks" in page.text.splitlines()[-1] or times >= 40
    for table in page.tables:
        assert len({len(row) for row in table}) == 1
    assert len(page.tables) >= 3  # the recalls always fit
