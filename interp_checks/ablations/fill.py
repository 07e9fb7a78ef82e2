"""What stands in the place of parts that are left out: the protocol, and the list of them.

Zero is what the thesis does. But a coefficient whose mean over the images is not zero carries a
constant along with what tells images apart, and zero takes both away. Which fill answers which
question is said in ``docs/fills.md``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from interp_checks.arrays import Array, FloatArray
from interp_checks.errors import InterpChecksError
from interp_checks.phrases import Phrase


class Fill(ABC):
    """What stands in the place of a part: how it is said, and what is read in its place.

    A part gives an image a share of a result that is linear in what the weight reads. So to fill
    in the place of a part is to let the weight read something else there: a *baseline*.

    Attributes:
        name: in options, reports and Python.
        words: in whose place something stands: "its mean over the images".
        of_one: what follows "replacing direction 5 by".
        of_several: what follows "replacing directions 1 and 5 by".
        of_others: what follows "keeping only direction 5 with".
        phrases: the words of the first two, as the grammar has them; they build nothing.
        other_phrases: those of the third.
        draws: how many times it is drawn at random, and judged; 1 for what is not random.
    """

    name: ClassVar[str]
    words: ClassVar[str]
    of_one: ClassVar[str]
    of_several: ClassVar[str]
    of_others: ClassVar[str]
    phrases: ClassVar[tuple[str, ...]]
    other_phrases: ClassVar[tuple[str, ...]]
    draws: ClassVar[int] = 1

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        FILLS[cls.name] = cls()

    @abstractmethod
    def baseline(self, features: Array, draw: int) -> FloatArray | None:
        """What is read in the place of features h, [N, Z].

        Args:
            features: h, [N, Z].
            draw: which of the random draws, from 0.

        Returns:
            [Z] if it is the same for all images, [N, Z] if it is not, None for zero.
        """


#: Every fill, by its name.
FILLS: dict[str, Fill] = {}


def fill_named(name: str) -> Fill:
    """The fill of a name.

    Raises:
        InterpChecksError: there is none.
    """
    if name not in FILLS:
        raise InterpChecksError(
            f"nothing is filled in with {name!r}", expected=" or ".join(map(repr, every_fill()))
        )
    return FILLS[name]


def every_fill() -> list[str]:
    """The names of all fills, those that are not drawn at random first."""
    return sorted(FILLS, key=lambda name: (FILLS[name].draws, name != "zero", name))


def fill_phrases() -> tuple[dict[str, Phrase], dict[str, Phrase]]:
    """What can follow "by", and what can follow "with", by the names of rules of the grammar."""
    by, beside = {}, {}
    for name in FILLS:
        fill = FILLS[name]
        for number, words in enumerate(fill.phrases):
            by[f"by_{name}_{number}"] = Phrase(words, lambda name=name: name)
        for number, words in enumerate(fill.other_phrases):
            beside[f"with_{name}_{number}"] = Phrase(words, lambda name=name: name)
    return by, beside
