"""What is to be counted, and what was: the words that all engines share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from interp_checks.arrays import Array, IntArray

from .head import Head

#: Told how much of the work is done, and how much there is.
Progress = Callable[[int, int], None]

#: Bytes of a block of images with all that is computed from it.
BLOCK_BYTES = 200_000_000
_MOST_IMAGES = 65536


class Counts(NamedTuple):
    """What a sweep counts.

    ``confusion`` is [A, K, K] or None where that was too much to keep; ``right`` and ``both``
    are [A, K]: images of each class that are right, and right intact as well.
    """

    confusion: IntArray | None
    right: IntArray
    both: IntArray

    @classmethod
    def none(cls, ablations: int, classes: int, confusion: bool) -> Counts:
        """Nothing counted yet."""
        return cls(
            np.zeros((ablations, classes, classes), dtype=np.int64) if confusion else None,
            np.zeros((ablations, classes), dtype=np.int64),
            np.zeros((ablations, classes), dtype=np.int64),
        )

    def clear(self) -> None:
        """Count from the start."""
        for counts in self:
            if counts is not None:
                counts.fill(0)


@dataclass(frozen=True)
class Job:
    """What is to be counted.

    Args:
        head: with features and labels.
        members: [A, r], whether each direction stays under each ablation.
        intact: intact predictions, [N].
        confusion: whether to keep whole confusion counts.
        threads: to use at most.
        progress: told about each block.
        subsets: the ablations are all subsets, in the order of their numbers.
    """

    head: Head
    members: Array
    intact: IntArray
    confusion: bool
    threads: int
    progress: Progress | None = None
    subsets: bool = False

    def blocks(self, bytes_per_image: int) -> Iterator[slice]:
        """The images, a block at a time."""
        size = max(1, min(_MOST_IMAGES, BLOCK_BYTES // bytes_per_image))
        for start in range(0, len(self.head), size):
            block = slice(start, min(start + size, len(self.head)))
            yield block
            if self.progress is not None:
                self.progress(block.stop, len(self.head))


def by_label(labels: IntArray) -> IntArray:
    """The images sorted by label, in their order within each, [n]."""
    # Small whole numbers are sorted by their digits.
    small = labels.astype(np.min_scalar_type(labels.max()))
    return np.argsort(small, kind="stable")


def available_threads() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
