"""Exact attributions of a game on all subsets of directions: Shapley, Banzhaf, interactions.

A game gives every subset a value. Here the values are counts of images, so every sum is a whole
number and the attributions are exact fractions.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from interp_checks.ablations.subsets import sizes as _sizes
from interp_checks.arrays import Array, FloatArray, IntArray

#: [players][games] or [players][players][games] of exact fractions.
Exact = Array


def shapley(values: IntArray) -> Exact:
    """Shapley values (Shapley, 1953).

    Args:
        values: [2**r, G] whole numbers, one row per subset (bit i for player i).

    Returns:
        [r, G] fractions. In each game they sum to the value of all players less that of none.
    """
    players = _players(values)
    weights = [
        Fraction(math.factorial(size) * math.factorial(players - size - 1), math.factorial(players))
        for size in range(players)
    ]
    return _weighted(_gains(values), weights)


def shapley_weights(players: int) -> FloatArray:
    """What each subset's value counts for in each player's Shapley value, [2**r, r]."""
    sizes = _sizes(players)
    factorials = [math.factorial(number) for number in range(players + 1)]
    shares = [
        factorials[size] * factorials[players - size - 1] / factorials[players]
        for size in range(players)
    ]
    with_it = np.array([0.0, *shares])[sizes]
    without = -np.array([*shares, 0.0])[sizes]
    member = np.arange(1 << players)[:, None] >> np.arange(players) & 1
    weights: FloatArray = np.where(member == 1, with_it[:, None], without[:, None])
    return weights


def banzhaf(values: IntArray) -> Exact:
    """Banzhaf values (Banzhaf, 1965): what a player adds, over all sets of the others alike.

    Args:
        values: [2**r, G] whole numbers.

    Returns:
        [r, G] fractions; they need not sum to anything.
    """
    players = _players(values)
    return _weighted(_gains(values), [Fraction(1, 2 ** (players - 1))] * players)


def interactions(values: IntArray) -> Exact:
    """Pairwise Shapley interaction indices (Grabisch and Roubens, 1999).

    Negative: the two do the same work, each can stand in for the other. Positive: they work
    only together.

    Args:
        values: [2**r, G] whole numbers.

    Returns:
        [r, r, G] fractions, symmetric, zero on the diagonal.
    """
    players = _players(values)
    pairwise = np.full((players, players, values.shape[1]), Fraction(0), dtype=object)
    if players < 2:
        return pairwise
    below = math.factorial(players - 1)
    weights = [
        Fraction(math.factorial(size) * math.factorial(players - size - 2), below)
        for size in range(players - 1)
    ]
    sizes = _sizes(players)
    for player in range(1, players):
        for other in range(player):
            # Second differences live on the subsets that have neither.
            parts = _split(_split(values, player), other, axis=1)
            second = parts[1, 1] - parts[1, 0] - parts[0, 1] + parts[0, 0]
            without = _split(_split(sizes[:, None], player), other, axis=1)[0, 0, :, 0]
            by_size = _sums_by_size(second, without, players - 1)
            pairwise[player, other] = pairwise[other, player] = _weighted(by_size[None], weights)[0]
    return pairwise


def _players(values: IntArray) -> int:
    return len(values).bit_length() - 1


def _split(values: Array, player: int, axis: int = 0) -> Array:
    """[..., 2**r, G] to [without or with the player, ..., 2**(r - 1), G]."""
    shape = values.shape
    parts = values.reshape(*shape[:axis], -1, 2, 1 << player, shape[-1])
    parts = np.moveaxis(parts, axis + 1, 0)
    return parts.reshape(2, *shape[:axis], shape[axis] // 2, shape[-1])


def _gains(values: IntArray) -> IntArray:
    """What each player adds, summed over the subsets of the others by size, [r, r, G]."""
    players = _players(values)
    sizes = _sizes(players)
    gains = []
    for player in range(players):
        without, with_it = _split(values, player)
        own_sizes = _split(sizes[:, None], player)[0, :, 0]
        gains.append(_sums_by_size(with_it - without, own_sizes, players))
    return np.stack(gains)


def _sums_by_size(gains: IntArray, sizes: IntArray, count: int) -> IntArray:
    order = np.argsort(sizes, kind="stable")
    starts = np.searchsorted(sizes[order], np.arange(count))
    sums: IntArray = np.add.reduceat(gains[order], starts, axis=0)
    return sums


def _weighted(by_size: IntArray, weights: list[Fraction]) -> Exact:
    """Sums by size [..., sizes, G] times a weight for each size, exactly, [..., G]."""
    below = math.lcm(*(weight.denominator for weight in weights))
    above = np.array([int(weight * below) for weight in weights], dtype=object)
    totals = (by_size.astype(object) * above[:, None]).sum(axis=-2)
    exact = np.frompyfunc(lambda total: Fraction(int(total), below), 1, 1)
    return np.asarray(exact(totals))
