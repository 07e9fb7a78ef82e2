"""How a model's output follows from its head's logits, where that leaves the prediction alone.

A head is judged in the place of its model, so the largest logit of the head must be the largest
of the model, for every image and under every ablation. That is so where the output is the logits
themselves, or an increasing function of them that is the same for all classes of an image:
a positive multiple, a log-softmax (or anything else that subtracts one number from an image's
logits), a softmax, a sigmoid, or a soft cap ``c tanh(x / c)``. Each of these is fitted to the
first images and must then hold on all of them, within the rounding of the output's type.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from interp_checks.arrays import Array, FloatArray, IntArray

#: Roundings that the largest difference may amount to: an output is a few operations away.
_ROUNDINGS = 16
#: Values that must be left to check a relation on once its numbers are fitted.
_LEFT_TO_CHECK = 4


@dataclass(frozen=True)
class Precision:
    """What a floating-point type can tell apart.

    Args:
        roundoff: the largest relative error of one rounding.
        smallest: below this, numbers lose digits or become zero.
    """

    roundoff: float
    smallest: float


@dataclass(frozen=True)
class Relation:
    """The output as an increasing function of the logits.

    Args:
        words: what the output is, to follow "the output is".
        predicted: the output [n, K] that logits [n, K] give. Where a number that is the same
            for all classes of an image is free, it is taken from the output (second argument).
        allowed: how far rounding may move each entry, [n, K], given logits and precision.
        threshold: the output above which a single logit says class 1.
    """

    words: str
    predicted: Callable[[FloatArray, FloatArray], FloatArray]
    allowed: Callable[[FloatArray, FloatArray, Precision], FloatArray]
    threshold: float = 0.0

    def differences(self, logits: FloatArray, output: FloatArray) -> FloatArray:
        """How far the output is from what the relation says, [n, K]."""
        with np.errstate(all="ignore"):
            off = np.abs(self.predicted(logits, output) - output)
        return np.where(np.isfinite(off), off, np.inf)

    def holds(self, logits: FloatArray, output: FloatArray, precision: Precision) -> bool:
        """Whether only rounding parts the output from what the relation says."""
        with np.errstate(all="ignore"):
            allowed = self.allowed(logits, output, precision)
        return bool((self.differences(logits, output) <= allowed).all())


def predictions(output: FloatArray, threshold: float = 0.0) -> IntArray:
    """The predicted class of each row; of a single logit, whether it is above a threshold."""
    if output.shape[1] == 1:
        return np.asarray(output[:, 0] > threshold, dtype=np.int64)
    return np.asarray(output.argmax(axis=1), dtype=np.int64)


def fitted(logits: FloatArray, output: FloatArray, precision: Precision) -> Relation | None:
    """The simplest relation that holds, or None.

    Args:
        logits: of the head, [n, K].
        output: of the model, [n, K].
        precision: of the coarser of the two.
    """
    same = _same()
    if not np.isfinite(output).all() or not np.isfinite(logits).all():
        return None
    if same.holds(logits, output, precision):
        return same
    for fit in (_scaled, _shifted, _softmax, _sigmoid, _soft_capped):
        with np.errstate(all="ignore"):
            relation = fit(logits, output)
        if relation is not None and relation.holds(logits, output, precision):
            return relation
    return None


def reversing_scale(logits: FloatArray, output: FloatArray, precision: Precision) -> float | None:
    """The negative number that the output is the logits times of, if it is."""
    scale = -_slope(-logits, output)
    if not scale < 0:
        return None
    return scale if _times(scale).holds(logits, output, precision) else None


def _same() -> Relation:
    return Relation("the head's logits", lambda logits, _: logits, _allowed_of(1.0))


def _times(scale: float) -> Relation:
    return Relation(
        f"the head's logits times {scale:.4g}", lambda logits, _: scale * logits, _allowed_of(scale)
    )


def _allowed_of(scale: float) -> Callable[[FloatArray, FloatArray, Precision], FloatArray]:
    def allowed(logits: FloatArray, output: FloatArray, precision: Precision) -> FloatArray:
        return _rounded(np.abs(scale * logits), precision)

    return allowed


def _rounded(sizes: FloatArray, precision: Precision) -> FloatArray:
    """How far rounding may move numbers of these sizes, by the largest of each image."""
    largest = sizes.max(axis=1, keepdims=True)
    allowed = _ROUNDINGS * precision.roundoff * largest + precision.smallest
    return np.broadcast_to(allowed, sizes.shape)


def _times_words(scale: float) -> str:
    return "" if scale == 1.0 else f" times {scale:.4g}"


def _slope(inputs: FloatArray, outputs: FloatArray) -> float:
    """The number to multiply inputs with, by least squares; not a number if it is arbitrary."""
    squares = float((inputs * inputs).sum())
    return float((inputs * outputs).sum()) / squares if squares else math.nan


def _centred(values: FloatArray) -> FloatArray:
    centred: FloatArray = values - values.mean(axis=1, keepdims=True)
    return centred


def _scaled(logits: FloatArray, output: FloatArray) -> Relation | None:
    scale = _slope(logits, output)
    if not scale > 0 or logits.size - 1 < _LEFT_TO_CHECK:
        return None
    return _times(scale)


def _shifted(logits: FloatArray, output: FloatArray) -> Relation | None:
    """One number is taken from all logits of an image, perhaps after scaling."""
    images, classes = logits.shape
    scale = _slope(_centred(logits), _centred(output))
    if not scale > 0 or images * (classes - 1) - 1 < _LEFT_TO_CHECK:
        return None
    scale = 1.0 if abs(scale - 1) < 1e-4 else scale

    def predicted(logits: FloatArray, output: FloatArray) -> FloatArray:
        return np.asarray(scale * _centred(logits) + output.mean(axis=1, keepdims=True))

    def allowed(logits: FloatArray, output: FloatArray, precision: Precision) -> FloatArray:
        return _rounded(np.maximum(np.abs(scale * logits), np.abs(output)), precision)

    totals = np.log(np.exp(output).sum(axis=1))
    if (np.abs(totals) < 0.1).all():
        words = f"the log-softmax of the head's logits{_times_words(scale)}"
    else:
        words = f"the head's logits{_times_words(scale)}, less one number for each image"
    return Relation(words, predicted, allowed)


def _softmax(logits: FloatArray, output: FloatArray) -> Relation | None:
    images, classes = logits.shape
    if output.min() < 0 or (np.abs(output.sum(axis=1) - 1) > 0.1).any() or classes < 2:
        return None
    rows, top = np.arange(images), output.argmax(axis=1)
    below = logits - logits[rows, top][:, None]
    ratios = np.log(output / output[rows, top][:, None])
    usable = (output > 1e-5) & (below != 0)
    if usable.sum() - 1 < _LEFT_TO_CHECK:
        return None
    scale = _slope(below[usable], ratios[usable])
    if not scale > 0:
        return None
    scale = 1.0 if abs(scale - 1) < 1e-4 else scale

    def probabilities(logits: FloatArray) -> FloatArray:
        powers = np.exp(scale * (logits - logits.max(axis=1, keepdims=True)))
        shares: FloatArray = powers / powers.sum(axis=1, keepdims=True)
        return shares

    def allowed(logits: FloatArray, _: FloatArray, precision: Precision) -> FloatArray:
        # Rounding a logit changes its power by a share of it.
        relative = 1 + scale * np.abs(logits).max(axis=1, keepdims=True)
        shares = probabilities(logits)
        rounded = _ROUNDINGS * precision.roundoff * relative * shares + 4 * precision.smallest
        return np.asarray(rounded)

    return Relation(
        f"the softmax of the head's logits{_times_words(scale)}",
        lambda logits, _: probabilities(logits),
        allowed,
    )


def _sigmoid(logits: FloatArray, output: FloatArray) -> Relation | None:
    if output.min() < 0 or output.max() > 1:
        return None
    usable = (output > 0.01) & (output < 0.99)
    if usable.sum() - 1 < _LEFT_TO_CHECK:
        return None
    scale = _slope(logits[usable], np.log(output[usable] / (1 - output[usable])))
    if not scale > 0:
        return None
    scale = 1.0 if abs(scale - 1) < 1e-4 else scale

    def share(logits: FloatArray) -> FloatArray:
        return np.asarray(1 / (1 + np.exp(-scale * logits)))

    def allowed(logits: FloatArray, _: FloatArray, precision: Precision) -> FloatArray:
        shares = share(logits)
        relative = 1 + (1 - shares) * scale * np.abs(logits)
        return np.asarray(_ROUNDINGS * precision.roundoff * relative * shares + precision.smallest)

    words = f"the sigmoid of the head's logits{_times_words(scale)}"
    return Relation(words, lambda logits, _: share(logits), allowed, threshold=0.5)


def _soft_capped(logits: FloatArray, output: FloatArray) -> Relation | None:
    """``cap * tanh(slope * logit)``, the cap being found by bisection.

    For each cap the largest logit fixes the slope. A cap that is too small makes the others'
    outputs too small.
    """
    if logits.size - 2 < _LEFT_TO_CHECK:
        return None
    flat, capped = np.abs(logits).ravel(), np.abs(output).ravel()
    most = int(flat.argmax())
    if not capped[most] > 0 or (logits * output).min() < 0:
        return None
    # The entry that tells caps apart best lies about half way up.
    middle = int(np.abs(flat - flat[most] / 2).argmin())
    if not 0 < flat[middle] < flat[most]:
        return None

    def slope_of(cap: float) -> float:
        return math.atanh(capped[most] / cap) / float(flat[most])

    def excess(cap: float) -> float:
        return cap * math.tanh(slope_of(cap) * float(flat[middle])) - float(capped[middle])

    lower, upper = float(capped[most]) * (1 + 1e-12), float(capped[most]) * 1e4
    if not excess(lower) > 0 > excess(upper):
        return None
    for _ in range(200):
        centre = math.sqrt(lower * upper)
        lower, upper = (centre, upper) if excess(centre) > 0 else (lower, centre)
    cap, slope = _refined(flat, capped, upper, slope_of(upper))
    if not (cap > 0 and slope > 0):
        return None

    def predicted(logits: FloatArray, _: FloatArray) -> FloatArray:
        return np.asarray(cap * np.tanh(slope * logits))

    def allowed(logits: FloatArray, output: FloatArray, precision: Precision) -> FloatArray:
        return _rounded(np.abs(output), precision)

    words = f"the head's logits, soft-capped at {cap:.4g}"
    if abs(slope * cap - 1) > 1e-3:
        words = f"the head's logits times {slope * cap:.4g}, soft-capped at {cap:.4g}"
    return Relation(words, predicted, allowed)


def _refined(flat: Array, capped: Array, cap: float, slope: float) -> tuple[float, float]:
    """Cap and slope by least squares on all values (Gauss-Newton, from a good guess)."""
    for _ in range(20):
        bent = np.tanh(slope * flat)
        by_cap, by_slope = bent, cap * flat * (1 - bent * bent)
        jacobian = np.stack([by_cap, by_slope], axis=1)
        step = np.linalg.lstsq(jacobian, capped - cap * bent, rcond=None)[0]
        if not np.isfinite(step).all():
            break
        cap, slope = cap + float(step[0]), slope + float(step[1])
    return cap, slope
