"""The share of the variance along directions, under laws with light and heavy tails.

The rule is not exact: of an unbounded number it cannot be. What is simulated is how far off it is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from interp_checks import Readout

from .row import Generator, Row, Simulate
from .scripted import CLASSES, labels_of

FIRST = 3
#: Draws features of variance one, [N, CLASSES]; and how they are scaled to have it.
Law = Callable[[Generator, int], np.ndarray]


def normal(generator: Generator, total: int) -> np.ndarray:
    return generator.standard_normal((total, CLASSES))


def laplace(generator: Generator, total: int) -> np.ndarray:
    return generator.laplace(size=(total, CLASSES)) / np.sqrt(2)


def lognormal(generator: Generator, total: int) -> np.ndarray:
    raw = np.exp(generator.standard_normal((total, CLASSES)))
    return (raw - np.exp(0.5)) / np.sqrt((np.e - 1) * np.e)


def student(generator: Generator, total: int) -> np.ndarray:
    return generator.standard_t(3, size=(total, CLASSES)) / np.sqrt(3)


def rare(expected: float, among: slice) -> Law:
    """A kind of images of which so many are expected carries half of the variance there."""

    def law(generator: Generator, total: int) -> np.ndarray:
        chance = expected / total
        features = generator.standard_normal((total, CLASSES))
        hit = generator.random(total) < chance
        features[hit, among] *= np.sqrt(1 / chance - 1)
        features[:, among] /= np.sqrt(2 * (1 - chance))
        return features

    return law


def carrying(law: Law, share: float) -> Simulate:
    """Features scaled so that the first three directions carry this share."""
    values = np.arange(CLASSES, 0, -1.0)
    spread = np.empty(CLASSES)
    spread[:FIRST] = np.sqrt(share / FIRST) / values[:FIRST]
    spread[FIRST:] = np.sqrt((1 - share) / (CLASSES - FIRST)) / values[FIRST:]

    def simulate(generator: Generator, images: int) -> Readout:
        labels = labels_of(images)
        return Readout(law(generator, len(labels)) * spread, labels, np.diag(values))

    return simulate


EDGE = 1e-9
LATER, EARLIER = slice(FIRST, None), slice(0, FIRST)


def row(name: str, law: Law, relation: str, beyond: str = "") -> Row:
    """The share is 50 %: just below for "at least", just above for "at most"."""
    sign = 1 if relation == "at least" else -1
    return Row(
        f"directions carry {relation}, {name}",
        f"the first 3 directions carry {relation} 50 % of the variance",
        carrying(law, 0.5 - sign * EDGE),
        carrying(law, 0.5 + sign * EDGE),
        carrying(law, 0.5 + sign * 0.1),
        carrying(law, 0.5 - sign * 0.1),
        "share 50 %",
        images=100,
        beyond=beyond,
    )


_UNSEEN = "{:.0f} % of the samples have no image of the rare kind"
_FEW = _UNSEEN + ", others a single one that happens to carry little"

ROWS = (
    *(
        row(name, law, relation)
        for name, law in (
            ("normal", normal),
            ("Laplace", laplace),
            ("lognormal", lognormal),
            ("t with 3 degrees", student),
        )
        for relation in ("at least", "at most")
    ),
    row("a kind of images expected 5 times", rare(5, LATER), "at least"),
    row("a kind of images expected 5 times", rare(5, EARLIER), "at most"),
    row(
        "a kind of images expected 3 times",
        rare(3, LATER),
        "at least",
        _FEW.format(100 * np.exp(-3)),
    ),
    row(
        "a kind of images expected 3 times",
        rare(3, EARLIER),
        "at most",
        _FEW.format(100 * np.exp(-3)),
    ),
    row(
        "a kind of images expected 0.5 times",
        rare(0.5, LATER),
        "at least",
        _UNSEEN.format(100 * np.exp(-0.5)),
    ),
    Row(
        "directions carry about",
        "the first 3 directions carry about 50 % of the variance",
        carrying(laplace, 0.55 + EDGE),
        carrying(laplace, 0.55 - EDGE),
        carrying(laplace, 0.5),
        carrying(laplace, 0.62),
        "share 55 %",
    ),
)
