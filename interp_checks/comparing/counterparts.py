"""How alike two directions must be before they count as the same one.

Class-side vectors of heads that have nothing to do with each other are taken as unit vectors in
uniformly random directions: of R^K, or of its K - 1 dimensions at right angles to (1, ..., 1)
where the weight is centred. The squared cosine of two of them has a Beta(1/2, (d - 1)/2)
distribution; of a random line with a random space of q dimensions, Beta(q/2, (d - q)/2).
"""

from __future__ import annotations

import math
from functools import lru_cache

from interp_checks.thresholds import COUNTERPART, MATCHED_BY_CHANCE


@lru_cache(maxsize=4096)
def needed_cosine(
    dimension: int,
    candidates: int,
    *,
    narrow: int = 1,
    wide: int = 1,
    error: float = MATCHED_BY_CHANCE,
) -> float:
    """The cosine that the best of some candidates reaches by chance with at most this error.

    At least 0.9 (:data:`~interp_checks.thresholds.COUNTERPART`); infinite where no cosine will
    do, as in one dimension, in which any two vectors are the same. For subspaces it is that of
    the largest principal angle.

    Args:
        dimension: of the space that the vectors are random in.
        candidates: directions (or sets of them) that the best one is picked from.
        narrow: dimensions of the smaller of two subspaces; 1 for directions.
        wide: dimensions of the larger.
        error: probability that one of the candidates reaches it.
    """
    allowed = error / max(1, candidates)
    if wide >= dimension:
        return math.inf
    if _by_chance(COUNTERPART, dimension, narrow, wide) <= allowed:
        return COUNTERPART
    low, high = COUNTERPART, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _by_chance(middle, dimension, narrow, wide) <= allowed:
            high = middle
        else:
            low = middle
    return high


def _by_chance(cosine: float, dimension: int, narrow: int, wide: int) -> float:
    """How often the smallest principal cosine of two random subspaces reaches a value, at most.

    The matrix of the projection is a product of triangular factors whose squared diagonal
    entries are independent Beta((q - i)/2, (d - q)/2), i below p (Muirhead, Aspects of
    Multivariate Statistical Theory, 1982, theorem 3.3.3), and its smallest eigenvalue is below
    each of them. For p = 1 this is exact.
    """
    from scipy.special import betainc

    chance = 1.0
    for place in range(narrow):
        # The upper tail, by the symmetry of the Beta distribution.
        ends = (dimension - wide) / 2, (wide - place) / 2
        chance *= float(betainc(*ends, 1 - cosine**2))
    return chance
