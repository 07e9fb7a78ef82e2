"""How many more images would decide: adding that many does, and noticeably fewer do not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from claim_strategies import steady
from hypothesis import given, settings
from hypothesis import strategies as st
from made_readouts import ABLATED, dictated, judged, scipy_interval, side
from sample_sizes import EACH, number, scaled
from scipy.stats import beta, fisher_exact

from interp_checks import Change, Estimate
from interp_checks.claims.predicates.accuracy import _more_to_order
from interp_checks.claims.predicates.mistakes import _more_mistakes
from interp_checks.statistics.sample_size import MOST, more_images, rounded, smallest
from interp_checks.statistics.threshold_check import Check


def decides(count: int, total: int, threshold: float, images: int, confidence: float) -> bool:
    interval = scipy_interval(scaled(count, total, images), images, confidence)
    return side(*interval, "above" if count / total > threshold else "below", threshold) == "holds"


def change_decides(change: Change, threshold: float, images: int) -> bool:
    """The paired interval again: two Clopper-Pearson intervals, each at half the error."""
    each = 1 - (1 - change.confidence) / 2
    lost, gained = (
        scipy_interval(scaled(part, change.total, images), images, each)
        for part in (change.lost, change.gained)
    )
    lower, upper = lost[0] - gained[1], lost[1] - gained[0]
    relation = "above" if change.value > threshold else "below"
    return side(lower, upper, relation, threshold) == "holds"


# --- shares -------------------------------------------------------------------------------------


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
@pytest.mark.parametrize(
    ("count", "total", "threshold"),
    [
        (47, 100, 0.5),
        (53, 100, 0.5),
        (485, 1000, 0.5),
        (97, 100, 0.96),
        (943, 1000, 0.95),
        (9, 200, 0.05),
        (11, 200, 0.05),
        (1012, 2000, 0.5),
    ],
)
def test_that_many_more_decide_and_a_twentieth_fewer_do_not(
    count: int, total: int, threshold: float, confidence: float
) -> None:
    more = more_images(Estimate(count, total, confidence), threshold)
    assert more is not None
    assert decides(count, total, threshold, total + more, confidence)
    fewer = round(0.95 * (total + more))
    assert not decides(count, total, threshold, fewer, confidence)


@settings(steady, max_examples=40)
@given(st.data(), st.sampled_from([0.05, 0.1, 0.5, 0.9, 0.0437]), st.sampled_from([0.8, 0.95]))
def test_the_number_lies_between_the_first_and_the_last_that_changes_the_answer(
    data: st.DataObject, threshold: float, confidence: float
) -> None:
    """Against every number of images: what rounding of counts does to the answer is allowed for."""
    total = data.draw(st.integers(1, 400))
    count = data.draw(st.integers(0, total))
    share = count / total
    if abs(share - threshold) < 0.01:
        return
    images = np.arange(total, 20_000)
    counts = np.round(share * images)
    tail = (1 - confidence) / 2
    if share < threshold:
        upper = beta.isf(tail, counts + 1, np.maximum(images - counts, 1e-9))
        decided = np.where(counts < images, upper, 1.0) < threshold
    else:
        lower = beta.ppf(tail, np.maximum(counts, 1e-9), images - counts + 1)
        decided = np.where(counts > 0, lower, 0.0) > threshold
    more = more_images(Estimate(count, total, confidence), threshold)
    assert more is not None
    if decided[0]:
        assert more == 0
        return
    assert decided[more]
    assert decided.argmax() <= more
    last_open = len(decided) - 1 - decided[::-1].argmin()
    assert total + more <= 1.011 * (total + last_open) + 1


def test_nothing_decides_at_the_threshold() -> None:
    assert more_images(Estimate(5, 100), 0.05) is None
    assert more_images(Estimate(50, 100), 0.5) is None
    assert more_images(Change(12, 2, 100), 0.1) is None
    assert more_images(Change(0, 0, 100), 0.0) is None
    assert more_images(Estimate(0, 0), 0.5) is None
    assert more_images(Change(0, 0, 0), 0.5) is None


def test_too_many_to_collect_are_none() -> None:
    assert more_images(Estimate(4960, 10_000), 0.5) is not None
    assert more_images(Estimate(499_999, 1_000_000), 0.5) is None
    assert smallest(lambda total: total >= MOST, 1) is not None
    assert smallest(lambda total: False, 1) is None


@pytest.mark.parametrize("border", [1, 2, 7, 99, 100, 101, 12_345, 999_999])
@pytest.mark.parametrize("start", [1, 10, 100])
def test_the_smallest_number_to_about_one_percent(border: int, start: int) -> None:
    asked: list[int] = []

    def decided(total: int) -> bool:
        asked.append(total)
        return total >= border

    found = smallest(decided, start)
    assert found is not None
    exact = max(border, start)
    assert exact <= found <= 1.011 * exact + 1
    assert len(asked) < 40


# --- paired losses ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lost", "gained", "total", "threshold"),
    [
        (30, 5, 300, 0.1),
        (36, 3, 300, 0.1),
        (120, 100, 1000, 0.05),
        (12, 4, 400, 0.01),
        (0, 9, 200, -0.05),
        (9, 0, 200, 0.05),
    ],
)
def test_for_a_loss_too(lost: int, gained: int, total: int, threshold: float) -> None:
    change = Change(lost, gained, total)
    more = more_images(change, threshold)
    assert more is not None
    assert more > 0
    assert change_decides(change, threshold, total + more)
    assert not change_decides(change, threshold, round(0.95 * (total + more)))


# --- orderings and mistakes ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ((85, 100), (92, 100)),
        ((950, 1000), (960, 1000)),
        ((40, 80), (70, 120)),
        ((84, 100), (93, 100)),
    ],
)
def test_more_images_of_each_class_order_two_recalls(
    own: tuple[int, int], other: tuple[int, int]
) -> None:
    more = number(_more_to_order(Estimate(*own), Estimate(*other), 0.025)(), EACH)
    assert more is not None

    def ordered(images: int) -> bool:
        one, two = scaled(*own, images), scaled(*other, images)
        table = [[one, images - one], [two, images - two]]
        return bool(fisher_exact(table, alternative="less").pvalue < 0.025)

    start = min(own[1], other[1])
    by_force = next(images for images in range(start, 10**6, 5) if ordered(images))
    assert 1 / 1.5 <= (start + more) / by_force <= 1.5


def test_equal_recalls_are_never_ordered() -> None:
    for own, other in (((85, 100), (170, 200)), ((499_999, 10**6), (500_000, 10**6))):
        for error in (0.025, 0.001):
            needs = _more_to_order(Estimate(*own), Estimate(*other), error)()
            assert needs == {EACH: None}


@pytest.mark.parametrize(
    ("one", "two", "images"), [(12, 6, 400), (30, 24, 100), (1, 3, 50), (160, 140, 1000)]
)
def test_more_images_of_a_class_give_enough_mistakes(one: int, two: int, images: int) -> None:
    more = number(_more_mistakes(Estimate(one, one + two), "7", images)(), "images of class 7")
    assert more is not None

    def told_apart(total: int) -> bool:
        first, second = scaled(one, images, total), scaled(two, images, total)
        return decides(first, first + second, 0.5, first + second, 0.95)

    totals = range(images, 10**6, max(1, images // 20))
    by_force = next(total for total in totals if told_apart(total))
    assert 1 / 1.5 <= (images + more) / by_force <= 1.5


# --- in words -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "1"), (1, "1"), (9, "9"), (10, "10"), (99, "99"), (104, "100"), (106, "110"),
        (995, "1,000"), (1287, "1,300"), (12_345, "12,000"), (9_876_543, "9,900,000"),
    ],
)  # fmt: skip
def test_two_figures_are_told(count: int, words: str) -> None:
    assert rounded(count) == words


@given(st.integers(1, 10**8))
def test_what_is_told_is_within_a_twentieth(count: int) -> None:
    assert abs(int(rounded(count).replace(",", "")) - count) <= 0.05 * count


def test_what_would_decide_is_told_for_what_is_undecided() -> None:
    undecided = Check.compare("", Estimate(3, 100), "below", 0.05, of="images of class 8")
    more = more_images(Estimate(3, 100), 0.05)
    assert more is not None
    assert undecided.needed == f"about {rounded(more)} more images of class 8 would decide"
    # On the wrong side too: then that many decide that it fails.
    assert Check.compare("", Estimate(7, 100), "below", 0.05).needed.startswith("about ")
    at = Check.compare("", Estimate(5, 100), "below", 0.05)
    assert at.needed == "no number of images would decide: the number is at the threshold"
    assert Check.compare("", Estimate(0, 100), "below", 0.05).needed == ""
    assert Check.compare("", Estimate(50, 100), "below", 0.05).needed == ""
    assert Check.exact("", "", "", True).needed == ""


def test_a_claim_is_decided_by_as_many_more_as_it_says() -> None:
    images = {(0, 0, 0): 3, (0, 0, 1): 97}
    check = judged(f"{ABLATED} kills class 0", dictated(images)).deciding
    assert check.more is not None
    more = number(check.more(), "images of class 0")
    assert more is not None
    factor = (100 + more) / 100
    enough = {key: math.floor(factor * n) + (key[2] == 1) for key, n in images.items()}
    assert judged(f"{ABLATED} kills class 0", dictated(enough)).outcome == "holds"
    too_few = {key: round(0.8 * factor * n) for key, n in images.items()}
    assert judged(f"{ABLATED} kills class 0", dictated(too_few)).outcome == "undecided"
