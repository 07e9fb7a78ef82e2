"""How often would a claim hold if the directions were random ones of the same subspace?

The singular directions are replaced by a random rotation of them on the hidden side (uniform
over rotations, seeded), sorted by how much weight each carries. The rotated pieces still add
up to the same weight, so the intact model is the same; only the way it is cut is random. A
claim that holds for most cuts is no finding about singular directions.

Here a claim holds when the numbers in the sample are on the claimed side, without intervals,
so that chance is never understated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from . import says
from ._arrays import Array, FloatArray, IntArray
from .ablation import Ablation, dropping, keeping_no_direction, keeping_only
from .claim import Claim
from .errors import NotJudgedError
from .readout import Readout
from .set_facts import AreRedundant, IsKillSet, IsSufficientSet
from .sweeps import argmax_over, first_largest
from .thresholds import ALIVE, DEAD, MOSTLY, PREDICTED, SAME, SPARED

#: Rotations unless asked otherwise.
ROTATIONS = 200
#: Seed of the rotations.
SEED = 0
#: Chance is measured on at most so many images, evenly spread over the classes: plenty for
#: a share of rotations, and fast enough to be shown beside every claim.
_IMAGES = 2500
_FEWEST_OF_A_CLASS = 20
#: Multiplications beyond which chance is not measured: it would take minutes.
_TOO_MUCH = 10**11
#: Rotations that are worked on together.
_CHUNK = 8
#: Rotated coefficients are kept if they take less than this many bytes, else made again.
_MEMORY = 200_000_000


@dataclass(frozen=True)
class Chance:
    """Under how many of the random rotations a claim holds."""

    count: int
    total: int

    @property
    def share(self) -> float:
        """The share of rotations under which the claim holds."""
        return self.count / self.total

    def __str__(self) -> str:
        return f"{self.count}/{self.total}"


def by_chance(claim: Claim, readout: Readout, rotations: int = ROTATIONS) -> Chance | None:
    """Count the rotations under which a claim would hold.

    Returns:
        None for a claim that names no direction, or that every subset would have to be counted
        for, and for heads so large that it would take many minutes.
    """
    fact = claim.says[0] if isinstance(claim.says[0], _MEASURED_FACTS) else None
    about_numbers = isinstance(claim.condition, Ablation) and claim.condition.indices
    if not (about_numbers or fact is not None) or not rotations:
        return None
    images = max(min(len(readout), _IMAGES), _FEWEST_OF_A_CLASS * len(readout.class_names))
    if rotations * images * readout.weight.shape[0] * len(readout.directions) > _TOO_MUCH:
        return None
    rotated = _rotated(readout, rotations)
    if fact is not None:
        return Chance(int(_set_fact(fact, rotated).sum()), rotations)
    assert isinstance(claim.condition, Ablation)
    held = np.ones(rotations, dtype=bool)
    named: set[str] = set()
    now = rotated.counts(claim.condition)
    killed = np.zeros(now.shape[:2], dtype=bool)
    for say in claim.says:
        assert not isinstance(say, Sequence)
        sample = _Sample(rotated, claim.condition, now, named, killed)
        held &= _SATISFIED[type(say)](say, sample)
        if isinstance(say, says.KillsCount):
            killed = sample.dead & sample.alive_before
        named |= set(getattr(say, "classes", ()))
        named |= {say.source} if isinstance(say, (says.Sends, says.Mistakes)) else set()
    return Chance(int(held.sum()), rotations)


class _Rotated:
    """A readout cut along random directions, many times over."""

    def __init__(self, readout: Readout, rotations: int) -> None:
        directions = readout.directions
        self.classes = readout.class_names
        self.rotations = rotations
        self.chosen = _sample_of(readout)
        self.labels = readout.labels[self.chosen]
        self.along = directions.hidden.T @ readout.features[self.chosen].astype(np.float64).T
        self.scaled = directions.classes * directions.singular_values
        self.bias, self.tie = readout.bias, readout.tie
        self.width = len(directions)
        # Directions that carry nothing are no part of the subspace, so they are not turned.
        values = directions.singular_values
        self.carrying = max(1, int((values > 1e-12 * values[0]).sum()))
        intact = first_largest(readout.logits[self.chosen].T, readout.tie)
        self.intact = self._confusions(intact[None])[0]
        self._counts: dict[tuple[int, ...], IntArray] = {}
        size = 8 * rotations * self.width * len(self.labels)
        self._kept = list(self._chunks()) if size < _MEMORY else None

    def _chunks(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        """A few rotations at a time: coefficients [c, r, N] and class vectors [c, K, r].

        The generator starts anew each time, so these are always the same rotations.
        """
        generator = np.random.default_rng(SEED)
        for start in range(0, self.rotations, _CHUNK):
            coefficients, classes = [], []
            for _ in range(start, min(start + _CHUNK, self.rotations)):
                square = generator.standard_normal((self.carrying, self.carrying))
                turned, triangle = np.linalg.qr(square)
                rotation = np.eye(self.width)
                # Without the signs the rotations would not be uniform (Mezzadri, 2007).
                rotation[: self.carrying, : self.carrying] = turned * np.sign(np.diag(triangle))
                vectors = self.scaled @ rotation
                order = np.argsort(-np.linalg.norm(vectors, axis=0), kind="stable")
                coefficients.append(rotation[:, order].T @ self.along)
                classes.append(vectors[:, order])
            yield np.stack(coefficients), np.stack(classes)

    def predictions(self, ablation: Ablation) -> Iterator[IntArray]:
        """Predicted classes under each rotation, [c, N] for a few rotations at a time."""
        kept = ablation.kept(self.width)
        for coefficients, classes in self._chunks() if self._kept is None else self._kept:
            yield argmax_over(coefficients, classes, self.bias, kept, self.tie)

    def counts(self, ablation: Ablation) -> IntArray:
        """Confusion counts under each rotation, [R, K, K]."""
        kept = ablation.kept(self.width)
        if kept not in self._counts:
            counts = [self._confusions(predicted) for predicted in self.predictions(ablation)]
            self._counts[kept] = np.concatenate(counts)
        return self._counts[kept]

    def _confusions(self, predicted: Array) -> IntArray:
        """Counts [c, K, K] of predictions [c, N]."""
        many, size = len(predicted), len(self.classes)
        pairs = np.arange(many)[:, None] * size * size + self.labels * size + predicted
        counts = np.bincount(pairs.ravel(), minlength=many * size * size)
        return counts.reshape(many, size, size).astype(np.int64)


def _rotated(readout: Readout, rotations: int) -> _Rotated:
    known: dict[int, _Rotated] = readout._rotated
    if rotations not in known:
        known[rotations] = _Rotated(readout, rotations)
    return known[rotations]


def _sample_of(readout: Readout) -> IntArray:
    """All images, or evenly spread ones where there are more than chance needs."""
    if len(readout) <= _IMAGES:
        return np.arange(len(readout))
    share = _IMAGES / len(readout)
    order = np.argsort(readout.labels, kind="stable")
    chosen = []
    for own in np.split(order, np.cumsum(readout.support)[:-1]):
        wanted = min(len(own), max(_FEWEST_OF_A_CLASS, round(share * len(own))))
        chosen.append(own[np.linspace(0, len(own) - 1, wanted).astype(np.int64)] if wanted else own)
    return np.sort(np.concatenate(chosen))


class _Sample:
    """What one ablation does under every rotation: shares, not estimates."""

    def __init__(
        self,
        rotated: _Rotated,
        ablation: Ablation,
        counts: IntArray,
        named: set[str],
        killed: Array,
    ) -> None:
        self.rotated, self.ablation, self.counts = rotated, ablation, counts
        self.named, self.killed = named, killed
        self.support = np.maximum(rotated.intact.sum(axis=1), 1)
        self.before = rotated.intact.diagonal() / self.support
        self.recall = self._recall(counts)
        self.share = counts.sum(axis=1) / counts.sum(axis=(1, 2))[:, None]
        self.accuracy = counts.diagonal(axis1=1, axis2=2).sum(axis=1) / counts.sum(axis=(1, 2))
        self.dead = self.recall < DEAD
        self.alive_before = np.broadcast_to(self.before > ALIVE, self.recall.shape)

    def _recall(self, counts: IntArray) -> FloatArray:
        recall: FloatArray = counts.diagonal(axis1=1, axis2=2) / self.support
        return recall

    def rows(self, names: Sequence[str]) -> list[int]:
        unknown = [name for name in names if name not in self.rotated.classes]
        if unknown:
            raise NotJudgedError(f"there is no class {unknown[0]}")
        return [self.rotated.classes.index(name) for name in names]

    def others(self, names: Sequence[str]) -> list[int]:
        left_out = set(self.rows(names))
        return [row for row in range(len(self.rotated.classes)) if row not in left_out]

    def quantity(self, names: Sequence[str]) -> FloatArray:
        """The recalls of these classes, or accuracy, [R, how many]."""
        return self.recall[:, self.rows(names)] if names else self.accuracy[:, None]

    def recall_under(self, other: Ablation, names: Sequence[str]) -> FloatArray:
        return self._recall(self.rotated.counts(other))[:, self.rows(names)]


def _kills(say: says.Kills, sample: _Sample) -> Array:
    rows = sample.rows(say.classes)
    held = (sample.dead & sample.alive_before)[:, rows].all(axis=1)
    if say.only:
        others = sample.others(say.classes)
        held &= ~(sample.dead & sample.alive_before)[:, others].any(axis=1)
    return np.asarray(held)


def _kills_count(say: says.KillsCount, sample: _Sample) -> Array:
    return np.asarray((sample.dead & sample.alive_before).sum(axis=1) == say.count)


def _rounded(losses: Array) -> FloatArray:
    """Differences of fractions without their rounding error: 0.3 - 0.2 is 0.1."""
    rounded: FloatArray = np.round(losses, 12)
    return rounded


def _spares(say: says.Spares, sample: _Sample) -> Array:
    spared = _rounded(sample.before - sample.recall) < SPARED
    if say.scope == "named":
        return np.asarray(spared[:, sample.rows(say.classes)].all(axis=1))
    if say.scope == "every other":
        known = [name for name in sample.named if name in sample.rotated.classes]
        spared = spared | sample.killed
        return np.asarray(spared[:, sample.others(known)].all(axis=1))
    return np.asarray(spared.all(axis=1))


def _leaves_alive(say: says.LeavesAlive, sample: _Sample) -> Array:
    alive = sample.recall > ALIVE
    if not say.classes:
        return np.asarray(alive.all(axis=1))
    held = alive[:, sample.rows(say.classes)].all(axis=1)
    if say.only:
        held &= ~alive[:, sample.others(say.classes)].any(axis=1)
    return np.asarray(held)


def _keeps(say: says.Keeps, sample: _Sample) -> Array:
    quantity, threshold = sample.quantity(say.classes), say.percent / 100
    on_side = quantity > threshold if say.relation == "above" else quantity < threshold
    return np.asarray(on_side.all(axis=1))


def _costs(say: says.Costs, sample: _Sample) -> Array:
    rows = sample.rows(say.classes)
    intact = sample.rotated.intact
    before = sample.before[rows] if rows else intact.trace() / intact.sum()
    loss, points = _rounded(before - sample.quantity(say.classes)), say.points / 100
    on_side = loss < points if say.relation == "less" else loss > points
    return np.asarray(on_side.all(axis=1))


def _predicts_only(say: says.PredictsOnly, sample: _Sample) -> Array:
    predicted = sample.share > PREDICTED
    held = predicted[:, sample.rows(say.classes)].all(axis=1)
    return np.asarray(held & ~predicted[:, sample.others(say.classes)].any(axis=1))


def _predicts_count(say: says.PredictsCount, sample: _Sample) -> Array:
    return np.asarray((sample.share > PREDICTED).sum(axis=1) == say.count)


def _sends(say: says.Sends, sample: _Sample) -> Array:
    (row,) = sample.rows((say.source,))
    sent = sample.counts[:, row][:, sample.rows(say.targets)].sum(axis=1)
    return np.asarray(sent / sample.support[row] > MOSTLY)


def _mistakes(say: says.Mistakes, sample: _Sample) -> Array:
    (row,) = sample.rows((say.source,))
    targets = sample.counts[:, row][:, sample.rows(say.targets)]
    others = sample.counts[:, row][:, sample.others((say.source, *say.targets))]
    return np.asarray(targets.min(axis=1) > others.max(axis=1, initial=-1))


def _revives(say: says.Revives, sample: _Sample) -> Array:
    alive = sample.recall[:, sample.rows(say.classes)] > ALIVE
    dead = sample.recall_under(say.compared_with, say.classes) < DEAD
    return np.asarray((alive & dead).all(axis=1))


def _predicts_the_same(say: says.PredictsTheSame, sample: _Sample) -> Array:
    one = sample.rotated.predictions(sample.ablation)
    other = sample.rotated.predictions(say.other)
    pairs = zip(one, other, strict=True)
    differing = np.concatenate([(a != b).mean(axis=1) for a, b in pairs])
    return np.asarray(differing == 0 if say.exactly else differing < SAME)


_SATISFIED: dict[type, Callable[[Any, _Sample], Array]] = {
    says.Kills: _kills,
    says.KillsCount: _kills_count,
    says.Spares: _spares,
    says.LeavesAlive: _leaves_alive,
    says.Keeps: _keeps,
    says.Costs: _costs,
    says.PredictsOnly: _predicts_only,
    says.PredictsCount: _predicts_count,
    says.Sends: _sends,
    says.Mistakes: _mistakes,
    says.Revives: _revives,
    says.PredictsTheSame: _predicts_the_same,
}

#: Facts about sets of directions for which chance is measured.
_MEASURED_FACTS = (IsKillSet, IsSufficientSet, AreRedundant)


def _set_fact(fact: IsKillSet | IsSufficientSet | AreRedundant, rotated: _Rotated) -> Array:
    """Under which rotations a set kills or carries a class and no part of it does.

    That nothing else does so ("the only") is not asked, so that chance is not understated.
    """

    def sample(ablation: Ablation) -> _Sample:
        counts = rotated.counts(ablation)
        return _Sample(rotated, ablation, counts, set(), np.zeros(counts.shape[:2], dtype=bool))

    def killed(*dropped: int) -> Array:
        return _kills(says.Kills((fact.name,)), sample(dropping(*dropped)))

    def spared(ablation: Ablation) -> Array:
        return _spares(says.Spares((fact.name,)), sample(ablation))

    numbers = fact.directions
    parts = [part for size in range(1, len(numbers)) for part in combinations(numbers, size)]
    if isinstance(fact, AreRedundant):
        one, other = numbers
        return killed(*numbers) & spared(dropping(one)) & spared(dropping(other))
    if isinstance(fact, IsKillSet):
        held = killed(*numbers)
        for part in parts:
            held &= ~killed(*part)
        return held
    held = spared(keeping_only(*numbers)) & ~spared(keeping_no_direction())
    for part in parts:
        held &= ~spared(keeping_only(*part))
    return held
