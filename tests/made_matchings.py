"""Heads whose directions are known, turned and put in another order, and how they match."""

from __future__ import annotations

import numpy as np

from interp_checks import Readout
from interp_checks.comparing.matching import Match, Matching


def orthogonal(size: int, seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]


def head(
    classes: np.ndarray, sigma: np.ndarray, hidden: np.ndarray | None = None, **more: object
) -> Readout:
    """A readout whose class-side vectors and singular values are these; features hardly matter."""
    hidden = np.eye(len(sigma)) if hidden is None else hidden
    count = len(classes)
    features = np.random.default_rng(0).normal(size=(3 * count, len(hidden)))
    weight = classes * sigma @ hidden.T
    return Readout(features, np.arange(3 * count) % count, weight, **more)  # type: ignore[arg-type]


def turned(columns: np.ndarray, first: int, second: int, degrees: float) -> np.ndarray:
    """The same columns with two of them (from 1) rotated in their plane."""
    rotated = columns.copy()
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    one, other = columns[:, first - 1], columns[:, second - 1]
    rotated[:, first - 1] = cosine * one + sine * other
    rotated[:, second - 1] = cosine * other - sine * one
    return rotated


SIGMA = np.array([9.0, 7.0, 5.5, 4.0, 2.5, 1.0])

#: Where direction 1, 2, ... of the reference is now.
PLACES = (2, 1, 3, 6, 4, 5)


def matching(places: tuple[int | None, ...] = PLACES) -> Matching:
    return Matching(
        tuple(
            Match(old, new, 0.97 if new else 0.62, new or 3, (new or 3,), 0.97)
            for old, new in enumerate(places, start=1)
        ),
        len(places),
    )
