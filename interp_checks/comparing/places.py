"""Where a test is, whichever folder its name begins in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """Where a test is.

    Args:
        parts: of the path of its file, from the run's root or from that of the file system.
        test: its name in the file, parameters included.
        in_repository: the parts from the top of its repository; None outside of one.
        above: folders that the file is in, nearest first; none for a saved run.
    """

    parts: tuple[str, ...]
    test: str
    in_repository: tuple[str, ...] | None
    above: tuple[Path, ...]

    @classmethod
    def of(cls, test: str, file: Path | None, within: str | None) -> Place:
        """The place of a test.

        Args:
            test: its name, as pytest has it.
            file: that it is in, where that is at hand; otherwise the name says it.
            within: the folder that the name begins in, within its repository, if it is known.
        """
        name, _, rest = test.partition("::")
        if file is not None:
            top = path_in_repository(file)
            inside = None if top is None else Path(top).parts
            return cls(file.parts, rest, inside, tuple(file.parents))
        inside = None if within is None else Path(os.path.normpath(Path(within) / name)).parts
        return cls(Path(name).parts, rest, inside, ())

    @property
    def parameters(self) -> str:
        """What tells the cases of one test function apart."""
        return self.test.partition("[")[2]

    def shared(self, other: Place) -> int:
        """How many parts the two paths have in common, if one ends as the other; else 0."""
        if self.in_repository is not None and other.in_repository is not None:
            return len(self.in_repository) if self.in_repository == other.in_repository else 0
        shorter, longer = sorted((self.parts, other.parts), key=len)
        return len(shorter) if longer[-len(shorter) :] == shorter else 0

    def is_sure(self, other: Place) -> bool:
        """Whether no other file could be meant by the other's path."""
        if self.in_repository is not None and other.in_repository is not None:
            return True
        return sum(folder.joinpath(*other.parts).is_file() for folder in self.above) < 2

    def has_beside_it(self, other: Place) -> bool:
        """Whether the other's file is in its place, seen from the folders that this one is in."""
        parts = other.parts if other.in_repository is None else other.in_repository
        return any(folder.joinpath(*parts).is_file() for folder in self.above)


def path_in_repository(path: Path) -> str | None:
    """The path of a file or folder within its repository, with slashes; None outside of one."""
    for folder in (path, *path.parents):
        if (folder / ".git").exists():
            return path.relative_to(folder).as_posix()
    return None
