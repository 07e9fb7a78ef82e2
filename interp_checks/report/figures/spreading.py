"""Keep labels apart that would lie on each other."""

from __future__ import annotations

import numpy as np

from interp_checks.arrays import Array, FloatArray


def spread(wanted: Array, gap: float, low: float, high: float) -> FloatArray:
    """Places as near to those wanted as can be, each at least a gap from the next, in order.

    The sum of squared moves is the least there is (isotonic regression by pooling). If the
    places do not fit between the bounds, they are spaced evenly there.

    Args:
        wanted: [n].
        gap: between neighbours.
        low: no place is below.
        high: none is above.
    """
    places = np.asarray(wanted, dtype=np.float64)
    count = len(places)
    if not count:
        return places
    if count > 1 and gap * (count - 1) > high - low:
        gap = (high - low) / (count - 1)
    order = np.argsort(places, kind="stable")
    # Without the gaps they only have to be in order.
    pools: list[list[float]] = []
    for number, place in enumerate(places[order]):
        pools.append([place - number * gap, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, size = pools.pop()
            before = pools[-1]
            before[0] = (before[0] * before[1] + mean * size) / (before[1] + size)
            before[1] += size
    pooled = np.concatenate([np.full(int(size), mean) for mean, size in pools])
    pooled = np.clip(pooled, low, high - (count - 1) * gap)
    result = np.empty(count)
    result[order] = pooled + gap * np.arange(count)
    return result


def pushed_apart(points: Array, width: float, height: float) -> FloatArray:
    """Centres of equal boxes, moved until no two overlap, or nearly so.

    Args:
        points: [n, 2], where the boxes would be.
        width: of a box.
        height: of a box.
    """
    places = np.array(points, dtype=np.float64)
    size = np.array([width, height])
    for _ in range(200):
        overlap = False
        for first in range(len(places)):
            for second in range(first):
                between = places[first] - places[second]
                room = size - np.abs(between)
                if (room <= 1e-9).any():
                    continue
                overlap = True
                # The shorter way out.
                axis = int(room.argmin())
                step = np.zeros(2)
                step[axis] = (room[axis] / 2) * (1 if between[axis] >= 0 else -1)
                places[first] += step
                places[second] -= step
        if not overlap:
            break
    return places
