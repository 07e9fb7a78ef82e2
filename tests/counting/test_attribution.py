"""Shapley, Banzhaf and interactions against their definitions, in fractions and plain loops."""

from __future__ import annotations

import warnings
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from claim_strategies import steady
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import Game, banzhaf_by_sets, interaction_by_sets, shapley_by_orders

from interp_checks.ablations.subsets import members_of
from interp_checks.counting.attribution import banzhaf, interactions, shapley, shapley_weights


def mask(players: frozenset[int]) -> int:
    return sum(2**player for player in players)


def game_of(column: np.ndarray) -> Game:
    return lambda players: int(column[mask(players)])


@st.composite
def games(draw: st.DrawFn, smallest: int = 1, largest: int = 5, size: int = 50) -> np.ndarray:
    """Values [2**r, G] of a few games at once."""
    players, many = draw(st.integers(smallest, largest)), draw(st.integers(1, 2))
    seed = draw(st.none() | st.integers(0, 2**32 - 1))
    if seed is not None:
        return np.random.default_rng(seed).integers(-size, size + 1, (2**players, many))
    values = st.lists(st.integers(-2, 2), min_size=many << players, max_size=many << players)
    return np.array(draw(values)).reshape(2**players, many)


# --- the definitions ----------------------------------------------------------------------------


@settings(steady, max_examples=60)
@given(games())
def test_shapley_values_are_means_over_all_orders(values: np.ndarray) -> None:
    found = shapley(values)
    players = len(found)
    assert 2**players == len(values)
    for column, own in zip(values.T, found.T, strict=True):
        assert own.tolist() == shapley_by_orders(game_of(column), players)
        assert all(type(value) is Fraction for value in own)


@pytest.mark.parametrize("seed", range(3))
def test_shapley_values_of_six_players(seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 1000, (64, 1))
    expected = shapley_by_orders(game_of(values[:, 0]), 6)
    assert shapley(values)[:, 0].tolist() == expected


@settings(steady, max_examples=60)
@given(games(largest=6))
def test_banzhaf_values_are_means_over_all_sets(values: np.ndarray) -> None:
    found = banzhaf(values)
    for column, own in zip(values.T, found.T, strict=True):
        assert own.tolist() == banzhaf_by_sets(game_of(column), len(found))


@settings(steady, max_examples=40)
@given(games(largest=6))
def test_interactions_are_weighted_second_differences(values: np.ndarray) -> None:
    found = interactions(values)
    players = len(found)
    assert found.shape == (players, players, values.shape[1])
    for game, column in enumerate(values.T):
        for one in range(players):
            assert found[one, one, game] == 0
            for other in set(range(players)) - {one}:
                expected = interaction_by_sets(game_of(column), players, one, other)
                assert found[one, other, game] == expected


@settings(steady, max_examples=60)
@given(games(largest=7))
def test_weights_of_the_subsets_give_the_same(values: np.ndarray) -> None:
    players = len(values).bit_length() - 1
    weights = shapley_weights(players)
    assert weights.shape == (2**players, players)
    found = shapley(values).astype(float)
    np.testing.assert_allclose(weights.T @ values, found, rtol=0, atol=1e-10)
    # What speaks for a player and what speaks against it is as much.
    np.testing.assert_allclose(weights.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(weights.clip(0).sum(axis=0), 1, atol=1e-12)


# --- the axioms ---------------------------------------------------------------------------------


@settings(steady, max_examples=60)
@given(games(largest=8, size=10**6))
def test_nothing_is_lost_in_sharing_out(values: np.ndarray) -> None:
    assert shapley(values).sum(axis=0).tolist() == (values[-1] - values[0]).tolist()


def renamed(values: np.ndarray, order: list[int]) -> np.ndarray:
    """The game in which player ``order[i]`` does what player i did."""
    found = np.empty_like(values)
    for number in range(len(values)):
        players = [player - 1 for player in members_of(number)]
        found[mask(frozenset(order[player] for player in players))] = values[number]
    return found


@settings(steady, max_examples=60)
@given(games(largest=6), st.data())
def test_names_of_players_do_not_matter(values: np.ndarray, data: st.DataObject) -> None:
    players = len(values).bit_length() - 1
    order = data.draw(st.permutations(range(players)))
    after = renamed(values, order)
    assert shapley(after)[order].tolist() == shapley(values).tolist()
    assert banzhaf(after)[order].tolist() == banzhaf(values).tolist()
    pairs = interactions(after)[np.ix_(order, order)]
    assert pairs.tolist() == interactions(values).tolist()


@settings(steady, max_examples=60)
@given(games(smallest=2, largest=6), st.data())
def test_equals_get_the_same(values: np.ndarray, data: st.DataObject) -> None:
    players = len(values).bit_length() - 1
    order = list(range(players))
    one, other = data.draw(st.permutations(order))[:2]
    order[one], order[other] = other, one
    even = values + renamed(values, order)
    for found in (shapley(even), banzhaf(even)):
        assert found[one].tolist() == found[other].tolist()


@settings(steady, max_examples=60)
@given(games(largest=5), st.integers(-9, 9), st.data())
def test_a_dummy_gets_what_it_always_adds(
    values: np.ndarray, added: int, data: st.DataObject
) -> None:
    players = len(values).bit_length()
    dummy = data.draw(st.integers(0, players - 1))
    whole = np.empty((2 * len(values), values.shape[1]), dtype=int)
    others = [player for player in range(players) if player != dummy]
    for number, value in enumerate(values):
        without = frozenset(others[player - 1] for player in members_of(number))
        whole[mask(without)], whole[mask(without | {dummy})] = value, value + added
    assert set(shapley(whole)[dummy]) == set(banzhaf(whole)[dummy]) == {added}
    assert set(interactions(whole)[dummy].ravel()) == {0}
    # The others share out what they did without it.
    assert shapley(whole)[others].tolist() == shapley(values).tolist()


@settings(steady, max_examples=60)
@given(st.integers(1, 6), st.integers(0, 99), st.integers(-9, 9), st.integers(-9, 9))
def test_attributions_are_linear(players: int, seed: int, a: int, b: int) -> None:
    both = np.random.default_rng(seed).integers(-99, 99, (2, 2**players, 1))
    one, other = both
    for index in (shapley, banzhaf, interactions):
        expected = a * index(one) + b * index(other)
        assert index(a * one + b * other).tolist() == expected.tolist()


# --- known games --------------------------------------------------------------------------------


def test_a_majority_of_three() -> None:
    majority = np.array([[len(members_of(number)) >= 2] for number in range(8)], dtype=int)
    assert set(shapley(majority).ravel()) == {Fraction(1, 3)}
    assert set(banzhaf(majority).ravel()) == {Fraction(1, 2)}
    # In one half of the orders the two need each other, in the other half they do not.
    assert set(interactions(majority).ravel()) == {Fraction(0)}


def test_stand_ins_and_partners() -> None:
    either = np.array([[0], [1], [1], [1]])
    together = np.array([[0], [0], [0], [1]])
    assert interactions(either)[0, 1, 0] == -1
    assert interactions(together)[0, 1, 0] == 1
    assert shapley(either).tolist() == shapley(together).tolist() == [[Fraction(1, 2)]] * 2


def test_one_player_and_no_partner() -> None:
    values = np.array([[3], [10]])
    assert shapley(values).tolist() == banzhaf(values).tolist() == [[7]]
    assert interactions(values).tolist() == [[[0]]]
    assert shapley_weights(1).tolist() == [[-1.0], [1.0]]


def test_many_players_and_large_counts_are_still_exact() -> None:
    # The airport: all pay for the longest runway, each length is shared by those who need it.
    lengths = [7, 10**9, 10**9 + 1, 3, 10**8, 5, 11, 13, 17, 19, 23]
    numbers = np.arange(2 ** len(lengths))
    values = np.zeros(len(numbers), dtype=np.int64)
    for player, length in enumerate(lengths):
        values = np.where(numbers >> player & 1, np.maximum(values, length), values)
    expected = {}
    paid, rising = Fraction(0), sorted(range(len(lengths)), key=lambda player: lengths[player])
    for place, player in enumerate(rising):
        shorter = lengths[rising[place - 1]] if place else 0
        paid += Fraction(lengths[player] - shorter, len(lengths) - place)
        expected[player] = paid
    assert shapley(values[:, None])[:, 0].tolist() == [expected[p] for p in range(len(lengths))]


# --- another library ----------------------------------------------------------------------------


def test_shapiq_finds_the_same() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shapiq = pytest.importorskip("shapiq", reason="needs the package shapiq")
        values = np.random.default_rng(0).integers(0, 500, (2**6, 1))
        powers = 2 ** np.arange(6)
        computer = shapiq.ExactComputer(lambda sets: values[sets @ powers, 0].astype(float), 6)
        ours = {"SV": shapley(values), "BV": banzhaf(values)}
        for name, found in ours.items():
            theirs = computer(name, 1)
            expected = [theirs[(player,)] for player in range(6)]
            np.testing.assert_allclose(found[:, 0].astype(float), expected, rtol=0, atol=1e-9)
        pairs, theirs = interactions(values)[..., 0].astype(float), computer("SII", 2)
        for one, other in combinations(range(6), 2):
            assert pairs[one, other] == pytest.approx(theirs[(one, other)], abs=1e-9)
