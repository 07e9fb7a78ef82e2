"""Chance rates against a plain loop over rotations, with every claim's meaning said again."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg
from chance_oracle import HEADLINE, MEANINGS, Cuts, random_readout
from scipy.stats import beta, binomtest, kstest

from interp_checks import Ablation, Claim, NotJudgedError, Readout, judge, load_snapshot
from interp_checks.claims.predicate import PREDICATES, Effect
from interp_checks.counting import random_directions as rotations
from interp_checks.counting.random_directions import RotatedOutputLayer, _sample_of
from interp_checks.judging.chance import Chance, by_chance
from interp_checks.judging.decide import decide
from interp_fixtures.reference_files import snapshot_file


@pytest.fixture(scope="module")
def mnist() -> Readout:
    return load_snapshot(snapshot_file("mnist"))


# --- the same count from a plain loop -----------------------------------------------------------


@pytest.fixture(scope="module")
def cuts(mnist: Readout) -> Cuts:
    return Cuts(mnist, 60)


def test_every_kind_of_say_is_compared() -> None:
    said = {type(say) for sentence in MEANINGS for say in Claim.parse(sentence).says}
    assert said == {kind for kind in PREDICATES if issubclass(kind, Effect)}


@pytest.mark.parametrize("sentence", MEANINGS)
def test_on_mnist_the_count_is_that_of_a_plain_loop(
    sentence: str, mnist: Readout, cuts: Cuts
) -> None:
    assert by_chance(Claim.parse(sentence), mnist, 60) == Chance(cuts.count(sentence), 60)


@pytest.mark.parametrize("width", [10, 13])
@pytest.mark.parametrize("seed", range(2))
def test_on_random_heads_the_count_is_that_of_a_plain_loop(width: int, seed: int) -> None:
    readout = random_readout(seed, 333, 10, width)
    cuts = Cuts(readout, 21)
    for sentence in MEANINGS:
        assert by_chance(Claim.parse(sentence), readout, 21) == Chance(cuts.count(sentence), 21)


def test_the_headline_is_no_accident(mnist: Readout) -> None:
    chance = by_chance(Claim.parse(HEADLINE), mnist, 500)
    assert chance is not None
    assert (chance.total, chance.share) == (500, chance.count / 500)
    assert 0 <= chance.count <= 25


# --- the rotations ------------------------------------------------------------------------------


@pytest.mark.parametrize(("classes", "width"), [(4, 7), (7, 4), (5, 5)])
def test_rotated_pieces_add_up_to_the_weight(classes: int, width: int) -> None:
    readout = random_readout(1, 200, classes, width)
    rotated = RotatedOutputLayer(readout, 20, readout.random_cuts)
    logits = readout.features @ readout.weight.T
    seen = 0
    for coefficients, vectors in rotated._chunks():
        np.testing.assert_allclose((vectors @ coefficients).swapaxes(1, 2), [logits] * len(vectors))
        lengths = np.linalg.norm(vectors, axis=1)
        assert (np.diff(lengths, axis=1) <= 0).all()
        seen += len(vectors)
    assert seen == 20
    every = Ablation("every")
    np.testing.assert_array_equal(rotated.counts(every), [readout.intact.counts] * 20)


def test_rotations_are_uniform() -> None:
    """Of an identity weight the class vectors are the rotations themselves."""
    size, many = 5, 2000
    readout = Readout(np.ones((1, size)), np.zeros(1, int), np.eye(size))
    turned = np.concatenate(
        [vectors for _, vectors in RotatedOutputLayer(readout, many, readout.random_cuts)._chunks()]
    )
    np.testing.assert_allclose(turned.swapaxes(1, 2) @ turned, [np.eye(size)] * many, atol=1e-12)
    # Of an identity all pieces carry the same weight, so rounding decides their order, and that has
    # to do with their entries. In a random order they are uniform.
    shuffled = np.random.default_rng(1).random((many, size)).argsort(axis=1)
    turned = np.take_along_axis(turned, shuffled[:, None], axis=2)
    level = 0.01 / 11  # eleven tests, at one percent together
    for row, column in [(0, 0), (4, 4), (0, 4), (4, 0), (2, 2)]:
        entries = turned[:, row, column]
        assert kstest(entries**2, beta(0.5, (size - 1) / 2).cdf).pvalue > level
        assert binomtest(int((entries > 0).sum()), many).pvalue > level
    # Householder reflections alone, without the correction of signs, give one determinant.
    assert binomtest(int((np.linalg.det(turned) > 0).sum()), many).pvalue > level
    assert len({round(float(entry), 9) for entry in turned[:, 0, 0]}) == many


# --- the edges ----------------------------------------------------------------------------------

AGAIN = f"""
from interp_checks import Claim, load_snapshot
from interp_checks.judging import chance
from interp_checks.ablations.ablation import Kind
from interp_checks.judging.chance import by_chance
from interp_fixtures.reference_files import snapshot_file
readout = load_snapshot(snapshot_file("mnist"))
print(*(by_chance(Claim.parse(sentence), readout, 60) for sentence in {list(MEANINGS)[:12]}))
"""


@pytest.mark.parametrize("threads", ["1", "2"])
def test_every_process_finds_the_same(threads: str, mnist: Readout) -> None:
    here = [str(by_chance(Claim.parse(sentence), mnist, 60)) for sentence in list(MEANINGS)[:12]]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
    there = subprocess.run(
        [sys.executable, "-c", AGAIN], env=environment, capture_output=True, text=True, check=True
    )
    assert there.stdout.split() == here


@pytest.mark.parametrize(
    "sentence",
    [
        "accuracy is above 9 %",
        "the first 2 directions carry at least 9 % of the variance",
        "keeping every direction keeps accuracy above 9 %",
        "keeping no direction predicts exactly one class",
        "some direction, dropped alone, kills class 1",
        "nearly every ablation keeps accuracy above 9 %",
    ],
)
def test_a_claim_that_names_no_direction_has_no_chance(sentence: str) -> None:
    assert by_chance(Claim.parse(sentence), random_readout(), 5) is None
    assert judge(Claim.parse(sentence), random_readout(), rotations=5).chance is None


def test_chance_is_measured_only_when_asked_for() -> None:
    claim, readout = Claim.parse("dropping direction 1 kills class 1"), random_readout()
    assert by_chance(claim, readout, 0) is None
    assert judge(claim, readout).chance is None
    chance = judge(claim, readout, rotations=9).chance
    assert chance is not None
    assert chance == by_chance(claim, readout, 9, anywhere=True)
    with pytest.raises(NotJudgedError, match="there is no class 7"):
        judge(Claim.parse("dropping direction 1 kills class 7"), readout, rotations=9)


# --- what is wrong ------------------------------------------------------------------------------


def test_every_class_is_in_the_sample_that_chance_is_measured_on() -> None:
    labels = np.repeat(np.arange(700), 3)
    rng = np.random.default_rng(0)
    readout = Readout(rng.normal(size=(2100, 64)), labels, rng.normal(size=(700, 64)))
    assert set(readout.labels[_sample_of(readout)]) == set(range(700))


def test_what_no_prediction_sees_does_not_change_chance() -> None:
    readout = replace(random_readout(0, 400, 4, 9), gauge="centred")
    unseen = scipy.linalg.null_space(readout.gauged_weight)
    noise = np.random.default_rng(0).normal(size=(400, unseen.shape[1]))
    moved = replace(readout, features=readout.features + 50 * noise @ unseen.T)
    claim = Claim.parse("dropping direction 1 keeps accuracy above 60 %")
    assert decide(claim, moved, 0.95)[0] == decide(claim, readout, 0.95)[0]
    assert by_chance(claim, moved, 200) == by_chance(claim, readout, 200)


def test_a_class_may_have_an_empty_name() -> None:
    claim = "dropping direction 1 spares class {} and spares every other class"
    for seed in range(20):
        named, unnamed = (
            replace(random_readout(seed), class_names=("0", "1", "2", name)) for name in ("3", "")
        )
        one, other = (by_chance(Claim.parse(claim.format(0)), r, 40) for r in (named, unnamed))
        assert one == other


def test_few_images_per_class_do_not_understate_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(150, 32))
    weight /= np.linalg.norm(weight, axis=1, keepdims=True)
    labels = np.repeat(np.arange(150), 30)
    readout = Readout(7 * weight[labels] + rng.normal(size=(4500, 32)), labels, weight)
    claim = Claim.parse("dropping direction 10 spares every class")

    def found(images: int, of_a_class: int) -> int:
        monkeypatch.setattr(rotations, "_IMAGES", images)
        monkeypatch.setattr(rotations, "_FEWEST_OF_A_CLASS", of_a_class)
        counted = by_chance(claim, replace(readout), 20)
        assert counted is not None
        return counted.count

    fewest, whole = rotations._FEWEST_OF_A_CLASS, found(4500, 1)
    assert found(1250, fewest) >= whole - 2
    # With 8 images of each class, one lost image is more than 10 points.
    assert found(1250, 1) < whole - 4
