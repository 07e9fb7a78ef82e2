"""How alike directions must be: against Beta quantiles, and unrelated heads by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from scipy.stats import beta

from interp_checks import Claim, NotJudgedError, Readout, judge
from interp_checks.comparing.alignment import aligned
from interp_checks.comparing.counterparts import needed_cosine
from interp_checks.comparing.fates import fate_of
from interp_checks.comparing.matching import match_directions
from interp_checks.thresholds import COUNTERPART


@pytest.mark.parametrize("dimension", [2, 3, 4, 5, 9, 30])
@pytest.mark.parametrize("candidates", [1, 3, 10])
def test_of_directions_against_the_quantile(dimension: int, candidates: int) -> None:
    quantile = beta.isf(0.05 / candidates, 0.5, (dimension - 1) / 2) ** 0.5
    expected = max(COUNTERPART, quantile)
    assert needed_cosine(dimension, candidates) == pytest.approx(expected, abs=1e-12)


def test_where_nothing_can_be_told() -> None:
    assert needed_cosine(1, 1) == math.inf
    assert needed_cosine(4, 1, narrow=2, wide=4) == math.inf
    # Two planes in space share a line, and the rest is the angle of their normals, whose cosine
    # is uniform; the bound for planes is on the safe side of that.
    assert 1 - 0.05 / 3 <= needed_cosine(3, 3, narrow=2, wide=2) < 1


@pytest.mark.parametrize(("dimension", "narrow", "wide"), [(4, 1, 2), (4, 2, 2), (5, 2, 3)])
def test_of_subspaces_by_simulation(dimension: int, narrow: int, wide: int) -> None:
    """Random subspaces reach the cosine in at most 5 % of 1,000 pairs, and its noise."""
    generator = np.random.default_rng(dimension)
    needed = needed_cosine(dimension, 1, narrow=narrow, wide=wide)
    reached = 0
    for _ in range(1000):
        one = generator.normal(size=(dimension, narrow))
        other = generator.normal(size=(dimension, wide))
        reached += np.cos(subspace_angles(one, other).max()) >= needed
    rate = reached / 1000
    assert rate <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)
    if narrow == 1 and needed > COUNTERPART:
        assert rate >= 0.05 - 3 * np.sqrt(0.05 * 0.95 / 1000)


def unrelated(classes: int, gauge: str, generator: np.random.Generator) -> Readout:
    weight = generator.normal(size=(classes, classes + 2))
    features = np.zeros((classes, classes + 2))
    return Readout(features, np.arange(classes), weight, gauge=gauge)  # type: ignore[arg-type]


@pytest.mark.parametrize("gauge", ["raw", "centred"])
@pytest.mark.parametrize("classes", [2, 3, 4, 5, 10])
def test_unrelated_heads_by_simulation(classes: int, gauge: str) -> None:
    """With the assignment: at most 5 % of directions find a counterpart, and the noise."""
    generator = np.random.default_rng(classes)
    rounds, matched, total, plain = 150, 0, 0, 0
    for _ in range(rounds):
        pair = [unrelated(classes, gauge, generator) for _ in range(2)]
        # A centred weight has a direction without weight, (1, ..., 1), the same in every head.
        alive = (pair[0].directions.singular_values > 1e-9).sum()
        found = list(match_directions(*pair))[:alive]
        matched += sum(match.new is not None for match in found)
        plain += sum(match.cosine >= COUNTERPART for match in found)
        total += len(found)
    # Directions of one pair of heads are not independent.
    assert matched / total <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / rounds)
    if 2 < classes <= 4:
        assert plain / total > 0.1


@pytest.mark.parametrize("gauge", ["raw", "centred"])
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_a_head_is_its_own_counterpart(classes: int, gauge: str) -> None:
    readout = unrelated(classes, gauge, np.random.default_rng(1))
    for match in match_directions(readout, readout):
        assert (match.new == match.old) == match.matchable
        assert match.matchable == (classes > 2 or gauge == "raw")


def two_classes(strength: float) -> Readout:
    features = np.array([[3.0, 0], [-3.0, 0]]).repeat(200, axis=0)
    weight = np.array([[strength, 0], [-strength, 0]])
    bias = np.array([0.0, 0.5])
    return Readout(features, np.repeat([0, 1], 200), weight, bias, gauge="centred")


def test_two_classes_cannot_be_matched_and_are_compared_as_they_stand() -> None:
    claim = Claim.parse("dropping direction 1 kills class 0")
    old, new = two_classes(1.0), two_classes(2.0)
    assert judge(claim, old)
    matching = match_directions(old, new)
    assert str(matching[1]) == "1 -> none (so few classes that any two heads agree)"
    assert fate_of(claim, old, new, matching, 0.95).word == "held"
    with pytest.raises(NotJudgedError, match="cannot be matched by its class vector"):
        aligned(claim, matching)
    # The bias leans the other way: that is seen, though nothing is known of directions.
    gone = Readout(new.features, new.labels, new.weight, np.array([0.5, 0]), gauge="centred")
    found = fate_of(claim, old, gone, match_directions(old, gone), 0.95)
    assert found.word == "moved to another class"


def test_what_is_said_where_chance_comes_close() -> None:
    """Three classes: a cosine of 0.95 is no counterpart any more, and the words say why."""
    old = Readout(np.zeros((3, 3)), np.arange(3), np.diag([3.0, 2, 1]))
    cosine, sine = 0.95, np.sqrt(1 - 0.95**2)
    turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    new = Readout(np.zeros((3, 3)), np.arange(3), turn @ np.diag([3.0, 2, 1]))
    matching = match_directions(old, new)
    told = "1 -> none (closest is 1, cosine 0.9500, 0.9834 needed with so few classes)"
    assert str(matching[1]) == told
    with pytest.raises(NotJudgedError) as refused:
        aligned(Claim.parse("dropping direction 1 kills class 0"), matching)
    assert refused.value.expected == (
        "an absolute cosine of at least 0.9834 between the class vectors"
    )
