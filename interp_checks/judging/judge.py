"""Judge a claim on a readout: decide, and look at what could make the verdict mean less."""

from __future__ import annotations

from interp_checks.ablations.verbs import Stated
from interp_checks.claims.claim import Claim
from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.threshold_check import Outcome

from .chance import by_chance, has_chance
from .decide import decide
from .explanation import advice_on, context_of
from .guards import fill_note, notes_on
from .verdict import Verdict


def judge(
    claim: Stated | str,
    readout: Readout,
    *,
    confidence: float | None = None,
    rotations: int = 0,
) -> Verdict:
    """Judge one claim, and look at what could make its verdict mean less than it seems.

    Args:
        claim: what is said, as a value or a sentence.
        readout: what it is said about.
        confidence: two-sided, of every interval; the readout's when left out. A claim that
            is false in the population "holds" with a probability of at most one minus this.
        rotations: random rotations for the rate of chance; none by default.

    Raises:
        ClaimSyntaxError: the sentence is not in the language.
        NotJudgedError: the readout cannot answer (no such class or direction, no images, or
            a direction that cannot be told from its neighbour).
    """
    if isinstance(claim, str):
        claim = Claim.parse(claim)
    if not isinstance(claim, Claim):
        raise InterpChecksError(
            f"this is no claim: {claim!r}",
            expected="a sentence, or a Claim: dropping(5).kills(8)",
        )
    level = readout.confidence if confidence is None else confidence
    if not 0 < level < 1:
        raise InterpChecksError(
            f"the confidence {level} is not a probability",
            expected="a number between 0 and 1, such as 0.95",
        )
    if claim.seeds is not None:
        raise NotJudgedError(
            "this is said of many checkpoints, and judged on a record of them",
            remedy="pytest SUITES --interp-record=FILE.db; interp-checks study makes one",
        )
    outcome, checks, ablations, spread, draw = decide(claim, readout, level)
    context: tuple[str, ...] = ()
    advice = ""
    if outcome != Outcome.HOLDS:
        context = context_of(claim, readout.drawn(draw), checks, ablations)
        if outcome == Outcome.FAILS:
            advice, none_does = advice_on(claim, readout, level)
            context = (*context, none_does) if none_does else context
    warnings = notes_on(claim, readout, level, outcome)
    depends = fill_note(claim, readout, level, outcome)
    chance = by_chance(claim, readout, rotations, anywhere=True)
    unknown = ""
    if chance is None and rotations and has_chance(claim):
        unknown = "chance is not measured: random parts of weights of this size take too long"
    notes = tuple(filter(None, (spread, *warnings, depends, unknown)))
    return Verdict(
        claim,
        outcome,
        checks,
        level,
        ablations=ablations,
        chance=chance,
        notes=notes,
        context=context,
        advice=advice,
    )
