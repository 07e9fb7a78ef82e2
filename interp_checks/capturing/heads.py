"""The head of a model: the layer whose logits are the model's output, checked on every batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interp_checks.arrays import Array, FloatArray
from interp_checks.errors import InterpChecksError
from interp_checks.wording import listed

from .head_refusals import differing, no_vectors, not_finite, not_linear, single_call
from .layer_calls import Call, Seen
from .linear_maps import LinearMap, as_float64, precision_of
from .output_relations import Relation, predictions

if TYPE_CHECKING:
    from torch import nn


@dataclass(eq=False)
class Head:
    """A layer that reads features and gives the model's logits, and how well that was seen to hold.

    Args:
        layer: of the model.
        name: of the layer, quoted.
        linear: the map that it computes.
        relation: how the model's output follows from its logits.
        part: of the model's output.
    """

    layer: nn.Module
    name: str
    linear: LinearMap
    relation: Relation
    part: str
    images: int = 0
    largest: float = 0.0
    off: float = 0.0
    otherwise: int = 0
    closest: float = np.inf

    @property
    def classes(self) -> int:
        """K; two for a single logit."""
        return max(2, len(self.linear.weight))

    def weight_and_bias(self) -> tuple[FloatArray, FloatArray]:
        """W [K, Z] and b [K]; a single logit z stands for the logits -z/2 and z/2."""
        weight, bias = self.linear.weight, self.linear.bias
        if len(weight) > 1:
            return weight, bias
        return np.concatenate([-weight / 2, weight / 2]), np.concatenate([-bias / 2, bias / 2])

    def features(self, seen: Seen) -> Array:
        """What the head read of a batch, [n, Z], once it is seen to give the model's output.

        Raises:
            InterpChecksError: it was not called once, or does not give the model's output.
        """
        import torch

        call = single_call(seen, self.layer, self.name)
        width = self.linear.weight.shape[1]
        vectors = call.features is not None and call.features.shape == (seen.images, width)
        if not vectors or call.features is None or call.logits is None:
            raise no_vectors(call, seen, self.name)
        if self.part not in seen.parts:
            raise InterpChecksError(
                "the model's output is of another form in a later batch",
                found=listed([repr(name) for name in seen.parts]),
                expected=repr(self.part),
            )
        features, logits = as_float64(call.features), as_float64(call.logits)
        output = as_float64(seen.parts[self.part])
        if not np.isfinite(output).all():
            raise not_finite(output)
        precision = precision_of(call.logits, seen.parts[self.part], summed=call.summed)
        making = precision_of(call.features, call.logits, products=True, summed=call.summed)
        made, rounding = self.linear(features), self.linear.rounding(sizes_of(call), making)
        with np.errstate(invalid="ignore"):
            off = np.abs(made - logits) if made.shape == logits.shape else np.inf
        if not (off <= rounding).all():
            raise not_linear(self.name, self.layer, self.linear, features, logits)
        if output.shape != logits.shape or not self.relation.holds(logits, output, precision):
            raise differing(self.name, self.layer, logits, output, precision, (), self.relation)
        self._note(made, output, 2 * rounding.max(axis=1))
        narrow = call.features.dtype in (torch.float16, torch.bfloat16)
        kept: Array = (call.features.float() if narrow else call.features).cpu().numpy()
        return kept

    def _note(self, logits: FloatArray, output: FloatArray, rounding: FloatArray) -> None:
        """Count a batch, and look at predictions: rounding may only upset what is all but tied."""
        predicted = predictions(logits)
        own = predictions(output, self.relation.threshold)
        rows = np.flatnonzero(predicted != own)
        leads = _leads(logits)
        self.closest = min(self.closest, float(leads[leads > rounding].min(initial=np.inf)))
        if len(rows):
            ahead = np.abs(logits[rows, 0])
            if logits.shape[1] > 1:
                ahead = logits[rows, predicted[rows]] - logits[rows, own[rows]]
            tied = int((ahead > rounding[rows]).sum())
            if tied:
                raise InterpChecksError(
                    "the model's output does not tell its classes apart where its logits do",
                    found=f"{self.relation.words}, rounded so far that {tied} of {len(output)} "
                    "images are predicted otherwise",
                    expected="outputs in which the class with the largest logit is the largest",
                    remedy="let the model put out its logits",
                )
        self.images += len(output)
        self.otherwise += len(rows)
        self.largest = max(self.largest, float(np.abs(output).max()))
        self.off = max(self.off, float(self.relation.differences(logits, output).max()))

    def require_told_apart(self, tie: float) -> None:
        """What a readout takes for a tie is one in the model, too.

        Raises:
            InterpChecksError: a logit is so large that others are lost beside it.
        """
        if self.closest <= tie:
            raise InterpChecksError(
                "the head has logits of too different sizes",
                found=f"up to {self.largest:.2g}, beside which differences of {self.closest:.2g} "
                "are none",
                expected="logits of one order of magnitude",
                remedy="leave masked classes out of the head instead of pushing them down",
            )

    def provenance(self, model: nn.Module) -> dict[str, str]:
        """What the head is, and how its logits agree with the model's output, in words."""
        words = f"{self.name} ({type(self.layer).__name__})"
        if not self.linear.stated:
            words += ", by the weight that it was seen to apply"
        weight = getattr(self.layer, "weight", None)
        own = set(self.layer.modules())
        for name, part in model.named_modules():
            if (
                part not in own
                and weight is not None
                and any(value is weight for value in part._parameters.values())
            ):
                words += f", sharing its weight with {name!r}"
                break
        part = f"{self.part}: " if self.part else ""
        output = f"{part}{self.relation.words}"
        if len(self.linear.weight) == 1:
            output += f"; class 1 is predicted above {self.relation.threshold:g}"
        agreement = (
            f"features and head give the model's output within {self.off:.0e} "
            f"(largest {self.largest:.2g})"
        )
        if self.otherwise:
            agreement += f"; {self.otherwise} near ties of {self.images} images are rounded apart"
        return {"head": words, "output": output, "agreement": agreement}


def sizes_of(call: Call) -> FloatArray:
    """How large the features were that a layer's rounding goes by, [n, Z]."""
    sizes = call.features if call.sizes is None else call.sizes
    assert sizes is not None
    return as_float64(sizes)


def _leads(logits: FloatArray) -> FloatArray:
    """How far the largest logit of each image is ahead of the second, [n]."""
    if logits.shape[1] == 1:
        return np.abs(logits[:, 0])
    top = np.partition(logits, -2, axis=1)[:, -2:]
    leads: FloatArray = top[:, 1] - top[:, 0]
    return leads
