"""What each image adds to a share or a loss, to compare two models image by image.

Every function returns one small whole number for each image that the quantity is measured on,
in the order of the images: their mean is the quantity.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from interp_checks.ablations.ablation import Ablation
from interp_checks.arrays import Array
from interp_checks.readouts.readout import Readout

from .sweep import predict


def _of_class(readout: Readout, name: str | None) -> Array:
    """Which images a quantity is measured on, [N]: those of a class, or all."""
    if name is None:
        return np.ones(len(readout), dtype=bool)
    return np.asarray(readout.labels == readout.class_names.index(name))


def right(readout: Readout, ablation: Ablation | None, name: str | None) -> Array:
    """1 for each image (of a class, where one is named) that is predicted right, else 0."""
    hits = predict(readout, ablation) == readout.labels
    return np.asarray(hits[_of_class(readout, name)], dtype=np.int64)


def lost(readout: Readout, ablation: Ablation | None, name: str | None) -> Array:
    """1 for each image that is right intact and wrong ablated, -1 for the reverse, else 0."""
    return right(readout, None, name) - right(readout, ablation, name)


def predicted_as(
    readout: Readout, ablation: Ablation | None, names: Sequence[str], source: str | None = None
) -> Array:
    """1 for each image (of class ``source``) that is predicted as one of these classes, else 0."""
    columns = [readout.class_names.index(name) for name in names]
    hits = np.isin(predict(readout, ablation), columns)
    return np.asarray(hits[_of_class(readout, source)], dtype=np.int64)


def rather(
    readout: Readout, ablation: Ablation | None, target: str, rival: str, source: str
) -> Array:
    """1 for each image of class ``source`` that goes to the target, -1 for the rival, else 0."""
    return predicted_as(readout, ablation, [target], source) - predicted_as(
        readout, ablation, [rival], source
    )


def differing(readout: Readout, one: Ablation, other: Ablation) -> Array:
    """1 for each image that the two ablations predict differently, else 0."""
    return np.asarray(predict(readout, one) != predict(readout, other), dtype=np.int64)
