"""The engine for weights of any module: the model's own forward pass, from the changed weight on.

A weight is put together in float64 from the parts that stay and rounded once to its type; the
model runs with it by ``torch.func.functional_call``, which writes to no parameter. What comes
before the weight is computed once (:mod:`interp_checks.networks.replay`). So predictions are those
of a copy of the model with the other weight in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, cast

from interp_checks.ablations.directions import Directions
from interp_checks.ablations.fill import fill_named
from interp_checks.ablations.module_matrices import Place
from interp_checks.ablations.target import NetworkWeights
from interp_checks.ablations.targets.named_weights import ModuleWeights
from interp_checks.arrays import Array
from interp_checks.errors import NotJudgedError

from .changes import Change, Runner
from .engine import ENGINES, Engine, Without
from .mean_outputs import MeanOutput


class ModuleEngine(Engine):
    """Weights of any module."""

    def directions(self, target: NetworkWeights) -> Directions:
        """See :class:`~interp_checks.networks.engine.Engine`."""
        return self._parts(cast(ModuleWeights, target))[1]

    def _parts(self, target: ModuleWeights) -> tuple[Place, Directions]:
        if target not in self._known:
            place = target.place(self.model, self.base)
            self._known[target] = place, target.parts_of(place.matrix)
        return self._known[target]

    @cached_property
    def _known(self) -> dict[ModuleWeights, tuple[Place, Directions]]:
        return {}

    @cached_property
    def _runner(self) -> Runner:
        return Runner(self.model, self.inputs(), self.reading)

    @cached_property
    def cost(self) -> int:
        """What PyTorch counts for one input."""
        from torch.utils.flop_counter import FlopCounterMode

        with FlopCounterMode(display=False) as counter:
            self._runner.logits(self.inputs()[:1], {})
        return max(1, int(counter.get_total_flops()) // 2)

    def run(self, ablations: Sequence[Without]) -> Array:
        """See :class:`~interp_checks.networks.engine.Engine`."""
        changes, means = [], {}
        for number, ablation in enumerate(ablations):
            place, left, gone = self._taken_apart(ablation)
            changes.append(Change(place.put(left)))
            if cast(ModuleWeights, ablation.target).fill == "mean":
                means[number] = self._mean_of(ablation, place, gone)
        if means:
            modules = {each.module for each in means.values()}
            for rows in self._runner.batches():
                seen = self._runner.read(modules, self._runner.inputs[rows])
                for each in means.values():
                    each.see(seen[each.module])
        for number, each in means.items():
            changes[number] = Change(changes[number].parameters, each.module, each.mean)
        return self._runner.predict(changes)

    def _taken_apart(self, ablation: Without) -> tuple[Place, Any, Any]:
        """Where the weight is, the matrix that stays, and makes the one that goes.

        Raises:
            NotJudgedError: it is the output layer's.
        """
        target = cast(ModuleWeights, ablation.target)
        place, parts = self._parts(target)
        if self.reading is not None and place.module == self.reading.layer:
            raise NotJudgedError(
                f"{target}: these are the weights of the output layer",
                remedy="say the same without naming them: its features are at hand",
            )
        pieces = parts if ablation.pieces is None else ablation.pieces
        gone = tuple(sorted(set(range(1, len(pieces) + 1)) - set(ablation.kept)))
        # What is less work, of what stays and what goes; all of it is the matrix.
        few = len(gone) < len(ablation.kept)
        left = place.matrix - pieces.weight(gone) if few else pieces.weight(ablation.kept)
        return place, left, lambda: pieces.weight(gone)

    def _mean_of(self, ablation: Without, place: Place, gone: Any) -> MeanOutput:
        """What goes, on average.

        Raises:
            NotJudgedError: no module returns what the matrix makes of its input.
        """
        if place.module is None:
            raise NotJudgedError(
                f"{ablation.target}: its parts cannot be replaced by {fill_named('mean').words}",
                found="no module returns what this matrix makes of its input",
                expected="zero, or the weight of a linear layer or convolution",
            )
        prefix = f"{place.module}." if place.module else ""
        exact = place.put(gone(), True)
        own = {name.removeprefix(prefix): tensor for name, tensor in exact.items()}
        return MeanOutput(self.model.get_submodule(place.module), own)


ENGINES[ModuleWeights] = ModuleEngine  # type: ignore[type-abstract]
