"""One direction alone, for large heads: each class has a range of coefficients, or none.

With direction d alone, the logit of class k is a line in the image's coefficient c:
``b_k + c v_kd``. The largest of K lines is a convex function of c, made of pieces of some of them
(their upper envelope). So the images that are right are those whose coefficient lies in the range
of their own class, which one comparison tells.
"""

from __future__ import annotations

import numpy as np

from interp_checks.arrays import Array

from .numba_setup import compiled


@compiled
def ranges(
    classes: Array,
    base: Array,
    near: float,
    wanted: Array,
    begin: int,
    end: int,
    sure: Array,
    possible: Array,
) -> int:  # pragma: no cover - compiled
    """For some directions alone, the coefficients with which each class has the largest logit.

    Args:
        classes: class vectors in float64, [K, r].
        base: scaled bias in float64, [K].
        near: logits closer than this, scaled, may tie.
        wanted: for each direction whether it is asked for, [r].
        begin: first direction.
        end: direction to end before.
        sure: lower and upper end of the coefficients with which a class is surely predicted,
            scaled, written to, [r, K, 2]; an empty range where there are none.
        possible: the same of those with which it may be.

    Returns:
        How many classes that are never the largest come so near that they may tie.
    """
    K = classes.shape[0]
    line = np.empty(K, np.int64)
    cross = np.empty(K + 1, np.float64)
    hull_slope = np.empty(K, np.float64)
    nears = 0
    for d in range(begin, end):
        if wanted[d] < 0:
            continue
        slopes = classes[:, d].copy()
        order = np.argsort(slopes, kind="mergesort")
        # The lines of the envelope, by rising slope, and where each takes over from the last.
        size = 0
        for position in range(K):
            k = order[position]
            above = True
            while size > 0:
                last = line[size - 1]
                rise = slopes[k] - slopes[last]
                if rise == 0:
                    # Parallel: the higher one, or of equal ones the first.
                    if base[k] > base[last] or (base[k] == base[last] and k < last):
                        size -= 1
                        continue
                    above = False
                    break
                start = (base[last] - base[k]) / rise
                if size > 1 and start <= cross[size - 1]:
                    size -= 1
                    continue
                cross[size] = start
                break
            if above:
                if size == 0:
                    cross[0] = -np.inf
                line[size] = k
                size += 1
        cross[size] = np.inf
        for place in range(size):
            hull_slope[place] = slopes[line[place]]
        for k in range(K):
            sure[d, k, 0] = np.inf
            sure[d, k, 1] = -np.inf
            possible[d, k, 0] = np.inf
            possible[d, k, 1] = -np.inf
        for place in range(size):
            k = line[place]
            low, high = cross[place], cross[place + 1]
            low_width = high_width = 0.0
            if place > 0:
                low_width = near / (hull_slope[place] - hull_slope[place - 1])
            if place < size - 1:
                high_width = near / (hull_slope[place + 1] - hull_slope[place])
            sure[d, k, 0] = low + low_width
            sure[d, k, 1] = high - high_width
            possible[d, k, 0] = low - low_width
            possible[d, k, 1] = high + high_width
        # What is not on the envelope is never predicted, unless it comes so near that it may tie.
        for k in range(K):
            place = np.searchsorted(hull_slope[:size], slopes[k])
            parallel = place < size and hull_slope[place] == slopes[k]
            if parallel and (line[place] == k or base[line[place]] == base[k]):
                continue  # the envelope itself, or the same line as that of a class before it
            # The envelope comes nearest to this line where its slope passes the line's.
            if parallel:
                gap = base[line[place]] - base[k]
                left, right_hand = cross[place], cross[place + 1]
            else:
                left = right_hand = cross[place]
                top = line[place]
                gap = base[top] + left * hull_slope[place] - base[k] - left * slopes[k]
            if gap > near:
                continue
            nears += 1
            # From there outwards, to both sides, as long as it stays near.
            if parallel:
                sure[d, line[place], 0] = np.inf
            before = place - 1
            here = gap
            while before >= 0:
                fall = slopes[k] - hull_slope[before]
                reached = left - (near - here) / fall
                sure[d, line[before], 1] = min(sure[d, line[before], 1], reached)
                if reached >= cross[before]:
                    left = reached
                    break
                here += (left - cross[before]) * fall
                left = cross[before]
                before -= 1
            after = place + 1 if parallel else place
            here = gap
            while after < size:
                rise = hull_slope[after] - slopes[k]
                reached = right_hand + (near - here) / rise
                sure[d, line[after], 0] = max(sure[d, line[after], 0], reached)
                if reached <= cross[after + 1]:
                    right_hand = reached
                    break
                here += (cross[after + 1] - right_hand) * rise
                right_hand = cross[after + 1]
                after += 1
            possible[d, k, 0] = left
            possible[d, k, 1] = right_hand
    return nears


@compiled
def keep_each(
    along: Array,
    sure: Array,
    possible: Array,
    lengths: Array,
    rounding: Array,
    features: Array,
    hidden: Array,
    exact_classes: Array,
    bias: Array,
    tie: float,
    labels: Array,
    intact: Array,
    rows: Array,
    begin: int,
    end: int,
    right: Array,
    both: Array,
) -> int:  # pragma: no cover - compiled
    """Keep each of some directions alone, and count the images that are right.

    Args:
        along: coefficients, float32, scaled, one row per direction, [r, N].
        sure: see :func:`ranges`.
        possible: see there.
        lengths: of each direction's scaled hidden vector (its scaled singular value), [r].
        rounding: of a product of an image's features with a vector of length one, [N].
        features: in their own type, [N, Z].
        hidden: hidden vectors times singular values, float64, one row per direction, [r, Z].
        exact_classes: class vectors in float64, [K, r].
        bias: in float64, [K].
        tie: logits closer than this are equal, unscaled.
        labels: [N].
        intact: intact predictions, [N].
        rows: the ablation that keeps direction d alone, -1 if none does, [r].
        begin: first direction.
        end: direction to end before.
        right: [A, K], added to.
        both: [A, K], added to.

    Returns:
        How many pairs of image and direction had to be settled in float64.
    """
    K = exact_classes.shape[0]
    settled = 0
    for d in range(begin, end):
        row = rows[d]
        if row < 0:
            continue
        for image in range(along.shape[1]):
            truth = labels[image]
            c = np.float64(along[d, image])
            off = rounding[image] * lengths[d]
            if c + off < possible[d, truth, 0] or c - off > possible[d, truth, 1]:
                continue
            if not (c - off > sure[d, truth, 0] and c + off < sure[d, truth, 1]):
                settled += 1
                exact = 0.0
                for z in range(features.shape[1]):
                    exact += np.float64(features[image, z]) * hidden[d, z]
                best = -np.inf
                for k in range(K):
                    best = max(best, bias[k] + exact * exact_classes[k, d])
                predicted = K
                for k in range(K):
                    if predicted == K and bias[k] + exact * exact_classes[k, d] >= best - tie:
                        predicted = k
                if predicted != truth:
                    continue
            right[row, truth] += 1
            both[row, truth] += intact[image] == truth
    return settled
