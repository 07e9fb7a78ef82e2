"""Features that are written to a file as they are read, and mapped when all are there."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from interp_checks.arrays import Array


class MappedRows:
    """Rows of one width and type, one batch after another.

    Args:
        path: of the file, which is replaced.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._file = self.path.open("wb")
        self._shape: tuple[int, int] = (0, 0)
        self._type: np.dtype[np.generic] | None = None

    def append(self, rows: Array) -> None:
        """Write a batch, [n, Z]; of the type of the first batch."""
        self._type = self._type or rows.dtype
        self._file.write(np.ascontiguousarray(rows, dtype=self._type).data.cast("B"))
        self._shape = self._shape[0] + len(rows), rows.shape[1]

    def mapped(self) -> Array:
        """All rows, [N, Z], read from the file when they are looked at."""
        self._file.close()
        return np.memmap(self.path, self._type or np.float32, "r", shape=self._shape)
