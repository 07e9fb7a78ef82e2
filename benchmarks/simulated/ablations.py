"""Predicates about an ablation, and several of them joined."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from interp_checks import Ablation, Readout, dropping, keeping_first

from .row import Generator, Row, Simulate
from .scripted import CLASSES, labels_of, paired, predictions, scripted

EDGE = 1e-9
FIVE = dropping(5)
Recalls = float | Mapping[int, float]


def under(after: Recalls, before: Recalls = 1.0, ablation: Ablation = FIVE) -> Simulate:
    """Recalls of the classes before and after; independent of each other."""

    def simulate(generator: Generator, images: int) -> Readout:
        labels = labels_of(images)
        intact = predictions(generator, labels, before)
        return scripted(labels, intact, {ablation: predictions(generator, labels, after)})

    return simulate


def losing(loss: float, over: int | None = None) -> Simulate:
    def simulate(generator: Generator, images: int) -> Readout:
        labels = labels_of(images)
        intact, ablated = paired(generator, labels, loss, over)
        return scripted(labels, intact, {FIVE: ablated})

    return simulate


def shares(of: Mapping[int, float]) -> Simulate:
    """Shares of all predictions when only direction 1 stays."""
    chances = np.array(list(of.values()))
    assert np.isclose(chances.sum(), 1)

    def simulate(generator: Generator, images: int) -> Readout:
        labels = labels_of(images)
        predicted = generator.choice(list(of), size=len(labels), p=chances / chances.sum())
        return scripted(labels, labels, {Ablation("only", (1,)): predicted})

    return simulate


def sixes_and_sevens(rest: Mapping[int, float]) -> Simulate:
    left = (1 - sum(rest.values())) / 2
    return shares({6: left, 7: left, **rest})


def sent(chances: Mapping[int, float], source: int = 8) -> Simulate:
    """What images of one class are taken for; the rest are right."""

    def simulate(generator: Generator, images: int) -> Readout:
        labels = labels_of(images)
        p = [*chances.values(), max(0.0, 1 - sum(chances.values()))]
        goes = generator.choice([*chances, source], size=len(labels), p=p)
        return scripted(
            labels, labels, {keeping_first(4): np.where(labels == source, goes, labels)}
        )

    return simulate


def revived(here: Mapping[int, float], there: Mapping[int, float]) -> Simulate:
    def simulate(generator: Generator, images: int) -> Readout:
        labels = labels_of(images)
        ablated = {
            Ablation("last", (5,)): predictions(generator, labels, here),
            Ablation("last", (6,)): predictions(generator, labels, there),
        }
        return scripted(labels, labels, ablated)

    return simulate


def differing(share: float) -> Simulate:
    def simulate(generator: Generator, images: int) -> Readout:
        labels = labels_of(images)
        moved = predictions(generator, labels, 1 - share)
        return scripted(labels, labels, {FIVE: moved, keeping_first(4): labels})

    return simulate


def all_at(value: float, names: range | tuple[int, ...] = range(CLASSES)) -> dict[int, float]:
    return dict.fromkeys(names, value)


_NINE = range(9)
_NAMED = "classes 0, 1, 2, 3, 4, 5, 6, 7 and 8"
_OTHERS = tuple(name for name in range(CLASSES) if name != 8)
_REST = tuple(name for name in range(CLASSES) if name not in (6, 7))
_LAST = "keeping the last 5 directions revives"
_COMPARED = "compared with keeping the last 6 directions"
_SAME = "as keeping the first 4 directions"

ROWS = (
    Row("kills", "dropping direction 5 kills class 8", under({8: 0.05}),
        under({8: 0.05 - EDGE}, {8: 0.5 + EDGE}), under({8: 0.01}), under({8: 0.12}), "recall 5 %"),
    Row("kills (alive before)", "dropping direction 5 kills class 8", under({8: 0.0}, {8: 0.5}),
        at="intact recall 50 %"),
    Row("kills nine classes", f"dropping direction 5 kills {_NAMED}",
        under({**all_at(0.0, _NINE), 8: 0.05}), under(all_at(0.05, _NINE), all_at(0.5, _NINE)),
        under(all_at(0.005, _NINE)), under({**all_at(0.0, _NINE), 8: 0.12}), "recalls 5 %"),
    Row("kills only", "dropping direction 5 kills only class 8", under({8: 0.0, 3: 0.05}),
        under({**all_at(0.05, _OTHERS), 8: 0.05}, {8: 0.5}), under({8: 0.0, 3: 0.12}),
        under({8: 0.0, 3: 0.01}), "recalls 5 %"),
    Row("kills only (alive before)", "dropping direction 5 kills only class 8",
        under({8: 0.0, 3: 0.0}, {3: 0.5}), under({**all_at(0.0)}, all_at(0.5, _OTHERS)),
        at="intact recalls 50 %"),
    Row("kills exactly", "dropping direction 5 kills exactly 2 classes", under({8: 0.0, 3: 0.05}),
        under(all_at(0.05), {8: 0.5, 3: 0.5}), under({8: 0.0, 3: 0.01}),
        under({8: 0.0, 3: 0.12}), "recalls 5 %", before=True),
    Row("kills exactly, spares the rest",
        "dropping direction 5 kills exactly one class and spares every other class",
        under({8: 0.0, 3: 0.9}), under({**all_at(0.9), 8: 0.05}, {8: 0.5}),
        under({8: 0.0, 3: 0.97}), under({8: 0.0, 3: 0.8}), "losses 10 points"),
    Row("kills, spares the rest",
        "dropping direction 5 kills class 8 and spares every other class",
        under({8: 0.0, 3: 0.9}), under({**all_at(0.9), 8: 0.05}, {8: 0.5}),
        under({8: 0.0, 3: 0.97}), under({8: 0.0, 3: 0.8}), "losses 10 points"),
    Row("spares", "dropping direction 5 spares class 3", losing(0.10, 3), losing(0.10 - EDGE, 3),
        losing(0.03, 3), losing(0.2, 3), "loss 10 points"),
    Row("spares every class", "dropping direction 5 spares every class", losing(0.10, 3),
        losing(0.10 - EDGE), losing(0.03), losing(0.2, 3), "losses 10 points"),
    Row("leaves alive", "dropping direction 5 leaves class 8 alive", under({8: 0.5}),
        under({8: 0.5 + EDGE}), under({8: 0.6}), under({8: 0.4}), "recall 50 %"),
    Row("leaves every class alive", "dropping direction 5 leaves every class alive",
        under({8: 0.5}), under(all_at(0.5)), under(all_at(0.65)), under({8: 0.4}), "recalls 50 %"),
    Row("leaves only alive", "dropping direction 5 leaves only classes 0, 1, 2, 3 and 4 alive",
        under({8: 0.5, **all_at(0.0, (5, 6, 7, 9))}), under(all_at(0.5)),
        under({**all_at(0.65, (0, 1, 2, 3, 4)), **all_at(0.35, (5, 6, 7, 8, 9))}),
        under({8: 0.6, **all_at(0.0, (5, 6, 7, 9))}), "recalls 50 %"),
    Row("keeps recall", "dropping direction 5 keeps recall of class 8 below 50 %", under({8: 0.5}),
        under({8: 0.5 - EDGE}), under({8: 0.4}), under({8: 0.6}), "recall 50 %"),
    Row("keeps recalls", f"dropping direction 5 keeps recall of {_NAMED} above 90 %",
        under({8: 0.9}), under(all_at(0.9)), under(all_at(0.97)), under({8: 0.8}), "recalls 90 %"),
    Row("keeps accuracy", "dropping direction 5 keeps accuracy above 90 %", under(0.9),
        under(0.9 + EDGE), under(0.92), under(0.88), "accuracy 90 %"),
    Row("costs less", "dropping direction 5 costs less than 2 points of accuracy", losing(0.02),
        losing(0.02 - EDGE), losing(0.005), losing(0.04), "loss 2 points"),
    Row("costs more", "dropping direction 5 costs more than 10 points of recall of class 6",
        losing(0.10, 6), losing(0.10 + EDGE, 6), losing(0.20, 6), losing(0.03, 6),
        "loss 10 points"),
    Row("costs several", f"dropping direction 5 costs less than 10 points of recall of {_NAMED}",
        losing(0.10, 6), losing(0.10 - EDGE), losing(0.03), losing(0.2, 6), "losses 10 points"),
    Row("predicts only", "keeping only direction 1 predicts only classes 6 and 7",
        sixes_and_sevens({1: 0.01}), sixes_and_sevens(all_at(0.01 - EDGE, _REST)),
        sixes_and_sevens({1: 0.003}), sixes_and_sevens({1: 0.02}), "shares 1 %"),
    Row("predicts exactly", "keeping only direction 1 predicts exactly 2 classes",
        sixes_and_sevens({1: 0.01}), sixes_and_sevens(all_at(0.01 - EDGE, _REST)),
        sixes_and_sevens({1: 0.003}), sixes_and_sevens({1: 0.03}), "shares 1 %", before=True),
    Row("sends", "keeping the first 4 directions sends class 8 mostly to class 5",
        sent({5: 0.5, 3: 0.5}), sent({5: 0.5 + EDGE, 3: 0.5 - EDGE}), sent({5: 0.6, 3: 0.4}),
        sent({5: 0.4, 3: 0.6}), "share 50 %"),
    Row("mistakes", "keeping the first 4 directions mistakes class 8 mostly for class 5",
        sent({5: 0.2, 3: 0.2}), sent(all_at(1 / 9 - EDGE, _OTHERS)), sent({5: 0.4, 3: 0.2}),
        sent({5: 0.1, 3: 0.3}), "all mistakes equally common", before=False),
    Row("revives", f"{_LAST} class 0 {_COMPARED}", revived({0: 0.5}, {0: 0.0}),
        revived({0: 0.5 + EDGE}, {0: 0.05 - EDGE}), revived({0: 0.65}, {0: 0.0}),
        revived({0: 0.4}, {0: 0.0}), "recall 50 %, and 5 %"),
    Row("revives nine classes", f"{_LAST} {_NAMED} {_COMPARED}",
        revived({0: 0.5}, all_at(0.0, _NINE)), revived(all_at(0.5), all_at(0.05)),
        revived(all_at(0.65), all_at(0.0)), revived({0: 0.4}, all_at(0.0)),
        "recalls 50 %, and 5 %"),
    Row("predicts the same", f"dropping direction 5 predicts the same {_SAME}", differing(0.05),
        differing(0.05 - EDGE), differing(0.03), differing(0.08), "5 % differ"),
    Row("predicts exactly the same", f"dropping direction 5 predicts exactly the same {_SAME}",
        exact=True),
)  # fmt: skip
