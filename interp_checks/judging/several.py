"""Claims about several ablations, so many of which must do what is said."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from interp_checks.ablations.ablation import Ablation
from interp_checks.claims.predicate import Effect
from interp_checks.claims.scene import MOST_TOGETHER, counted_in_turn
from interp_checks.counting.identifiability import identifiable
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.levels import corrected
from interp_checks.statistics.sample_size import Needs, least, merged
from interp_checks.statistics.threshold_check import Check, Outcome, at_least, open_needs

from .decision import Decision
from .members import Members


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
        self.needed, self.members, self.readout = needed, members, readout
        holding = corrected(confidence, len(members) - needed + 1)
        against = corrected(confidence, needed)
        self.each = Members(effects, readout, holding, against, confidence)
        self.checks: dict[Ablation, Check] = {}
        self.counted: list[Ablation] = []

    def decision(self) -> Decision:
        """Look at what can be told apart first, which is quick and says most."""
        told_apart = [each for each in self.members if identifiable(each, self.readout)]
        # Where none can be told apart, one is measured to see that the claim can be judged at all.
        for chunk in counted_in_turn(self.readout, told_apart or self.members[:1]):
            for ablation, _ in chunk:
                self.counted.append(ablation)
                parts = self.each.parts(ablation)
                if told_apart:
                    self.checks[ablation] = self.each.check(f"{ablation}", parts)
            if self._certain():
                return self._put_together()
        known = set(told_apart)
        blurred = [each for each in self.members if each not in known]
        for checks in self.each.checks_of_spans(blurred):
            self.checks |= checks
            if self._certain():
                break
        return self._put_together()

    def _certain(self) -> bool:
        """Whether whatever becomes of the others cannot change the outcome."""
        known = [check.outcome for check in self.checks.values()]
        left = len(self.members) - len(known)
        return bool(left) and (
            known.count(Outcome.HOLDS) >= self.needed
            or len(self.members) - known.count(Outcome.FAILS) < self.needed
        )

    def _put_together(self) -> Decision:
        checks = [self.checks.get(each) or self.each.unknown(each) for each in self.members]
        outcome = at_least(self.needed, [check.outcome for check in checks])
        if self._certain():
            # What was not looked at is left out: there is nothing to be said of it.
            checks = [self.checks[each] for each in self.members if each in self.checks]
        tally = _tally(self.needed, self.members, self.checks, checks, outcome)
        # Tables show all of a few, and of many those that were counted.
        few = len(self.members) <= MOST_TOGETHER
        return Decision(outcome, (tally, *checks), tuple(self.members if few else self.counted))


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
