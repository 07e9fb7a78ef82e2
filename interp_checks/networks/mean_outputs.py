"""What parts of a weight add to a result on average, and how that is put in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from .replay import patched

if TYPE_CHECKING:
    import torch
    from torch import nn


class MeanOutput:
    """The mean of what a linear module makes of its inputs with some parameters, and no bias.

    Over all inputs, calls and places (tokens, pixels), in float64.

    Args:
        module: an ``nn.Linear`` or a convolution, or what computes like one.
        parameters: tensors by name, in float64.
    """

    def __init__(self, module: nn.Module, parameters: dict[str, Any]) -> None:
        import torch

        self.module, self.parameters = module, dict(parameters)
        if module._parameters.get("bias") is not None:
            bias = cast(Any, module.bias)
            self.parameters["bias"] = torch.zeros_like(bias, dtype=torch.float64)
        self._sum: Any = 0.0
        self._count = 0

    def see(self, calls: Sequence[tuple[Any, ...]]) -> None:
        """Look at what the module was called with."""
        import torch

        for given, *_ in calls:
            with torch.no_grad():
                made = torch.func.functional_call(self.module, self.parameters, (given.double(),))
            flat = made.movedim(_channels(self.module, made), -1)
            flat = flat.reshape(-1, flat.shape[-1])
            self._sum = self._sum + flat.sum(dim=0)
            self._count += len(flat)

    @property
    def mean(self) -> torch.Tensor:
        """For each output of the module."""
        mean: torch.Tensor = self._sum / max(1, self._count)
        return mean


@contextmanager
def adding(module: nn.Module, constant: torch.Tensor) -> Iterator[None]:
    """Add something to each output of a module while the block runs; rounded once to its type."""

    def around(_: nn.Module, forward: Callable[..., Any]) -> Callable[..., Any]:
        def add(*arguments: Any, **named: Any) -> Any:
            output = forward(*arguments, **named)
            places = output.ndim - 1 - _channels(module, output)
            return output + constant.to(output).reshape(-1, *[1] * places)

        return add

    with patched([module], around):
        yield


def _channels(module: nn.Module, made: torch.Tensor) -> int:
    """Along which dimension of what a module returns its outputs lie."""
    from torch import nn

    convolutions = {nn.Conv1d: 1, nn.Conv2d: 2, nn.Conv3d: 3}
    places = next((many for kind, many in convolutions.items() if isinstance(module, kind)), 0)
    return made.ndim - 1 - places
