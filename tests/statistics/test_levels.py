"""At which confidence a claim holds, and at which it fails."""

from __future__ import annotations

import numpy as np
import pytest
from claim_strategies import steady
from hypothesis import given
from hypothesis import strategies as st
from made_readouts import ABLATED, diagonal, dictated, judged, scipy_interval, side
from scipy.stats import binom

from interp_checks import Change, Claim, Estimate, Outcome, judge
from interp_checks.statistics.levels import (
    corrected,
    failing,
    level_words,
    marked,
    reworded,
    searched,
)
from interp_checks.statistics.threshold_check import Check, all_of

counts = st.integers(0, 60).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))
claimed = st.tuples(st.sampled_from(["above", "below"]), st.sampled_from([0.05, 0.5, 0.9]))


def comparison(count: int, total: int, relation: str, threshold: float, level: float) -> Check:
    return Check.compare("", Estimate(count, total, level), relation, threshold)


@steady
@given(st.lists(st.tuples(counts, claimed), min_size=1, max_size=6), st.sampled_from([0.8, 0.95]))
def test_each_holds_at_the_confidence_and_fails_as_one_of_many(
    parts: list[tuple[tuple[int, int], tuple[str, float]]], confidence: float
) -> None:
    level = 1 - (1 - confidence) / len(parts)
    checks = [comparison(*count, *words, confidence) for count, words in parts]
    for check, ((count, total), (relation, threshold)) in zip(
        failing(checks, confidence), parts, strict=True
    ):
        plain, wide = (
            side(*(scipy_interval(count, total, one) if total else (0, 1)), relation, threshold)
            for one in (confidence, level)
        )
        expected = "holds" if plain == "holds" else "fails" if wide == "fails" else "undecided"
        assert check.outcome == expected
        # What is shown never contradicts the verdict.
        assert side(check.lower, check.upper, relation, threshold) == expected


@steady
@given(st.integers(1, 500), st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_errors_add_up_to_the_claims(comparisons: int, confidence: float) -> None:
    level = corrected(confidence, comparisons)
    assert comparisons * (1 - level) == pytest.approx(1 - confidence)
    assert corrected(1 - 1e-12, 10**6) < 1


def test_the_failing_side_of_every_rule_of_many_comparisons() -> None:
    """The count from which each claim fails, from binomial tails alone."""
    total = 200

    def fewest(threshold: float, comparisons: int) -> int:
        """Up to how many right images a recall is surely at most the threshold."""
        return int(
            max(n for n in range(total) if binom.cdf(n, total, threshold) <= 0.025 / comparisons)
        )

    right = {(k, k, k): total for k in range(5)}
    for words, comparisons, threshold in (
        ("leaves every class alive", 5, 0.5),
        ("leaves class 0 alive", 1, 0.5),
        ("keeps recall of classes 0, 1 and 2 above 90 %", 3, 0.9),
        ("leaves classes 0 and 1 alive and keeps accuracy above 10 %", 3, 0.5),
    ):
        last = fewest(threshold, comparisons)
        for count, expected in ((last, "fails"), (last + 1, "undecided")):
            images = {**right, (0, 0, 0): count, (0, 0, 4): total - count}
            assert judged(f"{ABLATED} {words}", dictated(images)).outcome == expected


def test_a_quantified_claim_fails_as_one_of_those_that_it_needs() -> None:
    """Each of four directions is needed for its class; of "every", each fails as one of four."""

    def verdict(quantifier: str, right: int) -> str:
        # Without direction 1, so many of 400 images are right.
        rows = [(0, (9.0, 0, 0, 1.0), 400 - right), (3, (0, 0, 0, 9.0), right)]
        readout = diagonal(rows, bias=(0, 0, 0, 0.1))
        words = f"{quantifier} direction, dropped alone, keeps accuracy above 50 %"
        return judged(words, readout).outcome

    for quantifier, needed in (("every", 4), ("nearly every", 4)):
        last = max(n for n in range(400) if binom.cdf(n, 400, 0.5) <= 0.025 / needed)
        assert verdict(quantifier, last) == "fails"
        assert verdict(quantifier, last + 1) == "undecided"


def test_some_fails_at_the_confidence_of_the_claim() -> None:
    """All three directions must fail, and if the claim is true, one of them fails wrongly."""
    # Without direction 1 class 0 is lost, without direction 2 class 1, without direction 3 none.
    first = min(n for n in range(400) if binom.sf(n - 1, 400, 0.4) <= 0.025)
    for right, expected in ((first, "fails"), (first - 1, "undecided")):
        rows = [(0, (9.0, 0, 0), 400 - right), (1, (0, 9.0, 0), right)]
        readout = diagonal(rows, bias=(0, 0, 1.0))
        words = "some direction, dropped alone, keeps accuracy below 40 %"
        assert judged(words, readout).outcome == expected


def test_an_interval_says_its_confidence_where_that_is_another() -> None:
    right = {(k, k, k): 100 for k in range(5)}
    verdict = judged(
        f"{ABLATED} leaves every class alive", dictated({**right, (0, 0, 0): 0, (0, 0, 1): 100})
    )
    dead = verdict.deciding
    assert "[0.0, 5.2; at 99 %]" in dead.measured
    assert dead.confidence == 0.99
    assert dead.as_dict()["confidence"] == 0.99
    alive = verdict.checks[1]
    assert "at " not in alive.measured
    assert alive.confidence == 0.95
    low, high = scipy_interval(0, 100, 0.99)
    assert (dead.lower, dead.upper) == pytest.approx((low, high))
    lone = judged("accuracy is above 90 %", dictated({(0, 0, 0): 100}))
    assert "; at" not in lone.measured


@pytest.mark.parametrize(
    ("confidence", "words"),
    [
        (0.95, "95"), (0.5, "50"), (0.995, "99.5"), (0.9875, "98.75"), (1 - 0.05 / 6, "99.167"),
        (1 - 5e-7, "99.99995"), (1 - 1e-12, "99.9999999999"),
    ],
)  # fmt: skip
def test_a_confidence_is_never_rounded_to_certainty(confidence: float, words: str) -> None:
    assert level_words(confidence) == words


def test_the_worst_of_many_fails_as_one_of_them() -> None:
    check = Check.compare("lowest", Estimate(0, 100), "above", 0.05)
    assert check.outcome == Outcome.UNDECIDED or check.upper <= 0.05
    for among, expected in ((1, Outcome.FAILS), (3, Outcome.FAILS), (50, Outcome.UNDECIDED)):
        lowest = Check.compare("lowest", Estimate(0, 120), "above", 0.05)
        found = searched(lowest, among, 0.95)
        assert found.outcome == expected
        upper = 1 - (0.025 / among) ** (1 / 120)
        assert found.upper == pytest.approx(upper)
        # And as one of those, where it is one of two comparisons of a claim.
        again = failing([found, lowest], 0.95)[0]
        assert again.upper == pytest.approx(1 - (0.025 / 2 / among) ** (1 / 120))


def test_other_words_stay_at_every_confidence() -> None:
    check = reworded(Check.compare("a", Estimate(1, 9), "above", 0.5), quantity="b")
    assert (check.quantity, check.at(0.99).quantity, check.at(0.99).confidence) == ("b", "b", 0.99)
    exact = Check.exact("a", "b", "c", False)
    assert reworded(exact, quantity="d").at(0.9).quantity == "d"
    # Nothing is sampled: it counts for nothing and fails at any confidence.
    change = Check.compare("", Change(20, 0, 100), "below", 0.1)
    assert failing([exact, change], 0.95)[1].confidence == 0.95
    assert marked([exact], 0.95) == (exact,)
    assert all_of(one.outcome for one in failing([exact, change], 0.95)) == Outcome.FAILS


@pytest.mark.parametrize("classes", [10, 40])
def test_a_true_claim_of_many_comparisons_seldom_fails(classes: int) -> None:
    """All at the threshold, by the rule's own arithmetic on binomial draws."""
    rng = np.random.default_rng(classes)
    wrong = {True: 0, False: 0}
    for _ in range(400):
        drawn = rng.binomial(300, 0.9, classes)
        checks = [comparison(int(n), 300, "above", 0.9, 0.95) for n in drawn]
        for use in (True, False):
            judged_checks = failing(checks, 0.95) if use else checks
            outcomes = [check.outcome for check in judged_checks]
            wrong[use] += all_of(outcomes) == Outcome.FAILS
    assert wrong[True] <= 0.05 * 400
    assert wrong[False] > 2 * 0.05 * 400


def test_a_higher_confidence_never_turns_undecided_into_a_verdict() -> None:
    images = {(k, k, k): 60 for k in range(5)} | {(0, 0, 1): 35}
    claim = Claim.parse(f"{ABLATED} leaves every class alive")
    order = []
    for confidence in (0.5, 0.8, 0.95, 0.99, 0.9999):
        order.append(judge(claim, dictated(images), confidence=confidence).outcome)
    first_open = [one == Outcome.UNDECIDED for one in order]
    assert first_open == sorted(first_open)
