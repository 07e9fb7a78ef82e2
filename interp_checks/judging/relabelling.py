"""Whether demands are met by the classes that a claim names, or by any classes put in their place.

"Any" means that a different class of the head can be meant by each name. Trying all
K! / (K - c)! ways is hopeless for many classes, and not needed: demands of single classes ask for
a perfect matching of K rows with c names and K - c places of "not named", and Hall's theorem says
when there is one. Names that are asked the same are one group, so there are few conditions. Only
where images of one class must go to another are the classes involved tried one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations

import numpy as np

from interp_checks.arrays import Array, IntArray
from interp_checks.claims.sample import Demands
from interp_checks.errors import NotJudgedError

#: Ways to put classes in the place of a source and its targets that are tried one by one.
_MOST_WAYS = 5_000
#: Groups of names that are asked different things; the conditions double with each.
_MOST_GROUPS = 10


def as_named(demands: Demands, names: Sequence[str]) -> Array:
    """In which cases the classes that are named meet the demands, [M].

    Args:
        demands: of the claim.
        names: of the head's classes, K.

    Raises:
        NotJudgedError: the head has no such class.
    """
    met = demands.always.copy()
    for several, satisfied in demands.named:
        met &= satisfied[:, _rows(several, names)].all(axis=1)
    for but, satisfied in demands.others:
        rest = [row for row, name in enumerate(names) if name not in but]
        met &= satisfied[:, rest].all(axis=1)
    for source, targets, goes in demands.goes:
        met &= goes(_rows((source,), names)[0], _rows(targets, names))
    return np.asarray(met)


def _rows(several: Sequence[str], names: Sequence[str]) -> list[int]:
    unknown = [name for name in several if name not in names]
    if unknown:
        raise NotJudgedError(f"there is no class {unknown[0]}")
    return [names.index(name) for name in several]


def too_many(demands: Demands, classes: int) -> bool:
    """Whether it would take too long to ask for any classes."""
    ways = 1
    for place in range(len(_bound(demands))):
        ways *= max(1, classes - place)
    return ways > _MOST_WAYS or len(_groups(demands, _bound(demands))) > _MOST_GROUPS


def by_any(demands: Demands, support: IntArray) -> Array:
    """In which cases some classes, put in the place of those named, meet the demands, [M].

    Args:
        demands: of the claim.
        support: images of each class, [K]; recall of a class without any is not asked for.
    """
    bound = _bound(demands)
    groups = _groups(demands, bound)
    held = np.zeros(demands.cases, dtype=bool)
    free_sizes = [len(names) for names in groups]
    free_would_do = [_would_do(demands, names[0], support) for names in groups]
    would_do = {name: _would_do(demands, name, support) for name in bound}
    nobody = _would_do(demands, None, support)
    for rows in permutations(range(len(support)), len(bound)):
        row_of = dict(zip(bound, rows, strict=True))
        met = demands.always.copy()
        for name, row in row_of.items():
            met &= would_do[name][:, row]
        if not met.any():
            continue
        for source, targets, goes in demands.goes:
            met &= goes(row_of[source], [row_of[name] for name in targets])
        if not met.any():
            continue
        rest = [row for row in range(len(support)) if row not in rows]
        places = [nobody[:, rest], *(each[:, rest] for each in free_would_do)]
        sizes = [len(rest) - sum(free_sizes), *free_sizes]
        held |= met & _can_be_matched(places, sizes)
    return held


def _bound(demands: Demands) -> tuple[str, ...]:
    """Names that must be tried one by one: where images come from, and where they go."""
    names = [name for source, targets, _ in demands.goes for name in (source, *targets)]
    return tuple(dict.fromkeys(names))


def _groups(demands: Demands, bound: tuple[str, ...]) -> list[list[str]]:
    """The other names, those together of which the same is asked."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for name in demands.classes:
        if name not in bound:
            named = [name in several for several, _ in demands.named]
            spoken_of = [name in but for but, _ in demands.others]
            key = (*named, *spoken_of, name in demands.measured)
            groups.setdefault(key, []).append(name)
    return list(groups.values())


def _would_do(demands: Demands, name: str | None, support: IntArray) -> Array:
    """Which rows could be meant by a name, or by none, as far as single classes go, [M, K]."""
    met = np.ones((demands.cases, len(support)), dtype=bool)
    if name in demands.measured:
        met &= support > 0
    for several, satisfied in demands.named:
        if name in several:
            met &= satisfied
    for but, satisfied in demands.others:
        if name not in but:
            met &= satisfied
    return met


def _can_be_matched(places: Sequence[Array], sizes: Sequence[int]) -> Array:
    """Whether rows can be dealt out to places of these sizes, each row once, [M].

    Hall's theorem (1935), for places that take several: any of them together must have at least
    as many rows that would do as they have room.

    Args:
        places: [M, rows] each, which rows would do.
        sizes: their sum is the number of rows.
    """
    met = np.ones(len(places[0]), dtype=bool)
    if min(sizes) < 0:
        return ~met
    for count in range(1, len(places) + 1):
        for chosen in combinations(range(len(places)), count):
            would_do = np.logical_or.reduce([places[place] for place in chosen])
            met &= would_do.sum(axis=1) >= sum(sizes[place] for place in chosen)
    return met
