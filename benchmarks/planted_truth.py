"""Planted truth: what `discover` finds where it is known what is true, and how much of it.

A population is a head and a finite set of images, of which samples are drawn with replacement.
So each share in the population is known exactly, and a claim about it is true or false without
any doubt. In the synthetic populations some directions carry a class alone (planted carriers),
others a few classes together, the rest nothing by themselves.

Every sample goes through the whole of `discover`. A finding that is not true of the population
is a false finding; a suite with at least one counts towards the familywise error, which must not
exceed one minus the confidence. Power: of the claims about ablations that `discover` would read
off the population itself, how many it finds in a sample.

    python benchmarks/planted_truth.py --out docs
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.random import Generator

from interp_checks import Claim, Readout, facts, says
from interp_checks.ablation import Ablation, keeping_first, keeping_no_direction
from interp_checks.confusions import Result

#: Images of a synthetic population.
POPULATION = 100_000
DEAD, ALIVE, SPARED = Fraction(5, 100), Fraction(50, 100), Fraction(10, 100)
PREDICTED, MOSTLY = Fraction(1, 100), Fraction(50, 100)


@dataclass(frozen=True, eq=False)
class Population:
    """All images that samples are drawn from, under one head."""

    name: str
    readout: Readout

    def sample(self, generator: Generator, images: int) -> Readout:
        """So many images, drawn independently, with replacement."""
        chosen = generator.integers(0, len(self.readout), images)
        return self.readout.part(chosen)

    def is_true(self, claim: Claim) -> bool:
        """Whether a claim is true of all the images: shares as fractions, no intervals."""
        return is_true(claim, self.readout)

    @cached_property
    def findings(self) -> tuple[Claim, ...]:
        """The claims about ablations that one would read off the population, and that mean something.

        Not those that the bias alone meets, nor those that are false in the other gauge.
        """
        from interp_checks.discovery import _of_ablations as suggested_by_ablations

        return tuple(
            claim
            for claim in suggested_by_ablations(self.readout, None)
            if self.is_true(claim)
            and not is_true(replace(claim, condition=keeping_no_direction()), self.readout)
            and is_true(claim, self.readout.other_gauge)
        )


# --- what is true -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shares:
    """Exact shares of a result, as fractions of whole numbers of images."""

    result: Result

    def recall(self, name: str, counts: str = "counts") -> Fraction:
        table, row = getattr(self.result, counts), self.result.class_names.index(name)
        return Fraction(int(table[row, row]), int(table[row].sum()))

    def before(self, name: str) -> Fraction:
        return self.recall(name, "intact_counts")

    def killed(self, name: str) -> bool:
        return self.recall(name) < DEAD and self.before(name) > ALIVE

    def spared(self, name: str) -> bool:
        return self.before(name) - self.recall(name) < SPARED

    def predicted(self, name: str) -> bool:
        table, column = self.result.counts, self.result.class_names.index(name)
        return Fraction(int(table[:, column].sum()), int(table.sum())) > PREDICTED

    def goes(self, source: str, target: str) -> Fraction:
        row, names = self.result.counts[self.result.class_names.index(source)], self.result.class_names
        return Fraction(int(row[names.index(target)]), int(row.sum()))

    def accuracy(self, counts: str = "counts") -> Fraction:
        table = getattr(self.result, counts)
        return Fraction(int(table.trace()), int(table.sum()))


def is_true(claim: Claim, readout: Readout) -> bool:
    """Whether a claim that `discover` can make is true of these images as they are."""
    if isinstance(claim.condition, Ablation):
        shares = Shares(readout.ablated(claim.condition))
        named: set[str] = set()
        for say in claim.says:
            if not _said(say, shares, named):
                return False
            named |= set(getattr(say, "classes", ()))
        return True
    (fact,) = claim.says
    intact = Shares(readout.intact)
    names = readout.class_names
    if isinstance(fact, facts.Is):
        assert not fact.classes
        assert fact.relation == "above"
        floor = Fraction(str(fact.percent)) / 100
        if fact.every:
            return all(intact.recall(name) > floor for name in names)
        return intact.accuracy() > floor
    if isinstance(fact, facts.HasExtremeRecall):
        own = intact.recall(fact.name)
        assert fact.extreme == "lowest"
        return all(own < intact.recall(name) for name in names if name != fact.name)
    if isinstance(fact, facts.IsMistakenFor):
        (target,) = fact.targets
        most = intact.goes(fact.source, target)
        others = [name for name in names if name not in (fact.source, target)]
        return all(most > intact.goes(fact.source, name) for name in others)
    if isinstance(fact, facts.DirectionsSuffice):
        points = Fraction(str(fact.points)) / 100
        kept = [Shares(readout.ablated(keeping_first(k))) for k in range(1, fact.count + 1)]
        return any(intact.accuracy() - one.accuracy() < points for one in kept)
    raise TypeError(f"the truth of this is not known: {claim}")


def _said(say: object, shares: Shares, named: set[str]) -> bool:
    names = shares.result.class_names
    if isinstance(say, says.Kills):
        others = [name for name in names if name not in say.classes]
        return all(map(shares.killed, say.classes)) and not (
            say.only and any(map(shares.killed, others))
        )
    if isinstance(say, says.Spares):
        meant = {
            "named": say.classes,
            "every": names,
            "every other": [name for name in names if name not in named],
        }[say.scope]
        return all(map(shares.spared, meant))
    if isinstance(say, says.LeavesAlive):
        alive = {name for name in names if shares.recall(name) > ALIVE}
        below = {name for name in names if shares.recall(name) < ALIVE}
        return say.only and alive == set(say.classes) and alive | below == set(names)
    if isinstance(say, says.Sends):
        return sum(shares.goes(say.source, name) for name in say.targets) > MOSTLY
    if isinstance(say, says.PredictsOnly):
        return {name for name in names if shares.predicted(name)} == set(say.classes)
    raise TypeError(f"the truth of this is not known: {say}")


# --- populations --------------------------------------------------------------------------------


def planted(seed: int, images: int = POPULATION) -> Population:
    """A head in which some directions carry a class alone, and others share classes.

    On the class side the directions are the columns of an orthogonal matrix of blocks: blocks of
    one class are carriers. The logits of an image are a margin for its class and noise, both
    through the directions, so a direction's part of a logit is what its column says.
    """
    generator = np.random.default_rng([7, seed])
    classes = int(generator.integers(5, 11))
    blocks = _blocks(generator, classes)
    sides = np.zeros((classes, classes))
    start = 0
    for size in blocks:
        turned, triangle = np.linalg.qr(generator.standard_normal((size, size)))
        part = slice(start, start + size)
        sides[part, part] = turned * np.sign(np.diag(triangle))
        start += size
    # Which classes share a block, and which direction is which, are left to chance.
    sides = sides[generator.permutation(classes)][:, generator.permutation(classes)]
    values = np.geomspace(8, 2, classes) * generator.uniform(0.97, 1.03, classes)
    margin, noise = generator.uniform(4, 7), generator.uniform(0.9, 1.6)
    bias = 0.5 * generator.standard_normal(classes)
    labels = generator.integers(0, classes, images)
    # Classes differ in how far apart and how noisy they are, so some shares are near thresholds.
    margins = margin * generator.uniform(0.7, 1.3, classes)
    noises = noise * generator.uniform(0.7, 1.3, classes)
    logits = margins[labels, None] * np.eye(classes)[labels]
    logits += noises[labels, None] * generator.standard_normal((images, classes))
    weight = sides * values
    features = logits @ sides / values
    return Population(f"planted {seed}", Readout(features, labels, weight, bias))


def _blocks(generator: Generator, classes: int) -> list[int]:
    sizes = []
    while sum(sizes) < classes:
        size = int(generator.choice([1, 1, 1, 2, 3, 4]))
        sizes.append(min(size, classes - sum(sizes)))
    return sizes


def shipped() -> Population:
    """The shipped MNIST reference: its 10,000 test images are all there are."""
    from interp_fixtures import reference_readout

    return Population("MNIST", reference_readout("mnist"))


def populations(count: int) -> Iterator[Population]:
    """So many synthetic populations, each with another head."""
    yield from map(planted, range(count))


if __name__ == "__main__":
    sys.exit(0)
