"""Any ablations: logits, argmax and counting in one pass, no logits stored.

Logits are moved from ablation to ablation in float32, many images side by side. Each image has
a bound on how far rounding can have moved its logits; where a second class comes closer to the
largest than that, the few classes concerned are summed again in float64. So the counts are
those of float64, and do not depend on the threads.
"""

from __future__ import annotations

import numpy as np

from interp_checks.arrays import Array
from interp_checks.counting.walk import FROM_EVERY, FROM_NONE

from .numba_setup import LANES, compiled
from .settle_ties import settle, settle_block


@compiled
def walk(
    narrow: Array,
    narrow_classes: Array,
    narrow_base: Array,
    every: Array,
    slack: Array,
    along: Array,
    classes: Array,
    base: Array,
    tie: float,
    labels: Array,
    intact: Array,
    rows: Array,
    roots: Array,
    first: Array,
    changes: Array,
    kept: Array,
    begin: int,
    end: int,
    image_from: int,
    image_to: int,
    one_label: bool,
    counts: Array,
    right: Array,
    both: Array,
) -> int:  # pragma: no cover - compiled
    """Walk through ablations for a range of images and add to the counts.

    Args:
        narrow: coefficients scaled to float32, [r, N].
        narrow_classes: class vectors in float32, [K, r].
        narrow_base: what always stays, scaled alike: [K, 1] for all images, or [K, N].
        every: intact logits scaled alike, [K, N]; empty if no step starts there.
        slack: how close to the largest a second logit may come before it counts, [N].
        along: coefficients in float64, [N, r].
        classes: class vectors in float64, [K, r].
        base: the same in float64, a row for all images or for each, [1, K] or [N, K].
        tie: logits closer than this are equal.
        labels: [N].
        intact: intact predictions, [N].
        rows: see :class:`interp_checks.counting.walk.Walk`, with roots, first and changes.
        roots: see there.
        first: see there.
        changes: see there.
        kept: whether each direction stays, [A, r].
        begin: first stop of the walk.
        end: stop to end before.
        image_from: first image.
        image_to: image to end before.
        one_label: the images in the range share one label (few classes are counted faster).
        counts: [A, K, K], added to; empty if not wanted.
        right: [A, K], added to.
        both: [A, K], added to.

    Returns:
        How many predictions had to be settled in float64.
    """
    K = narrow_classes.shape[0]
    state = np.empty((K, LANES), np.float32)
    block = np.empty((narrow.shape[0], LANES), np.float32)
    top = np.empty(LANES, np.float32)
    margin = np.empty(LANES, np.float32)
    close = np.empty(LANES, np.int32)
    chosen = np.empty(LANES, np.int32)
    was_right = np.empty(LANES, np.float32)
    tally = np.empty(K, np.int64)
    logits = np.empty(K, np.float64)
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
        for stop in range(begin, end):
            if roots[stop] == FROM_NONE:
                for k in range(K):
                    if narrow_base.shape[1] == 1:
                        for lane in range(LANES):
                            state[k, lane] = narrow_base[k, 0]
                    else:
                        for lane in range(size):
                            state[k, lane] = narrow_base[k, start + lane]
                        for lane in range(size, LANES):
                            state[k, lane] = 0
            elif roots[stop] == FROM_EVERY:
                for k in range(K):
                    for lane in range(size):
                        state[k, lane] = every[k, start + lane]
                    for lane in range(size, LANES):
                        state[k, lane] = 0
            last = first[stop + 1] - 1
            for change in range(first[stop], last):
                d = abs(changes[change]) - 1
                sign = np.float32(1 if changes[change] > 0 else -1)
                for k in range(K):
                    weight = sign * narrow_classes[k, d]
                    for lane in range(LANES):
                        state[k, lane] += block[d, lane] * weight
            # The last change and the maximum share a pass, two classes at a time: what limits
            # this loop is how often memory is touched.
            for lane in range(LANES):
                top[lane] = -np.inf
            k = 0
            if last >= first[stop]:
                d = abs(changes[last]) - 1
                sign = np.float32(1 if changes[last] > 0 else -1)
                while k + 1 < K:
                    weight = sign * narrow_classes[k, d]
                    weight_after = sign * narrow_classes[k + 1, d]
                    for lane in range(LANES):
                        along_it = block[d, lane]
                        value = state[k, lane] + along_it * weight
                        after = state[k + 1, lane] + along_it * weight_after
                        state[k, lane] = value
                        state[k + 1, lane] = after
                        larger = value if value > after else after
                        top[lane] = larger if larger > top[lane] else top[lane]
                    k += 2
                if k < K:
                    weight = sign * narrow_classes[k, d]
                    for lane in range(LANES):
                        state[k, lane] += block[d, lane] * weight
            while k < K:
                for lane in range(LANES):
                    value = state[k, lane]
                    top[lane] = value if value > top[lane] else top[lane]
                k += 1
            # No logit of a lane without an image reaches infinity.
            for lane in range(LANES):
                top[lane] -= margin[lane]
            row = rows[stop]
            if one_label:
                total = 0
                for k in range(K):
                    # Sums of ones in float32 are exact and keep the full width.
                    reached = np.float32(0)
                    for lane in range(LANES):
                        reached += np.float32(1 if state[k, lane] >= top[lane] else 0)
                    tally[k] = np.int64(reached)
                    total += tally[k]
                both_right = np.float32(0)
                for lane in range(LANES):
                    both_right += was_right[lane] if state[label, lane] >= top[lane] else 0
                shared = np.int64(both_right)
                if total != size:
                    newly, changed = settle_block(
                        state, size, start, label, top, close, was_right, tally,
                        along, classes, base, kept[row], tie, logits,
                    )  # fmt: skip
                    settled += newly
                    shared += changed
                right[row, label] += tally[label]
                both[row, label] += shared
                if dense:
                    for k in range(K):
                        counts[row, label, k] += tally[k]
                continue
            for lane in range(LANES):
                close[lane] = 0
                chosen[lane] = 0
            for k in range(K):
                for lane in range(LANES):
                    hit = np.int32(state[k, lane] >= top[lane])
                    close[lane] += hit
                    chosen[lane] += hit * np.int32(k)
            for lane in range(size):
                k = chosen[lane]
                if close[lane] != 1:
                    settled += 1
                    k = settle(
                        state, lane, top[lane], along, start + lane,
                        classes, base, kept[row], tie, logits,
                    )  # fmt: skip
                truth = labels[start + lane]
                if k == truth:
                    right[row, truth] += 1
                    both[row, truth] += np.int64(was_right[lane])
                if dense:
                    counts[row, truth, k] += 1
    return settled
