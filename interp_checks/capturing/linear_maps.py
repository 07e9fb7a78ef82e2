"""The linear map that a layer of a model really computes. PyTorch is imported when called.

A weight on a layer is a promise: subclasses normalise their inputs, adapters add to the output,
hooks change both. So the map ``x Wᵀ + b`` is compared with what the layer gave, and where the
two differ, or the layer has no such weight, it is asked: of zeros it gives b, of the unit vectors
``W + b``. What it gives of other inputs must follow from these, else it is no linear map.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_checks.arrays import FloatArray, IntArray

from .output_relations import Precision

if TYPE_CHECKING:
    import torch
    from torch import nn

#: Roundings that what a layer gives may be away from its map.
_ROUNDINGS = 16
#: Rows that a layer is asked about at a time.
_ROWS = 1024


@dataclass(frozen=True, eq=False)
class LinearMap:
    """``x Wᵀ + b`` in float64.

    Args:
        weight: W, [K, Z].
        bias: b, [K].
        stated: whether the layer says so, or was asked.
    """

    weight: FloatArray
    bias: FloatArray
    stated: bool

    def __call__(self, features: FloatArray) -> FloatArray:
        """Logits [n, K] of features [n, Z]."""
        logits: FloatArray = features @ self.weight.T + self.bias
        return logits

    def rounding(self, features: FloatArray, precision: Precision) -> FloatArray:
        """How far the layer's logits may be from these, [n, K].

        Each product and each sum is rounded. The errors are taken to be independent, which
        makes their total grow with the root of their number (Higham and Mary, SIAM J. Sci.
        Comput. 41, 2019); sums of half-precision numbers are kept in single precision.
        """
        lengths = np.linalg.norm(features, axis=1)[:, None]
        largest = np.abs(features).max(axis=1, initial=0)[:, None]
        size = np.minimum(
            largest * np.linalg.norm(self.weight, axis=1),
            lengths * np.abs(self.weight).max(axis=1, initial=0),
        )
        size = size + np.abs(self.bias)
        summing = min(precision.roundoff, 2.0**-24) * np.sqrt(features.shape[1] + 1)
        return np.asarray(_ROUNDINGS * (precision.roundoff + summing) * size + precision.smallest)

    def fits(
        self,
        features: FloatArray,
        logits: FloatArray,
        precision: Precision,
        sizes: FloatArray | None = None,
    ) -> bool:
        """Whether a layer that gave these logits computes this.

        Args:
            features: [n, Z].
            logits: [n, K].
            precision: of the coarser of the two.
            sizes: of what was rounded, [n, Z]; the features when left out.
        """
        if logits.shape != (len(features), len(self.weight)):
            return False
        with np.errstate(invalid="ignore"):
            off = np.abs(self(features) - logits)
        sizes = features if sizes is None else sizes
        return bool((off <= self.rounding(sizes, precision)).all())


def is_convolution(layer: nn.Module) -> bool:
    """Whether the second axis of what a layer reads holds its features."""
    from torch import nn

    return isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d))


def is_linear_layer(layer: Any) -> bool:
    """Whether a layer has a weight to read logits out with: linear, or a convolution of 1 x 1."""
    from torch import nn

    if is_convolution(layer):
        return bool(layer.groups == 1 and all(size == 1 for size in layer.kernel_size))
    return isinstance(layer, nn.Linear)


def may_be_linear(layer: nn.Module) -> bool:
    """Whether a layer could be a linear map from features to logits: it has a matrix."""
    held = [*layer.parameters(), *layer.buffers()]
    return any(value.ndim >= 2 for value in held) or any(
        type(part).__module__.startswith("torch.ao.nn.quantized") for part in layer.modules()
    )


def stated_map(layer: Any, rows: IntArray | None = None) -> LinearMap | None:
    """The map that a linear layer's weight and bias state; of some of its outputs, if so said."""
    import torch

    weight = getattr(layer, "weight", None)
    bias = getattr(layer, "bias", None)
    if not isinstance(weight, torch.Tensor) or weight.ndim < 2:
        return None
    if rows is not None:  # before they are widened: vocabularies are large
        chosen = torch.from_numpy(rows).to(weight.device)
        weight = weight[chosen]
        bias = bias[chosen] if isinstance(bias, torch.Tensor) else None
    matrix = as_float64(weight.flatten(1))
    offset = as_float64(bias) if isinstance(bias, torch.Tensor) else np.zeros(len(matrix))
    return LinearMap(matrix, offset, True)


def asked_map(
    layer: nn.Module,
    features: torch.Tensor,
    trailing: tuple[int, ...],
    precision: Precision,
    rows: IntArray | None = None,
) -> LinearMap | None:
    """The map that a layer computes, found by asking; None if it computes no linear map.

    Args:
        layer: which is called on a copy in float64, where it can be copied.
        features: some that it read, [n, Z].
        trailing: sizes after [n, Z] of what it read, all one.
        precision: of the layer's own numbers.
        rows: which of its outputs; all when left out.
    """
    try:
        wide = copy.deepcopy(layer).double()
        ask, dtype = _asking(wide, trailing, rows), features.double().dtype
        ask(features[:1].to(dtype))
        precision = Precision(2.0**-53, 1e-300)
    except Exception:  # whatever a layer raises that cannot be copied or cast
        ask, dtype = _asking(layer, trailing, rows), features.dtype
    try:
        linear_map = _asked(ask, features.to(dtype), precision)
    except Exception:  # it does not take other inputs
        return None
    return linear_map


def _asked(
    ask: Callable[[torch.Tensor], torch.Tensor], features: torch.Tensor, precision: Precision
) -> LinearMap | None:
    import torch

    width = features.shape[1]
    probes = features[:64]
    # Unit vectors of the features' own size lose least to rounding.
    unit = float(probes.abs().max()) or 1.0
    bias = as_float64(ask(torch.zeros_like(probes[:1])))[0]
    rows = []
    for start in range(0, width, _ROWS):
        stop = min(start + _ROWS, width)
        units = torch.zeros(stop - start, width, dtype=probes.dtype, device=probes.device)
        units[torch.arange(stop - start), torch.arange(start, stop)] = unit
        rows.append((as_float64(ask(units)) - bias) / unit)
    linear_map = LinearMap(np.concatenate(rows).T.copy(), bias, False)
    # A bent map may look straight where the images lie, so it is asked elsewhere too.
    mixed = (probes + probes.flip(0)) / 2
    for points in (probes, -probes, mixed, probes.roll(1, dims=1), 2 * probes):
        given = as_float64(ask(points))
        # What the unit vectors gave is itself rounded.
        loose = Precision(precision.roundoff * max(1.0, width**0.5), precision.smallest)
        if not np.isfinite(given).all() or not linear_map.fits(as_float64(points), given, loose):
            return None
    return linear_map


def _asking(
    layer: nn.Module, trailing: tuple[int, ...], rows: IntArray | None
) -> Callable[[torch.Tensor], torch.Tensor]:
    def ask(vectors: torch.Tensor) -> torch.Tensor:
        given: torch.Tensor = layer(vectors.reshape(*vectors.shape, *trailing)).flatten(1)
        return given if rows is None else given[:, rows]

    return ask


def as_float64(tensor: torch.Tensor) -> FloatArray:
    """A copy in float64, on the CPU."""
    array: FloatArray = tensor.detach().double().cpu().numpy().copy()
    return array


def precision_of(*tensors: torch.Tensor, products: bool = False, summed: float = 0.0) -> Precision:
    """Of the coarsest of some tensors.

    Args:
        tensors: of floating-point numbers.
        products: they come from products of matrices, which CUDA may make in TensorFloat-32.
        summed: how far they may be off beside, because many numbers were added up.
    """
    import torch

    types = [torch.finfo(tensor.dtype) for tensor in tensors]
    roundoff = max(kind.eps for kind in types) / 2
    if products and any(tensor.is_cuda and tensor.dtype == torch.float32 for tensor in tensors):
        backends = torch.backends
        if backends.cuda.matmul.allow_tf32 or backends.cudnn.allow_tf32:
            roundoff = max(roundoff, 2.0**-11)
    return Precision(roundoff, max(kind.tiny for kind in types) + summed)
