"""One end of what could be: a scene whose counts are bounds, for which only recalls are known."""

from __future__ import annotations

from dataclasses import dataclass, replace

from interp_checks.ablations.ablation import Ablation
from interp_checks.arrays import Array, IntArray
from interp_checks.counting.confusions import Result
from interp_checks.errors import NotJudgedError
from interp_checks.statistics.threshold_check import Check

from .scene import Scene


@dataclass
class EndScene(Scene):
    """An ablation of which only the least or the most of the right images of each class is known.

    Args:
        end: the counts at this end.

    Every other question is refused with :class:`NotJudgedError`: a bound on one number is none on
    another.
    """

    end: Result | None = None

    def under(self, ablation: Ablation | None, confidence: float | None = None) -> Result:
        """The counts at this end, and those of the intact model."""
        if ablation is None:
            return super().under(None, confidence)
        if ablation != self.ablation:
            raise _only_bounds()
        assert self.end is not None
        return replace(self.end, confidence=confidence or self.confidence)

    def when(self, ablation: Ablation) -> Scene:
        """Refused."""
        raise _only_bounds()

    def right(self, ablation: Ablation) -> Array:
        """Refused."""
        raise _only_bounds()

    def differing(self, other: Ablation, *, exactly: bool) -> Check:
        """Refused."""
        raise _only_bounds()


def end_result(
    name: str, right: IntArray, both_right: IntArray, intact: Result, confidence: float
) -> Result:
    """Counts at one end of what could be.

    Args:
        name: of the ablation, in words.
        right: images of each class that are right, [K].
        both_right: those that are right intact as well, [K].
        intact: the model with nothing ablated.
        confidence: of all intervals, two-sided.
    """

    def unknown() -> IntArray:
        raise _only_bounds()

    return Result(
        name, right, both_right, intact.intact_counts, intact.class_names, confidence, unknown
    )


def _only_bounds() -> NotJudgedError:
    return NotJudgedError("only the recalls under this ablation have bounds")
