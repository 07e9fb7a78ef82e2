"""The compiled engine: blocks of images cut into tasks that write to places of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import cast

import numpy as np

from . import kernels
from ._arrays import Array, FloatArray, IntArray
from .engines import Counts, Job
from .steps import FROM_EVERY, steps_through

#: Up to so many classes, images that share a label are counted together.
_FEW_CLASSES = 32
#: Rounding of float32, relative.
_UNIT = 2.0**-24


def count_compiled(job: Job) -> Counts:
    """Count with the kernels of :mod:`interp_checks.kernels`."""
    counts = Counts.none(len(job.kept), len(job.readout.class_names), job.confusion)
    plan = _Plan(job, counts)
    width, classes = plan.members.shape[1], len(job.readout.class_names)
    with ThreadPoolExecutor(job.threads) as pool:
        for block, coefficients in job.blocks(8 * (3 * width + 3 * classes + 4)):
            tasks = plan.tasks(_Block(plan, block, coefficients))
            if job.threads == 1:
                for task in tasks:
                    task()
            else:
                for future in [pool.submit(task) for task in tasks]:
                    future.result()
    return counts


class _Plan:
    """What all blocks share: the walk through the ablations, and the head."""

    def __init__(self, job: Job, counts: Counts) -> None:
        self.readout, self.intact = job.readout, job.intact
        self.threads, self.counts = job.threads, counts
        directions = job.readout.directions
        self.classes = np.ascontiguousarray(directions.classes)
        self.by_direction = np.ascontiguousarray(directions.classes.T)
        self.lowest, self.highest = self.classes.min(axis=0), self.classes.max(axis=0)
        self.members = job.memberships()
        self.few = len(self.classes) <= _FEW_CLASSES
        nothing: IntArray = np.zeros((0, 1, 1), dtype=np.int64)
        self.confusion = nothing if counts.confusion is None else counts.confusion
        self.dropped = np.full(len(directions), -1, dtype=np.int64)
        walked = np.arange(len(job.kept))
        if not self.few:
            self.dropped = _dropped_alone(self.members)
            walked = np.setdiff1d(walked, self.dropped)
        self.dropping = bool((self.dropped >= 0).any())
        kept = [job.kept[int(row)] for row in walked] if self.dropping else job.kept
        self.steps = steps_through(cast("Sequence[tuple[int, ...]]", kept), len(directions))
        self.rows = walked[self.steps.rows]
        self.from_every = bool((self.steps.roots == FROM_EVERY).any())

    def tasks(self, block: _Block) -> list[Callable[[], object]]:
        """Pieces of the work on a block; each owns its ablations and classes."""
        pieces = len(self.classes) if self.few else 4 * self.threads
        ranges = _label_ranges(block.labels, pieces)
        # Neighbours in this order share images and not rows, so that threads which work side
        # by side do not write to the same lines of the cache.
        parts = self.steps.parts(max(self.threads, -(-4 * self.threads // len(ranges))))
        tasks: list[Callable[[], object]] = []
        if self.dropping:
            tasks += [partial(block.drop_each, images) for images in ranges]
        return tasks + [partial(block.walk, part, images) for images in ranges for part in parts]


class _Block:
    """Images sorted by label, with coefficients scaled so that no logit exceeds one."""

    def __init__(self, plan: _Plan, block: slice, coefficients: FloatArray) -> None:
        readout, self.plan = plan.readout, plan
        order = np.argsort(readout.labels[block], kind="stable")
        self.labels = readout.labels[block][order]
        self.intact = plan.intact[block][order]
        coefficients = np.take(coefficients, order, axis=1)
        self.along = np.ascontiguousarray(coefficients.T)
        reach = np.maximum(np.abs(plan.lowest), np.abs(plan.highest))
        terms = reach @ np.abs(coefficients) + np.abs(readout.bias).max()
        scale = float(terms.max()) or 1.0
        # Each change rounds the running logit once, and a product of two rounded numbers.
        rounded = plan.steps.longest + 3 * plan.steps.repeated + 16
        slack = 1.001 * (2 * rounded * _UNIT * terms + 2 * readout.tie) / scale + 1e-36
        self.slack = slack.astype(np.float32)
        self.narrow = (coefficients / scale).astype(np.float32)
        self.classes = plan.classes.astype(np.float32)
        self.bias = (readout.bias / scale).astype(np.float32)
        self.every: Array = np.zeros((1, 1), dtype=np.float32)
        self.logits: FloatArray = np.zeros((1, 1))
        if plan.from_every or plan.dropping:
            whole = plan.classes @ coefficients + readout.bias[:, None]
            self.every = (whole / scale).astype(np.float32)
            self.logits = np.ascontiguousarray(whole.T)

    def walk(self, part: tuple[int, int], images: tuple[int, int]) -> int:
        """Count a part of the walk for a range of images."""
        plan, steps = self.plan, self.plan.steps
        settled: int = kernels.walk(
            self.narrow,
            self.classes,
            self.bias,
            self.every,
            self.slack,
            self.along,
            plan.classes,
            plan.readout.bias,
            plan.readout.tie,
            self.labels,
            self.intact,
            plan.rows,
            steps.roots,
            steps.first,
            steps.changes,
            plan.members,
            *part,
            *images,
            plan.few,
            plan.confusion,
            plan.counts.right,
            plan.counts.both,
        )
        return settled

    def drop_each(self, images: tuple[int, int]) -> int:
        """Count what dropping each direction alone does to a range of images."""
        plan = self.plan
        looked_at: int = kernels.drop_each(
            self.logits,
            self.along,
            plan.by_direction,
            plan.classes,
            plan.lowest,
            plan.highest,
            plan.readout.tie,
            self.labels,
            self.intact,
            plan.dropped,
            *images,
            plan.confusion,
            plan.counts.right,
            plan.counts.both,
        )
        return looked_at


def _dropped_alone(members: Array) -> IntArray:
    """For each direction the ablation that drops it alone, -1 if there is none."""
    width = members.shape[1]
    rows = np.full(width, -1, dtype=np.int64)
    alone = np.flatnonzero(members.sum(axis=1, dtype=np.int64) == width - 1)
    rows[members[alone].argmin(axis=1)] = alone
    return rows


def _label_ranges(labels: IntArray, pieces: int) -> Sequence[tuple[int, int]]:
    """Ranges of sorted labels; none of the labels is in two of them."""
    starts = np.flatnonzero(np.diff(labels, prepend=labels[0] - 1))
    ends = [int(end) for end in (*starts[1:], len(labels))]
    if len(ends) > pieces:
        wanted = len(labels) / pieces
        ends = [
            end
            for end, after in zip(ends, [*ends[1:], None], strict=True)
            if after is None or int(end // wanted) < int(after // wanted)
        ]
    return list(zip([0, *ends[:-1]], ends, strict=True))
