"""The compiled inner loop for all subsets of a head of few classes, two at a time."""

from __future__ import annotations

import numpy as np

from ._arrays import Array
from .kernels import LANES, compiled, settle_block
from .steps import FROM_NONE

#: What one prediction of the second of two counts adds to their common sum.
SECOND = 4096


@compiled
def walk_pairs(
    narrow: Array,
    narrow_classes: Array,
    narrow_bias: Array,
    slack: Array,
    along: Array,
    classes: Array,
    bias: Array,
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

    The logits of a set are read once for both. Adding the direction to them where they are
    compared saves writing them down: what limits these loops is how much they write.

    Args:
        narrow: see :func:`interp_checks.kernels.walk`, for all that is not named here.
        narrow_classes: see there.
        narrow_bias: see there.
        slack: see there.
        along: see there.
        classes: see there.
        bias: see there.
        tie: see there.
        labels: see there; one label in the range of images.
        intact: see there.
        rows: the subset that each stop counts.
        roots: see there.
        first: see there.
        changes: see there; the direction of the twins is not among them.
        twin: the direction that is added, from 0.
        twin_rows: the subset that each stop counts with it.
        kept: see there.
        begin: see there.
        end: see there.
        image_from: see there.
        image_to: see there.
        counts: see there.
        right: see there.
        both: see there.

    Returns:
        How many predictions had to be settled in float64.
    """
    K = narrow_classes.shape[0]
    state = np.empty((K, LANES), np.float32)
    other = np.empty((K, LANES), np.float32)
    block = np.empty((narrow.shape[0], LANES), np.float32)
    step = np.empty(LANES, np.float32)
    top = np.empty(LANES, np.float32)
    peak = np.empty(LANES, np.float32)
    margin = np.empty(LANES, np.float32)
    was_right = np.empty(LANES, np.float32)
    close = np.empty(LANES, np.int32)
    tally = np.empty(K, np.int64)
    tally_twin = np.empty(K, np.int64)
    dense = counts.shape[0] > 0
    settled = 0
    for start in range(image_from, image_to, LANES):
        size = min(LANES, image_to - start)
        label = labels[start]
        for lane in range(LANES):
            margin[lane] = -np.inf
            was_right[lane] = 0
        for lane in range(size):
            margin[lane] = slack[start + lane]
            was_right[lane] = intact[start + lane] == labels[start + lane]
        block[:] = 0
        for d in range(narrow.shape[0]):
            for lane in range(size):
                block[d, lane] = narrow[d, start + lane]
        for lane in range(LANES):
            step[lane] = block[twin, lane]
        for stop in range(begin, end):
            if roots[stop] == FROM_NONE:
                for k in range(K):
                    for lane in range(LANES):
                        state[k, lane] = narrow_bias[k]
            last = first[stop + 1] - 1
            for change in range(first[stop], last):
                d = abs(changes[change]) - 1
                sign = np.float32(1 if changes[change] > 0 else -1)
                for k in range(K):
                    weight = sign * narrow_classes[k, d]
                    for lane in range(LANES):
                        state[k, lane] += block[d, lane] * weight
            for lane in range(LANES):
                top[lane] = -np.inf
                peak[lane] = -np.inf
            k = 0
            if last >= first[stop]:
                d = abs(changes[last]) - 1
                sign = np.float32(1 if changes[last] > 0 else -1)
                while k + 1 < K:
                    weight = sign * narrow_classes[k, d]
                    weight_after = sign * narrow_classes[k + 1, d]
                    extra = narrow_classes[k, twin]
                    extra_after = narrow_classes[k + 1, twin]
                    for lane in range(LANES):
                        along_it = block[d, lane]
                        value = state[k, lane] + along_it * weight
                        after = state[k + 1, lane] + along_it * weight_after
                        state[k, lane] = value
                        state[k + 1, lane] = after
                        larger = value if value > after else after
                        top[lane] = larger if larger > top[lane] else top[lane]
                        value += step[lane] * extra
                        after += step[lane] * extra_after
                        larger = value if value > after else after
                        peak[lane] = larger if larger > peak[lane] else peak[lane]
                    k += 2
                if k < K:
                    weight = sign * narrow_classes[k, d]
                    for lane in range(LANES):
                        state[k, lane] += block[d, lane] * weight
            while k < K:
                extra = narrow_classes[k, twin]
                for lane in range(LANES):
                    value = state[k, lane]
                    top[lane] = value if value > top[lane] else top[lane]
                    value += step[lane] * extra
                    peak[lane] = value if value > peak[lane] else peak[lane]
                k += 1
            # No logit of a lane without an image reaches infinity.
            for lane in range(LANES):
                top[lane] -= margin[lane]
                peak[lane] -= margin[lane]
            # Two classes share a sum: float32 holds both numbers exactly.
            total = 0
            k = 0
            while k + 1 < K:
                extra = narrow_classes[k, twin]
                extra_after = narrow_classes[k + 1, twin]
                reached = np.float32(0)
                reached_twin = np.float32(0)
                for lane in range(LANES):
                    value = state[k, lane]
                    after = state[k + 1, lane]
                    reached += np.float32(1 if value >= top[lane] else 0)
                    reached += np.float32(SECOND if after >= top[lane] else 0)
                    value += step[lane] * extra
                    after += step[lane] * extra_after
                    reached_twin += np.float32(1 if value >= peak[lane] else 0)
                    reached_twin += np.float32(SECOND if after >= peak[lane] else 0)
                both_classes = np.int64(reached)
                tally[k] = both_classes % SECOND
                tally[k + 1] = both_classes // SECOND
                both_classes = np.int64(reached_twin)
                tally_twin[k] = both_classes % SECOND
                tally_twin[k + 1] = both_classes // SECOND
                total += tally[k] + tally[k + 1] + tally_twin[k] + tally_twin[k + 1]
                k += 2
            if k < K:
                extra = narrow_classes[k, twin]
                reached = np.float32(0)
                for lane in range(LANES):
                    value = state[k, lane]
                    reached += np.float32(1 if value >= top[lane] else 0)
                    value += step[lane] * extra
                    reached += np.float32(SECOND if value >= peak[lane] else 0)
                both_classes = np.int64(reached)
                tally[k] = both_classes % SECOND
                tally_twin[k] = both_classes // SECOND
                total += tally[k] + tally_twin[k]
            extra = narrow_classes[label, twin]
            reached = np.float32(0)
            for lane in range(LANES):
                value = state[label, lane]
                reached += was_right[lane] if value >= top[lane] else np.float32(0)
                value += step[lane] * extra
                reached += was_right[lane] * SECOND if value >= peak[lane] else np.float32(0)
            shared = np.int64(reached) % SECOND
            shared_twin = np.int64(reached) // SECOND
            row = rows[stop]
            row_twin = twin_rows[stop]
            if total != 2 * size:
                for k in range(K):
                    extra = narrow_classes[k, twin]
                    for lane in range(LANES):
                        other[k, lane] = state[k, lane] + step[lane] * extra
                found, changed = settle_block(
                    state,
                    size,
                    start,
                    label,
                    top,
                    close,
                    was_right,
                    tally,
                    along,
                    classes,
                    bias,
                    kept[row],
                    tie,
                )
                settled += found
                shared += changed
                found, changed = settle_block(
                    other,
                    size,
                    start,
                    label,
                    peak,
                    close,
                    was_right,
                    tally_twin,
                    along,
                    classes,
                    bias,
                    kept[row_twin],
                    tie,
                )
                settled += found
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
