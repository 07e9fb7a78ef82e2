"""Zero: the part is gone, and so is the mean of what it says."""

from __future__ import annotations

from typing import ClassVar

from interp_checks.ablations.fill import Fill
from interp_checks.arrays import Array, FloatArray


class Zero(Fill):
    """What the thesis does: the coefficients of a part are zero for every image."""

    name: ClassVar[str] = "zero"
    words: ClassVar[str] = "zero"
    of_one: ClassVar[str] = "zero"
    of_several: ClassVar[str] = "zero"
    of_others: ClassVar[str] = "zero for the others"
    phrases: ClassVar[tuple[str, ...]] = ('"zero"',)
    other_phrases: ClassVar[tuple[str, ...]] = ('"zero" "for" "the" "others"',)

    def baseline(self, features: Array, draw: int) -> FloatArray | None:
        """Nothing is read."""
        return None
