"""Directions that nearly coincide: what dropping any of them must do, whichever they are.

Where singular values lie close together, the smallest change of the weights picks other
directions of their span. What is then said of "direction 7" alone means little. But a claim about
every direction does not care which is which: it holds if it holds for every unit vector of the
span. For one image that can be bounded exactly. Let x be the image's features and y_k the weight
of class k within the span (both by its hidden vectors), and u a unit vector: dropping it takes
``(u·x)(u·y_k)`` from the logit of k. The difference of two logits so changes by
``(u·x)(u·(y_k - y_j))``, which over all u lies within
``(x·(y_k - y_j) ± |x| |y_k - y_j|) / 2``, the ends of the range of a quadratic form of rank two.
An image that is right with the worst u for each rival is right with every u.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from interp_checks.ablations.directions import Directions
from interp_checks.arrays import Array, FloatArray, IntArray
from interp_checks.thresholds import MOVED, TURNED

from .head import Head

#: Numbers that are compared at a time.
_BLOCK = 2 * 10**6
#: Products of all features are kept where each takes no more.
_MOST_BYTES = 512 * 2**20


class RightBounds(NamedTuple):
    """Images of each class that are right, whichever unit vector of a span is dropped.

    Attributes:
        least: right whichever it is, [K].
        most: right with one of them, or so near that rounding could make it so, [K].
        both_least: those of the first that are right intact, [K].
        both_most: those of the second that are, [K].
    """

    least: IntArray
    most: IntArray
    both_least: IntArray
    both_most: IntArray


def spans(directions: Directions, numbers: Sequence[int]) -> Iterator[tuple[int, int, list[int]]]:
    """Ranges of neighbouring directions within which some directions lie, wherever they turn.

    A direction can be told apart if its singular value is far enough from every other one
    (Wedin's bound, see :meth:`Directions.turn`). By the same bound, one that cannot lies within
    the span of all whose singular values are nearer to its own than that. Spans that share most
    of their directions are one.

    Args:
        directions: of a weight, by falling singular value.
        numbers: of those that cannot be told apart, from 1, rising.

    Yields:
        The first and the last direction of a span, from 1, and which of the numbers lie in it.
    """
    values = directions.ordered_by
    assert values is not None
    # The gap from which one direction turns by no more than is allowed.
    gap = MOVED * (1 + math.sqrt(2) / math.sin(math.radians(TURNED))) * float(values[0])
    begun: tuple[int, int, list[int]] | None = None
    for number in numbers:
        near = np.flatnonzero(np.abs(values - values[number - 1]) < gap)
        low, high = int(near[0]) + 1, int(near[-1]) + 1
        if begun is not None:
            first, last = min(begun[0], low), max(begun[1], high)
            if 2 * (last - first + 1) <= 3 * max(high - low + 1, 2):
                begun = first, last, [*begun[2], number]
                continue
            yield begun
        begun = low, high, [number]
    if begun is not None:
        yield begun


class NearCoinciding:
    """A head of which one direction is dropped, known only to lie within some span.

    Args:
        head: without a rest. What is found is kept there, and other claims find it again.
    """

    def __init__(self, head: Head) -> None:
        self.head = head
        self._known = head.known_bounds

    @cached_property
    def was_right(self) -> Array:
        """Which images are right with nothing dropped, [N]."""
        right: Array = self.head.predictions() == self.head.labels
        return right

    def bounds(self, first: int, last: int) -> RightBounds:
        """Bounds for every unit vector of the span of some directions.

        Args:
            first: of these directions, from 1.
            last: of them.
        """
        return self._known.get_or((first, last), lambda: self._bounds(first, last))

    def _bounds(self, first: int, last: int) -> RightBounds:
        head, directions = self.head, self.head.directions
        columns = slice(first - 1, last)
        own = directions.classes[:, columns] * directions.singular_values[columns]
        squares = np.square(own).sum(axis=1)
        # At most |y_k| + |y_j|, so no pair of a class and its rivals changes by more.
        furthest = (np.sqrt(squares) + math.sqrt(float(squares.max())))[head.labels]
        least, most = self.was_right.copy(), self.was_right.copy()
        for block in self._blocks():
            along = self._along(block, columns)
            lengths = np.linalg.norm(along, axis=1)
            near = np.abs(self.leads[block]) <= lengths * furthest[block] + 4 * head.tie
            rows = np.flatnonzero(near)
            if len(rows):
                images = block.start + rows
                least[images], most[images] = self._each_rival(
                    images, along[rows], lengths[rows], own, squares
                )
        count = self._of_each_class
        return RightBounds(
            count(least), count(most), count(least & self.was_right), count(most & self.was_right)
        )

    def _each_rival(
        self,
        images: IntArray,
        along: FloatArray,
        lengths: FloatArray,
        own: FloatArray,
        squares: FloatArray,
    ) -> tuple[IntArray, IntArray]:
        """Whether some images are right with every unit vector, and with any; rival by rival."""
        head = self.head
        labels, rows = head.labels[images], np.arange(len(images))
        # With half of what the span says taken off, the range is the same to both sides. This is
        # less the logits first, and then how far the image's own class is ahead of each.
        ahead = 0.5 * along @ own.T
        ahead -= self._logits(images)
        ahead -= ahead[rows, labels][:, None]
        reach = own[labels] @ own.T
        reach *= -2
        reach += squares
        reach += squares[labels][:, None]
        np.sqrt(np.maximum(reach, 0, out=reach), out=reach)
        reach *= 0.5 * lengths[:, None]
        tie = 2 * head.tie
        sure = ahead - reach > tie
        reach += ahead
        open_still = reach >= -tie
        sure[rows, labels] = open_still[rows, labels] = True
        return sure.all(axis=1), open_still.all(axis=1)

    @cached_property
    def leads(self) -> FloatArray:
        """How far the logit of each image's class is above that of any other, [N]."""
        head, leads = self.head, np.empty(len(self.head))
        for block in self._blocks():
            logits = self._logits(block).copy()
            rows, labels = np.arange(len(logits)), head.labels[block]
            own = logits[rows, labels].copy()
            logits[rows, labels] = -np.inf
            leads[block] = own - logits.max(axis=1)
        return leads

    def _blocks(self) -> Iterator[slice]:
        """The images, as many at a time as are compared at once."""
        head = self.head
        step = max(1, _BLOCK // max(head.features.shape[1], len(head.weight)))
        for start in range(0, len(head), step):
            yield slice(start, min(start + step, len(head)))

    def _logits(self, images: slice | IntArray) -> FloatArray:
        """Logits of some images with nothing dropped, [n, K]."""
        every = self._every_logit
        if every is not None:
            return every[images]
        return self._made(images, self.head.weight.T) + self.head.bias

    def _along(self, block: slice, columns: slice) -> FloatArray:
        """Some images along some directions, [n, d]."""
        every = self._every_along
        if every is not None:
            return every[block, columns]
        return self._made(block, self.head.directions.hidden[:, columns])

    def _made(self, images: slice | IntArray, matrix: FloatArray) -> FloatArray:
        """A product of the features of some images, in float64."""
        made: FloatArray = self.head.features[images].astype(np.float64) @ matrix
        return made

    @cached_property
    def _every_along(self) -> FloatArray | None:
        return self._kept(self.head.directions.hidden)

    @cached_property
    def _every_logit(self) -> FloatArray | None:
        every = self._kept(self.head.weight.T)
        return None if every is None else every + self.head.bias

    def _kept(self, matrix: FloatArray) -> FloatArray | None:
        """The product of all features, if that takes little memory."""
        if 8 * len(self.head) * matrix.shape[1] > _MOST_BYTES:
            return None
        every = np.empty((len(self.head), matrix.shape[1]))
        for block in self._blocks():
            every[block] = self._made(block, matrix)
        return every

    def _of_each_class(self, images: IntArray) -> IntArray:
        """How many of these images each class has, [K]."""
        classes = len(self.head.class_names)
        counts: IntArray = np.bincount(self.head.labels[images], minlength=classes)
        return counts.astype(np.int64)
