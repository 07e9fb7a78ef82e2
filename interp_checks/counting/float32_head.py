"""Large heads in float32, with a bound on what rounding can have done.

Products in float32 take half the time and memory. Whatever comes closer than the bound is
computed again in float64, so predictions are those of float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from interp_checks.arrays import Array, FloatArray, IntArray, largest_entry

from .argmax import SMALLEST_TIE

#: Rounding of float32, relative.
UNIT = 2.0**-24
#: Logits of all images are kept if they take less than this.
_KEPT_BYTES = 256 * 2**20
#: Images per block of logits.
_BLOCK = 4096


@dataclass
class Float32Head:
    """A head in float32, scaled so that no entry of weight, bias or features exceeds one.

    Args:
        weight: W over the weight's scale, which is scale / feature_scale, [K, Z].
        bias: over scale, [K].
        scale: of a logit: the largest entries of weight and features multiplied, or the largest
            bias if that is more.
        feature_scale: the largest entry of the features.
        length: of the longest row of the scaled weight.
        all_logits: of all images, [N, K], once they were computed and where that is little.
    """

    weight: Array
    bias: Array
    scale: float
    feature_scale: float
    length: float
    all_logits: Array | None = None

    @classmethod
    def of(cls, features: Array, weight: FloatArray, bias: FloatArray) -> Float32Head:
        """Scale a head.

        Args:
            features: h, [N, Z].
            weight: W, [K, Z].
            bias: b, [K].
        """
        feature_scale = largest_entry(features)
        # In range: logits that overflow are refused. A weight that is small beside the bias may
        # lose its last bits in float32, which is far less than the bias's own rounding.
        scale = max(largest_entry(weight) * feature_scale, float(np.abs(bias).max()), SMALLEST_TIE)
        weight_scale = scale / feature_scale
        scaled = weight / weight_scale
        return cls(
            scaled.astype(np.float32),
            (bias / scale).astype(np.float32),
            scale,
            feature_scale,
            float(np.sqrt(np.einsum("kz,kz->k", scaled, scaled).max())),
        )

    def features(self, rows: Array) -> Array:
        """Features [n, Z] over their scale, in float32."""
        if rows.dtype == np.float16:
            rows = rows.astype(np.float32)  # exactly
        # The inverse of the scale is no number of float32 where features are very small.
        usual = rows.dtype == np.float32 and 1e-30 < self.feature_scale < 1e30
        wide = rows if usual else rows.astype(np.float64)
        scaled = (
            wide * wide.dtype.type(1 / self.feature_scale) if usual else wide / self.feature_scale
        )
        single: Array = scaled.astype(np.float32, copy=False)
        return single

    def logits(self, rows: Array) -> Array:
        """Scaled logits of scaled features, float32, [n, K]."""
        logits: Array = rows @ self.weight.T
        logits += self.bias
        return logits

    def rounding(self, rows: Array) -> FloatArray:
        """What rounding can do to a product of scaled features with a vector of length one, [n].

        A sum of Z products of rounded numbers, in any order, is off by at most Z + 2 times the
        unit, times the sum of absolute products, which is at most the product of the lengths.
        """
        lengths = np.sqrt(np.einsum("nz,nz->n", rows, rows, dtype=np.float64))
        return np.asarray(1.01 * (rows.shape[1] + 8) * UNIT * lengths)

    def predictions(
        self, features: Array, tie: float, exactly: Callable[[IntArray], IntArray]
    ) -> IntArray:
        """Predictions with nothing ablated, [N].

        The logits stay here where that takes little memory: dropping directions starts from them.

        Args:
            features: h, [N, Z], those that the scale was made for.
            tie: logits closer than this, unscaled, are equal.
            exactly: predicts images by their numbers in float64, where float32 cannot tell.
        """
        predicted = np.empty(len(features), dtype=np.int64)
        little = 4 * len(features) * len(self.weight) <= _KEPT_BYTES
        kept = np.empty((len(features), len(self.weight)), np.float32) if little else None
        for start in range(0, len(features), _BLOCK):
            rows = self.features(features[start : start + _BLOCK])
            logits = self.logits(rows)
            if kept is not None:
                kept[start : start + _BLOCK] = logits
            block = predicted[start : start + _BLOCK]
            block[:] = logits.argmax(axis=1)
            every = np.arange(len(rows))
            lead = logits[every, block].copy()
            logits[every, block] = -np.inf
            close = 2 * (self.rounding(rows) * self.length + 8 * UNIT * np.abs(self.bias).max())
            unsure = np.flatnonzero(lead - logits.max(axis=1) <= close + 2 * tie / self.scale)
            if len(unsure):
                block[unsure] = exactly(unsure + start)
        self.all_logits = kept
        return predicted
