"""Facts about recalls, mistakes and weights."""

from __future__ import annotations

import numpy as np

from interp_checks import Readout
from interp_checks.ablations.ablation import keeping_first

from .row import Generator, Row, Simulate
from .scripted import CLASSES, labels_of, predictions, scripted

EDGE = 1e-9


def intact(recalls: float | dict[int, float], classes: int = CLASSES) -> Simulate:
    def simulate(generator: Generator, images: int) -> Readout:
        labels = labels_of(images, classes)
        return scripted(
            labels, predictions(generator, labels, recalls, classes=classes), {}, classes=classes
        )

    return simulate


def recalls(five: float, nine: float, rest: float) -> Simulate:
    """Recalls of classes 5 and 9, and of all others."""
    return intact({**dict.fromkeys(range(CLASSES), rest), 5: five, 9: nine})


def mistaken(chances: dict[int, float]) -> Simulate:
    """What nines are mistaken for."""

    def simulate(generator: Generator, images: int) -> Readout:
        labels = labels_of(images)
        p = [*chances.values(), 1 - sum(chances.values())]
        goes = generator.choice([*chances, 9], size=len(labels), p=p)
        return scripted(labels, np.where(labels == 9, goes, labels), {})

    return simulate


def enough_directions(loss: float, others: float | None = None) -> Simulate:
    """The loss with the first six directions, and with any fewer."""

    def simulate(generator: Generator, images: int) -> Readout:
        labels = labels_of(images)
        losses = {6: loss, **dict.fromkeys(range(1, 6), loss if others is None else others)}
        ablated = {
            keeping_first(k): predictions(generator, labels, 1 - losses[k]) for k in range(1, 7)
        }
        return scripted(labels, labels, ablated)

    return simulate


def every_recall(classes: int, images: int = 200) -> Row:
    return Row(
        f"recall of every class, K = {classes}",
        "recall of every class is above 90 %",
        intact({5: 0.9}, classes),
        intact(0.9 + EDGE, classes),
        intact(0.97, classes),
        intact({5: 0.8}, classes),
        "recalls 90 %",
        images=images,
    )


_ALIKE = dict.fromkeys(range(9), 0.05)

ROWS = (
    Row("accuracy is", "accuracy is above 90 %", intact(0.9), intact(0.9 + EDGE), intact(0.92),
        intact(0.88), "accuracy 90 %"),
    Row("recall is", "recall of class 5 is below 90 %", intact({5: 0.9}), intact({5: 0.9 - EDGE}),
        intact({5: 0.8}), intact({5: 0.96}), "recall 90 %"),
    every_recall(10), every_recall(30), every_recall(100, images=100),
    Row("lowest recall", "class 5 has the lowest recall", recalls(0.95, 0.95, 0.99),
        recalls(0.95 - EDGE, 0.95, 0.95), recalls(0.88, 0.97, 0.97), recalls(0.97, 0.9, 0.99),
        "equal recalls", before=True),
    Row("highest recall", "class 5 has the highest recall", recalls(0.95, 0.95, 0.8),
        recalls(0.95 + EDGE, 0.95, 0.95), recalls(0.97, 0.88, 0.88), recalls(0.88, 0.97, 0.8),
        "equal recalls", before=True),
    Row("mistaken for", "class 9 is mostly mistaken for class 4", mistaken({4: 0.05, 7: 0.05}),
        mistaken(_ALIKE), mistaken({4: 0.14, 7: 0.04}), mistaken({4: 0.04, 7: 0.14}),
        "all mistakes equally common"),
    Row("mistaken for two", "class 9 is mostly mistaken for classes 4 and 7",
        mistaken({4: 0.1, 7: 0.05, 3: 0.05}), mistaken(_ALIKE),
        mistaken({4: 0.16, 7: 0.16, 3: 0.03}), mistaken({4: 0.16, 7: 0.03, 3: 0.16}),
        "all mistakes equally common"),
    Row("directions suffice", "at most 6 directions keep accuracy within 2 points",
        enough_directions(0.02), enough_directions(0.02 - EDGE, 0.2), enough_directions(0.01),
        enough_directions(0.04), "loss 2 points"),
    Row("bias favours", "the bias favours class 1", exact=True),
    Row("bias holds back", "the bias holds back class 1 most", exact=True),
    Row("principal directions", "the output layer has 8 principal directions", exact=True),
    Row("row orthogonal to rows", "weight row 1 is nearly orthogonal to row 2", exact=True),
    Row("row orthogonal to none", "weight row 1 is nearly orthogonal to no other row", exact=True),
    Row("pairs nearly orthogonal",
        "at least 10 % of the pairs of weight rows are nearly orthogonal", exact=True),
    Row("most rows oblique", "most pairs of weight rows are more than 90 degrees apart",
        exact=True),
)  # fmt: skip
