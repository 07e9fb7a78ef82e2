"""A suite with a claim of every outcome, and its report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest

SUITE = """
from pytest_interp_checks import claims, not_replicated

test_facts = claims("accuracy is above 80 %", "accuracy is above 99 %", "accuracy is above 93 %")
test_dropped = claims(
    "dropping direction 4 leaves only classes 0, 2, 3, 4, 5, 6, 7, 8 and 9 alive",
    "dropping direction 14 kills class 8",
    "dropping directions 2 and 7 kills class 3",
    not_replicated("dropping direction 5 kills class 8", reference="digits"),
    source="T18",
)
test_kept = claims("keeping the first 2 directions keeps accuracy below 60 %")
"""
COUNT = 8
OPTIONS = ("-p", "no:cacheprovider", "--interp-dataset=digits", "--interp-rotations=20")
EPOCH = "1700000000"


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess(*OPTIONS, *options)


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", EPOCH)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    pytester.makepyfile(test_suite=SUITE)
    return pytester


@pytest.fixture
def report(suite: pytest.Pytester) -> dict[str, Any]:
    run(suite, "--interp-report=r.json")
    found: dict[str, Any] = json.loads(Path("r.json").read_text("utf-8"))
    return found
