"""Which directions of an update are new: none of the base's points the same way.

Low-rank fine-tuning leaves singular directions behind that the base weight did not have
("intruder dimensions": Shuttleworth, Andreas, Torralba and Sharma, 2024, arXiv 2410.21228).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interp_checks.ablations.directions import Directions
from interp_checks.errors import InterpChecksError

#: A direction whose largest absolute cosine with the base's is less is an intruder.
LEAST = 0.6


@dataclass(frozen=True)
class Likeness:
    """How near one direction of an update comes to any of the base's.

    Args:
        direction: its number, from 1.
        closest: the number of the base's direction that it is most like.
        cosine: the larger of its absolute cosines on the two sides, with that direction.
        intruder: whether that is less than the least that counts as a counterpart.
    """

    direction: int
    closest: int
    cosine: float
    intruder: bool


def intruders(update: Directions, base: Directions, least: float = LEAST) -> Sequence[Likeness]:
    """Compare each direction of an update that carries something with those of the base weight.

    Args:
        update: of W_new − W_base, or of an adapter.
        base: of W_base, the same shape.
        least: the absolute cosine from which on two directions are counterparts.

    Raises:
        InterpChecksError: the weights have different shapes, or ``least`` is no cosine.
    """
    if not 0 < least <= 1:
        raise InterpChecksError(f"{least} is not a cosine", expected="more than 0, at most 1")
    shapes = [(len(each.classes), len(each.hidden)) for each in (update, base)]
    if shapes[0] != shapes[1]:
        raise InterpChecksError(
            "an update and its base are of one shape", found=" and ".join(map(str, shapes))
        )
    new, old = _carrying(update), _carrying(base)
    sides = [update.hidden.T @ base.hidden, update.classes.T @ base.classes]
    cosines = np.abs(sides).max(axis=0)[:new, :old]
    found = []
    for number, row in enumerate(cosines, start=1):
        largest = float(row.max())
        found.append(Likeness(number, int(row.argmax()) + 1, largest, largest < least))
    return found


def _carrying(directions: Directions) -> int:
    """How many of the first directions carry something; at least one."""
    values = directions.singular_values
    return max(1, int((values > 1e-12 * values[0]).sum()))
