"""What could have been ablated in the place of what a claim names: as much, of the same family."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product
from math import comb

from interp_checks.ablations.ablation import Ablation

#: For each ablation that a claim names, what stands in its place.
StandIns = Mapping[Ablation, Ablation]


def stand_ins_of(ablation: Ablation, width: int) -> tuple[Ablation, ...]:
    """The family that an ablation was chosen from, with itself, of so many directions.

    Every set of as many directions dropped, or kept; every k for "the first k" and "the last k".
    All directions together are no ablation, so that k counts only where the claim names it.
    """
    if ablation.kind in ("dropping", "only"):
        chosen = combinations(range(1, width + 1), len(ablation.indices))
        return tuple(replace(ablation, indices=indices) for indices in chosen)
    if ablation.kind in ("first", "last"):
        counts = dict.fromkeys([*range(1, width), *ablation.indices])
        return tuple(replace(ablation, indices=(count,)) for count in counts)
    return (ablation,)


def family_size(ablation: Ablation, width: int) -> int:
    """How many :func:`stand_ins_of` gives, without making them."""
    if ablation.kind in ("dropping", "only"):
        return comb(width, len(ablation.indices))
    return len(stand_ins_of(ablation, width))


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
    words = {_words(ablation) for ablation in ablations if ablation.indices}
    where = words.pop() if len(words) == 1 else "directions"
    return f"some {where}" + (f" and {'class' if classes == 1 else 'classes'}" if classes else "")


def _words(ablation: Ablation) -> str:
    if ablation.kind in ("first", "last"):
        return "k"
    size = len(ablation.indices)
    return "direction" if size == 1 else f"set of {size} directions"
