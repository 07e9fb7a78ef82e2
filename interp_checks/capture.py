"""Make a readout from any PyTorch model: run it on batches and keep what its head reads.

The one module of this package that imports torch, and only when it is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InterpChecksError
from .estimate import CONFIDENCE
from .readout import Readout

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch
    from torch import nn

    from .network import Network


def readout_of(
    model: nn.Module,
    batches: Iterable[tuple[torch.Tensor, torch.Tensor]],
    *,
    head: nn.Linear | str | None = None,
    class_names: Sequence[str] = (),
    provenance: Mapping[str, str] | None = None,
    confidence: float = CONFIDENCE,
    keep_inputs: bool = False,
) -> Readout:
    """Run a model and keep the features that its linear head reads.

    The model is put into evaluation mode for the run and left as it was found.

    Args:
        model: any module whose output layer is an ``nn.Linear`` called once per batch, on
            features [batch, Z].
        batches: pairs of inputs and labels [batch]; inputs go to the device of the head.
        head: the output layer, or its name within the model; the last ``nn.Linear`` that
            the model calls when left out.
        class_names: K names; "0", "1", ... when left out.
        provenance: where model and images came from, in plain words by topic.
        confidence: of every interval that is derived from the readout.
        keep_inputs: keep all inputs in memory, and the model, so that claims about the gates of
            its recurrent layer can be judged; inputs must have the same shape.

    Raises:
        InterpChecksError: there is no such head, there are no batches, or the head does not
            read one feature vector per image.
    """
    import torch
    from torch import nn

    candidates = {name: part for name, part in model.named_modules() if isinstance(part, nn.Linear)}
    if isinstance(head, str):
        if head not in candidates:
            raise InterpChecksError(
                f"the model has no linear layer {head!r}",
                found=", ".join(candidates) or "no linear layer",
            )
        head = candidates[head]
    watched = [head] if head is not None else list(candidates.values())
    if not watched:
        raise InterpChecksError(
            "the model has no linear layer to read out",
            found=type(model).__name__,
            expected="an nn.Linear as its output layer",
        )
    features: list[Any] = []
    labels: list[Any] = []
    kept: list[torch.Tensor] = []
    with evaluating(model), torch.no_grad(), _watching(watched) as calls:
        device = watched[-1].weight.device
        for batch in batches:
            try:
                # A tensor of two images would unpack as well.
                inputs, targets = None if isinstance(batch, torch.Tensor) else batch
            except (TypeError, ValueError):
                raise InterpChecksError(
                    "a batch is not a pair of inputs and labels",
                    found=type(batch).__name__,
                    remedy="give an iterable of batches: [(inputs, labels)] for a single one",
                ) from None
            calls.clear()
            if keep_inputs:
                kept.append(inputs.detach().cpu().clone())
            output = model(inputs.to(device))
            if not calls or (head is not None and all(part is not head for part, _ in calls)):
                raise InterpChecksError(
                    "the model did not call its head",
                    found=f"no call of {'any linear layer' if head is None else head}",
                )
            layer, seen = calls[-1] if head is None else _last_call(calls, head)
            if sum(part is layer for part, _ in calls) > 1:
                raise InterpChecksError(
                    "the model calls its head more than once per batch",
                    found=f"{layer}, called {sum(part is layer for part, _ in calls)} times",
                    expected="one call per batch, on one feature vector per image",
                )
            head = layer
            logits = isinstance(output, torch.Tensor) and output.ndim == 2
            if logits and output.shape[1] != layer.out_features:
                raise InterpChecksError(
                    "the head is not the output layer of the model",
                    found=f"{layer.out_features} outputs of the head",
                    expected=f"{output.shape[1]}, as many as the model has",
                )
            if seen.ndim != 2 or len(seen) != len(targets):
                raise InterpChecksError(
                    "the head does not read one feature vector per image",
                    found=f"features {tuple(seen.shape)} for {len(targets)} labels",
                    expected=f"[{len(targets)}, {layer.in_features}]",
                )
            narrow = seen.dtype in (torch.float16, torch.bfloat16)
            features.append((seen.float() if narrow else seen).cpu().numpy())
            labels.append(targets.cpu().numpy())
    if not features or head is None:
        raise InterpChecksError("there are no batches to run the model on")
    return Readout(
        features=np.concatenate(features),
        labels=np.concatenate(labels),
        weight=head.weight.detach().double().cpu().numpy(),
        bias=None if head.bias is None else head.bias.detach().double().cpu().numpy(),
        class_names=tuple(class_names),
        provenance=provenance or {},
        confidence=confidence,
        network=_network(model, kept) if keep_inputs else None,
    )


def _network(model: nn.Module, inputs: list[torch.Tensor]) -> Network:
    """The model and all its inputs.

    Raises:
        InterpChecksError: inputs have different shapes.
    """
    import torch

    from .network import Network

    shapes = sorted({tuple(batch.shape[1:]) for batch in inputs})
    if len(shapes) > 1:
        raise InterpChecksError(
            "inputs of different shapes cannot be kept together",
            found=" and ".join(map(str, shapes[:2])),
            remedy="pad them to one length, or leave keep_inputs out",
        )
    together = torch.cat(inputs)
    return Network(lambda: model, lambda: together)


def _last_call(
    calls: Sequence[tuple[nn.Linear, torch.Tensor]], head: nn.Linear
) -> tuple[nn.Linear, torch.Tensor]:
    return [call for call in calls if call[0] is head][-1]


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode, and leave every part of it as it was found."""
    modes = {part: part.training for part in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for part, training in modes.items():
            part.training = training


@contextmanager
def _watching(layers: Sequence[nn.Linear]) -> Iterator[list[tuple[nn.Linear, torch.Tensor]]]:
    calls: list[tuple[nn.Linear, torch.Tensor]] = []

    def keep(
        layer: Any, inputs: tuple[torch.Tensor, ...], named: dict[str, torch.Tensor], _: object
    ) -> None:
        calls.append((layer, (inputs[0] if inputs else named["input"]).detach()))

    handles = [layer.register_forward_hook(keep, with_kwargs=True) for layer in layers]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()
