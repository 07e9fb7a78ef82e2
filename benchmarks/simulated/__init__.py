"""Simulated data sets in which a claim is just false, or just true: one file a family of rules."""

from __future__ import annotations

from . import ablations, drawings, facts, fills, quantified, sets, variance
from .row import Row

#: Every rule, in the order of docs/verdicts.md.
ROWS: tuple[Row, ...] = (
    *ablations.ROWS,
    *facts.ROWS,
    *variance.ROWS,
    *sets.ROWS,
    *drawings.ROWS,
    *quantified.ROWS,
    *fills.ROWS,
)
