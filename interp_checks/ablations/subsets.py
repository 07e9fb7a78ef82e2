"""Every subset of directions, numbered by the bits of a mask: bit i - 1 is direction i."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np

from interp_checks.arrays import Array, IntArray
from interp_checks.errors import InterpChecksError

from .ablation import (
    Ablation,
    dropping,
    keeping_every_direction,
    keeping_no_direction,
    keeping_only,
)
from .target import OUTPUT_LAYER

#: All subsets of so many directions are about a million; beyond that they are sampled.
MOST_DIRECTIONS = 20


class Subsets(Sequence[Ablation]):
    """All 2**r sets of r directions; number m keeps direction i where bit i - 1 of m is set.

    Raises:
        InterpChecksError: there are more than 20 directions, or none.
    """

    def __init__(self, directions: int) -> None:
        if not 1 <= directions <= MOST_DIRECTIONS:
            raise InterpChecksError(
                "all subsets of the directions cannot be counted",
                found=f"{directions} directions",
                expected=f"1 to {MOST_DIRECTIONS}",
                remedy="sample them: interp_checks.sample_shapley",
            )
        self.directions = directions

    def __len__(self) -> int:
        return 1 << self.directions

    @overload
    def __getitem__(self, number: int) -> Ablation: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Ablation]: ...
    def __getitem__(self, number: int | slice) -> Ablation | Sequence[Ablation]:
        if isinstance(number, slice):
            return tuple(self[each] for each in range(*number.indices(len(self))))
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        return ablation_of(number % len(self), self.directions)

    def __iter__(self) -> Iterator[Ablation]:
        return (self[number] for number in range(len(self)))

    def index(self, value: Ablation, start: int = 0, stop: int | None = None) -> int:
        """The number of an ablation, however it is said.

        Raises:
            ValueError: it is not among these.
        """
        if value not in self:
            raise ValueError(f"{value} is not among the subsets of {self.directions} directions")
        number = mask_of(value.kept(self.directions))
        if not start <= number < (len(self) if stop is None else stop):
            raise ValueError(f"{value} is not among these")
        return number

    def __contains__(self, value: object) -> bool:
        return (
            isinstance(value, Ablation)
            and value.target == OUTPUT_LAYER
            and max(value.numbers, default=0) <= self.directions
        )

    def count(self, value: Ablation) -> int:
        """One for every ablation of these directions, however it is said."""
        return int(value in self)

    def __repr__(self) -> str:
        return f"Subsets({self.directions})"


def every_subset(directions: int) -> Subsets:
    """All sets of so many directions, up to 20 of them."""
    return Subsets(directions)


def mask_of(kept: Sequence[int]) -> int:
    """The number of a set of directions: bit i - 1 for direction i."""
    return sum(1 << (index - 1) for index in set(kept))


def members_of(mask: int) -> tuple[int, ...]:
    """The directions of a set, from 1, rising."""
    return tuple(index + 1 for index in range(int(mask).bit_length()) if mask >> index & 1)


def ablation_of(mask: int, directions: int) -> Ablation:
    """The set of directions that stay as the shorter of the ways to say it."""
    kept = members_of(mask)
    if len(kept) == directions:
        return keeping_every_direction()
    if not kept:
        return keeping_no_direction()
    if 2 * len(kept) > directions:
        return dropping(*members_of(~mask & ((1 << directions) - 1)))
    return keeping_only(*kept)


def all_members(directions: int) -> Array:
    """Whether each direction stays under each subset, [2**r, r], as zeros and ones."""
    numbers = np.arange(1 << directions)
    columns = [(numbers >> index & 1).astype(np.uint8) for index in range(directions)]
    return np.stack(columns, axis=1)


def part_has(has: Array) -> Array:
    """Whether a proper subset of each subset has a property, [2**r]."""
    numbers = np.arange(len(has))
    bits = [1 << index for index in range(len(has).bit_length() - 1)]
    within = has.copy()
    for bit in bits:
        upper = numbers[(numbers & bit) > 0]
        within[upper] |= within[upper ^ bit]
    below = np.zeros(len(has), dtype=bool)
    for bit in bits:
        upper = numbers[(numbers & bit) > 0]
        below[upper] |= within[upper ^ bit]
    return below


def sizes(directions: int) -> IntArray:
    """How many directions each subset has, [2**r]."""
    numbers = np.arange(1 << directions)
    counts = np.zeros_like(numbers)
    for index in range(directions):
        counts += numbers >> index & 1
    return counts


def minimal_sets(has: Array) -> tuple[tuple[int, ...], ...]:
    """The sets with a property none of whose proper subsets has it; small ones first."""
    minimal = [members_of(int(mask)) for mask in np.flatnonzero(has & ~part_has(has))]
    return tuple(sorted(minimal, key=lambda members: (len(members), members)))


def nested_pair(dead: Array, alive: Array) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """A set with one property, and a part of it with another: few dropped, then few dropped more.

    Args:
        dead: whether each subset has the first property, [2**r].
        alive: whether each has the second.

    Returns:
        Both sets, by the directions that stay; None if there is no such pair.
    """
    numbers = np.arange(len(dead))
    stays = sizes(len(dead).bit_length() - 1)
    # With nothing dropped, nothing is dead.
    candidates = np.flatnonzero((dead & part_has(alive))[:-1])
    if not len(candidates):
        return None
    mask = int(candidates[stays[candidates].argmax()])
    parts = numbers[((numbers & ~mask) == 0) & (numbers != mask) & alive]
    return members_of(mask), members_of(int(parts[stays[parts].argmax()]))
