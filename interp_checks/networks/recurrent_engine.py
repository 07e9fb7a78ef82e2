"""The engine for gates of recurrent layers; see :mod:`interp_checks.networks.sweep`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np

from interp_checks.ablations.directions import Directions
from interp_checks.ablations.target import NetworkWeights
from interp_checks.ablations.targets.gate_weights import GateWeights
from interp_checks.arrays import Array

from .changes import Change, Runner
from .engine import ENGINES, Engine, Without
from .gate_means import GateMeans
from .reference import AblatedWeights, Reference
from .sweep import GateAblation, predict_gates

if TYPE_CHECKING:
    pass


class RecurrentEngine(Engine):
    """One recurrent layer's gates."""

    @cached_property
    def reference(self) -> Reference:
        """The model's own layer.

        Raises:
            InterpChecksError: the model has not exactly one recurrent layer.
        """
        return Reference(self.model, self.reading)

    def directions(self, target: NetworkWeights) -> Directions:
        """See :class:`~interp_checks.networks.engine.Engine`."""
        return self.reference.directions(cast(GateWeights, target))

    @property
    def cost(self) -> int:
        """One for each parameter of the recurrent layer and step."""
        inputs = self.inputs()
        steps = int(inputs.shape[1]) if inputs.ndim > 1 else 1
        return steps * sum(part.numel() for part in self.reference.state.values())

    def run(self, ablations: Sequence[Without]) -> Array:
        """See :class:`~interp_checks.networks.engine.Engine`."""
        filled = [row for row, each in enumerate(ablations) if each.target.fill == "mean"]
        plain = [row for row in range(len(ablations)) if row not in set(filled)]
        if not filled:
            return self._without(ablations)
        predicted = self._with_means([ablations[row] for row in filled])
        rows = np.empty((len(ablations), predicted.shape[1]), dtype=predicted.dtype)
        rows[filled] = predicted
        if plain:
            rows[plain] = self._without([ablations[row] for row in plain])
        return rows

    def _without(self, ablations: Sequence[Without]) -> Array:
        """What goes is zero."""
        gates: list[GateAblation] = []
        for target, kept, pieces in ablations:
            gate = cast(GateWeights, target)
            gates.append((gate, kept) if pieces is None else AblatedWeights(gate, kept, pieces))
        return predict_gates(self.model, self.inputs(), gates, reading=self.reading)

    def _with_means(self, ablations: Sequence[Without]) -> Array:
        """What goes is what it adds on average, over inputs and steps."""
        changes = []
        for target, kept, pieces in ablations:
            gate = cast(GateWeights, target)
            parts = self.directions(gate) if pieces is None else pieces
            parameters = self._means.change(self.reference.state, gate, kept, parts)
            prefix = self.reference.prefix
            changes.append(Change({prefix + name: part for name, part in parameters.items()}))
        return self._runner.predict(changes)

    @cached_property
    def _runner(self) -> Runner:
        return Runner(self.model, self.inputs(), self.reading)

    @cached_property
    def _means(self) -> GateMeans:
        return GateMeans(self._runner, self.reference.recurrent)


ENGINES[GateWeights] = RecurrentEngine
