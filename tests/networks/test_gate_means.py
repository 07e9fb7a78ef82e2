"""The mean in the place of a gate's directions: against layers that are run step by step."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from interp_checks import (
    GateWeights,
    NotJudgedError,
    Readout,
    dropping,
    judge,
    keeping_first,
    keeping_no_direction,
    readout_of,
)

GATES = {
    nn.LSTM: ("input", "forget", "cell", "output"),
    nn.GRU: ("reset", "update", "new"),
    nn.RNN: ("",),
}
CELLS = {nn.LSTM: nn.LSTMCell, nn.GRU: nn.GRUCell, nn.RNN: nn.RNNCell}
UNITS = 4


class Classifier(nn.Module):
    def __init__(self, kind: type[nn.RNNBase], **options: object) -> None:
        super().__init__()
        self.rnn = kind(3, UNITS, num_layers=2, **options)  # type: ignore[arg-type]
        self.head = nn.Linear(UNITS * (2 if self.rnn.bidirectional else 1), 3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        steps = self.rnn(inputs)[0]
        return self.head(steps.mean(dim=1))


def made(kind: type[nn.RNNBase], **options: object) -> tuple[nn.Module, torch.Tensor, Readout]:
    torch.manual_seed(0)
    model = Classifier(kind, batch_first=True, **options).eval()
    inputs = torch.randn(90, 5, 3) + 0.7
    with torch.no_grad():
        for part in model.rnn.parameters():
            part.mul_(2)
        model.head.bias.sub_(model(inputs).mean(dim=0))
    return model, inputs, readout_of(model, [(inputs, torch.arange(90) % 3)], keep_inputs=True)


def read_by(model: nn.Module, inputs: torch.Tensor, target: GateWeights) -> np.ndarray:
    """The mean of what weights read, [F or H], by cells that run step by step."""
    kind, steps = type(model.rnn), inputs
    for layer in range(2):
        outputs = []
        for backward in (False, True)[: 2 if model.rnn.bidirectional else 1]:
            ending = f"_l{layer}" + ("_reverse" if backward else "")
            cell = CELLS[kind](steps.shape[-1], UNITS)
            with torch.no_grad():
                for name, part in cell.named_parameters():
                    part.copy_(getattr(model.rnn, name + ending))
            state: object = None
            before, after = [], []
            order = range(steps.shape[1])[:: -1 if backward else 1]
            hidden = torch.zeros(len(inputs), UNITS)
            for step in order:
                before.append(hidden)
                with torch.no_grad():
                    state = cell(steps[:, step], state)
                hidden = state[0] if isinstance(state, tuple) else state  # type: ignore[assignment]
                after.append(hidden)
            outputs.append(torch.stack(after[:: -1 if backward else 1], dim=1))
            if (layer + 1, backward) == (target.layer, target.backward):
                read = steps if target.kind == "input" else torch.stack(before, dim=1)
                return read.double().flatten(0, 1).mean(dim=0).numpy()
        steps = torch.cat(outputs, dim=-1)
    raise AssertionError


def expected(
    model: nn.Module, inputs: torch.Tensor, target: GateWeights, kept: tuple[int, ...]
) -> np.ndarray:
    """Predictions of a copy with the rest of the weight, and the mean in its bias."""
    other = copy.deepcopy(model)
    place = GATES[type(model.rnn)].index(target.gate) * UNITS
    rows = slice(place, place + UNITS)
    name = target.parameter
    block = getattr(model.rnn, name)[rows].detach().double().numpy()
    u, s, vt = np.linalg.svd(block, full_matrices=False)
    stays = [index - 1 for index in kept]
    left = (u[:, stays] * s[stays]) @ vt[stays]
    constant = (block - left) @ read_by(model, inputs, target)
    with torch.no_grad():
        getattr(other.rnn, name)[rows] = torch.from_numpy(left).float()
        bias = getattr(other.rnn, name.replace("weight", "bias"))
        bias[rows] = (bias[rows].double() + torch.from_numpy(constant)).float()
        return other(inputs).argmax(dim=1).numpy()


CASES = [
    (kind, GateWeights(layer, gate, reads, backward), options)
    for kind, gates in GATES.items()
    for layer, gate, reads, backward, options in [
        (1, gates[0], "input", False, {}),
        (1, gates[-1], "recurrent", False, {}),
        (2, gates[-1], "input", False, {}),
        (2, gates[0], "recurrent", True, {"bidirectional": True}),
        (1, gates[-1], "recurrent", True, {"bidirectional": True}),
    ]
]


@pytest.mark.parametrize(("kind", "target", "options"), CASES, ids=str)
def test_the_mean_is_that_of_layers_run_step_by_step(
    kind: type[nn.RNNBase], target: GateWeights, options: dict[str, object]
) -> None:
    model, inputs, readout = made(kind, **options)
    width = len(readout.directions_of(target))
    changed = 0
    for ablation in (dropping(1), dropping(2), keeping_first(1), keeping_no_direction()):
        filled = ablation.of(target).filled_with("mean")
        counts = readout.ablated(filled).counts
        wanted = np.zeros((3, 3), dtype=int)
        predicted = expected(model, inputs, target, ablation.kept(width))
        np.add.at(wanted, (readout.labels, predicted), 1)
        assert (counts == wanted).all()
        changed += (counts != readout.ablated(ablation.of(target)).counts).any()
    assert changed


def test_a_whole_suite_s_fill_reaches_the_gates() -> None:
    _, _, readout = made(nn.LSTM)
    gate = "of the layer 1 forget gate's recurrent weights"
    said = judge(f"replacing direction 1 {gate} by its mean keeps accuracy above 1 %", readout)
    whole = judge(
        f"dropping direction 1 {gate} keeps accuracy above 1 %", readout.filled_with("mean")
    )
    assert said.checks[0].measured == whole.checks[0].measured


def test_a_layer_without_a_bias_is_refused() -> None:
    _, _, readout = made(nn.LSTM, bias=False)
    gate = "of the layer 1 forget gate's recurrent weights"
    with pytest.raises(NotJudgedError, match="a layer without a bias"):
        judge(f"replacing direction 1 {gate} by its mean keeps accuracy above 1 %", readout)


def test_chance_puts_the_means_of_random_pieces_in_the_place() -> None:
    _, _, readout = made(nn.LSTM)
    target = GateWeights(1, "cell", "recurrent")
    zero, mean = (
        readout.random_cuts(6, target).predicted(dropping(1).of(target))
        if fill == "zero"
        else readout.filled_with("mean").random_cuts(6, target).predicted(dropping(1).of(target))
        for fill in ("zero", "mean")
    )
    assert zero.shape == mean.shape == (6, len(readout))
    assert (zero != mean).any()
