"""The network behind a readout: what claims about its recurrent layers are judged on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np

from interp_checks.ablations.ablation import Ablation, family_members, unique
from interp_checks.ablations.directions import Directions
from interp_checks.ablations.targets.gate_weights import GateWeights
from interp_checks.arrays import Array, IntArray
from interp_checks.counting.cache import Cache
from interp_checks.errors import InterpChecksError, NotJudgedError

from .gates import gate_weights_of
from .model_state import evaluating
from .reference import AblatedWeights, Reading, Reference
from .sweep import GateAblation, predict_gates

if TYPE_CHECKING:
    import torch
    from torch import nn

#: A family of at most so many ablations is run at once: that takes little longer than one.
_WHOLE_FAMILY = 16


class Network:
    """A model with one recurrent layer, and the inputs that a readout's features came from.

    Neither is loaded before a claim needs it, and the model is never edited.

    Args:
        model: gives a module with one ``nn.LSTM``, ``nn.GRU`` or ``nn.RNN``, in evaluation mode,
            whose output is logits, unless a reading says what to make logits of.
        inputs: gives a tensor [N, ...], one input for each image of the readout.
        chosen: numbers of the inputs to use; all when left out.
        reading: the layer that reads a readout's features, and the readout's head: predictions
            are then those of the readout, whatever the model makes of its logits.
    """

    def __init__(
        self,
        model: Callable[[], nn.Module],
        inputs: Callable[[], torch.Tensor],
        chosen: IntArray | None = None,
        reading: Reading | None = None,
    ) -> None:
        self._load_model, self._load_inputs, self._chosen = model, inputs, chosen
        self._reading = reading
        self._predictions = Cache()

    @cached_property
    def model(self) -> nn.Module:
        """The model."""
        return self._load_model()

    @cached_property
    def inputs(self) -> torch.Tensor:
        """What it is run on, [N, ...]."""
        inputs = self._load_inputs()
        return inputs if self._chosen is None else inputs[self._chosen]

    @cached_property
    def _reference(self) -> Reference:
        try:
            with evaluating(self.model):
                return Reference(self.model, self._reading)
        except InterpChecksError as error:
            raise _not_judged(error) from None

    @property
    def targets(self) -> tuple[GateWeights, ...]:
        """The weights of every gate of every layer.

        Raises:
            NotJudgedError: the model has not exactly one recurrent layer.
        """
        return gate_weights_of(self._reference.model)

    def directions(self, target: GateWeights) -> Directions:
        """The singular directions of one gate's weights.

        Raises:
            NotJudgedError: the model has no such weights.
        """
        try:
            return self._reference.directions(target)
        except InterpChecksError as error:
            raise _not_judged(error) from None

    @property
    def cost(self) -> int:
        """About how many multiplications one input takes: one a parameter and a step."""
        steps = int(self.inputs.shape[1]) if self.inputs.ndim > 1 else 1
        return steps * sum(part.numel() for part in self._reference.state.values())

    def part(self, chosen: IntArray) -> Network:
        """The same network on some of the inputs.

        Args:
            chosen: their numbers.
        """
        before = self._chosen
        both = chosen if before is None else before[chosen]
        return Network(lambda: self.model, self._load_inputs, both, self._reading)

    def predict(self, ablations: Sequence[Ablation]) -> list[IntArray]:
        """The predicted class of each input under each ablation; what was predicted is kept.

        Args:
            ablations: of gates' weights.

        Raises:
            NotJudgedError: the model has no such weights, or they no such direction.
        """
        key_of = {ablation: self._key(ablation) for ablation in self._with_families(ablations)}
        keys = dict.fromkeys(key_of.values())
        missing = [key for key in keys if self._predictions.get(key) is None]
        if missing:
            predicted = self._run(missing)
            for key, row in zip(missing, predicted, strict=True):
                self._predictions.put(key, row)
        rows = []
        for ablation in ablations:
            row = self._predictions.get(key_of[ablation])
            if row is None:  # so many that the first ones had to go
                row = self._run([key_of[ablation]])[0]
            rows.append(row.astype(np.int64))
        return rows

    def predict_pieces(
        self, target: GateWeights, kept: tuple[int, ...], pieces: Sequence[Directions]
    ) -> Array:
        """Predicted classes [A, N] where other pieces than singular directions are left out."""
        return self._run([AblatedWeights(target, kept, whole) for whole in pieces])

    def _run(self, ablations: Sequence[GateAblation]) -> Array:
        """Predicted classes [A, N]; the model runs in evaluation mode."""
        with evaluating(self.model):
            return predict_gates(self.model, self.inputs, ablations, reading=self._reading)

    def _key(self, ablation: Ablation) -> tuple[GateWeights, tuple[int, ...]]:
        target = cast("GateWeights", ablation.target)
        return target, ablation.kept(len(self.directions(target)))

    def _with_families(self, ablations: Sequence[Ablation]) -> tuple[Ablation, ...]:
        """The ablations and the rest of their families, if these are small."""
        members = list(ablations)
        for ablation in ablations:
            count = len(self.directions(cast("GateWeights", ablation.target)))
            if count <= _WHOLE_FAMILY:
                members += family_members(ablation.family, count, ablation.target)
        return unique(members)


def _not_judged(error: InterpChecksError) -> NotJudgedError:
    return NotJudgedError(
        error.problem, found=error.found, expected=error.expected, remedy=error.remedy
    )
