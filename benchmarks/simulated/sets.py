"""Facts about sets of directions: three or four directions, every subset of which is scripted."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from interp_checks import Readout

from .row import Generator, Row, Simulate
from .scripted import labels_of, predictions, sets_of, with_lattice

EDGE = 1e-9
CLASSES = 4
DIRECTIONS = 3
#: The recall of class 0 when these directions stay.
Recall = Callable[[frozenset[int]], float]


def recalls(recall: Recall, intact: float = 1.0, directions: int = DIRECTIONS) -> Simulate:
    """Recalls of class 0 under every set of directions that stay, independent of each other."""
    every = frozenset(range(1, directions + 1))

    def simulate(generator: Generator, images: int) -> Readout:
        labels = labels_of(images, CLASSES)
        by_mask = [
            predictions(
                generator,
                labels,
                {0: intact if frozenset(kept) == every else recall(frozenset(kept))},
                classes=CLASSES,
            )
            for kept in sets_of(directions)
        ]
        return with_lattice(labels, by_mask, classes=CLASSES)

    return simulate


def killed_without(
    gone: Iterable[int], dead: float, part: float, intact: float = 1.0, *, elsewhere: float = 1.0
) -> Simulate:
    """A recall without these directions, another without some of them, a third with them all."""
    needed = frozenset(gone)

    def recall(kept: frozenset[int]) -> float:
        if not kept & needed:
            return dead
        return elsewhere if needed <= kept else part

    return recalls(recall, intact)


def enough(kept_whole: float, kept_part: float) -> Simulate:
    """A recall with directions 1 and 2 alone, another with fewer."""

    def recall(kept: frozenset[int]) -> float:
        return kept_whole if {1, 2} <= kept else kept_part

    return recalls(recall)


def redundant(one: float, both: float, intact: float = 1.0) -> Simulate:
    """Recalls without one of directions 1 and 2, and without both."""

    def recall(kept: frozenset[int]) -> float:
        return both if not kept & {1, 2} else one

    return recalls(recall, intact)


def revival(dead: float, alive: float, rest: float = 1.0, intact: float = 1.0) -> Simulate:
    """Recalls without direction 1, without 1 and 2, and without any others."""

    def recall(kept: frozenset[int]) -> float:
        return {frozenset({2, 3}): dead, frozenset({3}): alive}.get(kept, rest)

    return recalls(recall, intact)


def best(first: float, others: float, one: float | None = None) -> Simulate:
    """Accuracies of the first two of four directions, of other pairs, and of one of these."""

    def simulate(generator: Generator, images: int) -> Readout:
        labels = labels_of(images, CLASSES)
        by_mask = []
        for kept in sets_of(4):
            accuracy = first if kept == (1, 2) else others
            if one is not None and kept == (1, 3):
                accuracy = one
            by_mask.append(
                predictions(generator, labels, accuracy if len(kept) == 2 else 1.0, classes=CLASSES)
            )
        return with_lattice(labels, by_mask, classes=CLASSES)

    return simulate


def values(*shares: float) -> Simulate:
    """Each direction is needed for images of its class, a share of all; the rest need none."""
    width = len(shares)
    chances = [*shares, 1 - sum(shares)]
    weight = np.zeros((width + 1, width))
    np.fill_diagonal(weight, np.arange(width, 0, -1.0))
    bias = np.zeros(width + 1)
    bias[-1] = 0.1

    def simulate(generator: Generator, images: int) -> Readout:
        labels = generator.choice(width + 1, size=images * (width + 1), p=chances)
        labels[: width + 1] = np.arange(width + 1)
        features = np.zeros((len(labels), width))
        own = labels < width
        features[own, labels[own]] = 1.0
        return Readout(features, labels, weight, bias)

    return simulate


_KILL = "directions 1 and 2 are a minimal kill set of class 0"
_ONLY = "directions 1 and 2 are the only minimal kill set of class 0"
_SUFFICIENT = "directions 1 and 2 are a minimal sufficient set of class 0"
_REDUNDANT = "directions 1 and 2 are redundant for class 0"
_REVIVES = "dropping more directions revives class 0"
_BEST = "the first 2 directions are within 5 points of the best 2"
_SHAPLEY = "direction 1 has the largest Shapley value for accuracy"

ROWS = (
    Row("minimal kill set", _KILL, killed_without((1, 2), 0.05, 1.0),
        killed_without((1, 2), 0.05 - EDGE, 0.05 + EDGE, 0.5 + EDGE),
        killed_without((1, 2), 0.01, 0.5), killed_without((1, 2), 0.12, 0.5), "recalls 5 %"),
    Row("minimal kill set (parts)", _KILL, killed_without((1, 2), 0.0, 0.05),
        at="recalls of parts 5 %"),
    Row("only minimal kill set", _ONLY, killed_without((1, 2), 0.0, 0.05),
        killed_without((1, 2), 0.05 - EDGE, 0.05 + EDGE, 0.5 + EDGE, elsewhere=0.05 + EDGE),
        killed_without((1, 2), 0.01, 0.5), killed_without((1, 2), 0.0, 0.5, elsewhere=0.01),
        "recalls 5 %"),
    Row("minimal sufficient set", _SUFFICIENT, enough(0.9, 0.0), enough(0.9 + EDGE, 0.9 - EDGE),
        enough(0.98, 0.7), enough(0.8, 0.5), "losses 10 points"),
    Row("minimal sufficient set (parts)", _SUFFICIENT, enough(1.0, 0.9),
        at="losses of parts 10 points"),
    Row("redundant", _REDUNDANT, redundant(0.9, 0.0), redundant(0.9 + EDGE, 0.05 - EDGE),
        redundant(0.98, 0.0), redundant(0.8, 0.0), "losses 10 points, recall 5 %"),
    Row("largest Shapley value", _SHAPLEY, values(0.2, 0.2, 0.1),
        values(0.2 + EDGE, 0.2, 0.2), values(0.4, 0.1, 0.1), values(0.1, 0.4, 0.1),
        "equal values", before=True),
    Row("first are best", _BEST, best(0.9, 0.8, 0.95), best(0.9, 0.95 - EDGE),
        best(0.9, 0.8, 0.91), best(0.8, 0.8, 0.95), "leads 5 points", before=True),
    Row("dropping more revives", _REVIVES, revival(0.05, 1.0), revival(0.05 - EDGE, 0.5 + EDGE),
        revival(0.0, 1.0), revival(0.3, 1.0), "recall 5 %, and 50 %"),
    Row("dropping more revives (alive)", _REVIVES, revival(0.0, 0.5, 0.5 - EDGE),
        revival(0.05 - EDGE, 0.5 + EDGE, 0.4, 0.5 + EDGE), at="recalls 50 %"),
)  # fmt: skip
