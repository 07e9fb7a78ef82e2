"""Array types for annotations, and what all arrays share. Imports numpy for the checker alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]
    FloatArray = npt.NDArray[np.floating[Any]]
    IntArray = npt.NDArray[np.int64]
else:
    Array = FloatArray = IntArray = Any


def largest_entry(array: Array) -> float:
    """The largest entry, whatever its sign; one if there is none but zero."""
    return max(float(array.max()), -float(array.min())) or 1.0
