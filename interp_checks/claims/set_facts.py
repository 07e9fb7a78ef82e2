"""What a claim can say about sets of directions: which of them carry a class together (T22)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from interp_checks.ablations.ablation import Ablation, dropping, keeping_first, keeping_only
from interp_checks.errors import InterpChecksError
from interp_checks.wording import (
    Classes,
    class_names,
    class_words,
    listed,
    percent_words,
    percentage,
    whole_number,
)


def _directions(numbers: tuple[int, ...]) -> tuple[int, ...]:
    found = tuple(sorted({whole_number(number, smallest=1) for number in numbers}))
    if not found:
        raise InterpChecksError("a claim about a set of directions names no direction")
    return found


def _direction_words(numbers: tuple[int, ...]) -> str:
    return f"direction{'' if len(numbers) == 1 else 's'} {listed(numbers)}"


def _are(numbers: tuple[int, ...]) -> str:
    return "is" if len(numbers) == 1 else "are"


@dataclass(frozen=True)
class IsKillSet:
    """Dropping these directions kills a class, and dropping any fewer of them does not.

    Args:
        directions: that are dropped.
        name: of the class.
        only: whatever else kills the class drops all of these, too.
    """

    directions: tuple[int, ...]
    name: str
    only: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "directions", _directions(self.directions))
        object.__setattr__(self, "name", class_names((self.name,))[0])

    def __str__(self) -> str:
        which = "the only" if self.only else "a"
        what = f"{_are(self.directions)} {which} minimal kill set of {class_words((self.name,))}"
        return f"{_direction_words(self.directions)} {what}"

    @property
    def ablations(self) -> tuple[Ablation, ...]:
        """What is ablated: all of them together."""
        return (dropping(*self.directions),)


@dataclass(frozen=True)
class IsSufficientSet:
    """Keeping only these directions spares a class, and keeping any fewer does not."""

    directions: tuple[int, ...]
    name: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "directions", _directions(self.directions))
        object.__setattr__(self, "name", class_names((self.name,))[0])

    def __str__(self) -> str:
        what = f"{_are(self.directions)} a minimal sufficient set of {class_words((self.name,))}"
        return f"{_direction_words(self.directions)} {what}"

    @property
    def ablations(self) -> tuple[Ablation, ...]:
        """What is ablated: everything else."""
        return (keeping_only(*self.directions),)


@dataclass(frozen=True)
class AreRedundant:
    """Each of two directions can stand in for the other: a class dies only without both."""

    directions: tuple[int, ...]
    name: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "directions", _directions(self.directions))
        object.__setattr__(self, "name", class_names((self.name,))[0])
        if len(self.directions) != 2:
            raise InterpChecksError(
                f"{_direction_words(self.directions)}: redundant with which?",
                expected="two directions",
            )

    def __str__(self) -> str:
        return f"{_direction_words(self.directions)} are redundant for {class_words((self.name,))}"

    @property
    def ablations(self) -> tuple[Ablation, ...]:
        """What is ablated: each of the two, and both."""
        one, other = self.directions
        return (dropping(one), dropping(other), dropping(one, other))


@dataclass(frozen=True)
class HasLargestShapley:
    """One direction has the largest Shapley value for a class's recall, or for accuracy."""

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
    def directions(self) -> tuple[int, ...]:
        """The direction that is named."""
        return (self.direction,)

    @property
    def ablations(self) -> tuple[Ablation, ...]:
        """What is ablated to see the direction at work."""
        return (dropping(self.direction),)


@dataclass(frozen=True)
class FirstAreBest:
    """No other set of so many directions is more accurate than the first by some points."""

    count: int
    points: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", whole_number(self.count, smallest=1))
        object.__setattr__(self, "points", percentage(self.points))

    def __str__(self) -> str:
        what = "direction is" if self.count == 1 else f"{self.count} directions are"
        points = f"{percent_words(self.points, '')} {'point' if self.points == 1 else 'points'}"
        best = "the best one" if self.count == 1 else f"the best {self.count}"
        return f"the first {what} within {points} of {best}"

    @property
    def ablations(self) -> tuple[Ablation, ...]:
        """What is ablated: all but the first directions."""
        return (keeping_first(self.count),)


@dataclass(frozen=True)
class MoreRevives:
    """Dropping some directions kills each of these classes; dropping more, it is alive again."""

    classes: Classes

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", class_names(self.classes))

    def __str__(self) -> str:
        return f"dropping more directions revives {class_words(self.classes)}"


#: Anything a claim can say about sets of directions.
SetFact = (
    IsKillSet | IsSufficientSet | AreRedundant | HasLargestShapley | FirstAreBest | MoreRevives
)
#: The same, to ask whether something is one.
SET_FACTS = get_args(SetFact)
