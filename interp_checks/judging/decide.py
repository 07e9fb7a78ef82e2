"""The outcome of a claim at a confidence, and the comparisons that it rests on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

from interp_checks.ablations.ablation import Ablation
from interp_checks.claims.claim import Claim
from interp_checks.claims.predicate import Effect
from interp_checks.claims.quantified import Quantified
from interp_checks.claims.scene import Scene, summary
from interp_checks.counting.identifiability import identifiable, require_identifiable
from interp_checks.counting.sweep import sweep
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.levels import corrected, failing, marked
from interp_checks.statistics.sample_size import Needs, least, merged
from interp_checks.statistics.threshold_check import Check, Outcome, all_of, at_least, open_needs

from .decision import Decision
from .draws import agrees, draws_of, over_draws

#: Ablations of a quantified claim that are counted at once: at most so many, and so many bytes.
_MOST_TOGETHER = 256
_TOGETHER_BYTES = 64 * 2**20


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
        members = condition.members(readout.directions_of(condition.target))
        needed = condition.needed(len(members))
        return _at_least(needed, members, claim.effects, readout, confidence)
    if fact is not None:
        instances = fact.as_some_of(len(readout.directions))
        if instances is not None:
            members, effect = instances
            return _at_least(1, members, (effect,), readout, confidence)
    for ablation in claim.ablations if fact is None else fact.told_apart:
        require_identifiable(ablation, readout)
    scene = Scene(readout, condition, confidence)
    checks = tuple(fact.checks(scene)) if fact is not None else checks_of(claim.effects, scene)
    checks = failing(checks, confidence)
    outcome = all_of(check.outcome for check in checks)
    return Decision(outcome, marked(checks, confidence), claim.ablations)


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


def _at_least(
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
    each fails at an error divided by ``needed``, and by the number of its comparisons. An
    ablation that splits directions which cannot be told apart stays undecided.
    """
    holding = corrected(confidence, len(members) - needed + 1)
    against = corrected(confidence, needed)
    said = " and ".join(map(str, effects))
    told_apart = [ablation for ablation in members if identifiable(ablation, readout)]
    measured = {
        ablation: failing(checks_of(effects, Scene(readout, ablation, holding)), against)
        # Where none can be told apart, one is measured to see that the claim can be judged at all.
        for ablation in _counted_together(readout, told_apart or members[:1])
    }
    known = set(told_apart)
    checks = []
    for ablation in members:
        if ablation not in known:
            # No number of images helps here.
            words = f"{ablation}: cannot be told from its neighbour"
            checks.append(Check(Outcome.UNDECIDED, "", said, words))
            continue
        parts = marked(measured[ablation], confidence)
        outcome = all_of(check.outcome for check in parts)
        checks.append(
            Check(
                outcome,
                "",
                said,
                f"{ablation}: {summary(parts, outcome)}",
                more=partial(open_needs, parts),
                leans=all(check.leans for check in parts if check.outcome == Outcome.UNDECIDED),
                parts=parts,
                wanted=(len(parts), len(parts)) if parts else None,
            )
        )
    outcome = at_least(needed, [check.outcome for check in checks])
    checks = [_tally(needed, members, checks, outcome), *checks]
    return Decision(outcome, tuple(checks), tuple(members))


def _counted_together(readout: Readout, members: Sequence[Ablation]) -> Iterator[Ablation]:
    """The ablations, of which as many are counted at once as are kept: that is much quicker."""
    size = 8 * len(readout.class_names) ** 2
    together = max(1, min(_MOST_TOGETHER, _TOGETHER_BYTES // size))
    for start in range(0, len(members), together):
        chunk = members[start : start + together]
        sweep(readout, chunk)
        yield from chunk


def _tally(
    needed: int, members: Sequence[Ablation], checks: Sequence[Check], outcome: Outcome
) -> Check:
    """How many of the ablations do what the claim says, and which."""
    doing = [
        ablation.label
        for ablation, check in zip(members, checks, strict=True)
        if check.outcome == Outcome.HOLDS
    ]
    undecided = sum(check.outcome == Outcome.UNDECIDED for check in checks)
    named = "; ".join(doing[:4]) + (" ..." if len(doing) > 4 else "")
    measured = f"{len(doing)} of {len(members)}" + (f" ({named})" if doing else "")
    if undecided:
        measured += f", {undecided} undecided"
    return Check(
        outcome,
        "number of ablations that do so",
        f"at least {needed}",
        measured,
        value=float(len(doing)),
        more=partial(_tally_needs, needed, checks),
        tally=True,
        parts=tuple(checks),
        wanted=(needed, len(checks)),
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
