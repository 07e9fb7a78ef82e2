"""A small fixed LSTM in plain numpy, with which the compiled recurrent loops must agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interp_checks.ablations.targets.gate_weights import GATES, GateWeights
from interp_checks.arrays import Array, FloatArray

from .reference import AblatedWeights, Reference

if TYPE_CHECKING:
    from .compiled_engine import Compiled

_INPUTS, _STEPS, _FEATURES, _UNITS, _CLASSES = 7, 3, 4, 3, 5
#: Far more than float32 rounds off in so few steps.
_CLOSE = 1e-4


def agrees_with_numpy(engine: type[Compiled]) -> bool:
    """Whether the compiled engine runs a small ablated LSTM as numpy does.

    Args:
        engine: to try.
    """
    import torch
    from torch import nn

    class Small(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stack = nn.LSTM(_FEATURES, _UNITS, 2, batch_first=True)
            self.head = nn.Linear(_UNITS, _CLASSES)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.head(self.stack(inputs)[0][:, -1])
            return logits

    # Its first weights are drawn at random, and the user's draws must not move.
    with torch.random.fork_rng(devices=[]):
        model = Small().eval()
    for parameter in model.parameters():
        parameter.data.copy_(torch.from_numpy(_fixed(parameter.shape)).float())
    inputs = _fixed((_INPUTS, _STEPS, _FEATURES)).astype(np.float32)
    reference = Reference(model)
    ablations = []
    for layer, gate, kind, kept in (
        (1, "input", "input", (1,)),
        (1, "output", "recurrent", (2, 3)),
        (2, "cell", "input", (1, 3)),
        (2, "forget", "recurrent", ()),
    ):
        target = GateWeights(layer, gate, kind)  # type: ignore[arg-type]
        ablations.append(AblatedWeights(target, kept, reference.directions(target)))
    compiled = engine(reference, inputs, threads=1)
    predicted = np.empty((len(ablations), _INPUTS), dtype=np.uint8)
    lead = compiled.predict(ablations, predicted)
    state = {name: part.detach().double().numpy() for name, part in model.state_dict().items()}
    intact = _logits(state, inputs)
    logits = np.stack([_logits(_ablated(state, ablation), inputs) for ablation in ablations])
    ordered = np.sort(logits, axis=-1)
    leads = ordered[..., -1] - ordered[..., -2]
    clear = leads > _CLOSE
    return (
        np.allclose(compiled.intact_logits(), intact, atol=_CLOSE)
        and np.allclose(lead, leads, atol=_CLOSE)
        and np.array_equal(predicted[clear], logits.argmax(axis=-1)[clear])
    )


def _fixed(shape: tuple[int, ...]) -> FloatArray:
    """Numbers between -2 and 2 that look random and are the same everywhere."""
    numbers = np.arange(1, 1 + int(np.prod(shape)))
    fixed: FloatArray = ((numbers * 7919 % 101) / 25.0 - 2.0).reshape(shape)
    return fixed


def _ablated(state: dict[str, Array], ablation: AblatedWeights) -> dict[str, Array]:
    target = ablation.target
    name = f"stack.weight_{'ih' if target.kind == 'input' else 'hh'}_l{target.layer - 1}"
    first = GATES["LSTM"].index(target.gate) * _UNITS
    weight = state[name].copy()
    weight[first : first + _UNITS] = ablation.directions.weight(ablation.kept)
    return {**state, name: weight}


def _logits(state: dict[str, Array], inputs: Array) -> FloatArray:
    """An LSTM of two layers as its equations say (Hochreiter and Schmidhuber, 1997), [N, K]."""
    rows = inputs.astype(np.float64)
    for layer in range(2):
        hidden = cell = np.zeros((len(rows), _UNITS))
        outputs = []
        for step in range(_STEPS):
            gates = rows[:, step] @ state[f"stack.weight_ih_l{layer}"].T
            gates += state[f"stack.bias_ih_l{layer}"] + state[f"stack.bias_hh_l{layer}"]
            gates += hidden @ state[f"stack.weight_hh_l{layer}"].T
            let_in, forget, new, let_out = np.split(gates, 4, axis=1)
            cell = _sigmoid(forget) * cell + _sigmoid(let_in) * np.tanh(new)
            hidden = _sigmoid(let_out) * np.tanh(cell)
            outputs.append(hidden)
        rows = np.stack(outputs, axis=1)
    logits: FloatArray = rows[:, -1] @ state["head.weight"].T + state["head.bias"]
    return logits


def _sigmoid(values: FloatArray) -> FloatArray:
    sigmoid: FloatArray = 1 / (1 + np.exp(-values))
    return sigmoid
