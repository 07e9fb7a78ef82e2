"""How often would a claim hold if the directions were random ones of the same subspace?

The singular directions are replaced by a random rotation of them on the hidden side (uniform
over rotations, seeded), sorted by how much weight each carries. The rotated pieces still add
up to the same weight, so the intact model is the same; only the way it is cut is random. A
claim that holds for most cuts is no finding about singular directions.

Here a claim holds when the numbers in the sample are on the claimed side, without intervals,
so that chance is never understated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from .rotations import Rotated, images_used, rotated_weights
from .set_facts import AreRedundant, IsKillSet, IsSufficientSet
from .thresholds import ALIVE, DEAD, MOSTLY, PREDICTED, SAME, SPARED

#: Rotations unless asked otherwise.
ROTATIONS = 200
#: Multiplications beyond which chance is not measured: it would take minutes.
_TOO_MUCH = 10**11
#: The same where whole networks are run.
_TOO_MUCH_INSIDE = 10**12


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
    target = claim.condition.target if isinstance(claim.condition, Ablation) else None
    each = readout.weight.shape[0] * len(readout.directions)
    inside = [readout.needs_network(one).cost for one in claim.targets]
    runs = rotations * images_used(readout)
    if runs * each > _TOO_MUCH or runs * sum(inside) > _TOO_MUCH_INSIDE:
        return None
    rotated = rotated_weights(readout, rotations, target)
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


class _Sample:
    """What one ablation does under every rotation: shares, not estimates."""

    def __init__(
        self,
        rotated: Rotated,
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
        return self._recall(self.rotated.of(other.target).counts(other))[:, self.rows(names)]


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
    other = sample.rotated.of(say.other.target).predictions(say.other)
    # Each comes in pieces of its own.
    differing = (np.concatenate(list(one)) != np.concatenate(list(other))).mean(axis=1)
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


def _set_fact(fact: IsKillSet | IsSufficientSet | AreRedundant, rotated: Rotated) -> Array:
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
