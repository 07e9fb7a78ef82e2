"""Running a model with other parameters in it, from where they are first used on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from interp_checks.arrays import Array, IntArray
from interp_checks.errors import InterpChecksError

from .mean_outputs import adding
from .reference import BATCH, Reading, read_by, read_out
from .replay import Replay, patched, recorded, tensors_in

if TYPE_CHECKING:
    import torch
    from torch import nn

#: What modules return for one batch of inputs is kept up to so many bytes.
_RECORDED_BYTES = 512 * 2**20
#: Inputs on which it is tried whether what comes first can be left out.
_FEW = 4


class Change(NamedTuple):
    """One ablation: other parameters, and what is added to what a module returns.

    Attributes:
        parameters: tensors by name.
        module: to what something is added; None for nothing.
        constant: what that is, for each of its outputs.
    """

    parameters: dict[str, Any]
    module: Any = None
    constant: Any = None


class Runner:
    """Runs a model that is in evaluation mode; nothing of it is written to.

    Args:
        model: the model.
        inputs: [N, ...], a tensor.
        reading: how logits are made of what one of the layers reads; the model's own output when
            left out.
    """

    def __init__(self, model: nn.Module, inputs: torch.Tensor, reading: Reading | None) -> None:
        self.model, self.inputs, self.reading = model, inputs, reading

    def predict(self, changes: Sequence[Change]) -> Array:
        """Predicted classes of each input under each change, [A, N]."""
        predicted: Array | None = None
        users = [users_of(self.model, change.parameters) for change in changes]
        within = {child: part for part in self.model.modules() for child in part.children()}
        repeats = self._repeated(dict(zip(users, changes, strict=True)), within)
        for rows in self.batches():
            batch = self.inputs[rows]
            with recorded(self.model, {using for using in users if repeats[using]}) as recording:
                if any(repeats.values()):
                    self.logits(batch, {})
            replays: dict[frozenset[Any], Replay | None] = {}
            for row, (change, using) in enumerate(zip(changes, users, strict=True)):
                if using not in replays:
                    plan = recording.before(recording.first_use(using, within))
                    replays[using] = Replay(plan) if repeats[using] else None
                replay = replays[using]
                logits = self._changed(batch, change, replay)
                if replay is not None and replay.spoiled:
                    replays = dict.fromkeys(users, None)
                if predicted is None:
                    kind = np.min_scalar_type(max(logits.shape[1] - 1, 1))
                    predicted = np.empty((len(changes), len(self.inputs)), dtype=kind)
                predicted[row, rows] = self._predicted(logits)
        assert predicted is not None
        return predicted

    def _repeated(
        self, changes: dict[frozenset[Any], Change], within: dict[nn.Module, nn.Module]
    ) -> dict[frozenset[Any], bool]:
        """Whether runs may leave out what comes before the modules that use a weight.

        Tried on a few inputs with all of the weight halved: the logits must be those of a whole
        run, to the last bit. A model that uses the weight without calling its module, or that
        counts its calls, is told by that.
        """
        few = self.inputs[:_FEW]
        with recorded(self.model, set(changes)) as recording:
            self.logits(few, {})
        repeated = {}
        for using, change in changes.items():
            replay = Replay(recording.before(recording.first_use(using, within)))
            halved = {name: part / 2 for name, part in change.parameters.items()}
            repeated[using] = bool(replay.plan) and self._same(few, halved, replay)
        return repeated

    def _same(self, batch: torch.Tensor, parameters: dict[str, Any], replay: Replay) -> bool:
        whole = self.logits(batch, parameters)
        try:
            with replay.given():
                again = self.logits(batch, parameters)
        except Exception:
            return False
        return bool((again == whole).all())

    def batches(self) -> Iterator[IntArray]:
        """Numbers of inputs that are run at a time: what is recorded takes little memory."""
        with recorded(self.model, {frozenset()}) as recording:
            self.logits(self.inputs[:1], {})
        outputs = [part for call in recording.calls for part in tensors_in(call.output)]
        size = sum(part.numel() * part.element_size() for part in outputs)
        step = max(1, min(BATCH, _RECORDED_BYTES // max(1, size)))
        for start in range(0, len(self.inputs), step):
            yield np.arange(start, min(start + step, len(self.inputs)))

    def _changed(self, batch: torch.Tensor, change: Change, replay: Replay | None) -> torch.Tensor:
        """Logits of a batch under a change."""
        added = nullcontext() if change.module is None else adding(change.module, change.constant)
        with added:
            if replay is None:
                return self.logits(batch, change.parameters)
            with replay.given():
                logits = self.logits(batch, change.parameters)
            return self.logits(batch, change.parameters) if replay.spoiled else logits

    def logits(self, batch: torch.Tensor, parameters: dict[str, Any]) -> torch.Tensor:
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

    def read(self, modules: set[Any], batch: torch.Tensor) -> dict[Any, list[tuple[Any, ...]]]:
        """What modules are called with in one forward pass of the intact model, call by call."""
        seen: dict[Any, list[tuple[Any, ...]]] = {module: [] for module in modules}

        def around(module: nn.Module, forward: Callable[..., Any]) -> Callable[..., Any]:
            def note(*given: Any, **named: Any) -> Any:
                seen[module].append((*given, *named.values()))
                return forward(*given, **named)

            return note

        with patched(modules, around):
            self.logits(batch, {})
        return seen


def users_of(model: nn.Module, parameters: dict[str, Any]) -> frozenset[Any]:
    """The modules that own parameters of these names; tied ones under every name."""
    named = dict(model.named_parameters(remove_duplicate=False))
    changed = {id(named[name]) for name in parameters}
    return frozenset(
        module
        for module in model.modules()
        if any(id(part) in changed for part in module._parameters.values())
    )


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
