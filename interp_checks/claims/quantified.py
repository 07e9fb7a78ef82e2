"""Not one numbered ablation but several, of which some or every one counts; or one by its role."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Literal

from interp_checks.ablations.ablation import Ablation, family_members
from interp_checks.ablations.target import OUTPUT_LAYER, Target
from interp_checks.ablations.verbs import WithVerbs
from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.thresholds import NEARLY_EVERY
from interp_checks.wording import class_words, one_of, whole_number

from .predicate import Rule

if TYPE_CHECKING:
    from interp_checks.ablations.directions import Directions

Quantifier = Literal["some", "every", "nearly every", "the leading"]
Over = Literal["dropped", "alone", "ablation"]
End = Literal["first", "last"]

#: A claim about some or every set of so many directions looks at so many sets.
_MOST_SETS = 2_000


@dataclass(frozen=True)
class Quantified(WithVerbs):
    """Not one ablation but a set of them, of which some, every or nearly every one counts.

    Or the one of a part that is known by its role, not by its number: the leading part is the one
    without which most images of a class (or of all) are lost.

    Args:
        quantifier: how many of them must do what the claim says; "nearly every" is 90 %.
            "the leading": the one of the part that matters most.
        over: each part dropped on its own ("dropped"), each kept on its own ("alone"),
            or all of the thesis's ablations: first k, last k, all except one, just one.
        size: of the sets of parts that are dropped or kept together.
        target: whose parts, of which kind, and what stands in the place of those that go: see
            :class:`~interp_checks.ablations.ablation.Ablation`.
        among: only parts among the first or the last so many, as ``("first", 20)``; None for all.
        for_class: for which the leading part matters most; None for accuracy.
    """

    quantifier: Quantifier
    over: Over
    size: int = 1
    target: Target = OUTPUT_LAYER
    among: tuple[End, int] | None = None
    for_class: str | None = None

    def __post_init__(self) -> None:
        one_of(self.quantifier, "some", "every", "nearly every", "the leading")
        one_of(self.over, "dropped", "alone", "ablation")
        object.__setattr__(self, "size", whole_number(self.size, smallest=1))
        if self.among is not None:
            end, many = self.among
            many = whole_number(many, smallest=1)
            object.__setattr__(self, "among", (one_of(end, "first", "last"), many))
            if many < self.size:
                raise InterpChecksError(
                    f"no set of {self.size} is among {many}", expected=f"at least {self.size}"
                )
        if self.for_class is not None:
            object.__setattr__(self, "for_class", str(self.for_class))
        self._refuse_what_is_no_family()

    def _refuse_what_is_no_family(self) -> None:
        """Some combinations have no words, and no meaning."""
        if self.over == "ablation":
            if self.target.cut != "direction":
                raise InterpChecksError(
                    f"every ablation of {self.target.parted.plural} is not a family",
                    expected="directions",
                )
            if self.size != 1 or self.among is not None:
                raise InterpChecksError(
                    f"{self.quantifier} ablation: this has no size, and is not among some parts",
                    found=f"a size of {self.size}" if self.among is None else self._among.strip(),
                )
        if self.leading:
            if self.over == "ablation" or self.size != 1:
                raise InterpChecksError(
                    "what matters most is a single part", expected="a size of 1, dropped or alone"
                )
        elif self.for_class is not None:
            raise InterpChecksError(
                f"{self.quantifier} {self.target.parted.noun} has no class for which it matters",
                found=class_words((self.for_class,)),
            )

    @property
    def leading(self) -> bool:
        """Whether this is the one of the part that matters most."""
        return self.quantifier == "the leading"

    @property
    def _among(self) -> str:
        return "" if self.among is None else f" of the {self.among[0]} {self.among[1]}"

    def __str__(self) -> str:
        of, cut, fill = self.target.of_words, self.target.parted, self.target.filled
        beside = f" with {fill.of_others}" if fill else ""
        if self.leading:
            role = f"{self.role}{of}"
            if self.over == "alone":
                return f"keeping only {role}{beside}"
            return f"replacing {role} by {fill.of_one}" if fill else f"dropping {role}"
        if self.over == "ablation":
            return f"{self.quantifier} ablation{of}{beside}"
        many = self.size > 1
        which = f"set of {self.size} {cut.plural}" if many else cut.noun
        which += self._among
        if self.over == "alone":
            return f"{self.quantifier} {which}{of} alone{beside}"
        gone = f"dropped {'together' if many else 'alone'}"
        if fill:
            gone = f"replaced by {fill.of_several if many else fill.of_one}"
        return f"{self.quantifier} {which}{of}, {gone},"

    @property
    def role(self) -> str:
        """``the direction of the first 20 that matters most for class "cat"``."""
        of_class = "" if self.for_class is None else f" for {class_words((self.for_class,))}"
        return f"the {self.target.parted.noun}{self._among} that matters most{of_class}"

    def members(self, parts: int | Directions) -> tuple[Ablation, ...]:
        """The ablations that it is about, of these parts or of so many.

        Ablations that keep the same parts are one ablation.

        Raises:
            NotJudgedError: there is none, or too many, or there are not so many parts.
        """
        families = {"dropped": ("dropping",), "alone": ("only",)}.get(
            self.over, ("first", "last", "dropping", "only")
        )
        members: Iterable[Ablation] = (
            member for family in families for member in self._family(family, parts)
        )
        if self.size > 1:
            members = self._sets(parts)
        by_kept: dict[tuple[int, ...], Ablation] = {}
        for member in members:
            by_kept.setdefault(member.kept(parts), member)
        return tuple(by_kept.values())

    def _family(self, family: str, parts: int | Directions) -> tuple[Ablation, ...]:
        """One ablation of each part, or of those among which it is."""
        members = family_members(family, parts, self.target)
        if self.among is None:
            return members
        end, many = self.among
        if many > len(members):
            raise NotJudgedError(
                f"there are no {end} {many} {self.target.parted.plural}",
                found=f"{len(members)}",
                expected=f"at least {many}",
            )
        return members[:many] if end == "first" else members[-many:]

    def _sets(self, parts: int | Directions) -> Iterator[Ablation]:
        """All sets of so many parts."""
        alone = self._family("dropping" if self.over == "dropped" else "only", parts)
        count, plural = len(alone), self.target.parted.plural
        sets = math.comb(count, self.size)
        if not 0 < sets <= _MOST_SETS:
            raise NotJudgedError(
                f"the sets of {self.size} {plural} cannot be looked at one by one",
                found=f"{sets:,} sets of {count} {plural}",
                expected=f"1 to {_MOST_SETS:,}",
            )
        for chosen in combinations(alone, self.size):
            indices = tuple(member.indices[0] for member in chosen)
            yield replace(chosen[0], indices=indices)

    def needed(self, members: int) -> int:
        """How many of so many ablations must do what the claim says."""
        return {
            "some": 1,
            "the leading": 1,
            "every": members,
            "nearly every": math.ceil(NEARLY_EVERY * members),
        }[self.quantifier]

    def of(self, target: Target) -> Quantified:
        """The same, of other weights."""
        return replace(self, target=target.like(self.target))


#: How claims about several ablations are judged; m of them, of which n must do it.
RULES = (
    Rule(
        "`some direction …` (one of m)",
        "no direction does it",
        "one does at 1 − α/m",
        "partial conjunction, Bonferroni; each fails at 1 − α, and all must",
    ),
    Rule(
        "`every direction …`",
        "some direction does not",
        "all do at 1 − α",
        "intersection-union; each fails at 1 − α/m",
    ),
    Rule(
        "`nearly every ablation …` (n of m)",
        "fewer than n = ⌈0.9 m⌉ do",
        "n do at 1 − α/(m − n + 1)",
        "partial conjunction, Bonferroni; each fails at 1 − α/n, and m − n + 1 must",
    ),
    Rule(
        "`dropping the direction that matters most …` (one of m)",
        "without that direction it is not so",
        "it is so at 1 − α/2 for each that could be the one",
        "the others lose surely less, paired, at 1 − α/2 and Bonferroni over m − 1; "
        "fails if it is not so for all that could be, each at 1 − α/2",
    ),
)


#: "some direction, dropped alone, ..."
some_direction_dropped = Quantified("some", "dropped")
#: "every direction, dropped alone, ..."
every_direction_dropped = Quantified("every", "dropped")
#: "some direction alone ..."
some_direction_alone = Quantified("some", "alone")
#: "every direction alone ..."
every_direction_alone = Quantified("every", "alone")
#: "nearly every ablation ..."
nearly_every_ablation = Quantified("nearly every", "ablation")


def direction_that_matters_most(
    for_class: object = None, over: Over = "dropped", among: tuple[End, int] | None = None
) -> Quantified:
    """Begin "dropping the direction that matters most for class 8 ...", or keeping only it.

    Args:
        for_class: whose recall falls most without it; None for accuracy.
        over: "dropped", or "alone" for keeping only it.
        among: see :class:`Quantified`.
    """
    name = None if for_class is None else str(for_class)
    return Quantified("the leading", over, among=among, for_class=name)
