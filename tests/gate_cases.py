"""Recurrent classifiers of every kind, and their gates ablated by hand."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from naive import rebuilt
from torch import nn

from interp_checks import GateWeights, Readout, readout_of

GATES = {
    nn.LSTM: ("input", "forget", "cell", "output"),
    nn.GRU: ("reset", "update", "new"),
    nn.RNN: ("",),
}
FEATURES, UNITS, CLASSES, STEPS = 4, 5, 4, 6


class Wrapped(nn.Module):
    """A classifier with its recurrent layer two modules down, fed either way round."""

    def __init__(self, kind: Any, *, batch_first: bool = True, **options: Any) -> None:
        super().__init__()
        layer: Any = kind(FEATURES, UNITS, batch_first=batch_first, **options)
        self.body = nn.ModuleDict({"memory": layer})
        self.batch_first = batch_first
        self.head = nn.Linear(UNITS * (2 if options.get("bidirectional") else 1), CLASSES)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        given = inputs if self.batch_first else inputs.transpose(0, 1)
        outputs, _ = self.body["memory"](given)
        outputs = outputs if self.batch_first else outputs.transpose(0, 1)
        logits: torch.Tensor = self.head(outputs.mean(dim=1))
        return logits


class Case(NamedTuple):
    model: nn.Module
    inputs: torch.Tensor
    labels: torch.Tensor
    readout: Readout

    @property
    def memory(self) -> Any:
        return self.model.get_submodule("body.memory")

    @property
    def kind(self) -> Any:
        return type(self.memory)

    @property
    def targets(self) -> list[GateWeights]:
        """Every gate's weights, listed by hand."""
        backward = (False, True) if self.memory.bidirectional else (False,)
        return [
            GateWeights(layer, gate, kind, back)
            for layer in range(1, self.memory.num_layers + 1)
            for back in backward
            for gate in GATES[self.kind]
            for kind in ("input", "recurrent")
        ]


def labelled(model: nn.Module, inputs: torch.Tensor, seed: int) -> torch.Tensor:
    """The model's own predictions, one of ten replaced."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        labels: torch.Tensor = model.eval()(inputs).argmax(dim=1)
    wrong = torch.rand(len(labels), generator=generator) < 0.1
    labels[wrong] = torch.randint(0, CLASSES, (int(wrong.sum()),), generator=generator)
    return labels


@cache
def case(
    kind: Any, layers: int = 1, both: bool = False, batch_first: bool = True, seed: int = 0
) -> Case:
    """A random classifier with large weights, in float64: no two logits are nearly the same."""
    torch.manual_seed(seed)
    model = Wrapped(kind, batch_first=batch_first, num_layers=layers, bidirectional=both).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
        model.head.bias.sub_(model(torch.randn(200, STEPS, FEATURES).double()).mean(dim=0))
    inputs = torch.randn(160, STEPS, FEATURES).double() * 2
    labels = labelled(model, inputs, seed)
    batches = [(inputs[:100], labels[:100]), (inputs[100:], labels[100:])]
    return Case(model, inputs, labels, readout_of(model, batches, keep_inputs=True))


CASES = [
    (nn.LSTM, 1, False, True),
    (nn.LSTM, 2, True, True),
    (nn.GRU, 2, False, False),
    (nn.GRU, 1, True, True),
    (nn.RNN, 2, True, False),
    (nn.RNN, 1, False, True),
]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """On a busy machine, many threads are far slower for models as small as these."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


every_kind = pytest.mark.parametrize("made", CASES, ids=lambda made: "-".join(map(str, made[1:])))


def rows_of(made: Case, target: GateWeights) -> tuple[str, slice]:
    name = ("weight_ih" if target.kind == "input" else "weight_hh") + f"_l{target.layer - 1}"
    at = GATES[made.kind].index(target.gate) * made.memory.hidden_size
    suffix = "_reverse" if target.backward else ""
    return f"body.memory.{name}{suffix}", slice(at, at + made.memory.hidden_size)


def block_of(made: Case, target: GateWeights) -> np.ndarray:
    name, rows = rows_of(made, target)
    block: np.ndarray = made.model.state_dict()[name][rows].double().numpy()
    return block


def swapped(made: Case, target: GateWeights, block: np.ndarray) -> np.ndarray:
    """Predictions of a copy of the model with these rows in the place of a gate's."""
    model = copy.deepcopy(made.model).eval()
    state = model.state_dict()
    name, rows = rows_of(made, target)
    state[name][rows] = torch.from_numpy(block).to(state[name])
    model.load_state_dict(state)
    with torch.no_grad():
        predicted: np.ndarray = model(made.inputs).argmax(dim=1).numpy()
    return predicted


def by_hand(made: Case, target: GateWeights, kept: tuple[int, ...]) -> np.ndarray:
    return swapped(made, target, rebuilt(block_of(made, target), kept))


#: What the planted network reads its inputs with.
READS = GateWeights(1, "", "input")


@cache
def planted(images: int = 2400) -> Readout:
    """A network that reads class k along direction k + 1 of its input weights, and no
    class along the others.

    Every input has something of every class, so that a class that is not seen at all loses.
    """
    torch.manual_seed(0)
    sizes = torch.tensor([1.0, 0.8, 0.6, 0.45, 0.4, 0.35, 0.3, 0.25])
    wide = len(sizes)

    class Planted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn: Any = nn.RNN(wide, wide, batch_first=True)
            self.head = nn.Linear(wide, CLASSES)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.head(self.rnn(inputs)[1][-1])
            return logits

    made = Planted()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.zero_()
        made.rnn.weight_ih_l0.copy_(torch.diag(sizes))
        made.rnn.weight_hh_l0.copy_(torch.diag(sizes / 100))
        made.head.weight.copy_(torch.diag(1 / sizes)[:CLASSES])
    labels = torch.arange(images) % CLASSES
    inputs = 0.3 + 0.1 * torch.rand(images, 3, wide)
    inputs[:, -1, :CLASSES] += 0.6 * nn.functional.one_hot(labels, CLASSES)
    return readout_of(made, [(inputs, labels)], keep_inputs=True)
