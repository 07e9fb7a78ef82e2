"""A comparison of a number with a threshold: holds, fails or undecided, and what it rests on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

from interp_checks.wording import percent_words

from .intervals import Change, Estimate, Lead, estimate_of
from .sample_size import MOST, Needs, least, merged, more_images, needs_in_words

if TYPE_CHECKING:
    from interp_checks.arrays import Array

    from .means import Measured


class Outcome(str, Enum):
    """The three things a judgement can end in."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"

    @classmethod
    def of(cls, holds: bool, fails: bool) -> Outcome:
        """Undecided if neither is shown."""
        return cls.HOLDS if holds else cls.FAILS if fails else cls.UNDECIDED

    @classmethod
    def beside(cls, lower: float, upper: float, relation: str, threshold: float) -> Outcome:
        """Of an interval that is to be "above" or "below" a threshold, and not on both sides."""
        if relation == "below":
            return cls.of(upper < threshold, lower >= threshold)
        return cls.of(lower > threshold, upper <= threshold)

    def __str__(self) -> str:
        return self.value


#: The outcomes of a comparison, the worst first.
FROM_WORST = (Outcome.FAILS, Outcome.UNDECIDED, Outcome.HOLDS)


def all_of(outcomes: Iterable[Outcome]) -> Outcome:
    """Holds if all hold, fails if any fails."""
    seen = set(outcomes)
    if Outcome.FAILS in seen:
        return Outcome.FAILS
    return Outcome.UNDECIDED if Outcome.UNDECIDED in seen else Outcome.HOLDS


def at_least(needed: int, outcomes: Sequence[Outcome]) -> Outcome:
    """Holds if so many hold, fails if so many cannot hold any more."""
    if outcomes.count(Outcome.HOLDS) >= needed:
        return Outcome.HOLDS
    if len(outcomes) - outcomes.count(Outcome.FAILS) < needed:
        return Outcome.FAILS
    return Outcome.UNDECIDED


@dataclass(frozen=True)
class Check:
    """One comparison that a verdict rests on.

    Args:
        outcome: of this comparison alone.
        quantity: what was measured ("recall of class 8").
        expected: what the claim needs ("below 5 %").
        measured: the number, with interval and counts.
        value: the number as a fraction; not a number where it is none.
        lower: lower end of its interval, as a fraction.
        upper: upper end of its interval, as a fraction.
        total: images it was measured on.
        condition: a precondition (the class was alive before), not the point of the claim.
        more: computes how many more of which images would decide.
        leans: whether the number in the sample is on the claimed side.
        tally: whether this counts the comparisons that follow it ("2 of 10 ablations do so").
        confidence: of its interval, two-sided; not a number where it has none.
        comparisons: as how many it counts where their number is corrected for.
        again: makes the same comparison at another confidence; None where none is needed.
        estimate: the counts behind the number, where it is a share, a loss or a lead.
        values: computes what each image that it was measured on adds to it (1 or 0; for a loss
            1, 0 or -1), in the order of the images.
        among: how many quantities this one was picked from, as the largest or smallest.
        sampled: whether another sample could end otherwise; False for what is said about
            weights, or about these very images.
        parts: the comparisons that this one is made of.
        wanted: the fewest and the most parts that must hold; None without parts.
    """

    outcome: Outcome
    quantity: str
    expected: str
    measured: str
    value: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    total: int = 0
    condition: bool = False
    more: Callable[[], Needs] | None = field(default=None, compare=False, repr=False)
    leans: bool = True
    tally: bool = False
    confidence: float = math.nan
    comparisons: int = 1
    again: Callable[[float], Check] | None = field(default=None, compare=False, repr=False)
    estimate: Estimate | Change | Lead | None = field(default=None, compare=False, repr=False)
    values: Callable[[], Array] | None = field(default=None, compare=False, repr=False)
    among: int = 1
    sampled: bool = True
    parts: tuple[Check, ...] = field(default=(), compare=False, repr=False)
    wanted: tuple[int, int] | None = None

    @classmethod
    def compare(
        cls,
        quantity: str,
        estimate: Estimate | Change,
        relation: str,
        threshold: float,
        *,
        condition: bool = False,
        of: str = "images",
        values: Callable[[], Array] | None = None,
        among: int = 1,
    ) -> Check:
        """Compare an interval with a threshold; undecided while it lies on both sides."""
        lower, upper = estimate.interval
        unit = "%"
        if isinstance(estimate, Change):
            unit = "point" if threshold == 0.01 else "points"
        return cls(
            Outcome.beside(lower, upper, relation, threshold),
            quantity,
            f"{relation} {percent_words(100 * threshold, '')} {unit}",
            estimate.beside(threshold),
            estimate.value,
            lower,
            upper,
            estimate.total,
            condition,
            lambda: {of: more_images(estimate, threshold)},
            not estimate.value >= threshold if relation == "below" else estimate.value > threshold,
            confidence=estimate.confidence,
            again=lambda level: cls.compare(
                quantity,
                replace(estimate, confidence=level),
                relation,
                threshold,
                condition=condition,
                of=of,
                values=values,
                among=among,
            ),
            estimate=estimate,
            values=values,
            among=among,
        )

    @classmethod
    def exact(cls, quantity: str, expected: str, measured: str, holds: bool) -> Check:
        """A comparison without sampling: it holds or it fails."""
        outcome = Outcome.of(holds, not holds)
        return cls(outcome, quantity, expected, measured, leans=holds, sampled=False)

    def at(self, confidence: float) -> Check:
        """The same comparison at another confidence; itself where it has none."""
        return self if self.again is None else self.again(confidence)

    @property
    def needed(self) -> str:
        """What would decide an undecided comparison, in words; empty for a decided one."""
        if self.outcome != Outcome.UNDECIDED or self.more is None:
            return ""
        return needs_in_words(self.more())

    @property
    def finding(self) -> str:
        """What was measured, as a sentence."""
        return f"{self.quantity} is {self.measured}" if self.quantity else self.measured

    def __str__(self) -> str:
        return f"{self.finding}, claimed {self.expected}"

    def as_dict(self, *, parts: bool = True) -> dict[str, Any]:
        """Exact builtin types, ready for JSON; numbers that are none become null.

        Args:
            parts: whether the comparisons that this one is made of are kept, too.
        """

        def finite(value: float) -> float | None:
            return float(value) if math.isfinite(value) else None

        return {
            "outcome": self.outcome.value,
            "quantity": self.quantity,
            "expected": self.expected,
            "measured": self.measured,
            "value": finite(self.value),
            "lower": finite(self.lower),
            "upper": finite(self.upper),
            "total": int(self.total),
            "confidence": finite(self.confidence),
            "condition": bool(self.condition),
            "needed": self.needed,
            **self._for_comparisons(parts),
        }

    def _for_comparisons(self, parts: bool) -> dict[str, Any]:
        """What a test of the difference to another run needs, beside the outcome and interval."""
        counts = self.estimate.counts if self.estimate is not None else None
        return {
            "counts": counts,
            "among": int(self.among),
            "leans": bool(self.leans),
            "sampled": bool(self.sampled),
            "tally": bool(self.tally),
            "wanted": list(self.wanted) if self.wanted else None,
            # What a tally counts follows it.
            "parts": [part._as_part() for part in self.parts] if parts and not self.tally else [],
        }

    def _as_part(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome.value,
            "quantity": self.quantity,
            "expected": self.expected,
            "measured": self.measured,
            **self._for_comparisons(True),
        }

    @classmethod
    def of_dict(cls, saved: Mapping[str, Any], confidence: float) -> Check:
        """What :meth:`as_dict` made a dictionary of, as far as that was kept.

        Args:
            saved: of this version or an older one, which kept less.
            confidence: of the intervals.
        """

        def number(name: str) -> float:
            value = saved.get(name)
            return math.nan if value is None else float(value)

        counts, wanted = saved.get("counts"), saved.get("wanted")
        estimate = None if counts is None else estimate_of(counts, confidence)
        return cls(
            Outcome(saved["outcome"]),
            saved["quantity"],
            saved["expected"],
            saved["measured"],
            number("value"),
            number("lower"),
            number("upper"),
            int(saved.get("total", 0)),
            bool(saved.get("condition", False)),
            leans=bool(saved.get("leans", True)),
            tally=bool(saved.get("tally", False)),
            estimate=estimate,
            among=int(saved.get("among", 1)),
            sampled=bool(saved.get("sampled", True)),
            confidence=number("confidence"),
            parts=tuple(cls.of_dict(part, confidence) for part in saved.get("parts", ())),
            wanted=None if wanted is None else (int(wanted[0]), int(wanted[1])),
        )


def saved_checks(saved: Sequence[Mapping[str, Any]], confidence: float) -> tuple[Check, ...]:
    """The comparisons of a saved verdict, as :meth:`Check.of_dict` reads each."""
    checks = tuple(Check.of_dict(check, confidence) for check in saved)
    if checks and checks[0].tally:
        return (replace(checks[0], parts=checks[1:]), *checks[1:])
    return checks


def open_needs(checks: Iterable[Check]) -> Needs:
    """What decides a claim whose comparisons must all hold.

    Of comparisons that lean against the claim, the one that is decided first; if all lean
    towards it, what all of them need together.
    """
    undecided = [
        check for check in checks if check.outcome == Outcome.UNDECIDED and check.more is not None
    ]
    against = [check.more() for check in undecided if check.more and not check.leans]
    return least(against) if against else merged(check.more() for check in undecided if check.more)


def both_of(first: Check, second: Check) -> Check:
    """Of two comparisons that must both hold, the one that decides."""
    deciding = min(first, second, key=lambda check: FROM_WORST.index(check.outcome))
    return replace(deciding, parts=(first, second), wanted=(2, 2))


def either_of(first: Check, second: Check, again: Callable[[float], Check]) -> Check:
    """Of two comparisons one of which must hold, the one that decides.

    Args:
        first: one comparison.
        second: the other.
        again: makes this at another confidence.
    """
    deciding = max(first, second, key=lambda check: FROM_WORST.index(check.outcome))
    # It leans against the claim only if both do.
    leans = first.leans or second.leans
    return replace(deciding, leans=leans, again=again, parts=(first, second), wanted=(1, 2))


def compare_measured(quantity: str, measured: Measured, relation: str, threshold: float) -> Check:
    """Compare a measured number's interval with a threshold; undecided while on both sides."""
    value = measured.value
    return Check(
        Outcome.beside(measured.lower, measured.upper, relation, threshold),
        quantity,
        f"{relation} {percent_words(threshold, '')}",
        measured.beside(threshold),
        value,
        measured.lower,
        measured.upper,
        measured.total,
        more=None if measured.too_few else partial(_images_for, measured, threshold),
        leans=value < threshold if relation == "below" else value > threshold,
        confidence=measured.confidence,
    )


def _images_for(measured: Measured, threshold: float) -> Needs:
    """How many more images make the interval narrow enough: its width falls with their root."""
    away = abs(measured.value - threshold)
    reach = measured.reach(threshold)
    if away == 0 or not math.isfinite(reach):
        return {"images": None}
    needed = math.ceil(measured.total * ((reach / away) ** 2 - 1)) + 1
    return {"images": needed if needed <= MOST else None}
