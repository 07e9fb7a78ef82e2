"""Read a claim about one checkpoint's directions as a claim about another's."""

from __future__ import annotations

from dataclasses import replace

from interp_checks.ablations.ablation import Ablation, keeping_first
from interp_checks.claims.claim import Claim
from interp_checks.claims.says import PredictsTheSame, Revives
from interp_checks.claims.set_facts import (
    SET_FACTS,
    AreRedundant,
    FirstAreBest,
    HasLargestShapley,
    IsKillSet,
    IsSufficientSet,
    SetFact,
)
from interp_checks.errors import NotJudgedError

from .matching import Matching


def aligned(claim: Claim, matching: Matching) -> Claim:
    """The claim with every numbered direction replaced by its counterpart.

    Args:
        claim: about the old checkpoint's directions.
        matching: of the old checkpoint's directions to the new one's.

    Raises:
        NotJudgedError: a direction of the claim has no counterpart.
    """
    says = tuple(
        replace(say, compared_with=_translated(say.compared_with, matching))
        if isinstance(say, Revives)
        else replace(say, other=_translated(say.other, matching))
        if isinstance(say, PredictsTheSame)
        else _fact(say, matching)
        if isinstance(say, SET_FACTS)
        else say
        for say in claim.says
    )
    condition = claim.condition
    if isinstance(condition, Ablation):
        condition = _translated(condition, matching)
    return Claim(condition, says)


def _fact(fact: SetFact, matching: Matching) -> SetFact:
    """A fact about sets of directions on their counterparts."""
    if isinstance(fact, (IsKillSet, IsSufficientSet, AreRedundant)):
        return replace(fact, directions=tuple(sorted(_counterparts(fact.directions, matching))))
    if isinstance(fact, HasLargestShapley):
        return replace(fact, direction=_counterpart(fact.direction, matching))
    if isinstance(fact, FirstAreBest):
        first = keeping_first(fact.count)
        if _translated(first, matching) != first:
            raise NotJudgedError(f"{fact}: these are not the first directions any more")
    return fact


def _translated(ablation: Ablation, matching: Matching) -> Ablation:
    if ablation.target.inside:
        raise NotJudgedError(
            f"{ablation}: only directions of the output layer have counterparts",
            remedy="judge this claim without --interp-align",
        )
    if not ablation.indices:
        return ablation
    count = len(matching.matches)
    kept = ablation.kept(count)
    if ablation.kind in ("first", "last"):
        return _run(ablation, kept, matching, count)
    return Ablation(ablation.kind, tuple(sorted(_counterparts(ablation.indices, matching))))


def _counterparts(indices: tuple[int, ...], matching: Matching) -> set[int]:
    """What a set of directions is now; directions that cannot be told apart go together."""
    found: set[int] = set()
    for index in indices:
        match = matching[index]
        together = len(match.old_group) > 1 and set(match.old_group) <= set(indices)
        if together and match.same_subspace:
            found |= set(match.group)
        else:
            found.add(_counterpart(index, matching))
    return found


def _run(ablation: Ablation, kept: tuple[int, ...], matching: Matching, count: int) -> Ablation:
    """The first (last) k directions: the same words if they are the first (last) k there, too."""
    # What stays and what goes say the same; the smaller of the two needs fewer counterparts.
    gone = tuple(index for index in range(1, count + 1) if index not in kept)
    if not gone:
        return ablation
    named = kept if len(kept) <= len(gone) else gone
    found = _counterparts(named, matching)
    if found == set(named) and matching.new_count == count:
        return ablation
    return Ablation("only" if named is kept else "dropping", tuple(found))


def _counterpart(index: int, matching: Matching) -> int:
    match = matching[index]
    if match.new is not None:
        return match.new
    if not match.matchable:
        raise NotJudgedError(
            f"direction {index} of the reference cannot be matched by its class vector",
            found="so few classes that any two heads have the same one",
            remedy="judge this claim without --interp-align",
        )
    raise NotJudgedError(
        f"direction {index} of the reference has no counterpart",
        found=f"the closest is direction {match.closest}, absolute cosine {match.shown}"
        if match.closest
        else "no direction left to match it with",
        expected=f"an absolute cosine of at least {match.least} between the class vectors",
    )
