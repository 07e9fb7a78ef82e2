"""What could make a verdict mean less than it seems: vacuous claims, the gauge, the fill."""

from __future__ import annotations

from interp_checks.ablations.ablation import keeping_no_direction
from interp_checks.ablations.fill import FILLS, every_fill
from interp_checks.claims.claim import Claim
from interp_checks.claims.quantified import Quantified
from interp_checks.claims.scene import Scene, summary
from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.threshold_check import Outcome, all_of

from .decide import comes_to, decide
from .draws import fills_of
from .members import checks_of

#: A claim is judged on many draws of another image's, to see what that fill does, if one draw
#: takes no more logits than so many.
_MOST_WORK = 2 * 10**8
#: Features less their mean are made, to see what another fill does, if they take less than this.
_MOST_BYTES = 256 * 2**20


def notes_on(
    claim: Claim, readout: Readout, confidence: float, outcome: Outcome
) -> tuple[str, ...]:
    """Warnings about a verdict, in words."""
    notes = []
    if outcome == Outcome.HOLDS and claim.condition and _vacuous(claim, readout, confidence):
        target = claim.condition.target
        left, fill = target.rest_words, target.fill or readout.fill
        if fill != "zero":
            every = f"all {target.parted.plural}"
            left += " with " + FILLS[fill].of_others.replace("the others", every)
        notes.append(f"vacuous: with no {target.parted.noun} left, {left} does the same")
    other = None
    if not _open_and_large(claim, readout, outcome):
        other = _in_other_gauge(claim, readout, confidence)
    if other is not None and other != str(outcome):
        notes.append(f"depends on the gauge: {other} with the {readout.other_gauge.gauge} weight")
    return tuple(notes)


def fill_note(claim: Claim, readout: Readout, confidence: float, outcome: Outcome) -> str:
    """A warning where the verdict is another with another thing in the place of what is left out.

    Empty where it is the same, for claims that leave nothing out of the output layer or say
    themselves what stands in its place, and for heads so large that features less something else
    would take much memory. Where a claim looks at very many logits, only a fill that is not drawn
    at random is tried.
    """
    fills = fills_of(claim, readout)
    if claim.targets or fills != {readout.fill} or claim.names_fill:
        return ""
    if 8 * readout.features.size > _MOST_BYTES or _open_and_large(claim, readout, outcome):
        return ""
    others = []
    making = readout.features.size * len(readout.class_names)
    much = max(making // 8, _work(claim, readout)) > _MOST_WORK
    for name in every_fill():
        if name == readout.fill or (much and FILLS[name].draws > 1):
            continue
        filled = readout.filled_with(name)
        try:
            if comes_to(claim, filled, confidence, outcome):
                continue
            decision = decide(claim, filled, confidence)
        except InterpChecksError:
            # Not judged, or numbers that are too large for float64 with this fill alone.
            continue
        told = decision.spread or summary(decision.checks, decision.outcome)
        others.append(f"{decision.outcome} with {FILLS[name].words} ({told})")
    return "depends on the fill: " + "; ".join(others) if others else ""


def _work(claim: Claim, readout: Readout) -> int:
    """Logits that are compared to judge a claim once."""
    condition, ablations = claim.condition, len(claim.ablations)
    if isinstance(condition, Quantified):
        ablations = len(condition.members(readout.directions_of(condition.target)))
    return ablations * len(readout) * len(readout.class_names)


def _open_and_large(claim: Claim, readout: Readout, outcome: Outcome) -> bool:
    """Whether a claim is undecided, and to see what else it could be would take as long again."""
    return outcome == Outcome.UNDECIDED and _work(claim, readout) > _MOST_WORK


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
