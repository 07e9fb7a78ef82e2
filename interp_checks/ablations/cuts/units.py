"""Units: each number that the weight reads, by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from interp_checks.ablations.cut import Cut, Reads
from interp_checks.arrays import FloatArray

if TYPE_CHECKING:
    from interp_checks.ablations.directions import Directions


class Units(Cut):
    """The inputs of the weight, counted from 1: unit 7 is the seventh feature."""

    noun: ClassVar[str] = "unit"
    plural: ClassVar[str] = "units"

    def of_reader(self, reader: Reads) -> Directions:
        """One part for each feature; dropping it sets the feature to zero."""
        return columns_of(reader.weight)

    def of_weight(self, weight: FloatArray) -> Directions:
        """One part for each input."""
        return columns_of(weight)


def columns_of(weight: FloatArray, names: tuple[str, ...] = ()) -> Directions:
    """The columns of a weight [K, Z] as its parts: Z of them, in their order."""
    import numpy as np

    from interp_checks.ablations.directions import Directions

    # A power of two scales exactly, so that shares are the products that the weight makes.
    largest = np.abs(weight).max(axis=0)
    scales = np.ldexp(1.0, np.frexp(largest)[1])
    scales[largest == 0] = 1.0
    return Directions(np.eye(weight.shape[1]), scales, weight / scales, names=names)
