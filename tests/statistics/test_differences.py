"""Tests of differences against scipy and against counting every way to deal out the images."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, fisher_exact, norm

from interp_checks import Change, Estimate
from interp_checks.statistics.differences import paired_error, unpaired_error

counts = st.integers(0, 60).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


@given(counts, counts)
def test_shares_of_different_images_are_fishers_exact_test(
    old: tuple[int, int], new: tuple[int, int]
) -> None:
    error = unpaired_error(Estimate(*old), Estimate(*new))
    if not old[1] or not new[1]:
        assert error == 1
        return
    higher = new[0] / new[1] >= old[0] / old[1]
    table = [[new[0], new[1] - new[0]], [old[0], old[1] - old[0]]]
    expected = fisher_exact(table, alternative="greater" if higher else "less").pvalue
    assert error == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(
    ("old", "new"), [((1, 0, 5), (3, 1, 6)), ((0, 2, 4), (2, 0, 4)), ((3, 1, 6), (0, 2, 5))]
)
def test_losses_of_different_images_by_every_deal(
    old: tuple[int, int, int], new: tuple[int, int, int]
) -> None:
    """The permutation test by brute force, and Welch's test where that says more."""
    samples = [np.array([1] * lost + [-1] * gained + [0] * (total - lost - gained))
               for lost, gained, total in (old, new)]  # fmt: skip
    together = np.concatenate(samples)
    sign = 1 if samples[1].mean() >= samples[0].mean() else -1
    deals = [
        sign * together[list(chosen)].sum()
        for chosen in combinations(range(len(together)), len(samples[1]))
    ]
    permuted = np.mean(np.array(deals) >= sign * samples[1].sum())
    spread = np.sqrt(sum(sample.var() / len(sample) for sample in samples))
    welch = norm.sf(abs(samples[1].mean() - samples[0].mean()) / spread)
    assert unpaired_error(Change(*old), Change(*new)) == pytest.approx(max(permuted, welch))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_shares_of_the_same_images_are_the_sign_test(pairs: list[tuple[bool, bool]]) -> None:
    old, new = (np.array([pair[side] for pair in pairs], dtype=int) for side in (0, 1))
    up, down = int((new > old).sum()), int((new < old).sum())
    expected = 1.0
    if up != down:
        expected = binomtest(max(up, down), up + down, alternative="greater").pvalue
    assert paired_error(old, new) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_losses_of_the_same_images_by_every_sign(seed: int) -> None:
    generator = np.random.default_rng(seed)
    old, new = generator.integers(-1, 2, size=(2, 11))
    changes = np.abs(new - old)
    found = abs(int((new - old).sum()))
    sums = [int((np.array(signs) * changes).sum()) for signs in product([1, -1], repeat=11)]
    expected = np.mean(np.array(sums) >= found) if found else 1.0
    assert paired_error(old, new) == pytest.approx(expected)


def test_large_samples_take_no_time_and_no_rounding_hurts() -> None:
    same = Estimate(400_000, 1_000_000)
    assert unpaired_error(same, same) == pytest.approx(0.5, abs=0.01)
    assert unpaired_error(same, Estimate(500_000, 1_000_000)) == 0
    assert unpaired_error(Change(900, 700, 10**5), Change(1100, 700, 10**5)) == pytest.approx(
        norm.sf(200 / np.sqrt(3400)), rel=0.1
    )


@pytest.mark.parametrize("kind", ["share", "loss", "paired", "paired loss"])
def test_equal_populations_are_told_apart_no_more_often_than_said(kind: str) -> None:
    """The rate at 5 %, of one-sided tests in the sense found: at most 10 %, and its noise."""
    generator = np.random.default_rng(len(kind))
    wrong, rounds = 0, 300
    for _ in range(rounds):
        if kind == "share":
            one, two = generator.binomial([90, 140], 0.12)
            error = unpaired_error(Estimate(int(one), 90), Estimate(int(two), 140))
        elif kind == "loss":
            # The same loss, made up otherwise.
            one, two = (
                generator.multinomial(90, [0.1, 0, 0.9]),
                generator.multinomial(300, [0.2, 0.1, 0.7]),
            )
            error = unpaired_error(Change(*map(int, one[:2]), 90), Change(*map(int, two[:2]), 300))
        else:
            low = -1 if kind == "paired loss" else 0
            old, new = generator.integers(low, 2, size=(2, 50))
            error = paired_error(old, new)
        wrong += error <= 0.05
    assert wrong / rounds <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / rounds)
