"""Chance of heads with very many directions: fewer rotations, each worked out in part."""

from __future__ import annotations

import numpy as np
import pytest
from chance_oracle import MEANINGS, Cuts, random_readout
from scipy.stats import beta

import interp_checks.judging.chance as chance_module
from interp_checks import Claim, Readout, judge
from interp_checks.counting import random_directions as rotations
from interp_checks.judging.chance import Chance, by_chance, within_reach

CLAIM = Claim.parse("dropping direction 2 kills class 1")


@pytest.mark.parametrize("memory", [rotations._LARGE_MEMORY, 0])
@pytest.mark.parametrize(("seed", "width"), [(0, 10), (1, 13)])
def test_the_count_is_that_of_a_plain_loop(
    seed: int, width: int, memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotations, "_MANY", 4)
    monkeypatch.setattr(rotations, "_LARGE_MEMORY", memory)
    monkeypatch.setattr(rotations, "_LARGE_BLOCK", 100)
    readout = random_readout(seed, 333, 10, width)
    cuts = Cuts(readout, 21)
    assert type(readout.random_cuts(21)) is rotations.RotatedLargeLayer
    for sentence in MEANINGS:
        assert by_chance(Claim.parse(sentence), readout, 21) == Chance(cuts.count(sentence), 21)


@pytest.mark.parametrize("sentence", [
    "dropping direction 2 kills class 1", "keeping the first 40 directions spares every class",
    "keeping only direction 1 leaves class 3 alive", "dropping unit 3 spares every class",
    "dropping directions 1, 2 and 5 spares class 2",
])  # fmt: skip
def test_a_large_head_is_counted_as_a_small_one_is(
    sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = Claim.parse(sentence)
    rng = np.random.default_rng(3)
    weight = rng.normal(size=(70, 80)) * 0.9 ** np.arange(80)
    labels = np.arange(700) % 70
    features = weight[labels] * 2 + rng.normal(size=(700, 80)) * 0.4

    def made() -> Readout:
        return Readout(features, labels, weight)

    large = made()
    assert rotations.is_large(large.directions)
    found = by_chance(claim, large, 12)
    monkeypatch.setattr(rotations, "_MANY", 100)
    assert by_chance(claim, made(), 12) == found


def test_fewer_rotations_are_tried_than_there_is_no_time_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    readout = random_readout(0, 333, 10, 10)
    one = rotations.work_of_rotation(readout, CLAIM.ablations)
    all_of_them = by_chance(CLAIM, readout, 25)
    assert all_of_them is not None
    assert all_of_them.asked == 0
    for fit, expected in ((25, 25), (24, 24), (10, 10), (9, 0)):
        monkeypatch.setattr(chance_module, "_TOO_MUCH", fit * one)
        assert within_reach(CLAIM, readout, 25) == expected
    # Where fewer than ten are asked for, these are enough.
    assert within_reach(CLAIM, readout, 9) == 9
    monkeypatch.setattr(chance_module, "_TOO_MUCH", 12 * one)
    found = by_chance(CLAIM, readout, 25)
    # The same rotations, only fewer of them.
    assert found == Chance(by_chance(CLAIM, readout, 12).count, 12, asked=25)  # type: ignore[union-attr]
    low, high = found.interval  # type: ignore[union-attr]
    count = found.count  # type: ignore[union-attr]
    assert high == pytest.approx(beta.ppf(0.975, count + 1, 12 - count))
    assert low == pytest.approx(beta.ppf(0.025, count, 13 - count) if count else 0)
    words = str(judge(CLAIM, readout, rotations=25))
    assert "12 random rotations [" in words
    assert "there was not time for 25" in words.replace("\n          ", " ")


def test_what_is_not_measured_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    readout = random_readout(0, 333, 10, 10)
    said = "chance is not measured"
    monkeypatch.setattr(chance_module, "_MOST_BYTES", 8 * 10**2 * 9)
    assert by_chance(CLAIM, readout, 25) is None
    assert any(said in note for note in judge(CLAIM, readout, rotations=25).notes)
    # Nothing is missing where nobody asked, or where a claim names no direction.
    assert not any(said in note for note in judge(CLAIM, readout, rotations=0).notes)
    quantified = Claim.parse("some direction, dropped alone, kills class 1")
    assert not any(said in note for note in judge(quantified, readout, rotations=25).notes)
