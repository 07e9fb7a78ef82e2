"""A project whose tests end in every way that pytest knows, and what its report says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest
from made_readouts import dictated

from interp_checks import save_snapshot

DOCS = Path(__file__).parents[1] / "docs"

#: 400 images of four classes (and one without any), 98 % right.
IMAGES = {(0, 0, 1): 100, (1, 1, 1): 100, (2, 2, 2): 100, (3, 3, 3): 92, (3, 0, 0): 8}

CONFTEST = """
import os, time
import pytest

def pytest_configure():
    # Other tests draw exhibits; they would take most of the time of these.
    from interp_fixtures.thesis_figures import draw_all, registry
    registry.REGISTRY.clear()

@pytest.fixture
def raises():
    raise RuntimeError("a fixture | broke")

@pytest.fixture
def raises_at_the_end():
    yield
    raise RuntimeError("the end broke")

@pytest.fixture
def skips():
    pytest.skip("no model today")

@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    name = pyfuncitem.originalname
    if name == "test_test_raises":
        raise MemoryError("no memory left")
    if name == "test_timed_out":
        time.sleep(5)
    if name == "test_nothing_judges":
        return True
    if name == "test_crashed":
        os._exit(3)
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    save_snapshot(dictated(IMAGES), pytester.path / "made.safetensors")
    pytester.makeconftest(CONFTEST)
    return pytester


OPTIONS = ("-p", "no:cacheprovider", "--interp-rotations=0", "--interp-checkpoint=made.safetensors")


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess(*OPTIONS, *options)


def report_in(path: str = "r.json") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
    schema = json.loads((DOCS / "report.schema.json").read_text("utf-8"))
    jsonschema.validate(found, schema)
    return found


def claims_in(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        *(claim for subject in report["subjects"] for claim in subject["claims"]),
        *report["without_subject"],
    ]
