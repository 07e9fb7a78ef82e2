"""What can be measured of models that draw: numbers with intervals, of numpy arrays alone.

Intervals are those of :mod:`interp_checks.statistics.means`; images must be drawn independently.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interp_checks.arrays import Array, FloatArray
from interp_checks.errors import DataError
from interp_checks.statistics.intervals import CONFIDENCE
from interp_checks.statistics.means import Measured, mean_of, ratio_of

#: Pixels are held this far from 0 and 1 before logarithms are taken; float32 cannot be nearer 1.
EDGE = 1e-7


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

    :func:`interp_checks.statistics.means.mean_of` averages it.

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
    if not below.any():
        raise DataError("all inputs are the same image", expected="inputs that differ")
    return ratio_of(above, below, confidence)
