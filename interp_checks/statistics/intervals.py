"""A share of a sample, with an exact interval for the share of the population."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interp_checks.arrays import Array

#: Two-sided confidence of every interval unless asked otherwise.
CONFIDENCE = 0.95


@lru_cache(maxsize=65536)
def exact_interval(count: int, total: int, confidence: float) -> tuple[float, float]:
    """The Clopper-Pearson interval of a proportion.

    Its coverage is at least ``confidence`` whatever the true proportion (Clopper and
    Pearson, Biometrika 26, 1934). Nothing observed means nothing known: (0, 1).
    """
    from scipy.special import betaincinv

    if total == 0:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    lower = float(betaincinv(count, total - count + 1, tail)) if count > 0 else 0.0
    upper = float(betaincinv(count + 1, total - count, 1 - tail)) if count < total else 1.0
    return lower, upper


def exact_ends(total: int, confidence: float) -> tuple[Array, Array]:
    """Lower and upper ends of :func:`exact_interval` for 0, 1, ..., ``total`` successes."""
    import numpy as np
    from scipy.special import betaincinv

    counts, tail = np.arange(total + 1), (1 - confidence) / 2
    lower, upper = np.zeros(total + 1), np.ones(total + 1)
    lower[1:] = betaincinv(counts[1:], total - counts[1:] + 1, tail)
    upper[:-1] = betaincinv(counts[:-1] + 1, total - counts[:-1], 1 - tail)
    return lower, upper


class _WithInterval:
    """Something whose ``interval`` has two ends."""

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end."""
        raise AttributeError

    @property
    def lower(self) -> float:
        """Lower end of the interval."""
        return self.interval[0]

    @property
    def upper(self) -> float:
        """Upper end of the interval."""
        return self.interval[1]


@dataclass(frozen=True)
class Estimate(_WithInterval):
    """``count`` of ``total`` images, as an estimate of a share of the population.

    Args:
        count: successes.
        total: trials.
        confidence: of the interval (``lower``, ``upper``), two-sided.
    """

    count: int
    total: int
    confidence: float = CONFIDENCE

    def __post_init__(self) -> None:
        if not 0 <= self.count <= self.total:
            raise ValueError(f"{self.count} of {self.total} is not a share")
        if not 0 < self.confidence < 1:
            raise ValueError(f"confidence {self.confidence} is not between 0 and 1")

    @property
    def value(self) -> float:
        """The share in the sample; not a number where nothing was observed."""
        return self.count / self.total if self.total else math.nan

    @property
    def counts(self) -> list[int]:
        """Successes and trials, as :func:`estimate_of` reads them."""
        return [int(self.count), int(self.total)]

    @property
    def interval(self) -> tuple[float, float]:
        """Clopper-Pearson interval; see :func:`exact_interval`."""
        return exact_interval(self.count, self.total, self.confidence)

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return self.beside()

    def beside(self, *thresholds: float) -> str:
        """The number in words, in as many digits as show its side of these thresholds.

        Args:
            thresholds: fractions that it is compared with.
        """
        return _share_in_words(self, thresholds)

    def _repr_html_(self) -> str:
        from html import escape

        return f"<span>{escape(str(self))}</span>"


@dataclass(frozen=True)
class Change(_WithInterval):
    """How far a share fell on the same images: a paired difference.

    Args:
        lost: images that were right before and are wrong now.
        gained: images that were wrong before and are right now.
        total: images.
        confidence: of the interval, two-sided.
    """

    lost: int
    gained: int
    total: int
    confidence: float = CONFIDENCE

    def __post_init__(self) -> None:
        if min(self.lost, self.gained) < 0 or self.lost + self.gained > self.total:
            raise ValueError(f"{self.lost} lost and {self.gained} gained of {self.total}")

    @property
    def counts(self) -> list[int]:
        """Lost, gained and all images, as :func:`estimate_of` reads them."""
        return [int(self.lost), int(self.gained), int(self.total)]

    @property
    def value(self) -> float:
        """The loss in the sample, positive for a loss, as a fraction of all images."""
        return (self.lost - self.gained) / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """An interval of the loss with at least the stated coverage.

        Both discordant shares get a Clopper-Pearson interval at half the error
        (Bonferroni), and their difference lies between the extremes. Conservative, exact,
        and never of zero width.
        """
        if not self.total:
            return -1.0, 1.0
        shared = 1 - (1 - self.confidence) / 2
        lost = exact_interval(self.lost, self.total, shared)
        gained = exact_interval(self.gained, self.total, shared)
        return lost[0] - gained[1], lost[1] - gained[0]

    def __str__(self) -> str:
        return self.beside()

    def beside(self, *thresholds: float) -> str:
        """The number in words, in as many digits as show its side of these thresholds.

        Args:
            thresholds: fractions that it is compared with.
        """
        if not self.total:
            return "no images"
        value, lower, upper = (
            percent(part, 1, thresholds) for part in (self.value, *self.interval)
        )
        return (
            f"{value} points [{lower}, {upper}] "
            f"({self.lost} lost, {self.gained} gained of {self.total})"
        )


@dataclass(frozen=True)
class Lead(_WithInterval):
    """How far one share is above another, of other images.

    Args:
        own: the one share.
        other: the share it is compared with.
        confidence: of the interval, two-sided.
    """

    own: Estimate
    other: Estimate
    confidence: float = CONFIDENCE

    @property
    def counts(self) -> list[int]:
        """The counts of both shares, as :func:`estimate_of` reads them."""
        return [*self.own.counts, *self.other.counts]

    @property
    def total(self) -> int:
        """Images of the smaller of the two samples; 0 where one is empty."""
        return min(self.own.total, self.other.total)

    @property
    def value(self) -> float:
        """The lead in the sample, as a fraction."""
        return self.own.value - self.other.value

    @property
    def interval(self) -> tuple[float, float]:
        """Of at least the stated coverage: each share has an interval at half the error."""
        shared = 1 - (1 - self.confidence) / 2
        own = exact_interval(self.own.count, self.own.total, shared)
        other = exact_interval(self.other.count, self.other.total, shared)
        return own[0] - other[1], own[1] - other[0]


def estimate_of(counts: Sequence[int], confidence: float) -> Estimate | Change | Lead:
    """The estimate whose ``counts`` these are: a share (2), a loss (3) or a lead (4 of them).

    Raises:
        ValueError: these are counts of none.
    """
    numbers = [int(count) for count in counts]
    if len(numbers) == 2:
        return Estimate(numbers[0], numbers[1], confidence)
    if len(numbers) == 3:
        return Change(numbers[0], numbers[1], numbers[2], confidence)
    if len(numbers) == 4:
        own = Estimate(numbers[0], numbers[1], confidence)
        return Lead(own, Estimate(numbers[2], numbers[3], confidence), confidence)
    raise ValueError(f"{numbers} are no counts of an estimate")


class PerClass(Mapping[str, Estimate]):
    """One estimate per class, found by name or number: ``recall[8]`` or ``recall["8"]``."""

    def __init__(self, estimates: Mapping[str, Estimate]) -> None:
        self._estimates = estimates

    @classmethod
    def of(cls, names: Sequence[str], counts: Array, totals: Array, confidence: float) -> PerClass:
        """Estimates that are made when they are looked at; of a thousand classes few are.

        Args:
            names: of K classes.
            counts: images of each that are counted, [K].
            totals: images that they are a share of, [K].
            confidence: of the intervals, two-sided.
        """
        return cls(_Shares(names, counts, totals, confidence))

    def __getitem__(self, name: object) -> Estimate:
        return self._estimates[str(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._estimates)

    def __len__(self) -> int:
        return len(self._estimates)

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {estimate}" for name, estimate in self.items())


class _Shares(Mapping[str, Estimate]):
    """Estimates by the name of a class, made when they are looked at."""

    def __init__(
        self, names: Sequence[str], counts: Array, totals: Array, confidence: float
    ) -> None:
        self._rows = {name: row for row, name in enumerate(names)}
        self._counts, self._totals, self._confidence = counts, totals, confidence

    def __getitem__(self, name: str) -> Estimate:
        row = self._rows[name]
        return Estimate(int(self._counts[row]), int(self._totals[row]), self._confidence)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


# A claim compares the same numbers again and again, at each fill and confidence.
@lru_cache(maxsize=65536)
def _share_in_words(share: Estimate, thresholds: tuple[float, ...]) -> str:
    if not share.total:
        return "no images"
    digits = 2 if share.total >= 5000 else 1
    value, lower, upper = (
        percent(part, digits, thresholds) for part in (share.value, *share.interval)
    )
    return f"{value} % [{lower}, {upper}] ({share.count} of {share.total})"


#: More digits than this show no side of a threshold that is worth telling.
_MOST_DIGITS = 9


def percent(fraction: float, digits: int = 1, thresholds: Sequence[float] = ()) -> str:
    """A fraction in percent: ``0.5`` to ``50.0``, never rounded to 0 or 100 when it is not.

    Nor is it rounded across a threshold, or onto one: ``percent(0.0496, 0, [0.05])`` is "4.96".

    Args:
        fraction: to be shown.
        digits: after the point; more where the thresholds need them.
        thresholds: fractions that it is compared with where it is shown.
    """
    # A number of numpy's compares to a boolean of numpy's, which cannot be subtracted.
    fraction = float(fraction)
    for more in range(digits, _MOST_DIGITS + 1):
        text = _rounded(fraction, more)
        if all(_tells(text, fraction, threshold) for threshold in thresholds):
            return text
    return _rounded(fraction, digits)


def _tells(text: str, fraction: float, threshold: float) -> bool:
    """Whether a number is on the same side of a threshold as it is shown, or at it."""
    shown, limit = float(text.replace("<", "")), round(100 * threshold, 10)
    if "<" in text and shown == limit:
        return (fraction > 0) == (fraction < threshold)
    return (shown > limit) - (shown < limit) == (fraction > threshold) - (fraction < threshold)


def _rounded(fraction: float, digits: int) -> str:
    """In percent to so many digits, 0 and 100 only if it is."""
    value = 100 * fraction
    text = f"{value:.{digits}f}"
    step = 10.0**-digits
    if float(text) == 0 and value != 0:
        return f"{'-' if value < 0 else ''}<{step:.{digits}f}"
    if abs(float(text)) == 100 and abs(value) < 100:
        return f"{'-' if value < 0 else ''}{100 - step:.{digits}f}"
    return text.replace("-0.0", "0.0") if float(text) == 0 else text
