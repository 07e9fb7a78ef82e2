"""Sampled Shapley values: what they sum to, and how often their intervals are right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from claim_strategies import steady
from hypothesis import given, settings
from hypothesis import strategies as st
from made_heads import head, heads
from made_readouts import diagonal
from naive import predictions
from scipy.stats import binomtest, t

from interp_checks import Estimate, InterpChecksError, Readout, sample_shapley

pytestmark = [pytest.mark.slow, pytest.mark.long]


def total_effect(readout: Readout) -> np.ndarray:
    """What all directions change in the recall of each class, and in accuracy."""
    every = tuple(range(1, len(readout.directions) + 1))
    right = [predictions(readout, kept) == readout.labels for kept in ((), every)]
    change = right[1].astype(float) - right[0]
    own = [readout.labels == row for row in range(len(readout.class_names))]
    return np.array([*(change[one].mean() if one.any() else 0.0 for one in own), change.mean()])


@settings(steady, max_examples=40)
@given(heads(), st.integers(0, 99), st.integers(8, 12))
def test_estimates_sum_to_the_total_effect(readout: Readout, seed: int, pairs: int) -> None:
    found = sample_shapley(readout, pairs, seed=seed)
    shape = len(readout.directions), len(readout.class_names) + 1
    assert found.values.shape == found.margins.shape == shape
    np.testing.assert_allclose(found.values.sum(axis=0), total_effect(readout), rtol=0, atol=1e-12)
    assert np.isfinite(found.margins).all()
    assert (found.margins >= 0).all()
    assert (found.pairs, found.confidence) == (pairs, readout.confidence)
    assert found.class_names == readout.class_names


@pytest.mark.parametrize("confidence", [0.95, 0.7])
def test_intervals_cover_the_exact_values(confidence: float) -> None:
    readout = head(5, 4, 4, 300, 0.2, confidence=confidence)
    exact = readout.lattice.shapley.astype(float)
    covered, off = np.zeros(exact.shape), np.zeros(exact.shape)
    for seed in range(100):
        found = sample_shapley(readout, 16, seed=seed)
        covered += np.abs(found.values - exact) <= found.margins + 1e-12
        off += (found.values - exact) / 100
        assert (found.margins > 0).all()
    assert confidence - 0.02 <= covered.mean() / 100 < 1
    # On average over seeds the estimates are right.
    assert np.abs(off).max() < 0.02


def test_more_orders_are_surer() -> None:
    readout = head(5, 4, 4, 300)
    exact = readout.lattice.shapley.astype(float)
    few, many = (sample_shapley(readout, pairs) for pairs in (8, 400))
    assert many.margins.sum() < few.margins.sum() / 4
    assert np.abs(many.values - exact).max() < 0.02


@pytest.mark.parametrize("pairs", [8, 13])
def test_each_order_is_used_with_its_reverse(pairs: int) -> None:
    readout = head(3, 4, 4, 200, confidence=0.8)
    generator = np.random.default_rng(7)
    own = [readout.labels == row for row in range(4)]

    def shares(kept: tuple[int, ...]) -> np.ndarray:
        right = predictions(readout, kept) == readout.labels
        return np.array([*(right[one].mean() if one.any() else 0.0 for one in own), right.mean()])

    samples = []
    for _ in range(pairs):
        added = np.zeros((4, 5))
        order = [int(one) + 1 for one in generator.permutation(4)]
        for one_way in (order, order[::-1]):
            for place, direction in enumerate(one_way):
                before = tuple(one_way[:place])
                added[direction - 1] += (shares((*before, direction)) - shares(before)) / 2
        samples.append(added)
    found = sample_shapley(readout, pairs, seed=7)
    np.testing.assert_allclose(found.values, np.mean(samples, axis=0), atol=1e-12)
    spread = np.std(samples, axis=0, ddof=1) / pairs**0.5
    farthest = np.abs(samples - np.mean(samples, axis=0)).max(axis=0)
    # Where 0 of so many pairs is seen, the upper end of its exact interval.
    missed = binomtest(0, pairs).proportion_ci(0.8, method="exact").high
    varies = np.ptp(samples, axis=0) > 1e-9
    assert varies.any()
    expected = np.hypot(t.ppf(0.9, pairs - 1) * spread, missed * farthest)
    np.testing.assert_allclose(found.margins[varies], expected[varies], atol=1e-12)


@pytest.mark.parametrize("pairs", [8, 16])
def test_no_interval_is_empty_unless_nothing_is_left_open(pairs: int) -> None:
    """Every pair may agree where others do not; a misled interval of no width would say never."""
    missed, empty, total = 0, 0, 0
    for number in range(12):
        readout = head(number, 4, 4, 150)
        exact = readout.lattice.shapley.astype(float)
        for seed in range(4):
            found = sample_shapley(readout, pairs, seed=seed)
            known = [*(readout.support > 0), True]
            empty += int((found.margins[:, known] == 0).sum())
            missed += int((np.abs(found.values - exact) > found.margins + 1e-12).sum())
            total += exact.size
    assert empty == 0
    # Not surely above 5 %: 49 of 960 with 8 pairs, the fewest there may be, 17 with 16.
    assert Estimate(missed, total).lower < 0.05
    # Two directions have two orders, which make one pair.
    two = head(1, 3, 2, 100)
    found = sample_shapley(two, 8)
    assert not found.margins.any()
    np.testing.assert_allclose(found.values, two.lattice.shapley.astype(float), atol=1e-12)
    # A class without images has no recall that anything could change.
    none = replace(head(0, 4, 4, 100), labels=np.arange(100) % 3)
    found = sample_shapley(none, 8)
    assert not found.margins[:, 3].any()
    assert (found.margins[:, [0, 1, 2, 4]] > 0).all()


def test_where_order_does_not_matter_little_is_left_open() -> None:
    # Each of three classes is read by its own direction; the fourth is the bias's.
    rows = [(row, tuple(9.0 * np.eye(4)[row]), 20) for row in range(4)]
    found = sample_shapley(diagonal(rows, bias=(0, 0, 0, 1.0)))
    expected = np.zeros((4, 5))
    expected[[0, 1, 2], [0, 1, 2]], expected[:3, 4] = 1, 0.25
    np.testing.assert_allclose(found.values, expected, atol=1e-12)
    # Of 32 pairs all agree; one in ten orders could be otherwise, by as much as is ever added.
    share = binomtest(0, 32).proportion_ci(0.95, method="exact").high
    largest = np.array([1, 1, 1, 1, 0.25])
    np.testing.assert_allclose(found.margins, np.broadcast_to(share * largest, (4, 5)), atol=1e-12)


def test_the_same_seed_gives_the_same() -> None:
    readout = head(3, 5, 5, 200)
    found = sample_shapley(readout, 8, seed=1)
    for again in (
        sample_shapley(replace(readout), 8, seed=1),
        sample_shapley(replace(readout), 8, seed=1, engine="numpy", threads=1),
        sample_shapley(replace(readout), 8, seed=1, engine="compiled", threads=2),
    ):
        assert again.values.tolist() == found.values.tolist()
        assert again.margins.tolist() == found.margins.tolist()
    assert sample_shapley(readout, 8, seed=2).values.tolist() != found.values.tolist()


@pytest.mark.parametrize("pairs", [-1, 0, 1, 7])
def test_too_few_pairs(pairs: int) -> None:
    with pytest.raises(InterpChecksError) as caught:
        sample_shapley(head(0, 3, 3, 20), pairs)
    assert str(caught.value).split("\n") == [
        f"{pairs} pairs of orders say nothing about the spread between them",
        "  expected: at least 8",
    ]


def test_more_directions_than_there_are_subsets_to_count() -> None:
    readout = head(0, 30, 30, 90)
    told: list[tuple[int, int]] = []
    progress: Callable[[int, int], None] = lambda done, of: told.append((done, of))  # noqa: E731
    found = sample_shapley(readout, 8, progress=progress)
    assert found.values.shape == (30, 31)
    np.testing.assert_allclose(found.values.sum(axis=0), total_effect(readout), rtol=0, atol=1e-12)
    assert told == [(done, 8) for done in range(1, 9)]


def test_what_is_shown() -> None:
    readout = replace(head(3, 4, 3, 100), class_names=("a", "b", "c", "d"))
    found = sample_shapley(readout, 8)
    assert repr(found) == "<SampledShapley of 3 directions, 8 pairs of orders>"
    table = found.table()
    assert (list(table.index), table.index.name) == ([1, 2, 3], "direction")
    names = ["a", "b", "c", "d", "accuracy"]
    assert list(table.columns) == [(n, part) for n in names for part in ("value", "margin")]
    for place, name in enumerate(names):
        assert table[name]["value"].tolist() == found.values[:, place].tolist()
        assert table[name]["margin"].tolist() == found.margins[:, place].tolist()
