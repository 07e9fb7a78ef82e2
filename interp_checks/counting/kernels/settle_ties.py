"""What rounded logits cannot part, decided in float64: the lowest of the classes that tie."""

from __future__ import annotations

import numpy as np

from interp_checks.arrays import Array

from .numba_setup import LANES, compiled

#: Images that are looked over together for one that must be settled.
_TOGETHER = 32


@compiled
def settle(
    state: Array,
    lane: int,
    threshold: float,
    along: Array,
    image: int,
    classes: Array,
    base: Array,
    kept: Array,
    tie: float,
    logits: Array,
) -> int:  # pragma: no cover - compiled
    """The predicted class in float64, among the classes that rounded logits cannot part.

    Args:
        state: rounded logits, [K, LANES].
        lane: which of these images.
        threshold: what a logit must reach to be close to the largest.
        along: see :func:`interp_checks.counting.kernels.ablations.walk`, with classes, base, tie.
        image: the row of the image there.
        classes: see there.
        base: see there.
        kept: whether each direction stays, [r].
        tie: see there.
        logits: to work in, [K].
    """
    best = -np.inf
    row = min(image, base.shape[0] - 1)
    for k in range(state.shape[0]):
        if state[k, lane] >= threshold:
            value = base[row, k]
            for d in range(kept.shape[0]):
                # What does not stay adds nothing; a branch here would seldom be foreseen.
                value += along[image, d] * classes[k, d] * kept[d]
            logits[k] = value
            best = max(best, value)
    for k in range(state.shape[0]):
        if state[k, lane] >= threshold and logits[k] >= best - tie:
            return k
    return 0


@compiled
def settle_block(
    values: Array,
    size: int,
    start: int,
    label: int,
    top: Array,
    close: Array,
    was_right: Array,
    tally: Array,
    along: Array,
    classes: Array,
    base: Array,
    kept: Array,
    tie: float,
    logits: Array,
) -> tuple[int, int]:  # pragma: no cover - compiled
    """Settle what rounded logits cannot part in a block of images that share a label.

    Args:
        values: rounded logits, [K, LANES].
        size: images in the block.
        start: the first of them.
        label: that they share.
        top: what a logit must reach to be close to the largest, [LANES].
        close: to work in, [LANES].
        was_right: whether each is right intact, [LANES].
        tally: predictions of each class, [K]; corrected.
        along: see :func:`settle`, for all that is not named here.
        classes: see there.
        base: see there.
        kept: see there.
        tie: see there.
        logits: see there.

    Returns:
        How many were settled, and by how many those that are right here and intact change.
    """
    K = values.shape[0]
    for lane in range(LANES):
        close[lane] = 0
    for k in range(K):
        for lane in range(LANES):
            close[lane] += values[k, lane] >= top[lane]
    # There is nothing to settle without an image.
    for lane in range(size, LANES):
        close[lane] = 1
    settled = 0
    changed = 0
    for first in range(0, LANES, _TOGETHER):
        unclear = np.int16(0)
        for lane in range(_TOGETHER):
            unclear = np.int16(unclear + np.int16(close[first + lane] != 1))
        if unclear == 0:
            continue
        for lane in range(first, first + _TOGETHER):
            if close[lane] == 1:
                continue
            settled += 1
            for k in range(K):
                tally[k] -= values[k, lane] >= top[lane]
            if values[label, lane] >= top[lane]:
                changed -= np.int64(was_right[lane])
            k = settle(
                values, lane, top[lane], along, start + lane, classes, base, kept, tie, logits
            )
            tally[k] += 1
            if k == label:
                changed += np.int64(was_right[lane])
    return settled, changed
