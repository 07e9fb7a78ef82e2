"""Parts of one's own: latents of a sparse autoencoder, probes, attention heads, by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from interp_checks.ablations.cut import Cut, Reads
from interp_checks.errors import NotJudgedError

from .units import columns_of

if TYPE_CHECKING:
    from interp_checks.ablations.directions import Directions


class OwnParts(Cut):
    """The parts that a readout was made of, with :meth:`interp_checks.Readout.from_parts`."""

    noun: ClassVar[str] = "part"
    plural: ClassVar[str] = "parts"
    named: ClassVar[bool] = True

    def of_reader(self, reader: Reads) -> Directions:
        """The parts that it was given, in their order.

        Raises:
            NotJudgedError: it was given none.
        """
        if not reader.part_names:
            raise NotJudgedError(
                "this readout has no parts of its own",
                found="features and a weight that reads them",
                remedy="make it with Readout.from_parts, or speak of its units",
            )
        return columns_of(reader.weight, reader.part_names)
