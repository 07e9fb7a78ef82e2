"""Claims about the part that matters most, which is known by its role and not by its number.

The part without which most images (of a class) are lost is found on the very images that the claim
is judged on, so the sample picks one that looks strong there. That is accounted for: every part
that could be the one is kept, at half the error of the claim, and the claim must hold for each of
them at the other half. A part is ruled out if another is surely better, compared image by image
and corrected for all its rivals (the confidence set of Gupta and of Hsu for the best of several).
Where directions nearly coincide, what dropping them does has bounds, and these are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from interp_checks.ablations.ablation import Ablation
from interp_checks.arrays import Array, IntArray
from interp_checks.claims.predicate import Effect
from interp_checks.claims.quantified import Quantified
from interp_checks.claims.scene import MOST_TOGETHER, Scene, counted_in_turn
from interp_checks.counting import by_image
from interp_checks.counting.identifiability import identifiable
from interp_checks.counting.near_coinciding import spans
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.intervals import Change, exact_ends, percent
from interp_checks.statistics.levels import corrected, marked
from interp_checks.statistics.threshold_check import Check, Outcome, all_of
from interp_checks.wording import class_words, listed

from .decision import Decision
from .members import Members, drops_one, near_coinciding

#: Logits that are made to compare two ablations image by image, all together.
_MOST_LOGITS = 10**8
#: Parts that could be the one are named up to so many.
_NAMED = 4


def decide_leading(
    condition: Quantified, effects: Sequence[Effect], readout: Readout, confidence: float
) -> Decision:
    """Whether the part that matters most does what the claim says.

    Raises:
        NotJudgedError: there is no such class, no image of it, or there are not so many parts.
    """
    level = corrected(confidence, 2)
    directions = readout.directions_of(condition.target)
    members = condition.members(directions)
    dropped = replace(condition, over="dropped").members(directions)
    rivals = _Rivals(condition, dropped, readout, level)
    places = rivals.that_could_lead()
    could_lead = [members[place] for place in places]
    told_apart = [ablation for ablation in could_lead if identifiable(ablation, readout)]
    each = Members(effects, readout, level, level, confidence)
    parts = {
        ablation: each.parts(ablation)
        for chunk in counted_in_turn(readout, told_apart)
        for ablation, _ in chunk
    }
    blurred = [ablation for ablation in could_lead if ablation not in parts]
    spread = {ablation: each.unknown(ablation) for ablation in blurred}
    for found in each.checks_of_spans(blurred):
        spread |= found
    expected = "the only one that could be" if len(places) == 1 else "one of these"
    identified = Check.exact(condition.role, expected, rivals.named(places), True)
    if len(could_lead) == 1:
        (only,) = could_lead
        own = marked(parts[only] if only in parts else (spread[only],), confidence)
        return Decision(all_of(check.outcome for check in own), (identified, *own), (only,))
    shown = tuple(
        # More images would decide which it is, too, so how many is not known.
        spread.get(ablation) or replace(each.check(f"{ablation}", parts[ablation]), more=None)
        for ablation in could_lead
    )
    outcomes = {check.outcome for check in shown}
    outcome = outcomes.pop() if len(outcomes) == 1 else Outcome.UNDECIDED
    few = could_lead if len(could_lead) <= MOST_TOGETHER else told_apart
    return Decision(outcome, (identified, *shown), tuple(few))


class _Rivals:
    """How many images each part's absence costs, or bounds on that."""

    def __init__(
        self,
        condition: Quantified,
        dropped: Sequence[Ablation],
        readout: Readout,
        confidence: float,
    ) -> None:
        self.name, self.dropped, self.readout = condition.for_class, dropped, readout
        scene = Scene(readout, None, confidence)
        row = None if self.name is None else scene.row(self.name)
        self.images = int(readout.support.sum() if row is None else readout.support[row])
        self.level = corrected(confidence, max(1, len(dropped) - 1))
        #: Images that are right without each part: at least, and at most.
        self.least = np.zeros(len(dropped), dtype=np.int64)
        self.most = np.full(len(dropped), self.images)
        self.known = np.array([identifiable(each, readout) for each in dropped])
        self._count(row)

    def _count(self, row: int | None) -> None:
        def of(counts: IntArray) -> int:
            return int(counts.sum() if row is None else counts[row])

        places = {ablation: place for place, ablation in enumerate(self.dropped)}
        told_apart = [each for each in self.dropped if self.known[places[each]]]
        for chunk in counted_in_turn(self.readout, told_apart):
            for ablation, result in chunk:
                self.least[places[ablation]] = self.most[places[ablation]] = of(result.right)
        blurred = [each for each in self.dropped if not self.known[places[each]]]
        droppable = [each for each in blurred if drops_one(each, self.readout)]
        if not droppable:
            return
        near, by_number = near_coinciding(self.readout, droppable)
        for first, last, numbers in spans(near.head.directions, sorted(by_number)):
            bounds = near.bounds(first, last)
            for number in numbers:
                place = places[by_number[number]]
                self.least[place], self.most[place] = of(bounds.least), of(bounds.most)

    def that_could_lead(self) -> list[int]:
        """Places of the parts that none of the others surely beats; never empty."""
        best = int(np.argmin(self.most))
        beaten = self._surely_more(int(self.most[best]))
        beaten[best] = False
        self._compare_by_image(best, beaten)
        return [int(place) for place in np.flatnonzero(~beaten)]

    def _surely_more(self, fewest: int) -> Array:
        """Which parts cost surely less than the best one, by their counts alone, [m].

        How many images are right without the one and wrong without the other is not known from
        counts, so the least favourable number is taken.
        """
        shared = 1 - (1 - self.level) / 2
        low, high = exact_ends(self.images, shared)
        beaten = np.zeros(len(self.dropped), dtype=bool)
        ahead = self.least - fewest
        for lead in np.unique(ahead[ahead > 0]):
            reverse = np.arange(min(fewest, self.images - fewest - lead) + 1)
            beaten[ahead == lead] = bool((low[reverse + lead] > high[reverse]).all())
        return beaten

    def _compare_by_image(self, best: int, beaten: Array) -> None:
        """Rule out more of them by what happens to each image."""
        if not self.known[best]:
            return
        open_still = np.flatnonzero(~beaten & self.known)
        open_still = open_still[open_still != best]
        most = _MOST_LOGITS // (len(self.readout) * len(self.readout.class_names))
        if len(self.dropped) > 100 and len(open_still) > most:
            # So many that could lead are left that these claims are undecided anyway.
            return
        without_best = by_image.right(self.readout, self.dropped[best], self.name)
        for place in open_still:
            without = by_image.right(self.readout, self.dropped[place], self.name)
            change = Change(
                int(((without == 1) & (without_best == 0)).sum()),
                int(((without == 0) & (without_best == 1)).sum()),
                self.images,
                self.level,
            )
            beaten[place] = change.lower > 0

    def named(self, places: Sequence[int]) -> str:
        """Which parts could be the one, and what is left without them, in words."""
        what = "accuracy" if self.name is None else f"recall of {class_words((self.name,))}"
        shown = sorted(places, key=lambda place: (int(self.least[place]), place))[:_NAMED]
        if len(places) == 1:
            return f"{_part(self.dropped[places[0]])}; without it {what} is {self._left(places[0])}"
        told = [f"{_part(self.dropped[place])} ({self._left(place)})" for place in shown]
        if len(places) > len(shown):
            told.append(f"{len(places) - len(shown)} more")
        return f"one of {len(places)}, by {what} without it: {listed(told)}"

    def _left(self, place: int) -> str:
        """The share of images that is right without a part."""
        low, high = (
            percent(int(count) / self.images, 1) for count in (self.least[place], self.most[place])
        )
        return f"{low} %" if low == high else f"{low} to {high} %"


def _part(dropped: Ablation) -> str:
    (index,) = dropped.indices
    noun = dropped.target.parted.noun
    return f"{noun} {index}" if isinstance(index, int) else f'{noun} "{index}"'
