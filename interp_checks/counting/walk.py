"""In which order ablations are counted, each made from what costs least: the one before, or a root.

The kernels keep one set of logits per block of images and move it from ablation to ablation by
adding or taking away one direction at a time. A step from the intact logits or from the bias
alone starts anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from interp_checks.arrays import Array

#: Where an ablation's logits are made from.
FROM_BEFORE, FROM_NONE, FROM_EVERY = 0, 1, 2
#: Rounding grows with the steps since the last root, so a root is taken again after so many.
_LONGEST = 64


@dataclass(frozen=True)
class Walk:
    """A walk through ablations.

    Args:
        rows: [A], the number of the ablation that each stop of the walk counts.
        roots: [A], what each is made from.
        first: [A + 1], where the changes of each begin.
        changes: direction added (d, from 1) or taken away (-d), one after another.
        longest: most changes since a root.
    """

    rows: Array
    roots: Array
    first: Array
    changes: Array
    longest: int

    @property
    def steps(self) -> tuple[Array, Array, Array]:
        """Roots, first and changes, as the loops take them."""
        return self.roots, self.first, self.changes

    def after_first(self) -> Walk:
        """The same walk through subsets with every direction numbered one higher."""
        changes = self.changes + np.sign(self.changes)
        return replace(self, rows=2 * self.rows, changes=changes.astype(np.int32))

    def parts(self, count: int) -> list[tuple[int, int]]:
        """Ranges of stops of about equal cost that can be walked on their own."""
        starts = np.flatnonzero(self.roots != FROM_BEFORE)
        if not len(starts):
            return []
        even = np.linspace(0, len(self.rows), min(count, len(starts)) + 1)[:-1]
        cuts = sorted({int(starts[np.searchsorted(starts, cut, "right") - 1]) for cut in even})
        return list(zip(cuts, [*cuts[1:], len(self.rows)], strict=True))


def walk_through(members: Array) -> Walk:
    """Plan a walk in the order given.

    Args:
        members: [A, r], whether each direction stays under each ablation.
    """
    count, width = members.shape
    sizes = members.sum(axis=1, dtype=np.int64)
    # What it would take to come from the ablation before, from the bias, from all directions.
    steps = np.full(count, width + 1)
    steps[1:] = (members[1:] != members[:-1]).sum(axis=1)
    anew = np.minimum(sizes, width - sizes)
    roots = np.where(2 * sizes > width, FROM_EVERY, FROM_NONE).astype(np.int8)
    longest = since = 0
    for stop in range(count):
        if steps[stop] <= anew[stop] and since + steps[stop] <= max(_LONGEST, 2 * anew[stop]):
            roots[stop] = FROM_BEFORE
            since += int(steps[stop])
        else:
            since = int(anew[stop])
        longest = max(longest, since)
    start = np.zeros_like(members)
    start[1:] = members[:-1]
    start[roots == FROM_NONE] = 0
    start[roots == FROM_EVERY] = 1
    stops, directions = np.nonzero(members != start)
    added = members[stops, directions] == 1
    return Walk(
        np.arange(count),
        roots,
        np.searchsorted(stops, np.arange(count + 1)),
        np.where(added, directions + 1, -(directions + 1)).astype(np.int32),
        longest,
    )


def walk_through_all(directions: int) -> Walk:
    """All subsets, each differing from the one before by one direction (Gray, 1953)."""
    return _through_all(directions, _LONGEST)


@cache
def _through_all(directions: int, longest: int) -> Walk:
    numbers = np.arange(1 << directions, dtype=np.int64)
    codes = numbers ^ (numbers >> 1)
    anew = numbers % longest == 0
    roots = np.where(anew, FROM_NONE, FROM_BEFORE).astype(np.int8)
    changes: list[Array] = []
    sizes = np.ones(len(numbers), dtype=np.int64)
    flipped = np.zeros(len(numbers), dtype=np.int32)
    # The exponent of a power of two is exact, which its logarithm need not be.
    flipped[1:] = np.frexp((codes[1:] ^ codes[:-1]).astype(np.float64))[1] - 1
    added = (codes >> flipped) & 1
    signed = np.where(added == 1, flipped + 1, -(flipped + 1)).astype(np.int32)
    starts = np.flatnonzero(anew)
    for start in starts:
        members = np.flatnonzero((codes[start] >> np.arange(directions)) & 1) + 1
        sizes[start] = len(members)
        changes += [members.astype(np.int32), signed[start + 1 : start + longest]]
    first = np.concatenate([[0], np.cumsum(sizes)])
    return Walk(codes, roots, first, np.concatenate(changes), longest + directions)
