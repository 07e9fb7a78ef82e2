"""The compiled inner loop for all subsets of a head of few classes, two at a time.

Logits are whole numbers of 16 bits, in a unit of each image's own: what a direction gives to a
class is rounded once, and sums of whole numbers are exact however long the walk. A register
holds twice as many of them as of float32, and no step of the walk multiplies.
"""

from __future__ import annotations

import numpy as np

from interp_checks.arrays import Array
from interp_checks.counting.walk import FROM_NONE

from .numba_setup import LANES, compiled
from .settle_ties import settle_block

#: No logit under any subset is larger, in units of its image; rounding and margins come on top.
LARGEST = 32000
#: An image whose margin would be wider than this is settled in float64 throughout.
WIDEST = 256
#: Sums smaller than this have no finite unit.
TINY = 1e-290
#: Classes of which the maximum is taken in one pass: what limits it is how much it writes.
TOGETHER = 10
#: Less than any logit.
LOWEST = -32768


@compiled
def _share_out(
    along: Array,
    classes: Array,
    base: Array,
    tie: float,
    order: Array,
    start: int,
    size: int,
    exact: Array,
    bases: Array,
    shares: Array,
    biases: Array,
    margin: Array,
) -> None:  # pragma: no cover - compiled
    """Round what each direction gives to each class, in the largest unit that fits each image.

    Args:
        along: see :func:`walk_pairs`, for all that is not named here.
        classes: see there.
        base: see there.
        tie: see there.
        order: see there.
        start: the first image of the block.
        size: images in the block.
        exact: filled with their coefficients, [r, LANES].
        bases: filled with what always stays of each, [LANES, K].
        shares: filled with the rounded shares, [r + 1, K, LANES]; zero beyond the images.
        biases: filled with the same, rounded, [K, LANES].
        margin: filled with how far rounding can part two logits, [LANES].
    """
    K, width = classes.shape
    unit = np.zeros(LANES, np.float64)
    above = np.empty(LANES, np.float64)
    below = np.empty(LANES, np.float64)
    rounded = np.empty(LANES, np.float64)
    wrong = np.zeros(LANES, np.float64)
    exact[:] = 0
    for d in range(width):
        for lane in range(size):
            exact[d, lane] = along[d, order[start + lane]]
    for lane in range(LANES):
        row = min(order[start + min(lane, size - 1)], base.shape[0] - 1)
        for k in range(K):
            bases[lane, k] = base[row, k]
    # The largest and smallest logit of each class that any subset can have.
    for k in range(K):
        for lane in range(LANES):
            above[lane] = bases[lane, k]
            below[lane] = bases[lane, k]
        for d in range(width):
            weight = classes[k, d]
            for lane in range(LANES):
                share = exact[d, lane] * weight
                above[lane] += max(share, 0.0)
                below[lane] += min(share, 0.0)
        for lane in range(LANES):
            unit[lane] = max(unit[lane], max(above[lane], -below[lane]))
    # The bias and each share are at most twice the largest logit, so in units they are at most
    # 2 LARGEST + 1: too large for 16 bits, never for 32. Straight to 16 bits, processors differ
    # (some saturate, some wrap); a 32-bit number is cut back to its last 16 bits everywhere.
    # Sums are then right modulo 2^16, and no logit of any subset is larger than LARGEST.
    for lane in range(LANES):
        unit[lane] = LARGEST / unit[lane] if unit[lane] > TINY else 0.0
        unit[lane] = unit[lane] if 2 * tie * unit[lane] < WIDEST / 2 else 0.0
    for lane in range(size, LANES):
        unit[lane] = 0
    for k in range(K):
        for lane in range(LANES):
            value = bases[lane, k] * unit[lane]
            nearest = np.rint(value)
            biases[k, lane] = np.int16(np.int32(nearest))
            rounded[lane] = abs(value - nearest)
        for d in range(width):
            weight = classes[k, d]
            for lane in range(LANES):
                value = exact[d, lane] * weight * unit[lane]
                nearest = np.rint(value)
                shares[d, k, lane] = np.int16(np.int32(nearest))
                rounded[lane] += abs(value - nearest)
        for lane in range(LANES):
            wrong[lane] = max(wrong[lane], rounded[lane])
    # Whole numbers that differ by at most x differ by at most its floor; the rest is for the
    # rounding of these sums themselves. In range: at most half for each of the shares and the
    # bias is wrong, and ties take less than WIDEST / 2.
    for lane in range(size):
        margin[lane] = np.int16(np.int32(2 * wrong[lane] + 2 * tie * unit[lane] + 1e-3))
    for lane in range(size, LANES):
        margin[lane] = -LARGEST


@compiled
def walk_pairs(
    along: Array,
    order: Array,
    classes: Array,
    base: Array,
    tie: float,
    labels: Array,
    intact: Array,
    rows: Array,
    roots: Array,
    first: Array,
    changes: Array,
    twin: int,
    twin_rows: Array,
    kept: Array,
    begin: int,
    end: int,
    image_from: int,
    image_to: int,
    counts: Array,
    right: Array,
    both: Array,
) -> int:  # pragma: no cover - compiled
    """Walk through all subsets without one direction, and count each with it as well.

    The logits of a set are read once for both: what limits these loops is how much they write.

    Args:
        along: coefficients in float64, [r, N].
        order: the images sorted by label, [N].
        classes: class-side vectors, [K, r].
        base: what always stays, a row for all images or for each, [1, K] or [N, K].
        tie: logits closer than this are equal.
        labels: in the order of ``order``, [N]; one label in the range of images.
        intact: intact predictions, in that order, [N].
        rows: the subset that each stop counts.
        roots: see :class:`interp_checks.counting.walk.Walk`; none is FROM_EVERY.
        first: see there.
        changes: see there; the direction of the twins is not among them.
        twin: the direction that is added, from 0.
        twin_rows: the subset that each stop counts with it.
        kept: whether each direction stays under each subset, [A, r].
        begin: the first stop.
        end: behind the last stop.
        image_from: the first image, in that order.
        image_to: behind the last image.
        counts: confusion counts to add to, [A, K, K], or empty.
        right: images that are right, by class, [A, K]; added to.
        both: those that are right intact as well, [A, K]; added to.

    Returns:
        How many predictions had to be settled in float64.
    """
    K, width = classes.shape
    state = np.empty((K, LANES), np.int16)
    other = np.empty((K, LANES), np.int16)
    exact = np.empty((width, LANES), np.float64)
    # The last is zero throughout: a step to nowhere.
    shares = np.zeros((width + 1, K, LANES), np.int16)
    biases = np.empty((K, LANES), np.int16)
    bases = np.empty((LANES, K), np.float64)
    top = np.empty(LANES, np.int16)
    peak = np.empty(LANES, np.int16)
    margin = np.empty(LANES, np.int16)
    was_right = np.empty(LANES, np.int16)
    close = np.empty(LANES, np.int16)
    tally = np.empty(K, np.int64)
    logits = np.empty(K, np.float64)
    tally_twin = np.empty(K, np.int64)
    dense = counts.shape[0] > 0
    settled = 0
    for start in range(image_from, image_to, LANES):
        size = min(LANES, image_to - start)
        label = labels[start]
        _share_out(
            along, classes, base, tie, order, start, size, exact, bases, shares, biases, margin
        )
        was_right[:] = 0
        for lane in range(size):
            was_right[lane] = intact[start + lane] == label
        for stop in range(begin, end):
            if roots[stop] == FROM_NONE:
                for k in range(K):
                    for lane in range(LANES):
                        state[k, lane] = biases[k, lane]
            last = first[stop + 1] - 1
            for change in range(first[stop], last):
                d = abs(changes[change]) - 1
                sign = np.int16(0 if changes[change] > 0 else -1)
                for k in range(K):
                    for lane in range(LANES):
                        state[k, lane] += (shares[d, k, lane] ^ sign) - sign
            d = width
            sign = np.int16(0)
            if last >= first[stop]:
                d = abs(changes[last]) - 1
                sign = np.int16(0 if changes[last] > 0 else -1)
            for lane in range(LANES):
                top[lane] = LOWEST
                peak[lane] = LOWEST
            k = 0
            while k + TOGETHER <= K:
                for lane in range(LANES):
                    high = top[lane]
                    high_twin = peak[lane]
                    for after in range(TOGETHER):
                        row = k + after
                        # A number with all bits flipped is its negative, less one. Whatever is
                        # not cut back to 16 bits at once, the compiler computes in 64.
                        move = np.int16(np.int16(shares[d, row, lane] ^ sign) - sign)
                        value = np.int16(state[row, lane] + move)
                        state[row, lane] = value
                        high = value if value > high else high
                        value = np.int16(value + shares[twin, row, lane])
                        high_twin = value if value > high_twin else high_twin
                    top[lane] = high
                    peak[lane] = high_twin
                k += TOGETHER
            while k < K:
                for lane in range(LANES):
                    move = np.int16(np.int16(shares[d, k, lane] ^ sign) - sign)
                    value = np.int16(state[k, lane] + move)
                    state[k, lane] = value
                    top[lane] = value if value > top[lane] else top[lane]
                    value = np.int16(value + shares[twin, k, lane])
                    peak[lane] = value if value > peak[lane] else peak[lane]
                k += 1
            # No logit of a lane without an image reaches this.
            for lane in range(LANES):
                top[lane] -= margin[lane]
                peak[lane] -= margin[lane]
            total = 0
            total_twin = 0
            for k in range(K):
                reached = np.int16(0)
                reached_twin = np.int16(0)
                for lane in range(LANES):
                    value = state[k, lane]
                    reached = np.int16(reached + np.int16(value >= top[lane]))
                    value = np.int16(value + shares[twin, k, lane])
                    reached_twin = np.int16(reached_twin + np.int16(value >= peak[lane]))
                tally[k] = reached
                tally_twin[k] = reached_twin
                total += tally[k]
                total_twin += tally_twin[k]
            none = np.int16(0)
            reached = none
            reached_twin = none
            for lane in range(LANES):
                value = state[label, lane]
                reached = np.int16(reached + (was_right[lane] if value >= top[lane] else none))
                value = np.int16(value + shares[twin, label, lane])
                reached_twin = np.int16(
                    reached_twin + (was_right[lane] if value >= peak[lane] else none)
                )
            shared = np.int64(reached)
            shared_twin = np.int64(reached_twin)
            row = rows[stop]
            row_twin = twin_rows[stop]
            if total != size:
                newly, changed = settle_block(
                    state, size, 0, label, top, close, was_right, tally,
                    exact.T, classes, bases, kept[row], tie, logits,
                )  # fmt: skip
                settled += newly
                shared += changed
            if total_twin != size:
                for k in range(K):
                    for lane in range(LANES):
                        other[k, lane] = state[k, lane] + shares[twin, k, lane]
                newly, changed = settle_block(
                    other, size, 0, label, peak, close, was_right, tally_twin,
                    exact.T, classes, bases, kept[row_twin], tie, logits,
                )  # fmt: skip
                settled += newly
                shared_twin += changed
            right[row, label] += tally[label]
            right[row_twin, label] += tally_twin[label]
            both[row, label] += shared
            both[row_twin, label] += shared_twin
            if dense:
                for k in range(K):
                    counts[row, label, k] += tally[k]
                    counts[row_twin, label, k] += tally_twin[k]
    return settled
