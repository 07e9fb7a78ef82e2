"""The compiled engine: blocks of images cut into tasks that write to places of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from interp_checks.ablations.subsets import all_members
from interp_checks.arrays import Array, IntArray

from .dropped_alone import Dropping, DroppingBlock
from .float32_head import UNIT
from .job import Counts, Job, by_label
from .kernels import ablations, all_subsets, one_alone, prefixes, single_drops
from .kernels import settle_ties as settle
from .kernels.numba_setup import run_loops
from .large_heads import FEWEST, Alone, Prefixes, kept_type, rows_by_family
from .numpy_engine import count_with_numpy
from .proof import proven, small_head, some_members
from .walk import FROM_EVERY, walk_through, walk_through_all

#: Up to so many classes, images that share a label are counted together.
_FEW_CLASSES = 32


def count_compiled(job: Job) -> Counts | None:
    """Count with the kernels of :mod:`interp_checks.counting.kernels`.

    Returns:
        None if one that this needs does not count as numpy does on this machine.
    """
    counts = Counts.none(len(job.members), len(job.head.class_names), job.confusion)
    plan = Plan(job, counts)
    for loop, trial in plan.trials.items():
        if not proven(loop, partial(_agrees, trial)):
            return None
    run(job, plan, counts)
    return counts


def _agrees(make: Callable[[], Job]) -> bool:
    """Whether the kernels count as numpy does, in a trial that is made now."""
    trial = make()
    counts = Counts.none(len(trial.members), len(trial.head.class_names), trial.confusion)
    run(trial, Plan(trial, counts, fewest=1), counts)
    expected = count_with_numpy(trial)
    return all(
        bool((counted == right).all())
        for counted, right in zip(counts, expected, strict=True)
        if counted is not None and right is not None
    )


def run(job: Job, plan: Plan, counts: Counts) -> None:
    """Add to counts by a plan, once more from the start if compiled code on disk is damaged."""

    def again() -> None:
        counts.clear()
        _count(job, plan)

    modules = settle, ablations, all_subsets, single_drops, one_alone, prefixes
    run_loops(lambda: _count(job, plan), again, plan.loops, modules)


def _count(job: Job, plan: Plan) -> None:
    with ThreadPoolExecutor(job.threads) as pool:
        for block in job.blocks(plan.bytes_per_image):
            tasks = plan.tasks(block)
            if job.threads == 1:
                for task in tasks:
                    task()
            else:
                for future in [pool.submit(task) for task in tasks]:
                    future.result()


class Plan:
    """What all blocks share: the walk through the ablations, and the head.

    Args:
        job: what is counted.
        counts: what is added to.
        fewest: members that a family needs for a loop of its own.
    """

    def __init__(self, job: Job, counts: Counts, fewest: int = FEWEST) -> None:
        self.head, self.intact = job.head, job.intact
        self.threads, self.members = job.threads, job.members
        directions = job.head.directions
        self.classes = np.ascontiguousarray(directions.classes)
        self.few = len(self.classes) <= _FEW_CLASSES
        families: dict[str, IntArray] = {}
        nothing: IntArray = np.zeros((0, 1, 1), dtype=np.int64)
        confusion = nothing if counts.confusion is None else counts.confusion
        #: What the loops add to.
        self.outputs = confusion, counts.right, counts.both
        self.dropped = np.full(len(directions), -1, dtype=np.int64)
        walked = np.arange(len(self.members))
        if not self.few and not job.subsets and job.head.rest is None:
            self.dropped = _dropped_alone(self.members)
            if counts.confusion is None:
                families = self._families(fewest)
                counted = np.concatenate([[-1], *families.values()])
                walked = np.setdiff1d(walked, counted)
                self.dropped[np.isin(self.dropped, counted)] = -1
            walked = np.setdiff1d(walked, self.dropped)
        # Where all subsets of few classes are counted, each stop counts two of them: one
        # without the first direction, and the same with it.
        self.in_pairs = job.subsets and self.few and len(directions) > 1
        if self.in_pairs:
            self.walk = walk_through_all(len(directions) - 1).after_first()
        elif job.subsets:
            self.walk = walk_through_all(len(directions))
        else:
            self.walk = walk_through(self.members[walked])
        self.rows = walked[self.walk.rows]
        self.dropping = Dropping(self, self.dropped) if (self.dropped >= 0).any() else None
        #: Loops of single families, by their names.
        self.families = {
            name: Alone(self, rows) if name == "only" else Prefixes(self, rows, last=name == "last")
            for name, rows in families.items()
        }
        self.bytes_per_image = self._bytes_per_image()

    def _bytes_per_image(self) -> int:
        """What is held for an image of a block, about: all that is used at once."""
        classes, width = self.classes.shape
        features = self.head.features.shape[1]
        numbers = 1 + sum(each.numbers * width for each in self.families.values())
        if len(self.rows):
            numbers += 3 * (width + classes)
        if self.dropping is not None:
            numbers += width + classes
        if self.dropping is not None or "only" in self.families:
            numbers += features
        return 8 * int(numbers)

    def _families(self, fewest: int) -> dict[str, IntArray]:
        """Which ablations have loops of their own, by family.

        Those that drop one direction have one already; a few of them are the first or last but one.
        """
        dropped = self.dropped[self.dropped >= 0]
        rows = np.arange(len(self.members))
        if len(dropped) >= fewest:
            rows = np.setdiff1d(rows, dropped)
        found = rows_by_family(self.members[rows], fewest)
        return {name: np.where(own >= 0, rows[own], -1) for name, own in found.items()}

    @property
    def loops(self) -> list[Callable[..., int]]:
        """The compiled loops that this needs."""
        walk = all_subsets.walk_pairs if self.in_pairs else ablations.walk
        return [
            *[walk] * bool(len(self.rows)),
            *[single_drops.drop_each] * (self.dropping is not None),
            *(each.loop for each in self.families.values()),
        ]

    @property
    def trials(self) -> dict[str, Callable[[], Job]]:
        """What makes something small and fixed for each of these loops, by its name."""
        trials: dict[str, Callable[[], Job]] = {}
        rest = self.head.rest is not None
        with_rest = ", with a rest" if rest else ""
        if len(self.rows) and self.in_pairs:
            trials["walk_pairs" + with_rest] = partial(_trial, 11, rest=rest, subsets=True)
        elif len(self.rows):
            classes = 11 if self.few else _FEW_CLASSES + 8
            loop = f"walk, {'few' if self.few else 'many'} classes{with_rest}"
            trials[loop] = partial(_trial, classes, rest=rest)
        if self.dropping is not None:
            kind = np.dtype(kept_type(self.head.features))
            make = partial(_trial, _FEW_CLASSES + 8, kind.type, alone=True)
            trials[f"drop_each, {kind}"] = make
        for name in self.families:
            kind = np.dtype(kept_type(self.head.features))
            make = partial(_trial, _FEW_CLASSES + 8, kind.type, family=name)
            trials[f"{name}, {kind}"] = make
        return trials

    def ranges(self, labels: IntArray) -> Sequence[tuple[int, int]]:
        """Ranges of sorted images to be counted by themselves; no class is in two of them."""
        return _label_ranges(labels, len(self.classes) if self.few else 4 * self.threads)

    def small_ranges(self, labels: IntArray) -> Sequence[tuple[int, int]]:
        """The same, but so many that all threads end at about the same time."""
        return _label_ranges(labels, 16 * self.threads)

    def tasks(self, block: slice) -> list[Callable[[], object]]:
        """Pieces of the work on a block; each owns its ablations and classes."""
        order = by_label(self.head.labels[block])
        labels = self.head.labels[block][order]
        ranges = self.ranges(labels)
        tasks: list[Callable[[], object]] = []
        if self.dropping is not None:
            dropping = DroppingBlock(self.dropping, block, order, labels)
            tasks += [partial(dropping.count, images) for images in ranges]
        for family in self.families.values():
            tasks += family.tasks(block, order, labels)
        if len(self.rows):
            walking = (_Pairing if self.in_pairs else _Walking)(self, block, order, labels)
            parts = self.walk.parts(-(-4 * self.threads // len(ranges)))
            tasks += [partial(walking.count, part, images) for images in ranges for part in parts]
        return tasks


class _Walking:
    """Images sorted by label, with coefficients scaled so that no logit exceeds one."""

    def __init__(self, plan: Plan, block: slice, order: IntArray, labels: IntArray) -> None:
        head, self.plan, self.labels = plan.head, plan, labels
        self.intact = plan.intact[block][order]
        coefficients = np.take(head.coefficients_of(block), order, axis=1)
        self.along = np.ascontiguousarray(coefficients.T)
        terms = np.abs(plan.classes).max(axis=0) @ np.abs(coefficients)
        base = head.base_of(order + block.start)
        terms += np.abs(base).max(axis=0)
        scale = float(terms.max()) or 1.0
        # Each change rounds the running logit once. What is added and taken away is the same
        # product, so its own rounding counts once for each direction, and these sum to 3 terms.
        rounded = plan.walk.longest + 16
        slack = 1.001 * (2 * rounded * UNIT * terms + 2 * head.tie) / scale + 1e-36
        self.slack = slack.astype(np.float32)
        self.scaled = (coefficients / scale).astype(np.float32)
        self.classes = plan.classes.astype(np.float32)
        self.base = np.ascontiguousarray(base.T)
        self.scaled_base = np.ascontiguousarray(base / scale, dtype=np.float32)
        self.every: Array = np.zeros((1, 1), dtype=np.float32)
        if (plan.walk.roots == FROM_EVERY).any():
            whole = plan.classes @ coefficients + base
            self.every = (whole / scale).astype(np.float32)

    def count(self, part: tuple[int, int], images: tuple[int, int]) -> int:
        """Count a part of the walk for a range of images; how many had to be settled."""
        plan, walk = self.plan, self.plan.walk
        settled: int = ablations.walk(
            self.scaled,
            self.classes,
            self.scaled_base,
            self.every,
            self.slack,
            self.along,
            plan.classes,
            self.base,
            plan.head.tie,
            self.labels,
            self.intact,
            plan.rows,
            *walk.steps,
            plan.members,
            *part,
            *images,
            plan.few,
            *plan.outputs,
        )
        return settled


class _Pairing:
    """Images in the order of labels, for all subsets two at a time."""

    def __init__(self, plan: Plan, block: slice, order: IntArray, labels: IntArray) -> None:
        self.plan, self.order, self.labels = plan, order, labels
        self.intact = plan.intact[block][order]
        self.along = np.ascontiguousarray(plan.head.coefficients_of(block))
        self.base = np.ascontiguousarray(plan.head.base_of(block).T)

    def count(self, part: tuple[int, int], images: tuple[int, int]) -> int:
        """Count a part of the walk for a range of images; how many had to be settled."""
        plan, walk = self.plan, self.plan.walk
        settled: int = all_subsets.walk_pairs(
            self.along,
            self.order,
            plan.classes,
            self.base,
            plan.head.tie,
            self.labels,
            self.intact,
            plan.rows,
            *walk.steps,
            0,
            plan.rows + 1,
            plan.members,
            *part,
            *images,
            *plan.outputs,
        )
        return settled


def _trial(
    classes: int,
    feature_type: type = np.float64,
    *,
    rest: bool = False,
    subsets: bool = False,
    alone: bool = False,
    family: str = "",
) -> Job:
    """All subsets of a head's directions, each dropped alone, a family, or some mixed ablations."""
    head = small_head(classes, feature_type, rest=rest)
    width = len(head.directions)
    members = all_members(width) if subsets else some_members(width)
    if alone:
        members = (1 - np.eye(width)).astype(np.uint8)
    elif not subsets:
        # None that drops one direction alone: another loop counts these.
        members = members[members.sum(axis=1) != width - 1]
    if family:
        places = np.arange(width)
        stays = {
            "only": places[:, None] == places,
            "first": places[:, None] >= places,
            "last": places[:, None] <= places,
        }
        members = stays[family].astype(np.uint8)
    return Job(head, members, head.predictions(), not family, 1, subsets=subsets)


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
        share = len(labels) / pieces
        ends = [
            end
            for end, after in zip(ends, [*ends[1:], None], strict=True)
            if after is None or int(end // share) < int(after // share)
        ]
    return list(zip([0, *ends[:-1]], ends, strict=True))
