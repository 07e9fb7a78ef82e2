"""Small heads for claims about sets of directions, and plain loops over all of these sets."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, combinations

import numpy as np
from hypothesis import strategies as st
from naive import interval

from interp_checks import Readout
from interp_checks.wording import listed

Set = tuple[int, ...]
#: True class, what is along each direction, number of images.
Row = tuple[int, tuple[float, ...], int]

#: Class vectors of four directions of which the first two speak for class 0 together.
CROSSED = np.array([[1, 1, 0, 0], [1, -1, 0, 0], [0, 0, 2**0.5, 0], [0, 0, 0, 2**0.5]]) / 2**0.5

#: Either of two directions is enough for class 0; class 3 is the bias's.
EITHER: tuple[Row, ...] = ((0, (9.0, 9.0, 0, 0), 100), (3, (0, 0, 0, 9.0), 100))
#: Class 0 needs both, unless the third, which speaks for class 2, is gone as well.
RIVAL: tuple[Row, ...] = ((0, (9.0, 9.0, 9.0, 0), 100), (2, (0, 0, 9.0, 0), 100))
#: The third direction is all there is to class 2; class 3 is the bias's.
THIRD: tuple[Row, ...] = ((2, (0, 0, 9.0, 0), 100), (3, (0, 0, 0, 9.0), 100))
#: Class 2 is taken for class 3 most of the time, class 1 always.
LAME: tuple[Row, ...] = (
    (2, (0, 0, 9.0, 0), 30), (2, (0, 0, 0, 9.0), 70), (1, (0, 0, 0, 9.0), 100)
)  # fmt: skip
#: Without the first, class 0 is alive again only if the third and the fourth are gone as well.
TWO_STEPS: tuple[Row, ...] = (
    (0, (9.0, 9.0, 9.0, 0), 100), (0, (9.0, 9.0, 0, 9.0), 100), (0, (9.0, 9.0, 9.0, 9.0), 200)
)  # fmt: skip


def crossed(
    rows: Iterable[Row], sigma: tuple[float, ...] = (5, 4, 3, 2), **more: object
) -> Readout:
    """A head of four classes whose directions have the class vectors above."""
    every = list(rows)
    features = [np.divide(along, sigma) for _, along, count in every for _ in range(count)]
    labels = [true for true, _, count in every for _ in range(count)]
    bias = (0, 0, 0, 0.1)
    return Readout(np.array(features), np.array(labels), CROSSED.T * sigma, bias, **more)  # type: ignore[arg-type]


def head(
    seed: int, classes: int, hidden: int, images: int, noise: float = 0.05, **more: object
) -> Readout:
    """A head that is right for most images, which come in clusters.

    Its directions can be told apart; most subsets of them keep a cluster whole or lose it.
    """
    rng = np.random.default_rng(seed)
    rank = min(classes, hidden)
    left = np.linalg.qr(rng.normal(size=(classes, rank)))[0]
    right = np.linalg.qr(rng.normal(size=(hidden, rank)))[0]
    values = np.arange(rank, 0, -1) + rng.uniform(0.5, 1, rank)
    weight, bias = left * values @ right.T, rng.normal(size=classes) / 2
    means = rng.normal(size=(2 * classes, hidden)) * 2
    cluster = rng.integers(0, len(means), images)
    labels = (means @ weight.T + bias).argmax(axis=1)[cluster]
    wrong = rng.random(images) < noise
    labels[wrong] = rng.integers(0, classes, wrong.sum())
    features = means[cluster] + 0.2 * rng.normal(size=(images, hidden))
    return Readout(features, labels, weight, bias, **more)  # type: ignore[arg-type]


def heads(rank: int = 5, images: int = 300) -> st.SearchStrategy[Readout]:
    """Heads of up to so many directions and images."""

    def drawn(seed: int) -> Readout:
        # Numbers drawn one by one would be small most of the time.
        rng = np.random.default_rng([seed, 1])
        classes = int(rng.integers(2, rank + 1))
        hidden = int(rng.integers(max(1, classes - 1), rank + 2))
        many = int(rng.choice([rng.integers(2, 20), rng.integers(20, images + 1)], p=[0.2, 0.8]))
        level = float(rng.choice([0.95, 0.6]))
        return head(
            seed, classes, hidden, many, float(rng.choice([0, 0.05, 0.4])), confidence=level
        )

    return st.integers(0, 2**32 - 1).map(drawn)


def subsets(directions: int) -> list[Set]:
    every = range(1, directions + 1)
    sizes = (combinations(every, size) for size in range(directions + 1))
    return list(chain.from_iterable(sizes))


def mask(kept: Set) -> int:
    return sum(2 ** (direction - 1) for direction in kept)


def rest(dropped: Set, directions: int) -> Set:
    return tuple(one for one in range(1, directions + 1) if one not in dropped)


def ablated(dropped: Set, directions: int) -> str:
    if not dropped:
        return "keeping every direction"
    if len(dropped) == directions:
        return "keeping no direction"
    return f"dropping direction{'s' if len(dropped) > 1 else ''} {listed(dropped)}"


def only(kept: Set) -> str:
    if not kept:
        return "keeping no direction"
    return f"keeping only direction{'s' if len(kept) > 1 else ''} {listed(kept)}"


def paired(lost: int, gained: int, total: int, confidence: float) -> tuple[float, float]:
    """An interval of a paired loss: both shares at half the error."""
    shared = 1 - (1 - confidence) / 2
    one, other = interval(lost, total, shared), interval(gained, total, shared)
    return one[0] - other[1], one[1] - other[0]


def together(*outcomes: str) -> str:
    """What becomes of a claim all of whose parts must hold."""
    for decisive in ("fails", "undecided"):
        if decisive in outcomes:
            return decisive
    return "holds"
