"""What all subsets of directions tell, against plain numpy and against the judge's own words."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from claim_strategies import steady
from hypothesis import given, settings
from hypothesis import strategies as st
from made_heads import (
    EITHER,
    LAME,
    RIVAL,
    TWO_STEPS,
    Row,
    Set,
    ablated,
    crossed,
    head,
    heads,
    mask,
    paired,
    rest,
    subsets,
)
from naive import banzhaf_by_sets, interaction_by_sets, interval, predictions, shapley_by_orders

from interp_checks import InterpChecksError, Readout, judge
from interp_checks.counting.lattice import Lattice
from interp_checks.wording import sets_in_words

Sets = tuple[Set, ...]

# --- counts -------------------------------------------------------------------------------------


@settings(steady, max_examples=60)
@given(heads(rank=6))
def test_counts_are_those_of_weights_put_together_again(readout: Readout) -> None:
    lattice = readout.lattice
    intact = (readout.features @ readout.weight.T + readout.bias).argmax(axis=1)
    assert len(lattice) == 2**lattice.directions == len(subsets(lattice.directions))
    for kept in subsets(lattice.directions):
        predicted = predictions(readout, kept)
        for name in range(len(readout.class_names)):
            right = (readout.labels == name) & (predicted == name)
            assert lattice.right[mask(kept), name] == right.sum()
            assert lattice.both_right[mask(kept), name] == (right & (intact == name)).sum()
            own = int((readout.labels == name).sum())
            recall = lattice.recall(name, kept)
            assert (recall.count, recall.total) == (right.sum(), own)
            assert recall.confidence == readout.confidence
        found = lattice.accuracy(kept)
        assert (found.count, found.total) == ((predicted == readout.labels).sum(), len(readout))
    for name in range(len(readout.class_names)):
        assert lattice.intact[name] == ((readout.labels == name) & (intact == name)).sum()
        assert lattice.support[name] == (readout.labels == name).sum()


def test_a_readout_keeps_its_lattice() -> None:
    readout = head(0, 4, 3, 50)
    assert readout.lattice is readout.lattice
    told: list[tuple[int, int]] = []
    again = Lattice.of(replace(readout), engine="numpy", progress=lambda *done: told.append(done))
    assert again.right.tolist() == readout.lattice.right.tolist()
    assert told[-1] == (50, 50)
    assert repr(again) == "<Lattice of 3 directions, 4 classes>"
    assert again.games == ("0", "1", "2", "3", "accuracy")


def test_what_there_is_no_lattice_of() -> None:
    with pytest.raises(InterpChecksError, match="all subsets of the directions cannot be counted"):
        _ = head(0, 21, 21, 9).lattice
    lattice = head(0, 3, 2, 9).lattice
    asked: list[Callable[[], object]] = [
        lambda: lattice.recall(3, (1,)),
        lambda: lattice.killed("cat"),
        lambda: lattice.interaction_table("3"),
    ]
    for ask in asked:
        with pytest.raises(KeyError):
            ask()


# --- what happens to a class under each subset --------------------------------------------------


@settings(steady, max_examples=60)
@given(heads())
def test_what_happens_to_a_class_is_said_by_exact_intervals(readout: Readout) -> None:
    lattice, level = readout.lattice, readout.confidence
    for row, name in enumerate(readout.class_names):
        total, intact = int(lattice.support[row]), int(lattice.intact[row])
        if not total:
            for kind in ("killed", "alive", "spared", "surely_not_killed", "surely_not_alive"):
                assert not getattr(lattice, kind)(name).any()
            continue
        before = interval(intact, total, level)
        for number in range(len(lattice)):
            right, both = int(lattice.right[number, row]), int(lattice.both_right[number, row])
            low, high = interval(right, total, level)
            assert lattice.killed(name)[number] == (high < 0.05 and before[0] > 0.5)
            assert lattice.surely_not_killed(name)[number] == (low >= 0.05 or before[1] <= 0.5)
            assert lattice.alive(name)[number] == (low > 0.5)
            assert lattice.surely_not_alive(name)[number] == (high <= 0.5)
            loss = paired(intact - both, right - both, total, level)
            assert lattice.spared(name)[number] == (loss[1] < 0.1)


def said(readout: Readout, words: str) -> dict[Set, str]:
    """By what is dropped: the judge's outcome on each single ablation."""
    count = len(readout.directions)
    return {
        dropped: str(judge(f"{ablated(dropped, count)} {words}", readout).outcome)
        for dropped in subsets(count)
    }


def minimal(has: set[Set]) -> tuple[Set, ...]:
    least = [one for one in has if not any(set(other) < set(one) for other in has)]
    return tuple(sorted(least, key=lambda one: (len(one), one)))


def agrees_with_the_judge(readout: Readout, name: str) -> None:
    """Each subset as the judge says of that ablation alone; minimal sets by trying all others."""
    lattice, count = readout.lattice, len(readout.directions)
    kills, lives, spares = (
        said(readout, f"{words}")
        for words in (f"kills class {name}", f"leaves class {name} alive", f"spares class {name}")
    )
    for dropped in subsets(count):
        number = mask(rest(dropped, count))
        assert lattice.killed(name)[number] == (kills[dropped] == "holds")
        assert lattice.surely_not_killed(name)[number] == (kills[dropped] == "fails")
        assert lattice.alive(name)[number] == (lives[dropped] == "holds")
        assert lattice.surely_not_alive(name)[number] == (lives[dropped] == "fails")
        assert lattice.spared(name)[number] == (spares[dropped] == "holds")
    dead = {dropped for dropped in kills if kills[dropped] == "holds"}
    assert lattice.minimal_kill_sets(name) == minimal(dead)
    enough = {rest(dropped, count) for dropped in spares if spares[dropped] == "holds"}
    assert lattice.minimal_sufficient_sets(name) == minimal(enough)
    found = lattice.revivals(name)
    ways = {
        (dropped, tuple(sorted(set(larger) - set(dropped))))
        for dropped in dead
        for larger in subsets(count)
        if set(larger) > set(dropped) and lives[larger] == "holds"
    }
    fewest = min((len(more) for _, more in ways), default=0)
    assert {(one.dropped, one.more) for one in found} == {
        (dropped, more) for dropped, more in ways if len(more) == fewest
    }
    assert len(set(found)) == len(found)
    for one in found:
        after = tuple(sorted(one.dropped + one.more))
        assert one.dead == lattice.recall(name, rest(one.dropped, count))
        assert one.alive == lattice.recall(name, rest(after, count))
    assert [one.alive.count for one in found] == sorted(o.alive.count for o in found)[::-1]


@settings(steady, max_examples=12)
@given(heads(rank=4), st.data())
def test_random_heads_agree_with_the_judge(readout: Readout, data: st.DataObject) -> None:
    own = [name for name in readout.class_names if readout.support[int(name)]]
    agrees_with_the_judge(readout, data.draw(st.sampled_from(own)))


RIVALS_GONE = (((1,), (3,)), ((2,), (3,)), ((1, 4), (3,)), ((2, 4), (3,)))


@pytest.mark.parametrize(
    ("rows", "name", "kill_sets", "sufficient_sets", "revivals"),
    [
        (EITHER, "0", ((1, 2),), ((1,), (2,)), ()),
        (RIVAL, "0", ((1,), (2,)), ((1,), (2,)), RIVALS_GONE),
        # What was not alive is not killed; what never was right loses nothing.
        (LAME, "1", (), ((),), ()),
        (LAME, "2", (), ((3,),), ()),
        # With one more dropped the class is neither dead nor alive.
        (TWO_STEPS, "0", ((1,), (2,)), ((1,), (2,)), (((1,), (3, 4)), ((2,), (3, 4)))),
    ],
)
def test_heads_made_for_it(
    rows: tuple[Row, ...], name: str, kill_sets: Sets, sufficient_sets: Sets, revivals: Sets
) -> None:
    lattice = crossed(rows).lattice
    assert lattice.minimal_kill_sets(name) == kill_sets
    assert lattice.minimal_sufficient_sets(name) == sufficient_sets
    assert {(one.dropped, one.more) for one in lattice.revivals(name)} == set(revivals)
    agrees_with_the_judge(crossed(rows), name)


# --- attributions, best sets, tables ------------------------------------------------------------


@settings(steady, max_examples=25)
@given(heads(rank=4))
def test_attributions_are_shares_of_images(readout: Readout) -> None:
    lattice, count = readout.lattice, len(readout.directions)
    assert lattice.shapley.shape == lattice.banzhaf.shape == (count, len(lattice.games))
    totals = [*lattice.support.tolist(), len(readout)]
    rights = np.column_stack([lattice.right, lattice.right.sum(axis=1)])
    for game, total in enumerate(totals):

        def value(players: frozenset[int], column: np.ndarray = rights[:, game]) -> int:
            return int(column[mask(tuple(player + 1 for player in players))])

        share = Fraction(1, total) if total else Fraction(0)
        expected = [share * one for one in shapley_by_orders(value, count)]
        assert lattice.shapley[:, game].tolist() == expected
        expected = [share * one for one in banzhaf_by_sets(value, count)]
        assert lattice.banzhaf[:, game].tolist() == expected
        for one, other in combinations(range(count), 2):
            between = share * interaction_by_sets(value, count, one, other)
            assert lattice.interactions[one, other, game] == between
    gains = lattice.accuracy(rest((), count)).value - lattice.accuracy(()).value
    assert math.isclose(sum(lattice.shapley[:, -1]), gains, abs_tol=1e-12)


@settings(steady, max_examples=40)
@given(heads())
def test_the_best_set_of_each_size(readout: Readout) -> None:
    lattice, count = readout.lattice, len(readout.directions)
    assert [len(best.directions) for best in lattice.best_sets()] == [*range(1, count + 1)]
    for size, best in enumerate(lattice.best_sets(), start=1):
        right = {
            kept: int((predictions(readout, kept) == readout.labels).sum())
            for kept in subsets(count)
            if len(kept) == size
        }
        assert best.accuracy.count == right[best.directions] == max(right.values())
        assert best.first.count == right[tuple(range(1, size + 1))]
        # Of equals, the one that has no direction beyond those of the others.
        equals = [kept for kept in right if right[kept] == best.accuracy.count]
        assert best.directions == min(equals, key=lambda kept: kept[::-1])


def test_tables() -> None:
    readout = replace(crossed(RIVAL), class_names=("a", "b", "c", "d"))
    lattice = readout.lattice
    for table, values in (
        (lattice.shapley_table(), lattice.shapley),
        (lattice.banzhaf_table(), lattice.banzhaf),
    ):
        assert list(table.columns) == ["a", "b", "c", "d", "accuracy"]
        assert (list(table.index), table.index.name) == ([1, 2, 3, 4], "direction")
        np.testing.assert_array_equal(table.to_numpy(), values.astype(float))
    for game, place in (("a", 0), ("accuracy", 4)):
        table = lattice.interaction_table(game)
        assert list(table.index) == list(table.columns) == [1, 2, 3, 4]
        expected = lattice.interactions[..., place].astype(float)
        np.testing.assert_array_equal(table.to_numpy(), expected)
    sets = lattice.sets_table()
    assert (list(sets.index), sets.index.name) == (["a", "b", "c", "d"], "class")
    assert sets.loc["a"].tolist() == [((1,), (2,)), ((1,), (2,)), 4]
    best = lattice.best_table()
    assert (list(best.index), best.index.name) == ([1, 2, 3, 4], "directions")
    assert list(best.columns) == ["best set", "accuracy", "first"]
    # One direction of the first two is as good as it gets for either class.
    assert best.loc[1].tolist() == [(1,), 0.5, 0.5]
    assert best.loc[3].tolist() == [(1, 2, 3), 1.0, 1.0]
    assert "<table" in lattice._repr_html_()


@settings(steady, max_examples=25)
@given(heads())
def test_what_a_report_shows_is_plain(readout: Readout) -> None:
    lattice = readout.lattice
    found = lattice.as_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["games"] == [*readout.class_names, "accuracy"]
    assert found["shapley"] == lattice.shapley.astype(float).tolist()
    assert found["banzhaf"] == lattice.banzhaf.astype(float).tolist()
    assert found["interactions"] == lattice.interactions.astype(float).tolist()
    for row, name in enumerate(readout.class_names):
        kills, enough = lattice.minimal_kill_sets(name), lattice.minimal_sufficient_sets(name)
        assert found["kill_sets"][row] == [list(one) for one in kills]
        assert found["sufficient_sets"][row] == [list(one) for one in enough]
        assert found["revivals"][row] == len(lattice.revivals(name))
    assert [best["directions"] for best in found["best_sets"]] == [
        list(best.directions) for best in lattice.best_sets()
    ]


def test_sets_in_words() -> None:
    assert sets_in_words([]) == "-"
    assert sets_in_words([()]) == "none"
    assert sets_in_words([(5,)]) == "{5}"
    assert sets_in_words([(5,), (2, 4)]) == "{5} and {2, 4}"
    many = [(1,), (2,), (3,), (4, 5), (4, 6)]
    assert sets_in_words(many) == "{1}, {2}, {3} and 2 more"
    assert sets_in_words(many, most=5) == "{1}, {2}, {3}, {4, 5} and {4, 6}"


def test_a_lattice_that_does_not_fit_in_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interp_checks.counting.sweep._MOST_BYTES", 16 * 2**3 * 4 - 1)
    generator = np.random.default_rng(0)
    readout = Readout(
        generator.standard_normal((9, 3)), np.arange(9) % 4, generator.standard_normal((4, 3))
    )
    with pytest.raises(InterpChecksError, match="8 ablations of 4 classes does not fit in memory"):
        Lattice.of(readout)
