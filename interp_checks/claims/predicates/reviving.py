"""Classes that are dead when some directions go, and alive when others go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, cast

from interp_checks.ablations.ablation import Ablation
from interp_checks.claims.predicate import Effect, Fact, OfClasses, Phrase, Rule, Translation, verb
from interp_checks.statistics.intervals import percent
from interp_checks.statistics.levels import corrected
from interp_checks.statistics.threshold_check import Check, Outcome
from interp_checks.thresholds import ALIVE, DEAD
from interp_checks.wording import Classes, class_words, listed

if TYPE_CHECKING:
    from interp_checks.claims.sample import Cases, Demands
    from interp_checks.claims.scene import Scene
    from interp_checks.counting.lattice import Lattice

#: Comparisons that a revival rests on: dead, alive before, and alive.
_OF_A_PAIR = 3


@dataclass(frozen=True)
class Revives(OfClasses, Effect):
    """These classes are dead under the other ablation and alive under this one."""

    phrases = (
        Phrase(
            '"revives" classes "compared" "with" ablation',
            lambda classes, other: Revives(classes, other),
        ),
    )
    rules = (
        Rule(
            "`revives class c compared with A`",
            "recall ≤ 50 % here, or ≥ 5 % under A",
            "both beyond",
            "two Clopper-Pearson intervals",
        ),
    )
    explained = (
        (
            "`revives class 0 compared with keeping the last 6 directions`",
            "above 50 % here, under 5 % there",
        ),
    )
    examples = (
        "dropping directions 3 and 5 revives class 8 compared with dropping direction 5",
        "keeping the last 5 directions revives class 0 compared with keeping the last 6 directions",
    )
    counterexamples = (
        "dropping direction 5 revives class 8",
        "dropping direction 5 revives class 8 compared to dropping direction 3",
    )

    classes: Classes
    compared_with: Ablation

    def __str__(self) -> str:
        return f"revives {class_words(self.classes)} compared with {self.compared_with}"

    @classmethod
    @verb
    def revives(cls, *classes: object, compared_with: Ablation) -> Revives:
        """These classes are dead under the other ablation and alive under this one."""
        return cls(cast("Classes", classes), compared_with)

    @property
    def ablations(self) -> tuple[Ablation, ...]:
        """The one under which they are dead."""
        return (self.compared_with,)

    def translated(self, translation: Translation, /) -> Revives:
        """See :meth:`Predicate.translated`."""
        return replace(self, compared_with=translation.of_ablation(self.compared_with))

    def checks(self, scene: Scene) -> list[Check]:
        """Each class is alive here and dead there."""
        checks = []
        for name in self.classes:
            checks.append(scene.recall(name, "above", ALIVE))
            checks.append(scene.recall_under(self.compared_with, name, "below", DEAD))
        return checks

    def ask(self, demands: Demands, cases: Cases) -> None:
        """The same, without intervals."""
        dead_there = cases.recall_under(self.compared_with) < DEAD
        demands.of_each(self.classes, cases.alive & dead_there)


@dataclass(frozen=True)
class MoreRevives(OfClasses, Fact):
    """Dropping some directions kills each of these classes; dropping more, it is alive again."""

    phrases = (
        Phrase(
            '"dropping" "more" "directions" "revives" classes',
            lambda classes: MoreRevives(classes),
        ),
    )
    rules = (
        Rule(
            "`dropping more directions revives class c`",
            "no set of directions kills it while a larger one leaves it alive",
            "one does",
            "every subset at 1 − α/2^r (Bonferroni); it fails if no pair is left at 1 − α/3 (dead, "
            "alive before, alive)",
        ),
    )
    explained = (
        (
            "`dropping more directions revives class 7`",
            "some set kills it, and a larger one leaves it alive",
        ),
    )
    examples = (
        "dropping more directions revives class 8",
        "dropping more directions revives classes 1 and 2",
    )
    counterexamples = (
        "dropping more directions revives",
        "dropping more directions kills class 8",
    )
    no_chance = "every subset of every cut would have to be counted"
    depends_on_gauge = True
    about_sets = True

    classes: Classes

    def __str__(self) -> str:
        return f"dropping more directions revives {class_words(self.classes)}"

    def checks(self, scene: Scene) -> list[Check]:
        """Some set and a larger one: the class is dead without the first, alive without both."""
        lattice = scene.lattice()
        for name in self.classes:
            scene.row(name)
        return [_revival(name, lattice, scene.confidence) for name in self.classes]


def _revival(name: str, lattice: Lattice, level: float) -> Check:
    """Two sets are searched for among all; that there are none is said of the right two.

    These are dead, alive intact, and alive: three comparisons, each of which may err.
    """
    strict = replace(lattice, confidence=corrected(level, len(lattice)))
    pair = strict.witness(name)
    outcome = Outcome.HOLDS
    if pair is None:
        pair = replace(lattice, confidence=corrected(level, _OF_A_PAIR)).possible_witness(name)
        outcome = Outcome.UNDECIDED if pair is not None else Outcome.FAILS
    sets = "no set of directions and larger one do so"
    if pair is not None:
        sets = " and ".join(_told(lattice, name, kept) for kept in pair)
    return Check(
        outcome,
        "",
        "dead under 5 % when some are dropped, above 50 % when more are",
        f"recall of {class_words((name,))}: {sets}",
        again=partial(_revival, name, lattice),
    )


def _told(lattice: Lattice, name: str, kept: tuple[int, ...]) -> str:
    gone = [number for number in range(1, lattice.directions + 1) if number not in kept]
    share = percent(lattice.recall(name, kept).value, 1, (DEAD, ALIVE))
    return f"{share} % without {listed(gone)}"
