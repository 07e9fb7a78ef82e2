"""Singular directions: the cut of the thesis (equation 2.7b)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from interp_checks.ablations.cut import Counterpart, Cut, Null, Reads
from interp_checks.arrays import FloatArray

if TYPE_CHECKING:
    from interp_checks.ablations.directions import Directions


class SingularDirections(Cut):
    """The singular directions of the weight, in its gauge."""

    noun: ClassVar[str] = "direction"
    plural: ClassVar[str] = "directions"
    has_gauge: ClassVar[bool] = True
    ordered: ClassVar[bool] = True
    must_be_told_apart: ClassVar[bool] = True
    counterpart: ClassVar[Counterpart] = "class vectors"
    null: ClassVar[Null] = "rotations"

    def of_reader(self, reader: Reads) -> Directions:
        """See :class:`~interp_checks.ablations.directions.Directions`."""
        from interp_checks.ablations.directions import Directions

        return Directions.of(reader.weight, reader.gauge)

    def of_weight(self, weight: FloatArray) -> Directions:
        """The same of a weight inside a network."""
        from interp_checks.ablations.directions import Directions

        return Directions.of(weight)
