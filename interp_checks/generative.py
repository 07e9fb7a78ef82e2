"""What can be measured of models that draw: numbers with intervals, of numpy arrays alone.

Every interval is a normal one: the value plus and minus a multiple of its standard error over
images, where a ratio of two means has the standard error of its linearisation (the delta
method). With a thousand images and more, the means are normal enough; images must be drawn
independently.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ._arrays import Array, FloatArray
from .errors import DataError
from .estimate import CONFIDENCE

#: Pixels are held this far from 0 and 1 before logarithms are taken; float32 cannot be nearer 1.
EDGE = 1e-7


@dataclass(frozen=True)
class Measured:
    """A number measured on images, with a normal interval.

    Args:
        value: the number.
        lower: lower end of its interval.
        upper: upper end.
        total: images.
        confidence: of the interval, two-sided.
    """

    value: float
    lower: float
    upper: float
    total: int
    confidence: float = CONFIDENCE

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end."""
        return self.lower, self.upper

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return self.beside()

    def beside(self, *thresholds: float) -> str:
        """The number in words, in as many digits as show its side of these thresholds.

        Args:
            thresholds: numbers that it is compared with.
        """
        value, lower, upper = (
            _digits(part, thresholds) for part in (self.value, self.lower, self.upper)
        )
        return f"{value} [{lower}, {upper}] ({self.total} images)"


def _digits(number: float, thresholds: Sequence[float]) -> str:
    """Four digits, more where fewer would put the number on another side of a threshold."""

    def side(shown: float, limit: float) -> int:
        return (shown > limit) - (shown < limit)

    texts = [f"{number:.{digits}g}" for digits in range(4, 13)]
    telling = (
        text
        for text in texts
        if all(side(float(text), limit) == side(number, limit) for limit in thresholds)
    )
    return next(telling, texts[0])


def mean_of(values: FloatArray, confidence: float = CONFIDENCE) -> Measured:
    """The mean of one number per image.

    Args:
        values: [N].
        confidence: of the interval.
    """
    wide = np.asarray(values, np.float64)
    error = _width(confidence) * _standard_error(wide)
    value = float(wide.mean())
    return Measured(value, value - error, value + error, len(wide), confidence)


def output_variation(
    inputs: FloatArray, outputs: FloatArray, confidence: float = CONFIDENCE
) -> Measured:
    """How much outputs vary between inputs, relative to the inputs themselves.

    The variance of outputs, summed over pixels, over that of inputs: 0 if every input gives the
    same output, 1 if outputs differ among each other as much as inputs do. A model can vary its
    outputs and still not draw its inputs; see :func:`reconstruction_error`.

    Args:
        inputs: [N, ...] images.
        outputs: what the model makes of them, same shape.
        confidence: of the interval.
    """
    first, second = _paired(inputs, outputs)
    return _ratio(_squares(second, second.mean(0)), _squares(first, first.mean(0)), confidence)


def distance_to_mean(
    inputs: FloatArray,
    outputs: FloatArray,
    training_mean: FloatArray,
    confidence: float = CONFIDENCE,
) -> Measured:
    """How far outputs are from the training mean, relative to how far inputs are.

    The mean squared distance of outputs over that of inputs: 0 if every output is the mean of
    the training images, 1 if outputs are as far from it as inputs are.

    Args:
        inputs: [N, ...] images.
        outputs: what the model makes of them, same shape.
        training_mean: [...], the mean of the images that it was trained on.
        confidence: of the interval.
    """
    first, second = _paired(inputs, outputs)
    centre = np.asarray(training_mean, np.float64).ravel()
    if centre.shape != first.shape[1:]:
        raise DataError(
            "the training mean is no image of this size",
            found=str(list(np.shape(training_mean))),
            expected=f"{list(np.shape(inputs)[1:])}",
        )
    return _ratio(_squares(second, centre), _squares(first, centre), confidence)


@dataclass(frozen=True, eq=False)
class ReconstructionError:
    """How well each image is drawn again.

    Attributes:
        squared: [N], the mean of the squared differences of its pixels.
        cross_entropy: [N], binary cross-entropy summed over its pixels, in nats. Grey pixels
            cost something even when drawn perfectly.
        confidence: of intervals.
    """

    squared: FloatArray
    cross_entropy: FloatArray
    confidence: float = CONFIDENCE

    @property
    def mean_squared(self) -> Measured:
        """Squared error, averaged over images."""
        return mean_of(self.squared, self.confidence)

    @property
    def mean_cross_entropy(self) -> Measured:
        """Cross-entropy, averaged over images."""
        return mean_of(self.cross_entropy, self.confidence)


def reconstruction_error(
    inputs: FloatArray, outputs: FloatArray, confidence: float = CONFIDENCE
) -> ReconstructionError:
    """How far each output is from its input.

    Args:
        inputs: [N, ...] images in [0, 1].
        outputs: what the model makes of them, same shape, in [0, 1].
        confidence: of intervals.
    """
    first, second = _paired(inputs, outputs)
    held = second.clip(EDGE, 1 - EDGE)
    entropies = -(first * np.log(held) + (1 - first) * np.log1p(-held)).sum(1)
    return ReconstructionError(((first - second) ** 2).mean(1), entropies, confidence)


def kl(means: FloatArray, log_variances: FloatArray) -> FloatArray:
    """The divergence of each image's Gaussian from the standard normal, in nats, [N].

    :func:`mean_of` averages it.

    Args:
        means: [N, latents].
        log_variances: [N, latents].
    """
    wide, logs = np.asarray(means, np.float64), np.asarray(log_variances, np.float64)
    return np.asarray((wide**2 + np.exp(logs) - 1 - logs).sum(1) / 2)


def _paired(inputs: FloatArray, outputs: FloatArray) -> tuple[Array, Array]:
    """Both as float64 [N, pixels]."""
    if np.shape(inputs) != np.shape(outputs) or np.ndim(inputs) < 2 or len(inputs) < 2:
        raise DataError(
            "inputs and outputs do not fit each other",
            found=f"{list(np.shape(inputs))} and {list(np.shape(outputs))}",
            expected="two images or more, and as many outputs of the same size",
        )
    count = len(inputs)
    return (
        np.asarray(inputs, np.float64).reshape(count, -1),
        np.asarray(outputs, np.float64).reshape(count, -1),
    )


def _squares(images: Array, centre: Array) -> Array:
    """Squared distance of each image from a centre."""
    return np.asarray(((images - centre) ** 2).sum(1))


def _ratio(above: FloatArray, below: FloatArray, confidence: float) -> Measured:
    """The ratio of two means over the same images, of numbers that are not negative.

    Centres that are means of the same images do not add to the first order: a sum of squares is
    flat about its mean.
    """
    if not below.any():
        raise DataError("all inputs are the same image", expected="inputs that differ")
    value = float(above.mean() / below.mean())
    error = _width(confidence) * _standard_error((above - value * below) / below.mean())
    return Measured(value, max(0.0, value - error), value + error, len(above), confidence)


def _standard_error(values: FloatArray) -> float:
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.inf


def _width(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)
