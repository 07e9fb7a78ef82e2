"""What each image adds to a share or a loss, to compare two models image by image.

Every function returns one small whole number for each image that the quantity is measured on,
in the order of the images: their mean is the quantity.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from interp_checks.ablations.ablation import Ablation
from interp_checks.arrays import Array

from .head import Head
from .sweep import predict


def _of_class(head: Head, name: str | None) -> Array:
    """Which images a quantity is measured on, [N]: those of a class, or all."""
    if name is None:
        return np.ones(len(head), dtype=bool)
    return np.asarray(head.labels == head.class_names.index(name))


def right(head: Head, ablation: Ablation | None, name: str | None) -> Array:
    """1 for each image (of a class, where one is named) that is predicted right, else 0."""
    hits = predict(head, ablation) == head.labels
    return np.asarray(hits[_of_class(head, name)], dtype=np.int64)


def lost(head: Head, ablation: Ablation | None, name: str | None) -> Array:
    """1 for each image that is right intact and wrong ablated, -1 for the reverse, else 0."""
    return right(head, None, name) - right(head, ablation, name)


def predicted_as(
    head: Head, ablation: Ablation | None, names: Sequence[str], source: str | None = None
) -> Array:
    """1 for each image (of class ``source``) that is predicted as one of these classes, else 0."""
    columns = [head.class_names.index(name) for name in names]
    hits = np.isin(predict(head, ablation), columns)
    return np.asarray(hits[_of_class(head, source)], dtype=np.int64)


def rather(head: Head, ablation: Ablation | None, target: str, rival: str, source: str) -> Array:
    """1 for each image of class ``source`` that goes to the target, -1 for the rival, else 0."""
    return predicted_as(head, ablation, [target], source) - predicted_as(
        head, ablation, [rival], source
    )


def differing(head: Head, first: Ablation, second: Ablation) -> Array:
    """1 for each image that the two ablations predict differently, else 0."""
    return np.asarray(predict(head, first) != predict(head, second), dtype=np.int64)
