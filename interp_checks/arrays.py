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

#: Numbers in half precision that are looked at together.
_BLOCK = 2**20


def largest_entry(array: Array) -> float:
    """The largest entry, whatever its sign; one if there is none but zero."""
    if array.dtype == "float16" and array.ndim > 1:
        # To compare numbers in half precision takes far longer than to turn them into single.
        rows = max(1, _BLOCK // max(1, array[0].size))
        blocks = (array[at : at + rows].astype("float32") for at in range(0, len(array), rows))
        return max(max(float(block.max()), -float(block.min())) for block in blocks) or 1.0
    return max(float(array.max()), -float(array.min())) or 1.0
