"""Heads on which an engine could go wrong: equal classes, equal images, huge and tiny numbers."""

from __future__ import annotations

import numpy as np
from naive import Sets

from interp_checks import Ablation, Readout, dropping


def made(
    classes: int, hidden: int, images: int, kind: str = "plain", seed: int = 0, size: float = 1.0
) -> Readout:
    rng = np.random.default_rng(seed)
    weight, bias = rng.normal(size=(classes, hidden)), rng.normal(size=classes)
    features, labels = rng.normal(size=(images, hidden)), rng.integers(0, classes, images)
    if kind == "equal classes":
        same = rng.integers(0, classes, classes)
        weight, bias = weight[same], bias[same]
    elif kind == "low rank":
        weight = rng.normal(size=(classes, 2)) @ rng.normal(size=(2, hidden))
    elif kind == "no weight":
        weight[:] = 0
    elif kind == "no bias":
        bias[:] = 0
    elif kind == "nothing":
        weight[:], bias[:], features[:] = 0, 0, 0
    elif kind in ("one label", "two labels"):
        labels = rng.choice(rng.integers(0, classes, 1 + (kind == "two labels")), images)
    elif kind == "equal images":
        features = features[rng.integers(0, images, images) // 2]
    elif kind == "one large image":
        features[0] *= 1e9
    elif kind == "tiny features":
        features *= 1e-20
    elif kind == "float32":
        features = features.astype(np.float32)
    return Readout(features, labels, weight * size, bias * size)


KINDS = (
    *("plain", "equal classes", "low rank", "no weight", "no bias", "nothing", "one label"),
    *("two labels", "equal images", "one large image", "tiny features", "float32"),
)


def dropped_each(directions: int) -> tuple[Sets, list[Ablation]]:
    every = range(1, directions + 1)
    left = [tuple(other for other in every if other != one) for one in every]
    return left, [dropping(one) for one in every]
