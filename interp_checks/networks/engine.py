"""What runs a network without parts of some weights: the protocol, and who does it for which."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from interp_checks.ablations.directions import Directions
from interp_checks.ablations.target import NetworkWeights
from interp_checks.arrays import Array
from interp_checks.errors import NotJudgedError

from .reference import Reading

if TYPE_CHECKING:
    import torch
    from torch import nn


class Without(NamedTuple):
    """Weights, and the parts of them that stay.

    Attributes:
        target: which weights, and what stands in the place of parts that go.
        kept: the parts that stay, from 1, rising.
        pieces: the parts that add up to the weights, where these are others than the target's.
    """

    target: NetworkWeights
    kept: tuple[int, ...]
    pieces: Directions | None = None


class Engine(ABC):
    """Runs a model in evaluation mode, without parts of weights that it knows of.

    Args:
        model: never edited.
        inputs: [N, ...], a tensor.
        reading: how logits are made of what one of the layers reads; the model's own output when
            left out.
        base: tensors by name of the model that it was fine-tuned from, if that is known.
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: Callable[[], torch.Tensor],
        reading: Reading | None,
        base: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        self.model, self.inputs, self.reading, self.base = model, inputs, reading, base

    @abstractmethod
    def directions(self, target: NetworkWeights) -> Directions:
        """The parts of weights.

        Raises:
            InterpChecksError: the model has no such weights, or they no such parts.
        """

    @property
    @abstractmethod
    def cost(self) -> int:
        """About how many multiplications one input takes under one ablation."""

    @abstractmethod
    def run(self, ablations: Sequence[Without]) -> Array:
        """Predicted classes of each input under each ablation, [A, N]."""


#: Makes the engine for each class of targets.
ENGINES: dict[type[NetworkWeights], type[Engine]] = {}


def engine_for(target: NetworkWeights) -> type[Engine]:
    """Who runs a network without parts of these weights.

    Raises:
        NotJudgedError: nobody does.
    """
    for kind in type(target).__mro__:
        if kind in ENGINES:
            return ENGINES[kind]
    raise NotJudgedError(f"{target}: no engine runs a network without parts of these weights")
