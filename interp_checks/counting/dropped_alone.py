"""Each direction of a head with many classes dropped alone, by blocks of images."""

from __future__ import annotations

import numpy as np

from interp_checks.arrays import IntArray

from .float32_head import UNIT
from .kernels import single_drops
from .large_heads import Counted, kept_type


class Dropping:
    """A head of which directions are dropped one at a time, in float32 and float64.

    Args:
        plan: what is counted.
        dropped: for each direction the ablation that drops it, -1 if none does.
    """

    def __init__(self, plan: Counted, dropped: IntArray) -> None:
        self.plan, self.dropped, directions = plan, dropped, plan.head.directions
        self.float32 = plan.head.float32
        weight_scale = self.float32.scale / self.float32.feature_scale
        self.hidden = np.ascontiguousarray((directions.hidden * directions.singular_values).T)
        self.lengths = directions.singular_values / weight_scale
        self.float32_hidden = (self.hidden / weight_scale).astype(np.float32)
        # In another gauge, logits differ by the same for all classes, and so do these.
        self.weight = np.ascontiguousarray(plan.head.weight)
        self.by_direction = np.ascontiguousarray(plan.classes.T, dtype=np.float32)
        self.classes = plan.classes.astype(np.float32)
        self.lowest, self.highest = plan.classes.min(axis=0), plan.classes.max(axis=0)


class DroppingBlock:
    """Images sorted by label, with their logits and coefficients in float32."""

    def __init__(self, dropping: Dropping, block: slice, order: IntArray, labels: IntArray) -> None:
        self.dropping, self.labels = dropping, labels
        self.intact = dropping.plan.intact[block][order]
        self.features = np.ascontiguousarray(dropping.plan.head.features[block][order])
        self.features = self.features.astype(kept_type(self.features), copy=False)
        rows = dropping.float32.features(self.features)
        self.rounding = dropping.float32.rounding(rows)
        logits = dropping.float32.all_logits
        self.logits = dropping.float32.logits(rows) if logits is None else logits[block][order]
        self.along = rows @ dropping.float32_hidden.T

    def count(self, images: tuple[int, int]) -> int:
        """Count a range of images; how many pairs with a direction had to be looked at."""
        dropping, plan = self.dropping, self.dropping.plan
        looked_at: int = single_drops.drop_each(
            self.logits,
            self.along,
            dropping.by_direction,
            dropping.classes,
            dropping.lowest,
            dropping.highest,
            dropping.lengths,
            self.rounding,
            dropping.float32.length,
            8 * UNIT * float(np.abs(dropping.float32.bias).max()),
            self.features,
            dropping.weight,
            plan.head.bias,
            dropping.hidden,
            plan.classes,
            dropping.float32.scale,
            plan.head.tie,
            self.labels,
            self.intact,
            dropping.dropped,
            *images,
            *plan.outputs,
        )
        return looked_at
