"""About how many more images would decide a comparison that the sample leaves open."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from .intervals import Change, Estimate

#: How many more of which images would decide ("images of class 8": 300); None where no number
#: would.
Needs = Mapping[str, int | None]

#: Beyond this the answer is "too many to collect".
MOST = 10_000_000


def more_images(estimate: Estimate | Change, threshold: float) -> int | None:
    """How many more images, if their share is the one seen so far, clear the threshold.

    Args:
        estimate: whose interval has the threshold inside.
        threshold: as a fraction.

    Returns:
        A number of images, or None if no number up to ten million does.
    """
    if not estimate.total:
        return None
    below = estimate.value < threshold

    def decided(total: int) -> bool:
        scaled = _scaled(estimate, total)
        lower, upper = scaled.interval
        return upper < threshold if below else lower > threshold

    total = smallest(decided, estimate.total)
    return None if total is None else total - estimate.total


def smallest(decided: Callable[[int], bool], start: int) -> int | None:
    """The smallest number from ``start`` at which something is decided, to about 1 %."""
    low, high = start, start
    while not decided(high):
        if high > MOST:
            return None
        low, high = high, high * 2
    while high - low > max(1, low // 100):
        middle = (low + high) // 2
        low, high = (low, middle) if decided(middle) else (middle, high)
    return high


def _scaled(estimate: Estimate | Change, total: int) -> Estimate | Change:
    """The same shares on another number of images."""
    factor = total / estimate.total
    if isinstance(estimate, Estimate):
        return Estimate(min(total, round(estimate.count * factor)), total, estimate.confidence)
    lost, gained = round(estimate.lost * factor), round(estimate.gained * factor)
    return Change(min(total, lost), min(total - lost, gained), total, estimate.confidence)


def rounded(count: int) -> str:
    """``1,300`` for 1,287: two figures are all that such a number can claim."""
    if count < 10:
        return str(max(count, 1))
    digits = len(str(count)) - 2
    return f"{round(count, -digits):,}"


def merged(needs: Iterable[Needs]) -> dict[str, int | None]:
    """What several comparisons need together: the most of each kind of images."""
    together: dict[str, int | None] = {}
    for each in needs:
        for kind, count in each.items():
            largest = together.get(kind, 0)
            together[kind] = None if count is None or largest is None else max(count, largest)
    return together


def least(needs: Iterable[Needs]) -> Needs:
    """The smallest of several needs, any of which would decide."""

    def size(each: Needs) -> float:
        counts = [math.inf if count is None else count for count in each.values()]
        return max(counts, default=math.inf)

    return min(needs, key=size, default={})


def needs_in_words(needs: Needs) -> str:
    """``about 300 more images of class 8 would decide``; the two largest needs."""
    hopeless = [kind for kind, count in needs.items() if count is None]
    if hopeless:
        return f"no number of {hopeless[0]} would decide: the number is at the threshold"
    largest = sorted(((count, kind) for kind, count in needs.items() if count), reverse=True)
    if not largest:
        return ""
    phrase = " and ".join(f"{rounded(count)} more {kind}" for count, kind in largest[:2])
    return f"about {phrase} would decide"
