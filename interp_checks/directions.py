"""The singular directions of a weight matrix, sorted, with signs that do not depend on luck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._arrays import Array, FloatArray
from .errors import InterpChecksError


@dataclass(frozen=True, eq=False, repr=False)
class Directions:
    """Singular value decomposition of Wᵀ = U Σ Vᵀ (thesis, equation 2.7b), in float64.

    Direction i (from 1) is the triplet (σᵢ, uᵢ, vᵢ), in falling order of σ. Signs are made
    canonical: the entry of vᵢ with the largest magnitude is positive (the first of them on a
    tie).

    Args:
        hidden: [Z, r]; column i - 1 is uᵢ, on the hidden side.
        singular_values: [r], falling.
        classes: [K, r]; column i - 1 is vᵢ, on the class side.
    """

    hidden: FloatArray
    singular_values: FloatArray
    classes: FloatArray

    @classmethod
    def of(cls, weight: Array) -> Directions:
        """Decompose a weight W of shape [K, Z], r = min(K, Z).

        Raises:
            InterpChecksError: the weight is not a finite, non-empty matrix.
        """
        matrix = np.asarray(weight, dtype=np.float64)
        if matrix.ndim != 2 or not matrix.size or not np.isfinite(matrix).all():
            raise InterpChecksError(
                "a weight cannot be decomposed",
                found=f"shape {matrix.shape}"
                + ("" if np.isfinite(matrix).all() else " with entries that are not finite"),
                expected="a finite matrix [classes, hidden units]",
            )
        hidden, values, classes = np.linalg.svd(matrix.T, full_matrices=False)
        strongest = np.abs(classes).argmax(axis=1)
        signs = np.sign(classes[np.arange(len(values)), strongest])
        signs[signs == 0] = 1.0
        return cls(hidden * signs, values, (classes * signs[:, None]).T)

    def __repr__(self) -> str:
        values = ", ".join(f"{value:.3g}" for value in self.singular_values)
        return f"<Directions with singular values {values}>"

    def __len__(self) -> int:
        return len(self.singular_values)

    @property
    def energy(self) -> FloatArray:
        """Each direction's share of the sum of squared singular values, [r]."""
        squares = self.singular_values**2
        total = squares.sum()
        return squares / total if total else np.full(len(squares), 1 / len(squares))

    def principal(self, share: float = 0.95) -> int:
        """How many leading directions are needed for ``share`` of the energy."""
        reached = np.cumsum(self.energy) >= share - 1e-12
        return int(reached.argmax()) + 1

    def coefficients(self, features: Array) -> FloatArray:
        """Where features lie along each direction, times its singular value.

        Args:
            features: h, [N, Z].

        Returns:
            [N, r]; the logits that a set S of directions gives are the sum over S of
            ``coefficients[:, i] * classes[:, i]``, plus the bias.
        """
        along: FloatArray = np.asarray(features, dtype=np.float64) @ self.hidden
        return along * self.singular_values

    def weight(self, kept: tuple[int, ...] | None = None) -> FloatArray:
        """W [K, Z] put together from the directions that stay (equation 2.8); all by default."""
        columns = slice(None) if kept is None else [index - 1 for index in kept]
        scaled = self.classes[:, columns] * self.singular_values[columns]
        rebuilt: FloatArray = scaled @ self.hidden[:, columns].T
        return rebuilt
