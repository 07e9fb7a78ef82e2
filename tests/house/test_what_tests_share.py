"""What tests share lies in modules beside conftest.py, and their oracle is independent."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import naive
import pytest

TESTS = Path(__file__).parents[1]


def imported_by(path: Path) -> Iterator[str]:
    """Modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_no_test_imports_another() -> None:
    importing = {
        path.name: taken
        for path in TESTS.rglob("*.py")
        if (taken := [name for name in imported_by(path) if name.startswith("test_")])
    }
    assert importing == {}


@pytest.mark.parametrize("package", ["interp_checks", "interp_fixtures", "pytest_interp_checks"])
def test_the_oracle_shares_no_code_with_the_library(package: str) -> None:
    taken = list(imported_by(Path(naive.__file__)))
    assert "numpy" in taken
    assert not [name for name in taken if name.split(".")[0] == package]
