"""In which order ablations are counted, each made from what costs least: the one before, or a root.

The kernels keep one set of logits per block of images and move it from ablation to ablation by
adding or taking away one direction at a time. A step from the intact logits or from the bias
alone starts anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ._arrays import Array
from .subsets import Subsets

#: Where an ablation's logits are made from.
FROM_BEFORE, FROM_NONE, FROM_EVERY = 0, 1, 2
#: Rounding grows with the steps since the last root, so a root is taken again after so many.
_LONGEST = 64


@dataclass(frozen=True)
class Steps:
    """A walk through ablations.

    Args:
        rows: [A], the number of the ablation that each stop of the walk counts.
        roots: [A], what each is made from.
        first: [A + 1], where the changes of each begin.
        changes: direction added (d, from 1) or taken away (-d), one after another.
        longest: most changes since a root.
        repeated: most changes of any one direction since a root.
    """

    rows: Array
    roots: Array
    first: Array
    changes: Array
    longest: int
    repeated: int

    def parts(self, count: int) -> list[tuple[int, int]]:
        """Ranges of stops of about equal cost that can be walked on their own."""
        starts = np.flatnonzero(self.roots != FROM_BEFORE)
        if not len(starts):
            return []
        wanted = np.linspace(0, len(self.rows), min(count, len(starts)) + 1)[:-1]
        cuts = sorted({int(starts[np.searchsorted(starts, cut, "right") - 1]) for cut in wanted})
        return list(zip(cuts, [*cuts[1:], len(self.rows)], strict=True))


def steps_through(kept: Sequence[tuple[int, ...]] | Subsets, directions: int) -> Steps:
    """Plan a walk; all subsets go in the order of a Gray code, others in the order given."""
    if isinstance(kept, Subsets):
        return _through_all(kept.directions)
    rows, roots, first = np.arange(len(kept)), [], [0]
    changes: list[int] = []
    every = frozenset(range(1, directions + 1))
    before: frozenset[int] | None = None
    longest = repeated = since = 0
    for one in kept:
        now = frozenset(one)
        root, anew = FROM_NONE, len(now)
        if directions - len(now) < anew:
            root, anew = FROM_EVERY, directions - len(now)
        step = len(now ^ before) if before is not None else anew + 1
        if step <= anew and since + step <= max(_LONGEST, 2 * anew):
            start, root = before, FROM_BEFORE
            since += step
        else:
            start, since = (frozenset() if root == FROM_NONE else every), anew
        assert start is not None
        changes += [d if d in now else -d for d in sorted(now ^ start)]
        roots.append(root)
        first.append(len(changes))
        longest = max(longest, since)
        before = now
    repeated = _most_repeated(roots, first, changes)
    return Steps(
        rows.astype(np.int64),
        np.array(roots, dtype=np.int8),
        np.array(first, dtype=np.int64),
        np.array(changes, dtype=np.int32),
        longest,
        repeated,
    )


def _most_repeated(roots: list[int], first: list[int], changes: list[int]) -> int:
    most, seen = 0, dict[int, int]()
    for stop, root in enumerate(roots):
        if root != FROM_BEFORE:
            seen = {}
        for change in changes[first[stop] : first[stop + 1]]:
            seen[abs(change)] = seen.get(abs(change), 0) + 1
            most = max(most, seen[abs(change)])
    return most


def _through_all(directions: int) -> Steps:
    """All subsets, each differing from the one before by one direction (Gray, 1953)."""
    numbers = np.arange(1 << directions, dtype=np.int64)
    codes = numbers ^ (numbers >> 1)
    anew = numbers % _LONGEST == 0
    roots = np.where(anew, FROM_NONE, FROM_BEFORE).astype(np.int8)
    changes: list[Array] = []
    sizes = np.ones(len(numbers), dtype=np.int64)
    flipped = np.zeros(len(numbers), dtype=np.int32)
    flipped[1:] = np.log2((codes[1:] ^ codes[:-1]).astype(np.float64)).astype(np.int32)
    added = (codes >> flipped) & 1
    signed = np.where(added == 1, flipped + 1, -(flipped + 1)).astype(np.int32)
    starts = np.flatnonzero(anew)
    for start in starts:
        members = np.flatnonzero((codes[start] >> np.arange(directions)) & 1) + 1
        sizes[start] = len(members)
        changes += [members.astype(np.int32), signed[start + 1 : start + _LONGEST]]
    most = max(1, min(_LONGEST, len(numbers)) // 2 + 1)
    first = np.concatenate([[0], np.cumsum(sizes)])
    return Steps(codes, roots, first, np.concatenate(changes), _LONGEST + directions, most)
