"""Which classes lose hardly anything, and how much is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, cast

from interp_checks.claims.predicate import Effect, OfClasses, Phrase, Rule, verb
from interp_checks.errors import InterpChecksError
from interp_checks.statistics.threshold_check import Check
from interp_checks.thresholds import SPARED
from interp_checks.wording import (
    Classes,
    class_names,
    class_words,
    one_of,
    percentage,
    points_words,
)

if TYPE_CHECKING:
    from interp_checks.claims.sample import Cases, Demands
    from interp_checks.claims.scene import Scene


@dataclass(frozen=True)
class Spares(OfClasses, Effect):
    """The recall of these classes hardly falls; no classes: of every class but those named."""

    phrases = (
        Phrase('"spares" classes', lambda classes: Spares(classes)),
        Phrase('"spares" "every" "other" "class"', lambda: Spares(scope="every other")),
        Phrase('"spares" "every" "class"', lambda: Spares(scope="every")),
    )
    rules = (
        Rule(
            "`spares class c`",
            "recall falls by ≥ 10 points",
            "loss < 10 points",
            "paired interval",
        ),
    )
    explained = (
        ("`spares class 3`, `spares every class`", "recall falls by less than 10 points"),
        ("`kills class 8 and spares every other class`", "other: not named or killed before"),
    )
    examples = (
        "dropping direction 5 kills class 8 and spares every other class",
        "keeping the first 9 directions spares classes 2 and 3",
    )
    counterexamples = (
        "dropping direction 5 spares every other class",
        "dropping direction 5 spares other classes",
    )

    classes: Classes = ()
    scope: Literal["named", "every other", "every"] = "named"

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", class_names(self.classes, empty=self.scope != "named"))
        if one_of(self.scope, "named", "every other", "every") != "named" and self.classes:
            raise InterpChecksError(f"spares {self.scope} class: this names no class of its own")

    def __str__(self) -> str:
        if self.scope != "named":
            return f"spares {self.scope} class"
        return f"spares {class_words(self.classes)}"

    @classmethod
    @verb
    def spares(cls, *classes: object) -> Spares:
        """The recall of these classes falls by less than 10 points."""
        return cls(cast("Classes", classes))

    @classmethod
    @verb
    def spares_the_rest(cls) -> Spares:
        """Every class that the claim has not named before is spared."""
        return cls(scope="every other")

    @classmethod
    @verb
    def spares_every_class(cls) -> Spares:
        """Every class is spared."""
        return cls(scope="every")

    @property
    def needs_named_classes(self) -> bool:
        """Whether it is about all classes but those that the claim names before."""
        return self.scope == "every other"

    def checks(self, scene: Scene) -> list[Check]:
        """The loss of each class is small."""
        names = self.classes
        if self.scope == "every":
            names = scene.classes
        elif self.scope == "every other":
            names = scene.others(scene.named)
        checks = [scene.loss(name, "below", SPARED) for name in names]
        if checks and self.scope == "every other" and scene.unsettled:
            # Which classes are compared was read off the data; how many there can be was not.
            checks[0] = replace(checks[0], comparisons=1 + scene.unsettled)
        return checks

    def ask(self, demands: Demands, cases: Cases) -> None:
        """The same, without intervals."""
        if self.scope != "every other":
            demands.of_each(self.classes, cases.spared)
            return
        killed = demands.killed
        demands.of_others(
            demands.named_so_far, cases.spared if killed is None else cases.spared | killed
        )


@dataclass(frozen=True)
class Costs(OfClasses, Effect):
    """Accuracy (no classes), or the recall of each class named, drops by less or more."""

    phrases = (
        Phrase(
            '"costs" COMPARATIVE "than" _points "of" quantity',
            lambda relation, points, classes: Costs(relation.lower(), float(points), classes),
        ),
    )
    rules = (
        Rule(
            "`costs less (more) than p points`",
            "loss ≥ p (≤ p)",
            "loss < p (> p)",
            "paired interval",
        ),
    )
    explained = (
        ("`costs less than 2 points of accuracy`", "the paired loss is smaller"),
        ("`costs more than 10 points of recall of class 6`", "the paired loss is larger"),
    )
    examples = (
        "dropping direction 10 costs less than 1 point of accuracy",
        "dropping direction 5 costs more than 50 points of recall of class 8",
    )
    counterexamples = (
        "dropping direction 5 costs 5 points of accuracy",
        "dropping direction 5 costs less than 5 % of accuracy",
    )

    relation: Literal["less", "more"]
    points: float
    classes: Classes = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", class_names(self.classes, empty=True))
        one_of(self.relation, "less", "more")
        object.__setattr__(self, "points", percentage(self.points))

    def __str__(self) -> str:
        what = f"recall of {class_words(self.classes)}" if self.classes else "accuracy"
        return f"costs {self.relation} than {points_words(self.points)} of {what}"

    @classmethod
    @verb
    def costs_less_than(cls, points: float, *classes: object) -> Costs:
        """Accuracy, or the recall of each of these classes, drops by less than ``points``."""
        return cls("less", points, cast("Classes", classes))

    @classmethod
    @verb
    def costs_more_than(cls, points: float, *classes: object) -> Costs:
        """Accuracy, or the recall of each of these classes, drops by more than ``points``."""
        return cls("more", points, cast("Classes", classes))

    def checks(self, scene: Scene) -> list[Check]:
        """The loss of accuracy, or of each recall, on the claimed side."""
        relation = "below" if self.relation == "less" else "above"
        names: Sequence[str | None] = self.classes or (None,)
        return [scene.loss(name, relation, self.points / 100) for name in names]

    def ask(self, demands: Demands, cases: Cases) -> None:
        """The same, without intervals."""
        loss = cases.loss if self.classes else cases.lost_accuracy[:, None]
        bound = self.points / 100
        demands.of_each(self.classes, loss < bound if self.relation == "less" else loss > bound)
