"""What a claim can say about an ablation. Frozen values; ``str()`` gives the words.

Each value is one predicate of the claim language. What must be measured for it to hold is
in :mod:`interp_checks.claims.rules`, beside its null hypothesis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from interp_checks.ablations.ablation import Ablation
from interp_checks.errors import InterpChecksError
from interp_checks.wording import (
    Classes,
    SourceAndTargets,
    class_names,
    class_words,
    number_words,
    one_of,
    percent_words,
    percentage,
    whole_number,
)

Relation = Literal["above", "below"]


@dataclass(frozen=True)
class Kills:
    """The recall of these classes falls to next to nothing; ``only``: of no other class."""

    classes: Classes
    only: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", class_names(self.classes))

    def __str__(self) -> str:
        return f"kills {'only ' if self.only else ''}{class_words(self.classes)}"


@dataclass(frozen=True)
class KillsCount:
    """So many classes are killed, whichever they are."""

    count: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", whole_number(self.count, smallest=0))

    def __str__(self) -> str:
        if self.count == 0:
            return "kills no class"
        return f"kills exactly {number_words(self.count, 'class', 'classes')}"


@dataclass(frozen=True)
class Spares:
    """The recall of these classes hardly falls; no classes: of every class but those named."""

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


@dataclass(frozen=True)
class LeavesAlive:
    """These classes keep most of their recall; ``only``: and no other; no classes: every one."""

    classes: Classes = ()
    only: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", class_names(self.classes, empty=not self.only))

    def __str__(self) -> str:
        if not self.classes:
            return "leaves every class alive"
        return f"leaves {'only ' if self.only else ''}{class_words(self.classes)} alive"


@dataclass(frozen=True)
class Keeps:
    """Accuracy (no classes), or the recall of each class named, is on one side of a bound."""

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


@dataclass(frozen=True)
class Costs:
    """Accuracy (no classes), or the recall of each class named, drops by less or more."""

    relation: Literal["less", "more"]
    points: float
    classes: Classes = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", class_names(self.classes, empty=True))
        one_of(self.relation, "less", "more")
        object.__setattr__(self, "points", percentage(self.points))

    def __str__(self) -> str:
        what = f"recall of {class_words(self.classes)}" if self.classes else "accuracy"
        points = "point" if self.points == 1 else "points"
        return f"costs {self.relation} than {percent_words(self.points, '')} {points} of {what}"


@dataclass(frozen=True)
class PredictsOnly:
    """These classes, each of them and no other, are still predicted."""

    classes: Classes

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", class_names(self.classes))

    def __str__(self) -> str:
        return f"predicts only {class_words(self.classes)}"


@dataclass(frozen=True)
class PredictsCount:
    """So many classes are still predicted, whichever they are."""

    count: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", whole_number(self.count, smallest=1))

    def __str__(self) -> str:
        return f"predicts exactly {number_words(self.count, 'class', 'classes')}"


@dataclass(frozen=True)
class Sends(SourceAndTargets):
    """Most images of one class are predicted as one of the target classes."""

    source: str
    targets: Classes

    def __str__(self) -> str:
        return f"sends {class_words((self.source,))} mostly to {class_words(self.targets)}"


@dataclass(frozen=True)
class Mistakes(SourceAndTargets):
    """The target classes are the commonest wrong predictions for the images of one class."""

    source: str
    targets: Classes

    def __str__(self) -> str:
        return f"mistakes {class_words((self.source,))} mostly for {class_words(self.targets)}"


@dataclass(frozen=True)
class Revives:
    """These classes are dead under the other ablation and alive under this one."""

    classes: Classes
    compared_with: Ablation

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", class_names(self.classes))

    def __str__(self) -> str:
        return f"revives {class_words(self.classes)} compared with {self.compared_with}"


@dataclass(frozen=True)
class PredictsTheSame:
    """Nearly every image gets the same prediction; ``exactly``: every image in the sample."""

    other: Ablation
    exactly: bool = False

    def __str__(self) -> str:
        return f"predicts {'exactly ' if self.exactly else ''}the same as {self.other}"


#: Anything a claim can say about an ablation.
Say = (
    Kills
    | KillsCount
    | Spares
    | LeavesAlive
    | Keeps
    | Costs
    | PredictsOnly
    | PredictsCount
    | Sends
    | Mistakes
    | Revives
    | PredictsTheSame
)

__all__ = [
    "Costs",
    "Keeps",
    "Kills",
    "KillsCount",
    "LeavesAlive",
    "Mistakes",
    "PredictsCount",
    "PredictsOnly",
    "PredictsTheSame",
    "Relation",
    "Revives",
    "Say",
    "Sends",
    "Spares",
]
