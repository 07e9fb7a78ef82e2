"""Everybody in a ring, in random order: for each one another, and each is another's once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from interp_checks.arrays import IntArray


def next_in_ring(count: int, generator: np.random.Generator) -> IntArray:
    """For each of so many the number of the next one in a ring of random order, [n].

    It is a permutation of one cycle, so that no set of them but all, or none, is mapped to
    itself. One alone is its own next.
    """
    import numpy as np

    ring = generator.permutation(count)
    following = np.empty(count, dtype=np.int64)
    following[ring] = np.roll(ring, -1)
    return following
