"""The network behind a readout: what claims about weights inside it are judged on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np

from interp_checks.ablations.ablation import Ablation, family_members, unique
from interp_checks.ablations.directions import Directions
from interp_checks.ablations.target import NetworkWeights
from interp_checks.ablations.targets.gate_weights import GateWeights
from interp_checks.ablations.targets.named_weights import NamedWeights
from interp_checks.arrays import Array, IntArray
from interp_checks.counting.cache import Cache
from interp_checks.errors import InterpChecksError, NotJudgedError

from . import module_engine as module_engine
from . import recurrent_engine as recurrent_engine
from .engine import Engine, Without, engine_for
from .gates import gate_weights_of
from .model_state import evaluating
from .reference import Reading

if TYPE_CHECKING:
    import torch
    from torch import nn

#: A family of at most so many ablations is run at once: that takes little longer than one.
_WHOLE_FAMILY = 16


class Network:
    """A model, and the inputs that a readout's features came from.

    Neither is loaded before a claim needs it, and the model is never edited. Who runs it without
    parts of some weights, the weights decide (:mod:`interp_checks.networks.engine`).

    Args:
        model: gives a module whose output is logits, unless a reading says what to make logits of.
        inputs: gives a tensor [N, ...], one input for each image of the readout.
        chosen: numbers of the inputs to use; all when left out.
        reading: the layer that reads a readout's features, and the readout's head: predictions
            are then those of the readout, whatever the model makes of its logits.
        base: tensors by name of the model that it was fine-tuned from, for claims about updates.
    """

    def __init__(
        self,
        model: Callable[[], nn.Module],
        inputs: Callable[[], torch.Tensor],
        chosen: IntArray | None = None,
        reading: Reading | None = None,
        base: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        self._load_model, self._load_inputs, self._chosen = model, inputs, chosen
        self._reading, self._base = reading, base
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

    def _engine(self, target: NetworkWeights) -> Engine:
        """Who runs the model without parts of these weights."""
        kind = engine_for(target)
        if kind not in self._engines:
            self._engines[kind] = kind(self.model, lambda: self.inputs, self._reading, self._base)
        return self._engines[kind]

    @cached_property
    def _engines(self) -> dict[type[Engine], Engine]:
        return {}

    @property
    def targets(self) -> tuple[GateWeights, ...]:
        """The weights of every gate of every layer.

        Raises:
            NotJudgedError: the model has not exactly one recurrent layer.
        """
        try:
            return gate_weights_of(self.model)
        except InterpChecksError as error:
            raise _not_judged(error) from None

    def named(self, pattern: str) -> tuple[NamedWeights, ...]:
        """The weights of the model whose names fit a pattern, in the order of the model.

        Args:
            pattern: as of files: ``encoder.*``.

        Raises:
            NotJudgedError: none does.
        """
        found = {}
        for name, part in self.model.named_parameters():
            owner, _, own = name.rpartition(".")
            known = owner if own == "weight" else name
            output = self._reading is not None and owner == self._reading.layer
            if part.ndim > 1 and not output and fnmatchcase(known, pattern):
                found[known] = NamedWeights(known)
        if not found:
            names = [name for name, part in self.model.named_parameters() if part.ndim > 1]
            raise NotJudgedError(
                f"no weight inside the model fits {pattern!r}",
                found=", ".join(names[:6]) + (" ..." if len(names) > 6 else ""),
            )
        return tuple(found.values())

    def directions(self, target: NetworkWeights) -> Directions:
        """The parts of one of the model's weights.

        Raises:
            NotJudgedError: the model has no such weights, or they no such parts.
        """
        engine = self._engine(target)
        try:
            with evaluating(self.model):
                return engine.directions(target)
        except InterpChecksError as error:
            raise _not_judged(error) from None

    def cost_of(self, target: NetworkWeights) -> int:
        """About how many multiplications one input takes without parts of these weights.

        Raises:
            NotJudgedError: the model has no such weights.
        """
        engine = self._engine(target)
        try:
            with evaluating(self.model):
                return engine.cost
        except InterpChecksError as error:
            raise _not_judged(error) from None

    def part(self, chosen: IntArray) -> Network:
        """The same network on some of the inputs.

        Args:
            chosen: their numbers.
        """
        before = self._chosen
        both = chosen if before is None else before[chosen]
        return Network(lambda: self.model, self._load_inputs, both, self._reading, self._base)

    def predict(self, ablations: Sequence[Ablation]) -> list[IntArray]:
        """The predicted class of each input under each ablation; what was predicted is kept.

        Args:
            ablations: of weights inside the model.

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
        self, target: NetworkWeights, kept: tuple[int, ...], pieces: Sequence[Directions]
    ) -> Array:
        """Predicted classes [A, N] where other pieces than the target's own are left out."""
        return self._run([Without(target, kept, whole) for whole in pieces])

    def _run(self, ablations: Sequence[Without]) -> Array:
        """Predicted classes [A, N], all by one engine; the model runs in evaluation mode."""
        engine = self._engine(ablations[0].target)
        with evaluating(self.model):
            return engine.run(ablations)

    def _key(self, ablation: Ablation) -> Without:
        target = cast(NetworkWeights, ablation.target)
        return Without(target, ablation.kept(self.directions(target)))

    def _with_families(self, ablations: Sequence[Ablation]) -> tuple[Ablation, ...]:
        """The ablations and the rest of their families, if these are small."""
        members = list(ablations)
        for ablation in ablations:
            parts = self.directions(cast(NetworkWeights, ablation.target))
            if len(parts) <= _WHOLE_FAMILY:
                members += family_members(ablation.family, parts, ablation.target)
        return unique(members)


def _not_judged(error: InterpChecksError) -> NotJudgedError:
    return NotJudgedError(
        error.problem, found=error.found, expected=error.expected, remedy=error.remedy
    )
