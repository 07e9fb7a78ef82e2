"""Whether a share or a loss differs between two models beyond chance: exact tests.

All tests are one-sided, in the sense of the difference that was found. Whoever asks must know
on which side the old number was before looking at the new one, as the side of a threshold tells.
"""

from __future__ import annotations

import math

import numpy as np

from interp_checks.arrays import Array, FloatArray

from .intervals import Change, Estimate

#: Counts further from their mean than so many standard deviations never happen.
_REACH = 14.0


def unpaired_error(old: Estimate | Change, new: Estimate | Change) -> float:
    """The p-value of a difference between two samples of different images.

    Given how many images of both samples together are right (lost, gained), any of them are
    equally likely to be in the new sample: the permutation test, for shares Fisher's exact
    test. For losses, the larger of this and the p-value of Welch's test, which allows for
    models that lose and gain other numbers of images and still the same on balance.
    """
    if not old.total or not new.total:
        return 1.0
    before, now = _signed(old), _signed(new)
    if new.value < old.value:
        before, now = before[::-1], now[::-1]
    error = _permuted(before, old.total, now, new.total)
    if isinstance(old, Change) and isinstance(new, Change):
        error = max(error, _welch(before, old.total, now, new.total))
    return error


def paired_error(old: Array, new: Array) -> float:
    """The p-value of a difference on the same images.

    If nothing has changed, the change of an image is as likely to be up as down: the exact test
    of signs, for shares McNemar's.

    Args:
        old: what each image adds, whole numbers; see :mod:`interp_checks.counting.by_image`.
        new: the same images in the same order.
    """
    from scipy.special import bdtrc

    changes = np.asarray(new) - np.asarray(old)
    total = abs(int(changes.sum()))
    ones = int((np.abs(changes) == 1).sum())
    twos = int((np.abs(changes) == 2).sum())
    if not total:
        return 1.0
    # Of the images that change by one, enough must go up, given how many change by two do.
    ups = np.arange(twos + 1)
    weights = np.exp(_log_choose(twos, ups) - twos * math.log(2))
    needed = np.ceil((total + ones - 2 * (2 * ups - twos)) / 2).astype(np.int64)
    least = np.clip(needed, 0, ones + 1)
    tails = np.where(least > 0, np.where(least > ones, 0.0, bdtrc(least - 1.0, ones, 0.5)), 1.0)
    return float(min(1.0, (weights * tails).sum()))


def _signed(estimate: Estimate | Change) -> tuple[int, int]:
    """How many images add one, and how many take one off."""
    if isinstance(estimate, Estimate):
        return estimate.count, 0
    return estimate.lost, estimate.gained


def _permuted(old: tuple[int, int], old_total: int, new: tuple[int, int], new_total: int) -> float:
    """How often the new sample would have as high a sum if images were dealt out at random."""
    total = old_total + new_total
    plus, minus = old[0] + new[0], old[1] + new[1]
    gain = new[0] - new[1]
    ups, chances = _dealt(total, plus, new_total)
    if not minus:
        return float(min(1.0, chances[ups >= gain].sum()))
    error = 0.0
    for up, chance in zip(ups, chances, strict=True):
        downs, given = _dealt(total - plus, minus, new_total - int(up))
        error += float(chance * given[downs <= up - gain].sum())
    return min(1.0, error)


def _dealt(total: int, marked: int, drawn: int) -> tuple[Array, FloatArray]:
    """Numbers of marked images among those drawn, and their hypergeometric chances."""
    mean = drawn * marked / total if total else 0.0
    spread = math.sqrt(max(0.0, mean * (1 - marked / total) * (1 - drawn / total))) if total else 0
    reach = _REACH * spread + 60
    low = max(0, drawn - (total - marked), math.floor(mean - reach))
    high = min(marked, drawn, math.ceil(mean + reach))
    counts = np.arange(low, high + 1)
    logs = (
        _log_choose(marked, counts)
        + _log_choose(total - marked, drawn - counts)
        - _log_choose(total, np.array([drawn]))
    )
    return counts, np.exp(logs)


def _log_choose(items: int, chosen: Array) -> FloatArray:
    from scipy.special import gammaln

    return np.asarray(gammaln(items + 1) - gammaln(chosen + 1) - gammaln(items - chosen + 1))


def _welch(old: tuple[int, int], old_total: int, new: tuple[int, int], new_total: int) -> float:
    """The normal approximation of the difference of two means, each with its own variance."""
    means, variances = [], []
    for (plus, minus), total in ((old, old_total), (new, new_total)):
        mean = (plus - minus) / total
        means.append(mean)
        variances.append(((plus + minus) / total - mean**2) / total)
    difference, spread = means[1] - means[0], math.sqrt(sum(variances))
    if not spread:
        return 0.0 if difference else 1.0
    return 0.5 * math.erfc(difference / spread / math.sqrt(2))
