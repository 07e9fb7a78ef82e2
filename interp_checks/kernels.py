"""Compiled inner loops: logits, argmax and counting in one pass, no logits stored.

Logits are moved from ablation to ablation in float32, many images side by side. Each image has
a bound on how far rounding can have moved its logits; where a second class comes closer to the
largest than that, the few classes concerned are summed again in float64. So the counts are
those of float64, and do not depend on the threads.

The loops are written for the compiler's vectoriser: fixed trip counts over images, selects
instead of branches.

Compiled code is kept beside this file, or in the user's cache folder; where neither can be
written, it is compiled anew in each process.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

import numba
import numpy as np

from ._arrays import Array
from .steps import FROM_EVERY, FROM_NONE

#: Images side by side: enough that the loops over them run at full width.
LANES = 128

Function = TypeVar("Function", bound=Callable[..., Any])


#: The compiler may reorder sums: float32 is only trusted within a bound that allows for it, and
#: float64 within the tie.
_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "fastmath": {"contract", "reassoc", "nsz"},
    "error_model": "numpy",
}


def compiled(function: Function) -> Function:
    """Compile at the first call; keep the result on disk where there is a place for it."""
    try:
        kept: Function = numba.njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # numba found no folder that it can write to
        kept = numba.njit(**_OPTIONS)(function)
    return kept


@compiled
def _settle(
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
        along: see :func:`walk`, with classes, bias and tie.
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
        k = _settle(values, lane, top[lane], along, start + lane, classes, bias, kept, tie)
        tally[k] += 1
        if k == label:
            changed += np.int64(was_right[lane])
    return settled, changed


@compiled
def walk(
    narrow: Array,
    narrow_classes: Array,
    narrow_bias: Array,
    every: Array,
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
        narrow_bias: bias scaled alike, [K].
        every: intact logits scaled alike, [K, N]; empty if no step starts there.
        slack: how close to the largest a second logit may come before it counts, [N].
        along: coefficients in float64, [N, r].
        classes: class vectors in float64, [K, r].
        bias: in float64, [K].
        tie: logits closer than this are equal.
        labels: [N].
        intact: intact predictions, [N].
        rows: see :class:`interp_checks.steps.Steps`, with roots, first and changes.
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
                    for lane in range(LANES):
                        state[k, lane] = narrow_bias[k]
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
                    k = _settle(
                        state,
                        lane,
                        top[lane],
                        along,
                        start + lane,
                        classes,
                        bias,
                        kept[row],
                        tie,
                    )
                truth = labels[start + lane]
                if k == truth:
                    right[row, truth] += 1
                    both[row, truth] += np.int64(was_right[lane])
                if dense:
                    counts[row, truth, k] += 1
    return settled


@compiled
def drop_each(
    logits: Array,
    along: Array,
    by_direction: Array,
    classes: Array,
    lowest: Array,
    highest: Array,
    lengths: Array,
    rounding: Array,
    base_length: float,
    base_rounding: float,
    features: Array,
    weight: Array,
    bias: Array,
    hidden: Array,
    exact_classes: Array,
    scale: float,
    tie: float,
    labels: Array,
    intact: Array,
    rows: Array,
    image_from: int,
    image_to: int,
    counts: Array,
    right: Array,
    both: Array,
) -> int:  # pragma: no cover - compiled
    """Drop each direction alone, looking only at classes that could take over.

    Dropping direction d moves the difference of two logits of an image by at most its
    coefficient times the spread of the direction's class vector. Where that is less than the
    lead of the predicted class, nothing can change; otherwise only classes whose distance from
    the lead is less are compared. Logits are in float32, scaled; classes that rounding could
    confuse are computed in float64 from the features.

    Args:
        logits: with every direction, float32, scaled, [N, K].
        along: coefficients, float32, scaled, [N, r].
        by_direction: class vectors in float32, one row per direction, [r, K].
        classes: the same, one row per class, [K, r].
        lowest: smallest entry of each direction's class vector, [r].
        highest: largest entry, [r].
        lengths: of each direction's scaled hidden vector (its scaled singular value), [r].
        rounding: of a product of an image's features with a vector of length one, [N].
        base_length: the length of the longest row of the scaled weight.
        base_rounding: of the scaled bias.
        features: in their own type, [N, Z].
        weight: in float64, [K, Z].
        bias: in float64, [K].
        hidden: hidden vectors times singular values, float64, one row per direction, [r, Z].
        exact_classes: class vectors in float64, [K, r].
        scale: of a logit.
        tie: logits closer than this are equal, unscaled.
        labels: [N].
        intact: intact predictions, [N].
        rows: the ablation that drops direction d, -1 if none does, [r].
        image_from: first image.
        image_to: image to end before.
        counts: [A, K, K], added to; empty if not wanted.
        right: [A, K], added to.
        both: [A, K], added to.

    Returns:
        How many pairs of image and direction had to be looked at.
    """
    K = logits.shape[1]
    wide = along.shape[1]
    dense = counts.shape[0] > 0
    could_move = np.empty(wide, np.float64)
    gaps = np.empty(K, np.float64)
    names = np.empty(K, np.int64)
    looked_at = 0
    equal = 2 * tie / scale
    for image in range(image_from, image_to):
        lead = 0
        height = logits[image, 0]
        for k in range(1, K):
            if logits[image, k] > height:
                height = logits[image, k]
                lead = k
        base = 2 * (rounding[image] * base_length + base_rounding) + equal
        own = 2 * rounding[image]
        furthest = 0.0
        for d in range(wide):
            c = np.float64(along[image, d])
            v = np.float64(classes[lead, d])
            moved = max(c * (v - lowest[d]), c * (v - highest[d]))
            could_move[d] = moved + base + own * lengths[d]
            furthest = max(furthest, could_move[d])
        rivals = 0
        second = np.inf
        for k in range(K):
            gap = np.float64(height) - logits[image, k]
            if k != lead:
                second = min(second, gap)
            if gap <= furthest:
                gaps[rivals] = gap
                names[rivals] = k
                rivals += 1
        order = np.argsort(gaps[:rivals])
        truth = labels[image]
        was_right = intact[image] == truth
        for d in range(wide):
            row = rows[d]
            if row < 0:
                continue
            predicted = lead
            if could_move[d] >= second:
                looked_at += 1
                c = np.float64(along[image, d])
                best = -np.inf
                within = 0
                while within < rivals and gaps[order[within]] <= could_move[d]:
                    k = names[order[within]]
                    value = logits[image, k] - c * by_direction[d, k]
                    if value > best:
                        best = value
                        predicted = k
                    within += 1
                near = 0
                threshold = best - base - own * lengths[d]
                for rival in range(within):
                    k = names[order[rival]]
                    near += logits[image, k] - c * by_direction[d, k] >= threshold
                if near > 1:
                    removed = 0.0
                    for z in range(features.shape[1]):
                        removed += np.float64(features[image, z]) * hidden[d, z]
                    best = -np.inf
                    for attempt in range(2):
                        for rival in range(within):
                            k = names[order[rival]]
                            if logits[image, k] - c * by_direction[d, k] < threshold:
                                continue
                            value = bias[k] - removed * exact_classes[k, d]
                            for z in range(features.shape[1]):
                                value += np.float64(features[image, z]) * weight[k, z]
                            if attempt == 0:
                                if value > best:
                                    best = value
                                    predicted = K
                            elif value >= best - tie:
                                predicted = min(predicted, k)
            if predicted == truth:
                right[row, truth] += 1
                both[row, truth] += was_right
            if dense:
                counts[row, truth, predicted] += 1
    return looked_at


def without_cache(*modules: ModuleType) -> None:
    """Compile anew and keep nothing on disk: what lies there is damaged, or the disk is full."""
    for module in modules:
        for name, function in list(vars(module).items()):
            if hasattr(function, "py_func"):
                setattr(module, name, numba.njit(**_OPTIONS)(function.py_func))
