"""An interval drawn beside a number: where it lies, and what was asked of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_ASKED = re.compile(r"(?:about|above|below|at least|at most) (\d+(?:\.\d+)?)(?: (%|points?)|$)")


@dataclass(frozen=True)
class Bar:
    """Places on a line from 0 to 100.

    Args:
        lower: where the interval begins.
        upper: where it ends.
        value: the measured number.
        asked: what it is compared with; None if that is no fixed number.
        zero: where zero lies, if the line does not begin there.
    """

    lower: float
    upper: float
    value: float
    asked: float | None
    zero: float | None


def bar_of(check: dict[str, Any]) -> Bar | None:
    """The bar of a comparison of shares; None if it has no interval.

    Losses can be negative: their line goes from -100 to 100 points.
    """
    lower, upper, value = check["lower"], check["upper"], check["value"]
    if lower is None or upper is None or value is None:
        return None
    if not -1 <= lower <= value <= upper <= 1:
        return None
    start = -1.0 if lower < 0 else 0.0
    threshold = _ASKED.match(check["expected"])

    def place(share: float) -> float:
        return round(100 * (share - start) / (1 - start), 2)

    asked = 2.0 if threshold is None else float(threshold[1]) / (100 if threshold[2] else 1)
    return Bar(
        place(lower),
        place(upper),
        place(value),
        asked=place(asked) if asked <= 1 else None,
        zero=place(0) if start else None,
    )
