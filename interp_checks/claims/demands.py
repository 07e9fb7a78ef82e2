"""What a claim asks of counts, class by class: the same for the classes named and for any others.

A claim names classes, but most of what it asks of one class could be asked of another. So it is
taken apart: what must be so whichever class is meant (``always``), what is asked of each class
named, what of every class that is not named, and where images of one class must go. Then the
classes named can be put in, or it can be asked whether any classes would do.

Counts come for many cases (rotations) at once; a demand is met when the numbers in the sample are
on the claimed side, without intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from interp_checks.ablations.ablation import Ablation
from interp_checks.arrays import Array, FloatArray, IntArray
from interp_checks.thresholds import ALIVE, DEAD, MOSTLY, PREDICTED, SAME, SPARED

from . import says

#: Which cases meet "images of the class in this row go to those in these rows", [M].
Goes = Callable[[int, list[int]], Array]


class Cases:
    """What one ablation does in each of M cases: shares, not estimates.

    Args:
        counts: confusion counts under the ablation, [M, K, K].
        intact: with nothing ablated, [K, K].
        recall_under: see there; for claims that compare with another ablation.
        differing: likewise.
    """

    def __init__(
        self,
        counts: IntArray,
        intact: IntArray,
        recall_under: Callable[[Ablation], FloatArray] | None = None,
        differing: Callable[[Ablation], FloatArray] | None = None,
    ) -> None:
        self.counts, self.intact = counts, intact
        self._recall_under, self._differing = recall_under, differing
        self.support = np.maximum(intact.sum(axis=1), 1)
        self.before = intact.diagonal() / self.support
        self.recall = recall_of(counts, intact)
        images = counts.sum(axis=(1, 2))
        self.share = counts.sum(axis=1) / images[:, None]
        self.accuracy = counts.diagonal(axis1=1, axis2=2).sum(axis=1) / images
        self.killed = (self.recall < DEAD) & (self.before > ALIVE)
        self.spared = rounded(self.before - self.recall) < SPARED
        self.alive = self.recall > ALIVE
        self.predicted = self.share > PREDICTED

    def recall_under(self, other: Ablation) -> FloatArray:
        """Recalls [M, K] under another ablation, in the same cases."""
        assert self._recall_under is not None
        return self._recall_under(other)

    def differing(self, other: Ablation) -> FloatArray:
        """The share of images [M] that another ablation predicts differently."""
        assert self._differing is not None
        return self._differing(other)


def recall_of(counts: IntArray, intact: IntArray) -> FloatArray:
    """Recall of each class, [M, K]; 0 for a class without images."""
    recall: FloatArray = counts.diagonal(axis1=1, axis2=2) / np.maximum(intact.sum(axis=1), 1)
    return recall


def rounded(losses: Array) -> FloatArray:
    """Differences of fractions without their rounding error: 0.3 - 0.2 is 0.1."""
    exact: FloatArray = np.round(losses, 12)
    return exact


@dataclass
class Demands:
    """Everything that a claim asks.

    Args:
        cases: how many there are (M).
        always: what must be so whichever classes are meant, [M].
        named: of each of these classes, [M, K]: whether each class in the head would do.
        others: of every class but these, [M, K].
        goes: of the images of one class, and of the classes that they go to.
        measured: classes whose recall is asked for, so that they need images.
    """

    cases: int
    always: Array
    named: list[tuple[tuple[str, ...], Array]] = field(default_factory=list)
    others: list[tuple[frozenset[str], Array]] = field(default_factory=list)
    goes: list[tuple[str, tuple[str, ...], Goes]] = field(default_factory=list)
    measured: set[str] = field(default_factory=set)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that are named, each once."""
        names = [name for several, _ in self.named for name in several]
        for source, targets, _ in self.goes:
            names += [source, *targets]
        return tuple(dict.fromkeys(names))


def demands_of(all_said: Sequence[says.Say], cases: Cases) -> Demands:
    """What the predicates of a claim ask together of one ablation in each case."""
    demands = Demands(len(cases.counts), np.ones(len(cases.counts), dtype=bool))
    known = _Known()
    for say in all_said:
        _DEMANDS[type(say)](say, cases, demands, known)
        if isinstance(say, says.KillsCount):
            known.killed = cases.killed
        known.named |= set(getattr(say, "classes", ()))
        if isinstance(say, (says.Sends, says.Mistakes)):
            known.named.add(say.source)
    return demands


@dataclass
class _Known:
    """What earlier predicates of the same claim have named, or found killed [M, K]."""

    named: set[str] = field(default_factory=set)
    killed: Array | None = None


def _ask(demands: Demands, classes: tuple[str, ...], met: Array) -> None:
    """Ask something of the recall of these classes; of all, where none is named."""
    if classes:
        demands.named.append((classes, met))
        demands.measured |= set(classes)
    else:
        demands.always &= met.all(axis=1)


def _kills(say: says.Kills, cases: Cases, demands: Demands, _: _Known) -> None:
    _ask(demands, say.classes, cases.killed)
    if say.only:
        demands.others.append((frozenset(say.classes), ~cases.killed))


def _kills_count(say: says.KillsCount, cases: Cases, demands: Demands, _: _Known) -> None:
    demands.always &= cases.killed.sum(axis=1) == say.count


def _spares(say: says.Spares, cases: Cases, demands: Demands, known: _Known) -> None:
    if say.scope == "every other":
        spared = cases.spared if known.killed is None else cases.spared | known.killed
        demands.others.append((frozenset(known.named), spared))
        return
    _ask(demands, say.classes, cases.spared)


def _leaves_alive(say: says.LeavesAlive, cases: Cases, demands: Demands, _: _Known) -> None:
    _ask(demands, say.classes, cases.alive)
    if say.only:
        demands.others.append((frozenset(say.classes), ~cases.alive))


def _keeps(say: says.Keeps, cases: Cases, demands: Demands, _: _Known) -> None:
    quantity = cases.recall if say.classes else cases.accuracy[:, None]
    threshold = say.percent / 100
    met = quantity > threshold if say.relation == "above" else quantity < threshold
    _ask(demands, say.classes, met)


def _costs(say: says.Costs, cases: Cases, demands: Demands, _: _Known) -> None:
    if say.classes:
        loss = rounded(cases.before - cases.recall)
    else:
        before = cases.intact.trace() / cases.intact.sum()
        loss = rounded(before - cases.accuracy)[:, None]
    met = loss < say.points / 100 if say.relation == "less" else loss > say.points / 100
    _ask(demands, say.classes, met)


def _predicts_only(say: says.PredictsOnly, cases: Cases, demands: Demands, _: _Known) -> None:
    demands.named.append((say.classes, cases.predicted))
    demands.others.append((frozenset(say.classes), ~cases.predicted))


def _predicts_count(say: says.PredictsCount, cases: Cases, demands: Demands, _: _Known) -> None:
    demands.always &= cases.predicted.sum(axis=1) == say.count


def _sends(say: says.Sends, cases: Cases, demands: Demands, _: _Known) -> None:
    def goes(source: int, targets: list[int]) -> Array:
        sent = cases.counts[:, source, targets].sum(axis=1)
        return np.asarray(sent / cases.support[source] > MOSTLY)

    demands.goes.append((say.source, say.targets, goes))
    demands.measured.add(say.source)


def _mistakes(say: says.Mistakes, cases: Cases, demands: Demands, _: _Known) -> None:
    def goes(source: int, targets: list[int]) -> Array:
        row = cases.counts[:, source]
        others = np.delete(row, [source, *targets], axis=1)
        return np.asarray(row[:, targets].min(axis=1) > others.max(axis=1, initial=-1))

    demands.goes.append((say.source, say.targets, goes))
    demands.measured.add(say.source)


def _revives(say: says.Revives, cases: Cases, demands: Demands, _: _Known) -> None:
    _ask(demands, say.classes, cases.alive & (cases.recall_under(say.compared_with) < DEAD))


def _predicts_the_same(
    say: says.PredictsTheSame, cases: Cases, demands: Demands, _: _Known
) -> None:
    differing = cases.differing(say.other)
    demands.always &= differing == 0 if say.exactly else differing < SAME


_DEMANDS: dict[type, Callable[[Any, Cases, Demands, _Known], None]] = {
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
