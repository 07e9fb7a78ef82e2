"""Judging gates leaves a model as it is, and takes its own output for intact."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from gate_cases import (
    CLASSES,
    FEATURES,
    STEPS,
    UNITS,
    Wrapped,
    _one_thread,
    case,
    every_kind,
    labelled,
)
from naive import rebuilt
from torch import nn

from interp_checks import (
    GateWeights,
    InterpChecksError,
    Outcome,
    Verdict,
    dropping,
    judge,
    keeping_every_direction,
    keeping_no_direction,
    keeping_only,
    readout_of,
)
from interp_checks.counting.sweep import predict

__all__ = ["_one_thread"]  # fixture

pytestmark = pytest.mark.slow


# --- the model stays as it is -------------------------------------------------------------------


def bits(model: nn.Module) -> dict[str, bytes]:
    return {name: part.numpy().tobytes() for name, part in model.state_dict().items()}


@contextmanager
def untouched(model: nn.Module, memory: Any) -> Iterator[None]:
    before, modes = bits(model), [part.training for part in model.modules()]
    places = [part.data_ptr() for part in model.parameters()]
    yield
    assert bits(model) == before
    assert [part.training for part in model.modules()] == modes
    assert [part.data_ptr() for part in model.parameters()] == places
    # The list that a forward pass reads its weights from.
    assert all(
        flat is memory.get_parameter(name)
        for name, flat in zip(memory._flat_weights_names, memory._flat_weights, strict=True)
    )
    assert all(parameter.grad is None for parameter in model.parameters())


@every_kind
def test_judging_leaves_the_model_bit_identical(made: Any) -> None:
    one = case(*made)
    with untouched(one.model, one.memory):
        for target in one.targets[:: 1 + 2 * (len(one.targets) // 16)]:
            judge(f"dropping direction 1 of {target} kills class 1", one.readout, rotations=3)
            judge(f"every direction of {target} alone spares class 1", one.readout)


@every_kind
@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_failure_in_the_middle_leaves_the_model_bit_identical(
    made: Any, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = case(*made)
    plain, passes = nn.Linear.forward, 0

    def breaks(layer: nn.Linear, given: torch.Tensor) -> torch.Tensor:
        nonlocal passes
        passes += 1
        if passes == after:
            raise RuntimeError("the model broke")
        return plain(layer, given)

    fresh = replace(one.readout, network=one.readout.needs_network("this").part(np.arange(20)))
    fresh = replace(fresh, features=fresh.features[:20], labels=fresh.labels[:20])
    for target in one.targets:
        passes = 0
        with untouched(one.model, one.memory):
            with monkeypatch.context() as patch:
                patch.setattr(nn.Linear, "forward", breaks)
                with pytest.raises(RuntimeError, match="the model broke"):
                    judge(f"dropping direction 1 of {target} keeps accuracy above 1 %", fresh)
            # And it can still be judged.
            again = judge(f"dropping direction 1 of {target} keeps accuracy above 1 %", fresh)
            assert isinstance(again, Verdict)


def test_predictions_are_those_of_the_evaluated_model_whatever_its_mode() -> None:
    class Dropping(Wrapped):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            outputs, _ = self.body["memory"](inputs)
            halved = nn.functional.dropout(outputs[:, -1], 0.5, self.training)
            logits: torch.Tensor = self.head(halved)
            return logits

    torch.manual_seed(0)
    model, inputs = Dropping(nn.GRU), torch.randn(300, STEPS, FEATURES)
    labels = labelled(model, inputs, 0)
    model.train()
    readout = readout_of(model, [(inputs, labels)], keep_inputs=True)
    every = keeping_every_direction()
    target = GateWeights(1, "new", "input")
    np.testing.assert_array_equal(predict(readout, every.of(target)), predict(readout, every))
    assert model.training


def test_a_model_that_writes_into_its_inputs_sees_them_as_they_were() -> None:
    class Writing(Wrapped):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return super().forward(inputs.copy_(inputs.roll(1, dims=2)))

    torch.manual_seed(0)
    model, inputs = Writing(nn.GRU), torch.randn(300, STEPS, FEATURES)
    labels = labelled(model, inputs.clone(), 0)
    readout = readout_of(model, [(inputs, labels)], keep_inputs=True)
    every = keeping_every_direction()
    target = GateWeights(1, "new", "input")
    np.testing.assert_array_equal(predict(readout, every.of(target)), predict(readout, every))


# --- one definition of intact -------------------------------------------------------------------


class Finished(nn.Module):
    """A recurrent classifier, and what is done with its logits."""

    def __init__(self, finish: Callable[[torch.Tensor], Any], classes: int = CLASSES) -> None:
        super().__init__()
        self.memory, self.finish = nn.GRU(FEATURES, UNITS, batch_first=True), finish
        self.head = nn.Linear(UNITS, classes)

    def forward(self, inputs: torch.Tensor) -> Any:
        return self.finish(self.head(self.memory(inputs)[1][-1]))


@pytest.mark.parametrize(
    ("finish", "classes"),
    [
        (lambda logits: logits, CLASSES),
        (lambda logits: logits + 1000, CLASSES),
        (lambda logits: logits.log_softmax(1), CLASSES),
        (lambda logits: logits.softmax(1), CLASSES),
        (lambda logits: 2 * torch.tanh(logits / 2), CLASSES),
        (lambda logits: logits / 1e4, CLASSES),
        (lambda logits: {"scores": logits, "mean": logits.mean()}, CLASSES),
        (lambda logits: (logits, logits.log_softmax(1)), CLASSES),
        (lambda logits: torch.sigmoid(logits).squeeze(1), 1),
        (lambda logit: logit[:, 0], 1),
    ],
)
def test_whatever_becomes_of_the_logits_intact_means_the_same(finish: Any, classes: int) -> None:
    """Gates are judged by what the head makes of the features, as all else is."""
    torch.manual_seed(0)
    model = Finished(finish, classes).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    inputs = torch.randn(160, STEPS, FEATURES).double() * 2
    labels = torch.arange(160) % max(2, classes)
    readout = readout_of(model, [(inputs, labels)], keep_inputs=True)
    gate = GateWeights(1, "update", "recurrent")
    same = f"keeping every direction of {gate} predicts exactly the same as keeping every direction"
    assert judge(same, readout).outcome == Outcome.HOLDS
    count = len(readout.directions_of(gate))
    for ablation in (dropping(1), keeping_only(2), keeping_no_direction()):
        kept = ablation.kept(count)
        update = model.memory.weight_hh_l0[UNITS : 2 * UNITS].detach().numpy()
        changed = copy.deepcopy(model)
        with torch.no_grad():
            block = torch.from_numpy(rebuilt(update, kept))
            changed.memory.weight_hh_l0[UNITS : 2 * UNITS] = block
            logits = changed.head(changed.memory(inputs)[1][-1])
        own = (logits[:, 0] > 0).long() if classes == 1 else logits.argmax(1)
        np.testing.assert_array_equal(predict(readout, ablation.of(gate)), own.numpy())


def test_a_model_that_adds_to_its_logits_is_refused() -> None:
    """It was judged by its own output here, and by features and head there."""
    prior = torch.tensor([0, 3.0, 0, 0])
    with pytest.raises(InterpChecksError, match="is not what the model puts out"):
        readout_of(
            Finished(lambda logits: logits + prior),
            [(torch.randn(80, STEPS, FEATURES), torch.arange(80) % CLASSES)],
            keep_inputs=True,
        )


@pytest.mark.parametrize("classes_alike", [True, False])
def test_ties_go_to_the_first_class_in_gates_too(classes_alike: bool) -> None:
    """Two classes have the same weights: rounding must not choose between them."""
    torch.manual_seed(0)
    model = Finished(lambda logits: logits)
    with torch.no_grad():
        model.head.weight[3] = model.head.weight[1] if classes_alike else -model.head.weight[1]
        model.head.bias.zero_()
    inputs = torch.randn(300, STEPS, FEATURES)
    readout = readout_of(model, [(inputs, torch.arange(300) % CLASSES)], keep_inputs=True)
    gate = GateWeights(1, "new", "input")
    found = predict(readout, keeping_every_direction().of(gate))
    np.testing.assert_array_equal(found, predict(readout, None))
    assert (3 in found) is not classes_alike
    assert 1 in found
