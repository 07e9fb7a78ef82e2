"""Claims about several ablations, so many of which must do what is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from interp_checks.ablations.ablation import Ablation
from interp_checks.claims.end_scene import EndScene, end_result
from interp_checks.claims.predicate import Effect
from interp_checks.claims.scene import MOST_TOGETHER, Scene, counted_in_turn, summary
from interp_checks.counting.identifiability import identifiable
from interp_checks.counting.near_coinciding import NearCoinciding, spans
from interp_checks.counting.sweep import sweep
from interp_checks.errors import NotJudgedError
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.levels import corrected, failing, marked
from interp_checks.statistics.sample_size import Needs, least, merged
from interp_checks.statistics.threshold_check import Check, Outcome, all_of, at_least, open_needs

from .decision import Decision


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


def decide_several(
    needed: int,
    members: Sequence[Ablation],
    effects: Sequence[Effect],
    readout: Readout,
    confidence: float,
) -> Decision:
    """So many of these ablations must do what the claim says.

    A wrong "holds" needs one of at least ``len(members) - needed + 1`` false statements to
    pass, so each holds at an error divided by that number (partial conjunction with
    Bonferroni's correction). A wrong "fails" needs one of ``needed`` true statements to fail, so
    each fails at an error divided by ``needed``, and by the number of its comparisons.

    Ablations that split directions which cannot be told apart are decided where every direction
    of their span does the same, and stay undecided otherwise. As soon as the outcome is certain,
    no more of many ablations are counted.
    """
    return _Several(needed, members, effects, readout, confidence).decision()


class _Several:
    """The ablations of a claim, and what became of each so far."""

    def __init__(
        self,
        needed: int,
        members: Sequence[Ablation],
        effects: Sequence[Effect],
        readout: Readout,
        confidence: float,
    ) -> None:
        self.needed, self.members, self.effects = needed, members, effects
        self.readout, self.confidence = readout, confidence
        self.holding = corrected(confidence, len(members) - needed + 1)
        self.against = corrected(confidence, needed)
        self.said = " and ".join(map(str, effects))
        self.checks: dict[Ablation, Check] = {}
        self.counted: list[Ablation] = []

    def decision(self) -> Decision:
        """Look at what can be told apart first, which is quick and says most."""
        told_apart = [each for each in self.members if identifiable(each, self.readout)]
        # Where none can be told apart, one is measured to see that the claim can be judged at all.
        for chunk in counted_in_turn(self.readout, told_apart or self.members[:1]):
            for ablation, _ in chunk:
                self.counted.append(ablation)
                parts = self._parts(Scene(self.readout, ablation, self.holding))
                if told_apart:
                    self.checks[ablation] = self._check(f"{ablation}", parts)
            if self._certain():
                return self._put_together()
        known = set(told_apart)
        self._look_at_spans([each for each in self.members if each not in known])
        return self._put_together()

    def _parts(self, scene: Scene) -> tuple[Check, ...]:
        return failing(checks_of(self.effects, scene), self.against)

    def _check(self, words: str, measured: Sequence[Check]) -> Check:
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

    def _certain(self) -> bool:
        """Whether whatever becomes of the others cannot change the outcome."""
        known = [check.outcome for check in self.checks.values()]
        left = len(self.members) - len(known)
        return bool(left) and (
            known.count(Outcome.HOLDS) >= self.needed
            or len(self.members) - known.count(Outcome.FAILS) < self.needed
        )

    def _look_at_spans(self, blurred: Sequence[Ablation]) -> None:
        """Decide ablations that cannot be told from their neighbours where all of these agree."""
        droppable = [each for each in blurred if _drops_one(each, self.readout)]
        if not droppable:
            return
        target = droppable[0].target
        head = self.readout.seen(target.cut, target.fill)
        by_number = {int(each.indices[0]): each for each in droppable}
        near = NearCoinciding(head)
        for first, last, numbers in spans(head.directions, sorted(by_number)):
            check = self._check_of_span(near, first, last, by_number[numbers[0]])
            if check is None:
                return  # a bound on recalls is none on what this claim asks for
            for number in numbers:
                words = f"{by_number[number]}: {check.measured}"
                self.checks[by_number[number]] = replace(check, measured=words)
            if self._certain():
                return

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

    def _put_together(self) -> Decision:
        checks = [self.checks.get(each) or self._unknown(each) for each in self.members]
        outcome = at_least(self.needed, [check.outcome for check in checks])
        if self._certain():
            # What was not looked at is left out: there is nothing to be said of it.
            checks = [self.checks[each] for each in self.members if each in self.checks]
        tally = _tally(self.needed, self.members, self.checks, checks, outcome)
        # Tables show all of a few, and of many those that were counted.
        few = len(self.members) <= MOST_TOGETHER
        return Decision(outcome, (tally, *checks), tuple(self.members if few else self.counted))

    def _unknown(self, ablation: Ablation) -> Check:
        # No number of images helps here.
        words = f"{ablation}: cannot be told from its neighbour"
        return Check(Outcome.UNDECIDED, "", self.said, words)


def _at_both_ends(low: Check, high: Check) -> Outcome:
    """The outcome of a comparison of something between two ends, on which it depends one way.

    One that counts how many comparisons hold could fail at both ends and hold between them.
    """
    alike = (low.quantity, low.expected) == (high.quantity, high.expected)
    if not alike or low.outcome != high.outcome:
        return Outcome.UNDECIDED
    return Outcome.UNDECIDED if low.outcome == Outcome.FAILS and low.parts else low.outcome


def _drops_one(ablation: Ablation, readout: Readout) -> bool:
    """Whether an ablation drops one singular direction of the output layer, replaced by nothing.

    What another image puts in its place is a number of each image's own, for which there is no
    bound.
    """
    target = ablation.target
    if target.inside or ablation.family != "dropping" or len(ablation.indices) != 1:
        return False
    return target.cut == "direction" and readout.seen(target.cut, target.fill).rest is None


def _tally(
    needed: int,
    members: Sequence[Ablation],
    known: dict[Ablation, Check],
    checks: Sequence[Check],
    outcome: Outcome,
) -> Check:
    """How many of the ablations do what the claim says, and which."""
    doing = [each.label for each, check in known.items() if check.outcome == Outcome.HOLDS]
    undecided = sum(check.outcome == Outcome.UNDECIDED for check in checks)
    named = "; ".join(doing[:4]) + (" ..." if len(doing) > 4 else "")
    measured = f"{len(doing)} of {len(checks)}" + (f" ({named})" if doing else "")
    if undecided:
        measured += f", {undecided} undecided"
    if len(checks) < len(members):
        measured += f"; {len(members) - len(checks)} more cannot change that"
    return Check(
        outcome,
        "number of ablations that do so",
        f"at least {needed}",
        measured,
        value=float(len(doing)),
        more=partial(_tally_needs, needed, checks),
        tally=True,
        parts=tuple(checks),
        wanted=(needed, len(members)),
    )


def _tally_needs(needed: int, checks: Sequence[Check]) -> Needs:
    """What decides how many ablations do something.

    "Some": the first that leans towards it, or all if none does. "Every": the first that leans
    against it, or all. In between: all.
    """
    if needed == len(checks):
        return open_needs(checks)
    undecided = [check for check in checks if check.outcome == Outcome.UNDECIDED and check.more]
    towards = [check.more() for check in undecided if check.more and check.leans]
    if needed == 1 and towards:
        return least(towards)
    return merged(check.more() for check in undecided if check.more)
