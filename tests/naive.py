"""What the library computes, computed again in plain numpy; nothing here is shared with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations, permutations
from typing import NamedTuple

import numpy as np

from interp_checks import (
    Readout,
)

#: A value for each set of players, which are counted from 0.
Game = Callable[[frozenset[int]], int]


def subsets_of(players: set[int]) -> Iterator[frozenset[int]]:
    for size in range(len(players) + 1):
        yield from map(frozenset, combinations(sorted(players), size))


def shapley_by_orders(game: Game, players: int) -> list[Fraction]:
    """What each player adds when it comes, on average over all orders of coming."""
    sums = [0] * players
    for order in permutations(range(players)):
        for place, player in enumerate(order):
            before = frozenset(order[:place])
            sums[player] += game(before | {player}) - game(before)
    return [Fraction(total, math.factorial(players)) for total in sums]


def banzhaf_by_sets(game: Game, players: int) -> list[Fraction]:
    return [
        Fraction(
            sum(game(s | {player}) - game(s) for s in subsets_of(set(range(players)) - {player})),
            2 ** (players - 1),
        )
        for player in range(players)
    ]


def interaction_by_sets(game: Game, players: int, one: int, other: int) -> Fraction:
    """Grabisch and Roubens: the mean second difference, each size of set alike."""
    total = Fraction(0)
    for s in subsets_of(set(range(players)) - {one, other}):
        second = game(s | {one, other}) - game(s | {one}) - game(s | {other}) + game(s)
        weight = Fraction(
            math.factorial(len(s)) * math.factorial(players - len(s) - 2),
            math.factorial(players - 1),
        )
        total += weight * second
    return total


Sets = Sequence[tuple[int, ...]]


class Plain(NamedTuple):
    """Counts of a plain computation, and the images on which rounding could decide."""

    counts: np.ndarray
    right: np.ndarray
    both: np.ndarray
    unsure: np.ndarray


def masks(directions: int) -> Sets:
    every = range(directions)
    return [tuple(d + 1 for d in every if mask >> d & 1) for mask in range(1 << directions)]


def plain(readout: Readout, sets: Sets) -> Plain:
    """W_S = Σ σᵢ uᵢ vᵢᵀ, logits, and the first class that reaches the largest less the tie."""
    weight, labels, tie = readout.weight, readout.labels, readout.tie
    features = readout.features.astype(np.float64)
    u, s, vt = np.linalg.svd(weight, full_matrices=False)
    classes = len(weight)
    unsure = np.zeros(len(features), dtype=bool)

    def predicted(rebuilt: np.ndarray) -> np.ndarray:
        logits = rebuilt @ features.T + readout.bias[:, None]
        beyond = logits - (logits.max(axis=0) - tie)
        # Rounding is about a thousandth of a tie.
        unsure[(np.abs(beyond) < 0.1 * tie).any(axis=0)] = True
        return np.argmax(beyond >= 0, axis=0)

    intact = predicted(weight)
    counts = np.zeros((len(sets), classes, classes), dtype=int)
    both = np.zeros((len(sets), classes), dtype=int)
    for row, kept in enumerate(sets):
        rebuilt = np.zeros_like(weight)
        for d in kept:
            rebuilt += s[d - 1] * np.outer(u[:, d - 1], vt[d - 1])
        now = predicted(rebuilt)
        np.add.at(counts[row], (labels, now), 1)
        both[row] = np.bincount(labels[(now == labels) & (intact == labels)], minlength=classes)
    return Plain(counts, np.diagonal(counts, axis1=1, axis2=2), both, unsure)
