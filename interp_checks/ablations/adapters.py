"""Low-rank adapters, as ``peft`` keeps them beside a layer: what they add, and how to change it.

A module is taken for one if it has ``lora_A``, ``lora_B`` and ``scaling``: layers with a weight (or
the weights themselves) and a number, or of each a dictionary with one entry that is in use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from interp_checks.arrays import FloatArray
from interp_checks.errors import NotJudgedError


class Adapter(NamedTuple):
    """What is added to a weight: scaling · B A.

    Attributes:
        names: of A and B in the model.
        first: A, [r, in].
        second: B, [out, r].
        scaling: the factor.
    """

    names: tuple[str, str]
    first: Any
    second: Any
    scaling: float

    @property
    def matrix(self) -> FloatArray:
        """Scaling · B A in float64, [out, in]."""
        first, second = (part.detach().double().cpu() for part in (self.first, self.second))
        added: FloatArray = (self.scaling * (second @ first)).numpy()
        return added

    def put(self, matrix: FloatArray, exact: bool = False) -> dict[str, Any]:
        """A and B that add another matrix, of no higher rank; each rounded once to its type."""
        import numpy as np
        import torch

        left, values, right = np.linalg.svd(matrix, full_matrices=False)
        rank = len(self.first)
        width = min(rank, len(values))
        first, second = np.zeros((rank, matrix.shape[1])), np.zeros((matrix.shape[0], rank))
        roots = np.sqrt(values[:width] / abs(self.scaling))
        first[:width] = roots[:, None] * right[:width]
        second[:, :width] = left[:, :width] * roots * np.sign(self.scaling)
        made = {}
        for name, old, new in zip(
            self.names, (self.first, self.second), (first, second), strict=True
        ):
            tensor = torch.from_numpy(new)
            made[name] = tensor.to(old.device) if exact else tensor.to(old)
        return made


def adapter_at(model: Any, name: str, asking: object) -> Adapter | None:
    """The adapter beside the weight of the module of a name; None if there is none.

    Raises:
        NotJudgedError: there are several in use, or its weights are no matrices.
    """
    module = dict(model.named_modules()).get(name)
    parts: list[Any] = [getattr(module, key, None) for key in ("lora_A", "lora_B", "scaling")]
    if any(part is None for part in parts):
        return None
    chosen = _in_use(module, parts[0], name, asking)
    names, tensors = [], []
    for key, part in zip(("lora_A", "lora_B"), parts[:2], strict=True):
        where = f"{name}.{key}" if name else key
        if chosen is not None:
            part, where = part[chosen], f"{where}.{chosen}"
        if hasattr(part, "weight"):
            part, where = part.weight, f"{where}.weight"
        if getattr(part, "ndim", 0) != 2:
            raise NotJudgedError(
                f"{asking}: {where} is no matrix",
                found=f"shape {tuple(getattr(part, 'shape', ()))}",
                expected="a low-rank adapter of a linear layer",
            )
        names.append(where)
        tensors.append(part)
    scaling = parts[2][chosen] if isinstance(parts[2], Mapping) else parts[2]
    return Adapter((names[0], names[1]), tensors[0], tensors[1], float(scaling))


def _in_use(module: Any, parts: Any, name: str, asking: object) -> str | None:
    """Which entry of dictionaries of adapters is in use; None for an adapter without them."""
    if not hasattr(parts, "keys"):
        return None
    active = getattr(module, "active_adapters", None) or list(parts.keys())
    used = [key for key in ([active] if isinstance(active, str) else active) if key in parts]
    if len(used) != 1:
        raise NotJudgedError(
            f"{asking}: {name!r} does not have one adapter that is in use",
            found=", ".join(used) or "none",
            expected="one",
        )
    return str(used[0])
