"""Batches as loaders give them: what the model is called with, and what are labels.

PyTorch is imported when called.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_checks.errors import InterpChecksError

if TYPE_CHECKING:
    import torch
    from torch import nn

#: Where labels are in a batch that is a mapping.
LABEL_KEYS = ("labels", "label", "targets", "target", "y")


@dataclass(frozen=True)
class Batch:
    """One call of the model.

    Args:
        arguments: by position.
        keywords: by name.
        labels: as the loader gave them.
    """

    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    labels: Any

    @classmethod
    def of(cls, batch: Any, model: nn.Module) -> Batch:
        """Tell inputs from labels, and how the model takes the inputs.

        A batch is a pair of inputs and labels, or a mapping that has both. Inputs are one
        tensor or array, a packed sequence, a tuple or list of the model's arguments, or a
        mapping: of its arguments by name, if the model has such arguments, else one argument.

        Raises:
            InterpChecksError: it is none of these, or the model does not take the inputs.
        """
        if isinstance(batch, Mapping):
            inputs, labels = _split(dict(batch))
            arguments, keywords = _of_mapping(inputs, model, alone=True)
        elif isinstance(batch, (tuple, list)) and not _is_packed(batch) and len(batch) == 2:
            inputs, labels = batch
            arguments, keywords = _of_inputs(inputs, model)
        else:
            raise _no_pair(batch)
        made = cls(arguments, keywords, labels)
        made._require_taken(model)
        return made

    def placed(self, device: torch.device, dtype: torch.dtype | None) -> Batch:
        """Copies on a device; floating-point numbers are cast if a type is given."""
        keywords = {name: _placed(value, device, dtype) for name, value in self.keywords.items()}
        arguments = tuple(_placed(value, device, dtype) for value in self.arguments)
        return Batch(arguments, keywords, self.labels)

    @property
    def only_tensor(self) -> torch.Tensor | None:
        """The one tensor that the model is called with, if that is all."""
        import torch

        if len(self.arguments) == 1 and not self.keywords:
            value = self.arguments[0]
            return value if isinstance(value, torch.Tensor) else None
        return None

    def __len__(self) -> int:
        """How many labels there are.

        Raises:
            InterpChecksError: labels are no sequence.
        """
        shape = getattr(self.labels, "shape", None)
        if not hasattr(self.labels, "__len__") or (shape is not None and len(shape) == 0):
            raise InterpChecksError(
                "a batch has no labels, one for each input",
                found=f"{type(self.labels).__name__}: a single image, not a batch?",
                expected="labels [batch]",
                remedy="put a torch.utils.data.DataLoader around a data set",
            )
        return len(self.labels)

    def by_name(self, model: nn.Module) -> dict[str, Any]:
        """What the model is called with, by the names of its arguments."""
        signature = _signature(model)
        if signature is None:
            return dict(self.keywords)
        bound = signature.bind(*self.arguments, **self.keywords)
        return {**bound.arguments, **self.keywords}

    def described(self) -> str:
        """What the model is called with, short."""
        parts = [_described(value) for value in self.arguments]
        parts += [f"{name}={_described(value)}" for name, value in self.keywords.items()]
        return textwrap.shorten(", ".join(parts) or "nothing", 120)

    def floating_dtypes(self) -> set[torch.dtype]:
        """Of the tensors that the model is called with."""
        tensors = _tensors((*self.arguments, *self.keywords.values()))
        return {tensor.dtype for tensor in tensors if tensor.is_floating_point()}

    def _require_taken(self, model: nn.Module) -> None:
        signature = _signature(model)
        if signature is None:
            return
        try:
            signature.bind(*self.arguments, **self.keywords)
        except TypeError as error:
            raise InterpChecksError(
                "the model does not take the inputs of a batch",
                found=f"{self.described()} ({error})",
                expected=textwrap.shorten(f"{type(model).__name__}.forward{signature}", 200),
                remedy="inputs are one tensor, a tuple of the model's arguments, or a mapping of "
                "them by name: [((inputs, lengths), labels)], [({'inputs': inputs}, labels)]",
            ) from None


class InputDigest:
    """A digest of all inputs and labels, so that two models are known to be run on the same.

    Of inputs that are one tensor it does not depend on how they are cut into batches.
    """

    def __init__(self) -> None:
        self._inputs, self._labels = sha256(), sha256()
        self._known, self._any = True, False

    def add(self, batch: Batch) -> None:
        """Take in a batch; inputs that are no plain tensors leave the digest unknown."""
        import torch

        try:
            for tensor in _tensors((*batch.arguments, *batch.keywords.values())):
                self._any = True
                plain = tensor.detach().cpu().contiguous()
                self._inputs.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes())
            self._labels.update(np.asarray(batch.labels).tobytes())
        except (TypeError, ValueError, RuntimeError, NotImplementedError):
            self._known = False

    @property
    def noted(self) -> dict[str, str]:
        """As provenance keeps it; nothing if it is not known."""
        if not self._known or not self._any:
            return {}
        both = self._inputs.digest() + self._labels.digest()
        return {"images_sha256": sha256(both).hexdigest()}


def _signature(model: nn.Module) -> inspect.Signature | None:
    """Of the forward pass; None where Python cannot tell."""
    try:
        return inspect.signature(model.forward)
    except (TypeError, ValueError):
        return None


def _described(value: Any) -> str:
    words = type(value).__name__
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        words = f"{str(value.dtype).removeprefix('torch.')} {list(value.shape)}"
    return words


def _is_packed(value: object) -> bool:
    from torch.nn.utils.rnn import PackedSequence

    return isinstance(value, PackedSequence)


def _no_pair(batch: object) -> InterpChecksError:
    import torch

    remedy = "give an iterable of batches: [(inputs, labels)] for a single one"
    description = type(batch).__name__
    if isinstance(batch, (tuple, list)) and not _is_packed(batch):
        description = f"{description} of {len(batch)}"
        if len(batch) > 2:
            remedy = "put what the model takes together: ((inputs, lengths), labels)"
    elif isinstance(batch, (torch.Tensor, np.ndarray)):
        description = f"{description} of shape {tuple(batch.shape)}"
    return InterpChecksError(
        "a batch is not a pair of inputs and labels", found=description, remedy=remedy
    )


def _split(batch: dict[Any, Any]) -> tuple[dict[Any, Any], Any]:
    keys = [key for key in LABEL_KEYS if key in batch]
    inputs = {key: value for key, value in batch.items() if key not in keys}
    if not keys or not inputs:
        raise InterpChecksError(
            "a batch has no labels" if not keys else "a batch has no inputs",
            found=textwrap.shorten(
                f"the keys {', '.join(map(repr, batch)) or 'of an empty mapping'}", 200
            ),
            expected=f"labels under one of {', '.join(map(repr, LABEL_KEYS))}, and inputs",
            remedy="or give pairs of inputs and labels: [(inputs, labels)]",
        )
    return inputs, batch[keys[0]]


def _of_inputs(inputs: Any, model: nn.Module) -> tuple[tuple[Any, ...], dict[str, Any]]:
    import torch

    if isinstance(inputs, torch.Tensor) or _is_packed(inputs):
        return (inputs,), {}
    if isinstance(inputs, Mapping):
        return _of_mapping(dict(inputs), model, alone=False)
    if isinstance(inputs, (tuple, list)):
        several = any(
            isinstance(value, (torch.Tensor, np.ndarray, Mapping, tuple)) or _is_packed(value)
            for value in inputs
        )
        if several:
            return tuple(_tensor(value) for value in inputs), {}
    return (_tensor(inputs, required=True),), {}


def _of_mapping(
    inputs: dict[Any, Any], model: nn.Module, *, alone: bool
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """By name where the model has such arguments.

    Args:
        inputs: by key.
        model: whose forward pass says what it takes.
        alone: a single tensor among columns of other things is what the model takes.
    """
    import torch

    values = {key: _tensor(value) for key, value in inputs.items()}
    signature = _signature(model)
    parameters = [] if signature is None else [*signature.parameters.values()]
    kinds = {parameter.kind for parameter in parameters}
    if inspect.Parameter.VAR_KEYWORD in kinds and all(isinstance(key, str) for key in values):
        return (), values
    named = {
        parameter.name
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    arguments = {key: value for key, value in values.items() if key in named}
    if arguments:
        return (), arguments
    tensors = [value for value in values.values() if isinstance(value, torch.Tensor)]
    if alone and len(tensors) == 1:
        return (tensors[0],), {}
    return (values,), {}


def _tensor(value: Any, *, required: bool = False) -> Any:
    """Arrays as tensors, and everything else as it is unless a tensor is required."""
    import torch

    if isinstance(value, np.ndarray) or (required and not isinstance(value, (str, bytes))):
        try:
            array = np.asarray(value)
            if array.dtype.kind in "biuf":
                return torch.from_numpy(array.copy())
        except (TypeError, ValueError):
            pass
        if required:
            array_type = getattr(value, "dtype", None)
            raise InterpChecksError(
                "the inputs of a batch are not numbers",
                found=type(value).__name__ + (f" of {array_type}" if array_type else ""),
                expected="a tensor or array [images, ...]",
                remedy="make tensors of the inputs first (torch.stack for a list of images)",
            )
    elif required:
        raise InterpChecksError(
            "the inputs of a batch are not numbers",
            found=type(value).__name__,
            expected="a tensor or array [images, ...]",
            remedy="make tensors of the inputs first",
        )
    return value


def _placed(value: Any, device: torch.device, dtype: torch.dtype | None) -> Any:
    import torch

    if isinstance(value, torch.Tensor):
        floating = dtype if value.is_floating_point() else None
        return value.detach().to(device=device, dtype=floating or value.dtype, copy=True)
    if _is_packed(value):
        data = _placed(value.data, device, dtype)
        return type(value)(
            data,
            value.batch_sizes,
            *(
                part if part is None else part.to(device)
                for part in (value.sorted_indices, value.unsorted_indices)
            ),
        )
    if isinstance(value, Mapping):
        return {key: _placed(part, device, dtype) for key, part in value.items()}
    if isinstance(value, (tuple, list)) and not hasattr(value, "_fields"):
        return type(value)(_placed(part, device, dtype) for part in value)
    return value


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    import torch

    if _is_packed(value):
        value = value.data
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (Mapping, tuple, list)):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _tensors(part)
