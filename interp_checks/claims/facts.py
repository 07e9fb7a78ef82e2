"""What a claim can say about the model as it is, nothing ablated. Frozen values, like says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from interp_checks.errors import InterpChecksError
from interp_checks.wording import (
    Classes,
    SourceAndTargets,
    class_names,
    class_words,
    listed,
    number_words,
    one_of,
    percent_words,
    percentage,
    whole_number,
)

from .drawing_facts import DrawingFact
from .says import Relation
from .set_facts import SetFact


@dataclass(frozen=True)
class Is:
    """Accuracy (no classes), or the recall of each class named, is on one side of a bound."""

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


@dataclass(frozen=True)
class HasExtremeRecall:
    """One class has the lowest (highest) recall of all."""

    name: str
    extreme: Literal["lowest", "highest"] = "lowest"

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", class_names((self.name,))[0])
        one_of(self.extreme, "lowest", "highest")

    def __str__(self) -> str:
        return f"{class_words((self.name,))} has the {self.extreme} recall"


@dataclass(frozen=True)
class IsMistakenFor(SourceAndTargets):
    """The target classes are the commonest wrong predictions for the images of one class."""

    source: str
    targets: Classes

    def __str__(self) -> str:
        source, targets = class_words((self.source,)), class_words(self.targets)
        return f"{source} is mostly mistaken for {targets}"


@dataclass(frozen=True)
class Bias:
    """The bias of these classes is above (below) the mean bias; ``most``: they are the extreme."""

    verb: Literal["favours", "holds back"]
    classes: Classes
    most: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", class_names(self.classes))
        one_of(self.verb, "favours", "holds back")

    def __str__(self) -> str:
        return f"the bias {self.verb} {class_words(self.classes)}{' most' if self.most else ''}"


@dataclass(frozen=True)
class DirectionsCarry:
    """The first directions carry a share of the variance of the logits over the images."""

    count: int
    relation: Literal["at least", "at most", "about"]
    percent: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", whole_number(self.count, smallest=1))
        one_of(self.relation, "at least", "at most", "about")
        object.__setattr__(self, "percent", percentage(self.percent))

    def __str__(self) -> str:
        first = (
            "the first direction carries"
            if self.count == 1
            else f"the first {self.count} directions carry"
        )
        return f"{first} {self.relation} {percent_words(self.percent)} of the variance"


@dataclass(frozen=True)
class PrincipalDirections:
    """So many directions are needed for 95 % of the squared singular values."""

    count: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", whole_number(self.count, smallest=1))

    def __str__(self) -> str:
        count = number_words(self.count, "principal direction", "principal directions")
        return f"the output layer has {count}"


@dataclass(frozen=True)
class DirectionsSuffice:
    """The first directions, at most so many, keep accuracy within some points."""

    count: int
    points: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", whole_number(self.count, smallest=1))
        object.__setattr__(self, "points", percentage(self.points))

    def __str__(self) -> str:
        verb = "direction keeps" if self.count == 1 else "directions keep"
        count = "one" if self.count == 1 else self.count
        points = "point" if self.points == 1 else "points"
        return f"at most {count} {verb} accuracy within {percent_words(self.points, '')} {points}"


@dataclass(frozen=True)
class RowOrthogonalTo:
    """One row of Wᵀ (a hidden unit's weights to the classes) is nearly orthogonal to others."""

    row: int
    others: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "row", whole_number(self.row, smallest=1))
        others = tuple(whole_number(other, smallest=1) for other in self.others)
        object.__setattr__(self, "others", tuple(dict.fromkeys(others)))
        if not others or self.row in others:
            raise InterpChecksError(
                f"weight row {self.row} is compared with {list(others)}",
                expected="at least one row, and none of them itself",
            )

    def __str__(self) -> str:
        noun = "row" if len(self.others) == 1 else "rows"
        return f"weight row {self.row} is nearly orthogonal to {noun} {listed(self.others)}"


@dataclass(frozen=True)
class RowOrthogonalToNone:
    """One row of Wᵀ is nearly orthogonal to no other; ``only``: it is the one such row."""

    row: int
    only: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "row", whole_number(self.row, smallest=1))

    def __str__(self) -> str:
        only = "only " if self.only else ""
        return f"{only}weight row {self.row} is nearly orthogonal to no other row"


@dataclass(frozen=True)
class NearlyOrthogonalPairs:
    """At least this share of the pairs of rows of Wᵀ is nearly orthogonal."""

    percent: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "percent", percentage(self.percent))

    def __str__(self) -> str:
        share = percent_words(self.percent)
        return f"at least {share} of the pairs of weight rows are nearly orthogonal"


@dataclass(frozen=True)
class MostRowsOblique:
    """Most pairs of rows of Wᵀ are more than 90 degrees apart."""

    def __str__(self) -> str:
        return "most pairs of weight rows are more than 90 degrees apart"


#: Anything a claim can say about the model as it is.
Fact = (
    Is
    | HasExtremeRecall
    | IsMistakenFor
    | Bias
    | DirectionsCarry
    | PrincipalDirections
    | DirectionsSuffice
    | RowOrthogonalTo
    | RowOrthogonalToNone
    | NearlyOrthogonalPairs
    | MostRowsOblique
    | SetFact
    | DrawingFact
)
