"""The engine for weights of any module: the model's own forward pass, from the changed weight on.

A weight is put together in float64 from the parts that stay and rounded once to its type; the
model runs with it by ``torch.func.functional_call``, which writes to no parameter. What comes
before the weight is computed once (:mod:`interp_checks.networks.replay`). So predictions are those
of a copy of the model with the other weight in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from interp_checks.ablations.directions import Directions
from interp_checks.ablations.fill import fill_named
from interp_checks.ablations.module_matrices import Place
from interp_checks.ablations.target import NetworkWeights
from interp_checks.ablations.targets.named_weights import ModuleWeights
from interp_checks.arrays import Array, FloatArray, IntArray
from interp_checks.errors import InterpChecksError, NotJudgedError

from .engine import ENGINES, Engine, Without
from .reference import BATCH, read_by, read_out
from .replay import Replay, patched, recorded, tensors_in

if TYPE_CHECKING:
    import torch
    from torch import nn

#: What modules return for one batch of inputs is kept up to so many bytes.
_RECORDED_BYTES = 512 * 2**20


class _Change(NamedTuple):
    """One ablation: other parameters, and what is added to what a module returns.

    Attributes:
        parameters: tensors by name.
        users: the modules that use them.
        gone: parameters with the parts that go alone, in float64, of the module whose mean of them
            is added; empty if nothing is.
        module: that module.
    """

    parameters: dict[str, Any]
    users: frozenset[Any]
    gone: dict[str, Any]
    module: Any = None


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
    def cost(self) -> int:
        """What PyTorch counts for one input."""
        from torch.utils.flop_counter import FlopCounterMode

        with FlopCounterMode(display=False) as counter:
            self._logits(self.inputs()[:1], {})
        return max(1, int(counter.get_total_flops()) // 2)

    def run(self, ablations: Sequence[Without]) -> Array:
        """See :class:`~interp_checks.networks.engine.Engine`."""
        inputs = self.inputs()
        changes = [self._change(ablation) for ablation in ablations]
        predicted: Array | None = None
        step = self._batch(inputs)
        constants = self._constants(changes, inputs, step)
        within = _around(self.model)
        repeats: dict[frozenset[Any], bool] = {}
        for start in range(0, len(inputs), step):
            rows = np.arange(start, min(start + step, len(inputs)))
            batch = inputs[rows]
            with recorded(self.model, {change.users for change in changes}) as recording:
                own = self._logits(batch, {})
            replays: dict[frozenset[Any], Replay | None] = {}
            for row, change in enumerate(changes):
                if change.users not in replays:
                    place = recording.first_use(change.users, within)
                    attempt = Replay(recording.before(place))
                    if repeats.get(change.users, True):
                        repeats[change.users] = self._repeats(batch, own, attempt)
                    replays[change.users] = attempt if repeats[change.users] else None
                replay = replays[change.users]
                logits = self._changed(batch, change, constants[row], replay)
                if replay is not None and replay.spoiled:
                    replays = dict.fromkeys((each.users for each in changes), None)
                if predicted is None:
                    kind = np.min_scalar_type(max(logits.shape[1] - 1, 1))
                    predicted = np.empty((len(changes), len(inputs)), dtype=kind)
                predicted[row, rows] = self._predicted(logits)
        assert predicted is not None
        return predicted

    def _change(self, ablation: Without) -> _Change:
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
        parameters = place.put(left)
        users = _users(self.model, parameters)
        if target.fill != "mean":
            return _Change(parameters, users, {})
        if place.module is None:
            raise NotJudgedError(
                f"{target}: its parts cannot be replaced by {fill_named(target.fill).words}",
                found="no module returns what this matrix makes of its input",
                expected="zero, or the weight of a linear layer or convolution",
            )
        exact = place.put(pieces.weight(gone), True)
        prefix = f"{place.module}." if place.module else ""
        of_module = {name.removeprefix(prefix): tensor for name, tensor in exact.items()}
        return _Change(parameters, users, of_module, self.model.get_submodule(place.module))

    def _batch(self, inputs: torch.Tensor) -> int:
        """How many inputs are run at a time, so that what is recorded takes little memory."""
        with recorded(self.model, {frozenset()}) as recording:
            self._logits(inputs[:1], {})
        size = sum(_bytes_of(call.output) for call in recording.calls)
        return max(1, min(BATCH, _RECORDED_BYTES // max(1, size), len(inputs)))

    def _repeats(self, batch: torch.Tensor, own: torch.Tensor, replay: Replay) -> bool:
        """Whether the intact model gives the same logits where what comes first is replayed."""
        if not replay.plan:
            return False
        try:
            with replay.given():
                again = self._logits(batch, {})
        except Exception:
            return False
        return bool((again == own).all())

    def _changed(
        self, batch: torch.Tensor, change: _Change, constant: Any, replay: Replay | None
    ) -> torch.Tensor:
        """Logits of a batch under an ablation."""
        with _adding(change.module, constant) if change.gone else nullcontext():
            if replay is None:
                return self._logits(batch, change.parameters)
            with replay.given():
                logits = self._logits(batch, change.parameters)
            return self._logits(batch, change.parameters) if replay.spoiled else logits

    def _logits(self, batch: torch.Tensor, parameters: dict[str, Any]) -> torch.Tensor:
        """Logits [n, K] of one batch with other parameters.

        Raises:
            InterpChecksError: the output is not logits.
        """
        import torch

        # Buffers are copied so that nothing a forward pass counts or averages stays behind.
        replaced = {name: buffer.clone() for name, buffer in self.model.named_buffers()}
        device = next((part.device for part in self.model.parameters()), batch.device)
        with (
            torch.no_grad(),
            _flat_weights_kept(self.model),
            read_by(self.model, self.reading) as features,
        ):
            output = torch.func.functional_call(
                self.model, {**replaced, **parameters}, (batch.to(device, copy=True),)
            )
        if self.reading is not None:
            return read_out(self.reading, features)
        if not isinstance(output, torch.Tensor) or output.ndim != 2 or not output.shape[1]:
            raise InterpChecksError(
                "the output of the model is not logits",
                found=type(output).__name__,
                expected="a tensor [inputs, classes]",
            )
        return output

    def _predicted(self, logits: torch.Tensor) -> IntArray:
        if self.reading is None:
            predicted: IntArray = logits.argmax(1).cpu().numpy()
            return predicted
        largest = logits.max(dim=1, keepdim=True).values - self.reading.tie
        first: IntArray = (logits >= largest).int().argmax(1).cpu().numpy()
        return first

    def _constants(
        self, changes: Sequence[_Change], inputs: torch.Tensor, step: int
    ) -> list[FloatArray | None]:
        """What is added for all inputs alike: the mean of what goes, over inputs and places."""
        sums: list[Any] = [None] * len(changes)
        wanted = [row for row, change in enumerate(changes) if change.gone]
        modules = {changes[row].module for row in wanted}
        for start in range(0, len(inputs) if wanted else 0, step):
            seen = self._inputs_of(modules, inputs[start : start + step])
            for row in wanted:
                module = changes[row].module
                for given in seen[module]:
                    made = _made(module, changes[row].gone, given)
                    flat = made.movedim(_channels(module, made), -1)
                    flat = flat.reshape(-1, flat.shape[-1])
                    total, count = sums[row] or (0.0, 0)
                    sums[row] = total + flat.sum(dim=0), count + len(flat)
        return [None if each is None else (each[0] / each[1]).numpy() for each in sums]

    def _inputs_of(self, modules: set[Any], batch: torch.Tensor) -> dict[Any, list[Any]]:
        """What modules read in one forward pass of the intact model, call by call."""
        seen: dict[Any, list[Any]] = {module: [] for module in modules}

        def around(module: nn.Module, forward: Any) -> Any:
            def note(given: Any, *more: Any, **named: Any) -> Any:
                seen[module].append(given.detach().clone())
                return forward(given, *more, **named)

            return note

        with patched(modules, around):
            self._logits(batch, {})
        return seen


ENGINES[ModuleWeights] = ModuleEngine  # type: ignore[type-abstract]


def _users(model: nn.Module, parameters: dict[str, Any]) -> frozenset[Any]:
    """The modules that own parameters of these names; tied ones under every name."""
    named = dict(model.named_parameters(remove_duplicate=False))
    changed = {id(named[name]) for name in parameters}
    return frozenset(
        module
        for module in model.modules()
        if any(id(part) in changed for part in module._parameters.values())
    )


def _around(model: nn.Module) -> dict[nn.Module, nn.Module]:
    """The module around each module."""
    return {child: module for module in model.modules() for child in module.children()}


def _bytes_of(value: Any) -> int:
    return sum(part.numel() * part.element_size() for part in tensors_in(value))


def _made(module: nn.Module, gone: dict[str, Any], given: torch.Tensor) -> torch.Tensor:
    """What a module makes of an input with the parts that go alone, in float64."""
    import torch

    parameters = dict(gone)
    if module._parameters.get("bias") is not None:
        parameters["bias"] = torch.zeros_like(cast(Any, module.bias), dtype=torch.float64)
    with torch.no_grad():
        made: torch.Tensor = torch.func.functional_call(module, parameters, (given.double(),))
    return made.cpu()


def _channels(module: nn.Module, made: torch.Tensor) -> int:
    """Along which dimension of what a module returns its outputs lie."""
    from torch import nn

    convolutions = {nn.Conv1d: 1, nn.Conv2d: 2, nn.Conv3d: 3}
    places = next((many for kind, many in convolutions.items() if isinstance(module, kind)), 0)
    return made.ndim - 1 - places


@contextmanager
def _adding(module: nn.Module, added: Any) -> Iterator[None]:
    """Add something to what a module returns while the block runs."""
    import torch

    def around(_: nn.Module, forward: Any) -> Any:
        def add(*arguments: Any, **named: Any) -> Any:
            output = forward(*arguments, **named)
            more = torch.as_tensor(added).to(output)
            if more.ndim == 1:
                places = output.ndim - 1 - _channels(module, output)
                more = more.reshape(-1, *[1] * places)
            return output + more

        return add

    with patched([module], around):
        yield


@contextmanager
def _flat_weights_kept(model: nn.Module) -> Iterator[None]:
    """Recurrent modules keep a list of the weights that they last ran with: put it back."""
    from torch import nn

    kept = [
        (part, part._flat_weights, part._flat_weight_refs)
        for part in model.modules()
        if isinstance(part, nn.RNNBase)
    ]
    try:
        yield
    finally:
        for part, weights, references in kept:
            part._flat_weights, part._flat_weight_refs = weights, references
