"""From logits to predicted classes: ties go to the lowest class, as ``argmax`` resolves them.

Logits that differ by less than 1e-12 of their scale are tied. Float64 rounds a thousand times more
finely than that, so the order of summation decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from interp_checks.arrays import Array, FloatArray, IntArray

#: Images per block, so that a block of logits stays in the processor's cache.
BLOCK = 8192
#: Differences of logits this small are rounding: float64 has no relative precision left there.
SMALLEST_TIE = 1e-300


def intact_logits(weight: FloatArray, bias: FloatArray, features: Array) -> FloatArray:
    """Logits in float64 with nothing ablated, [K, n].

    Args:
        weight: W, [K, Z].
        bias: b, [K].
        features: of some images, [n, Z].
    """
    logits: FloatArray = weight @ features.astype(np.float64).T
    logits += bias[:, None]
    return logits


def argmax_over(
    coefficients: FloatArray, classes: FloatArray, base: FloatArray, kept: Sequence[int], tie: float
) -> IntArray:
    """The class with the largest logit when only some directions stay; the lowest on a tie.

    Args:
        coefficients: [..., r, N], one row per direction.
        classes: [..., K, r], one column per direction.
        base: what stays whatever is kept, [K, 1] for all images or [K, N].
        kept: the directions that stay, from 1.
        tie: logits closer than this are equal.

    Returns:
        [..., N] class numbers in a small unsigned type.
    """
    columns = [index - 1 for index in kept]
    basis = np.ascontiguousarray(classes[..., columns])
    shape = (*coefficients.shape[:-2], coefficients.shape[-1])
    predicted = np.zeros(shape, dtype=np.min_scalar_type(max(len(base) - 1, 1)))
    for start in range(0, shape[-1], BLOCK):
        block = slice(start, start + BLOCK)
        # take() gives a contiguous array, which fancy indexing between slices does not.
        logits = basis @ np.take(coefficients[..., block], columns, axis=-2)
        logits += base if base.shape[1] == 1 else base[:, block]
        predicted[..., block] = first_largest(logits, tie)
    return predicted


def first_largest(logits: FloatArray, tie: float) -> IntArray:
    """The first row with the largest entry of each column, [..., K, N] to [..., N] in a small type.

    Counting the rows that come before the largest is several times faster than argmax along
    either axis at ten classes.
    """
    largest = logits.max(axis=-2) - tie
    before = np.ones(largest.shape, dtype=bool)
    # A small type is added to several times faster.
    rows = np.zeros(largest.shape, dtype=np.min_scalar_type(logits.shape[-2]))
    for row in range(logits.shape[-2] - 1):
        before &= logits[..., row, :] < largest
        rows += before
    return rows


def confusion(labels: IntArray, predicted: IntArray, classes: int) -> IntArray:
    """Counts of true (rows) against predicted classes, [K, K]."""
    pairs = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return pairs.reshape(classes, classes).astype(np.int64)
