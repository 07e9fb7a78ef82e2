"""What the parts of a weight are: the protocol, and the list of cuts.

Every cut writes a weight as a sum of parts. A part reads one number of each input (its
coefficient), and gives every class a share of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from interp_checks.arrays import Array, FloatArray
from interp_checks.errors import InterpChecksError, NotJudgedError

if TYPE_CHECKING:
    from .directions import Directions, Gauge

#: What stands in the place of the parts of a weight when chance is measured.
Null = Literal["rotations", "permutations"]
#: How a part is found again in another checkpoint.
Counterpart = Literal["class vectors", "itself", "none"]


class Reads(Protocol):
    """A weight with what it reads, as far as a cut may ask."""

    @property
    def weight(self) -> FloatArray:
        """W, [K, Z]."""

    @property
    def gauge(self) -> Gauge:
        """See :data:`interp_checks.ablations.directions.Gauge`."""

    @property
    def features(self) -> Array:
        """What it reads, [N, Z]."""

    @property
    def part_names(self) -> tuple[str, ...]:
        """Z names, if its inputs are parts of somebody's own; else none."""


class Cut(ABC):
    """How a weight is cut into parts: how they are called, and which they are.

    Attributes:
        noun: one of them.
        plural: several.
        named: whether they are told by names, as classes are, rather than by numbers.
        has_gauge: whether adding the same to the rows of all classes makes them other parts.
        ordered: whether "the first 3" means something.
        must_be_told_apart: whether two of them can be so alike that a small change of the weight
            makes other ones; see :mod:`interp_checks.counting.identifiability`.
        order_words: what they are ordered by, and what would have to move to change that.
        counterpart: how one is found again in another checkpoint: by what it says of the
            "class vectors", as "itself" by its number or name, or "none".
        null: random ones of the same kind, to measure chance: the parts turned into random
            ones ("rotations"), or others in their place ("permutations").
    """

    noun: ClassVar[str]
    plural: ClassVar[str]
    named: ClassVar[bool] = False
    has_gauge: ClassVar[bool] = False
    ordered: ClassVar[bool] = False
    must_be_told_apart: ClassVar[bool] = False
    order_words: ClassVar[tuple[str, str]] = ("singular values", "the weight")
    counterpart: ClassVar[Counterpart] = "itself"
    null: ClassVar[Null] = "permutations"

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        CUTS[cls.noun] = cls()

    @abstractmethod
    def of_reader(self, reader: Reads) -> Directions:
        """The parts of a weight that reads features.

        Raises:
            NotJudgedError: it has no such parts.
        """

    def of_weight(self, weight: FloatArray) -> Directions:
        """The parts of a weight [K, Z] inside a network, of which nothing else is known.

        Raises:
            NotJudgedError: they depend on more than the weight.
        """
        raise NotJudgedError(
            f"a weight inside a network has no {self.plural} here",
            remedy=f"{self.plural} are those of the features that the output layer reads",
        )


#: Every cut, by what one of its parts is called.
CUTS: dict[str, Cut] = {}


def cut_named(noun: str) -> Cut:
    """The cut whose parts are called so.

    Raises:
        InterpChecksError: there is none.
    """
    if noun not in CUTS:
        raise InterpChecksError(
            f"a weight is not cut into parts called {noun!r}",
            expected=" or ".join(map(repr, CUTS)),
        )
    return CUTS[noun]
