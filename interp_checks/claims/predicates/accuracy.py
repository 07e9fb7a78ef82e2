"""Accuracy and recall beside a bound, and beside each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

from interp_checks.claims.predicate import Effect, Fact, OfClasses, Phrase, Rule, verb
from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.statistics.intervals import Estimate, Lead, percent
from interp_checks.statistics.sample_size import MOST, Needs
from interp_checks.statistics.tests import fisher, normal_quantile
from interp_checks.statistics.threshold_check import Check, Outcome
from interp_checks.wording import (
    Classes,
    class_names,
    class_words,
    one_of,
    percent_words,
    percentage,
)

if TYPE_CHECKING:
    from interp_checks.claims.sample import Cases, Demands
    from interp_checks.claims.scene import Scene

Relation = Literal["above", "below"]
#: Why plain facts have no rate of chance.
NAMES_NO_DIRECTION = "it names no direction"


@dataclass(frozen=True)
class Keeps(OfClasses, Effect):
    """Accuracy (no classes), or the recall of each class named, is on one side of a bound."""

    phrases = (
        Phrase(
            '"keeps" quantity relation _percent',
            lambda classes, relation, percent: Keeps(relation.lower(), float(percent), classes),
        ),
    )
    rules = (
        Rule(
            "`keeps … above (below) p %`",
            "on the other side, or at p",
            "beyond p",
            "Clopper-Pearson",
        ),
    )
    explained = (
        ("`keeps accuracy above 90 %`, `keeps recall of class 6 below 50 %`", "as it says"),
    )
    examples = (
        "keeping the first 4 directions keeps accuracy above 80 %",
        "dropping direction 5 keeps recall of classes 1 and 2 below 99.5 %",
    )
    counterexamples = (
        "dropping direction 5 keeps accuracy above 101 %",
        "dropping direction 5 keeps accuracy 90 %",
    )

    relation: Relation
    percent: float
    classes: Classes = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", class_names(self.classes, empty=True))
        one_of(self.relation, "above", "below")
        object.__setattr__(self, "percent", percentage(self.percent))

    def __str__(self) -> str:
        what = f"recall of {class_words(self.classes)}" if self.classes else "accuracy"
        return f"keeps {what} {self.relation} {percent_words(self.percent)}"

    @classmethod
    @verb
    def keeps_accuracy_above(cls, percent: float) -> Keeps:
        """Accuracy stays above ``percent``."""
        return cls("above", percent)

    @classmethod
    @verb
    def keeps_accuracy_below(cls, percent: float) -> Keeps:
        """Accuracy falls below ``percent``."""
        return cls("below", percent)

    @classmethod
    @verb
    def keeps_recall_above(cls, percent: float, *classes: object) -> Keeps:
        """The recall of each of these classes stays above ``percent``."""
        return cls("above", percent, cast("Classes", classes))

    @classmethod
    @verb
    def keeps_recall_below(cls, percent: float, *classes: object) -> Keeps:
        """The recall of each of these classes falls below ``percent``."""
        return cls("below", percent, cast("Classes", classes))

    def checks(self, scene: Scene) -> list[Check]:
        """Accuracy, or each recall, beyond the bound."""
        return _beside_bound(scene, self.relation, self.percent, self.classes)

    def ask(self, demands: Demands, cases: Cases) -> None:
        """The same, without intervals."""
        share = cases.recall if self.classes else cases.accuracy[:, None]
        bound = self.percent / 100
        demands.of_each(self.classes, share > bound if self.relation == "above" else share < bound)


def _beside_bound(
    scene: Scene, relation: Relation, percent: float, classes: Classes
) -> list[Check]:
    if classes:
        return [scene.recall(name, relation, percent / 100) for name in classes]
    return [scene.accuracy(relation, percent / 100)]


@dataclass(frozen=True)
class Is(OfClasses, Fact):
    """Accuracy (no classes), or the recall of each class named, is on one side of a bound."""

    phrases = (
        Phrase(
            '"accuracy" "is" relation _percent',
            lambda relation, percent: Is(relation.lower(), float(percent)),
        ),
        Phrase(
            '"recall" "of" classes "is" relation _percent',
            lambda classes, relation, percent: Is(relation.lower(), float(percent), classes),
        ),
        Phrase(
            '"recall" "of" "every" "class" "is" relation _percent',
            lambda relation, percent: Is(relation.lower(), float(percent), every=True),
        ),
    )
    rules = (
        Rule(
            "accuracy, `recall of …` `is above (below) p %`",
            "on the other side, or at p",
            "beyond p",
            "Clopper-Pearson",
        ),
    )
    explained = (
        ("`accuracy is above 97 %`, `recall of class 8 is above 90 %`", "as it says"),
        ("`recall of every class is above 90 %`", "as it says"),
    )
    examples = ("accuracy is above 97 %", "recall of classes 1 and 2 is above 95 %")
    counterexamples = ("accuracy is 97 %", "accuracy of class 1 is above 97 %")
    no_chance = NAMES_NO_DIRECTION

    relation: Relation
    percent: float
    classes: Classes = ()
    every: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", class_names(self.classes, empty=True))
        one_of(self.relation, "above", "below")
        object.__setattr__(self, "percent", percentage(self.percent))
        if self.every and self.classes:
            raise InterpChecksError("recall of every class: this names no class of its own")

    def __str__(self) -> str:
        what = "accuracy"
        if self.every:
            what = "recall of every class"
        elif self.classes:
            what = f"recall of {class_words(self.classes)}"
        return f"{what} is {self.relation} {percent_words(self.percent)}"

    @property
    def stronger(self) -> tuple[object, float]:
        """A higher bound says more."""
        return (self.relation, self.every), self.percent

    def checks(self, scene: Scene) -> list[Check]:
        """Accuracy, or each recall, beyond the bound."""
        names = scene.classes if self.every else self.classes
        return _beside_bound(scene, self.relation, self.percent, names)


@dataclass(frozen=True)
class HasExtremeRecall(Fact):
    """One class has the lowest (highest) recall of all."""

    phrases = (
        Phrase(
            '_class "has" "the" EXTREME "recall"',
            lambda name, extreme: HasExtremeRecall(name, extreme.lower()),
        ),
    )
    rules = (
        Rule(
            "`class c has the lowest (highest) recall`",
            "some other class's recall is at most (least) as high",
            "lower (higher) than each other class",
            "Fisher's exact test per pair, one-sided at α/2",
        ),
    )
    explained = (
        ("`class 5 has the lowest recall`", "lower than that of each other class; also `highest`"),
    )
    examples = ("class 9 has the lowest recall", 'class "cat" has the highest recall')
    counterexamples = ("class 9 has lowest recall", "classes 8 and 9 have the lowest recall")
    no_chance = NAMES_NO_DIRECTION

    name: str
    extreme: Literal["lowest", "highest"] = "lowest"

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", class_names((self.name,))[0])
        one_of(self.extreme, "lowest", "highest")

    def __str__(self) -> str:
        return f"{class_words((self.name,))} has the {self.extreme} recall"

    @property
    def told_classes(self) -> tuple[str, ...]:
        """The class that is named."""
        return (self.name,)

    def checks(self, scene: Scene) -> list[Check]:
        """Against each other class, Fisher's exact test of two proportions, one-sided.

        The claim holds if every other class differs in the claimed sense; it fails if any one
        differs in the other sense.
        """
        scene.row(self.name)
        own = scene.result.recall[self.name]
        others = {name: scene.result.recall[name] for name in scene.others((self.name,))}
        for name in others:
            scene.row(name)
        if not others:
            raise NotJudgedError("there is one class only, so none has the lowest recall")
        sign = 1 if self.extreme == "lowest" else -1
        word = "below" if sign > 0 else "above"

        def against(name: str, level: float) -> Check:
            mine, other, tail = replace(own, confidence=level), others[name], (1 - level) / 2
            pair = (own.count, own.total, other.count, other.total)
            smaller, larger = fisher(*pair), fisher(*pair[2:], *pair[:2])
            claimed, opposite = (smaller, larger) if sign > 0 else (larger, smaller)
            return Check(
                Outcome.of(claimed < tail, opposite < tail),
                f"recall of {class_words((self.name,))}",
                f"{word} that of {class_words((name,))}",
                f"{mine.beside(other.value)}, against {percent(other.value, 1, [own.value])} % of "
                f"{class_words((name,))}",
                mine.value,
                mine.lower,
                mine.upper,
                mine.total,
                more=_more_to_order(own, other, tail),
                leans=sign * (own.value - other.value) < 0,
                confidence=level,
                again=partial(against, name),
                estimate=Lead(mine, replace(other, confidence=level), level),
            )

        ordered = sorted(others, key=lambda name: sign * others[name].value)
        return [against(name, scene.confidence) for name in ordered]


def _more_to_order(own: Estimate, other: Estimate, error: float) -> Callable[[], Needs]:
    """How many more images of each class would tell two recalls apart (normal approximation)."""

    def more() -> Needs:
        difference = own.value - other.value
        if not difference:
            return {"images of each class": None}
        variance = own.value * (1 - own.value) + other.value * (1 - other.value)
        total = round(variance * (normal_quantile(1 - error) / difference) ** 2)
        needed = max(1, total - min(own.total, other.total))
        return {"images of each class": needed if needed <= MOST else None}

    return more
