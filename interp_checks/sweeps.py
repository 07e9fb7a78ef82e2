"""Ablations × images → counts. The only door to the kernels.

Counts are whole numbers. Logits are summed in float64, directions rising, then the bias. Ties
go to the lowest class, as ``argmax`` resolves them; logits that differ by less than 1e-12 of
their scale are tied, so that rounding decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ._arrays import FloatArray, IntArray
from .ablation import Ablation, unique
from .confusions import Confusions
from .readout import Readout

#: Images per block, so that a block of logits stays in the processor's cache.
_BLOCK = 8192


def sweep(readout: Readout, ablations: Iterable[Ablation]) -> Confusions:
    """Count predictions under each ablation.

    Args:
        readout: features, labels and head.
        ablations: which directions stay, one set after another; repetitions are counted once.

    Raises:
        NotJudgedError: an ablation names a direction that the head does not have.
    """
    asked = unique(ablations)
    classes = len(readout.class_names)
    intact = _predictions(readout, None)
    counts = np.zeros((len(asked), classes, classes), dtype=np.int64)
    both_right = np.zeros((len(asked), classes), dtype=np.int64)
    for position, ablation in enumerate(asked):
        counts[position], both_right[position] = _counted(readout, ablation, intact)
    return Confusions(
        ablations=asked,
        counts=counts,
        both_right=both_right,
        intact_counts=_confusion(readout.labels, intact, classes),
        class_names=readout.class_names,
        confidence=readout.confidence,
    )


def _counted(readout: Readout, ablation: Ablation, intact: IntArray) -> tuple[IntArray, IntArray]:
    """Confusion counts under an ablation, and images of each class right there and intact."""
    kept = ablation.kept(len(readout.directions))
    known = readout._counts
    if kept not in known:
        classes = len(readout.class_names)
        predicted = _predictions(readout, kept)
        both = (intact == readout.labels) & (predicted == readout.labels)
        known[kept] = (
            _confusion(readout.labels, predicted, classes),
            np.bincount(readout.labels[both], minlength=classes),
        )
    return known[kept]


def predict(readout: Readout, ablation: Ablation | None) -> IntArray:
    """The predicted class of each image under an ablation (None: intact), [N]."""
    if ablation is None:
        return _predictions(readout, None)
    return _predictions(readout, ablation.kept(len(readout.directions)))


def disagreements(readout: Readout, one: Ablation, other: Ablation) -> int:
    """How many images two ablations predict differently."""
    return int((predict(readout, one) != predict(readout, other)).sum())


def _predictions(readout: Readout, kept: tuple[int, ...] | None) -> IntArray:
    """Predictions when these directions stay; None for the weight as it is."""
    known = readout._predictions
    if kept not in known:
        if kept is None:
            known[kept] = first_largest(readout.logits.T, readout.tie)
        else:
            directions = readout.directions
            known[kept] = argmax_over(
                readout.coefficients, directions.classes, readout.bias, kept, readout.tie
            ).astype(np.int64)
    return known[kept]


def argmax_over(
    coefficients: FloatArray,
    classes: FloatArray,
    bias: FloatArray,
    kept: Sequence[int],
    tie: float,
) -> IntArray:
    """The class with the largest logit when only some directions stay; the lowest on a tie.

    Args:
        coefficients: [..., r, N], one row per direction.
        classes: [..., K, r], one column per direction.
        bias: [K].
        kept: the directions that stay, from 1.
        tie: logits closer than this are equal.

    Returns:
        [..., N] class numbers in a small unsigned type.
    """
    columns = [index - 1 for index in kept]
    basis = np.ascontiguousarray(classes[..., columns])
    shape = (*coefficients.shape[:-2], coefficients.shape[-1])
    predicted = np.zeros(shape, dtype=np.min_scalar_type(max(len(bias) - 1, 1)))
    for start in range(0, shape[-1], _BLOCK):
        block = slice(start, start + _BLOCK)
        # take() gives a contiguous array, which fancy indexing between slices does not.
        logits = basis @ np.take(coefficients[..., block], columns, axis=-2)
        logits += bias[:, None]
        predicted[..., block] = first_largest(logits, tie)
    return predicted


def first_largest(logits: FloatArray, tie: float) -> IntArray:
    """The first row with the largest entry of each column, [..., K, N] to [..., N].

    Counting the rows that come before the largest is several times faster than argmax along
    either axis at ten classes.
    """
    largest = logits.max(axis=-2) - tie
    before = np.ones(largest.shape, dtype=bool)
    found = np.zeros(largest.shape, dtype=np.int64)
    for row in range(logits.shape[-2] - 1):
        before &= logits[..., row, :] < largest
        found += before
    return found


def _confusion(labels: IntArray, predicted: IntArray, classes: int) -> IntArray:
    pairs = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return pairs.reshape(classes, classes).astype(np.int64)
