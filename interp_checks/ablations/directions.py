"""The singular directions of a weight matrix, sorted, with signs that do not depend on luck."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from interp_checks.arrays import Array, FloatArray
from interp_checks.errors import InterpChecksError
from interp_checks.thresholds import MOVED
from interp_checks.wording import one_of

if TYPE_CHECKING:
    import pandas as pd

#: "raw": W as it is. "centred": W without its mean over classes. Adding the same vector to
#: every class's weights changes no prediction, but it changes the raw directions.
Gauge = Literal["raw", "centred"]


def in_gauge(weight: Array, gauge: Gauge) -> FloatArray:
    """A weight [K, Z] in float64, less its mean over the classes if the gauge is centred."""
    one_of(gauge, "raw", "centred")
    matrix = np.asarray(weight, dtype=np.float64)
    if gauge == "raw":
        return matrix
    centred: FloatArray = matrix - matrix.mean(axis=0)
    return centred


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
        ordered_by: [r], falling: what parts of another cut are ordered by, and can be confused
            by where it is nearly equal; the singular values of singular directions.
        names: r names, of parts that are told by names.

    Parts of another cut (:mod:`interp_checks.ablations.cut`) are kept alike: what part i reads,
    how strongly, and what it says of each class; they add up to the weight as these do.
    """

    hidden: FloatArray
    singular_values: FloatArray
    classes: FloatArray
    ordered_by: FloatArray = None  # type: ignore[assignment]  # an array after __post_init__
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.ordered_by is None:
            object.__setattr__(self, "ordered_by", self.singular_values)

    @classmethod
    def of(cls, weight: Array, gauge: Gauge = "raw") -> Directions:
        """Decompose a weight W of shape [K, Z], r = min(K, Z).

        Args:
            weight: W.
            gauge: whether to take off the component that no prediction can see.

        Raises:
            InterpChecksError: the weight is not a finite, non-empty matrix.
        """
        matrix: FloatArray = np.asarray(weight, dtype=np.float64)
        if matrix.ndim != 2 or not matrix.size or not np.isfinite(matrix).all():
            raise InterpChecksError(
                "a weight cannot be decomposed",
                found=f"shape {matrix.shape}"
                + ("" if np.isfinite(matrix).all() else " with entries that are not finite"),
                expected="a finite matrix [classes, hidden units]",
            )
        # The decomposition does not converge, or loses everything, near the ends of float64. A
        # power of two scales exactly.
        largest = np.abs(matrix).max()
        power = 0 if 1e-100 < largest < 1e100 else int(np.frexp(largest)[1])
        matrix = in_gauge(np.ldexp(matrix, -power), gauge)
        hidden, values, classes = np.linalg.svd(matrix.T, full_matrices=False)
        with np.errstate(over="ignore"):
            values = np.ldexp(values, power)
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
        squares = (self.singular_values / (self.singular_values[0] or 1.0)) ** 2
        total = squares.sum()
        return squares / total if total else np.full(len(squares), 1 / len(squares))

    def principal(self, share: float = 0.95) -> int:
        """How many leading directions are needed for ``share`` of the energy."""
        if not 0 < share <= 1:
            raise InterpChecksError(f"{share} is not a share", expected="between 0 and 1")
        reached = np.cumsum(self.energy) >= share - 1e-12
        return int(reached.argmax()) + 1

    def coefficients(self, features: Array) -> FloatArray:
        """Where features lie along each direction, times its singular value.

        Args:
            features: h, [N, Z].

        Returns:
            [r, N]; the logits that a set S of directions gives are the sum over S of
            ``coefficients[i] * classes[:, i]``, plus the bias.
        """
        along: FloatArray = self.hidden.T @ np.asarray(features, dtype=np.float64).T
        return along * self.singular_values[:, None]

    def weight(self, kept: tuple[int, ...] | None = None) -> FloatArray:
        """W [K, Z] put together from the directions that stay (equation 2.8); all by default."""
        columns = slice(None) if kept is None else [index - 1 for index in kept]
        scaled = self.classes[:, columns] * self.singular_values[columns]
        rebuilt: FloatArray = scaled @ self.hidden[:, columns].T
        return rebuilt

    def separation(self, kept: Sequence[int]) -> float:
        """How far the directions that stay are from those that go.

        The smallest difference between a singular value that stays and one that goes,
        relative to the largest singular value; infinite if nothing is split. Directions
        whose singular values are both zero carry nothing and are not compared.
        """
        stays = np.zeros(len(self), dtype=bool)
        stays[[index - 1 for index in kept]] = True
        staying, going = self.ordered_by[stays], self.ordered_by[~stays]
        scale = self.ordered_by[0]
        if not staying.size or not going.size:
            return math.inf
        by_value = self.ordered_by is self.singular_values
        if not scale:
            # A weight of zeros carries nothing; axes without variance may carry anything.
            return math.inf if by_value else 0.0
        carried = np.maximum(staying[:, None], going) > (1e-12 * scale if by_value else -1.0)
        gaps = np.abs(staying[:, None] - going)[carried]
        return float(gaps.min() / scale) if gaps.size else math.inf

    def turn(self, kept: Sequence[int], moved: float = MOVED, *, within: bool = False) -> float:
        """How far the span of the directions that stay could turn if the weight moved a little.

        Wedin's bound (BIT 12, 1972): for a change E of the weight, the sines of the angles
        between the old and new spans, on both sides together, are at most
        ``sqrt(2 m) |E| / (gap - |E|)`` in the Frobenius norm, m being how many directions stay
        or go, whichever are fewer.

        Args:
            kept: the directions that stay, from 1.
            moved: spectral norm of the change, relative to that of the weight.
            within: count turns among the directions only. Otherwise also turns towards the
                hidden (or class) vectors that an oblong weight does not read at all; these
                change the logits by no more than the weight itself has moved.

        Returns:
            Degrees, 0 to 90.
        """
        gap = self.separation(kept)
        fewer = min(len(kept), len(self) - len(kept))
        if not within and kept and len(self.hidden) != len(self.classes):
            scale = self.ordered_by[0]
            weakest = min(self.ordered_by[index - 1] for index in kept)
            gap = min(gap, float(weakest / scale)) if scale else gap
            fewer = len(kept)
        if math.isinf(gap):
            return 0.0
        if gap <= moved:
            return 90.0
        sine = math.sqrt(2 * fewer) * moved / (gap - moved)
        return math.degrees(math.asin(min(1.0, sine)))

    def nearest_split(self, kept: Sequence[int]) -> tuple[int, int]:
        """The direction that stays and the one that goes whose singular values are closest."""
        gone = [index for index in range(1, len(self) + 1) if index not in set(kept)]
        values = self.ordered_by
        return min(
            ((stays, goes) for stays in kept for goes in gone),
            key=lambda pair: abs(values[pair[0] - 1] - values[pair[1] - 1]),
        )

    def table(self) -> pd.DataFrame:
        """One row per direction: singular value, energy, gap to its neighbour, turn in degrees."""
        import pandas as pd

        numbers = range(1, len(self) + 1)
        return pd.DataFrame(
            {
                "singular value": self.singular_values,
                "energy": self.energy,
                "relative gap": [self.separation((number,)) for number in numbers],
                "turn": [self.turn((number,)) for number in numbers],
            },
            index=pd.Index(numbers, name="direction"),
        )

    def _repr_html_(self) -> str:
        shown: str = self.table().to_html(float_format=lambda value: f"{value:.3f}")
        return shown


def row_cosines(weight: FloatArray) -> FloatArray:
    """Cosines between the rows of Wᵀ, [Z, Z] (the Gramian of equation 2.6, normalised).

    Args:
        weight: W, [K, Z]; a row of zeros has a cosine of zero with every other.
    """
    rows = weight.T
    lengths = np.linalg.norm(rows, axis=1)
    lengths[lengths == 0] = 1.0
    unit = rows / lengths[:, None]
    cosines: FloatArray = unit @ unit.T
    return cosines
