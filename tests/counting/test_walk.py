"""Walks through ablations, followed step by step."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np
import pytest
from claim_strategies import steady
from hypothesis import given, settings
from hypothesis import strategies as st

from interp_checks.ablations.subsets import Subsets
from interp_checks.counting import walk as steps_module
from interp_checks.counting.walk import (
    FROM_BEFORE,
    FROM_EVERY,
    FROM_NONE,
    Walk,
    walk_through,
    walk_through_all,
)


def planned(sets: Sequence[tuple[int, ...]] | Subsets, directions: int) -> Walk:
    """A walk through sets of directions that stay, or through all of them."""
    if isinstance(sets, Subsets):
        return walk_through_all(sets.directions)
    members = np.zeros((len(sets), directions), dtype=np.uint8)
    for row, kept in enumerate(sets):
        members[row, [index - 1 for index in kept]] = 1
    return walk_through(members)


Sets = Sequence[tuple[int, ...]]


def changes_at(walk: Walk, stop: int) -> list[int]:
    return [int(change) for change in walk.changes[walk.first[stop] : walk.first[stop + 1]]]


def followed(walk: Walk, directions: int) -> list[frozenset[int]]:
    """The set at each stop; nothing is added twice or taken away where it is not."""
    visited, now = [], None
    assert len(walk.first) == len(walk.roots) + 1 == len(walk.rows) + 1
    assert walk.first[0] == 0
    assert walk.first[-1] == len(walk.changes)
    for stop, root in enumerate(walk.roots):
        if root == FROM_NONE:
            now = set()
        elif root == FROM_EVERY:
            now = set(range(1, directions + 1))
        else:
            assert root == FROM_BEFORE
            assert now is not None, "the walk must begin at a root"
        for change in changes_at(walk, stop):
            assert 1 <= abs(change) <= directions
            assert (change > 0) == (abs(change) not in now)
            now ^= {abs(change)}
        visited.append(frozenset(now))
    return visited


def most_since_a_root(walk: Walk) -> int:
    """Most changes since a root."""
    longest = since = 0
    for stop, root in enumerate(walk.roots):
        since = len(changes_at(walk, stop)) + (since if root == FROM_BEFORE else 0)
        longest = max(longest, since)
    return longest


@st.composite
def walks(draw: st.DrawFn) -> tuple[int, Sets]:
    """Sets one after another, near each other or not, few or more than one root allows."""
    directions = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    now = rng.random(directions) < draw(st.sampled_from([0.1, 0.5, 0.9]))
    share = draw(st.sampled_from([0.0, 0.1, 0.3, 1.0]))
    sets = []
    for _ in range(draw(st.sampled_from([0, 1, 2, 5, 30, 200]))):
        if draw(st.booleans()) or rng.random() < share:
            now = rng.random(directions) < 0.5
        else:
            now = now.copy()
            now[rng.integers(directions)] ^= True
        sets.append(tuple(int(index) + 1 for index in np.flatnonzero(now)))
    return directions, sets


many = settings(steady, max_examples=80)


@many
@given(walks())
def test_a_walk_visits_what_was_asked(walk: tuple[int, Sets]) -> None:
    directions, sets = walk
    walk = planned(sets, directions)
    assert followed(walk, directions) == [frozenset(sets[row]) for row in walk.rows]
    assert sorted(walk.rows) == list(range(len(sets)))
    assert walk.longest == most_since_a_root(walk)


@many
@given(walks())
def test_no_step_costs_more_than_from_a_root(walk: tuple[int, Sets]) -> None:
    directions, sets = walk
    walk = planned(sets, directions)
    for stop, row in enumerate(walk.rows):
        anew = min(len(sets[row]), directions - len(sets[row]))
        assert len(changes_at(walk, stop)) <= anew
    assert walk.longest <= max(steps_module._LONGEST, directions)


@pytest.mark.parametrize("longest", [1, 4, 64])
@pytest.mark.parametrize("directions", [*range(1, 10), 12])
def test_all_subsets_are_visited_once_each_a_step_from_the_one_before(
    directions: int, longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps_module, "_LONGEST", longest)
    walk = walk_through_all(directions)
    visited = followed(walk, directions)
    numbers = [sum(1 << (index - 1) for index in one) for one in visited]
    assert numbers == walk.rows.tolist()
    assert sorted(numbers) == list(range(1 << directions))
    assert all(len(one ^ other) == 1 for one, other in pairwise(visited))
    roots = np.flatnonzero(walk.roots != FROM_BEFORE)
    assert set(np.diff(roots)) <= {longest}
    for stop in set(range(len(visited))) - set(roots):
        assert len(changes_at(walk, stop)) == 1


@pytest.mark.parametrize("directions", range(1, 13))
def test_rounding_through_all_subsets_is_within_what_is_said(directions: int) -> None:
    walk = walk_through_all(directions)
    # So many changes round the logits; a bound is enough, and one that is too loose is slow.
    assert most_since_a_root(walk) <= walk.longest <= steps_module._LONGEST + directions


@many
@given(walks() | st.integers(1, 11), st.integers(1, 40))
def test_parts_cover_the_walk_and_begin_at_roots(walk: tuple[int, Sets] | int, count: int) -> None:
    directions, sets = (walk, Subsets(walk)) if isinstance(walk, int) else walk
    walk = planned(sets, directions)
    parts = walk.parts(count)
    assert len(parts) <= count
    assert bool(parts) == bool(len(sets))
    stops = [stop for begin, end in parts for stop in range(begin, end)]
    assert stops == list(range(len(sets)))
    for begin, end in parts:
        assert begin < end
        assert walk.roots[begin] != FROM_BEFORE


def test_parts_of_all_subsets_are_alike() -> None:
    parts = walk_through_all(12).parts(8)
    assert [end - begin for begin, end in parts] == [512] * 8
    assert walk_through_all(6).parts(8) == [(0, 64)]


def test_a_set_is_made_from_what_is_nearest() -> None:
    sets = [(1, 2), (1, 2, 3, 4, 5, 6, 7), (1, 2, 3, 4, 5, 6, 8), (1, 2, 3, 4, 6, 8), (), (8,)]
    walk = planned(sets, 8)
    found = [(int(root), changes_at(walk, stop)) for stop, root in enumerate(walk.roots)]
    assert found[0] == (FROM_NONE, [1, 2])
    assert found[1] == (FROM_EVERY, [-8])
    # Two changes from the one before, or one from every direction.
    assert found[2] == (FROM_EVERY, [-7])
    assert found[3] == (FROM_BEFORE, [-5])
    assert found[4] == (FROM_NONE, [])
    assert found[5] == (FROM_BEFORE, [8])


def test_every_pair_and_every_set_but_a_pair() -> None:
    every = tuple(range(1, 13))
    pairs = list(combinations(every, 2))
    left = [tuple(d for d in every if d not in pair) for pair in pairs]
    walk = planned([*pairs, *left], 12)
    visited = followed(walk, 12)
    assert visited == [frozenset(one) for one in [*pairs, *left]]
    assert walk.longest == most_since_a_root(walk)
