"""Chance rates against a plain loop over rotations, with every claim's meaning said again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg
from scipy.stats import beta, binomtest, kstest

from interp_checks import Ablation, Claim, NotJudgedError, Readout, judge, load_snapshot
from interp_checks.ablations.ablation import Kind
from interp_checks.claims.predicate import PREDICATES, Effect
from interp_checks.counting import random_cuts as rotations
from interp_checks.counting.random_cuts import RotatedOutputLayer, _sample_of
from interp_checks.judging.chance import Chance, by_chance
from interp_checks.judging.decide import decide
from interp_fixtures.reference_files import snapshot_file

HEADLINE = "dropping direction 5 kills class 8 and spares every other class"


@pytest.fixture(scope="module")
def mnist() -> Readout:
    return load_snapshot(snapshot_file("mnist"))


def random_readout(seed: int = 0, images: int = 300, classes: int = 4, width: int = 6) -> Readout:
    """A head that is right for about nine of ten images."""
    rng = np.random.default_rng(seed)
    weight, bias = rng.normal(size=(classes, width)), rng.normal(size=classes) / 2
    features = rng.normal(size=(images, width)) * 2
    labels = (features @ weight.T + bias).argmax(axis=1)
    wrong = rng.random(images) < 0.1
    labels[wrong] = rng.integers(0, classes, wrong.sum())
    return Readout(features, labels, weight, bias)


# --- the same count from a plain loop -----------------------------------------------------------


class Cuts:
    """Confusion counts of a weight cut along random directions; whole weights, no tricks."""

    def __init__(self, readout: Readout, rotations: int) -> None:
        order = np.argsort(readout.labels, kind="stable")
        if len(order) > 2500:
            chosen: set[int] = set()
            for k in set(readout.labels.tolist()):
                own = np.flatnonzero(readout.labels == k)
                wanted = min(len(own), max(20, round(len(own) * 2500 / len(order))))
                chosen |= {int(own[int(x)]) for x in np.linspace(0, len(own) - 1, wanted)}
            order = np.array(sorted(chosen))
        self.features = readout.features[order].astype(float)
        self.labels, self.bias = readout.labels[order], readout.bias
        self.classes = len(readout.bias)
        left, values, right = np.linalg.svd(readout.weight, full_matrices=False)
        signs = np.array([np.sign(column[np.abs(column).argmax()]) for column in left.T])
        left, right = left * signs, right * signs[:, None]
        self.whole = readout.weight
        self.cuts = []
        generator = np.random.default_rng(0)
        for _ in range(rotations):
            q, r = np.linalg.qr(generator.standard_normal((len(values), len(values))))
            q = q * np.sign(np.diag(r))
            pieces = [np.outer((left * values) @ column, column @ right) for column in q.T]
            self.cuts.append(sorted(pieces, key=lambda piece: -np.linalg.norm(piece)))
        self.known: dict[tuple[int, ...], np.ndarray] = {}

    def predicted(self, ablation: Ablation | None) -> np.ndarray:
        """[rotations, N]; None for the intact head."""
        if ablation is None:
            logits = self.features @ self.whole.T + self.bias
            return np.broadcast_to(logits.argmax(axis=1), (len(self.cuts), len(logits)))
        kept = ablation.kept(len(self.cuts[0]))
        if kept not in self.known:
            self.known[kept] = np.array(
                [
                    (self.features @ sum(pieces[k - 1] for k in kept).T + self.bias).argmax(axis=1)
                    if kept
                    else np.full(len(self.features), self.bias.argmax())
                    for pieces in self.cuts
                ]
            )
        return self.known[kept]

    def count(self, sentence: str) -> int:
        condition = Claim.parse(sentence).condition
        assert isinstance(condition, Ablation)
        rows = enumerate(self.predicted(condition))
        return sum(MEANINGS[sentence](Numbers(self, index, now)) for index, now in rows)


class Numbers:
    """What one cut does, in counts of images: whole numbers, compared exactly."""

    def __init__(self, cuts: Cuts, index: int, now: np.ndarray) -> None:
        self.cuts, self.index, self.now = cuts, index, now
        self.all = range(cuts.classes)
        self.images = len(now)
        self.of = [int((cuts.labels == k).sum()) for k in self.all]
        self.right = self.rights(now)
        self.before = self.rights(cuts.predicted(None)[index])
        self.share = [int((now == k).sum()) for k in self.all]
        self.dead = [20 * self.right[k] < self.of[k] for k in self.all]
        self.was_alive = [2 * self.before[k] > self.of[k] for k in self.all]
        self.killed = [k for k in self.all if self.dead[k] and self.was_alive[k]]
        self.alive = [k for k in self.all if 2 * self.right[k] > self.of[k]]
        lost = [self.before[k] - self.right[k] for k in self.all]
        self.spared = [k for k in self.all if 10 * lost[k] < self.of[k]]
        self.predicted = [k for k in self.all if 100 * self.share[k] > self.images]

    def rights(self, predicted: np.ndarray) -> list[int]:
        return [int(((self.cuts.labels == k) & (predicted == k)).sum()) for k in self.all]

    def goes(self, source: int) -> list[int]:
        return [int((self.now[self.cuts.labels == source] == k).sum()) for k in self.all]

    def under(self, kind: Kind, number: int) -> np.ndarray:
        return self.cuts.predicted(Ablation(kind, (number,)))[self.index]


Meaning = Callable[[Numbers], bool]


def spares_but(numbers: Numbers, *names: int) -> bool:
    return set(numbers.all) - set(names) <= set(numbers.spared)


def goes_most(numbers: Numbers, source: int, target: int) -> bool:
    goes = numbers.goes(source)
    return goes[target] > max(goes[k] for k in numbers.all if k not in (source, target))


# Each sentence with its meaning in whole counts of images.
# fmt: off
MEANINGS: dict[str, Meaning] = {
    "dropping direction 1 kills class 6": lambda n: 6 in n.killed,
    "keeping the first 5 directions kills only class 8": lambda n: n.killed == [8],
    "dropping direction 4 kills exactly one class": lambda n: len(n.killed) == 1,
    "dropping directions 1 and 5 kills no class": lambda n: not n.killed,
    "dropping direction 9 leaves class 4 alive and spares every other class":
        lambda n: 4 in n.alive and spares_but(n, 4),
    "dropping direction 2 kills exactly one class and spares every other class":
        lambda n: len(n.killed) == 1 and spares_but(n, *n.killed),
    "keeping the first 7 directions mistakes class 4 mostly for class 9 and spares every other "
    "class": lambda n: goes_most(n, 4, 9) and spares_but(n, 4),
    "dropping direction 7 spares classes 3 and 5": lambda n: {3, 5} <= set(n.spared),
    "dropping direction 8 spares every class": spares_but,
    "keeping the first 7 directions leaves every class alive": lambda n: len(n.alive) == 10,
    "keeping only direction 1 leaves only classes 6 and 7 alive": lambda n: n.alive == [6, 7],
    "keeping the first 6 directions keeps accuracy above 80 %":
        lambda n: 5 * sum(n.right) > 4 * n.images,
    "keeping the last 6 directions keeps recall of classes 6 and 7 below 20 %":
        lambda n: all(5 * n.right[k] < n.of[k] for k in (6, 7)),
    "dropping direction 7 costs less than 5 points of accuracy":
        lambda n: 20 * (sum(n.before) - sum(n.right)) < n.images,
    "dropping direction 2 costs more than 12.5 points of recall of class 0":
        lambda n: 8 * (n.before[0] - n.right[0]) > n.of[0],
    "keeping only direction 1 predicts only classes 1, 5 and 7": lambda n: n.predicted == [1, 5, 7],
    "keeping only direction 1 predicts exactly 3 classes": lambda n: len(n.predicted) == 3,
    "keeping the first 4 directions sends class 4 mostly to classes 9 and 7":
        lambda n: 2 * (n.goes(4)[9] + n.goes(4)[7]) > n.of[4],
    "dropping direction 5 mistakes class 8 mostly for class 5": lambda n: goes_most(n, 8, 5),
    "keeping the last 7 directions revives class 0 compared with keeping the last 5 directions":
        lambda n: 0 in n.alive and 20 * n.rights(n.under("last", 5))[0] < n.of[0],
    "keeping the first 8 directions predicts the same as keeping the first 9 directions":
        lambda n: 20 * (n.now != n.under("first", 9)).sum() < n.images,
    "dropping direction 10 predicts exactly the same as keeping the first 9 directions":
        lambda n: bool((n.now == n.under("first", 9)).all()),
    "keeping the first 9 directions predicts exactly the same as keeping the first 10 directions":
        lambda n: bool((n.now == n.under("first", 10)).all()),
    "keeping only direction 1 predicts exactly the same as keeping only direction 2":
        lambda n: bool((n.now == n.under("only", 2)).all()),
}
# fmt: on


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
