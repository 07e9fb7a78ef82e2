"""What a claim asks of counts, class by class: the same for the classes named and for any others.

A claim names classes, but most of what it asks of one class could be asked of another. So it is
taken apart: what must be so whichever class is meant (``always``), what is asked of each class
named, what of every class that is not named, and where images of one class must go. Then the
classes named can be put in, or it can be asked whether any classes would do.

Counts come for many cases (rotations) at once; a demand is met when the numbers in the sample are
on the claimed side, without intervals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from interp_checks.ablations.ablation import Ablation
from interp_checks.arrays import Array, FloatArray, IntArray
from interp_checks.thresholds import ALIVE, DEAD, PREDICTED, SPARED

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
        self.loss = rounded(self.before - self.recall)
        self.lost_accuracy = rounded(intact.trace() / intact.sum() - self.accuracy)
        self.spared = self.loss < SPARED
        self.alive = self.recall > ALIVE
        self.predicted = self.share > PREDICTED

    def sent(self, source: int, targets: list[int]) -> Array:
        """The share of the images of one class that goes to some others, [M]."""
        share: Array = self.counts[:, source, targets].sum(axis=1) / self.support[source]
        return share

    def mostly_mistaken(self, source: int, targets: list[int]) -> Array:
        """Whether images of one class go to each of some others rather than to the rest, [M]."""
        row = self.counts[:, source]
        rest = np.delete(row, [source, *targets], axis=1)
        return np.asarray(row[:, targets].min(axis=1) > rest.max(axis=1, initial=-1))

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
        named_so_far: classes that earlier predicates of the claim have named.
        killed: which classes earlier predicates found killed, [M, K]; None if none looked.
    """

    cases: int
    always: Array
    named: list[tuple[tuple[str, ...], Array]] = field(default_factory=list)
    others: list[tuple[frozenset[str], Array]] = field(default_factory=list)
    goes: list[tuple[str, tuple[str, ...], Goes]] = field(default_factory=list)
    measured: set[str] = field(default_factory=set)
    named_so_far: set[str] = field(default_factory=set)
    killed: Array | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that are named, each once."""
        names = [name for several, _ in self.named for name in several]
        for source, targets, _ in self.goes:
            names += [source, *targets]
        return tuple(dict.fromkeys(names))

    def of_each(self, classes: tuple[str, ...], met: Array) -> None:
        """Ask something of the recall of these classes; of all, where none is named."""
        if classes:
            self.named.append((classes, met))
            self.measured |= set(classes)
        else:
            self.always &= met.all(axis=1)

    def of_others(self, classes: tuple[str, ...] | set[str], met: Array) -> None:
        """Ask something of every class but these."""
        self.others.append((frozenset(classes), met))

    def of_images(self, source: str, targets: tuple[str, ...], goes: Goes) -> None:
        """Ask where the images of a class go."""
        self.goes.append((source, targets, goes))
        self.measured.add(source)
