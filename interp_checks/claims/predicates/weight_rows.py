"""Rows of the output weights: which hidden units say nearly unrelated things about the classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interp_checks.claims.predicate import Fact, Phrase, Rule
from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.statistics.intervals import percent
from interp_checks.statistics.threshold_check import Check
from interp_checks.thresholds import ORTHOGONAL
from interp_checks.wording import listed, percent_words, percentage, whole_number

if TYPE_CHECKING:
    from interp_checks.arrays import FloatArray
    from interp_checks.claims.scene import Scene


class _OfRows(Fact, abstract=True):
    """About rows of Wᵀ, which another gauge turns."""

    no_chance = "it names no direction"
    depends_on_gauge = True


def _rule(says: str) -> tuple[Rule, ...]:
    return (Rule(says, "a statement about the weights, without sampling", "as said", "–"),)


@dataclass(frozen=True)
class RowOrthogonalTo(_OfRows):
    """One row of Wᵀ (a hidden unit's weights to the classes) is nearly orthogonal to others."""

    phrases = (
        Phrase(
            '"weight" "row" INT "is" _nearly "to" rows',
            lambda row, others: RowOrthogonalTo(int(row), others),
        ),
    )
    rules = _rule("`weight row i is nearly orthogonal to rows …`")
    explained = (
        (
            "`weight row 1 is nearly orthogonal to rows 2 and 8`",
            "rows of Wᵀ; absolute cosine below 0.1",
        ),
    )
    examples = (
        "weight row 1 is nearly orthogonal to row 2",
        "weight row 4 is nearly orthogonal to rows 2, 3 and 10",
    )
    counterexamples = (
        "weight row 1 is nearly orthogonal to row 1",
        "weight row 1 is orthogonal to row 2",
    )

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

    def checks(self, scene: Scene) -> list[Check]:
        """The cosine with each of the others is small."""
        cosines = _cosines_with(scene, self.row, self.others)
        return [
            Check.exact(
                f"cosine of weight rows {self.row} and {other}",
                f"within ±{ORTHOGONAL:g}",
                f"{cosine:+.4f}",
                bool(abs(cosine) < ORTHOGONAL),
            )
            for other, cosine in zip(self.others, cosines, strict=True)
        ]


@dataclass(frozen=True)
class RowOrthogonalToNone(_OfRows):
    """One row of Wᵀ is nearly orthogonal to no other; ``only``: it is the one such row."""

    phrases = (
        Phrase(
            '"weight" "row" INT "is" _nearly "to" _no_row',
            lambda row: RowOrthogonalToNone(int(row)),
        ),
        Phrase(
            '"only" "weight" "row" INT "is" _nearly "to" _no_row',
            lambda row: RowOrthogonalToNone(int(row), only=True),
        ),
    )
    rules = _rule("`(only) weight row i is nearly orthogonal to no other row`")
    explained = (
        (
            "`weight row 7 is nearly orthogonal to no other row`, "
            "`only weight row 7 is nearly orthogonal to no other row`",
            "as it says (and no row is like it)",
        ),
    )
    examples = (
        "weight row 3 is nearly orthogonal to no other row",
        "only weight row 3 is nearly orthogonal to no other row",
    )
    counterexamples = (
        "weight row 3 is nearly orthogonal to no row",
        "only weight rows 3 and 4 are nearly orthogonal to no other row",
    )

    row: int
    only: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "row", whole_number(self.row, smallest=1))

    def __str__(self) -> str:
        only = "only " if self.only else ""
        return f"{only}weight row {self.row} is nearly orthogonal to no other row"

    def checks(self, scene: Scene) -> list[Check]:
        """It has no partner; ``only``: every other row has one."""
        import numpy as np

        _cosines_with(scene, self.row, ())
        nearly = np.abs(_cosines(scene)) < ORTHOGONAL
        np.fill_diagonal(nearly, False)
        partners = [int(other) + 1 for other in nearly[self.row - 1].nonzero()[0]]
        checks = [_none_of(f"number of rows nearly orthogonal to weight row {self.row}", partners)]
        if self.only:
            lonely = (~nearly.any(axis=1)).nonzero()[0]
            alike = [int(row) + 1 for row in lonely if row != self.row - 1]
            checks.append(
                _none_of("number of other rows that are nearly orthogonal to no row", alike)
            )
        return checks


@dataclass(frozen=True)
class NearlyOrthogonalPairs(_OfRows):
    """At least this share of the pairs of rows of Wᵀ is nearly orthogonal."""

    phrases = (
        Phrase(
            '"at" "least" _percent "of" "the" _pairs "are" _nearly',
            lambda percent: NearlyOrthogonalPairs(float(percent)),
        ),
    )
    rules = _rule("`at least p % of the pairs of weight rows are nearly orthogonal`")
    explained = (
        ("`at least 20 % of the pairs of weight rows are nearly orthogonal`", "as it says"),
    )
    examples = (
        "at least 40 % of the pairs of weight rows are nearly orthogonal",
        "at least 12.5 % of the pairs of weight rows are nearly orthogonal",
    )
    counterexamples = (
        "at least 40 % of the weight rows are nearly orthogonal",
        "at least 140 % of the pairs of weight rows are nearly orthogonal",
    )

    percent: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "percent", percentage(self.percent))

    def __str__(self) -> str:
        share = percent_words(self.percent)
        return f"at least {share} of the pairs of weight rows are nearly orthogonal"

    def checks(self, scene: Scene) -> list[Check]:
        """The share of pairs."""
        nearly = abs(_pairs(scene)) < ORTHOGONAL
        return [
            Check.exact(
                "share of pairs of weight rows that are nearly orthogonal",
                f"at least {percent_words(self.percent)}",
                f"{percent(float(nearly.mean()), 1, [self.percent / 100])} % "
                f"({int(nearly.sum())} of {nearly.size})",
                bool(100 * int(nearly.sum()) >= self.percent * nearly.size),
            )
        ]


@dataclass(frozen=True)
class MostRowsOblique(_OfRows):
    """Most pairs of rows of Wᵀ are more than 90 degrees apart."""

    phrases = (
        Phrase('"most" _pairs "are" "more" "than" _right_angle "apart"', lambda: MostRowsOblique()),
    )
    rules = _rule("`most pairs of weight rows are more than 90 degrees apart`")
    explained = (("`most pairs of weight rows are more than 90 degrees apart`", "as it says"),)
    examples = (
        "most pairs of weight rows are more than 90 degrees apart",
        "Most pairs of weight rows are more than 90 degrees apart.",
    )
    counterexamples = (
        "most weight rows are more than 90 degrees apart",
        "most pairs of weight rows are more than 80 degrees apart",
    )

    def __str__(self) -> str:
        return "most pairs of weight rows are more than 90 degrees apart"

    def checks(self, scene: Scene) -> list[Check]:
        """The share of pairs."""
        apart = _pairs(scene) < -1e-12
        return [
            Check.exact(
                "share of pairs of weight rows more than 90 degrees apart",
                "more than 50 %",
                f"{percent(float(apart.mean()), 1, [0.5])} % ({int(apart.sum())} of {apart.size})",
                bool(apart.mean() > 0.5),
            )
        ]


def _cosines(scene: Scene) -> FloatArray:
    from interp_checks.ablations.directions import row_cosines

    return row_cosines(scene.readout.gauged_weight)


def _cosines_with(scene: Scene, row: int, others: tuple[int, ...]) -> FloatArray:
    cosines = _cosines(scene)
    for number in (row, *others):
        if not 1 <= number <= len(cosines):
            raise NotJudgedError(
                f"there is no weight row {number}", found=f"{len(cosines)} hidden units"
            )
    others_of_row: FloatArray = cosines[row - 1, [number - 1 for number in others]]
    return others_of_row


def _pairs(scene: Scene) -> FloatArray:
    import numpy as np

    cosines = _cosines(scene)
    if len(cosines) < 2:
        raise NotJudgedError("there is one weight row only, so no pair of them")
    return np.asarray(cosines[np.triu_indices(len(cosines), 1)])


def _none_of(quantity: str, numbers: Sequence[int]) -> Check:
    """No row may be so."""
    words = f"{'row' if len(numbers) == 1 else 'rows'} {listed(numbers)}" if numbers else ""
    measured = f"{len(numbers)}" + (f" ({words})" if numbers else "")
    return Check.exact(quantity, "none", measured, not numbers)
