"""Make a readout from any PyTorch model: run it on batches and keep what its head reads.

Modules that import torch do so when they are called.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_checks.arrays import Array, IntArray
from interp_checks.errors import InterpChecksError
from interp_checks.networks.model_state import (
    evaluating,
    first_device,
    require_weights,
    single_dtype,
    uncompiled,
)
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.intervals import CONFIDENCE

from .batches import Batch
from .head_search import find_head
from .heads import Head
from .labels import class_numbers
from .layer_calls import Recorder, Seen, recording
from .linear_maps import is_linear_layer
from .model_outputs import Output, logits_by_name

if TYPE_CHECKING:
    import torch
    from torch import nn

    from interp_checks.networks.network import Network

#: The head is looked for on so many images, or on all if there are fewer.
_ENOUGH = 64


def readout_of(
    model: nn.Module,
    batches: Iterable[Any],
    *,
    head: nn.Module | str | None = None,
    output: Output = None,
    class_names: Sequence[str] = (),
    provenance: Mapping[str, str] | None = None,
    confidence: float = CONFIDENCE,
    keep_inputs: bool = False,
    base: nn.Module | Mapping[str, torch.Tensor] | None = None,
) -> Readout:
    """Run a model and keep the features that its linear head reads.

    The head is the last linear layer whose logits are the model's output, or give it by an
    increasing function that is the same for all classes (a softmax, log-softmax, sigmoid, soft
    cap or positive multiple). That is checked on every image, within the rounding of the model's
    type; the readout's provenance says what was found, and how far the two were apart. A model
    that does something else after its head is refused.

    The model runs in evaluation mode, uncompiled, and is left as it was found. Features are
    copied as they are read: N x Z numbers, and one batch of logits more.

    Args:
        model: any module whose output layer is linear and is called once per batch, on features
            [batch, Z] (or [batch, Z, 1, 1] for a convolution). A single logit makes two classes.
        batches: pairs of inputs and labels, or mappings that have labels under "labels",
            "label", "targets", "target" or "y". Inputs are a tensor or array, a packed sequence,
            a tuple of the model's arguments, or a mapping of them by name; they go to the
            device of the model. Labels are class numbers [batch], one-hot rows [batch, K], or
            names of classes.
        head: the output layer, or its name within the model, if it is to be this one.
        output: where the logits are in what the model returns, if that is more than a tensor: a
            name ("logits", "heads.digit"), a position, or a function of it.
        class_names: K names; "0", "1", ... when left out.
        provenance: where model and images came from, in plain words by topic.
        confidence: of every interval that is derived from the readout.
        keep_inputs: keep all inputs in memory, and the model, so that claims about weights inside
            it can be judged; inputs must be tensors of the same shape.
        base: the model that this one was fine-tuned from, or its state dict, for claims about
            updates; with ``keep_inputs``.

    Raises:
        InterpChecksError: no linear layer gives the model's output, a batch or its labels are
            none of the above, or there are no batches.
    """
    import torch

    model = uncompiled(model)
    require_weights(model)
    named = _named_head(model, head)
    run = _Run(model, output, keep_inputs)
    features: list[Array] = []
    labels: list[IntArray] = []

    def keep(model_head: Head, seen: Seen, given: Any) -> None:
        features.append(model_head.features(seen))
        labels.append(class_numbers(given, model_head.classes, class_names))

    with evaluating(model), torch.no_grad():
        stream = _not_empty(run, batches)
        first: list[tuple[Seen, Any]] = []
        layers = dict.fromkeys([*model.modules(), *([] if named is None else [named[1]])])
        with recording(layers) as recorder:
            while sum(seen.images for seen, _ in first) < _ENOUGH:
                batch = next(stream, None)
                if batch is None:
                    break
                first.append((run.through(batch, recorder), batch.labels))
            if not first:
                raise InterpChecksError("there are no batches to run the model on")
            recorder.paused = True
            model_head = find_head(model, [seen for seen, _ in first], named, class_names)
        _require_names(model_head, class_names)
        for seen, given in first:
            keep(model_head, seen, given)
        del first
        with recording([model_head.layer]) as recorder:
            for batch in stream:
                keep(model_head, run.through(batch, recorder), batch.labels)
        # Still in evaluation mode: some weights move when they are read in training.
        noted = model_head.provenance(model)
    weight, bias = model_head.weight_and_bias()
    readout = Readout(
        features=np.concatenate(features),
        labels=np.concatenate(labels),
        weight=weight,
        bias=bias,
        class_names=tuple(class_names),
        provenance={**noted, **run.notes, **(provenance or {})},
        confidence=confidence,
    )
    model_head.require_told_apart(readout.tie)
    if not keep_inputs:
        return readout
    return replace(readout, network=run.network(readout, model_head.layer, _state_of(base)))


class _Run:
    """A model that batches are run through, and what is noted on the way."""

    def __init__(self, model: nn.Module, output: Output, keep_inputs: bool) -> None:
        self.model, self.output, self.keep_inputs = model, output, keep_inputs
        self.device, self.dtype = first_device(model), single_dtype(model)
        self.cast: torch.dtype | None = None
        self.inputs: list[torch.Tensor] = []
        self.notes: dict[str, str] = {}

    def through(self, batch: Batch, recorder: Recorder) -> Seen:
        """Run one batch.

        Raises:
            InterpChecksError: nothing in the output is logits, or inputs cannot be kept.
        """
        recorder.clear()
        if self.keep_inputs and batch.only_tensor is None:
            raise InterpChecksError(
                "only inputs that are one tensor for each batch can be kept",
                found=batch.described(),
                remedy="pad sequences to one length and give the model one tensor, or leave "
                "keep_inputs out: claims about gates are then not judged",
            )
        returned = self._call(batch, recorder)
        if self.keep_inputs:
            kept = batch.placed(_cpu(), self.cast).only_tensor
            assert kept is not None
            self.inputs.append(kept)
        images = len(batch)
        return Seen(tuple(recorder.calls), logits_by_name(returned, images, self.output), images)

    def _call(self, batch: Batch, recorder: Recorder) -> Any:
        """What the model returns; inputs of another type than its weights are cast if need be."""
        given = batch.placed(self.device, self.cast)
        others = batch.floating_dtypes() - {self.dtype}
        try:
            return self.model(*given.arguments, **given.keywords)
        except Exception as error:
            if self.cast is not None or self.dtype is None or not others:
                raise _broken(error, given) from error
            first = error
        recorder.clear()
        given = batch.placed(self.device, self.dtype)
        try:
            returned = self.model(*given.arguments, **given.keywords)
        except Exception:
            raise _broken(first, given) from first
        self.cast = self.dtype
        types = ", ".join(sorted(str(kind).removeprefix("torch.") for kind in others))
        model_type = str(self.dtype).removeprefix("torch.")
        self.notes["inputs"] = f"cast from {types} to {model_type}, the type of the model"
        return returned

    def network(
        self, readout: Readout, layer: nn.Module, base: Mapping[str, torch.Tensor] | None
    ) -> Network:
        """The model and all its inputs.

        Raises:
            InterpChecksError: inputs have different shapes.
        """
        import torch

        from interp_checks.networks.network import Network
        from interp_checks.networks.reference import Reading

        shapes = sorted({tuple(batch.shape[1:]) for batch in self.inputs})
        if len(shapes) > 1:
            raise InterpChecksError(
                "inputs of different shapes cannot be kept together",
                found=" and ".join(map(str, shapes[:2])),
                remedy="pad them to one length, or leave keep_inputs out",
            )
        model, together = self.model, torch.cat(self.inputs)
        name = next(name for name, part in model.named_modules() if part is layer)
        reading = Reading.of(readout, name)
        return Network(lambda: model, lambda: together, reading=reading, base=base)


def _state_of(base: nn.Module | Mapping[str, torch.Tensor] | None) -> Any:
    """Tensors by name of a base model.

    Raises:
        InterpChecksError: it is neither a module nor a state dict.
    """
    if base is None:
        return None
    state = base.state_dict() if hasattr(base, "state_dict") else base
    if not isinstance(state, Mapping) or not all(
        hasattr(each, "detach") for each in state.values()
    ):
        raise InterpChecksError(
            "this is no base model",
            found=type(base).__name__,
            expected="a torch.nn.Module, or its state dict",
        )
    # A copy: training may go on with the same tensors.
    return {name: tensor.detach().clone() for name, tensor in state.items()}


def _broken(error: Exception, batch: Batch) -> InterpChecksError:
    """The model raised an error, which is shown as its cause."""
    return InterpChecksError(
        "the model cannot be run on a batch",
        found=textwrap.shorten(f"{type(error).__name__}: {error}", 300),
        expected="a model that runs on these inputs in evaluation mode",
        remedy=f"it was called with {batch.described()}; try the same by hand",
    )


def _not_empty(run: _Run, batches: Iterable[Any]) -> Iterator[Batch]:
    """Batches with at least one image.

    Raises:
        InterpChecksError: these are no batches.
    """
    try:
        stream = iter(batches)
    except TypeError:
        raise InterpChecksError(
            "there are no batches to run the model on",
            found=type(batches).__name__,
            expected="an iterable of batches: [(inputs, labels)] for a single one",
        ) from None
    for batch in stream:
        made = Batch.of(batch, run.model)
        if len(made):
            yield made


def _named_head(model: nn.Module, head: nn.Module | str | None) -> tuple[str, nn.Module] | None:
    """The layer that the user names, with its name.

    Raises:
        InterpChecksError: there is none of this name.
    """
    from torch import nn

    if head is None:
        return None
    layers = dict(model.named_modules())
    if isinstance(head, str):
        for said in (head, head.removeprefix("_orig_mod."), head.removeprefix("module.")):
            if said in layers:
                return repr(said) if said else "the model itself", uncompiled(layers[said])
        linear = [
            name or "the model itself" for name, part in layers.items() if is_linear_layer(part)
        ]
        raise InterpChecksError(
            f"the model has no linear layer {head!r}",
            found=textwrap.shorten(", ".join(linear), 300) or "no linear layer",
        )
    if not isinstance(head, nn.Module):
        raise InterpChecksError(
            "this is no layer of the model",
            found=type(head).__name__,
            expected="a module, or its name within the model",
        )
    layer: nn.Module = uncompiled(head)
    for name, part in layers.items():
        if part is layer:
            return repr(name) if name else "the model itself", layer
    return str(layer), layer


def _require_names(head: Head, class_names: Sequence[str]) -> None:
    if class_names and len(class_names) != head.classes:
        raise InterpChecksError(
            f"class_names do not fit the {head.classes} classes of the model",
            found=f"{len(class_names)} names",
            expected=f"{head.classes}, in the order of the outputs of {head.name}",
            remedy="if the model has several heads, this may be another one: name it, head=...",
        )


def _cpu() -> torch.device:
    import torch

    return torch.device("cpu")
