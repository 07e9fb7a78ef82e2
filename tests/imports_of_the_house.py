"""Reads what every module imports; run by itself it prints the floors and circles of the house.

``python tests/imports_of_the_house.py`` counts modules, the floors that they stand on (the longest
chain of imports, a circle counting as one floor), and the circles (modules that import each other,
by whatever way round).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Where each package's folder is.
PACKAGES = {
    "interp_checks": ROOT / "interp_checks",
    "pytest_interp_checks": ROOT / "plugin" / "pytest_interp_checks",
    "interp_fixtures": ROOT / "fixtures" / "interp_fixtures",
}


@dataclass(frozen=True)
class Import:
    """One module imports another.

    Attributes:
        path: of the file, from the root of the project.
        line: in that file.
        importer: the name of the module.
        imported: the name of the module that it imports, in one of the packages.
    """

    path: str
    line: int
    importer: str
    imported: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.importer} imports {self.imported}"


def module_files(packages: Mapping[str, Path] = PACKAGES) -> dict[str, Path]:
    """The file of every module, by the module's name."""
    files = {}
    for package, folder in packages.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            inside = parts[:-1] if parts[-1] == "__init__" else parts
            files[".".join((package, *inside))] = path
    return files


def imports_of(files: Mapping[str, Path], root: Path = ROOT) -> tuple[Import, ...]:
    """Every import of one of these modules by another, wherever in its file it stands.

    Inside functions and under ``TYPE_CHECKING`` too, absolute or relative, and by
    ``import_module`` of a name that is written out.
    """
    found: list[Import] = []
    for importer, path in files.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        shown = path.relative_to(root).as_posix()
        for node in ast.walk(tree):
            names = _named_by(node, importer, is_package=path.name == "__init__.py")
            for name in names:
                imported = _module_in(files, name)
                if imported is not None and imported != importer:
                    found.append(Import(shown, getattr(node, "lineno", 1), importer, imported))
    return tuple(dict.fromkeys(found))


def _named_by(node: ast.AST, importer: str, *, is_package: bool) -> Iterator[str]:
    """The dotted names that a statement imports: modules, or names in them."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = node.level - is_package
        package = importer.split(".")
        base = package[: len(package) - above] if node.level else []
        whole = ".".join([*base, *([node.module] if node.module else [])])
        yield from (f"{whole}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and node.args:
        function = node.func
        name = getattr(function, "id", getattr(function, "attr", ""))
        first = node.args[0]
        if name == "import_module" and isinstance(first, ast.Constant):
            yield str(first.value)


def _module_in(files: Mapping[str, Path], name: str) -> str | None:
    """The module that a dotted name is, or is in; None if it is in none of these."""
    while name and name not in files:
        name = name.rpartition(".")[0]
    return name or None


def graph_of(imports: tuple[Import, ...], files: Mapping[str, Path]) -> dict[str, set[str]]:
    """What each module imports."""
    graph: dict[str, set[str]] = {module: set() for module in files}
    for one in imports:
        graph[one.importer].add(one.imported)
    return graph


@dataclass(frozen=True)
class House:
    """How modules stand on each other.

    Attributes:
        modules: how many.
        floors: modules in the longest chain of imports, a circle counting as one.
        circles: groups of modules, each of which imports every other in the end.
    """

    modules: int
    floors: int
    circles: tuple[frozenset[str], ...]


def house_of(graph: Mapping[str, set[str]]) -> House:
    """Count floors and circles."""
    reached = {module: _reached_from(module, graph) for module in graph}
    group_of = {
        module: frozenset(
            {module} | {other for other in reached[module] if module in reached[other]}
        )
        for module in graph
    }
    heights: dict[frozenset[str], int] = {}

    def height(group: frozenset[str]) -> int:
        if group not in heights:
            below = {group_of[name] for member in group for name in graph[member]} - {group}
            heights[group] = 1 + max(map(height, below), default=0)
        return heights[group]

    groups = set(group_of.values())
    circles = sorted((group for group in groups if len(group) > 1), key=lambda group: min(group))
    return House(len(graph), max(map(height, groups), default=0), tuple(circles))


def _reached_from(module: str, graph: Mapping[str, set[str]]) -> set[str]:
    """Every module that one imports, or that these import, and so on."""
    reached: set[str] = set()
    waiting = list(graph[module])
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += graph[name]
    return reached


def without_doors(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The same without packages' own files, which are doors to what is inside."""
    doors = set(PACKAGES)
    return {module: names - doors for module, names in graph.items() if module not in doors}


def main() -> None:
    """Print the house of each package, and of all together."""
    for packages in ({"interp_checks": PACKAGES["interp_checks"]}, PACKAGES):
        files = module_files(packages)
        house = house_of(without_doors(graph_of(imports_of(files), files)))
        print(f"{' + '.join(packages)}: {house.modules} modules on {house.floors} floors")
        print(f"{len(house.circles)} circles")
        for circle in house.circles:
            print("  " + ", ".join(sorted(circle)))


if __name__ == "__main__":
    main()
