"""Exact intervals against scipy, and numbers that never claim more than was seen."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from claim_strategies import steady
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made_readouts import scipy_interval

from interp_checks import Change, Estimate
from interp_checks.statistics.intervals import PerClass, exact_interval, percent

TOTALS = [1, 2, 3, 10, 71, 72, 500, 1000, 10000]
CONFIDENCES = [0.5, 0.8, 0.95, 0.99, 0.9995]


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("total", TOTALS)
def test_intervals_are_those_of_clopper_and_pearson(total: int, confidence: float) -> None:
    counts = {0, 1, total // 20, total // 3, total // 2, total - 1, total}
    for count in sorted(counts):
        estimate = Estimate(count, total, confidence)
        assert estimate.interval == pytest.approx(
            scipy_interval(count, total, confidence), abs=1e-9, rel=1e-9
        )
        assert (estimate.lower, estimate.upper) == estimate.interval
        assert estimate.lower < estimate.upper
        assert estimate.lower <= estimate.value <= estimate.upper
        assert float(estimate) == estimate.value == count / total


def test_nothing_and_everything_by_hand() -> None:
    assert exact_interval(0, 10, 0.95)[0] == 0.0
    assert exact_interval(0, 10, 0.95)[1] == pytest.approx(1 - 0.025**0.1)
    assert exact_interval(10, 10, 0.95)[0] == pytest.approx(0.025**0.1)
    assert exact_interval(10, 10, 0.95)[1] == 1.0


def test_no_images_say_nothing() -> None:
    nothing, no_change = Estimate(0, 0), Change(0, 0, 0)
    assert math.isnan(nothing.value)
    assert nothing.interval == (0.0, 1.0)
    assert str(nothing) == "no images"
    assert math.isnan(no_change.value)
    assert no_change.interval == (-1.0, 1.0)
    assert str(no_change) == "no images"


@pytest.mark.parametrize(("count", "total"), [(-1, 5), (6, 5), (1, 0)])
def test_an_impossible_share_is_refused(count: int, total: int) -> None:
    with pytest.raises(ValueError, match=f"{count} of {total} is not a share"):
        Estimate(count, total)


@pytest.mark.parametrize("confidence", [0.0, 1.0, -0.5, 95])
def test_an_impossible_confidence_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="is not between 0 and 1"):
        Estimate(1, 5, confidence)


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize("counts", [(0, 0, 10), (3, 1, 40), (10, 0, 10), (0, 10, 10), (5, 5, 1000)])
def test_a_change_is_two_shares_at_half_the_error(
    counts: tuple[int, int, int], confidence: float
) -> None:
    lost, gained, total = counts
    change = Change(lost, gained, total, confidence)
    half = 1 - (1 - confidence) / 2
    one, two = scipy_interval(lost, total, half), scipy_interval(gained, total, half)
    assert change.value == pytest.approx((lost - gained) / total)
    assert change.interval == pytest.approx((one[0] - two[1], one[1] - two[0]), abs=1e-9)
    assert change.lower < change.value < change.upper or change.value in change.interval
    assert change.lower < change.upper


@pytest.mark.parametrize("shares", [(0.05, 0.02), (0.0, 0.0), (0.3, 0.3), (0.5, 0.01)], ids=str)
def test_the_interval_of_a_change_has_its_coverage(shares: tuple[float, float]) -> None:
    """Seeded: of 1,500 samples, each side misses the truth at most as often as it may."""
    rng, total, confidence, rounds = np.random.default_rng(5), 120, 0.8, 1500
    draws = rng.multinomial(total, [*shares, 1 - sum(shares)], size=rounds)
    intervals = [Change(int(row[0]), int(row[1]), total, confidence).interval for row in draws]
    truth = shares[0] - shares[1]
    allowed = rounds * (1 - confidence) / 2
    assert sum(lower > truth for lower, _ in intervals) <= allowed
    assert sum(upper < truth for _, upper in intervals) <= allowed
    # Not by being useless: twice as wide as the normal approximation is too wide.
    spread = math.sqrt((sum(shares) - truth**2) / total) or 1 / total
    assert np.mean([upper - lower for lower, upper in intervals]) < 2 * 2 * 1.2816 * spread + 0.1


@pytest.mark.parametrize(
    ("fraction", "digits", "text"),
    [
        (0.0, 1, "0.0"),
        (-0.0, 1, "0.0"),
        (-0.0, 2, "0.00"),
        (1.0, 1, "100.0"),
        (0.5, 1, "50.0"),
        (0.9723, 2, "97.23"),
        (0.0004, 1, "<0.1"),
        (0.0004, 2, "0.04"),
        (0.00004, 2, "<0.01"),
        (-0.0004, 1, "-<0.1"),
        (0.9996, 1, "99.9"),
        (0.99996, 2, "99.99"),
        (-0.25, 1, "-25.0"),
    ],
)
def test_percent_by_hand(fraction: float, digits: int, text: str) -> None:
    assert percent(fraction, digits) == text


@settings(steady, max_examples=200)
@given(st.floats(0, 1), st.integers(1, 4))
@example(5e-324, 1)
@example(math.nextafter(1, 0), 1)
def test_percent_is_0_or_100_only_for_what_is(fraction: float, digits: int) -> None:
    text = percent(fraction, digits)
    assert re.fullmatch(r"<?\d+\.\d+", text)
    assert len(text.split(".")[1]) == digits
    number = float(text.removeprefix("<"))
    assert (text.startswith("<") or number > 0) == (fraction > 0)
    assert (number == 100) == (fraction == 1)
    assert abs(number - 100 * fraction) <= 10.0**-digits


def test_percent_is_minus_100_only_for_what_is() -> None:
    assert percent(-0.9999) == "-99.9"


def test_estimates_in_words() -> None:
    assert str(Estimate(860, 1000)) == "86.0 % [83.7, 88.1] (860 of 1000)"
    assert str(Estimate(0, 72)) == "0.0 % [0.0, 5.0] (0 of 72)"
    assert str(Estimate(1, 1000)) == "0.1 % [<0.1, 0.6] (1 of 1000)"
    assert str(Estimate(9999, 10000)) == "99.99 % [99.94, 99.99] (9999 of 10000)"
    assert str(Estimate(72, 72)) == "100.0 % [95.0, 100.0] (72 of 72)"
    lower, upper = (percent(end) for end in Change(7, 2, 50).interval)
    assert str(Change(7, 2, 50)) == f"10.0 points [{lower}, {upper}] (7 lost, 2 gained of 50)"


def test_estimates_are_found_by_name_or_number() -> None:
    recall = PerClass({"8": Estimate(1, 2), "cat": Estimate(0, 3)})
    assert recall[8] == recall["8"] == recall[np.int64(8)] == Estimate(1, 2)
    assert list(recall) == ["8", "cat"]
    assert len(recall) == 2
    assert 8 in recall
    assert 9 not in recall
    with pytest.raises(KeyError, match="9"):
        recall[9]
    assert repr(recall) == f"8: {Estimate(1, 2)}\ncat: {Estimate(0, 3)}"


@pytest.mark.parametrize("counts", [(5, 5, 3), (-1, 0, 3), (0, 4, 3)])
def test_an_impossible_change_is_refused(counts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="of 3"):
        Change(*counts)
