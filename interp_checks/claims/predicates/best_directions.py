"""Which direction carries most, and whether the first directions are the best set (T20, T22)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from interp_checks.ablations.ablation import Ablation, dropping, keeping_first, keeping_only
from interp_checks.claims.predicate import Fact, Phrase, Rule, Translation
from interp_checks.errors import InterpChecksError, NotJudgedError, TooFewImagesError
from interp_checks.phrases import count_in
from interp_checks.statistics.intervals import Change, percent
from interp_checks.statistics.levels import corrected
from interp_checks.statistics.tests import bernstein
from interp_checks.statistics.threshold_check import Check, Outcome
from interp_checks.wording import (
    class_names,
    class_words,
    percentage,
    points_words,
    sets_in_words,
    whole_number,
)

if TYPE_CHECKING:
    from interp_checks.arrays import Array
    from interp_checks.claims.scene import Scene

#: Sets of one size that are compared with the first directions.
_MOST_SETS = 20_000


@dataclass(frozen=True)
class HasLargestShapley(Fact):
    """One direction has the largest Shapley value for a class's recall, or for accuracy."""

    phrases = (
        Phrase(
            '"direction" INT "has" "the" "largest" _shapley "for" game',
            lambda direction, name: HasLargestShapley(int(direction), name),
        ),
    )
    rules = (
        Rule(
            "`direction i has the largest Shapley value …`",
            "some other direction's is at least as large",
            "larger than each other's",
            "per image, empirical Bernstein bound (Maurer and Pontil, 2009) on the mean difference;"
            " beyond 12 directions by random orders, drawn for each image",
        ),
    )
    explained = (
        (
            "`direction 5 has the largest Shapley value for class 8`",
            "of its recall; also `for accuracy`",
        ),
    )
    examples = (
        "direction 5 has the largest Shapley value for class 8",
        "direction 1 has the largest Shapley value for accuracy",
    )
    counterexamples = (
        "direction 5 has the largest Shapley value",
        "directions 1 and 5 have the largest Shapley value for class 8",
    )
    no_chance = "every subset of every cut would have to be counted"
    depends_on_gauge = True
    about_sets = True

    direction: int
    name: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "direction", whole_number(self.direction, smallest=1))
        if self.name is not None:
            object.__setattr__(self, "name", class_names((self.name,))[0])

    def __str__(self) -> str:
        game = "accuracy" if self.name is None else class_words((self.name,))
        return f"direction {self.direction} has the largest Shapley value for {game}"

    @property
    def numbered_directions(self) -> tuple[int, ...]:
        """The direction that is named."""
        return (self.direction,)

    @property
    def told_classes(self) -> tuple[str, ...]:
        """The class whose recall is meant."""
        return () if self.name is None else (self.name,)

    @property
    def ablations(self) -> tuple[Ablation, ...]:
        """What is ablated to see the direction at work."""
        return (dropping(self.direction),)

    def translated(self, translation: Translation, /) -> HasLargestShapley:
        """See :meth:`Predicate.translated`."""
        return replace(self, direction=translation.of_direction(self.direction))

    def checks(self, scene: Scene) -> list[Check]:
        """Against each other direction, the mean difference over images.

        Its interval is the empirical Bernstein bound, which needs no normal approximation: the
        difference of two Shapley values of a game with values 0 and 1 lies between -1 and 1. Of
        more than twelve directions, orders are drawn for each image; the interval covers them, too.
        """
        import numpy as np

        readout, own = scene.readout, self.direction - 1
        if self.name is None:
            images, what = np.arange(len(readout)), "accuracy"
        else:
            row, what = scene.row(self.name), class_words((self.name,))
            images = np.flatnonzero(readout.labels == row)
        shapley = scene.shapley_by_image(images)
        values, looked_at = shapley.values, shapley.values.shape[1]
        if len(values) < 2:
            raise NotJudgedError(f"{self}: there is nothing to compare with")
        if looked_at < 2:
            raise TooFewImagesError(f"{self}: one image has no spread", expected="at least two")
        means = values.mean(axis=1)
        sampled = ""
        if shapley.orders:
            sampled = f"; {shapley.orders} random orders for each of {looked_at:,} images"
        others = [other for other in np.argsort(-means, kind="stable") if other != own]

        def against(other: int, level: float) -> Check:
            differences = values[own] - values[other]
            lead = float(differences.mean())
            margin = bernstein(differences, (1 - level) / 2, shapley.reach)
            lower, upper = max(-1.0, lead - margin), min(1.0, lead + margin)
            return Check(
                Outcome.of(lead - margin > 0, lead + margin < 0),
                f"Shapley value of direction {self.direction} for {what}",
                f"above that of direction {other + 1}",
                f"{100 * means[own]:+.1f} points, against {100 * means[other]:+.1f} of direction "
                f"{other + 1} (difference {100 * lead:+.1f} [{100 * lower:+.1f}, "
                f"{100 * upper:+.1f}]{sampled})",
                lead,
                lower,
                upper,
                looked_at,
                leans=lead > 0,
                confidence=level,
                again=partial(against, other),
            )

        return [against(int(other), scene.confidence) for other in others]


@dataclass(frozen=True)
class FirstAreBest(Fact):
    """No other set of so many directions is more accurate than the first by some points."""

    phrases = (
        Phrase(
            '"the" "first" _first_are "within" _points _of_the_best',
            lambda *parts: _first_are_best(parts),
        ),
    )
    rules = (
        Rule(
            "`the first k directions are within p points of the best k`",
            "some other set of k leads by ≥ p points",
            "every other set leads by less",
            "paired intervals; it fails at 1 − α/m for one of m sets",
        ),
    )
    explained = (
        (
            "`the first 4 directions are within 1 point of the best 4`",
            "no other set is more accurate by that",
        ),
    )
    examples = (
        "the first 4 directions are within 5 points of the best 4",
        "the first direction is within 1 point of the best one",
    )
    counterexamples = (
        "the first 4 directions are within 5 points of the best 3",
        "the first 4 directions are the best 4",
    )
    no_chance = "every subset of every cut would have to be counted"
    depends_on_gauge = True
    about_sets = True

    count: int
    points: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", whole_number(self.count, smallest=1))
        object.__setattr__(self, "points", percentage(self.points))

    def __str__(self) -> str:
        what = "direction is" if self.count == 1 else f"{self.count} directions are"
        best = "the best one" if self.count == 1 else f"the best {self.count}"
        return f"the first {what} within {points_words(self.points)} of {best}"

    @property
    def ablations(self) -> tuple[Ablation, ...]:
        """What is ablated: all but the first directions."""
        return (keeping_first(self.count),)

    def translated(self, translation: Translation, /) -> FirstAreBest:
        """See :meth:`Predicate.translated`."""
        first = keeping_first(self.count)
        if translation.of_ablation(first) != first:
            raise NotJudgedError(f"{self}: these are not the first directions any more")
        return self

    def checks(self, scene: Scene) -> list[Check]:
        """The lead of every other set of this size over the first directions, paired."""
        readout, threshold = scene.readout, self.points / 100
        keeping_first(self.count).kept(len(readout.directions))
        others = math.comb(len(readout.directions), self.count) - 1
        if not 0 < others <= _MOST_SETS:
            many = "many" if others else "few"
            raise NotJudgedError(
                f"{self}: there are too {many} other sets",
                found=f"{others:,}",
                expected=f"1 to {_MOST_SETS:,}",
            )
        rivals, leads = scene.lattice().leads_over_first(self.count)
        first = keeping_first(self.count)
        before = scene.right(first)
        images, wrong = len(before), int((~before).sum())
        each = corrected(scene.confidence, len(rivals))

        def lead_of(kept: tuple[int, ...]) -> Change:
            now = scene.right(keeping_only(*kept))
            return _lead(before, now, scene.confidence)

        outcome, shown = Outcome.HOLDS, rivals[0]
        for kept, lead in zip(rivals, leads, strict=True):
            # With as many gains as there can be, the interval reaches furthest.
            most = min(wrong, (images + lead) // 2)
            if Change(most, most - lead, images, scene.confidence).upper < threshold:
                break
            change = lead_of(kept)
            if replace(change, confidence=each).lower >= threshold:
                outcome, shown = Outcome.FAILS, kept
                break
            if change.upper >= threshold and outcome == Outcome.HOLDS:
                outcome, shown = Outcome.UNDECIDED, kept
        change = lead_of(shown)
        if change.lower >= threshold:
            # It is one of many sets that were searched.
            change = replace(change, confidence=each)
        check = Check.compare(
            f"lead in accuracy of another set, {sets_in_words([shown])}",
            change,
            "below",
            threshold,
            among=len(rivals),
        )
        ahead, lower, upper = (
            percent(part, 1, [threshold]) for part in (change.value, *change.interval)
        )
        measured = (
            f"{ahead} points [{lower}, {upper}] ({change.lost} right "
            f"there alone, {change.gained} right with the first alone, of {images})"
        )
        return [replace(check, outcome=outcome, measured=measured, again=None)]


def _lead(before: Array, now: Array, confidence: float) -> Change:
    gained, lost = int((now & ~before).sum()), int((before & ~now).sum())
    return Change(gained, lost, len(before), confidence)


def _first_are_best(parts: tuple[Any, ...]) -> FirstAreBest:
    """The number of directions is said twice; "the best one" is silent."""
    place = next(place for place, part in enumerate(parts) if part.type == "NUMBER")
    first, best = count_in(parts[:place]), count_in(parts[place + 1 :])
    if first != best:
        raise InterpChecksError(
            "the first and the best are not as many", found=f"{first} and {best}"
        )
    return FirstAreBest(first, float(parts[place]))
