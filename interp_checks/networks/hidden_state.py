"""What becomes of hidden states under an ablation, in arrays: where they go, and what maps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interp_checks.ablations.directions import Directions
from interp_checks.arrays import Array, FloatArray, IntArray
from interp_checks.errors import DataError


@dataclass(frozen=True, eq=False)
class AffineMap:
    """Takes one space to another: ``h @ matrix + offset``, learned by least squares (T24).

    Args:
        matrix: [Z, L].
        offset: [L].
    """

    matrix: FloatArray
    offset: FloatArray

    @classmethod
    def fit(cls, inputs: Array, outputs: Array) -> AffineMap:
        """The map with the least squared error.

        Args:
            inputs: [N, Z].
            outputs: [N, L], of the same images.

        Raises:
            DataError: the two do not fit each other, or have values that are not finite.
        """
        first, second = _pair(inputs, outputs)
        centre, target = first.mean(axis=0), second.mean(axis=0)
        matrix: FloatArray = np.linalg.lstsq(first - centre, second - target, rcond=None)[0]
        return cls(matrix, target - centre @ matrix)

    def __call__(self, inputs: Array) -> FloatArray:
        """Outputs [N, L] of inputs [N, Z].

        Raises:
            DataError: inputs are of another width.
        """
        rows = np.asarray(inputs, np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.matrix):
            raise DataError(
                "an affine map got inputs of another width",
                found=f"{list(rows.shape)}",
                expected=f"[N, {len(self.matrix)}]",
            )
        mapped: FloatArray = rows @ self.matrix + self.offset
        return mapped

    def r_squared(self, inputs: Array, outputs: Array) -> float:
        """The share of the outputs' variance that the map explains, all components together.

        On images that it was not learned on it can be negative.

        Args:
            inputs: [N, Z].
            outputs: [N, L], of the same images.

        Raises:
            DataError: the two do not fit each other or the map, or all outputs are the same.
        """
        first, second = _pair(inputs, outputs)
        left = ((second - self(first)) ** 2).sum()
        whole = ((second - second.mean(axis=0)) ** 2).sum()
        if not whole:
            raise DataError("all outputs are the same point", expected="points that differ")
        return float(1 - left / whole)


def ablated_features(features: Array, directions: Directions, kept: Sequence[int]) -> FloatArray:
    """Features without their components along the directions that are dropped, [N, Z].

    The head makes the same of them as the ablated head makes of the features as they are.

    Args:
        features: [N, Z].
        directions: of the head's weight.
        kept: the directions that stay, from 1.
    """
    rows: FloatArray = np.asarray(features, np.float64)
    stay = set(kept)
    columns = [index for index in range(len(directions)) if index + 1 not in stay]
    dropped = directions.hidden[:, columns]
    return np.asarray(rows - (rows @ dropped) @ dropped.T)


def class_movement(intact: Array, ablated: Array, labels: IntArray, classes: int) -> FloatArray:
    """How far the mean of each class moved, relative to how far class means are apart, [K].

    1 is the root mean square distance of the intact class means to their centre. A class without
    images is not a number.

    Args:
        intact: [N, L], points of the images with nothing ablated.
        ablated: [N, L], the same images under an ablation.
        labels: [N], from 0.
        classes: K.

    Raises:
        DataError: the points do not fit each other, a label is missing or is no class, or all
            class means are the same.
    """
    before, after = _pair(intact, ablated)
    if before.shape != after.shape:
        raise DataError(
            "points before and after an ablation are of different widths",
            found=f"{list(before.shape)} and {list(after.shape)}",
            expected="[N, L] both",
        )
    labels = np.asarray(labels)
    whole = labels.shape == before.shape[:1] and np.issubdtype(labels.dtype, np.integer)
    if not whole or labels.min() < 0 or labels.max() >= classes:
        raise DataError(
            "labels do not fit the points",
            found=f"{labels.dtype} {list(labels.shape)}",
            expected=f"[{len(before)}], whole numbers from 0 to {classes - 1}",
        )
    counts = np.bincount(labels, minlength=classes).astype(float)
    with np.errstate(invalid="ignore"):
        means = [
            np.stack([np.bincount(labels, column, classes) for column in points.T], axis=1)
            / counts[:, None]
            for points in (before, after)
        ]
    present = counts > 0
    apart = means[0][present] - means[0][present].mean(axis=0)
    scale = float(np.sqrt((apart**2).sum(axis=1).mean()))
    if not scale:
        raise DataError("all classes have the same mean", expected="class means that differ")
    return np.asarray(np.linalg.norm(means[1] - means[0], axis=1) / scale)


def _pair(first: Array, second: Array) -> tuple[FloatArray, FloatArray]:
    if np.ndim(first) != 2 or np.ndim(second) != 2 or len(first) != len(second) or len(first) < 2:
        raise DataError(
            "points of two spaces do not belong together",
            found=f"{list(np.shape(first))} and {list(np.shape(second))}",
            expected="[N, Z] and [N, L], of the same two images or more",
        )
    pair = np.asarray(first, np.float64), np.asarray(second, np.float64)
    broken = sum(int((~np.isfinite(points)).sum()) for points in pair)
    if broken:
        raise DataError(
            "points have values that are not finite",
            found=f"{broken} are NaN or infinite",
            expected="finite numbers",
        )
    return pair
