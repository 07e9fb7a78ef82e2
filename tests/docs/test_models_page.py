"""What docs/models.md says works: every row has its lines, and these run as they stand."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interp_checks import Readout

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
SECTION = PAGE.split("\n## What works\n", 1)[1]
PREPARED, *_ = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
LINES = dict(re.findall(r"\n\*\*(.*?)\*\*\n\n```python\n(.*?)```", SECTION, re.DOTALL))
#: Libraries that need not be there, by what is said of them.
OPTIONAL = ("timm", "transformers")


def test_every_row_has_its_lines() -> None:
    rows = re.findall(r"\n\| ([^|]+?) \|", SECTION)
    assert rows == list(LINES)
    assert SECTION.count("```python") == len(LINES) + 1
    for lines in LINES.values():
        assert len([line for line in lines.splitlines() if line]) <= 5


@pytest.fixture
def prepared() -> dict[str, Any]:
    """The names that the lines have, as far as their libraries are there."""
    torch.manual_seed(0)
    names: dict[str, Any] = {}
    there = {name for name in OPTIONAL if _is_there(name)}
    for statement in ast.parse(PREPARED).body:
        if isinstance(statement, ast.Import):
            libraries = [alias.name for alias in statement.names]
            for name in [name for name in libraries if name not in OPTIONAL or name in there]:
                exec(f"import {name}", names)
        elif "transformers" in there or "transformers" not in ast.unparse(statement):
            exec(ast.unparse(statement), names)
    return names


def _is_there(name: str) -> bool:
    try:
        __import__(name)
    except ImportError:
        return False
    return True


@pytest.mark.parametrize("row", LINES)
def test_the_lines_of_a_row_run(row: str, prepared: dict[str, Any]) -> None:
    for name in OPTIONAL:
        if f"{name}." in LINES[row]:
            pytest.importorskip(name, exc_type=ImportError)
    exec(compile(LINES[row], row, "exec"), prepared)
    readout = prepared["readout"]
    assert isinstance(readout, Readout)
    assert len(readout) == 20
    assert len(readout.weight) == (2 if row == "a single logit" else 4)
    expected = prepared["labels"] % len(readout.weight)
    np.testing.assert_array_equal(readout.labels, expected)
    if row == "Hugging Face classifiers of text":
        assert readout.class_names == ("ant", "bee", "cat", "dog")
