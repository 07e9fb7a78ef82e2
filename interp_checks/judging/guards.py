"""What could make a verdict mean less than it seems: vacuous claims, and the choice of gauge."""

from __future__ import annotations

from typing import cast

from interp_checks.ablations.ablation import keeping_no_direction
from interp_checks.claims import facts
from interp_checks.claims.claim import Claim, Quantified
from interp_checks.claims.rules import Scene, checks_of
from interp_checks.claims.says import Say
from interp_checks.claims.set_facts import SET_FACTS
from interp_checks.errors import NotJudgedError
from interp_checks.readouts.readout import Readout

from .verdict import Outcome, all_of

#: Facts that speak of directions or of rows of the weight, which depend on the gauge.
_OF_WEIGHTS = (
    facts.DirectionsCarry,
    facts.PrincipalDirections,
    facts.DirectionsSuffice,
    facts.RowOrthogonalTo,
    facts.RowOrthogonalToNone,
    facts.NearlyOrthogonalPairs,
    facts.MostRowsOblique,
    *SET_FACTS,
)


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
    says = cast("tuple[Say, ...]", claim.says)
    checks = checks_of(says, Scene(readout, nothing, confidence))
    return all_of(check.outcome for check in checks) == Outcome.HOLDS


def _in_other_gauge(claim: Claim, readout: Readout, confidence: float) -> str | None:
    """The outcome in the gauge that the readout is not in; None if the gauge cannot matter."""
    from .judge import decide

    if claim.condition is None and not isinstance(claim.says[0], _OF_WEIGHTS):
        return None
    named = [one.target for one in claim.ablations]
    if isinstance(claim.condition, Quantified):
        named.append(claim.condition.target)
    if named and not any(target.has_gauge for target in named):
        return None
    try:
        return str(decide(claim, readout.other_gauge, confidence)[0])
    except NotJudgedError:
        return "not judged"
