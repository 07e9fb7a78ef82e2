"""Which singular directions of a weight matrix stay: parsed from words, printed as words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from interp_checks.arrays import Array
from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.wording import listed, whole_number

from .target import OUTPUT_LAYER, Target
from .verbs import LANGUAGE, WithVerbs

Kind = Literal["every", "none", "first", "last", "dropping", "only"]

#: What a table of each kind of ablation is called.
FAMILIES: dict[str, str] = {
    "first": "Keeping the first k directions",
    "last": "Keeping the last k directions",
    "dropping": "Keeping all directions except one",
    "only": "Keeping just one direction",
    "sets": "Other sets of directions",
}


@dataclass(frozen=True)
class Ablation(WithVerbs):
    """The set of directions that stay, as it is said: frozen, hashable, and printable.

    Directions count from 1, in falling order of singular value. Use the functions
    :func:`dropping`, :func:`keeping_only`, :func:`keeping_first`, :func:`keeping_last`,
    :func:`keeping_every_direction` and :func:`keeping_no_direction` to make one.

    Args:
        kind: how the set is described.
        indices: the directions named (``dropping``, ``only``), or a single count
            (``first``, ``last``), or nothing (``every``, ``none``).
        target: whose directions: the output layer's unless it says otherwise.
    """

    kind: Kind
    indices: tuple[int, ...] = ()
    target: Target = OUTPUT_LAYER

    def __post_init__(self) -> None:
        indices = tuple(whole_number(index, smallest=1) for index in self.indices)
        if self.kind in ("dropping", "only"):
            indices = tuple(sorted(set(indices)))
        valid = {
            "every": not indices,
            "none": not indices,
            "first": len(indices) == 1,
            "last": len(indices) == 1,
            "dropping": bool(indices),
            "only": bool(indices),
        }
        if not valid.get(self.kind, False):
            raise InterpChecksError(
                f"this is not an ablation: {self.kind!r} of {self.indices}",
                expected="directions and counts are whole numbers from 1",
            )
        object.__setattr__(self, "indices", indices)

    def __str__(self) -> str:
        return self.words + self.target.of_words

    @property
    def words(self) -> str:
        """What is done, but not to which weights: ``dropping direction 5``."""
        if self.kind == "every":
            return "keeping every direction"
        if self.kind == "none":
            return "keeping no direction"
        if self.kind in ("first", "last"):
            count = self.indices[0]
            return f"keeping the {self.kind} " + (
                "direction" if count == 1 else f"{count} directions"
            )
        verb = "dropping" if self.kind == "dropping" else "keeping only"
        noun = "direction" if len(self.indices) == 1 else "directions"
        return f"{verb} {noun} {listed(self.indices)}"

    def of(self, target: Target) -> Ablation:
        """The same, of other weights: ``dropping(3).of(GateWeights(1, "forget", "recurrent"))``."""
        return replace(self, target=target)

    @property
    def family(self) -> str:
        """The key in :data:`FAMILIES` of the table that shows this ablation."""
        if self.kind in ("first", "last"):
            return self.kind
        if len(self.indices) == 1:
            return self.kind
        return "sets"

    @property
    def label(self) -> str:
        """A few words for a table row."""
        if self.kind in ("first", "last"):
            return f"{self.kind} {self.indices[0]}"
        if self.kind in ("every", "none"):
            return self.kind
        numbers = ", ".join(map(str, self.indices))
        return f"all but {numbers}" if self.kind == "dropping" else f"just {numbers}"

    def kept(self, count: int) -> tuple[int, ...]:
        """The directions that stay, of ``count`` directions, counted from 1, rising.

        Raises:
            NotJudgedError: the ablation names a direction that does not exist.
        """
        self._require(count)
        every = range(1, count + 1)
        if self.kind == "every":
            return tuple(every)
        if self.kind == "none":
            return ()
        if self.kind == "first":
            return tuple(every[: self.indices[0]])
        if self.kind == "last":
            return tuple(every[count - self.indices[0] :])
        if self.kind == "only":
            return self.indices
        return tuple(index for index in every if index not in self.indices)

    def members(self, count: int) -> Array:
        """Whether each of ``count`` directions stays, [count], as zeros and ones.

        Raises:
            NotJudgedError: the ablation names a direction that does not exist.
        """
        import numpy as np

        if self.kind != "dropping":
            members = np.zeros(count, dtype=np.uint8)
            members[[index - 1 for index in self.kept(count)]] = 1
            return members
        self._require(count)
        members = np.ones(count, dtype=np.uint8)
        members[[index - 1 for index in self.indices]] = 0
        return members

    def _require(self, count: int) -> None:
        largest = max(self.indices, default=0)
        if largest > count:
            raise NotJudgedError(
                f"{self}: there is no direction {largest}",
                found=f"{count} directions",
                expected=f"at least {largest}",
            )

    @classmethod
    def parse(cls, text: str) -> Ablation:
        """Read ``"dropping directions 1 and 5"`` and its like.

        Raises:
            ClaimSyntaxError: the text is not an ablation.
        """
        ablation: Ablation = LANGUAGE.read(text, Ablation)
        return ablation


def dropping(*directions: int) -> Ablation:
    """All directions stay except these."""
    return Ablation("dropping", directions)


def keeping_only(*directions: int) -> Ablation:
    """Only these directions stay."""
    return Ablation("only", directions)


def keeping_first(count: int) -> Ablation:
    """The ``count`` directions with the largest singular values stay (equation 2.8)."""
    return Ablation("first", (count,))


def keeping_last(count: int) -> Ablation:
    """The ``count`` directions with the smallest singular values stay."""
    return Ablation("last", (count,))


def keeping_every_direction() -> Ablation:
    """Nothing is ablated; the weight is put together again from all its directions."""
    return Ablation("every")


def keeping_no_direction() -> Ablation:
    """Only the bias is left."""
    return Ablation("none")


def family_members(family: str, count: int, target: Target = OUTPUT_LAYER) -> tuple[Ablation, ...]:
    """Every ablation of a one-parameter family of a matrix with ``count`` directions."""
    makers: dict[str, Callable[[int], Ablation]] = {
        "first": keeping_first,
        "last": keeping_last,
        "dropping": dropping,
        "only": keeping_only,
    }
    if family not in makers:
        return ()
    make = makers[family]
    rising = range(1, count + 1)
    numbers = reversed(rising) if family in ("first", "last") else rising
    return tuple(make(number).of(target) for number in numbers)


def unique(ablations: Iterable[Ablation]) -> tuple[Ablation, ...]:
    """The ablations without repetitions, in order of first appearance."""
    return tuple(dict.fromkeys(ablations))
