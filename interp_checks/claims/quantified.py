"""Not one ablation but a set of them, of which some, every or nearly every one counts."""

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
from interp_checks.wording import one_of, whole_number

from .predicate import Rule

if TYPE_CHECKING:
    from interp_checks.ablations.directions import Directions

Quantifier = Literal["some", "every", "nearly every"]
Over = Literal["dropped", "alone", "ablation"]

#: A claim about some or every set of so many directions looks at so many sets.
_MOST_SETS = 2_000


@dataclass(frozen=True)
class Quantified(WithVerbs):
    """Not one ablation but a set of them, of which some, every or nearly every one counts.

    Args:
        quantifier: how many of them must do what the claim says; "nearly every" is 90 %.
        over: each part dropped on its own ("dropped"), each kept on its own ("alone"),
            or all of the thesis's ablations: first k, last k, all except one, just one.
        size: of the sets of parts that are dropped or kept together.
        target: whose parts, of which kind, and what stands in the place of those that go: see
            :class:`~interp_checks.ablations.ablation.Ablation`.
    """

    quantifier: Quantifier
    over: Over
    size: int = 1
    target: Target = OUTPUT_LAYER

    def __post_init__(self) -> None:
        one_of(self.quantifier, "some", "every", "nearly every")
        one_of(self.over, "dropped", "alone", "ablation")
        object.__setattr__(self, "size", whole_number(self.size, smallest=1))
        if self.over == "ablation" and self.target.cut != "direction":
            raise InterpChecksError(
                f"every ablation of {self.target.parted.plural} is not a family",
                expected="directions",
            )
        if self.over == "ablation" and self.size != 1:
            raise InterpChecksError(f"{self}: this has no size", found=str(self.size))

    def __str__(self) -> str:
        of, cut, fill = self.target.of_words, self.target.parted, self.target.filled
        beside = f" with {fill.of_others}" if fill else ""
        if self.over == "ablation":
            return f"{self.quantifier} ablation{of}{beside}"
        many = self.size > 1
        which = f"set of {self.size} {cut.plural}" if many else cut.noun
        if self.over == "alone":
            return f"{self.quantifier} {which}{of} alone{beside}"
        gone = f"dropped {'together' if many else 'alone'}"
        if fill:
            gone = f"replaced by {fill.of_several if many else fill.of_one}"
        return f"{self.quantifier} {which}{of}, {gone},"

    def members(self, parts: int | Directions) -> tuple[Ablation, ...]:
        """The ablations that it is about, of these parts or of so many.

        Ablations that keep the same parts are one ablation.

        Raises:
            NotJudgedError: there is none, or too many.
        """
        families = {"dropped": ("dropping",), "alone": ("only",)}.get(
            self.over, ("first", "last", "dropping", "only")
        )
        members: Iterable[Ablation] = (
            member for family in families for member in family_members(family, parts, self.target)
        )
        if self.size > 1:
            members = self._sets(parts)
        by_kept: dict[tuple[int, ...], Ablation] = {}
        for member in members:
            by_kept.setdefault(member.kept(parts), member)
        return tuple(by_kept.values())

    def _sets(self, parts: int | Directions) -> Iterator[Ablation]:
        """All sets of so many parts."""
        count, plural = parts if isinstance(parts, int) else len(parts), self.target.parted.plural
        sets = math.comb(count, self.size)
        if not 0 < sets <= _MOST_SETS:
            raise NotJudgedError(
                f"the sets of {self.size} {plural} cannot be looked at one by one",
                found=f"{sets:,} sets of {count} {plural}",
                expected=f"1 to {_MOST_SETS:,}",
            )
        alone = family_members("dropping" if self.over == "dropped" else "only", parts, self.target)
        for chosen in combinations(alone, self.size):
            indices = tuple(member.indices[0] for member in chosen)
            yield replace(chosen[0], indices=indices)

    def needed(self, members: int) -> int:
        """How many of so many ablations must do what the claim says."""
        return {
            "some": 1,
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
