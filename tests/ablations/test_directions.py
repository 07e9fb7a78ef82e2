"""Singular directions: exact enough, sorted, and with signs that do not depend on luck."""

from __future__ import annotations

from functools import partial
from itertools import combinations

import numpy as np
import pytest
import scipy.linalg
from claim_strategies import steady
from hypothesis import given, settings
from hypothesis import strategies as st

from interp_checks import Directions, InterpChecksError

SHAPES = [(10, 64), (64, 10), (5, 5), (1, 7), (7, 1), (1, 1)]

shapes = st.tuples(st.integers(1, 12), st.integers(1, 12))
seeds = st.integers(0, 2**32 - 1)

close = partial(np.testing.assert_allclose, rtol=0, atol=1e-12)


def random_weight(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


@settings(steady, max_examples=80)
@given(shapes, seeds)
def test_the_decomposition_is_one(shape: tuple[int, int], seed: int) -> None:
    weight = random_weight(shape, seed)
    directions = Directions.of(weight)
    u, s, v = directions.hidden, directions.singular_values, directions.classes
    rank = min(shape)
    assert (u.shape, s.shape, v.shape) == ((shape[1], rank), (rank,), (shape[0], rank))
    assert len(directions) == rank
    close(u @ np.diag(s) @ v.T, weight.T)
    close(directions.weight(), weight)
    close(u.T @ u, np.eye(rank))
    close(v.T @ v, np.eye(rank))
    assert (np.diff(s) <= 0).all()
    assert (s >= 0).all()
    # Another LAPACK routine finds the same values.
    close(s, scipy.linalg.svd(weight, lapack_driver="gesvd")[1])


@settings(steady, max_examples=60)
@given(shapes, seeds)
def test_the_largest_entry_on_the_class_side_is_positive(shape: tuple[int, int], seed: int) -> None:
    directions = Directions.of(random_weight(shape, seed))
    for column in directions.classes.T:
        assert column[np.abs(column).argmax()] > 0


@pytest.mark.parametrize("signs", range(8))
def test_signs_are_the_same_whatever_signs_lapack_hands_out(
    signs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    weight = random_weight((3, 5))
    plain = Directions.of(weight)
    honest = np.linalg.svd

    def flipped(matrix: np.ndarray, full_matrices: bool = True) -> tuple[np.ndarray, ...]:
        u, s, vt = honest(matrix, full_matrices=full_matrices)
        flips = np.array([1 if signs >> bit & 1 else -1 for bit in range(3)])
        return u * flips, s, vt * flips[:, None]

    monkeypatch.setattr(np.linalg, "svd", flipped)
    again = Directions.of(weight)
    np.testing.assert_array_equal(again.hidden, plain.hidden)
    np.testing.assert_array_equal(again.classes, plain.classes)


@settings(steady, max_examples=40)
@given(shapes, seeds, st.data())
def test_flipping_hidden_units_flips_the_hidden_side_alone(
    shape: tuple[int, int], seed: int, data: st.DataObject
) -> None:
    flips = np.array(data.draw(st.lists(st.sampled_from([-1, 1]), min_size=12, max_size=12)))
    flips = flips[: shape[1]]
    weight = random_weight(shape, seed)
    plain, other = Directions.of(weight), Directions.of(weight * flips)
    close(other.classes, plain.classes, atol=1e-8)
    close(other.hidden, plain.hidden * flips[:, None], atol=1e-8)


def test_the_first_of_two_equal_entries_decides_the_sign() -> None:
    directions = Directions.of(np.array([[-3.0], [3.0]]))
    assert directions.classes[0, 0] > 0 > directions.classes[1, 0]
    assert directions.hidden[0, 0] == -1


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_some_directions_rebuild_the_sum_of_their_outer_products(shape: tuple[int, int]) -> None:
    weight = random_weight(shape)
    directions = Directions.of(weight)
    u, s, vt = np.linalg.svd(weight.T, full_matrices=False)
    rank = min(shape)
    for size in {1, rank // 2, rank}:
        for kept in list(combinations(range(1, rank + 1), size))[:10]:
            by_hand = np.zeros(shape)
            for index in kept:
                by_hand += s[index - 1] * np.outer(vt[index - 1], u[:, index - 1])
            close(directions.weight(kept), by_hand)
    np.testing.assert_array_equal(directions.weight(()), np.zeros(shape))


def test_coefficients_are_the_features_along_each_direction() -> None:
    weight, features = random_weight((4, 6)), random_weight((9, 6), seed=1)
    directions = Directions.of(weight)
    coefficients = directions.coefficients(features.astype(np.float32))
    assert coefficients.dtype == np.float64
    for image, row in enumerate(features.astype(np.float32).astype(float)):
        for index in range(4):
            along = sum(
                float(a) * float(b) for a, b in zip(row, directions.hidden[:, index], strict=True)
            )
            expected = along * directions.singular_values[index]
            assert coefficients[index, image] == pytest.approx(expected, abs=1e-12)


def test_energy_and_principal_directions_by_hand() -> None:
    directions = Directions.of(np.diag([1.0, 4.0, 2.0, 2.0]))  # squares 16, 4, 4, 1 of 25
    close(directions.energy, [0.64, 0.16, 0.16, 0.04], atol=1e-15)
    assert [directions.principal(share) for share in (0.01, 0.63, 0.64, 0.65, 0.8)] == [
        1,
        1,
        1,
        2,
        2,
    ]
    assert [directions.principal(share) for share in (0.81, 0.95, 0.96, 0.97, 1.0)] == [
        3,
        3,
        3,
        4,
        4,
    ]
    assert directions.principal() == 3


@settings(steady, max_examples=40)
@given(shapes, seeds)
def test_all_the_energy_needs_at_most_all_directions(shape: tuple[int, int], seed: int) -> None:
    directions = Directions.of(random_weight(shape, seed))
    assert directions.energy.sum() == pytest.approx(1)
    assert 1 <= directions.principal(0.95) <= directions.principal(1.0) == min(shape)


def test_a_zero_weight_has_directions_without_energy() -> None:
    directions = Directions.of(np.zeros((3, 5)))
    np.testing.assert_array_equal(directions.singular_values, np.zeros(3))
    close(directions.energy, [1 / 3] * 3)
    np.testing.assert_array_equal(directions.weight(), np.zeros((3, 5)))
    close(directions.classes.T @ directions.classes, np.eye(3))


def test_one_precision_whatever_comes_in() -> None:
    weight = random_weight((3, 4)).astype(np.float32)
    directions = Directions.of(weight)
    assert directions.singular_values.dtype == np.float64
    close(directions.weight(), weight.astype(float))


@pytest.mark.parametrize(
    ("weight", "found"),
    [
        (np.zeros(3), "shape (3,)"),
        (np.zeros((2, 3, 4)), "shape (2, 3, 4)"),
        (np.zeros((0, 3)), "shape (0, 3)"),
        (np.array([[1.0, np.nan]]), "shape (1, 2) with entries that are not finite"),
        (np.array([[1.0, -np.inf]]), "shape (1, 2) with entries that are not finite"),
    ],
)
def test_what_has_no_directions_is_refused(weight: np.ndarray, found: str) -> None:
    with pytest.raises(InterpChecksError) as caught:
        Directions.of(weight)
    assert str(caught.value).split("\n") == [
        "a weight cannot be decomposed",
        f"  found: {found}",
        "  expected: a finite matrix [classes, hidden units]",
    ]


def test_more_than_all_the_energy_takes_more_than_one_direction() -> None:
    directions = Directions.of(np.diag([4.0, 2.0, 1.0]))
    try:
        assert directions.principal(1.5) >= 3
    except InterpChecksError:
        return


def test_an_unknown_gauge_is_refused() -> None:
    with pytest.raises(InterpChecksError, match="foo"):
        Directions.of(np.diag([3.0, 2.0, 1.0]), "foo")  # type: ignore[arg-type]
