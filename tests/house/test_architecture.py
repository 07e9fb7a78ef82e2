"""The pages on how the project is built and how to work on it name only what exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from imports_of_the_house import ROOT

PAGES = ("docs/architecture.md", "CONTRIBUTING.md")
#: What stands at the top of the checkout: a path in a page begins with one of these.
TOP = {path.name for path in ROOT.iterdir()}
#: Paths that the reader of a page makes.
MADE = {"interp_checks/claims/predicates/kills_every_but.py"}


def paths_in(page: str) -> Iterator[str]:
    """Words in backticks, or in a block of commands, that are paths from the top."""
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    prose = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    for code in [*re.findall(r"`([^`]+)`", prose), *blocks]:
        for word in code.split():
            path = word.split("::")[0]
            first, slash, _ = path.partition("/")
            if first in TOP and (slash or Path(first).suffix):
                yield path


def links_in(page: str) -> Iterator[str]:
    """Where the page's links to other files lead."""
    for target in re.findall(r"\]\(([^)]+)\)", page):
        if "://" not in target and not target.startswith("#"):
            yield target.split("#")[0]


@pytest.mark.parametrize("name", PAGES)
def test_every_path_exists(name: str) -> None:
    page = (ROOT / name).read_text(encoding="utf-8")
    paths = set(paths_in(page)) - MADE
    assert len(paths) > 10
    assert not {path for path in paths if not (ROOT / path).exists()}


def test_the_verb_of_the_recipe_is_the_one_that_is_tested() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    verb = (ROOT / "tests" / "kills_every_but.py").read_text(encoding="utf-8")
    assert f"```python\n{verb}```\n" in page


@pytest.mark.parametrize(
    "name", [*PAGES, *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
)
def test_every_link_leads_to_a_file(name: str) -> None:
    page = ROOT / name
    links = set(links_in(page.read_text(encoding="utf-8")))
    assert not {link for link in links if not (page.parent / link).exists()}
