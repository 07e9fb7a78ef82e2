"""Shapley values image by image: by every subset, and by random orders of each image's own."""

from __future__ import annotations

import numpy as np
import pytest
from made_heads import head
from made_readouts import judged

from interp_checks import NotJudgedError, Readout, judge
from interp_checks.counting import shapley_by_image as module
from interp_checks.counting.shapley_by_image import shapley_by_image
from interp_checks.statistics.tests import bernstein


def of_all(readout: Readout) -> module.ShapleyByImage:
    return shapley_by_image(readout, np.arange(len(readout)))


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(module, "_MOST_DIRECTIONS", 0)
    return monkeypatch


@pytest.mark.parametrize("fill", ["zero", "mean", "another"])
def test_of_two_directions_an_order_and_its_reverse_are_all(
    fill: str, sampled: pytest.MonkeyPatch
) -> None:
    readout = head(3, 3, 2, 200).filled_with(fill)
    found = of_all(readout)
    assert found.orders == 16
    assert found.reach == 2
    sampled.setattr(module, "_MOST_DIRECTIONS", 12)
    exact = of_all(readout)
    assert exact.orders == 0
    assert exact.reach == 1
    np.testing.assert_allclose(found.values, exact.values, atol=1e-12)


def test_what_they_add_sums_to_the_whole_for_every_image(sampled: pytest.MonkeyPatch) -> None:
    sampled.setattr(module, "_BLOCK", 7 * 6)
    readout = head(1, 6, 7, 150)
    logits = readout.features @ readout.weight.T + readout.bias
    right = logits.argmax(axis=1) == readout.labels
    none = np.argmax(readout.bias) == readout.labels
    total = of_all(readout).values.sum(axis=0)
    np.testing.assert_allclose(total, right.astype(int) - none, atol=1e-12)


def test_orders_of_each_image_come_near_to_all_of_them(sampled: pytest.MonkeyPatch) -> None:
    readout = head(5, 6, 7, 3000)
    found = of_all(readout).values
    sampled.setattr(module, "_MOST_DIRECTIONS", 12)
    gaps = found - of_all(readout).values
    # Their errors are independent, and none on average: five standard errors, of six directions.
    errors = gaps.std(axis=1, ddof=1) / np.sqrt(3000)
    assert (errors > 0).all()
    assert (np.abs(gaps.mean(axis=1)) < 5 * errors).all()
    # Neighbours share no orders.
    assert abs(np.corrcoef(gaps[0, :-1], gaps[0, 1:])[0, 1]) < 0.1


def test_a_claim_about_many_directions_says_how_it_was_sampled() -> None:
    readout = head(0, 14, 15, 4000)
    shapley = of_all(readout)
    assert shapley.orders == 16
    best, worst = (int(shapley.values.mean(axis=1).argsort()[place]) for place in (-1, 0))
    verdict = judged(f"direction {best + 1} has the largest Shapley value for accuracy", readout)
    for check in verdict.checks:
        other = int(check.expected.split()[-1]) - 1
        gaps = shapley.values[best] - shapley.values[other]
        margin = bernstein(gaps, 0.025, 2.0)
        assert check.value == pytest.approx(gaps.mean())
        expected = "holds" if gaps.mean() > margin else "undecided"
        assert str(check.outcome) == expected
    assert "16 random orders for each of 4,000 images" in verdict.checks[0].measured
    claim = f"direction {worst + 1} has the largest Shapley value for accuracy"
    assert str(judged(claim, readout).outcome) == "fails"


def test_where_there_is_no_time_for_all_images_some_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    readout = head(0, 14, 15, 1000)
    pair = 2 * 14 * 14
    monkeypatch.setattr(module, "_MOST_LOGITS", 300 * pair)
    found = of_all(readout)
    assert found.values.shape == (14, 300)
    assert found.orders == 2
    verdict = judge("direction 1 has the largest Shapley value for accuracy", readout, rotations=0)
    assert verdict.checks[0].total == 300
    monkeypatch.setattr(module, "_MOST_LOGITS", 99 * pair)
    with pytest.raises(NotJudgedError, match="14 directions and 14 classes"):
        of_all(readout)


def test_bernstein_scales_with_what_the_values_can_be() -> None:
    values = np.random.default_rng(0).uniform(-2, 2, 500)
    assert bernstein(values, 0.01, 2.0) == pytest.approx(2 * bernstein(values / 2, 0.01))
