"""How often would a claim hold if the directions were random ones of the same subspace?

The singular directions are replaced by a random rotation of them on the hidden side (uniform
over rotations, seeded), sorted by how much weight each carries. The rotated pieces still add
up to the same weight, so the intact model is the same; only the way it is cut is random. A
claim that holds for most cuts is no finding about singular directions.

That is asked twice. *As stated*: the claim with the directions and classes that it names, which is
the question for a claim that was stated before these images were seen. *Anywhere*: the claim for
some directions (as many, of the same family) and some classes (as many), which is the question for
a claim whose directions and classes were read off these images.

Here a claim holds when the numbers in the sample are on the claimed side, without intervals,
so that chance is never understated.

To turn a thousand directions takes seconds a time, so of a large head fewer rotations are tried
than were asked for; the rate then comes with its interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import prod
from typing import cast

import numpy as np

from interp_checks.ablations.ablation import Ablation
from interp_checks.arrays import FloatArray, IntArray
from interp_checks.claims.claim import Claim
from interp_checks.claims.predicate import Effect, Fact
from interp_checks.claims.sample import Cases, Demands, recall_of
from interp_checks.counting.random_directions import Rotated, images_used, work_of_rotation
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.intervals import CONFIDENCE, exact_interval, percent

from .relabelling import as_named, by_any, too_many
from .stand_ins import StandIns, all_stand_ins, family_size, over_words, stand_ins_of

#: Rotations unless asked otherwise.
ROTATIONS = 200
#: Multiplications for which rotations of the output layer are tried: more would take minutes.
_TOO_MUCH = 10**11
#: Where there is not even time for so many rotations, chance is not measured.
_FEWEST = 10
#: The same where whole networks are run.
_TOO_MUCH_INSIDE = 10**12
#: The same for other directions than those that are stated.
_TOO_MUCH_INSIDE_ANYWHERE = 10**11
#: Counts that are looked at together take about so many bytes.
_BYTES = 2**25
#: Counts of one ablation under all rotations take at most so many.
_MOST_BYTES = 2**28


@dataclass(frozen=True)
class Chance:
    """Under how many of the random rotations a claim holds.

    Args:
        count: as stated: with the directions and classes that it names.
        total: rotations.
        anywhere: for some directions and classes, as many as it names; None if not measured.
        over: what "anywhere" ranges over ("some direction and class"); empty if not asked.
        of: what was done at random so many times.
        asked: rotations that were asked for, where there was not time for all.
    """

    count: int
    total: int
    anywhere: int | None = None
    over: str = ""
    of: str = "random rotations"
    asked: int = 0

    @property
    def share(self) -> float:
        """The share of rotations under which the claim holds as stated."""
        return self.count / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """Within which the share of all rotations lies, at 95 % confidence."""
        return exact_interval(self.count, self.total, CONFIDENCE)

    @property
    def stated(self) -> str:
        """``1/200``: as stated."""
        return f"{self.count}/{self.total}"

    @property
    def for_some(self) -> str:
        """``39/200 for some direction and class``; empty if not asked."""
        if not self.over:
            return ""
        if self.anywhere is None:
            return f"not measured for {self.over}"
        return f"{self.anywhere}/{self.total} for {self.over}"

    @property
    def words(self) -> str:
        """``1/200 random rotations as stated, 39/200 for some direction and class``."""
        rotations = f"{self.stated} {self.of}"
        if self.asked:
            low, high = (percent(end, 1) for end in self.interval)
            rotations += f" [{low}, {high} %] (there was not time for {self.asked})"
        return f"{rotations} as stated, {self.for_some}" if self.over else rotations

    def __str__(self) -> str:
        return f"{self.stated} as stated, {self.for_some}" if self.over else self.stated


def by_chance(
    claim: Claim, readout: Readout, rotations: int = ROTATIONS, *, anywhere: bool = False
) -> Chance | None:
    """Count the rotations (or permutations, of parts that are not turned) that a claim holds for.

    Args:
        claim: about numbered directions.
        readout: whose directions are replaced.
        rotations: how many times.
        anywhere: count also for some directions and classes; see :class:`Chance`.

    Returns:
        None for a claim that names no direction, or that every subset would have to be counted
        for, and for heads so large that it would take many minutes.
    """
    if not rotations or not has_chance(claim):
        return None
    asked, rotations = rotations, within_reach(claim, readout, rotations)
    if not rotations:
        return None
    chance = _counted(claim, readout, rotations, anywhere)
    return replace(chance, asked=asked) if rotations < asked else chance


def has_chance(claim: Claim) -> bool:
    """Whether a claim names directions that random ones could take the place of."""
    if claim.fact is not None:
        return not claim.fact.no_chance
    return isinstance(claim.condition, Ablation) and bool(claim.condition.indices)


def within_reach(claim: Claim, readout: Readout, rotations: int) -> int:
    """How many of so many rotations there is time and memory for; 0 for too few."""
    ablations = claim.ablations
    targets = dict.fromkeys(ablation.target for ablation in ablations)
    inside = sum(target.cost(readout) for target in targets if target.inside)
    if rotations * images_used(readout) * inside > _TOO_MUCH_INSIDE:
        return 0
    outside = [ablation for ablation in ablations if not ablation.target.inside]
    if inside and not outside:
        return rotations
    possible = min(
        _TOO_MUCH // max(1, work_of_rotation(readout, outside)),
        _MOST_BYTES // (8 * len(readout.class_names) ** 2),
    )
    return min(rotations, possible) if possible >= min(rotations, _FEWEST) else 0


def _counted(claim: Claim, readout: Readout, rotations: int, anywhere: bool) -> Chance:
    if claim.fact is not None:
        return _of_fact(claim.fact, readout, rotations, anywhere)
    assert isinstance(claim.condition, Ablation)
    target = claim.condition.target
    rotated = readout.random_cuts(rotations, target)
    of = f"random {target.parted.null}"
    if target.parted.null == "permutations":
        of += f" of the {target.parted.plural}"
    stated = {ablation: ablation for ablation in claim.ablations}
    demands = _demands_of(claim.effects, _cases(claim.condition, [stated], rotated))
    held = as_named(demands, rotated.classes)
    count = int(held.sum())
    if not anywhere:
        return Chance(count, rotations, of=of)
    over = over_words(claim.ablations, len(demands.classes))
    ablations = claim.ablations
    if too_many(demands, len(rotated.classes)) or _too_much_anywhere(ablations, readout, rotations):
        return Chance(count, rotations, None, over, of)
    families = [
        stand_ins_of(ablation, readout.directions_of(ablation.target))
        for ablation in claim.ablations
    ]
    for batch in _batches(claim, all_stand_ins(claim.ablations, families), rotated):
        demands = _demands_of(claim.effects, _cases(claim.condition, batch, rotated))
        met = by_any(demands, rotated.intact.sum(axis=1))
        held |= met.reshape(len(batch), rotations).any(axis=0)
    return Chance(count, rotations, int(held.sum()), over, of)


def _demands_of(effects: Sequence[Effect], cases: Cases) -> Demands:
    """What the predicates of a claim ask together of one ablation in each case."""
    demands = Demands(len(cases.counts), np.ones(len(cases.counts), dtype=bool))
    for effect in effects:
        effect.ask(demands, cases)
        demands.named_so_far |= set(effect.named_classes)
    return demands


def _of_fact(fact: Fact, readout: Readout, rotations: int, anywhere: bool) -> Chance:
    """The same for a fact about directions that it names, and one class."""
    rotated = readout.random_cuts(rotations)
    (name,) = fact.told_classes
    held = fact.holds_along(rotated, fact.numbered_directions)[:, rotated.row(name)]
    count = int(held.sum())
    if not anywhere:
        return Chance(count, rotations)
    together = fact.ablations[-1]
    over = over_words([together], 1)
    if _too_much_anywhere([together], readout, rotations):
        return Chance(count, rotations, None, over)
    for other in stand_ins_of(together, rotated.width):
        here = fact.holds_along(rotated, other.numbers)
        held |= here[:, rotated.intact.any(axis=1)].any(axis=1)
    return Chance(count, rotations, int(held.sum()), over)


def _too_much_anywhere(ablations: Sequence[Ablation], readout: Readout, rotations: int) -> bool:
    """Whether counting with all that could stand in the place of these takes many minutes."""
    runs = rotations * images_used(readout)
    sizes = [
        family_size(ablation, readout.directions_of(ablation.target)) for ablation in ablations
    ]
    head = inside = 0
    for ablation, size in zip(ablations, sizes, strict=True):
        if ablation.target.inside:
            inside += size * ablation.target.cost(readout)
        else:
            head += size * ablation.target.cost(readout)
    # Where two ablations are compared, image by image or class by class, each pair costs.
    pairs = prod(sizes) if len(sizes) > 1 else 0
    return runs * (head + pairs) > _TOO_MUCH or runs * inside > _TOO_MUCH_INSIDE_ANYWHERE


def _cases(condition: Ablation, chosen: Sequence[StandIns], rotated: Rotated) -> Cases:
    """What the stand-ins of a claim's ablation do under each rotation, one after the other."""

    def counts(of: Ablation) -> IntArray:
        each = [rotated.of(choice[of].target).counts(choice[of]) for choice in chosen]
        return np.concatenate(each)

    def recall_under(other: Ablation) -> FloatArray:
        return recall_of(counts(other), rotated.intact)

    def differing(other: Ablation) -> FloatArray:
        shares = []
        for choice in chosen:
            here, there = (
                rotated.of(a.target).predicted(a) for a in (choice[condition], choice[other])
            )
            shares.append((here != there).mean(axis=1))
        return np.concatenate(shares)

    return Cases(counts(condition), rotated.intact, recall_under, differing)


def _batches(
    claim: Claim, chosen: Iterator[StandIns], rotated: Rotated
) -> Iterator[list[StandIns]]:
    """The stand-ins of a claim's ablations, as many at a time as fit in little memory.

    Not those where two ablations that are said to do the same keep the same directions.
    """
    condition = cast(Ablation, claim.condition)
    compared = [ablation for effect in claim.effects for ablation in effect.same_as]

    def differ(choice: StandIns) -> bool:
        kept = choice[condition].kept(rotated.directions)
        others = [choice[other] for other in compared]
        return all(
            other.target != condition.target or other.kept(rotated.directions) != kept
            for other in others
        )

    size = 8 * rotated.rotations * len(rotated.classes) ** 2
    telling = filter(differ, chosen)
    while batch := list(islice(telling, max(1, _BYTES // size))):
        yield batch
