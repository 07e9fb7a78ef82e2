"""What becomes of each of several ablations, whether its directions can be told apart or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from interp_checks.ablations.ablation import Ablation
from interp_checks.claims.end_scene import EndScene, end_result
from interp_checks.claims.predicate import Effect
from interp_checks.claims.scene import Scene, summary
from interp_checks.counting.near_coinciding import NearCoinciding, spans
from interp_checks.counting.sweep import sweep
from interp_checks.errors import NotJudgedError
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.levels import failing, marked
from interp_checks.statistics.threshold_check import Check, Outcome, all_of, open_needs


def checks_of(effects: Sequence[Effect], scene: Scene) -> tuple[Check, ...]:
    """Measure everything that a claim says about one ablation, in order.

    Raises:
        NotJudgedError: the readout has no such class or direction, or no images of it.
    """
    checks: list[Check] = []
    for effect in effects:
        checks += effect.checks(scene)
        scene.name(effect.named_classes)
    return tuple(checks)


class Members:
    """The ablations of a claim, each of which is looked at on its own.

    Args:
        effects: what the claim says of each.
        readout: what is judged.
        holding: the confidence at which one of them holds.
        against: at which one fails.
        confidence: of the claim; other ones are written beside an interval.
    """

    def __init__(
        self,
        effects: Sequence[Effect],
        readout: Readout,
        holding: float,
        against: float,
        confidence: float,
    ) -> None:
        self.effects, self.readout = effects, readout
        self.holding, self.against, self.confidence = holding, against, confidence
        self.said = " and ".join(map(str, effects))

    def parts(self, ablation: Ablation) -> tuple[Check, ...]:
        """The comparisons of one ablation."""
        return self._parts(Scene(self.readout, ablation, self.holding))

    def _parts(self, scene: Scene) -> tuple[Check, ...]:
        return failing(checks_of(self.effects, scene), self.against)

    def check(self, words: str, measured: Sequence[Check]) -> Check:
        """What became of one ablation, by its comparisons."""
        parts = marked(measured, self.confidence)
        outcome = all_of(check.outcome for check in parts)
        return Check(
            outcome,
            "",
            self.said,
            f"{words}: {summary(parts, outcome)}",
            more=partial(open_needs, parts),
            leans=all(check.leans for check in parts if check.outcome == Outcome.UNDECIDED),
            parts=parts,
            wanted=(len(parts), len(parts)) if parts else None,
        )

    def checks_of_spans(self, blurred: Sequence[Ablation]) -> Iterator[dict[Ablation, Check]]:
        """What becomes of ablations that cannot be told from their neighbours, span by span.

        Nothing of those that have no bounds, or where a bound on recalls is none on what this
        claim asks for.
        """
        droppable = [each for each in blurred if drops_one(each, self.readout)]
        if not droppable:
            return
        near, by_number = near_coinciding(self.readout, droppable)
        for first, last, numbers in spans(near.head.directions, sorted(by_number)):
            check = self._check_of_span(near, first, last, by_number[numbers[0]])
            if check is None:
                return
            yield {
                by_number[number]: replace(check, measured=f"{by_number[number]}: {check.measured}")
                for number in numbers
            }

    def unknown(self, ablation: Ablation) -> Check:
        """What is said of one that cannot be told from its neighbours, and has no bounds."""
        # No number of images helps here.
        words = f"{ablation}: cannot be told from its neighbour"
        return Check(Outcome.UNDECIDED, "", self.said, words)

    def _check_of_span(
        self, near: NearCoinciding, first: int, last: int, ablation: Ablation
    ) -> Check | None:
        """What becomes of an ablation of any direction of a span, with bounds on all of them."""
        bounds, intact = near.bounds(first, last), sweep(self.readout, ()).intact
        ends = []
        for right, both in (
            (bounds.least, bounds.both_least),
            (bounds.most, bounds.both_most),
        ):
            end = end_result(str(ablation), right, both, intact, self.holding)
            scene = EndScene(self.readout, ablation, self.holding, end=end)
            try:
                ends.append(marked(self._parts(scene), self.confidence))
            except NotJudgedError:
                return None
        low, high = ends
        outcomes = [_at_both_ends(*pair) for pair in zip(low, high, strict=True)]
        outcome = all_of(outcomes)
        place = outcomes.index(outcome)
        ranges = low[place].measured
        if high[place].measured != ranges:
            ranges += f" to {high[place].measured}"
        words = (
            f"whichever of directions {first} to {last} it is, {low[place].quantity} is {ranges}"
        )
        if outcome == Outcome.UNDECIDED:
            words = f"cannot be told from its neighbour; {words}"
        return Check(outcome, "", self.said, words)


def near_coinciding(
    readout: Readout, droppable: Sequence[Ablation]
) -> tuple[NearCoinciding, dict[int, Ablation]]:
    """The head whose directions are dropped one at a time, and these ablations by number."""
    target = droppable[0].target
    head = readout.seen(target.cut, target.fill)
    return NearCoinciding(head), {int(each.indices[0]): each for each in droppable}


def _at_both_ends(low: Check, high: Check) -> Outcome:
    """The outcome of a comparison of something between two ends, on which it depends one way.

    One that counts how many comparisons hold could fail at both ends and hold between them.
    """
    alike = (low.quantity, low.expected) == (high.quantity, high.expected)
    if not alike or low.outcome != high.outcome:
        return Outcome.UNDECIDED
    return Outcome.UNDECIDED if low.outcome == Outcome.FAILS and low.parts else low.outcome


def drops_one(ablation: Ablation, readout: Readout) -> bool:
    """Whether an ablation drops one singular direction of the output layer, replaced by nothing.

    What another image puts in its place is a number of each image's own, for which there is no
    bound.
    """
    target = ablation.target
    if target.inside or ablation.family != "dropping" or len(ablation.indices) != 1:
        return False
    return target.cut == "direction" and readout.seen(target.cut, target.fill).rest is None
