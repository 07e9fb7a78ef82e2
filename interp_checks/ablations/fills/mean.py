"""The mean over the images: what a part says of every image alike stays.

Morcos, Barrett, Rabinowitz and Botvinick (ICLR 2018) ablate units so.
"""

from __future__ import annotations

from typing import ClassVar

from interp_checks.ablations.fill import Fill
from interp_checks.arrays import Array, FloatArray, largest_entry

#: Features beyond this are averaged in units of the largest.
_LARGEST_SUMMED = 1e290


class Mean(Fill):
    """The mean of a part's coefficients over the images that are judged."""

    name: ClassVar[str] = "mean"
    words: ClassVar[str] = "its mean over the images"
    of_one: ClassVar[str] = "its mean"
    of_several: ClassVar[str] = "their means"
    of_others: ClassVar[str] = "the means of the others"
    phrases: ClassVar[tuple[str, ...]] = ('"its" "mean"', '"their" "means"')
    other_phrases: ClassVar[tuple[str, ...]] = ('"the" "means" "of" "the" "others"',)

    def baseline(self, features: Array, draw: int) -> FloatArray | None:
        """The mean of the features, [Z]."""
        import numpy as np

        # In units of the largest: a sum of features overflows long before their mean does.
        largest = largest_entry(features)
        unit = largest if largest > _LARGEST_SUMMED else 1.0
        mean: FloatArray = (features / unit).mean(axis=0, dtype=np.float64) * unit
        return mean
