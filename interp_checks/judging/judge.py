"""Judge a claim on a readout: instantiate it, measure, and put the outcomes together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import combinations
from typing import cast

from interp_checks.ablations.ablation import (
    Ablation,
    dropping,
    family_members,
    keeping_first,
    keeping_only,
)
from interp_checks.claims.claim import Claim, Quantified
from interp_checks.claims.fact_rules import checks_of_fact
from interp_checks.claims.facts import DirectionsCarry, DirectionsSuffice, Fact
from interp_checks.claims.rules import Scene, checks_of, summary
from interp_checks.claims.says import Costs, Say
from interp_checks.counting.identifiability import identifiable, require_identifiable
from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.levels import corrected, failing, marked
from interp_checks.statistics.sample_size import Needs, least, merged
from interp_checks.thresholds import NEARLY_EVERY

from .chance import by_chance
from .verdict import Check, Outcome, Verdict, all_of, at_least, open_needs

#: A claim about some or every set of so many directions looks at so many sets.
_MOST_SETS = 2_000


def judge(
    claim: Claim | str,
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
    from .guards import notes_on

    if isinstance(claim, str):
        claim = Claim.parse(claim)
    level = readout.confidence if confidence is None else confidence
    if not 0 < level < 1:
        raise InterpChecksError(
            f"the confidence {level} is not a probability",
            expected="a number between 0 and 1, such as 0.95",
        )
    outcome, checks = decide(claim, readout, level)
    context: tuple[str, ...] = ()
    advice = ""
    if outcome != Outcome.HOLDS:
        from .explanation import advice_on, context_of

        context = context_of(claim, readout, checks)
        if outcome == Outcome.FAILS:
            advice, none_does = advice_on(claim, readout, level)
            context = (*context, none_does) if none_does else context
    return Verdict(
        claim,
        outcome,
        checks,
        level,
        chance=by_chance(claim, readout, rotations, anywhere=True),
        notes=notes_on(claim, readout, level, outcome),
        context=context,
        advice=advice,
    )


def decide(claim: Claim, readout: Readout, confidence: float) -> tuple[Outcome, tuple[Check, ...]]:
    """The outcome of a claim at a confidence, and the comparisons it rests on.

    Raises:
        NotJudgedError: the readout cannot answer.
    """
    says = cast("tuple[Say, ...]", claim.says)
    if isinstance(claim.condition, Quantified):
        count = len(readout.directions_of(claim.condition.target))
        members = quantified_ablations(claim.condition, count)
        needed = {
            "some": 1,
            "every": len(members),
            "nearly every": math.ceil(NEARLY_EVERY * len(members)),
        }[claim.condition.quantifier]
        return _at_least(needed, members, says, readout, confidence)
    if claim.condition is not None:
        for ablation in claim.ablations:
            require_identifiable(ablation, readout)
        checks = checks_of(says, Scene(readout, claim.condition, confidence))
        return _all(checks, confidence)
    fact = cast("Fact", claim.says[0])
    if isinstance(fact, DirectionsSuffice):
        most = min(fact.count, len(readout.directions))
        kept = tuple(keeping_first(k) for k in range(most, 0, -1))
        return _at_least(1, kept, (Costs("less", fact.points),), readout, confidence)
    for ablation in claim.ablations:
        require_identifiable(ablation, readout)
    if isinstance(fact, DirectionsCarry):
        require_identifiable(keeping_first(fact.count), readout)
    return _all(checks_of_fact(fact, Scene(readout, None, confidence)), confidence)


def _all(checks: Sequence[Check], confidence: float) -> tuple[Outcome, tuple[Check, ...]]:
    """Comparisons that must all hold; each fails only as one of so many."""
    checks = failing(checks, confidence)
    return all_of(check.outcome for check in checks), marked(checks, confidence)


def smallest_error(claim: Claim, readout: Readout) -> float:
    """The smallest error (one minus the confidence) at which a claim holds: its p-value.

    1.0 for a claim that holds at no confidence; never below ``1e-12``.

    Raises:
        NotJudgedError: the readout cannot answer.
    """

    def holds(log_error: float) -> bool:
        return decide(claim, readout, 1 - 10**log_error)[0] == Outcome.HOLDS

    low, high = -12.0, math.log10(0.5)
    if not holds(high):
        return 1.0
    if holds(low):
        return 10**low
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return float(10**high)


def quantified_ablations(condition: Quantified, count: int) -> tuple[Ablation, ...]:
    """The ablations that a quantified claim is about, of a matrix with ``count`` directions.

    Ablations that keep the same directions are one ablation.
    """
    target = condition.target
    families = {"dropped": ("dropping",), "alone": ("only",)}.get(
        condition.over, ("first", "last", "dropping", "only")
    )
    members: Iterable[Ablation] = (
        member for family in families for member in family_members(family, count, target)
    )
    if condition.size > 1:
        members = _sets_of(condition, count)
    by_kept: dict[tuple[int, ...], Ablation] = {}
    for member in members:
        by_kept.setdefault(member.kept(count), member)
    return tuple(by_kept.values())


def _sets_of(condition: Quantified, count: int) -> tuple[Ablation, ...]:
    """All sets of so many directions.

    Raises:
        NotJudgedError: there is none, or too many.
    """
    found = math.comb(count, condition.size)
    if not 0 < found <= _MOST_SETS:
        raise NotJudgedError(
            f"the sets of {condition.size} directions cannot be looked at one by one",
            found=f"{found:,} sets of {count} directions",
            expected=f"1 to {_MOST_SETS:,}",
        )
    make = dropping if condition.over == "dropped" else keeping_only
    every = combinations(range(1, count + 1), condition.size)
    return tuple(make(*chosen).of(condition.target) for chosen in every)


def judged_ablations(claim: Claim, count: int) -> tuple[Ablation, ...]:
    """Every ablation that a claim makes the judge look at, of weights with so many directions."""
    if isinstance(claim.condition, Quantified):
        return quantified_ablations(claim.condition, count)
    fact = claim.says[0]
    if isinstance(fact, DirectionsSuffice):
        return tuple(keeping_first(k) for k in range(min(fact.count, count), 0, -1))
    return claim.ablations


def _at_least(
    needed: int,
    members: Sequence[Ablation],
    says: Sequence[Say],
    readout: Readout,
    confidence: float,
) -> tuple[Outcome, tuple[Check, ...]]:
    """So many of these ablations must do what the claim says.

    A wrong "holds" needs one of at least ``len(members) - needed + 1`` false statements to
    pass, so each holds at an error divided by that number (partial conjunction with
    Bonferroni's correction). A wrong "fails" needs one of ``needed`` true statements to fail, so
    each fails at an error divided by ``needed``, and by the number of its comparisons. An
    ablation that splits directions which cannot be told apart stays undecided.
    """
    holding = corrected(confidence, len(members) - needed + 1)
    against = corrected(confidence, needed)
    said = " and ".join(map(str, says))
    checks = []
    for ablation in members:
        found = failing(checks_of(says, Scene(readout, ablation, holding)), against)
        found = marked(found, confidence)
        outcome = all_of(check.outcome for check in found)
        words = summary(found, outcome)
        parts = found
        more: Callable[[], Needs] | None = partial(open_needs, found)
        if not identifiable(ablation, readout):
            # No number of images helps here.
            outcome, words, more = Outcome.UNDECIDED, "cannot be told from its neighbour", None
            parts = ()
        leans = all(check.leans for check in found if check.outcome == Outcome.UNDECIDED)
        checks.append(
            Check(
                outcome,
                "",
                said,
                f"{ablation}: {words}",
                more=more,
                leans=leans,
                parts=parts,
                wanted=(len(parts), len(parts)) if parts else None,
            )
        )
    outcome = at_least(needed, [check.outcome for check in checks])
    return outcome, (_tally(needed, members, checks, outcome), *checks)


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
