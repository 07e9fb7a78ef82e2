"""Readouts whose predictions are dictated, so that every count in a test is known by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from scipy.stats import binomtest

from interp_checks import Claim, Readout, Verdict, judge

#: The ablation whose predictions :func:`dictated` dictates.
ABLATED = "dropping directions 1 and 2"

#: Images by (true class, class predicted intact, class predicted when ablated).
Images = Mapping[tuple[int, int, int], int]


def dictated(images: Images, classes: int = 5, **more: object) -> Readout:
    """A readout that predicts just this, intact and under :data:`ABLATED`.

    The first two directions span a plane in which the classes are the corners of a regular
    polygon, so a point of the plane picks any class; what is orthogonal to the plane picks
    any class too, once there are five or more of them. Margins are far above rounding.
    """
    assert classes >= 5
    angles = 2 * np.pi * np.arange(classes) / classes
    plane = np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.sqrt(2 / classes)
    filled = np.concatenate([plane, np.random.default_rng(0).normal(size=(classes, classes))], 1)
    basis = np.linalg.qr(filled[:, : classes + 2])[0][:, :classes]
    sigma = np.arange(classes, 0, -1) + 1.0
    outside = np.eye(classes) - plane @ plane.T
    logits, labels = [], []
    for (true, intact, ablated), count in images.items():
        logits += [outside[ablated] + 10 * (plane @ plane[intact])] * count
        labels += [true] * count
    features = np.array(logits) @ basis / sigma
    return Readout(features, np.array(labels), basis * sigma, **more)  # type: ignore[arg-type]


def diagonal(rows: Iterable[tuple[int, tuple[float, ...], int]], **more: object) -> Readout:
    """A readout whose direction i reads class i - 1 and nothing else.

    Args:
        rows: true class, logits of the intact head without the bias, number of images.
        more: handed to the readout.
    """
    listed = list(rows)
    classes = len(listed[0][1])
    sigma = np.arange(classes, 0, -1) + 1.0
    features = [np.array(logits) / sigma for _, logits, count in listed for _ in range(count)]
    labels = [true for true, _, count in listed for _ in range(count)]
    return Readout(np.array(features), np.array(labels), np.diag(sigma), **more)  # type: ignore[arg-type]


def judged(sentence: str, readout: Readout) -> Verdict:
    return judge(Claim.parse(sentence), readout)


def outcome(sentence: str, readout: Readout) -> str:
    return str(judged(sentence, readout).outcome)


def scipy_interval(count: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    found = binomtest(count, total).proportion_ci(confidence, method="exact")
    return float(found.low), float(found.high)


def side(lower: float, upper: float, relation: str, threshold: float) -> str:
    """Where an interval lies, said again without the library."""
    if relation == "below":
        lower, upper, threshold = -upper, -lower, -threshold
    if lower > threshold:
        return "holds"
    return "fails" if upper <= threshold else "undecided"


def directions_as_parts(readout: Readout) -> Readout:
    """The same, with its singular directions given as parts of one's own, called "1", "2", ..."""
    directions = readout.directions
    return Readout.from_parts(
        directions.coefficients(readout.features), directions.classes, readout.bias,
        readout.labels, class_names=readout.class_names,
    )  # fmt: skip
