"""Directions of two checkpoints: the assignment, near-equal singular values, refusals."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from made_matchings import SIGMA, head, orthogonal, turned
from scipy.linalg import subspace_angles

from interp_checks import InterpChecksError, Readout
from interp_checks.comparing.matching import Match, groups, match_directions
from interp_checks.thresholds import COUNTERPART


@pytest.mark.parametrize("seed", range(8))
def test_the_assignment_is_the_best_of_all(seed: int) -> None:
    """Against every permutation, for heads that have nothing to do with each other."""
    generator = np.random.default_rng(seed)
    shapes = [(6, 6), (6, 4), (7, 5), (5, 9)][seed % 4]
    old = Readout(np.ones((1, shapes[1])), np.zeros(1, int), generator.normal(size=shapes))
    new = Readout(np.ones((1, shapes[1])), np.zeros(1, int), generator.normal(size=shapes))
    cosines = np.abs(old.directions.classes.T @ new.directions.classes)
    width = len(old.directions)
    best = max(
        permutations(range(width)),
        key=lambda one: sum(cosines[row, one[row]] for row in range(width)),
    )
    found = match_directions(old, new)
    assert [match.closest for match in found] == [column + 1 for column in best]
    for match in found:
        expected = cosines[match.old - 1, best[match.old - 1]]
        assert match.cosine == pytest.approx(expected, abs=1e-12)
        assert match.new == (match.closest if expected >= COUNTERPART else None)


@pytest.mark.parametrize(("old_width", "new_width"), [(4, 6), (6, 4)])
def test_different_numbers_of_directions(old_width: int, new_width: int) -> None:
    classes = orthogonal(7, 1)
    old = head(classes[:, :old_width], SIGMA[:old_width])
    new = head(classes[:, ::-1][:, -new_width:], SIGMA[:new_width])
    found = match_directions(old, new)
    assert [match.old for match in found] == list(range(1, old_width + 1))
    numbers = {match.old: match.new for match in found}
    assert numbers == {
        old: new_width + 1 - old if old <= new_width else None for old in range(1, old_width + 1)
    }
    for match in found:
        if match.new is None:
            assert (match.cosine, match.closest, match.group) == (0.0, None, ())
            assert str(match) == f"{match.old} -> none (cosine 0.00)"


def test_hidden_units_permuted_and_flipped_change_nothing() -> None:
    generator = np.random.default_rng(3)
    weight, features = generator.normal(size=(6, 6)), generator.normal(size=(30, 6))
    order, signs = generator.permutation(6), np.array([1, -1, -1, 1, -1, 1])
    old = Readout(features, np.arange(30) % 6, weight)
    new = Readout((features * signs)[:, order], old.labels, (weight * signs)[:, order])
    found = match_directions(old, new)
    assert [match.new for match in found] == [1, 2, 3, 4, 5, 6]
    for match in found:
        assert match.cosine == pytest.approx(1, abs=1e-12)
        assert match.cosine <= 1
        assert match.subspace == pytest.approx(1, abs=1e-12)
        assert match.group == (match.old,)
    assert str(found).startswith("1 -> 1 (cosine 1.00), 2 -> 2 (cosine 1.00)")


def test_signs_do_not_matter() -> None:
    """A class vector with two entries of nearly the same size gets the other sign."""
    old, new = (
        head(
            np.linalg.qr(np.array([[1, 0.3], [-1 - nudge, 0.3], [0.02, 1]]))[0], np.array([3.0, 1])
        )
        for nudge in (0.001, -0.001)
    )
    raw = float(old.directions.classes[:, 0] @ new.directions.classes[:, 0])
    assert raw < -0.99
    found = match_directions(old, new)
    assert found[1].new == 1
    assert found[1].cosine == pytest.approx(-raw)


@pytest.mark.parametrize("order", [(2, 1, 3, 4, 5, 6), (6, 5, 4, 3, 2, 1), (3, 1, 2, 6, 4, 5)])
def test_reordered_directions(order: tuple[int, ...]) -> None:
    classes = orthogonal(6, 5)
    old = head(classes, SIGMA)
    new = head(classes[:, [number - 1 for number in order]], SIGMA, orthogonal(6, 9))
    found = match_directions(old, new)
    assert {match.old: match.new for match in found} == {
        old: place for place, old in enumerate(order, start=1)
    }


@pytest.mark.parametrize(("cosine", "new"), [(COUNTERPART + 0.003, 2), (COUNTERPART - 0.003, None)])
def test_the_threshold(cosine: float, new: int | None) -> None:
    classes = orthogonal(6, 6)
    old = head(classes, SIGMA)
    other = head(turned(classes, 2, 3, float(np.degrees(np.arccos(cosine)))), SIGMA)
    match = match_directions(old, other)[2]
    assert match.new == new
    assert match.closest == 2
    assert match.cosine == pytest.approx(cosine)
    told = (
        f"2 -> 2 (cosine {cosine:.2f})" if new else f"2 -> none (closest is 2, cosine {cosine:.2f})"
    )
    assert str(match) == told


def test_rotated_in_a_plane_of_equal_singular_values() -> None:
    sigma = np.array([9.0, 7.0, 6.9995, 4.0, 2.5, 1.0])
    classes = orthogonal(6, 7)
    old, new = head(classes, sigma), head(turned(classes, 2, 3, 45), sigma)
    assert groups(old) == groups(new) == [(1,), (2, 3), (4,), (5,), (6,)]
    found = match_directions(old, new)
    for number in (2, 3):
        assert found[number].cosine == pytest.approx(np.sqrt(0.5), abs=1e-3)
        assert found[number].group == (2, 3)
        assert found[number].subspace == pytest.approx(1, abs=1e-6)
    for number in (1, 4, 5, 6):
        assert found[number].new == number
        assert found[number].group == (number,)


@pytest.mark.parametrize("seed", range(6))
def test_principal_angles_against_scipy(seed: int) -> None:
    """Groups of the two heads at different places, and none of them quite the other's."""
    generator = np.random.default_rng(seed)
    place, other = (list(combinations(range(5), 1))[k][0] for k in (seed % 5, (2 * seed) % 5))
    sigmas = []
    for start in (place, other):
        sigma = SIGMA.copy()
        sigma[start + 1] = sigma[start] - 0.0005
        sigmas.append(np.sort(sigma)[::-1])
    classes = orthogonal(6, seed)
    moved = np.linalg.qr(classes + 0.25 * generator.normal(size=(6, 6)))[0]
    old, new = head(classes, sigmas[0]), head(moved, sigmas[1])
    found = match_directions(old, new)
    of_old = {number: group for group in groups(old) for number in group}
    of_new = {number: group for group in groups(new) for number in group}
    assert (place + 1, place + 2) in groups(old)
    assert (other + 1, other + 2) in groups(new)
    for match in found:
        mine = of_old[match.old]
        theirs = sorted({one for member in mine for one in of_new[found[member].closest or 0]})
        assert match.group == tuple(theirs)
        one = old.directions.classes[:, [number - 1 for number in mine]]
        two = new.directions.classes[:, [number - 1 for number in theirs]]
        assert match.subspace == pytest.approx(np.cos(subspace_angles(one, two).max()), abs=1e-7)


def test_three_in_a_row_are_one_group() -> None:
    sigma = np.array([9.0, 5.0, 4.9995, 4.999, 2.5, 1.0])
    assert groups(head(orthogonal(6, 1), sigma)) == [(1,), (2, 3, 4), (5,), (6,)]


@pytest.mark.parametrize("names", [tuple("abcdeg"), tuple("abcde")], ids=["name", "number"])
def test_other_classes_are_refused(names: tuple[str, ...]) -> None:
    old = head(orthogonal(6, 1), SIGMA, class_names=tuple("abcdef"))
    size = len(names)
    new = head(orthogonal(size, 1), SIGMA[:size], class_names=names)
    with pytest.raises(InterpChecksError) as refused:
        match_directions(old, new)
    assert refused.value.found == ", ".join(names)
    assert refused.value.expected == "a, b, c, d, e, f"


def test_directions_that_do_not_exist() -> None:
    found = match_directions(head(orthogonal(6, 1), SIGMA), head(orthogonal(6, 2), SIGMA))
    assert isinstance(found[6], Match)
    with pytest.raises(KeyError, match="no direction 7"):
        found[7]


def test_the_same_on_every_call() -> None:
    old, new = head(orthogonal(6, 1), SIGMA), head(orthogonal(6, 2), SIGMA)
    assert match_directions(old, new) == match_directions(old, new)


def test_a_rotated_plane_is_its_own_counterpart() -> None:
    """Near-equal singular values are compared as subspaces: no angle at all between these."""
    sigma = np.array([9.0, 7.0, 6.9995, 4.0, 2.5, 1.0])
    classes = orthogonal(6, 7)
    found = match_directions(head(classes, sigma), head(turned(classes, 2, 3, 45), sigma))
    assert {found[2].new, found[3].new} == {2, 3}


@pytest.mark.parametrize("seed", range(5))
def test_classes_in_another_order_are_the_same_classes(seed: int) -> None:
    """Known by name: every cosine and every counterpart is what it was, in either argument."""
    generator = np.random.default_rng(seed)
    names = tuple("abcdef")
    sigma = np.array([9.0, 7.0, 7.0 - 1e-7, 4.0, 2.5]) if seed % 2 else SIGMA[:5]
    classes = orthogonal(6, seed)[:, :5]
    old = head(classes, sigma, class_names=names)
    near = classes + generator.normal(size=classes.shape) * 0.1
    new = head(np.linalg.qr(near)[0], sigma, class_names=names)
    order = generator.permutation(6)
    shuffled = Readout(
        new.features,
        np.argsort(order)[new.labels],
        new.weight[order],
        class_names=tuple(names[number] for number in order),
    )
    for one, other in (
        (match_directions(old, new), match_directions(old, shuffled)),
        (match_directions(new, old), match_directions(shuffled, old)),
    ):
        for expected, found in zip(one, other, strict=True):
            assert (found.new, found.closest, found.group) == (
                expected.new,
                expected.closest,
                expected.group,
            )
            assert found.cosine == pytest.approx(expected.cosine, abs=1e-6)
            assert found.subspace == pytest.approx(expected.subspace, abs=1e-6)
