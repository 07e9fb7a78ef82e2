"""Suites with claims that need images, and their reports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import PIL.Image  # noqa: F401
import pytest
import sklearn.datasets  # noqa: F401
import torch

import interp_fixtures.drawing_models.drawings  # noqa: F401

FEW = ("-p", "no:cacheprovider", "--interp-rotations=5")


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """On a busy machine, many threads are far slower for models as small as these."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess(*FEW, *options)


def report(path: str = "r.json") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
    schema = Path(__file__).parents[1] / "docs" / "report.schema.json"
    jsonschema.validate(found, json.loads(schema.read_text("utf-8")))
    return found
