"""Three ways to count predictions under ablations, with equal counts: numpy, compiled, torch.

All of them add up logits in float64 (or prove that float32 cannot matter) and resolve ties as
:func:`interp_checks.sweeps.first_largest` does, so the order of summation decides nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from ._arrays import Array, FloatArray, IntArray
from .errors import InterpChecksError
from .readout import Readout
from .subsets import Subsets

Engine = Literal["auto", "numpy", "compiled", "torch"]
ENGINES: tuple[Engine, ...] = ("auto", "numpy", "compiled", "torch")

#: Told how much of the work is done, and how much there is.
Progress = Callable[[int, int], None]

#: Logits that numpy computes while compiled code is still being loaded.
_WORTH_LOADING = 4 * 10**8
#: Bytes of a block of images with all that is computed from it.
_BLOCK_BYTES = 200_000_000
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


@dataclass(frozen=True)
class Job:
    """What is to be counted.

    Args:
        readout: features, labels and head.
        kept: the sets of directions that stay.
        intact: intact predictions, [N].
        confusion: whether to keep whole confusion counts.
        threads: to use at most.
        progress: told about each block.
    """

    readout: Readout
    kept: Sequence[tuple[int, ...]] | Subsets
    intact: IntArray
    confusion: bool
    threads: int
    progress: Progress | None = None

    def memberships(self) -> Array:
        """Whether each direction stays under each ablation, [A, r]."""
        count = len(self.readout.directions)
        if isinstance(self.kept, Subsets):
            numbers = np.arange(len(self.kept), dtype=np.int64)
            columns = [(numbers >> index & 1).astype(np.uint8) for index in range(count)]
            return np.stack(columns, axis=1)
        members = np.zeros((len(self.kept), count), dtype=np.uint8)
        for row, kept in enumerate(self.kept):
            members[row, [index - 1 for index in kept]] = 1
        return members

    def blocks(self, bytes_per_image: int) -> Iterator[tuple[slice, FloatArray]]:
        """Images with their coefficients [r, n], a block at a time."""
        size = max(1, min(_MOST_IMAGES, _BLOCK_BYTES // bytes_per_image))
        for start in range(0, len(self.readout), size):
            block = slice(start, min(start + size, len(self.readout)))
            yield block, self.readout.coefficients_of(block)
            if self.progress is not None:
                self.progress(block.stop, len(self.readout))


def available_threads() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose(engine: Engine, job: Job) -> Engine:
    """The engine to use: the one asked for, or the one that is done first.

    Raises:
        InterpChecksError: there is no such engine, or it is not installed.
    """
    if engine not in ENGINES:
        raise InterpChecksError(f"there is no engine {engine!r}", expected=", ".join(ENGINES))
    if engine != "auto":
        return engine
    directions = len(job.readout.directions)
    logits = len(job.kept) * len(job.readout) * len(job.readout.class_names)
    work = logits * (1 + directions // 16)
    torch = sys.modules.get("torch")
    if torch is not None and work > 100 * _WORTH_LOADING and torch.cuda.is_available():
        return "torch"
    if work < _WORTH_LOADING and "interp_checks.compiled" not in sys.modules:
        return "numpy"
    try:
        import numba  # noqa: F401
    except ImportError:
        return "numpy"
    return "compiled"


def count(engine: Engine, job: Job) -> Counts:
    """Count with an engine.

    Raises:
        InterpChecksError: there is no such engine.
    """
    chosen = choose(engine, job)
    counter = {"numpy": _with_numpy, "compiled": _with_kernels, "torch": _with_torch}[chosen]
    return counter(job)


def _with_numpy(job: Job) -> Counts:
    from .sweeps import argmax_over, confusion

    readout = job.readout
    classes = len(readout.class_names)
    counts = Counts.none(len(job.kept), classes, job.confusion)
    was_right = job.intact == readout.labels
    every = [_members(job.kept, row) for row in range(len(job.kept))]
    width = 8 * (len(readout.directions) + 2 * classes)
    for block, coefficients in job.blocks(width):
        labels = readout.labels[block]
        for row, kept in enumerate(every):
            predicted = argmax_over(
                coefficients, readout.directions.classes, readout.bias, kept, readout.tie
            )
            hit = predicted == labels
            counts.right[row] += np.bincount(labels[hit], minlength=classes)
            both = labels[hit & was_right[block]]
            counts.both[row] += np.bincount(both, minlength=classes)
            if counts.confusion is not None:
                counts.confusion[row] += confusion(labels, predicted, classes)
    return counts


def _members(kept: Sequence[tuple[int, ...]] | Subsets, row: int) -> tuple[int, ...]:
    return kept[row].kept(kept.directions) if isinstance(kept, Subsets) else kept[row]


def _with_kernels(job: Job) -> Counts:
    from .compiled import count_compiled

    return count_compiled(job)


def _with_torch(job: Job) -> Counts:
    """On the graphics processor where there is one, in float64."""
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    readout = job.readout
    classes = len(readout.class_names)
    counts = Counts.none(len(job.kept), classes, job.confusion)
    members = torch.from_numpy(job.memberships()).to(device, torch.float64)
    vectors = torch.from_numpy(np.ascontiguousarray(readout.directions.classes)).to(device)
    bias = torch.from_numpy(readout.bias).to(device)
    was_right = torch.from_numpy(job.intact == readout.labels).to(device)
    every = torch.arange(classes, device=device)
    for block, coefficients in job.blocks(8 * (len(readout.directions) + 6 * classes)):
        along = torch.from_numpy(np.ascontiguousarray(coefficients)).to(device)
        labels = torch.from_numpy(readout.labels[block]).to(device)
        right_before = was_right[block]
        together = max(1, _BLOCK_BYTES // (16 * classes * len(labels)))
        for start in range(0, len(job.kept), together):
            rows = slice(start, start + together)
            logits = (vectors * members[rows, None, :]) @ along + bias[:, None]
            reached = logits >= logits.max(dim=1, keepdim=True).values - readout.tie
            predicted = torch.where(reached, every[:, None], classes).min(dim=1).values
            hit = predicted == labels
            many = len(predicted)
            place = torch.arange(many, device=device)[:, None] * classes + labels
            for mask, into in ((hit, counts.right), (hit & right_before, counts.both)):
                found = torch.bincount(place[mask], minlength=many * classes)
                into[rows] += found.reshape(many, classes).cpu().numpy()
            if counts.confusion is not None:
                pairs = place * classes + predicted
                found = torch.bincount(pairs.ravel(), minlength=many * classes**2)
                counts.confusion[rows] += found.reshape(many, classes, classes).cpu().numpy()
    return counts
