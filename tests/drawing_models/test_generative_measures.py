"""Measures of models that draw, against computations made another way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.metrics import log_loss

from interp_checks import DataError
from interp_checks.drawing_models.gaps import compare_gaps, gaps
from interp_checks.drawing_models.measures import (
    distance_to_mean,
    kl,
    output_variation,
    reconstruction_error,
)
from interp_checks.statistics.means import Measured, mean_of

RNG = np.random.default_rng(7)
INPUTS = RNG.random((60, 4, 3))
OUTPUTS = RNG.random((60, 4, 3)) * 0.5


def test_variation_is_a_ratio_of_variances() -> None:
    theirs = OUTPUTS.var(axis=0).sum() / INPUTS.var(axis=0).sum()
    assert output_variation(INPUTS, OUTPUTS).value == pytest.approx(theirs)


def test_outputs_equal_to_inputs_vary_as_these_do() -> None:
    measured = output_variation(INPUTS, INPUTS)
    assert measured.interval == pytest.approx((1, 1))


def test_one_output_for_all_inputs_does_not_vary() -> None:
    measured = output_variation(INPUTS, np.broadcast_to(INPUTS[0], INPUTS.shape))
    assert measured.value == pytest.approx(0, abs=1e-25)
    assert measured.interval == pytest.approx((0, 0), abs=1e-25)


def test_the_mean_for_all_inputs_is_at_no_distance_from_it() -> None:
    mean = INPUTS.mean(0)
    everywhere = np.broadcast_to(mean, INPUTS.shape)
    assert distance_to_mean(INPUTS, everywhere, mean).value == 0
    assert distance_to_mean(INPUTS, INPUTS, mean).value == pytest.approx(1)


def test_distance_to_mean_is_a_ratio_of_mean_squared_distances() -> None:
    centre = RNG.random((4, 3))
    above = np.mean([np.linalg.norm(one - centre) ** 2 for one in OUTPUTS])
    below = np.mean([np.linalg.norm(one - centre) ** 2 for one in INPUTS])
    assert distance_to_mean(INPUTS, OUTPUTS, centre).value == pytest.approx(above / below)


@pytest.mark.parametrize("measure", [output_variation, distance_to_mean])
def test_intervals_of_ratios_agree_with_the_bootstrap(measure: Callable[..., Measured]) -> None:
    rng = np.random.default_rng(3)
    inputs = rng.random((400, 5)) ** 2
    outputs = inputs * rng.random((400, 1)) + 0.3
    more = (np.full(5, 0.3),) if measure is distance_to_mean else ()
    ours = measure(inputs, outputs, *more)
    drawn = rng.integers(0, 400, (2000, 400))
    values = [measure(inputs[chosen], outputs[chosen], *more).value for chosen in drawn]
    lower, upper = np.quantile(values, [0.025, 0.975])
    # Wider by what was not seen, and by no more than that.
    assert ours.lower <= lower < upper <= ours.upper
    assert ours.upper - ours.lower < 1.4 * (upper - lower)


def test_a_higher_confidence_gives_a_wider_interval() -> None:
    narrow, wide = (output_variation(INPUTS, OUTPUTS, level) for level in (0.5, 0.99))
    assert wide.lower < narrow.lower < narrow.value < narrow.upper < wide.upper


def test_of_few_images_nothing_is_said() -> None:
    measured = mean_of(np.array([1.0, 2.0, 3.0, 4.0]))
    # Four images are too few to say anything.
    assert measured.interval == (-np.inf, np.inf)
    assert str(measured) == "2.5 [-inf, inf] (4 images that count as 3, of at least 50)"


def test_reconstruction_errors_are_those_of_scikit_learn() -> None:
    inputs = (INPUTS > 0.5).astype(float)
    errors = reconstruction_error(inputs, OUTPUTS)
    for image in (0, 17):
        theirs = log_loss(inputs[image].ravel(), OUTPUTS[image].ravel(), normalize=False)
        assert errors.cross_entropy[image] == pytest.approx(theirs)
        assert errors.squared[image] == pytest.approx(np.mean((inputs - OUTPUTS)[image] ** 2))
    assert errors.mean_squared.value == pytest.approx(errors.squared.mean())
    assert errors.mean_cross_entropy.value == pytest.approx(errors.cross_entropy.mean())


def test_pixels_of_exactly_0_and_1_cost_a_finite_amount() -> None:
    black = np.zeros((2, 4), np.float32)
    assert reconstruction_error(black, black).cross_entropy == pytest.approx([0, 0], abs=1e-6)
    assert np.isfinite(reconstruction_error(black, 1 - black).cross_entropy).all()


def test_kl_is_the_integral() -> None:
    means, logs = np.array([[0.5, -1.0]]), np.array([[0.3, -0.7]])
    grid = np.linspace(-15, 15, 200_001)
    total = 0.0
    for mean, log in zip(means[0], logs[0], strict=True):
        log_density = -((grid - mean) ** 2) / (2 * np.exp(log)) - (np.log(2 * np.pi) + log) / 2
        log_prior = -(grid**2) / 2 - np.log(2 * np.pi) / 2
        step = grid[1] - grid[0]
        total += float((np.exp(log_density) * (log_density - log_prior)).sum() * step)
    assert kl(means, logs) == pytest.approx([total])
    assert kl(np.zeros((3, 2)), np.zeros((3, 2))) == pytest.approx(np.zeros(3))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: output_variation(INPUTS, OUTPUTS[:5]),
        lambda: output_variation(INPUTS[:1], OUTPUTS[:1]),
        lambda: output_variation(np.ones((5, 2)), np.ones((5, 2))),
        lambda: distance_to_mean(INPUTS, OUTPUTS, np.zeros(5)),
        lambda: gaps(np.zeros((4, 2)), np.zeros(3, int)),
        lambda: gaps(np.full((4, 2), np.nan), np.array([0, 0, 1, 1])),
        lambda: gaps(RNG.random((4, 2)), np.zeros(4, int)),
        lambda: gaps(RNG.random((4, 2)), np.array([0, 0, 0, 1])),
        lambda: compare_gaps(*(gaps(RNG.random((n, 2)), np.arange(n) % 2) for n in (8, 10))),
    ],
)
def test_what_cannot_be_measured_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(DataError):
        wrong()


def two_clusters(distance: float, count: int = 600, dimensions: int = 2, seed: int = 0):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    points = rng.random((count, dimensions))
    points[:, 0] += labels * (1 + distance)
    return points, labels


def test_gaps_are_distances_between_neighbours() -> None:
    # More points than fit one block, far from the origin, one of them twice.
    points, labels = two_clusters(0.1, 1203)
    points = (points + 50).astype(np.float32)
    points[2] = points[0]
    between = cdist(points.astype(float), points.astype(float))
    between[between == 0] = np.inf
    alike = labels[:, None] == labels
    found = gaps(points, labels)
    assert found.own == pytest.approx(np.where(alike, between, np.inf).min(1))
    assert found.other == pytest.approx(np.where(alike, np.inf, between).min(1))
    assert found.second == pytest.approx(np.sort(between, axis=1)[:, 1])
    assert found.ratio.value == pytest.approx(np.exp(np.log(found.other / found.own).mean()))


def test_gaps_have_no_scale_and_no_place() -> None:
    points, labels = two_clusters(0.1)
    one, other = gaps(points, labels), gaps(1000 * points - 77, labels)
    assert one.log_ratios == pytest.approx(other.log_ratios)
    assert one.dimension == pytest.approx(other.dimension)


def test_an_interval_takes_blocks() -> None:
    points, labels = two_clusters(0.1, 1203)
    found = gaps(points, labels, blocks=20)
    # Each block has its share of each class, and its neighbours are its own.
    counts = np.array([np.bincount(labels[found.blocks == block]) for block in range(20)])
    assert np.ptp(counts, axis=0).max() <= 1
    for block in (0, 19):
        inside = found.blocks == block
        alone = gaps(points[inside], labels[inside])
        assert found.log_ratios[inside] == pytest.approx(alone.log_ratios)
        # Of one block alone nothing is known.
        assert alone.ratio.interval == (0, np.inf)
    assert compare_gaps(found, gaps(1000 * points, labels, blocks=20)).value == pytest.approx(1)
    with pytest.raises(DataError, match="cannot be compared"):
        compare_gaps(found, gaps(points, labels, blocks=10))


def test_wider_gaps_are_larger_and_no_gaps_are_none() -> None:
    ratios = [gaps(*two_clusters(distance), blocks=20).ratio for distance in (0.0, 0.2, 1.0)]
    assert ratios[0].upper < ratios[1].lower
    assert ratios[1].upper < ratios[2].lower
    points, labels = two_clusters(0.0)
    shuffled = np.random.default_rng(1).permutation(labels)
    assert gaps(points, shuffled).ratio.value == pytest.approx(1, abs=0.08)


@pytest.mark.parametrize("dimensions", [2, 5])
def test_the_intrinsic_dimension_is_that_of_the_points(dimensions: int) -> None:
    points, labels = two_clusters(0.0, 3000, dimensions)
    embedded = points @ np.random.default_rng(0).standard_normal((dimensions, 9))
    # Points near the border of a cube see fewer neighbours, hence the tolerance.
    assert gaps(embedded, labels).dimension == pytest.approx(dimensions, rel=0.12)


def test_the_comparison_is_paired() -> None:
    first, second = (gaps(*two_clusters(distance), blocks=20) for distance in (0.5, 0.1))
    compared = compare_gaps(first, second)
    assert compared.value == pytest.approx(first.ratio.value / second.ratio.value)
    assert compared.lower > 1
    assert compare_gaps(first, first).interval == (1, 1)
    assert compare_gaps(second, first).upper < 1
    unpaired = np.hypot(*(np.log(one.ratio.upper / one.ratio.value) for one in (first, second)))
    assert np.log(compared.upper / compared.value) < unpaired
    volumes = compare_gaps(first, second, volumes=True)
    assert volumes.value == pytest.approx(first.volume.value / second.volume.value)
