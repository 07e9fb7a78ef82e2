"""Chance rates from a plain loop over rotations, with every claim's meaning said again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from naive import turned

from interp_checks import Ablation, Claim, Readout
from interp_checks.ablations.ablation import Kind

HEADLINE = "dropping direction 5 kills class 8 and spares every other class"


def random_readout(seed: int = 0, images: int = 300, classes: int = 4, width: int = 6) -> Readout:
    """A head that is right for about nine of ten images."""
    rng = np.random.default_rng(seed)
    weight, bias = rng.normal(size=(classes, width)), rng.normal(size=classes) / 2
    features = rng.normal(size=(images, width)) * 2
    labels = (features @ weight.T + bias).argmax(axis=1)
    wrong = rng.random(images) < 0.1
    labels[wrong] = rng.integers(0, classes, wrong.sum())
    return Readout(features, labels, weight, bias)


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
        self.whole = readout.weight
        self.cuts = list(turned(self.whole, rotations))
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
