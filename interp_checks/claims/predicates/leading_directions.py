"""How far the first directions go: in variance, in squared singular values, in accuracy."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from interp_checks.ablations.ablation import Ablation, keeping_first
from interp_checks.claims.predicate import Fact, Phrase, Rule
from interp_checks.errors import TooFewImagesError
from interp_checks.phrases import count_in
from interp_checks.statistics.intervals import percent
from interp_checks.statistics.sample_size import MOST, Needs
from interp_checks.statistics.threshold_check import Check, Outcome
from interp_checks.thresholds import ABOUT, PRINCIPAL
from interp_checks.wording import (
    number_words,
    one_of,
    percent_words,
    percentage,
    points_words,
    whole_number,
)

from .sparing import Costs

if TYPE_CHECKING:
    from interp_checks.claims.scene import Scene
    from interp_checks.statistics.means import Measured

#: Below this nothing can be said about a ratio of variances.
_FEWEST_IMAGES = 30


@dataclass(frozen=True)
class DirectionsCarry(Fact):
    """The first directions carry a share of the variance of the logits over the images."""

    phrases = (
        Phrase(
            '"the" "first" _carry share _percent "of" "the" "variance"',
            lambda *parts: DirectionsCarry(count_in(parts[:-2]), parts[-2], float(parts[-1])),
        ),
    )
    rules = (
        Rule(
            "`the first k directions carry … of the variance`",
            "the share is on the other side",
            "beyond",
            "interval of a ratio of means over images, with unseen images; not exact (see above)",
        ),
    )
    explained = (
        (
            "`the first 3 directions carry at least 50 % of the variance`",
            "of the logits; also `at most`, `about` (within 5 points)",
        ),
    )
    examples = (
        "the first 4 directions carry at least 80 % of the variance",
        "the first direction carries about 30 % of the variance",
    )
    counterexamples = (
        "the first 4 directions carry 80 % of the variance",
        "the first 4 directions carry above 80 % of the variance",
    )
    no_chance = "it is about the first directions, whichever they are"
    depends_on_gauge = True

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

    @property
    def told_apart(self) -> tuple[Ablation, ...]:
        """The first directions, from the others."""
        return (keeping_first(self.count),)

    def checks(self, scene: Scene) -> list[Check]:
        """A ratio of means over images; see :mod:`interp_checks.statistics.means`."""
        measured = self._measured(scene)
        share, lower, upper = measured.value, measured.lower, measured.upper
        claimed = self.percent / 100
        low, high = {
            "at least": (claimed, math.inf),
            "at most": (-math.inf, claimed),
            "about": (claimed - ABOUT, claimed + ABOUT),
        }[self.relation]
        percents = [percent(part, 1, (claimed, low, high)) for part in (share, lower, upper)]
        within = f" (within {100 * ABOUT:g} points)" if self.relation == "about" else ""
        return [
            Check(
                Outcome.of(low <= lower and upper <= high, upper < low or high < lower),
                "variance of the logits along the first "
                + ("direction" if self.count == 1 else f"{self.count} directions"),
                f"{self.relation} {percent_words(self.percent)}{within}",
                f"{percents[0]} % [{percents[1]}, {percents[2]}] ({measured.images})",
                share,
                lower,
                upper,
                measured.total,
                leans=low <= share <= high,
                more=None if measured.too_few else _more_for_share(measured, (low, high)),
                confidence=scene.confidence,
            )
        ]

    def _measured(self, scene: Scene) -> Measured:
        import numpy as np

        from interp_checks.statistics.means import ratio_of

        readout = scene.readout
        if self.count > len(readout.directions):
            keeping_first(self.count).kept(len(readout.directions))
        coefficients = readout.coefficients
        squares = (coefficients - coefficients.mean(axis=1, keepdims=True)) ** 2
        part, whole = squares[: self.count].sum(axis=0), squares.sum(axis=0)
        if len(whole) < _FEWEST_IMAGES:
            raise TooFewImagesError(
                "the variance of the logits needs more images",
                found=f"{len(whole)} images",
                expected=f"at least {_FEWEST_IMAGES}",
            )
        if not (whole > (1e-12 * np.abs(coefficients).max()) ** 2).any():
            raise TooFewImagesError("the logits do not vary over the images")
        return ratio_of(part, whole, scene.confidence, most=1.0)


def _more_for_share(measured: Measured, bounds: tuple[float, float]) -> Callable[[], Needs]:
    """How many more images would shrink the interval until no bound lies inside it."""
    share, total = measured.value, measured.total

    def more() -> Needs:
        bound = min(filter(math.isfinite, bounds), key=lambda bound: abs(share - bound))
        distance = abs(share - bound)
        if not distance:
            return {"images": None}
        images = round(total * (measured.reach(bound) / distance) ** 2)
        return {"images": max(1, images - total) if images <= MOST else None}

    return more


@dataclass(frozen=True)
class PrincipalDirections(Fact):
    """So many directions are needed for 95 % of the squared singular values."""

    phrases = (
        Phrase(
            '"the" "output" "layer" "has" _principal',
            lambda count: PrincipalDirections(int(count)),
        ),
    )
    rules = (
        Rule(
            "`the output layer has n principal directions`",
            "a statement about the weights, without sampling",
            "as said",
            "–",
        ),
    )
    explained = (
        (
            "`the output layer has 8 principal directions`",
            "so many carry 95 % of the squared singular values",
        ),
    )
    examples = (
        "the output layer has 9 principal directions",
        "the output layer has one principal direction",
    )
    counterexamples = (
        "the output layer has principal directions",
        "the output layer has 0 principal directions",
    )
    no_chance = "it names no direction"
    depends_on_gauge = True

    count: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", whole_number(self.count, smallest=1))

    def __str__(self) -> str:
        count = number_words(self.count, "principal direction", "principal directions")
        return f"the output layer has {count}"

    def checks(self, scene: Scene) -> list[Check]:
        """How many directions it takes."""
        directions = scene.readout.directions
        count = directions.principal(PRINCIPAL)
        energy = directions.energy[:count].sum()
        return [
            Check.exact(
                f"number of directions for {100 * PRINCIPAL:g} % of the squared singular values",
                f"exactly {self.count}",
                f"{count} (they carry {percent(float(energy), 1, [PRINCIPAL])} %)",
                count == self.count,
            )
        ]


@dataclass(frozen=True)
class DirectionsSuffice(Fact):
    """The first directions, at most so many, keep accuracy within some points."""

    phrases = (
        Phrase(
            '"at" "most" _keep "accuracy" "within" _points',
            lambda count, points: DirectionsSuffice(int(count), float(points)),
        ),
    )
    rules = (
        Rule(
            "`at most k directions keep accuracy within p points`",
            "keeping the first j directions costs ≥ p points, for every j up to k",
            "it costs less for some j",
            "paired intervals; partial conjunction as for `some direction …`",
        ),
    )
    explained = (("`at most 6 directions keep accuracy within 2 points`", "the first 6, or fewer"),)
    examples = (
        "at most 9 directions keep accuracy within 2 points",
        "at most one direction keeps accuracy within 0.5 points",
    )
    counterexamples = (
        "9 directions keep accuracy within 2 points",
        "at most 9 directions keep accuracy within 2 %",
    )
    no_chance = "it is about the first directions, whichever they are"
    depends_on_gauge = True

    count: int
    points: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", whole_number(self.count, smallest=1))
        object.__setattr__(self, "points", percentage(self.points))

    def __str__(self) -> str:
        keep = "direction keeps" if self.count == 1 else "directions keep"
        count = "one" if self.count == 1 else self.count
        return f"at most {count} {keep} accuracy within {points_words(self.points)}"

    @property
    def stronger(self) -> tuple[object, float]:
        """Fewer directions say more."""
        return self.points, -self.count

    def judged_ablations(self, count: int) -> tuple[Ablation, ...]:
        """See :meth:`Fact.judged_ablations`."""
        return tuple(keeping_first(k) for k in range(min(self.count, count), 0, -1))

    def as_some_of(self, count: int) -> tuple[tuple[Ablation, ...], Costs]:
        """Keeping the first k costs little, for some k."""
        return self.judged_ablations(count), Costs("less", self.points)
