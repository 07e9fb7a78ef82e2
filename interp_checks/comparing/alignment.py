"""Read a claim about one checkpoint's directions as a claim about another's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from interp_checks.ablations.ablation import Ablation, Kind
from interp_checks.claims.claim import Claim
from interp_checks.claims.predicate import Translation
from interp_checks.errors import NotJudgedError

from .matching import Matching
from .part_matching import PartsOf


def aligned(claim: Claim, matching: Matching, parts_of: PartsOf | None = None) -> Claim:
    """The claim with every numbered direction replaced by its counterpart.

    Args:
        claim: about the old checkpoint's directions.
        matching: of the old checkpoint's directions to the new one's.
        parts_of: matches units and parts of one's own by their class vectors; they are found again
            by their numbers or names when left out.

    Raises:
        NotJudgedError: a direction of the claim has no counterpart.
    """
    translation = _ByMatching(matching, parts_of)
    condition = claim.condition
    says = tuple(predicate.translated(translation) for predicate in claim.says)
    if isinstance(condition, Ablation):
        condition = translation.of_ablation(condition)
    return replace(claim, condition=condition, says=says)


class _ByMatching(Translation):
    """Directions read as those that they are matched with."""

    def __init__(self, matching: Matching, parts_of: PartsOf | None) -> None:
        self._matching, self._parts_of = matching, parts_of

    def of_ablation(self, ablation: Ablation) -> Ablation:
        by_itself = ablation.target.parted.counterpart == "itself"
        if by_itself and self._parts_of is not None and not ablation.target.inside:
            return self._parts_of(ablation.target.cut).translated(ablation)
        return _translated(ablation, self._matching)

    def of_direction(self, direction: int) -> int:
        return _counterpart(direction, self._matching)

    def of_directions(self, directions: Sequence[int]) -> tuple[int, ...]:
        return tuple(sorted(_counterparts(tuple(directions), self._matching)))


def _translated(ablation: Ablation, matching: Matching) -> Ablation:
    if ablation.target.inside:
        raise NotJudgedError(
            f"{ablation}: only directions of the output layer have counterparts",
            remedy="judge this claim without --interp-align",
        )
    cut = ablation.target.parted
    if cut.counterpart == "none":
        raise NotJudgedError(
            f"{ablation}: {cut.plural} have no counterparts in another checkpoint",
            remedy="judge this claim without --interp-align",
        )
    if not ablation.indices or cut.counterpart == "itself":
        return ablation
    count = len(matching.matches)
    kept = ablation.kept(count)
    if ablation.kind in ("first", "last"):
        return _run(ablation, kept, matching, count)
    return replace(ablation, indices=tuple(sorted(_counterparts(ablation.numbers, matching))))


def _counterparts(indices: tuple[int, ...], matching: Matching) -> set[int]:
    """What a set of directions is now; directions that cannot be told apart go together."""
    counterparts: set[int] = set()
    for index in indices:
        match = matching[index]
        together = len(match.old_group) > 1 and set(match.old_group) <= set(indices)
        if together and match.same_subspace:
            counterparts |= set(match.group)
        else:
            counterparts.add(_counterpart(index, matching))
    return counterparts


def _run(ablation: Ablation, kept: tuple[int, ...], matching: Matching, count: int) -> Ablation:
    """The first (last) k directions: the same words if they are the first (last) k there, too."""
    # What stays and what goes say the same; the smaller of the two needs fewer counterparts.
    gone = tuple(index for index in range(1, count + 1) if index not in kept)
    if not gone:
        return ablation
    named = kept if len(kept) <= len(gone) else gone
    counterparts = _counterparts(named, matching)
    if counterparts == set(named) and matching.new_count == count:
        return ablation
    kind: Kind = "only" if named is kept else "dropping"
    return Ablation(kind, tuple(counterparts), ablation.target)


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
