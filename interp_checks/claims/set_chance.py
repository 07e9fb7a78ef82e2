"""Under which random cuts a set of directions kills or carries a class, and no part of it does."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from interp_checks.ablations.ablation import Ablation, dropping, keeping_no_direction, keeping_only
from interp_checks.arrays import Array
from interp_checks.counting.random_cuts import Rotated

from .demands import Cases
from .set_facts import AreRedundant, IsKillSet, IsSufficientSet

#: Facts about sets of directions for which chance is measured.
MeasuredFact = IsKillSet | IsSufficientSet | AreRedundant
#: The same, to ask whether something is one.
MEASURED_FACTS = (IsKillSet, IsSufficientSet, AreRedundant)


def set_fact_holds(fact: MeasuredFact, rotated: Rotated) -> Array:
    """Under which rotations the set of a fact is so for each class, [R, K].

    That nothing else does so ("the only") is not asked, so that chance is not understated.
    """

    def killed(*dropped: int) -> Array:
        counts = rotated.counts(dropping(*dropped))
        return np.asarray(Cases(counts, rotated.intact).killed)

    def spared(ablation: Ablation) -> Array:
        return np.asarray(Cases(rotated.counts(ablation), rotated.intact).spared)

    numbers = fact.directions
    parts = [part for size in range(1, len(numbers)) for part in combinations(numbers, size)]
    if isinstance(fact, AreRedundant):
        one, other = numbers
        return np.asarray(killed(*numbers) & spared(dropping(one)) & spared(dropping(other)))
    if isinstance(fact, IsKillSet):
        held = killed(*numbers)
        for part in parts:
            held &= ~killed(*part)
        return np.asarray(held)
    held = spared(keeping_only(*numbers)) & ~spared(keeping_no_direction())
    for part in parts:
        held &= ~spared(keeping_only(*part))
    return np.asarray(held)
