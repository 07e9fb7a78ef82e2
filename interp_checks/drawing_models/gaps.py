"""Gaps between the classes of a space, from distances between neighbours; numpy alone.

An image is the neighbour of several others, so distances to neighbours are not independent, and
an interval over images is too narrow: two spaces of the same law differed "surely" (95 %) in 30 %
of simulations. Intervals are over **blocks** instead: disjoint parts of the images, each with
its share of every class, in which neighbours are searched for separately. Blocks are independent
as images are, and a mean over twenty of them has Student's interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from interp_checks.arrays import Array, FloatArray, IntArray
from interp_checks.errors import DataError, NotJudgedError
from interp_checks.statistics.intervals import CONFIDENCE
from interp_checks.statistics.means import Measured

#: Points whose distances to all others are computed at once.
_CHUNK = 500
#: Blocks of an interval: at most so many, and at least; images of each class in each.
_MOST_BLOCKS, _FEWEST_BLOCKS, _IN_BLOCK = 20, 4, 5


@dataclass(frozen=True, eq=False)
class Gaps:
    """How far apart the classes of a space are, point by point.

    For a point, ``other`` is the Euclidean distance to the nearest point of another class, and
    ``own`` that to the nearest point of its own class; points that coincide with it count for
    neither. Their ratio has no scale: above 1 the nearest stranger is farther than the nearest
    relative, and the wider the empty zone around the classes, compared with the distances
    inside, the larger. :attr:`ratio` is the geometric mean over points.

    Three things to know when it is read. A point deep inside a large class has distant strangers
    without any gap; comparing two spaces over the same points and labels takes this away in part
    only. Ratios depend on how many points there are (``own`` shrinks with them), so compare
    equal numbers of points. And they depend on the dimension: in many dimensions all distances
    are alike, and all ratios near 1. :attr:`volume` corrects that: a ratio of distances to the
    power of the dimension is a ratio of volumes, which says about how many times over the
    neighbourhood of a point could be filled before a stranger is met, whatever the dimension.

    Attributes:
        own: [N] distances.
        other: [N] distances.
        second: [N], distance to the second nearest point of any class.
        confidence: of intervals.
        blocks: [N], which block each point belongs to, from 0; neighbours are in the same one.
            With one block alone, nothing is known about the interval.
    """

    own: FloatArray
    other: FloatArray
    second: FloatArray
    blocks: IntArray
    confidence: float = CONFIDENCE

    @property
    def log_ratios(self) -> FloatArray:
        """log(other / own) of each point, [N]."""
        return np.asarray(np.log(self.other / self.own))

    @property
    def ratio(self) -> Measured:
        """The geometric mean of other / own."""
        return _over_blocks(self.log_ratios, self)

    @cached_property
    def dimension(self) -> float:
        """The intrinsic dimension: N over the sum of log(second nearest / nearest).

        The maximum likelihood of the two-neighbour model (Facco, d'Errico, Rodriguez and Laio,
        Scientific Reports 7, 2017): points as dense around a point as its two nearest are.
        """
        nearest = np.minimum(self.own, self.other)
        total = float(np.log(self.second / nearest).sum())
        return len(nearest) / total if total > 0 else math.inf

    @property
    def log_volumes(self) -> FloatArray:
        """The intrinsic dimension times log(other / own), of each point, [N]."""
        return self.dimension * self.log_ratios

    @property
    def volume(self) -> Measured:
        """The geometric mean of other / own to the power of the intrinsic dimension.

        The interval takes the dimension as known.
        """
        return _over_blocks(self.log_volumes, self)


def blocks_for(labels: IntArray) -> int:
    """In how many blocks images with these labels are best looked at.

    Raises:
        NotJudgedError: some class has too few.
    """
    fewest = int(np.unique(labels, return_counts=True)[1].min())
    blocks = min(_MOST_BLOCKS, fewest // _IN_BLOCK)
    if blocks < _FEWEST_BLOCKS:
        raise NotJudgedError(
            "gaps between classes need more images: neighbours are looked for in disjoint blocks",
            found=f"{fewest} images of the smallest class",
            expected=f"at least {_FEWEST_BLOCKS * _IN_BLOCK}",
        )
    return blocks


def gaps(
    points: FloatArray,
    labels: IntArray,
    confidence: float = CONFIDENCE,
    *,
    blocks: int = 1,
) -> Gaps:
    """Measure the gaps between the classes of a space; see :class:`Gaps`.

    Takes time that grows with the square of the number of points in a block: seconds for ten
    thousand.

    Args:
        points: [N, dimensions], finite.
        labels: [N]; two classes or more, of two different points or more each.
        confidence: of intervals.
        blocks: parts that the images are dealt into, one after another within each class.
    """
    wide = np.asarray(points, np.float64)
    classes = np.asarray(labels)
    if wide.ndim != 2 or classes.shape != wide.shape[:1] or not np.isfinite(wide).all():
        raise DataError(
            "points and labels do not fit each other, or points are not finite",
            found=f"{list(wide.shape)} and {list(classes.shape)}",
            expected="points [N, dimensions] and labels [N]",
        )
    # Squares of distances lose fewer digits near the origin.
    wide = wide - wide.mean(0)
    block = np.empty(len(wide), np.int64)
    block[np.argsort(classes, kind="stable")] = np.arange(len(wide)) % blocks
    own, other, second = np.empty((3, len(wide)))
    for number in range(blocks):
        inside = np.flatnonzero(block == number)
        distances = [
            _neighbours(wide[inside], classes[inside], start)
            for start in range(0, len(inside), _CHUNK)
        ]
        own[inside], other[inside], second[inside] = (
            np.concatenate(parts) for parts in zip(*distances, strict=True)
        )
    if not np.isfinite([own, other, second]).all():
        raise DataError(
            "a point has no neighbour to measure the distance of",
            found=f"{len(np.unique(classes))} classes; {int((~np.isfinite(own)).sum())} points "
            "without another of their class",
            expected="two classes or more, of two different points or more each",
        )
    return Gaps(own, other, second, block, confidence)


def compare_gaps(first: Gaps, second: Gaps, *, volumes: bool = False) -> Measured:
    """How many times wider the gaps of the first space are: above 1, the first has more.

    Paired: the geometric mean, over points, of the ratio in the first space to the ratio in the
    second. The two spaces must hold the same images in the same order.

    Args:
        first: a space.
        second: another space of the same images.
        volumes: compare volumes instead of distances, where dimensions differ.
    """
    if not np.array_equal(first.blocks, second.blocks):
        raise DataError(
            "two spaces of different images cannot be compared",
            found=f"{len(first.own)} and {len(second.own)} points",
            expected="the same images in the same order, in the same blocks",
        )
    if volumes:
        differences = first.log_volumes - second.log_volumes
    else:
        differences = first.log_ratios - second.log_ratios
    return _over_blocks(differences, first)


def gaps_in_blocks(
    first: Array, second: Array, labels: IntArray, confidence: float = CONFIDENCE
) -> tuple[Gaps, Gaps, Measured]:
    """The gaps of two spaces of the same images, and how many times as wide those of the first are.

    Neighbours are looked for inside blocks of images, so that the interval means something.

    Args:
        first: [N, D] points.
        second: [N, E], the same images.
        labels: [N].
        confidence: of the interval, two-sided.

    Raises:
        DataError: see :func:`gaps`.
        NotJudgedError: there are too few images for blocks.
    """
    blocks = blocks_for(labels)
    of_first = gaps(first, labels, confidence, blocks=blocks)
    of_second = gaps(second, labels, confidence, blocks=blocks)
    return of_first, of_second, compare_gaps(of_first, of_second)


def _over_blocks(logarithms: FloatArray, of: Gaps) -> Measured:
    """The geometric mean, with Student's interval over blocks."""
    from scipy.special import stdtrit

    means = np.bincount(of.blocks, logarithms) / np.bincount(of.blocks)
    value, number = float(means.mean()), len(means)
    margin = math.inf
    if number > 1:
        error = float(means.std(ddof=1)) / math.sqrt(number)
        margin = float(stdtrit(number - 1, (1 + of.confidence) / 2)) * error
    ends = (math.exp(value - margin), math.exp(value + margin))
    return Measured(
        math.exp(value), *ends, len(logarithms), of.confidence, blocks=number if number > 1 else 0
    )


def _neighbours(points: Array, classes: Array, start: int) -> tuple[Array, Array, Array]:
    """Distances of a block: to the nearest of its own class, of another, and second of all."""
    block = slice(start, start + _CHUNK)
    squares = (points**2).sum(1)
    between = squares[block, None] + squares - 2 * points[block] @ points.T
    rows = np.arange(len(between))
    # Whatever rounding makes of a distance of zero is far below that of two different points.
    between[between <= 1e-12 * (squares[block, None] + squares)] = np.inf
    alike = classes[block, None] == classes
    own = _exact(points, start, np.where(alike, between, np.inf))
    stranger = np.where(alike, np.inf, between)
    other = _exact(points, start, stranger)
    between[rows, between.argmin(1)] = np.inf
    return own, other, _exact(points, start, between)


def _exact(points: Array, start: int, between: Array) -> Array:
    """The distance to the nearest point by these squares, computed again without cancellation."""
    nearest = between.argmin(1)
    distances = np.linalg.norm(points[start : start + len(between)] - points[nearest], axis=1)
    return np.where(np.isfinite(between.min(1)), distances, np.inf)
