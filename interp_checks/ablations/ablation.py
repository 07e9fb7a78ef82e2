"""Which parts of a weight stay, and what stands in for the rest: read from words, said in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, cast

from interp_checks.arrays import Array
from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.wording import is_bare, listed, name_words, whole_number

from .target import OUTPUT_LAYER, Target
from .verbs import LANGUAGE, WithVerbs

if TYPE_CHECKING:
    from .directions import Directions

Kind = Literal["every", "none", "first", "last", "dropping", "only"]

#: What a table of each kind of ablation is called; {} is what the parts are called.
FAMILIES: dict[str, str] = {
    "first": "Keeping the first k {parts}",
    "last": "Keeping the last k {parts}",
    "dropping": "Keeping all {parts} except one",
    "only": "Keeping just one {part}",
    "sets": "Other sets of {parts}",
}


@dataclass(frozen=True)
class Ablation(WithVerbs):
    """The set of parts that stay, as it is said: frozen, hashable, and printable.

    Parts count from 1; singular directions and principal components in falling order, units in
    their own. Parts of one's own have names. Use the functions :func:`dropping`,
    :func:`replacing`, :func:`keeping_only`, :func:`keeping_first`, :func:`keeping_last`,
    :func:`keeping_every_direction` and :func:`keeping_no_direction` to make one.

    Args:
        kind: how the set is described.
        indices: the parts named (``dropping``, ``only``), or a single count
            (``first``, ``last``), or nothing (``every``, ``none``).
        target: whose parts, of which kind, and what stands in the place of those that go: the
            output layer's singular directions, and what the readout says, unless it says
            otherwise.
    """

    kind: Kind
    indices: tuple[int | str, ...] = ()
    target: Target = OUTPUT_LAYER

    def __post_init__(self) -> None:
        named = self.target.parted.named and self.kind in ("dropping", "only")
        indices: tuple[int | str, ...]
        if named:
            names = {str(name) for name in self.indices}
            indices = (*sorted(names, key=_as_counted),)
        else:
            indices = tuple(whole_number(cast(int, index), smallest=1) for index in self.indices)
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
            parts = self.target.parted.plural
            raise InterpChecksError(
                f"this is not an ablation: {self.kind!r} of {self.indices}",
                expected=f"names of {parts}"
                if named
                else f"{parts} and counts are whole numbers from 1",
            )
        object.__setattr__(self, "indices", indices)
        if self.kind == "every" and self.target.fill:
            # Nothing is left out, so nothing stands in its place.
            object.__setattr__(self, "target", replace(self.target, fill=""))

    def __str__(self) -> str:
        return self._said(self.target.of_words)

    @property
    def words(self) -> str:
        """What is done, but not to which weights: ``dropping direction 5``."""
        return self._said("")

    def _said(self, of_words: str) -> str:
        cut, fill = self.target.parted, self.target.filled
        beside = f" with {fill.of_others}" if fill else ""
        if self.kind == "every":
            return f"keeping every {cut.noun}{of_words}"
        if self.kind == "none":
            return f"keeping no {cut.noun}{of_words}{beside}"
        if self.kind in ("first", "last"):
            count = self.indices[0]
            parts = cut.noun if count == 1 else f"{count} {cut.plural}"
            return f"keeping the {self.kind} {parts}{of_words}{beside}"
        one = len(self.indices) == 1
        parts = f"{cut.noun if one else cut.plural} {listed(self._names)}{of_words}"
        if self.kind == "only":
            return f"keeping only {parts}{beside}"
        if fill is None:
            return f"dropping {parts}"
        return f"replacing {parts} by {fill.of_one if one else fill.of_several}"

    @property
    def _names(self) -> list[str]:
        """The parts that are named, in words."""
        return [name_words(part) if isinstance(part, str) else str(part) for part in self.indices]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The parts that are named (or the count), where they have numbers; else none."""
        return tuple(index for index in self.indices if isinstance(index, int))

    def of(self, target: Target) -> Ablation:
        """The same, of other weights: ``dropping(3).of(GateWeights(1, "forget", "recurrent"))``.

        Parts are of the same kind, and the same stands in their place, unless the target says
        otherwise.
        """
        return replace(self, target=target.like(self.target))

    def filled_with(self, fill: str) -> Ablation:
        """The same with something in the place of what is left out; "" for the readout's."""
        return replace(self, target=replace(self.target, fill=fill))

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

    def kept(self, parts: int | Directions) -> tuple[int, ...]:
        """The parts that stay, of these or of so many, counted from 1, rising.

        Raises:
            NotJudgedError: the ablation names a part that does not exist.
        """
        count = parts if isinstance(parts, int) else len(parts)
        numbers = self._numbers(parts)
        every = range(1, count + 1)
        if self.kind == "every":
            return tuple(every)
        if self.kind == "none":
            return ()
        if self.kind == "first":
            return tuple(every[: numbers[0]])
        if self.kind == "last":
            return tuple(every[count - numbers[0] :])
        if self.kind == "only":
            return numbers
        gone = set(numbers)
        return tuple(index for index in every if index not in gone)

    def members(self, parts: int | Directions) -> Array:
        """Whether each of these (or of so many) parts stays, [r], as zeros and ones.

        Raises:
            NotJudgedError: the ablation names a part that does not exist.
        """
        import numpy as np

        count = parts if isinstance(parts, int) else len(parts)
        if self.kind != "dropping":
            members = np.zeros(count, dtype=np.uint8)
            members[[index - 1 for index in self.kept(parts)]] = 1
            return members
        members = np.ones(count, dtype=np.uint8)
        members[[index - 1 for index in self._numbers(parts)]] = 0
        return members

    def _numbers(self, parts: int | Directions) -> tuple[int, ...]:
        """The numbers of the parts that are named (or the count), rising."""
        noun, plural = self.target.parted.noun, self.target.parted.plural
        count = parts if isinstance(parts, int) else len(parts)
        numbers = []
        for index in self.indices:
            if isinstance(index, int):
                numbers.append(index)
                continue
            names = () if isinstance(parts, int) else parts.names
            if index not in names:
                raise NotJudgedError(
                    f"{self}: there is no {noun} {name_words(index)}",
                    found=f"{plural} {listed([name_words(name) for name in names[:8]])}"
                    + (f" and {len(names) - 8} more" if len(names) > 8 else "")
                    if names
                    else f"{plural} without names",
                )
            numbers.append(names.index(index) + 1)
        largest = max(numbers, default=0)
        if largest > count:
            raise NotJudgedError(
                f"{self}: there is no {noun} {largest}",
                found=f"{count} {plural}",
                expected=f"at least {largest}",
            )
        return tuple(sorted(numbers))

    @classmethod
    def parse(cls, text: str) -> Ablation:
        """Read ``"dropping directions 1 and 5"`` and its like.

        Raises:
            ClaimSyntaxError: the text is not an ablation.
        """
        ablation: Ablation = LANGUAGE.read(text, Ablation)
        return ablation


def _as_counted(name: str) -> tuple[bool, int, str]:
    """Names in their order: numbers as they are counted, then others as they are spelt."""
    return (False, int(name), "") if is_bare(name) else (True, 0, name)


def _of(cut: str, fill: str) -> Target:
    """The output layer, cut and filled so."""
    usual = (cut, fill) == (OUTPUT_LAYER.cut, OUTPUT_LAYER.fill)
    return OUTPUT_LAYER if usual else replace(OUTPUT_LAYER, cut=cut, fill=fill)


def dropping(*parts: int | str, cut: str = "direction") -> Ablation:
    """All parts stay except these.

    Args:
        parts: their numbers from 1, or their names.
        cut: what they are: "direction", "unit", "principal component" or "part".
    """
    return Ablation("dropping", parts, _of(cut, ""))


def replacing(*parts: int | str, by: str, cut: str = "direction") -> Ablation:
    """All parts stay except these, in whose place something else stands.

    Args:
        parts: see :func:`dropping`.
        by: "zero", their "mean" over the images, or "another" image's.
        cut: see :func:`dropping`.
    """
    return Ablation("dropping", parts, _of(cut, by))


def keeping_only(*parts: int | str, cut: str = "direction", fill: str = "") -> Ablation:
    """Only these parts stay.

    Args:
        parts: see :func:`dropping`.
        cut: see there.
        fill: what stands in the place of the others, see :func:`replacing`; what the readout
            says if it is empty.
    """
    return Ablation("only", parts, _of(cut, fill))


def keeping_first(count: int, *, cut: str = "direction", fill: str = "") -> Ablation:
    """The first ``count`` parts stay: the largest singular values, of directions (equation 2.8)."""
    return Ablation("first", (count,), _of(cut, fill))


def keeping_last(count: int, *, cut: str = "direction", fill: str = "") -> Ablation:
    """The last ``count`` parts stay: the smallest singular values, of directions."""
    return Ablation("last", (count,), _of(cut, fill))


def keeping_every_direction() -> Ablation:
    """Nothing is ablated; the weight is put together again from all its directions."""
    return Ablation("every")


def keeping_no_direction() -> Ablation:
    """Only the bias is left."""
    return Ablation("none")


def family_members(
    family: str, parts: int | Directions, target: Target = OUTPUT_LAYER
) -> tuple[Ablation, ...]:
    """Every ablation of a one-parameter family, of these parts or of so many."""
    if family not in ("first", "last", "dropping", "only"):
        return ()
    kind = cast(Kind, family)
    count = parts if isinstance(parts, int) else len(parts)
    members: list[int | str] = list(range(1, count + 1))
    if kind in ("first", "last"):
        members.reverse()
    elif not isinstance(parts, int) and parts.names:
        members = list(parts.names)
    return tuple(Ablation(kind, (member,), target) for member in members)


def unique(ablations: Iterable[Ablation]) -> tuple[Ablation, ...]:
    """The ablations without repetitions, in order of first appearance."""
    return tuple(dict.fromkeys(ablations))
