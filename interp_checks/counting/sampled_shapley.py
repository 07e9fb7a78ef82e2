"""Shapley values of many directions, sampled: each with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interp_checks.arrays import Array, FloatArray
from interp_checks.errors import InterpChecksError

from .engines import Engine
from .head import Head
from .job import Progress
from .sweep import count_right

if TYPE_CHECKING:
    import pandas as pd

#: Pairs of orders below which the spread between them is worth nothing.
_FEWEST_PAIRS = 8


@dataclass(frozen=True, eq=False, repr=False)
class SampledShapley:
    """Shapley values over random orders of the directions.

    Args:
        values: [r, K + 1], for the recall of each class and for accuracy, in fractions.
        margins: [r, K + 1], half the width of each interval. Zero only where nothing is left
            open: with at most two directions, and for a class without images.
        pairs: how many pairs of an order and its reverse were drawn.
        class_names: K names.
        confidence: of the intervals, two-sided. They are about the orders that were not drawn;
            the images are taken as they are.
    """

    values: FloatArray
    margins: FloatArray
    pairs: int
    class_names: tuple[str, ...]
    confidence: float

    def __repr__(self) -> str:
        return f"<SampledShapley of {len(self.values)} directions, {self.pairs} pairs of orders>"

    def table(self) -> pd.DataFrame:
        """Values by direction (rows) and by class and accuracy (columns), with margins."""
        import pandas as pd

        names = [*self.class_names, "accuracy"]
        numbers = pd.Index(range(1, len(self.values) + 1), name="direction")
        columns = pd.MultiIndex.from_product([names, ["value", "margin"]])
        both = np.stack([self.values, self.margins], axis=2).reshape(len(self.values), -1)
        return pd.DataFrame(both, index=numbers, columns=columns)


def sample_shapley(
    readout: Head,
    pairs: int = 32,
    *,
    seed: int = 0,
    engine: Engine = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
) -> SampledShapley:
    """Shapley values by adding the directions in random orders (Castro et al., 2009).

    Each order is used with its reverse, which evens out what is added early and late (Mitchell
    et al., 2022). In every order what the directions add sums to the total effect, so the
    estimates do too.

    Intervals are Student's over pairs, which alone are too narrow where pairs hardly differ: orders
    that no pair looked at may add something else. So what the share of orders that could have been
    missed, 1 - (error / 2) ** (1 / pairs), would move the mean by is added to each margin, as
    independent errors add (the root of the sum of squares).

    Args:
        readout: any number of directions.
        pairs: of an order and its reverse; at least 8, for the intervals.
        seed: of the orders.
        engine: see :func:`interp_checks.sweep`.
        threads: see there.
        progress: called with the pairs done and all pairs.

    Raises:
        InterpChecksError: there are too few pairs.
    """
    from scipy.stats import t

    if pairs < _FEWEST_PAIRS:
        raise InterpChecksError(
            f"{pairs} pairs of orders say nothing about the spread between them",
            expected=f"at least {_FEWEST_PAIRS}",
        )
    generator = np.random.default_rng(seed)
    width, games = len(readout.directions), len(readout.class_names) + 1
    # Sums and squares, so that memory does not grow with the pairs (Welford, 1962).
    mean, squares = np.zeros((width, games)), np.zeros((width, games))
    lowest, highest = np.full((width, games), np.inf), np.full((width, games), -np.inf)
    largest = np.zeros(games)
    for done in range(1, pairs + 1):
        order = generator.permutation(width) + 1
        both = [_added(readout, turn, engine, threads) for turn in (order, order[::-1])]
        added = (both[0] + both[1]) / 2
        shift = added - mean
        mean += shift / done
        squares += shift * (added - mean)
        lowest, highest = np.minimum(lowest, added), np.maximum(highest, added)
        largest = np.maximum(largest, np.abs(both).max(axis=(0, 1)))
        if progress is not None:
            progress(done, pairs)
    spread = np.sqrt(squares / (pairs - 1) / pairs)
    error = (1 - readout.confidence) / 2
    margins = float(t.ppf(1 - error, pairs - 1)) * spread
    # Orders that make up so much of all could have been missed by every pair.
    missed = 1 - error ** (1 / pairs)
    margins = np.hypot(margins, missed * _reach(mean, lowest, highest, largest))
    if width <= 2:
        # An order and its reverse are all orders there are.
        margins = np.zeros_like(margins)
    margins[:, :-1][:, readout.support == 0] = 0.0
    return SampledShapley(mean, margins, pairs, readout.class_names, readout.confidence)


def _reach(mean: FloatArray, lowest: FloatArray, highest: FloatArray, largest: Array) -> FloatArray:
    """How far a pair that was not drawn may be from the mean, [r, K + 1].

    As far as the farthest that was drawn. Where all pairs agree, as far as the largest that any
    direction adds to the same recall; where no direction adds anything, to all of it.
    """
    agree = highest - lowest < 1e-12
    other = np.where(largest > 0, largest, 1.0)
    return np.where(agree, other, np.maximum(highest - mean, mean - lowest))


def _added(head: Head, order: Array, engine: Engine, threads: int | None) -> FloatArray:
    """What each direction adds to each recall and to accuracy, in one order, [r, K + 1]."""
    place = np.empty(len(order), dtype=np.int64)
    place[order - 1] = np.arange(len(order))
    members = (place < np.arange(len(order) + 1)[:, None]).astype(np.uint8)
    right = count_right(head, members, engine=engine, threads=threads).right
    shares = np.column_stack([right / np.maximum(head.support, 1), right.sum(axis=1) / len(head)])
    added = np.empty((len(order), shares.shape[1]))
    added[order - 1] = np.diff(shares, axis=0)
    return added
