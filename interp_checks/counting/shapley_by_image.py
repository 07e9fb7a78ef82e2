"""Shapley values of the directions for single images: what an interval over images rests on."""

from __future__ import annotations

import numpy as np

from interp_checks.ablations.subsets import members_of
from interp_checks.arrays import Array, FloatArray
from interp_checks.errors import NotJudgedError

from .argmax import argmax_over
from .attribution import shapley_weights
from .head import Head
from .identifiability import require_all_identifiable

#: They are computed for at most so many directions.
_MOST_DIRECTIONS = 12


def shapley_by_image(head: Head, images: Array) -> FloatArray:
    """Shapley values of the directions for single images being right, [r, n].

    Their means over the images of a class are the values for its recall.

    Args:
        head: whose directions.
        images: numbers of the images, [n].

    Raises:
        NotJudgedError: there are too many directions, or two that cannot be told apart.
    """
    width = len(head.directions)
    if width > _MOST_DIRECTIONS:
        raise NotJudgedError(
            "Shapley values with an interval over images need every subset for every image",
            found=f"{width} directions",
            expected=f"at most {_MOST_DIRECTIONS}",
            remedy="interp_checks.sample_shapley samples them",
        )
    require_all_identifiable(head)
    labels, head = head.labels[images], head.counted
    coefficients = np.take(head.coefficients, images, axis=1)
    vectors, base = head.directions.classes, head.base_of(images)
    weights = shapley_weights(width)
    values = np.zeros((width, len(labels)))
    for mask in range(1 << width):
        kept = members_of(mask)
        right = argmax_over(coefficients, vectors, base, kept, head.tie) == labels
        values += weights[mask][:, None] * right
    return values
