"""Verdicts over several draws of another image's coefficients, at the threshold.

An image takes part twice in a draw: with what stays of it, and with what it lends to another. Where
both count the same way, the share of images that are right varies more than a binomial does: the
first row is the worst there is, a sum of two equal terms.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from interp_checks import Readout

from .row import Generator, Row, Simulate

_LENT = 'replacing part "lent" by another image\'s'


def _parts(kept: np.ndarray, lent: np.ndarray) -> Readout:
    """Two parts that speak for class 0; it is right where their sum is above zero."""
    coefficients = np.stack([kept, lent])
    classes = np.array([[1.0, 1.0], [-1.0, -1.0]])
    labels = np.zeros(len(kept), dtype=np.int64)
    return Readout.from_parts(coefficients, classes, None, labels, names=("kept", "lent"))


def alike(accuracy: float) -> Simulate:
    """What is kept and what is lent are one number, so that an image is lucky twice or never."""
    shift = norm.ppf(accuracy) / np.sqrt(2)

    def simulate(generator: Generator, images: int) -> Readout:
        drawn = generator.standard_normal(images) + shift
        return _parts(drawn, drawn)

    return simulate


def opposed(loss: float) -> Simulate:
    """What is lent makes up for what is kept, so that every image is right by itself."""
    shift = -np.sqrt(2) * norm.ppf(loss)

    def simulate(generator: Generator, images: int) -> Readout:
        drawn = generator.standard_normal(images)
        return _parts(drawn, shift - drawn)

    return simulate


def apart(accuracy: float) -> Simulate:
    """What is kept and what is lent have nothing to do with each other."""
    shift = norm.ppf(accuracy) / np.sqrt(2)

    def simulate(generator: Generator, images: int) -> Readout:
        kept, lent = generator.standard_normal((2, images)) + shift
        return _parts(kept, lent)

    return simulate


ROWS = (
    Row("another image's, alike", f"{_LENT} keeps accuracy above 50 %", alike(0.5), alike(0.5),
        alike(0.6), alike(0.4), "accuracy 50 %", before=True),
    Row("another image's, apart", f"{_LENT} keeps accuracy above 90 %", apart(0.9), apart(0.9),
        apart(0.95), apart(0.8), "accuracy 90 %", before=True),
    Row("another image's, opposed", f"{_LENT} costs more than 10 points of accuracy", opposed(0.1),
        opposed(0.1), opposed(0.2), opposed(0.05), "loss 10 points", before=True),
)  # fmt: skip
