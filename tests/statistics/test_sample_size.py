"""How many more images would decide: adding that many does, and noticeably fewer do not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from claim_strategies import steady
from hypothesis import given, settings
from hypothesis import strategies as st
from made_readouts import ABLATED, diagonal, dictated, judged, scipy_interval, side
from scipy.stats import beta, fisher_exact

from interp_checks import Change, Estimate, Readout, Verdict
from interp_checks.claims.predicates.accuracy import _more_to_order
from interp_checks.claims.predicates.mistakes import _more_mistakes
from interp_checks.statistics.check import Check, open_needs
from interp_checks.statistics.sample_size import (
    MOST,
    Needs,
    more_images,
    needs_in_words,
    rounded,
    smallest,
)


def scaled(count: int, total: int, images: int) -> int:
    """The count at the same share of another number of images."""
    return round(count / total * images)


def number(needs: Needs, kind: str) -> int | None:
    """How many more of the one kind of images that is needed."""
    assert list(needs) == [kind]
    return needs[kind]


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


EACH = "images of each class"


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


# --- which comparison decides a whole claim -----------------------------------------------------


def killed(shares: dict[int, tuple[int, int]]) -> Readout:
    """Of each class so many of so many images survive the ablation."""
    images: dict[tuple[int, int, int], int] = {}
    for k, (alive, total) in shares.items():
        images |= {(k, k, k): alive, (k, k, (k + 1) % 5): total - alive}
    return dictated(images)


def with_more(shares: dict[int, tuple[int, int]], more: dict[int, int]) -> Readout:
    """So many more images of these classes, at the same shares."""
    grown = {k: total + more.get(k, 0) for k, (_, total) in shares.items()}
    return killed({k: (scaled(*shares[k], total), total) for k, total in grown.items()})


def by_force(count: int, total: int, threshold: float, confidence: float = 0.95) -> int:
    """After how many more images, at this share, the threshold is cleared for good.

    Clearing it for good, since the rounding of counts opens and closes a number here and there.
    """
    images = np.arange(total, 30_000)
    counts = np.round(count / total * images)
    tail = (1 - confidence) / 2
    if count / total < threshold:
        cleared = beta.isf(tail, counts + 1, images - counts) < threshold
    else:
        cleared = beta.ppf(tail, counts, images - counts + 1) > threshold
    assert cleared[-1]
    assert not cleared[0]
    return int(len(cleared) - cleared[::-1].argmin())


def needs_of(verdict: Verdict) -> Needs:
    """What the words of a verdict are about, before they are rounded."""
    first = verdict.checks[0]
    needs = first.more() if first.tally and first.more is not None else open_needs(verdict.checks)
    assert verdict.needed == needs_in_words(needs)
    return needs


def test_what_leans_against_a_claim_decides_it_first() -> None:
    # Classes 0 and 1 lean towards it; 2 and 3 against, and 3 is the farther from 5 %.
    shares = {0: (9, 200), 1: (0, 60), 2: (11, 200), 3: (8, 100)}
    claim = f"{ABLATED} kills classes 0, 1, 2 and 3"
    verdict = judged(claim, killed(shares))
    assert verdict.outcome == "undecided"
    open_checks = [check for check in verdict.checks if check.outcome == "undecided"]
    assert [check.leans for check in open_checks] == [True, True, False, False]
    more = number(needs_of(verdict), "images of class 3")
    assert more is not None
    # Against it, each is one of eight comparisons.
    level = {0: 0.95, 1: 0.95, 2: 1 - 0.05 / 8, 3: 1 - 0.05 / 8}
    every = {k: by_force(*shares[k], 0.05, level[k]) for k in shares}
    # Class 1 would be decided sooner, which would decide nothing.
    assert every[1] < every[3] < min(every[0], every[2])
    assert judged(claim, with_more(shares, {1: every[1]})).outcome == "undecided"
    assert 1 / 1.2 <= (100 + more) / (100 + every[3]) <= 1.05
    assert judged(claim, with_more(shares, {3: more})).outcome == "fails"
    assert judged(claim, with_more(shares, {3: round(0.7 * more)})).outcome == "undecided"


def test_if_all_lean_towards_a_claim_it_needs_them_all() -> None:
    shares = {0: (3, 100), 1: (44, 1000), 2: (0, 60)}
    claim = f"{ABLATED} kills classes 0, 1 and 2"
    verdict = judged(claim, killed(shares))
    assert verdict.outcome == "undecided"
    assert all(check.leans for check in verdict.checks if check.outcome == "undecided")
    needs = {k: needs_of(verdict)[f"images of class {k}"] or 0 for k in shares}
    assert len(needs_of(verdict)) == 3
    for k, more in needs.items():
        images = shares[k][1]
        assert 1 / 1.2 <= (images + more) / (images + by_force(*shares[k], 0.05)) <= 1.2
        # Each of them is needed.
        others = {other: count for other, count in needs.items() if other != k}
        assert judged(claim, with_more(shares, others)).outcome == "undecided"
    assert judged(claim, with_more(shares, needs)).outcome == "holds"
    two = verdict.needed.removeprefix("about ").removesuffix(" would decide").split(" and ")
    assert [words.partition(" more ")[2] for words in two] == [
        "images of class 1",
        "images of class 0",
    ]


def missed(shares: tuple[int, ...], images: int) -> Readout:
    """Without direction k, this share (in %) of the images is wrong: those of class k - 1."""
    rows = []
    for k, share in enumerate(shares):
        logits = [0.0] * len(shares)
        logits[k], logits[(k + 1) % len(shares)] = 9.0, 1.0
        rows.append((k, tuple(logits), round(share / 100 * images)))
    return diagonal(rows)


def test_some_direction_is_found_when_the_first_that_leans_towards_it_is_decided() -> None:
    # Accuracy without one: 69, 68, 74 and 89 %, so the third is decided first, but against it.
    shares, images = (31, 32, 26, 11), 200
    claim = "some direction, dropped alone, keeps accuracy below 70 %"
    verdict = judged(claim, missed(shares, images))
    assert verdict.outcome == "undecided"
    assert [str(check.outcome) for check in verdict.checks[1:]] == ["undecided"] * 3 + ["fails"]
    assert [check.leans for check in verdict.checks[1:4]] == [True, True, False]
    more = number(needs_of(verdict), "images")
    assert more is not None
    each = 1 - 0.05 / 4
    forced = [by_force(images - share * 2, images, 0.7, each) for share in shares[:3]]
    assert forced[2] < forced[1] < forced[0]
    assert 1 / 1.05 <= (images + more) / (images + forced[1]) <= 1.05
    for total, outcome in ((images + more, "holds"), (round(0.9 * (images + more)), "undecided")):
        assert judged(claim, missed(shares, total)).outcome == outcome
    # The other two are no help: with as many as decide the third, the claim is still open.
    assert judged(claim, missed(shares, images + forced[2])).outcome == "undecided"


def test_every_direction_fails_with_the_first_that_leans_against_it() -> None:
    shares, images = (31, 32, 26, 11), 200
    claim = "every direction, dropped alone, keeps accuracy above 67 %"
    verdict = judged(claim, missed(shares, images))
    assert verdict.outcome == "undecided"
    # All lean towards it: the nearest, 68 %, is the last to be decided.
    more = number(needs_of(verdict), "images")
    assert more is not None
    assert judged(claim, missed(shares, images + more)).outcome == "holds"
    assert judged(claim, missed(shares, round(0.9 * (images + more)))).outcome == "undecided"
    claim = "every direction, dropped alone, keeps accuracy above 72 %"
    more = number(needs_of(judged(claim, missed(shares, images))), "images")
    assert more is not None
    assert judged(claim, missed(shares, images + more)).outcome == "fails"
    assert judged(claim, missed(shares, round(0.9 * (images + more)))).outcome == "undecided"


# --- what is wrong ------------------------------------------------------------------------------


def ten_classes(right: dict[int, int], images: int) -> Readout:
    """So many of each class are right (97 % where nothing is said); the others go elsewhere."""
    logits = 9 * np.eye(10)
    rows = []
    for k in range(10):
        good = right.get(k, round(0.97 * images))
        rows += [(k, tuple(logits[k]), good), (k, tuple(logits[k - 1]), images - good)]
    return diagonal(rows)


def test_more_images_tell_that_a_class_does_not_have_the_lowest_recall() -> None:
    claim = "class 0 has the lowest recall"
    verdict = judged(claim, ten_classes({0: 90, 1: 84}, 100))
    assert verdict.outcome == "undecided"
    check = next(check for check in verdict.checks if check.expected == "below that of class 1")
    assert check.more is not None
    more = number(check.more(), EACH)
    assert more is not None
    images = round(1.5 * (100 + more))
    right = {0: round(0.90 * images), 1: round(0.84 * images)}
    assert judged(claim, ten_classes(right, images)).outcome == "fails"


def test_of_which_class_a_quantified_claim_needs_more_images() -> None:
    logits = 9 * np.eye(4)
    images = [(k, tuple(logits[k]), 60) for k in range(4)]
    readout = diagonal(images, bias=(0, 0, 0, 1.0))
    verdict = judged("some direction, dropped alone, kills class 0", readout)
    assert verdict.outcome == "undecided"
    assert verdict.checks[1].needed.endswith("more images of class 0 would decide")
    assert verdict.needed.endswith("more images of class 0 would decide")


def test_the_number_of_predicted_classes_is_decided_by_any_images() -> None:
    images = {(0, 0, 0): 400, (0, 0, 1): 6, (1, 1, 0): 100}
    verdict = judged(f"{ABLATED} predicts exactly one class", dictated(images))
    assert verdict.outcome == "undecided"
    assert verdict.deciding.needed.endswith("more images would decide")
