"""Reports of a head with very many classes are readable, and say what they leave out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest

from interp_checks import Readout, save_snapshot
from interp_checks.report.shown_classes import note_on, shown_classes

SUITE = """
from pytest_interp_checks import claims

test_many = claims(
    "some direction, dropped alone, costs more than 2 points of accuracy",
    "dropping direction 1 spares class 7",
)
"""


@pytest.fixture(scope="module")
def many() -> Readout:
    """300 classes and 260 directions, well apart."""
    rng = np.random.default_rng(0)
    left = np.linalg.qr(rng.normal(size=(300, 260)))[0]
    right = np.linalg.qr(rng.normal(size=(260, 260)))[0]
    weight = left * (0.98 ** np.arange(260)) @ right.T
    labels = np.arange(3000) % 300
    features = 3 * weight[labels] + rng.normal(size=(3000, 260)) * 0.15
    return Readout(features.astype(np.float32), labels, weight)


def test_reports_stay_small(pytester: pytest.Pytester, many: Readout) -> None:
    save_snapshot(many, pytester.path / "many.safetensors")
    pytester.makepyfile(test_suite=SUITE)
    reports = [f"--interp-report=r.{kind}" for kind in ("md", "html", "json", "csv")]
    result = pytester.runpytest_inprocess(
        "-p", "no:cacheprovider", "-v", "--interp-rotations=0",
        "--interp-checkpoint=many.safetensors", *reports,
    )  # fmt: skip
    assert result.ret == 1
    start = next(at for at, line in enumerate(result.outlines) if "= interpretability" in line)
    ours = [line for line in result.outlines[start:] if not line.startswith(("=", "FAILED"))]
    assert max(map(len, ours)) <= 80
    tables = [line for line in ours if re.match(r"all but \d", line)]
    assert 1 < len(tables) <= 101
    page = Path("r.html").read_text("utf-8")
    assert len(page) < 2_000_000
    assert "30 of 300 classes are shown" in page
    assert "not drawn for 300 classes and 260 directions" in page
    assert max(line.count("|") for line in Path("r.md").read_text("utf-8").splitlines()) <= 33
    (subject,) = json.loads(Path("r.json").read_text("utf-8"))["subjects"]
    assert len(subject["intact"]["correct"]) == 300
    assert subject["intact"]["predicted"] is None


def test_the_classes_that_change_most_are_shown() -> None:
    support, intact = [10] * 60, [9] * 60
    changed = {41: 0, 3: 5, 59: 7}
    rows = [{"correct": [changed.get(place, 9) for place in range(60)]}]
    subject = {"support": support, "intact": {"correct": intact}, "classes": ["c"] * 60}
    shown = shown_classes(subject, rows)
    assert len(shown) == 30
    assert set(changed) <= set(shown)
    assert shown == sorted(shown)
    assert note_on(shown, subject).startswith("30 of 60 classes are shown")
    few = {"support": [1] * 50, "intact": {"correct": [1] * 50}, "classes": ["c"] * 50}
    assert shown_classes(few, []) == list(range(50))
    assert note_on(list(range(50)), few) == ""
