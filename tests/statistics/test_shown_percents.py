"""No percent that is shown lies on another side of a threshold than the number behind it."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import matplotlib  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import numpy as np
import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest
from claim_strategies import steady
from hypothesis import example, given, settings
from hypothesis import strategies as st

from interp_checks.drawing_models.measures import Measured
from interp_checks.report import figures
from interp_checks.report.page import page
from interp_checks.statistics.intervals import Change, Estimate, percent
from interp_checks.statistics.threshold_check import Check
from interp_checks.thresholds import ALIVE, DEAD, MOSTLY, PREDICTED, SAME, SPARED

THRESHOLDS = (DEAD, ALIVE, PREDICTED, MOSTLY, SAME, SPARED)


def side(number: float, threshold: float) -> int:
    return (number > threshold) - (number < threshold)


def told(text: str) -> float:
    """The number that a reader takes from a text; "<1" is somewhat below 1."""
    number = float(text.replace("<", ""))
    return math.nextafter(number, 0) if "<" in text else number


def honest(text: str, fraction: float, threshold: float) -> bool:
    return side(told(text), round(100 * threshold, 9)) == side(fraction, threshold)


@settings(steady)
@given(
    st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.integers(0, 2),
    st.lists(st.sampled_from(THRESHOLDS) | st.integers(0, 1000).map(lambda m: m / 1000)),
)
@example((46, 1000), 0, [DEAD])
@example((497, 10_000), 1, [DEAD])
@example((50_001, 100_000), 2, [ALIVE])
@example((1, 20), 0, [DEAD])
@example((5, 1000), 0, [PREDICTED])
def test_a_percent_is_on_the_side_that_its_number_is_on(
    share: tuple[int, int], digits: int, thresholds: list[float]
) -> None:
    fraction = share[0] / share[1]
    text = percent(fraction, digits, thresholds)
    assert abs(told(text) - 100 * fraction) <= 10.0**-digits
    for threshold in thresholds:
        assert honest(text, fraction, threshold), (text, fraction, threshold)
    # Not a digit more than it takes.
    assert len(text) >= len(percent(fraction, digits))
    if all(honest(percent(fraction, digits), fraction, threshold) for threshold in thresholds):
        assert text == percent(fraction, digits)


@settings(steady)
@given(st.integers(0, 3000), st.integers(1, 3000), st.sampled_from(THRESHOLDS), st.booleans())
@example(37, 1000, DEAD, True)
def test_what_was_measured_never_contradicts_the_verdict(
    count: int, total: int, threshold: float, below: bool
) -> None:
    relation = "below" if below else "above"
    estimate = Estimate(min(count, total), total)
    change = Change(min(count, total), 0, total)
    for measured in (estimate, change):
        check = Check.compare("recall", measured, relation, threshold)
        found = re.match(r"(\S+) (?:%|points) \[(\S+), (\S+)\]", check.measured)
        assert found
        numbers = (measured.value, *measured.interval)
        for text, number in zip(found.groups(), numbers, strict=True):
            assert honest(text, number, threshold), (check, number)


def test_measured_numbers_near_a_bound() -> None:
    measured = Measured(0.0149996, 0.0149991, 0.0150001, 100)
    assert measured.beside(0.015) == "0.0149996 [0.014999, 0.0150001] (100 images)"
    assert str(measured) == "0.015 [0.015, 0.015] (100 images)"


#: Three classes of 2,500 images, each carried by one direction but for the images that survive.
SURVIVORS = (124, 1241, 1259)
SUBJECT = f"""
import numpy as np
import pytest
from interp_checks import Readout

@pytest.fixture(scope="session")
def subject():
    features, labels = [], []
    for name, survivors in enumerate({SURVIVORS}):
        for image in range(2500):
            others = -1.0 if image < survivors else 0.5
            row = np.full(3, others)
            row[name] = 1.0 if others < 0 else 2.0
            features.append(row)
            labels.append(name)
    return Readout(
        np.array(features, np.float32), np.array(labels), np.diag([3.0, 2.0, 1.0]), np.zeros(3),
        ("a", "b", "c"),
    )
"""
SUITE = """
from pytest_interp_checks import claims

test_it = claims("dropping direction 1 leaves only classes \\"b\\" and \\"c\\" alive")
"""


@pytest.fixture(params=[80, 140])
def run(
    request: pytest.FixtureRequest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Any:
    monkeypatch.setenv("COLUMNS", str(request.param))
    pytester.makeconftest(SUBJECT)
    pytester.makepyfile(SUITE)
    return pytester.runpytest_inprocess(
        *("-p", "no:cacheprovider", "--interp-rotations=1"),
        *("--interp-report=r.json", "--interp-report=r.md"),
    )


def test_every_report_shows_recalls_beside_the_thresholds_as_what_they_are(run: Any) -> None:
    report = json.loads(Path("r.json").read_text("utf-8"))
    (subject,) = report["subjects"]
    rows = {row["label"]: row["correct"] for table in subject["tables"] for row in table["rows"]}
    assert [rows[f"all but {place + 1}"][place] for place in range(3)] == list(SURVIVORS)
    wanted = ["4.96", "49.6", "50.4"]
    terminal = [
        line.split()[3 + place]
        for place in range(3)
        for line in run.stdout.lines
        if line.startswith(f"all but {place + 1}")
    ]
    assert terminal == wanted
    markdown = Path("r.md").read_text("utf-8")
    cells = [
        re.search(rf"^\| all but {place + 1} \|(.*)", markdown, re.MULTILINE)[1].split("|")[place]  # type: ignore[index]
        for place in range(3)
    ]
    assert [cell.strip() for cell in cells] == ["**4.96**", "_49.6_", "50.4"]
    text = page(report, [None])
    for count, shown, mark in zip(SURVIVORS, wanted, (" dead", " ailing", ""), strict=True):
        found = re.findall(rf'<td class="heat([^"]*)"[^>]*title="{count} of 2500">(.*?)</td>', text)
        assert {(kind, re.sub("<.*>", "", cell)) for kind, cell in found} == {(mark, shown)}


def test_a_figure_of_recalls_calls_no_5_percent_dead() -> None:
    recall = np.array([[0.0496, 0.05, 0.0504], [0.496, 0.5, 0.504]])
    figure = figures.recall_table(["one", "two"], recall, ["a", "b", "c"], "Recall")
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["4.96", "5", "5.04", "49.6", "50", "50.4"]
    assert "1 dead: a under one (4.96 %)" in figure.alt
    shares = figures.predicted_shares(["one"], np.array([[0.0104, 0.0096]]), ["a", "b"], "Shares")
    assert [text.get_text() for text in shares.axes[0].texts] == ["1.04", "0.96"]
