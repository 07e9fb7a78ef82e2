"""Each direction of a large head dropped alone, with most pairs of image and direction skipped."""

from __future__ import annotations

import numpy as np

from interp_checks.arrays import Array

from .numba_setup import compiled


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
