"""Readouts whose predictions are written down instead of computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from interp_checks import Ablation, Readout, keeping_only
from interp_checks.ablations.subsets import members_of
from interp_checks.counting.argmax import confusion
from interp_checks.counting.job import Counts
from interp_checks.counting.lattice import Lattice

from .row import Generator

CLASSES = 10


def labels_of(images: int, classes: int = CLASSES) -> np.ndarray:
    return np.repeat(np.arange(classes), images)


def scripted(
    labels: np.ndarray,
    intact: np.ndarray,
    ablated: Mapping[Ablation, np.ndarray],
    *,
    classes: int = CLASSES,
    directions: int | None = None,
) -> Readout:
    """A readout with these predictions, intact and under each ablation.

    The judge sees predictions and counts only through the sweep, which keeps what it has computed.
    """
    count = directions or classes
    weight = np.zeros((classes, count))
    np.fill_diagonal(weight, np.arange(count, 0, -1.0))
    readout = Readout(np.zeros((len(labels), count)), labels, weight)
    readout.known_predictions.put(None, intact)
    for ablation, predicted in ablated.items():
        readout.known_predictions.put(ablation.kept(count), predicted)
        right, before = predicted == labels, intact == labels
        counts = Counts(
            confusion(labels, predicted, classes),
            np.bincount(labels[right], minlength=classes),
            np.bincount(labels[right & before], minlength=classes),
        )
        readout.known_counts.put((ablation.members(count).tobytes(), True, "auto"), counts)
    return readout


def with_lattice(
    labels: np.ndarray, by_mask: Sequence[np.ndarray], *, classes: int = CLASSES
) -> Readout:
    """A readout with these predictions under every set of directions that stay.

    Args:
        labels: [N].
        by_mask: [2**r][N], by the bits of the directions that stay; the last is intact.
        classes: how many.
    """
    count = len(by_mask).bit_length() - 1
    ablated = {
        keeping_only(*members_of(mask)) if mask else Ablation("none"): predicted
        for mask, predicted in enumerate(by_mask)
    }
    intact = by_mask[-1]
    readout = scripted(labels, intact, ablated, classes=classes, directions=count)
    right = np.stack([_right(labels, predicted, classes) for predicted in by_mask])
    both = [_right(labels, np.where(intact == labels, one, -1), classes) for one in by_mask]
    readout.__dict__["lattice"] = Lattice(
        right, np.stack(both), right[-1], readout.support, readout.class_names, readout.confidence
    )
    return readout


def _right(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    return np.bincount(labels[predicted == labels], minlength=classes)


def predictions(
    generator: Generator,
    labels: np.ndarray,
    recall: float | Mapping[int, float] | np.ndarray,
    *,
    classes: int = CLASSES,
    other: int | None = None,
) -> np.ndarray:
    """Predictions with these recalls, independent from image to image.

    Args:
        generator: of the draws.
        labels: [N].
        recall: of every class, or of some by number; the rest are right.
        classes: how many.
        other: what images that are not right are taken for; the next class when left out.
    """
    each = np.ones(classes)
    if isinstance(recall, Mapping):
        each[list(recall)] = list(recall.values())
    else:
        each[:] = recall
    wrong = generator.random(len(labels)) >= each[labels]
    return np.where(wrong, (labels + 1) % classes if other is None else other, labels)


def paired(
    generator: Generator, labels: np.ndarray, loss: float | Mapping[int, float], over: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Intact and ablated predictions: some images are gained, some lost, the rest stay right.

    Args:
        generator: of the draws.
        labels: [N].
        loss: net, of the class or of all.
        over: the class; None for all.
    """
    assert not isinstance(loss, Mapping)
    chosen = np.ones(len(labels), bool) if over is None else labels == over
    draw = generator.random(len(labels))
    gained, lost = draw < 0.02, (draw >= 0.02) & (draw < 0.04 + loss)
    wrong = (labels + 1) % CLASSES
    return np.where(chosen & gained, wrong, labels), np.where(chosen & lost, wrong, labels)


def sets_of(count: int) -> list[tuple[int, ...]]:
    """Every set of directions, by mask."""
    return [members_of(mask) for mask in range(1 << count)]


def pairs_of(count: int) -> list[tuple[int, int]]:
    return list(combinations(range(1, count + 1), 2))
