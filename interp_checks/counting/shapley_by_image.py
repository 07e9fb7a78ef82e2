"""Shapley values of the directions for single images being right: what an interval rests on.

Up to twelve directions they are exact. Beyond that random orders are drawn, for every image anew:
then the values of different images are independent, and an interval over the images covers both
the images and the orders that were not looked at.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from interp_checks.ablations.subsets import members_of
from interp_checks.arrays import Array, FloatArray, IntArray
from interp_checks.errors import NotJudgedError

from .argmax import argmax_over, first_largest
from .attribution import shapley_weights
from .head import Head
from .identifiability import require_all_identifiable

#: Every subset is looked at for at most so many directions.
_MOST_DIRECTIONS = 12
#: Pairs of a random order and its reverse, for each image, where there is time.
_PAIRS = 8
#: Logits that are added up in all; half a minute.
_MOST_LOGITS = 4 * 10**9
#: Of an image's own orders, none are drawn for fewer images than this.
_FEWEST_IMAGES = 100
#: Numbers that are worked on together.
_BLOCK = 2**20
_SEED = 0


class ShapleyByImage(NamedTuple):
    """Shapley values for single images being right.

    Attributes:
        values: [r, n]; their means over the images of a class are the values for its recall.
        orders: how many random orders of the directions each image was given; 0 for all of them.
    """

    values: FloatArray
    orders: int

    @property
    def reach(self) -> float:
        """How far the values of two directions can differ for one image.

        What two directions add in one order may be 1 and -1; over all orders, which swap the two
        as well, no more than 1 is left between them.
        """
        return 2.0 if self.orders else 1.0


def shapley_by_image(head: Head, images: Array) -> ShapleyByImage:
    """Shapley values of the directions for single images being right.

    Where there is no time for all of many images, evenly spaced ones are looked at.

    Args:
        head: whose directions.
        images: numbers of the images, [n].

    Raises:
        NotJudgedError: there are too many directions and classes, or two directions that cannot be
            told apart.
    """
    require_all_identifiable(head)
    width = len(head.directions)
    if width <= _MOST_DIRECTIONS:
        return ShapleyByImage(_exact(head.counted, head.labels[images], images), 0)
    pair = 2 * width * len(head.class_names)
    affordable = _MOST_LOGITS // pair
    if affordable < min(_FEWEST_IMAGES, len(images)):
        raise NotJudgedError(
            "Shapley values with an interval over images need orders of the directions for each",
            found=f"{width} directions and {len(head.class_names)} classes",
            expected=f"at most {_MOST_LOGITS // (2 * _FEWEST_IMAGES):,} of the one times the other",
        )
    if len(images) > affordable:
        images = images[np.linspace(0, len(images) - 1, affordable).astype(np.int64)]
    pairs = int(min(_PAIRS, max(1, affordable // max(1, len(images)))))
    return ShapleyByImage(_sampled(head.counted, images, pairs), 2 * pairs)


def _exact(head: Head, labels: IntArray, images: Array) -> FloatArray:
    """By every subset, [r, n]."""
    width = len(head.directions)
    coefficients = np.take(head.coefficients, images, axis=1)
    vectors, base = head.directions.classes, head.base_of(images)
    weights = shapley_weights(width)
    values = np.zeros((width, len(labels)))
    for mask in range(1 << width):
        kept = members_of(mask)
        right = argmax_over(coefficients, vectors, base, kept, head.tie) == labels
        values += weights[mask][:, None] * right
    return values


def _sampled(head: Head, images: Array, pairs: int) -> FloatArray:
    """By random orders and their reverses, drawn for each image by itself, [r, n]."""
    own = head.directions
    width, classes = len(own), len(head.class_names)
    vectors = np.ascontiguousarray(own.classes.T)
    values = np.zeros((width, len(images)))
    generator = np.random.default_rng(_SEED)
    step = max(1, _BLOCK // max(classes, width))
    for start in range(0, len(images), step):
        block = images[start : start + step]
        along = np.ascontiguousarray(own.coefficients(head.features[block]).T)
        base = np.broadcast_to(head.base_of(block), (classes, len(block)))
        added = np.zeros((len(block), width))
        for _ in range(pairs):
            order = generator.permuted(np.tile(np.arange(width), (len(block), 1)), axis=1)
            for turn in (order, order[:, ::-1]):
                _add(added, turn, along, vectors, base, head.labels[block], head.tie)
        values[:, start : start + step] = added.T / (2 * pairs)
    return values


def _add(
    added: FloatArray,
    order: IntArray,
    along: FloatArray,
    vectors: FloatArray,
    base: FloatArray,
    labels: IntArray,
    tie: float,
) -> None:
    """What each direction adds to each image being right, in that image's order.

    Args:
        added: [n, r], to which it is added.
        order: of the directions, from 0, [n, r].
        along: the images along the directions, [n, r].
        vectors: what each direction says of each class, [r, K].
        base: logits with no direction, [K, n].
        labels: [n].
        tie: logits closer than this are equal.
    """
    rows = np.arange(len(order))
    logits = np.array(base.T, order="C")
    was_right = first_largest(logits.T, tie) == labels
    for place in range(order.shape[1]):
        direction = order[:, place]
        logits += along[rows, direction][:, None] * vectors[direction]
        near = logits >= logits.max(axis=1, keepdims=True) - tie
        right = near.argmax(axis=1) == labels
        added[rows, direction] += right.astype(np.int64) - was_right
        was_right = right
