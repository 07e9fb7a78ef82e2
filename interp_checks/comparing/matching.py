"""Which direction of one checkpoint is which of another, if any.

Directions are matched through their class-side vectors vᵢ, which two checkpoints share (the
classes have names), unlike the hidden side, whose units can be permuted freely.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from interp_checks.arrays import FloatArray
from interp_checks.errors import InterpChecksError
from interp_checks.readouts.readout import Readout
from interp_checks.thresholds import COUNTERPART, MATCHED_BY_CHANCE, TURNED

from .counterparts import needed_cosine

#: A part of a unit vector that is rounding.
_TINY = 1e-6


@dataclass(frozen=True)
class Match:
    """What became of one direction.

    Args:
        old: its number in the old checkpoint.
        new: the number of its counterpart; None if there is none.
        cosine: absolute cosine between the class-side vectors of the best assignment.
        closest: the number that the best assignment gave it, counterpart or not.
        group: numbers of the new checkpoint's directions that cannot be told from the
            counterpart (itself among them); with several, the match is that of subspaces.
        subspace: smallest cosine of the principal angles between the old group and the new.
        old_group: numbers of the old checkpoint's directions that cannot be told from this one.
        needed: the cosine from which on it is a counterpart; infinite where none would do.
        same_subspace: whether the old group and the new are the same space, not by chance.
    """

    old: int
    new: int | None
    cosine: float
    closest: int | None
    group: tuple[int, ...]
    subspace: float
    old_group: tuple[int, ...] = ()
    needed: float = COUNTERPART
    same_subspace: bool = False

    @property
    def matchable(self) -> bool:
        """Whether any cosine could tell a counterpart from chance."""
        return math.isfinite(self.needed)

    @property
    def shown(self) -> str:
        """The cosine, with enough digits to tell it from the one that is needed."""
        if self.cosine < COUNTERPART:
            return f"{self.cosine:.2f}"
        return f"{math.floor(1e4 * self.cosine) / 1e4:.4f}"

    @property
    def least(self) -> str:
        """The cosine that is needed, rounded up."""
        return f"{math.ceil(1e4 * self.needed) / 1e4:g}"

    def __str__(self) -> str:
        if self.new is not None:
            return f"{self.old} -> {self.new} (cosine {self.cosine:.2f})"
        if not self.matchable:
            return f"{self.old} -> none (so few classes that any two heads agree)"
        near = f"closest is {self.closest}, " if self.closest else ""
        short = self.cosine >= COUNTERPART
        least = f", {self.least} needed with so few classes" if short else ""
        return f"{self.old} -> none ({near}cosine {self.shown}{least})"


@dataclass(frozen=True)
class Matching:
    """The assignment of all directions of an old readout to those of a new one.

    Args:
        matches: one for each old direction, in order.
        new_count: how many directions the new readout has.
    """

    matches: tuple[Match, ...]
    new_count: int

    def __iter__(self) -> Iterator[Match]:
        return iter(self.matches)

    def __getitem__(self, old: int) -> Match:
        for match in self.matches:
            if match.old == old:
                return match
        raise KeyError(f"the old checkpoint has no direction {old}")

    def __str__(self) -> str:
        return ", ".join(map(str, self.matches))


def match_directions(old: Readout, new: Readout) -> Matching:
    """Assign directions one to one so that the sum of absolute cosines is largest.

    Signs do not matter, and neither does the order of the classes. A pair is a counterpart if its
    absolute cosine is at least 0.9, or more where heads that have nothing to do with each other
    would reach that for more than 5 % of their directions
    (:func:`~interp_checks.comparing.counterparts.needed_cosine`). Directions that cannot be told
    apart by their singular values are compared as subspaces, by principal angles, besides.

    Raises:
        InterpChecksError: the two have other classes.
    """
    from scipy.optimize import linear_sum_assignment

    if set(old.class_names) != set(new.class_names):
        raise InterpChecksError(
            "directions of models with other classes cannot be matched",
            found=", ".join(new.class_names),
            expected=", ".join(old.class_names),
        )
    # Classes are known by name: their order is that of the outputs, and says nothing.
    order = [new.class_names.index(name) for name in old.class_names]
    old_units, new_units = unit_columns(old), unit_columns(new)[order]
    cosines = np.abs(old_units.T @ new_units)
    assigned = dict(zip(*linear_sum_assignment(-cosines), strict=True))
    old_groups, new_groups = groups(old), groups(new)
    dimension, candidates = _dimension(old, new), len(new.directions)
    matches = []
    for index in range(len(old.directions)):
        if index not in assigned:
            least = needed_cosine(dimension, candidates)
            matches.append(Match(index + 1, None, 0.0, None, (), 0.0, needed=least))
            continue
        closest = int(assigned[index])
        cosine = float(min(1.0, cosines[index, closest]))
        mine = next(group for group in old_groups if index + 1 in group)
        # What the whole group was assigned to, with all that cannot be told from that.
        theirs = sorted(
            {
                number
                for member in mine
                if member - 1 in assigned
                for group in new_groups
                if assigned[member - 1] + 1 in group
                for number in group
            }
        )
        subspace = _smallest_principal_cosine(old_units, mine, new_units, tuple(theirs))
        # With two ways to match, each may do so by chance half as often.
        error = MATCHED_BY_CHANCE / (1 if len(mine) == 1 else 2)
        needed = needed_cosine(dimension, candidates, error=error)
        same_subspace = subspace >= needed_cosine(
            dimension,
            math.comb(candidates, len(theirs)),
            narrow=min(len(mine), len(theirs)),
            wide=max(len(mine), len(theirs)),
            error=error,
        )
        # Within a plane that has no axes of its own, any direction may stand for any other.
        same = cosine >= needed or (len(mine) > 1 and same_subspace)
        matches.append(
            Match(
                index + 1,
                closest + 1 if same else None,
                cosine,
                closest + 1,
                tuple(theirs),
                subspace,
                mine,
                needed,
                same_subspace,
            )
        )
    return Matching(tuple(matches), len(new.directions))


def _dimension(old: Readout, new: Readout) -> int:
    """Dimensions of the space that class-side vectors of any two heads like these lie in.

    One less than classes where no vector has a part along (1, ..., 1): the weight is centred, by
    its gauge or by itself (a direction of its own along it has no weight then, and no effect).
    """
    size = len(old.class_names)
    along = [np.abs(unit_columns(readout).sum(axis=0)) / math.sqrt(size) for readout in (old, new)]
    centred = [bool(((part < _TINY) | (part > 1 - _TINY)).all()) for part in along]
    return size - 1 if any(centred) else size


def unit_columns(readout: Readout) -> FloatArray:
    """Class-side vectors [K, r] in the readout's gauge; they are unit vectors."""
    return readout.directions.classes


def groups(readout: Readout) -> list[tuple[int, ...]]:
    """Runs of neighbouring directions that cannot be told apart, most of length one."""
    directions = readout.directions
    runs: list[list[int]] = []
    for number in range(1, len(directions) + 1):
        split = tuple(range(1, number))
        if runs and directions.turn(split, within=True) > TURNED:
            runs[-1].append(number)
        else:
            runs.append([number])
    return [tuple(run) for run in runs]


def _smallest_principal_cosine(
    old: FloatArray, old_group: tuple[int, ...], new: FloatArray, new_group: tuple[int, ...]
) -> float:
    """Of the principal angles between the spans of some columns, the cosine of the largest."""
    old_columns = old[:, [number - 1 for number in old_group]]
    new_columns = new[:, [number - 1 for number in new_group]]
    values = np.linalg.svd(old_columns.T @ new_columns, compute_uv=False)
    return float(min(1.0, values[: min(len(old_group), len(new_group))].min()))
