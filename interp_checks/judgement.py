"""Judge a claim on a readout: instantiate it, measure, and put the outcomes together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

from .ablation import Ablation, family_members, keeping_first
from .claim import Claim, Quantified
from .fact_rules import checks_of_fact
from .facts import DirectionsSuffice, Fact
from .readout import Readout
from .rules import Scene, checks_of, summary
from .says import Costs, Say
from .thresholds import NEARLY_EVERY
from .verdict import Check, Outcome, Verdict, all_of, at_least


def judge(claim: Claim, readout: Readout, *, confidence: float | None = None) -> Verdict:
    """Judge one claim.

    Args:
        claim: what is said.
        readout: what it is said about.
        confidence: two-sided, of every interval; the readout's when left out. A claim that
            is false in the population "holds" with a probability of at most one minus this.

    Raises:
        NotJudgedError: the readout cannot answer (no such class or direction, no images).
    """
    level = confidence or readout.confidence
    says = cast("tuple[Say, ...]", claim.says)
    if claim.condition is None:
        fact = cast("Fact", claim.says[0])
        if isinstance(fact, DirectionsSuffice):
            kept = tuple(keeping_first(k) for k in range(fact.count, 0, -1))
            kept[0].kept(len(readout.directions))
            return _at_least(1, kept, (Costs("less", fact.points),), claim, readout, level)
        checks = checks_of_fact(fact, Scene(readout, None, level))
    elif isinstance(claim.condition, Quantified):
        members = quantified_ablations(claim.condition, len(readout.directions))
        needed = {
            "some": 1,
            "every": len(members),
            "nearly every": math.ceil(NEARLY_EVERY * len(members)),
        }[claim.condition.quantifier]
        return _at_least(needed, members, says, claim, readout, level)
    else:
        checks = checks_of(says, Scene(readout, claim.condition, level))
    return Verdict(claim, all_of(check.outcome for check in checks), checks, level)


def quantified_ablations(condition: Quantified, count: int) -> tuple[Ablation, ...]:
    """The ablations that a quantified claim is about, of a matrix with ``count`` directions.

    Ablations that keep the same directions are one ablation.
    """
    families = {"dropped": ("dropping",), "alone": ("only",)}.get(
        condition.over, ("first", "last", "dropping", "only")
    )
    members = (member for family in families for member in family_members(family, count))
    by_kept: dict[tuple[int, ...], Ablation] = {}
    for member in members:
        by_kept.setdefault(member.kept(count), member)
    return tuple(by_kept.values())


def judged_ablations(claim: Claim, count: int) -> tuple[Ablation, ...]:
    """Every ablation that a claim makes the judge look at."""
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
    claim: Claim,
    readout: Readout,
    confidence: float,
) -> Verdict:
    """So many of these ablations must do what the claim says.

    A wrong "holds" needs one of at least ``len(members) - needed + 1`` false statements to
    pass, so each is judged at an error divided by that number (partial conjunction with
    Bonferroni's correction).
    """
    each = 1 - (1 - confidence) / (len(members) - needed + 1)
    checks = []
    for ablation in members:
        found = checks_of(says, Scene(readout, ablation, each))
        outcome = all_of(check.outcome for check in found)
        words = f"{ablation}: {summary(found, outcome)}"
        checks.append(Check(outcome, "", " and ".join(map(str, says)), words))
    outcome = at_least(needed, [check.outcome for check in checks])
    return Verdict(claim, outcome, (_tally(needed, members, checks, outcome), *checks), confidence)


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
    )
