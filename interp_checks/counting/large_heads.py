"""Families of ablations of heads with many classes, of which only right images are counted.

Each family has a loop of its own, which looks at far fewer logits than there are: one direction
alone (:mod:`.kernels.one_alone`), the first k and the last k (:mod:`.kernels.prefixes`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import Protocol

import numpy as np

from interp_checks.arrays import Array, FloatArray, IntArray

from .float32_head import UNIT
from .head import Head
from .kernels import one_alone, prefixes

#: Fewer members of a family than these are walked through with all other ablations.
FEWEST = 16
#: Directions alone that one task counts, and images whose logits it keeps side by side.
_DIRECTIONS, _IMAGES = 64, 96
#: Images whose features are multiplied at a time.
_TOGETHER = 2048


def rows_by_family(members: Array, fewest: int = FEWEST) -> dict[str, IntArray]:
    """Which ablations keep one direction alone, the first k, or the last k.

    Args:
        members: whether each direction stays under each ablation, [A, r].
        fewest: of a family.

    Returns:
        For each family with enough members, by its name, a row for each direction: the ablation
        that keeps it alone, the first so many, or all from it on; -1 if none does.
    """
    width = members.shape[1]
    sizes = members.sum(axis=1, dtype=np.int64)
    starts = members.argmax(axis=1)
    ends = width - members[:, ::-1].argmax(axis=1)
    whole = (sizes > 0) & (ends - starts == sizes)
    found: dict[str, IntArray] = {}
    single = sizes == 1 if (sizes == 1).sum() >= fewest else np.zeros(len(sizes), dtype=bool)
    first = whole & (starts == 0) & ~single
    last = whole & (ends == width) & ~single
    if first.sum() >= fewest:
        last &= ~first  # all of them are both
    for name, chosen, places in (
        ("only", single, starts),
        ("first", first, ends - 1),
        ("last", last, starts),
    ):
        numbers = np.flatnonzero(chosen)
        if len(numbers) >= fewest:
            rows = np.full(width, -1, dtype=np.int64)
            rows[places[numbers]] = numbers
            found[name] = rows
    return found


class Counted(Protocol):
    """What is counted: the plan of the compiled engine."""

    head: Head
    intact: IntArray
    classes: Array
    outputs: tuple[IntArray, IntArray, IntArray]

    def ranges(self, labels: IntArray) -> Sequence[tuple[int, int]]:
        """Ranges of sorted images; no class is in two of them."""

    def small_ranges(self, labels: IntArray) -> Sequence[tuple[int, int]]:
        """The same, but more of them."""


class Alone:
    """Directions that are kept one at a time."""

    loop = staticmethod(one_alone.keep_each)
    #: Of an image, while a block is counted, beside its features.
    numbers = 1

    def __init__(self, plan: Counted, rows: IntArray) -> None:
        self.plan, self.rows = plan, rows
        head = plan.head
        directions, self.float32 = head.directions, head.float32
        weight_scale = self.float32.scale / self.float32.feature_scale
        self.hidden = np.ascontiguousarray((directions.hidden * directions.singular_values).T)
        self.float32_hidden = (self.hidden / weight_scale).astype(np.float32)
        self.lengths = directions.singular_values / weight_scale
        shape = (len(rows), len(plan.classes), 2)
        self.sure, self.possible = np.empty(shape), np.empty(shape)
        self.base = head.bias / self.float32.scale
        self.made = False

    def tasks(self, block: slice, order: IntArray, labels: IntArray) -> Iterator[Callable[[], int]]:
        """Pieces of the work on a block, each of some directions."""
        plan, head = self.plan, self.plan.head
        if not self.made:
            near = 2 * head.tie / self.float32.scale
            every = 0, len(self.rows), self.sure, self.possible
            one_alone.ranges(plan.classes, self.base, near, self.rows, *every)
            self.made = True
        features = np.ascontiguousarray(head.features[block][order])
        features = features.astype(kept_type(features), copy=False)
        rows = self.float32.features(features)
        along = self.float32_hidden @ rows.T
        rounding = self.float32.rounding(rows)
        intact = plan.intact[block][order]
        for start in range(0, len(self.rows), _DIRECTIONS):
            yield partial(
                one_alone.keep_each,
                along,
                self.sure,
                self.possible,
                self.lengths,
                rounding,
                features,
                self.hidden,
                plan.classes,
                head.bias,
                head.tie,
                labels,
                intact,
                self.rows,
                start,
                min(start + _DIRECTIONS, len(self.rows)),
                *plan.outputs[1:],
            )


class Prefixes:
    """The first k directions for many k, or the last k: the same in the other order."""

    loop = staticmethod(prefixes.add_each)
    numbers = 3

    def __init__(self, plan: Counted, rows: IntArray, *, last: bool) -> None:
        self.plan = plan
        self.order = slice(None, None, -1) if last else slice(None)
        self.rows = np.ascontiguousarray(rows[self.order])
        self.exact = np.ascontiguousarray(plan.classes[:, self.order])
        classes = len(plan.classes)
        tiles = -(-classes // prefixes.TILE)
        self.width = -(-len(rows) // prefixes.STEPS) * prefixes.STEPS
        vectors = np.zeros((self.width, tiles * prefixes.TILE), dtype=np.float32)
        vectors[: len(rows), :classes] = self.exact.T
        together = vectors.reshape(-1, prefixes.STEPS, tiles, prefixes.TILE)
        self.vectors = np.ascontiguousarray(together.swapaxes(1, 2))
        self.lowest = np.minimum(self.exact.min(axis=0), 0)
        self.highest = np.maximum(self.exact.max(axis=0), 0)
        self.largest = np.maximum(self.highest, -self.lowest)
        self.furthest = _furthest(self.exact, prefixes.STEPS)

    def tasks(self, block: slice, order: IntArray, labels: IntArray) -> Iterator[Callable[[], int]]:
        """Pieces of the work on a block, each of some classes of images."""
        along = self._along(block, order)
        intact = self.plan.intact[block][order]
        for begin, end in self.plan.small_ranges(labels):
            part = slice(begin, end)
            yield partial(self._count, along[part], labels[part], intact[part])

    def _along(self, block: slice, order: IntArray) -> FloatArray:
        """Coefficients of a block of images, as directions are added, [n, r]."""
        head = self.plan.head
        if head.keeps_coefficients:
            along = np.take(head.coefficients_of(block), order, axis=1).T
            return np.ascontiguousarray(along[:, self.order])
        # Made as they are needed: no copy of them is in another order.
        made = np.empty((len(order), len(self.rows)))
        features = head.features[block]
        for start in range(0, len(order), _TOGETHER):
            part = slice(start, start + _TOGETHER)
            np.matmul(features[order[part]].astype(np.float64), self.scaled, out=made[part])
        return made

    @cached_property
    def scaled(self) -> FloatArray:
        """Hidden vectors times singular values, as directions are added, [Z, r]."""
        own = self.plan.head.directions
        return np.ascontiguousarray((own.hidden * own.singular_values)[:, self.order])

    def _count(self, along: FloatArray, labels: IntArray, intact: IntArray) -> int:
        """Count some images, as many at a time as stay in the cache."""
        head = self.plan.head
        most = float(np.abs(head.bias).max())
        scale = float((np.abs(along) @ self.largest).max() + most) or 1.0
        # Sums of so many products, and of so many such sums, each rounded once.
        rounded = prefixes.STEPS + -(-len(self.rows) // prefixes.STEPS) + 16
        base = np.full((self.vectors.shape[1], prefixes.TILE), -np.inf, dtype=np.float32)
        base.reshape(-1)[: len(head.bias)] = head.bias / scale
        narrow = np.zeros((len(along), self.width), dtype=np.float32)
        np.divide(along, scale, out=narrow[:, : along.shape[1]], casting="same_kind")
        return sum(
            prefixes.add_each(
                narrow,
                self.vectors,
                self.lowest,
                self.highest,
                self.furthest,
                base,
                most / scale,
                2.002 * rounded * UNIT,
                2.002 * head.tie / scale + 1e-36,
                along,
                self.exact,
                head.bias,
                head.tie,
                labels,
                intact,
                self.rows,
                start,
                min(start + _IMAGES, len(along)),
                *self.plan.outputs[1:],
            )
            for start in range(0, len(along), _IMAGES)
        )


def _furthest(classes: Array, together: int) -> Array:
    """How far any class vector is from that of each class, along a few directions, [r / d, K].

    Args:
        classes: class vectors, [K, r].
        together: how many directions (d).
    """
    found = []
    for start in range(0, classes.shape[1], together):
        own = classes[:, start : start + together]
        squares = np.square(own).sum(axis=1)
        apart = (-2 * own) @ own.T
        apart += squares
        # Rounding of the squares, which are at most four times the largest.
        most = apart.max(axis=1) + squares + 64 * np.finfo(float).eps * squares.max()
        found.append(np.sqrt(np.maximum(most, 0)) * (1 + 1e-6))
    return np.array(found)


def kept_type(features: Array) -> type:
    """The type in which the loops read features; half precision is exact in single."""
    return np.float64 if features.dtype == np.float64 else np.float32
