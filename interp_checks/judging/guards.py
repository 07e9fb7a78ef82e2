"""What could make a verdict mean less than it seems: vacuous claims, and the choice of gauge."""

from __future__ import annotations

from interp_checks.ablations.ablation import keeping_no_direction
from interp_checks.claims.claim import Claim
from interp_checks.claims.quantified import Quantified
from interp_checks.claims.scene import Scene
from interp_checks.errors import NotJudgedError
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.threshold_check import Outcome, all_of

from .decide import checks_of, decide


def notes_on(
    claim: Claim, readout: Readout, confidence: float, outcome: Outcome
) -> tuple[str, ...]:
    """Warnings about a verdict, in words."""
    notes = []
    if outcome == Outcome.HOLDS and claim.condition and _vacuous(claim, readout, confidence):
        left = claim.condition.target.rest_words
        notes.append(f"vacuous: with no direction left, {left} does the same")
    other = _in_other_gauge(claim, readout, confidence)
    if other is not None and other != str(outcome):
        notes.append(f"depends on the gauge: {other} with the {readout.other_gauge.gauge} weight")
    return tuple(notes)


def _vacuous(claim: Claim, readout: Readout, confidence: float) -> bool:
    """Whether a head with nothing left would satisfy the claim."""
    if claim.condition is None:
        return False
    nothing = keeping_no_direction().of(claim.condition.target)
    if claim.condition == nothing:
        return False
    checks = checks_of(claim.effects, Scene(readout, nothing, confidence))
    return all_of(check.outcome for check in checks) == Outcome.HOLDS


def _in_other_gauge(claim: Claim, readout: Readout, confidence: float) -> str | None:
    """The outcome in the gauge that the readout is not in; None if the gauge cannot matter."""
    if claim.fact is not None and not claim.fact.depends_on_gauge:
        return None
    named = [ablation.target for ablation in claim.ablations]
    if isinstance(claim.condition, Quantified):
        named.append(claim.condition.target)
    if named and not any(target.has_gauge for target in named):
        return None
    try:
        return str(decide(claim, readout.other_gauge, confidence).outcome)
    except NotJudgedError:
        return "not judged"
