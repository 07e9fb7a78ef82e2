"""Imports run one way: from the top of the house to the bottom, and never in a circle."""

from __future__ import annotations

from pathlib import Path

import pytest
from imports_of_the_house import (
    PACKAGES,
    ROOT,
    House,
    Import,
    graph_of,
    house_of,
    imports_of,
    module_files,
    without_doors,
)

#: The folders and modules of interp_checks, from the bottom to the top.
ORDER = (
    *("errors", "thresholds", "wording", "printable", "arrays", "phrases"),
    *("optional_packages", "files"),
    "statistics",
    "ablations",
    "counting",
    "networks",
    "drawing_models",
    "readouts",
    "capturing",
    "claims",
    "judging",
    "comparing",
    "record",
    "discovery",
    "discovered_suite",
    "report",
)
#: What each package may not import.
FORBIDDEN = {
    "interp_checks": ("interp_fixtures", "pytest_interp_checks", "suites"),
    "interp_fixtures": ("pytest_interp_checks", "suites"),
    "pytest_interp_checks": ("suites",),
}


def read(packages: dict[str, Path], root: Path = ROOT) -> tuple[tuple[Import, ...], House]:
    """All imports within these packages, and the house without the packages' own files."""
    files = module_files(packages)
    imports = imports_of(files, root)
    return imports, house_of(without_doors(graph_of(imports, files)))


@pytest.fixture(scope="module")
def everything() -> tuple[tuple[Import, ...], House]:
    return read({**PACKAGES, "suites": ROOT / "suites"})


def upwards(imports: tuple[Import, ...]) -> list[Import]:
    """Those that run from a folder of interp_checks to one above it, or to its door."""
    wrong = []
    for one in imports:
        if one.importer == "interp_checks" or not one.importer.startswith("interp_checks."):
            continue
        if one.imported == "interp_checks":
            wrong.append(one)
        elif one.imported.startswith("interp_checks."):
            floors = [ORDER.index(name.split(".")[1]) for name in (one.importer, one.imported)]
            wrong += [one] * (floors[1] > floors[0])
    return wrong


def forbidden(imports: tuple[Import, ...]) -> list[Import]:
    """Those that run from a package to one above it."""
    return [
        one
        for one in imports
        if one.imported.split(".")[0] in FORBIDDEN.get(one.importer.split(".")[0], ())
    ]


def edges(imports: list[Import]) -> set[str]:
    return {f"{one.importer} imports {one.imported}" for one in imports}


def test_every_folder_has_a_floor() -> None:
    folder = PACKAGES["interp_checks"]
    names = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    names |= {path.parent.name for path in folder.glob("*/__init__.py")}
    assert names == set(ORDER)


def test_imports_run_from_the_top_to_the_bottom(
    everything: tuple[tuple[Import, ...], House],
) -> None:
    wrong = upwards(everything[0])
    assert not wrong, "these imports run back up:\n" + "\n".join(map(str, wrong))


def test_packages_import_one_way(everything: tuple[tuple[Import, ...], House]) -> None:
    wrong = forbidden(everything[0])
    assert not wrong, "these imports run back up:\n" + "\n".join(map(str, wrong))


def test_there_is_no_circle(everything: tuple[tuple[Import, ...], House]) -> None:
    imports, house = everything
    closing = [
        str(one)
        for one in imports
        for circle in house.circles
        if {one.importer, one.imported} <= circle
    ]
    assert not closing, "these imports make a circle:\n" + "\n".join(closing)


# --- what the tests above see -------------------------------------------------------------------


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Path]:
    """A package in which every import runs back up, each in a way of its own."""
    files = {
        "__init__.py": "from .claims import claim",
        "errors.py": "if TYPE_CHECKING:\n\n    from .files import a",
        "files/__init__.py": "",
        "files/a.py": "def late():\n\n    from interp_checks.counting.head import Head",
        "counting/__init__.py": "",
        "counting/head.py": "import interp_checks.claims.claim as claim",
        "counting/sweep.py": "from ..judging import judge\nfrom . import head, other",
        "counting/other.py": "from .sweep import sweep",
        "claims/__init__.py": "",
        "claims/claim.py": 'importlib.import_module("interp_checks.judging.judge")',
        "judging/__init__.py": "",
        "judging/judge.py": "from interp_checks import errors, dropping\nimport json, suites.mine",
    }
    for name, text in files.items():
        path = tmp_path / "interp_checks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "mine.py").write_text("import interp_checks")
    return {name: tmp_path / name for name in ("interp_checks", "suites")}


def test_every_way_to_import_is_read(made: dict[str, Path], tmp_path: Path) -> None:
    imports, house = read(made, tmp_path)
    assert [str(one) for one in upwards(imports)] == [
        "interp_checks/claims/claim.py:1: interp_checks.claims.claim imports "
        "interp_checks.judging.judge",
        "interp_checks/counting/head.py:1: interp_checks.counting.head imports "
        "interp_checks.claims.claim",
        "interp_checks/counting/sweep.py:1: interp_checks.counting.sweep imports "
        "interp_checks.judging.judge",
        "interp_checks/errors.py:3: interp_checks.errors imports interp_checks.files.a",
        "interp_checks/files/a.py:3: interp_checks.files.a imports interp_checks.counting.head",
        "interp_checks/judging/judge.py:1: interp_checks.judging.judge imports interp_checks",
    ]
    assert [str(one) for one in forbidden(imports)] == [
        "interp_checks/judging/judge.py:2: interp_checks.judging.judge imports suites.mine"
    ]
    assert set(house.circles) == {
        frozenset(
            "interp_checks." + name
            for name in ("errors", "files.a", "counting.head", "claims.claim", "judging.judge")
        ),
        frozenset({"interp_checks.counting.sweep", "interp_checks.counting.other"}),
    }


def test_floors_are_the_longest_chain() -> None:
    graph = {"a": {"b", "d"}, "b": {"c"}, "c": {"b"}, "d": {"e"}, "e": {"f"}, "f": set()}
    house = house_of(graph)
    assert (house.modules, house.floors) == (6, 4)
    assert house.circles == (frozenset({"b", "c"}),)
