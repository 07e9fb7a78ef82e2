"""What rounded logits cannot part, decided in float64: the lowest of the classes that tie."""

from __future__ import annotations

import numpy as np

from interp_checks._arrays import Array

from .compiling import LANES, compiled


@compiled
def settle(
    state: Array,
    lane: int,
    threshold: float,
    along: Array,
    image: int,
    classes: Array,
    bias: Array,
    kept: Array,
    tie: float,
) -> int:  # pragma: no cover - compiled
    """The predicted class in float64, among the classes that float32 cannot part."""
    best = -np.inf
    for k in range(state.shape[0]):
        if state[k, lane] >= threshold:
            value = 0.0
            for d in range(kept.shape[0]):
                if kept[d]:
                    value += along[image, d] * classes[k, d]
            value += bias[k]
            best = max(best, value)
    for k in range(state.shape[0]):
        if state[k, lane] >= threshold:
            value = 0.0
            for d in range(kept.shape[0]):
                if kept[d]:
                    value += along[image, d] * classes[k, d]
            value += bias[k]
            if value >= best - tie:
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
    bias: Array,
    kept: Array,
    tie: float,
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
        along: see :func:`interp_checks.kernels.ablations.walk`, with classes, bias and tie.
        classes: see there.
        bias: see there.
        kept: whether each direction stays, [r].
        tie: see there.

    Returns:
        How many were settled, and by how many those that are right here and intact change.
    """
    K = values.shape[0]
    for lane in range(LANES):
        close[lane] = 0
    for k in range(K):
        for lane in range(LANES):
            close[lane] += values[k, lane] >= top[lane]
    settled = 0
    changed = 0
    for lane in range(size):
        if close[lane] == 1:
            continue
        settled += 1
        for k in range(K):
            tally[k] -= values[k, lane] >= top[lane]
        if values[label, lane] >= top[lane]:
            changed -= np.int64(was_right[lane])
        k = settle(values, lane, top[lane], along, start + lane, classes, bias, kept, tie)
        tally[k] += 1
        if k == label:
            changed += np.int64(was_right[lane])
    return settled, changed
