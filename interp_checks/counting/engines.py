"""Three ways to count predictions under ablations, with equal counts: numpy, compiled, torch.

All of them add up logits in float64 (or prove that float32 cannot matter) and resolve ties as
:func:`interp_checks.counting.sweep.first_largest` does, so the order of summation decides nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from interp_checks.arrays import Array, IntArray
from interp_checks.errors import InterpChecksError
from interp_checks.readouts.readout import Readout

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

    def clear(self) -> None:
        """Count from the start."""
        for counts in self:
            if counts is not None:
                counts.fill(0)


@dataclass(frozen=True)
class Job:
    """What is to be counted.

    Args:
        readout: features, labels and head.
        members: [A, r], whether each direction stays under each ablation.
        intact: intact predictions, [N].
        confusion: whether to keep whole confusion counts.
        threads: to use at most.
        progress: told about each block.
        subsets: the ablations are all subsets, in the order of their numbers.
    """

    readout: Readout
    members: Array
    intact: IntArray
    confusion: bool
    threads: int
    progress: Progress | None = None
    subsets: bool = False

    def blocks(self, bytes_per_image: int) -> Iterator[slice]:
        """The images, a block at a time."""
        size = max(1, min(_MOST_IMAGES, _BLOCK_BYTES // bytes_per_image))
        for start in range(0, len(self.readout), size):
            block = slice(start, min(start + size, len(self.readout)))
            yield block
            if self.progress is not None:
                self.progress(block.stop, len(self.readout))


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


def require_engine(engine: str) -> None:
    """Refuse an engine that there is not.

    Raises:
        InterpChecksError: there is no such engine.
    """
    if engine not in ENGINES:
        raise InterpChecksError(f"there is no engine {engine!r}", expected=", ".join(ENGINES))


def choose(engine: Engine, job: Job) -> Engine:
    """The engine to use: the one asked for, or the one that is done first.

    Raises:
        InterpChecksError: there is no such engine.
    """
    require_engine(engine)
    if engine != "auto":
        return engine
    ablations, directions = job.members.shape
    work = ablations * len(job.readout) * len(job.readout.class_names) * (1 + directions // 16)
    torch = sys.modules.get("torch")
    if torch is not None and work > 100 * _WORTH_LOADING and torch.cuda.is_available():
        return "torch"
    if work < _WORTH_LOADING and "interp_checks.counting.compiled_engine" not in sys.modules:
        return "numpy"
    return "compiled" if can_compile() else "numpy"


def can_compile() -> bool:
    """Whether numba is there, and is not told to compile nothing."""
    try:
        import numba
    except ImportError:
        return False
    return not numba.config.DISABLE_JIT  # type: ignore[attr-defined]


def count(engine: Engine, job: Job) -> Counts:
    """Count with an engine.

    Raises:
        InterpChecksError: there is no such engine.
    """
    chosen = choose(engine, job)
    counter = {"numpy": count_with_numpy, "compiled": _with_kernels, "torch": _with_torch}[chosen]
    return counter(job)


def count_with_numpy(job: Job) -> Counts:
    """Count with numpy, which the other engines must agree with."""
    from .sweep import argmax_over, confusion

    readout = job.readout
    classes = len(readout.class_names)
    counts = Counts.none(len(job.members), classes, job.confusion)
    vectors = readout.directions.classes
    for block in job.blocks(8 * (len(readout.directions) + 2 * classes)):
        # In the order of labels, images of a class are counted by one sum.
        order = by_label(readout.labels[block])
        labels = readout.labels[block][order]
        present, starts = np.unique(labels, return_index=True)
        was_right = job.intact[block][order] == labels
        coefficients = np.take(readout.coefficients_of(block), order, axis=1)
        for row, members in enumerate(job.members):
            kept = [int(index) + 1 for index in np.flatnonzero(members)]
            predicted = argmax_over(coefficients, vectors, readout.bias, kept, readout.tie)
            hit = predicted == labels
            counts.right[row, present] += np.add.reduceat(hit, starts, dtype=np.int64)
            counts.both[row, present] += np.add.reduceat(hit & was_right, starts, dtype=np.int64)
            if counts.confusion is not None:
                counts.confusion[row] += confusion(labels, predicted, classes)
    return counts


def _with_kernels(job: Job) -> Counts:
    from .compiled_engine import count_compiled

    counts = count_compiled(job)
    return count_with_numpy(job) if counts is None else counts


def _with_torch(job: Job) -> Counts:
    """On the graphics processor where there is one, in float64."""
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    readout = job.readout
    classes = len(readout.class_names)
    counts = Counts.none(len(job.members), classes, job.confusion)
    members = torch.from_numpy(job.members).to(device, torch.float64)
    vectors = torch.from_numpy(np.ascontiguousarray(readout.directions.classes)).to(device)
    bias = torch.from_numpy(readout.bias).to(device)
    was_right = torch.from_numpy(job.intact == readout.labels).to(device)
    every = torch.arange(classes, device=device)
    for block in job.blocks(8 * (len(readout.directions) + 6 * classes)):
        along = torch.from_numpy(np.ascontiguousarray(readout.coefficients_of(block))).to(device)
        labels = torch.from_numpy(readout.labels[block]).to(device)
        right_before = was_right[block]
        together = max(1, _BLOCK_BYTES // (16 * classes * len(labels)))
        for start in range(0, len(job.members), together):
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
