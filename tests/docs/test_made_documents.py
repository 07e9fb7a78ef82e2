"""What the documents say of the language is what the code says: nobody forgot to make them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("make_documents", ROOT / "docs" / "make.py")
assert SPEC is not None
assert SPEC.loader is not None
make = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(make)


@pytest.mark.parametrize("path", list(make.made()), ids=lambda path: path.name)
def test_documents_are_as_the_code_makes_them(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == make.made()[path], "run python docs/make.py"


def test_every_table_has_a_place_in_a_document() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in make.made())
    assert all(f"<!-- made: {name} -->" in texts for name in make.TABLES)


def test_a_table_that_is_out_of_date_is_made_again() -> None:
    old = "before\n<!-- made: effects -->\n| old |\n<!-- end -->\nafter"
    new = make.document(old)
    assert "| old |" not in new
    assert "| `kills class 8` | recall under 5 %, and above 50 % before |" in new
    assert new.startswith("before\n")
    assert new.endswith("\nafter")
