"""Which of the things that a model puts out are logits. PyTorch is imported when called."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from interp_checks.arrays import IntArray
from interp_checks.errors import InterpChecksError

from .layer_calls import at
from .positions import no_such_position

if TYPE_CHECKING:
    import torch

#: How a user says which part of the output is the logits: a name ("logits", "heads.digit"), a
#: position, or a function that takes the output.
Output = str | int | Callable[[Any], Any] | None

#: Mappings, tuples and objects inside each other are looked into as far as this.
_DEPTH = 3


def rows_of_logits(
    tensor: torch.Tensor, images: int, positions: IntArray | None = None
) -> torch.Tensor | None:
    """A tensor as [n, K] if it has one row of numbers for each image; K = 1 for [n].

    Args:
        tensor: of the output.
        images: n.
        positions: which one counts of each image, [n], where there are many: [n, P, K].

    Raises:
        InterpChecksError: there are not so many positions.
    """
    if not tensor.is_floating_point() or not tensor.ndim or len(tensor) != images:
        return None
    if positions is not None and tensor.ndim == 3:
        rows = at(tensor, positions)
        if rows is None:
            raise no_such_position(positions, tuple(tensor.shape))
        return rows
    if tensor.ndim == 1:
        return tensor[:, None]
    if tensor.ndim > 2 and any(size != 1 for size in tensor.shape[2:]):
        return None
    rows = tensor.flatten(1)
    return rows if rows.shape[1] else None


def logits_by_name(
    output: Any, images: int, output_name: Output, positions: IntArray | None = None
) -> dict[str, torch.Tensor]:
    """Every part of the output that could be logits, [n, K], by where it is ("" for all of it).

    Args:
        output: of the model.
        images: n.
        output_name: which part, if the user says so. If not, a part called "logits" is the one.
        positions: which one counts of each image, [n], of parts that have many.

    Raises:
        InterpChecksError: there is none, or there are not so many positions.
    """
    import torch

    parts: dict[str, Any]
    if callable(output_name):
        parts = {"": output_name(output)}
    else:
        parts = dict(_parts(output, "", _DEPTH))
        name = f"[{output_name}]" if isinstance(output_name, int) else output_name
        if name is not None:
            if name not in parts:
                raise InterpChecksError(
                    f"the model's output has no part {output_name!r}",
                    found=described(output),
                    remedy="name one of these, or give a function: output=lambda out: ...",
                )
            parts = {name: parts[name]}
        elif "logits" in parts:
            parts = {"logits": parts["logits"]}
    logits = {
        name: rows
        for name, part in parts.items()
        if isinstance(part, torch.Tensor)
        and (rows := rows_of_logits(part, images, positions)) is not None
    }
    if not logits:
        said = callable(output_name) or output_name is not None
        returned = parts[next(iter(parts))] if said else output
        remedy = None
        if any(_has_positions(part, images) for part in parts.values()):
            remedy = (
                "if these are logits for every position, say which one counts: positions='last', "
                "positions [images], or a function; of a vocabulary also which tokens are the "
                "classes, candidates=[...]"
            )
        elif not said and not isinstance(output, torch.Tensor):
            remedy = "say where they are, output='logits', or a function of the model's output"
        raise InterpChecksError(
            "the output of the model is not logits",
            found=f"{described(returned)}, for {images} labels",
            expected=f"a floating-point tensor [{images}, classes], one row for each label",
            remedy=remedy,
        )
    return logits


def _has_positions(part: Any, images: int) -> bool:
    import torch

    fits = isinstance(part, torch.Tensor) and part.ndim == 3 and len(part) == images
    return fits and part.is_floating_point()


def described(output: Any) -> str:
    """Type and shapes of an output, short."""
    import torch

    parts = []
    for name, part in _parts(output, "", _DEPTH):
        words = type(part).__name__
        if isinstance(part, torch.Tensor):
            words = f"{str(part.dtype).removeprefix('torch.')} {list(part.shape)}"
        parts.append(f"{name}: {words}" if name else words)
    return textwrap.shorten(", ".join(parts) or f"an empty {type(output).__name__}", 200)


def _parts(output: Any, name: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Tensors and other leaves by name: ``logits``, ``[0]``, ``heads.digit``."""
    import torch
    from torch.nn.utils.rnn import PackedSequence

    within = f"{name}." if name else ""
    inner: list[tuple[str, Any]] | None = None
    if isinstance(output, (torch.Tensor, PackedSequence)) or not depth:
        inner = None
    elif isinstance(output, Mapping):
        inner = [(f"{within}{key}", value) for key, value in output.items()]
    elif dataclasses.is_dataclass(output) and not isinstance(output, type):
        fields = dataclasses.fields(output)
        inner = [(f"{within}{field.name}", getattr(output, field.name)) for field in fields]
    elif isinstance(output, tuple) and hasattr(output, "_fields"):
        inner = [(f"{within}{field}", getattr(output, field)) for field in output._fields]
    elif isinstance(output, (tuple, list)):
        inner = [(f"{name}[{index}]", value) for index, value in enumerate(output)]
    elif hasattr(output, "__dict__") and not isinstance(output, type) and not callable(output):
        inner = [(f"{within}{key}", value) for key, value in vars(output).items()]
        if not any(key == f"{within}logits" for key, _ in inner):
            logits = getattr(output, "logits", None)  # a property or a slot
            if isinstance(logits, torch.Tensor):
                inner.append((f"{within}logits", logits))
    elif isinstance(getattr(output, "logits", None), torch.Tensor):
        inner = [(f"{within}logits", output.logits)]
    if inner is None:
        yield name, output
        return
    for key, value in inner:
        yield from _parts(value, key, depth - 1)
