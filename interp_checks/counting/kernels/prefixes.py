"""The first k directions for every k, for large heads: image by image, most steps skipped.

The logits of one image stay in the first cache while directions are added to them. A few
directions at a time, it is asked first whether they can change at all whether the image is right.
An image stays wrong as long as one and the same other class stays ahead of its own, which costs
one number a step. It stays right if its own class is further ahead than any class could gain on it
by these directions. Either way their class vectors are added, and nothing is compared. Otherwise
only classes are followed step by step that are near enough to come out ahead, if these are few.
"""

from __future__ import annotations

import math

import numpy as np

from interp_checks.arrays import Array

from .numba_setup import compiled

#: Directions that are looked at together, and logits side by side.
STEPS = 8
TILE = 64
#: Of them, those that are passed over together where none matters.
PART = 16
#: Where fewer than one class in so many could matter in a few steps, the others are not compared.
FEW = 4


@compiled
def _stays(
    rival: int,
    lead: float,
    truth: int,
    margin: float,
    narrow: Array,
    image: int,
    by_class: Array,
    start: int,
    stop: int,
) -> bool:  # pragma: no cover - compiled
    """Whether one class stays ahead of an image's own while some directions are added.

    Args:
        rival: the class.
        lead: how far it is ahead before.
        truth: the image's own class.
        margin: how far it must be ahead to be so for certain.
        narrow: see :func:`add_each`, with the others.
        image: see there.
        by_class: see there.
        start: first direction that is added.
        stop: direction to end before.
    """
    if not lead > margin:
        return False
    for step in range(start, stop):
        c = np.float64(narrow[image, step])
        lead += c * (by_class[rival, step] - by_class[truth, step])
        if not lead > margin:
            return False
    return True


@compiled
def _first_of(logits: Array, wanted: float) -> int:  # pragma: no cover - compiled
    """The first class with a logit that at least one has, in tiles, [T, TILE]."""
    for tile in range(logits.shape[0]):
        many = np.int32(0)
        for lane in range(TILE):
            many += np.int32(logits[tile, lane] == wanted)
        if many > 0:
            for lane in range(TILE):
                if logits[tile, lane] == wanted:
                    return tile * TILE + lane
    return 0


@compiled
def _is_right(
    begun: Array,
    place: int,
    reach: float,
    along: Array,
    image: int,
    by_class: Array,
    base: Array,
    step: int,
    tie: float,
    truth: int,
    logits: Array,
) -> bool:  # pragma: no cover - compiled
    """Whether an image is right after a step, in float64, among the classes that came so near.

    Args:
        begun: logits before some steps, in float32, [n, T, TILE].
        place: of the image there.
        reach: a class with a lower one is not ahead after these steps.
        along: see :func:`add_each`, with the others.
        image: see there.
        by_class: see there.
        base: see there.
        step: after which it is asked.
        tie: see there.
        truth: the image's own class.
        logits: to work in, [K].
    """
    K = base.shape[0]
    best = -np.inf
    for k in range(K):
        logits[k] = -np.inf
        if k == truth or begun[place, k // TILE, k % TILE] >= reach:
            logits[k] = base[k]
            for d in range(step + 1):
                logits[k] += along[image, d] * by_class[k, d]
            best = max(best, logits[k])
    for k in range(K):
        if logits[k] >= best - tie:
            return k == truth
    return False


@compiled
def add_each(
    narrow: Array,
    vectors: Array,
    lowest: Array,
    highest: Array,
    furthest: Array,
    narrow_base: Array,
    terms: float,
    unit: float,
    equal: float,
    along: Array,
    by_class: Array,
    base: Array,
    tie: float,
    labels: Array,
    intact: Array,
    rows: Array,
    image_from: int,
    image_to: int,
    right: Array,
    both: Array,
) -> int:  # pragma: no cover - compiled
    """Add direction after direction for a range of images, and count those that are right.

    Args:
        narrow: coefficients scaled to float32, in the order in which they are added, [N, r].
        vectors: class vectors in float32, of some directions together, classes in tiles, the last
            of which is filled up with zeros, [r / STEPS, T, STEPS, TILE]. What is read together
            stands together.
        lowest: smallest entry of each class vector, or zero if that is less, [r].
        highest: largest entry of each, or zero if that is more, [r].
        furthest: for directions that are looked at together, how far the class vector of any class
            is from that of each, [r / STEPS, K].
        narrow_base: scaled bias in float32; minus infinity where a tile was filled up,
            [T, TILE].
        terms: the largest absolute entry of the bias, scaled.
        unit: what rounding does to the sum of two logits, for each unit of all that was added.
        equal: what a tie is, scaled.
        along: coefficients in float64, [N, r].
        by_class: class vectors in float64, one row per class, [K, r].
        base: bias in float64, [K].
        tie: logits closer than this are equal.
        labels: [N].
        intact: intact predictions, [N].
        rows: the ablation that keeps the first s + 1 directions, -1 if none does, [r].
        image_from: first image.
        image_to: image to end before.
        right: [A, K], added to.
        both: [A, K], added to.

    Returns:
        How many pairs of image and step had to be settled in float64.
    """
    K = base.shape[0]
    width = rows.shape[0]
    tiles = vectors.shape[1]
    many = image_to - image_from
    begun = np.empty((many, tiles, TILE), np.float32)
    begun[:] = narrow_base
    added = np.zeros((tiles, TILE), np.float32)
    together = np.empty((STEPS, TILE), np.float32)
    sums = np.full(many, terms)
    rivals = np.full(many, -1)
    leads = np.full(many, -np.inf)
    rival = np.float32(0)
    skipped = np.empty(many, np.int64)
    top_of = np.empty(TILE, np.float32)
    near_in = np.empty((tiles, TILE // PART), np.int32)
    tops = np.empty(STEPS, np.float64)
    logits = np.empty(K, np.float64)
    settled = 0
    for start in range(0, width, STEPS):
        stop = min(start + STEPS, width)
        low, high = lowest[start:stop], highest[start:stop]
        group = vectors[start // STEPS]
        skips = 0
        for place in range(many):
            image = image_from + place
            truth = labels[image]
            was_right = intact[image] == truth
            gain = 0.0
            length = 0.0
            total = 0.0
            # Counted from zero: an index that could be negative costs a test.
            coefficients, own_entries = narrow[image, start:stop], by_class[truth, start:stop]
            for step in range(stop - start):
                c = np.float64(coefficients[step])
                of_own = own_entries[step]
                gain += max(c * (high[step] - of_own), c * (low[step] - of_own))
                length += c * c
                total += abs(c) * max(high[step], -low[step])
            sums[place] += total
            gain = min(gain, math.sqrt(length) * furthest[start // STEPS, truth])
            # How close to the largest a second logit may come before it counts.
            margin = np.float32(unit * sums[place] + equal)
            own = begun[place, truth // TILE, truth % TILE]
            ahead = rivals[place]
            # As far ahead as this at least: as when it was last compared, less what was gained.
            sure = leads[place] > gain + margin
            wrong = not sure and ahead >= 0 and _stays(
                ahead, begun[place, ahead // TILE, ahead % TILE] - own, truth, margin,
                narrow, image, by_class, start, stop,
            )  # fmt: skip
            if not sure and not wrong:
                begun[place, truth // TILE, truth % TILE] = -np.inf
                for lane in range(TILE):
                    top_of[lane] = -np.inf
                for tile in range(tiles):
                    for lane in range(TILE):
                        value = begun[place, tile, lane]
                        top_of[lane] = value if value > top_of[lane] else top_of[lane]
                rival = top_of[0]
                for lane in range(1, TILE):
                    rival = top_of[lane] if top_of[lane] > rival else rival
                if rival > own:
                    ahead = _first_of(begun[place], rival)
                    rivals[place] = ahead
                    wrong = _stays(
                        ahead, rival - own, truth, margin,
                        narrow, image, by_class, start, stop,
                    )  # fmt: skip
                begun[place, truth // TILE, truth % TILE] = own
                leads[place] = own - rival
                sure = leads[place] > gain + margin
            leads[place] -= gain + margin
            if wrong or sure:
                # Nothing that these directions say can change it.
                if not wrong:
                    for step in range(start, stop):
                        row = rows[step]
                        if row >= 0:
                            right[row, truth] += 1
                            both[row, truth] += was_right
                skipped[skips] = place
                skips += 1
                continue
            # Only classes that could come so near in these steps are looked at, if they are few.
            reach = np.float32(own - gain - 3 * margin)
            many_near = 0
            for tile in range(tiles):
                for part in range(0, TILE, PART):
                    near = np.int32(0)
                    for lane in range(part, part + PART):
                        near += np.int32(begun[place, tile, lane] >= reach)
                    near_in[tile, part // PART] = near
                    many_near += near
            if FEW * many_near <= K:
                for step in range(stop - start):
                    tops[step] = -np.inf
                for part in range(tiles * TILE // PART):
                    if near_in[part // (TILE // PART), part % (TILE // PART)] == 0:
                        continue
                    for k in range(part * PART, (part + 1) * PART):
                        value = np.float64(begun[place, k // TILE, k % TILE])
                        if value < reach or k == truth:
                            continue
                        for step in range(stop - start):
                            entry = np.float64(group[k // TILE, step, k % TILE])
                            value += np.float64(coefficients[step]) * entry
                            tops[step] = max(tops[step], value)
                value = np.float64(own)
                for step in range(start, stop):
                    value += np.float64(narrow[image, step]) * by_class[truth, step]
                    row = rows[step]
                    lead = value - tops[step - start]
                    if row < 0 or lead < -margin:
                        continue
                    if lead <= margin:
                        settled += 1
                        if not _is_right(begun, place, reach, along, image, by_class, base, step,
                                         tie, truth, logits):  # fmt: skip
                            continue
                    right[row, truth] += 1
                    both[row, truth] += was_right
                skipped[skips] = place
                skips += 1
                continue
            for tile in range(tiles):
                for lane in range(TILE):
                    added[tile, lane] = 0
            for step in range(start, stop):
                narrow_c = narrow[image, step]
                for lane in range(TILE):
                    top_of[lane] = -np.inf
                for tile in range(tiles):
                    for lane in range(TILE):
                        moved = added[tile, lane] + narrow_c * group[tile, step - start, lane]
                        added[tile, lane] = moved
                        value = begun[place, tile, lane] + moved
                        top_of[lane] = value if value > top_of[lane] else top_of[lane]
                row = rows[step]
                if row < 0:
                    continue
                top = top_of[0]
                for lane in range(1, TILE):
                    top = top_of[lane] if top_of[lane] > top else top
                threshold = top - margin
                own = begun[place, truth // TILE, truth % TILE]
                if own + added[truth // TILE, truth % TILE] < threshold:
                    continue
                close = np.int32(0)
                for tile in range(tiles):
                    for lane in range(TILE):
                        reached = begun[place, tile, lane] + added[tile, lane] >= threshold
                        close += np.int32(reached)
                if close > 1:
                    settled += 1
                    # What is ahead now was so near before these steps.
                    if not _is_right(begun, place, reach, along, image, by_class, base, step,
                                     tie, truth, logits):  # fmt: skip
                        continue
                right[row, truth] += 1
                both[row, truth] += was_right
            for tile in range(tiles):
                for lane in range(TILE):
                    begun[place, tile, lane] += added[tile, lane]
        # A tile of the class vectors stays in the first cache for all images. What limits this
        # loop is how often memory is touched, so all directions are added at once, out of a copy:
        # measured faster than reading them where logits could lie as well.
        for tile in range(tiles):
            for step in range(STEPS):
                for lane in range(TILE):
                    together[step, lane] = group[tile, step, lane]
            for skip in range(skips):
                place = skipped[skip]
                image = image_from + place
                one, two, three, four = narrow[image, start : start + 4]
                five, six, seven, eight = narrow[image, start + 4 : start + 8]
                for lane in range(TILE):
                    begun[place, tile, lane] += (
                        one * together[0, lane]
                        + two * together[1, lane]
                        + three * together[2, lane]
                        + four * together[3, lane]
                        + five * together[4, lane]
                        + six * together[5, lane]
                        + seven * together[6, lane]
                        + eight * together[7, lane]
                    )
    return settled
