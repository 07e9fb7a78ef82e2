"""What could make a verdict mean less than it seems: vacuous claims, the gauge, the fill."""

from __future__ import annotations

from interp_checks.ablations.ablation import keeping_no_direction
from interp_checks.ablations.fills import FILLS
from interp_checks.claims.claim import Claim
from interp_checks.claims.quantified import Quantified
from interp_checks.claims.scene import Scene, summary
from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.threshold_check import Outcome, all_of

from .decide import checks_of, decide

#: Features less their mean are made, to see what another fill does, if they take less than this.
_MOST_BYTES = 256 * 2**20


def notes_on(
    claim: Claim, readout: Readout, confidence: float, outcome: Outcome
) -> tuple[str, ...]:
    """Warnings about a verdict, in words."""
    notes = []
    if outcome == Outcome.HOLDS and claim.condition and _vacuous(claim, readout, confidence):
        left = claim.condition.target.rest_words
        if readout.fill == "mean":
            left = "the bias with the means of all directions"
        notes.append(f"vacuous: with no direction left, {left} does the same")
    other = _in_other_gauge(claim, readout, confidence)
    if other is not None and other != str(outcome):
        notes.append(f"depends on the gauge: {other} with the {readout.other_gauge.gauge} weight")
    return tuple(notes)


def fill_note(claim: Claim, readout: Readout, confidence: float, outcome: Outcome) -> str:
    """A warning where the verdict is another with another thing in the place of what is left out.

    Empty where it is the same, for claims that leave nothing out of the output layer, and for heads
    so large that features less their mean would take much memory.
    """
    about_sets = any(predicate.about_sets for predicate in claim.says)
    leaves_out = claim.condition or about_sets or claim.judged_ablations(len(readout.directions))
    if claim.targets or not leaves_out or 8 * readout.features.size > _MOST_BYTES:
        return ""
    other = readout.other_fill
    try:
        decision = decide(claim, other, confidence)
    except InterpChecksError:
        # Not judged, or numbers that are too large for float64 with the other fill alone.
        return ""
    if decision.outcome == outcome:
        return ""
    told = summary(decision.checks, decision.outcome)
    return (
        f"depends on the fill: {decision.outcome} if what is left out is replaced by "
        f"{FILLS[other.fill]} ({told})"
    )


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
