"""Weights cut along random directions of the same subspace, many times over."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np

from interp_checks.ablations.ablation import Ablation
from interp_checks.ablations.directions import Directions
from interp_checks.ablations.gate_weights import GateWeights
from interp_checks.arrays import Array, FloatArray, IntArray
from interp_checks.counting.cache import Remembered
from interp_checks.counting.engines import by_label
from interp_checks.counting.sweep import argmax_over, predict
from interp_checks.errors import NotJudgedError
from interp_checks.networks.reference import Asked

from .readout import Readout

#: Seed of the rotations.
SEED = 0
#: Chance is measured on at most so many images, evenly spread over the classes: plenty for
#: a share of rotations, and fast enough to be shown beside every claim.
_IMAGES = 2500
_FEWEST_OF_A_CLASS = 20
#: Rotations that are worked on together.
_CHUNK = 8
#: Rotated coefficients are kept if they take less than this many bytes, else made again.
_MEMORY = 200_000_000


class Rotated(ABC):
    """A readout with one weight matrix cut along random directions.

    Attributes:
        classes: names.
        chosen: the images that are looked at.
        labels: theirs.
        intact: confusion counts of these images with nothing ablated, [K, K].
    """

    def __init__(self, readout: Readout, rotations: int, target: GateWeights | None) -> None:
        self.readout, self.rotations = readout, rotations
        self.classes = readout.class_names
        self.directions = readout.directions_of(target)
        self.width = len(self.directions)
        self.chosen = _sample_of(readout)
        self.labels = readout.labels[self.chosen]
        self.intact = self._confusions(predict(readout, None)[self.chosen][None])[0]
        self._counts = Remembered()
        self._predicted = Remembered()

    @abstractmethod
    def predictions(self, ablation: Ablation) -> Iterator[IntArray]:
        """Predicted classes under each rotation, [c, N] for a few rotations at a time."""

    def of(self, target: GateWeights | None) -> Rotated:
        """The same readout with other weights cut along random directions."""
        return rotated_weights(self.readout, self.rotations, target)

    def counts(self, ablation: Ablation) -> IntArray:
        """Confusion counts under each rotation, [R, K, K]."""

        def count() -> IntArray:
            counts = [self._confusions(predicted) for predicted in self.predictions(ablation)]
            return np.concatenate(counts)

        return self._counts.get_or(ablation.kept(self.width), count)

    def predicted(self, ablation: Ablation) -> IntArray:
        """Predicted classes under each rotation, [R, N]."""

        def predict() -> IntArray:
            return np.concatenate(list(self.predictions(ablation)))

        return self._predicted.get_or(ablation.kept(self.width), predict)

    def row(self, name: str) -> int:
        """The number of a class.

        Raises:
            NotJudgedError: there is no such class.
        """
        if name not in self.classes:
            raise NotJudgedError(f"there is no class {name}")
        return self.classes.index(name)

    def _confusions(self, predicted: Array) -> IntArray:
        """Counts [c, K, K] of predictions [c, N]."""
        many, size = len(predicted), len(self.classes)
        pairs = np.arange(many)[:, None] * size * size + self.labels * size + predicted
        counts = np.bincount(pairs.ravel(), minlength=many * size * size)
        return counts.reshape(many, size, size).astype(np.int64)


class _RotatedHead(Rotated):
    """Random directions of the output layer."""

    def __init__(self, readout: Readout, rotations: int) -> None:
        super().__init__(readout, rotations, None)
        hidden, features = self.directions.hidden, readout.features[self.chosen]
        self.along = hidden.T @ features.astype(np.float64).T
        size = 8 * rotations * self.width * len(self.labels)
        self._kept = list(self._chunks()) if size < _MEMORY else None

    def _chunks(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        """A few rotations at a time: coefficients [c, r, N] and class vectors [c, K, r]."""
        cuts = _random_cuts(self.directions, self.rotations)
        for start in range(0, self.rotations, _CHUNK):
            some = [next(cuts) for _ in range(min(_CHUNK, self.rotations - start))]
            yield (
                np.stack([rotation.T @ self.along for rotation, _ in some]),
                np.stack([vectors for _, vectors in some]),
            )

    def predictions(self, ablation: Ablation) -> Iterator[IntArray]:
        """See :class:`Rotated`."""
        kept, readout = ablation.kept(self.width), self.readout
        for coefficients, classes in self._chunks() if self._kept is None else self._kept:
            yield argmax_over(coefficients, classes, readout.bias, kept, readout.tie)


class _RotatedGate(Rotated):
    """Random directions of a gate's weights: what stays is put back into the network."""

    def __init__(self, readout: Readout, rotations: int, target: GateWeights) -> None:
        super().__init__(readout, rotations, target)
        self.target = target
        self.network = readout.needs_network(target).part(self.chosen)
        directions = self.directions
        self.pieces = [
            Directions(directions.hidden @ rotation, np.ones(self.width), vectors)
            for rotation, vectors in _random_cuts(directions, rotations)
        ]
        self._known: dict[tuple[int, ...], Array] = {}

    def predictions(self, ablation: Ablation) -> Iterator[IntArray]:
        """See :class:`Rotated`."""
        kept = ablation.kept(self.width)
        if kept not in self._known:
            asked = [Asked(self.target, kept, pieces) for pieces in self.pieces]
            self._known[kept] = self.network.predict_pieces(asked)
        yield self._known[kept]


def rotated_weights(readout: Readout, rotations: int, target: GateWeights | None) -> Rotated:
    """A readout with one weight matrix cut along random directions, made once.

    Args:
        readout: whose weights.
        rotations: how many times.
        target: the weights of a gate; None for the output layer's.

    Raises:
        NotJudgedError: there is no such gate, or no network at hand.
    """
    known: dict[tuple[int, GateWeights | None], Rotated] = readout._rotated
    if (rotations, target) not in known:
        known[rotations, target] = (
            _RotatedHead(readout, rotations)
            if target is None
            else _RotatedGate(readout, rotations, target)
        )
    return known[rotations, target]


def images_used(readout: Readout) -> int:
    """On about how many images chance is measured."""
    return max(min(len(readout), _IMAGES), _FEWEST_OF_A_CLASS * len(readout.class_names))


def _random_cuts(directions: Directions, rotations: int) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Rotations [r, r] and the class-side vectors [K, r] that they give, largest first.

    The generator starts anew each time, so these are always the same rotations.
    """
    values, width = directions.singular_values, len(directions)
    scaled = directions.classes * values
    # Directions that carry nothing are no part of the subspace, so they are not turned.
    carrying = max(1, int((values > 1e-12 * values[0]).sum()))
    generator = np.random.default_rng(SEED)
    for _ in range(rotations):
        square = generator.standard_normal((carrying, carrying))
        turned, triangle = np.linalg.qr(square)
        rotation = np.eye(width)
        # Without the signs the rotations would not be uniform (Mezzadri, 2007).
        rotation[:carrying, :carrying] = turned * np.sign(np.diag(triangle))
        vectors = scaled @ rotation
        order = np.argsort(-np.linalg.norm(vectors, axis=0), kind="stable")
        yield rotation[:, order], vectors[:, order]


def _sample_of(readout: Readout) -> IntArray:
    """All images, or evenly spread ones where there are more than chance needs."""
    if len(readout) <= _IMAGES:
        return np.arange(len(readout))
    share = _IMAGES / len(readout)
    order = by_label(readout.labels)
    chosen = []
    for own in np.split(order, np.cumsum(readout.support)[:-1]):
        wanted = min(len(own), max(_FEWEST_OF_A_CLASS, round(share * len(own))))
        chosen.append(own[np.linspace(0, len(own) - 1, wanted).astype(np.int64)] if wanted else own)
    return np.sort(np.concatenate(chosen))
