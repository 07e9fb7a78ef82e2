"""What could have been ablated in the place of what a claim names: as much, of the same family."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product
from math import comb

from interp_checks.ablations.ablation import Ablation, family_members
from interp_checks.ablations.directions import Directions
from interp_checks.wording import listed

#: For each ablation that a claim names, what stands in its place.
StandIns = Mapping[Ablation, Ablation]


def stand_ins_of(ablation: Ablation, parts: int | Directions) -> tuple[Ablation, ...]:
    """The family that an ablation was chosen from, with itself, of these parts or of so many.

    Every set of as many parts dropped, or kept; every k for "the first k" and "the last k".
    All parts together are no ablation, so that k counts only where the claim names it.
    """
    if ablation.kind in ("dropping", "only"):
        alone = family_members("only", parts, ablation.target)
        every = [member.indices[0] for member in alone]
        chosen = combinations(every, len(ablation.indices))
        return tuple(replace(ablation, indices=indices) for indices in chosen)
    if ablation.kind in ("first", "last"):
        width = parts if isinstance(parts, int) else len(parts)
        counts = dict.fromkeys([*range(1, width), *ablation.indices])
        return tuple(replace(ablation, indices=(count,)) for count in counts)
    return (ablation,)


def family_size(ablation: Ablation, parts: int | Directions) -> int:
    """How many :func:`stand_ins_of` gives, without making them."""
    width = parts if isinstance(parts, int) else len(parts)
    if ablation.kind in ("dropping", "only"):
        return comb(width, len(ablation.indices))
    return len(stand_ins_of(ablation, parts))


def all_stand_ins(
    ablations: Sequence[Ablation], families: Sequence[Sequence[Ablation]]
) -> Iterator[StandIns]:
    """Every way to choose one of each family."""
    for chosen in product(*families):
        yield dict(zip(ablations, chosen, strict=True))


def over_words(ablations: Sequence[Ablation], classes: int) -> str:
    """What is free to be chosen: ``some direction and class``.

    Args:
        ablations: that a claim names.
        classes: how many it names.
    """
    chosen = [ablation for ablation in ablations if ablation.indices]
    words = {_words(ablation) for ablation in chosen}
    plurals = {ablation.target.parted.plural for ablation in chosen}
    where = words.pop() if len(words) == 1 else listed(sorted(plurals))
    return f"some {where}" + (f" and {'class' if classes == 1 else 'classes'}" if classes else "")


def _words(ablation: Ablation) -> str:
    if ablation.kind in ("first", "last"):
        return "k"
    size, cut = len(ablation.indices), ablation.target.parted
    return cut.noun if size == 1 else f"set of {size} {cut.plural}"
