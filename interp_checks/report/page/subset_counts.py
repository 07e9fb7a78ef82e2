"""Confusion counts of all subsets of directions, and how they travel inside a page."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from interp_checks.ablations.fill import Fill, every_fill, fill_named
from interp_checks.arrays import IntArray
from interp_checks.errors import InterpChecksError
from interp_checks.readouts.readout import Readout

#: With more directions or classes the counts are too large for a page.
MOST_DIRECTIONS = 12
MOST_CLASSES = 50


@dataclass(frozen=True, eq=False)
class SubsetCounts:
    """Confusion counts of every subset of directions of one subject (T22).

    Args:
        counts: [2**r, K, K], rows true and columns predicted. Subset m keeps direction i
            where bit i - 1 of m is set, as :func:`interp_checks.every_subset` numbers them.
        fill: what stands in the place of directions that go, by its name.
        others: the same counts with other fills, by their names.

    Raises:
        InterpChecksError: an array has another shape, or too many directions or classes.
    """

    counts: IntArray
    fill: str = "zero"
    others: Mapping[str, IntArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, counts in self.others.items():
            if np.shape(counts) != np.shape(self.counts):
                raise InterpChecksError(
                    f"the counts with {fill_named(name).words} are not of the same subsets",
                    found=f"an array of shape {np.shape(counts)}",
                    expected=f"{np.shape(self.counts)}",
                )
        shape = np.shape(self.counts)
        square = len(shape) == 3 and shape[1] == shape[2] > 0
        if not square or shape[0] < 2 or shape[0] & (shape[0] - 1):
            raise InterpChecksError(
                "these are not the confusion counts of all subsets of directions",
                found=f"an array of shape {shape}",
                expected="[2**r, K, K]",
                remedy="sweep(readout, every_subset(len(readout.directions))).counts",
            )
        if self.directions > MOST_DIRECTIONS or self.classes > MOST_CLASSES:
            raise InterpChecksError(
                "the confusion counts of all subsets are too large for a page",
                found=f"{self.directions} directions, {self.classes} classes",
                expected=f"at most {MOST_DIRECTIONS} directions and {MOST_CLASSES} classes",
                remedy="give None instead: the page then leaves the explorer out",
            )

    @classmethod
    def of(cls, readout: Readout) -> SubsetCounts | None:
        """Count every subset of the readout's directions, with every fill.

        Returns:
            None if there are more than 12 directions or 50 classes.
        """
        from interp_checks.ablations.subsets import every_subset
        from interp_checks.counting.sweep import sweep

        directions, classes = len(readout.directions), len(readout.class_names)
        if directions > MOST_DIRECTIONS or classes > MOST_CLASSES:
            return None
        counts = {
            fill: sweep(readout.filled_with(fill), every_subset(directions)).counts
            for fill in every_fill()
        }
        own = counts.pop(readout.fill)
        others = {fill: each for fill, each in counts.items() if each is not None}
        return None if own is None else cls(own, readout.fill, others)

    @property
    def directions(self) -> int:
        """How many directions there are."""
        return len(self.counts).bit_length() - 1

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return int(self.counts.shape[1])

    @property
    def fills(self) -> tuple[str, ...]:
        """What may stand in the place of directions that go, that of the subject first."""
        return (self.fill, *self.others)

    def packed(self) -> dict[str, object]:
        """The counts as text: little-endian whole numbers, zlib, base64.

        Numbers of one cell of the matrix lie side by side, [K, K, 2**r]: they are like each
        other, which makes the text a third shorter.
        """
        every = {self.fill: self.counts, **self.others}
        width = 2 if max(int(counts.max()) for counts in every.values()) < 2**16 else 4
        return {
            "directions": self.directions,
            "width": width,
            "fill": self.fill,
            "data": {fill: _packed(counts, width) for fill, counts in every.items()},
            # How a set is said where the fill is not the subject's own.
            "words": {fill: _words(fill_named(fill)) for fill in self.others},
        }


def _words(fill: Fill) -> list[str]:
    return [fill.of_one, fill.of_several, fill.of_others]


def _packed(counts: IntArray, width: int) -> str:
    cells = np.moveaxis(counts, 0, -1).astype(f"<u{width}")
    return base64.b64encode(zlib.compress(cells.tobytes(), 9)).decode("ascii")
