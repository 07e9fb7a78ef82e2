"""Exact tests, and bounds that need no normal approximation."""

from __future__ import annotations

import math

from interp_checks.arrays import FloatArray


def fisher(count: int, total: int, other_count: int, other_total: int) -> float:
    """One-sided p-value of Fisher's exact test that the first proportion is not smaller."""
    right, images = count + other_count, total + other_total
    lowest = max(0, right - other_total)

    def chosen(items: int, of: int) -> float:
        return math.lgamma(of + 1) - math.lgamma(items + 1) - math.lgamma(of - items + 1)

    whole = chosen(right, images)
    terms = (
        math.exp(chosen(k, total) + chosen(right - k, other_total) - whole)
        for k in range(lowest, count + 1)
    )
    return min(1.0, math.fsum(terms))


def normal_quantile(probability: float) -> float:
    """The quantile of the standard normal distribution."""
    from statistics import NormalDist

    return NormalDist().inv_cdf(probability)


def bernstein(values: FloatArray, error: float, reach: float = 1.0) -> float:
    """How far the mean of values can be from its expectation, one-sided.

    The empirical Bernstein bound (Maurer and Pontil, 2009).

    Args:
        values: [N], each between minus ``reach`` and ``reach``.
        error: probability that it is farther.
        reach: see there.
    """
    images, log = len(values), math.log(2 / error)
    variance = float(values.var(ddof=1))
    return math.sqrt(2 * variance * log / images) + 2 * reach * 7 * log / (3 * (images - 1))
