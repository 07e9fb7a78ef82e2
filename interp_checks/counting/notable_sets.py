"""What stands out among all subsets of directions: revivals, and the best sets."""

from __future__ import annotations

from dataclasses import dataclass

from interp_checks.statistics.intervals import Estimate


@dataclass(frozen=True)
class Revival:
    """Dropping more brought a class back.

    Args:
        dropped: directions under which the class is dead.
        more: directions that are dropped as well when it is alive again.
        dead: its recall there.
        alive: its recall when more are dropped.
    """

    dropped: tuple[int, ...]
    more: tuple[int, ...]
    dead: Estimate
    alive: Estimate


@dataclass(frozen=True)
class BestSet:
    """The set of so many directions with the highest accuracy, beside the first so many.

    Args:
        directions: the best set; of equals, the one with the smallest numbers at its end.
        accuracy: when only these are kept. It was chosen on these images, so it is optimistic.
        first: accuracy when the first so many are kept.
    """

    directions: tuple[int, ...]
    accuracy: Estimate
    first: Estimate
