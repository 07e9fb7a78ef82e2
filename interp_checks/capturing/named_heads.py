"""The layer that a user says is the head. PyTorch is imported when called."""

from __future__ import annotations

import difflib
import textwrap
from typing import TYPE_CHECKING

from interp_checks.errors import InterpChecksError
from interp_checks.networks.model_state import uncompiled

from .linear_maps import is_linear_layer

if TYPE_CHECKING:
    from torch import nn


def named_head(model: nn.Module, head: nn.Module | str | None) -> tuple[str, nn.Module] | None:
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
        near = difflib.get_close_matches(head, [name for name in layers if name], n=3, cutoff=0.5)
        raise InterpChecksError(
            f"the model has no linear layer {head!r}",
            found=textwrap.shorten(", ".join(linear), 300) or "no linear layer",
            remedy=f"did you mean {' or '.join(map(repr, near))}?" if near else None,
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
