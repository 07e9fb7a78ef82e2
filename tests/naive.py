"""What the library computes, computed again in plain numpy and scipy; no code is shared with it.

Directions count from 1. A head is anything that has the arrays of one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import combinations, permutations
from typing import NamedTuple, Protocol

import numpy as np
from scipy.stats import beta

Sets = Sequence[tuple[int, ...]]


class Arrays(Protocol):
    """Arrays of a head: features [N, H], labels [N], weight [K, H], bias [K]."""

    @property
    def features(self) -> np.ndarray: ...
    @property
    def labels(self) -> np.ndarray: ...
    @property
    def weight(self) -> np.ndarray: ...
    @property
    def bias(self) -> np.ndarray: ...


class WithTie(Arrays, Protocol):
    """And how far apart two logits of the head may be and count as equal."""

    @property
    def tie(self) -> float: ...


# --- weights, predictions, counts ---------------------------------------------------------------


def rebuilt(matrix: np.ndarray, kept: Iterable[int]) -> np.ndarray:
    """A matrix put together again from the directions that stay: Σ σᵢ uᵢ vᵢᵀ, one by one."""
    u, s, vt = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)
    whole = np.zeros(matrix.shape)
    for number in kept:
        whole += s[number - 1] * np.outer(u[:, number - 1], vt[number - 1])
    return whole


def predictions(head: Arrays, kept: Iterable[int] | None = None) -> np.ndarray:
    """The class of the largest logit of each image [N]; without ``kept``, of the intact weight."""
    weight = head.weight.astype(np.float64) if kept is None else rebuilt(head.weight, kept)
    logits: np.ndarray = head.features.astype(np.float64) @ weight.T + head.bias
    return logits.argmax(axis=1)


def confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Images of each class (rows) by what they are taken for (columns) [K, K]."""
    counts = np.zeros((classes, classes), dtype=int)
    np.add.at(counts, (labels, predicted), 1)
    return counts


@cache
def interval(count: int, total: int, confidence: float) -> tuple[float, float]:
    """Clopper and Pearson's, by scipy."""
    tail = (1 - confidence) / 2
    lower = beta.ppf(tail, count, total - count + 1) if count else 0.0
    upper = beta.ppf(1 - tail, count + 1, total - count) if count < total else 1.0
    return float(lower), float(upper)


# --- every set of directions, with ties ---------------------------------------------------------


class Plain(NamedTuple):
    """Counts under each set of directions, and the images on which rounding could decide."""

    counts: np.ndarray
    right: np.ndarray
    both: np.ndarray
    unsure: np.ndarray


def masks(directions: int) -> Sets:
    every = range(directions)
    return [tuple(d + 1 for d in every if mask >> d & 1) for mask in range(1 << directions)]


def plain(head: WithTie, sets: Sets) -> Plain:
    """W_S = Σ σᵢ uᵢ vᵢᵀ, logits, and the first class that reaches the largest less the tie."""
    weight, labels, tie = head.weight, head.labels, head.tie
    features = head.features.astype(np.float64)
    u, s, vt = np.linalg.svd(weight, full_matrices=False)
    classes = len(weight)
    unsure = np.zeros(len(features), dtype=bool)

    def predicted(weight: np.ndarray) -> np.ndarray:
        logits = weight @ features.T + head.bias[:, None]
        beyond = logits - (logits.max(axis=0) - tie)
        # Rounding is about a thousandth of a tie.
        unsure[(np.abs(beyond) < 0.1 * tie).any(axis=0)] = True
        return np.argmax(beyond >= 0, axis=0)

    intact = predicted(weight)
    counts = np.zeros((len(sets), classes, classes), dtype=int)
    both = np.zeros((len(sets), classes), dtype=int)
    for row, kept in enumerate(sets):
        left = np.zeros_like(weight)
        for d in kept:
            left += s[d - 1] * np.outer(u[:, d - 1], vt[d - 1])
        now = predicted(left)
        counts[row] = confusion(labels, now, classes)
        both[row] = np.bincount(labels[(now == labels) & (intact == labels)], minlength=classes)
    return Plain(counts, np.diagonal(counts, axis1=1, axis2=2), both, unsure)


# --- random cuts --------------------------------------------------------------------------------


def turned(matrix: np.ndarray, rotations: int) -> Iterator[list[np.ndarray]]:
    """Matrices of rank one that add up to this one, largest first, once for each rotation."""
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    signs = np.array([np.sign(column[np.abs(column).argmax()]) for column in left.T])
    left, right = left * signs, right * signs[:, None]
    rank = int((values > 1e-12 * values[0]).sum())
    generator = np.random.default_rng(0)
    for _ in range(rotations):
        q, r = np.linalg.qr(generator.standard_normal((rank, rank)))
        q = q * np.sign(np.diag(r))
        pieces = [
            np.outer((left * values)[:, :rank] @ column, column @ right[:rank]) for column in q.T
        ]
        pieces.sort(key=lambda piece: -float(np.linalg.norm(piece)))
        yield pieces + [np.zeros_like(matrix)] * (len(values) - rank)


# --- games --------------------------------------------------------------------------------------

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
