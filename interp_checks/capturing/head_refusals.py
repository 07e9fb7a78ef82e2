"""What is said when a layer of a model cannot be its head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from interp_checks.arrays import FloatArray
from interp_checks.errors import InterpChecksError
from interp_checks.wording import listed

from .layer_calls import Call, Seen
from .linear_maps import LinearMap
from .output_relations import Precision, Relation, predictions, reversing_scale

if TYPE_CHECKING:
    from torch import nn


def single_call(seen: Seen, layer: nn.Module, name: str) -> Call:
    """The one call of a layer in a batch.

    Raises:
        InterpChecksError: there was none, or there were several.
    """
    calls = [call for call in seen.calls if call.layer is layer]
    if not calls:
        raise not_called(f"{name} ({type(layer).__name__})")
    if len(calls) > 1:
        raise InterpChecksError(
            "the model calls its head more than once per batch",
            found=f"{name} ({type(layer).__name__}), called {len(calls)} times",
            expected="one call per batch, on one feature vector per image",
        )
    return calls[0]


def not_called(layers: str) -> InterpChecksError:
    """The layer, or none of the layers, that could be the head was called."""
    return InterpChecksError(
        "the model did not call its head",
        found=f"no call of {layers}",
        remedy="a layer is called as layer(features); one whose weight is used by other code, "
        "or inside a compiled graph, does not show what it reads",
    )


def no_vectors(call: Call, seen: Seen, name: str) -> InterpChecksError:
    """What a layer read is not [n, Z]."""
    read = f"features {call.shape}" if call.shape else "no tensor"
    return InterpChecksError(
        "the head does not read one feature vector per image",
        found=f"{read} for {seen.images} labels, read by {name}",
        expected=f"[{seen.images}, features]",
        remedy="pool or pick positions before the head",
    )


def not_finite(outputs: FloatArray) -> InterpChecksError:
    """What the model puts out has NaN or infinity."""
    broken = int((~np.isfinite(outputs)).sum())
    return InterpChecksError(
        "the model's output has values that are not finite",
        found=f"{broken} of {outputs.size} are NaN or infinite",
        expected="finite logits",
        remedy="a training that diverged gives such outputs, and so does a mask of -inf: leave "
        "masked classes out of the head",
    )


def not_linear(
    name: str, layer: nn.Module, linear: LinearMap | None, features: FloatArray, logits: FloatArray
) -> InterpChecksError:
    """A layer gives something else than ``x Wᵀ + b``."""
    description = f"{name} ({type(layer).__name__})"
    if linear is not None and logits.shape[1] == len(linear.weight):
        off = np.abs(linear(features) - logits)
        differ = int((predictions(linear(features)) != predictions(logits)).sum())
        description += (
            f" gives logits that differ from its weight's by up to {off.max():.2g} (largest "
            f"{np.abs(logits).max():.2g}); predictions differ on {differ} of {len(logits)} images"
        )
    quantised = any("quantized" in type(part).__module__ for part in layer.modules())
    return InterpChecksError(
        "the head is not a linear map of what it reads",
        found=description,
        expected="x Wᵀ + b, with the same W and b for every image",
        remedy="a quantised layer rounds what it reads, as it suits the batch; read out the model "
        "as it was before"
        if quantised
        else "let a layer of its own normalise or transform the features, before an nn.Linear",
    )


def differing(
    name: str,
    layer: nn.Module,
    logits: FloatArray,
    output: FloatArray,
    precision: Precision,
    hints: Sequence[str],
    relation: Relation | None = None,
) -> InterpChecksError:
    """A layer's logits are not the model's output."""
    off = np.abs((logits if relation is None else relation.predicted(logits, output)) - output)
    threshold = 0.0 if relation is None else relation.threshold
    differ = int((predictions(logits) != predictions(output, threshold)).sum())
    what = "logits" if relation is None else f"output ({relation.words} before)"
    difference = (
        f"{name} ({type(layer).__name__}): {what} and the model's output differ by up to "
        f"{np.nanmax(off):.2g} (largest {np.nanmax(np.abs(output)):.2g}); predictions differ on "
        f"{differ} of {len(output)} images"
    )
    scale = reversing_scale(logits, output, precision)
    if scale is not None:
        difference += f"; the output is {scale:.4g} times the logits, so their order is reversed"
    remedy = (
        "make the last layer one nn.Linear: merge adapters, average the heads' weights, fold in "
        "what is added, scaled or masked"
    )
    if hints:
        remedy = f"the output is that of {listed(hints)}: name it, head=..., or leave head out"
    elif len(output) < 16:
        remedy += "; so few images may also not be enough to see how the output follows"
    return InterpChecksError(
        "what the head computes is not what the model puts out",
        found=difference,
        expected="the head's logits, or their softmax, log-softmax, sigmoid, soft cap or positive "
        "multiple",
        remedy=remedy,
    )
