"""Models whose gates' weights are overwritten by what stays of them."""

from __future__ import annotations

import copy
from typing import Any

import torch
from naive import rebuilt
from torch import nn

from interp_checks.networks.gates import GateWeights

ORDER = {"LSTM": ("input", "forget", "cell", "output"), "GRU": ("reset", "update", "new")}


def swapped(model: Any, target: GateWeights, kept: tuple[int, ...]) -> Any:
    """A copy of a model whose weights are overwritten by hand."""
    model = copy.deepcopy(model)
    stack = next(part for part in model.modules() if isinstance(part, nn.RNNBase))
    name = f"weight_{'ih' if target.kind == 'input' else 'hh'}_l{target.layer - 1}"
    stacked = getattr(stack, name + ("_reverse" if target.backward else ""))
    gates = ORDER.get(type(stack).__name__, ("",))
    start = gates.index(target.gate) * stack.hidden_size
    block = stacked.detach()[start : start + stack.hidden_size]
    left = rebuilt(block.double().numpy(), kept)
    with torch.no_grad():
        stacked[start : start + stack.hidden_size] = torch.from_numpy(left)
    return model
