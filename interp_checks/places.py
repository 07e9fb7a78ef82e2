"""Where a test is, whichever folder its name begins in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """Where a test is.

    Args:
        parts: of the path of its file, from the run's root or from the file system's.
        test: its name in the file, parameters included.
        known: the parts from the top of its repository; None outside of one.
        above: folders that the file is in, nearest first; none for a saved run.
    """

    parts: tuple[str, ...]
    test: str
    known: tuple[str, ...] | None
    above: tuple[Path, ...]

    @classmethod
    def of(cls, test: str, root: Path | None, within: str | None) -> Place:
        """The place of a test.

        Args:
            test: its name, as pytest has it.
            root: the folder that the name begins in, where that is at hand.
            within: otherwise that folder's path within its repository, if it is known.
        """
        name, _, rest = test.partition("::")
        if root is not None:
            within = root_in_repository(root)
        known = None if within is None else Path(os.path.normpath(Path(within) / name)).parts
        path = Path(os.path.normpath(root / name)) if root is not None else Path(name)
        above = tuple(path.parents) if root is not None else ()
        return cls(path.parts, rest, known, above)

    @property
    def parameters(self) -> str:
        """What tells the cases of one test function apart."""
        return self.test.partition("[")[2]

    def shared(self, other: Place) -> int:
        """How many parts the two paths have in common, if one ends as the other; else 0."""
        if self.known is not None and other.known is not None:
            return len(self.known) if self.known == other.known else 0
        shorter, longer = sorted((self.parts, other.parts), key=len)
        return len(shorter) if longer[-len(shorter) :] == shorter else 0

    def is_sure(self, other: Place) -> bool:
        """Whether no other file could be meant by the other's path."""
        if self.known is not None and other.known is not None:
            return True
        return sum(folder.joinpath(*other.parts).is_file() for folder in self.above) < 2

    def has_beside_it(self, other: Place) -> bool:
        """Whether the other's file is in its place, seen from the folders that this one is in."""
        parts = other.parts if other.known is None else other.known
        return any(folder.joinpath(*parts).is_file() for folder in self.above)


def root_in_repository(root: Path) -> str | None:
    """A folder's path within its repository, with slashes; None outside of one."""
    for folder in (root, *root.parents):
        if (folder / ".git").exists():
            return root.relative_to(folder).as_posix()
    return None
