"""The reference engine: a model's own forward pass, with one parameter replaced for its length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from interp_checks.ablations.directions import Directions
from interp_checks.arrays import FloatArray, IntArray
from interp_checks.errors import InterpChecksError

from .gates import GateWeights, ablated_parameter, checked_kept, recurrent_module, weight_directions

if TYPE_CHECKING:
    import torch
    from torch import nn

    from interp_checks.counting.head import Head

#: Inputs that are run at a time.
BATCH = 2500


class AblatedWeights(NamedTuple):
    """One gate's weights, and what stays of them.

    Attributes:
        target: which weights.
        kept: the directions that stay, from 1, rising.
        directions: the pieces that add up to the weights, singular or other ones.
    """

    target: GateWeights
    kept: tuple[int, ...]
    directions: Directions


class Reading(NamedTuple):
    """What a readout makes of a model's features, so that a gate's ablation is read the same.

    Attributes:
        layer: the name of the module that reads the features.
        weight: W, [K, Z].
        bias: b, [K].
        tie: logits closer than this are equal, and the first class is predicted.
    """

    layer: str
    weight: FloatArray
    bias: FloatArray
    tie: float

    @classmethod
    def of(cls, head: Head, layer: str) -> Reading:
        """A head whose features a layer of a model reads."""
        return cls(layer, head.weight, head.bias, head.tie)


class Reference:
    """A model whose gate weights can be ablated, for one forward pass at a time.

    Args:
        model: with one recurrent module; it runs in the mode it is in.
        reading: how logits are made of what one of its layers reads; the model's own output
            when left out.

    Raises:
        InterpChecksError: see :func:`interp_checks.networks.gates.recurrent_module`; or the model
            is training, with dropout or batch norm.
    """

    def __init__(self, model: nn.Module, reading: Reading | None = None) -> None:
        self.model, self.reading = model, reading
        self.name, self.recurrent = recurrent_module(model)
        self.prefix = f"{self.name}." if self.name else ""
        _require_repeatable(model)
        self.state: dict[str, torch.Tensor] = dict(self.recurrent.named_parameters(recurse=False))
        self.device = self.state["weight_hh_l0"].device
        self._directions: dict[GateWeights, Directions] = {}

    def directions(self, target: GateWeights) -> Directions:
        """The singular directions of one gate's weights, decomposed once."""
        if target not in self._directions:
            self._directions[target] = weight_directions(self.state, target)
        return self._directions[target]

    def logits(self, ablation: AblatedWeights | None, *arguments: Any) -> torch.Tensor:
        """Logits [n, K] of one batch under an ablation; None for the model as it is.

        Raises:
            InterpChecksError: the output is not logits.
            NotJudgedError: there is no such direction.
        """
        import torch

        # Buffers are copied so that nothing a forward pass counts or averages stays behind.
        replaced = {name: buffer.clone() for name, buffer in self.model.named_buffers()}
        if self.device.type != "cpu":
            # There, a recurrent module moves the weights it is called with into one piece.
            replaced |= {f"{self.prefix}{name}": part.clone() for name, part in self.state.items()}
        if ablation is not None:
            name, tensor = ablated_parameter(self.state, *ablation)
            replaced[f"{self.prefix}{name}"] = tensor
        placed = tuple(
            # A copy: a forward pass may write into what it is given.
            part.to(self.device, copy=True) if isinstance(part, torch.Tensor) else part
            for part in arguments
        )
        with (
            torch.no_grad(),
            _flat_weights_as_found(self.recurrent),
            read_by(self.model, self.reading) as features,
        ):
            output = torch.func.functional_call(self.model, replaced, placed)
        if self.reading is not None:
            return read_out(self.reading, features)
        if not isinstance(output, torch.Tensor) or output.ndim != 2 or not output.shape[1]:
            raise InterpChecksError(
                "the output of the model is not logits",
                found=f"shape {tuple(output.shape)}"
                if isinstance(output, torch.Tensor)
                else type(output).__name__,
                expected="a tensor [inputs, classes]",
            )
        return output

    def predicted(self, logits: torch.Tensor) -> torch.Tensor:
        """The class with the largest logit, [n]; the first of those that are tied."""
        if self.reading is None:
            return logits.argmax(1)
        largest = logits.max(dim=1, keepdim=True).values - self.reading.tie
        return (logits >= largest).int().argmax(1)


def checked(
    reference: Reference, ablations: Iterable[tuple[GateWeights, Sequence[int]] | AblatedWeights]
) -> list[AblatedWeights]:
    """The ablations with directions sorted, all of which exist."""
    complete = []
    for target, kept, *others in ablations:
        directions = others[0] if others else reference.directions(target)
        stay = checked_kept(kept, len(directions), target)
        complete.append(AblatedWeights(target, stay, directions))
    return complete


def predict(
    reference: Reference, ablations: Sequence[AblatedWeights], arguments: tuple[Any, ...]
) -> IntArray:
    """The reference's predictions of one batch under each ablation, [A, n]."""
    rows = [
        reference.predicted(reference.logits(ablation, *arguments)).cpu().numpy()
        for ablation in ablations
    ]
    return np.stack(rows) if rows else np.zeros((0, 0), dtype=np.int64)


@contextmanager
def read_by(model: nn.Module, reading: Reading | None) -> Iterator[list[torch.Tensor]]:
    """Copies of what a reading's layer reads while the block runs."""
    features: list[torch.Tensor] = []
    if reading is None:
        yield features
        return

    def keep(_: object, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        given = inputs[0] if inputs else next(iter(named.values()))
        features.append(given.detach().double().flatten(1).cpu())

    layer = model.get_submodule(reading.layer)
    handle = layer.register_forward_pre_hook(keep, with_kwargs=True)
    try:
        yield features
    finally:
        handle.remove()


def read_out(reading: Reading, features: list[torch.Tensor]) -> torch.Tensor:
    """Logits [n, K] in float64, as a readout makes them."""
    import torch

    if len(features) != 1 or features[0].shape[1] != reading.weight.shape[1]:
        raise InterpChecksError(
            "the model did not call its head once",
            found=f"{len(features)} calls of {reading.layer!r}",
            expected=f"one, on features [inputs, {reading.weight.shape[1]}]",
        )
    weight, bias = torch.from_numpy(reading.weight), torch.from_numpy(reading.bias)
    return features[0] @ weight.T + bias


@contextmanager
def _flat_weights_as_found(recurrent: nn.RNNBase) -> Iterator[None]:
    """A recurrent module keeps a list of the weights it last ran with: put it back."""
    weights, references = recurrent._flat_weights, recurrent._flat_weight_refs
    try:
        yield
    finally:
        recurrent._flat_weights, recurrent._flat_weight_refs = weights, references


def _require_repeatable(model: nn.Module) -> None:
    """A forward pass that depends on chance, or on the rest of the batch, is no reference."""
    from torch import nn
    from torch.nn.modules.batchnorm import _BatchNorm
    from torch.nn.modules.dropout import _DropoutNd

    for name, part in model.named_modules():
        if not part.training:
            continue
        drops = isinstance(part, (_DropoutNd, nn.RNNBase)) and float(
            part.p if isinstance(part, _DropoutNd) else part.dropout
        )
        if drops or isinstance(part, _BatchNorm):
            raise InterpChecksError(
                "the model is training, and would predict differently each time",
                found=f"{type(part).__name__} {name!r}" + (f", dropout {drops}" if drops else ""),
                expected="a model in evaluation mode",
                remedy="call model.eval() first",
            )
