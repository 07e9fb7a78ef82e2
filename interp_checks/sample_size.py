"""About how many more images would decide a comparison that the sample leaves open."""

from __future__ import annotations

from collections.abc import Callable

from .estimate import Change, Estimate

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
    wanted = estimate.value < threshold

    def decided(total: int) -> bool:
        scaled = _scaled(estimate, total)
        lower, upper = scaled.interval
        return upper < threshold if wanted else lower > threshold

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
