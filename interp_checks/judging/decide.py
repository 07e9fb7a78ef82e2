"""The outcome of a claim at a confidence, and the comparisons that it rests on."""

from __future__ import annotations

import math
from functools import partial

from interp_checks.claims.claim import Claim
from interp_checks.claims.quantified import Quantified
from interp_checks.claims.scene import Scene
from interp_checks.counting.identifiability import require_identifiable
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.levels import failing, marked
from interp_checks.statistics.threshold_check import Outcome, all_of

from .decision import Decision
from .draws import agrees, draws_of, over_draws
from .leading import decide_leading
from .members import checks_of
from .several import decide_several


def decide(claim: Claim, readout: Readout, confidence: float) -> Decision:
    """Measure what a claim says, and put the outcomes together.

    Raises:
        NotJudgedError: the readout cannot answer.
    """
    draws = draws_of(claim, readout)
    if draws > 1:
        return over_draws(partial(_decide, claim), readout, draws, confidence)
    return _decide(claim, readout, confidence)


def comes_to(claim: Claim, readout: Readout, confidence: float, outcome: Outcome) -> bool:
    """Whether :func:`decide` comes to an outcome, which can be known sooner than all of it.

    Raises:
        NotJudgedError: the readout cannot answer.
    """
    draws = draws_of(claim, readout)
    if draws > 1:
        return agrees(partial(_decide, claim), readout, draws, confidence, outcome)
    return _decide(claim, readout, confidence).outcome == outcome


def _decide(claim: Claim, readout: Readout, confidence: float) -> Decision:
    """The same on one draw of what stands in the place of what is left out."""
    condition, fact = claim.condition, claim.fact
    if isinstance(condition, Quantified):
        if condition.leading:
            return decide_leading(condition, claim.effects, readout, confidence)
        members = condition.members(readout.directions_of(condition.target))
        needed = condition.needed(len(members))
        return decide_several(needed, members, claim.effects, readout, confidence)
    if fact is not None:
        instances = fact.as_some_of(len(readout.directions))
        if instances is not None:
            members, effect = instances
            return decide_several(1, members, (effect,), readout, confidence)
    for ablation in claim.ablations if fact is None else fact.told_apart:
        require_identifiable(ablation, readout)
    scene = Scene(readout, condition, confidence)
    checks = tuple(fact.checks(scene)) if fact is not None else checks_of(claim.effects, scene)
    checks = failing(checks, confidence)
    outcome = all_of(check.outcome for check in checks)
    return Decision(outcome, marked(checks, confidence), claim.ablations)


def smallest_error(claim: Claim, readout: Readout) -> float:
    """The smallest error (one minus the confidence) at which a claim holds: its p-value.

    1.0 for a claim that holds at no confidence; never below ``1e-12``.

    Raises:
        NotJudgedError: the readout cannot answer.
    """

    def holds(log_error: float) -> bool:
        return decide(claim, readout, 1 - 10**log_error).outcome == Outcome.HOLDS

    low, high = -12.0, math.log10(0.5)
    if not holds(high):
        return 1.0
    if holds(low):
        return 10**low
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return float(10**high)
