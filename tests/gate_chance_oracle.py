"""Chance rates of claims about gates from a plain loop: turn, rebuild, swap, run, look."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import numpy as np
import torch
from naive import turned
from torch import nn

from interp_checks import GateWeights, Readout, readout_of

CLASSES, UNITS, FEATURES = 4, 6, 5


class Small(nn.Module):
    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.memory: Any = kind(FEATURES, UNITS, batch_first=True)
        self.head = nn.Linear(UNITS, CLASSES)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.memory(inputs)[0][:, -1])
        return logits


@cache
def made(kind: Any, images: int = 240) -> tuple[nn.Module, torch.Tensor, Readout]:
    """A random classifier with large weights, in float64, that is right for nine of ten inputs."""
    torch.manual_seed(1)
    model = Small(kind).double().eval()
    inputs = torch.randn(images, 4, FEATURES).double() * 2
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
        model.head.bias.sub_(model(inputs).mean(dim=0))
        labels = model(inputs).argmax(dim=1)
    labels[::10] = torch.arange(len(labels[::10])) % CLASSES
    return model, inputs, readout_of(model, [(inputs, labels)], keep_inputs=True)


class Loop:
    """Predictions of every ablation of a gate, or of the head, under each rotation."""

    def __init__(self, kind: Any, target: GateWeights | None, at: int, rotations: int) -> None:
        self.model, inputs, self.readout = made(kind)
        self.inputs, self.labels = inputs, self.readout.labels
        self.target = target
        self.name = "head.weight"
        self.rows = slice(None)
        if target is not None:
            self.name = f"memory.weight_{'ih' if target.kind == 'input' else 'hh'}_l0"
            self.rows = slice(at * UNITS, (at + 1) * UNITS)
        self.whole = self.model.state_dict()[self.name][self.rows].numpy()
        self.cuts = list(turned(self.whole, rotations))
        self.width = len(self.cuts[0])
        self.intact = self.run(self.whole)
        self.known: dict[tuple[int, ...], list[np.ndarray]] = {}

    def run(self, block: np.ndarray) -> np.ndarray:
        model = copy.deepcopy(self.model)
        state = model.state_dict()
        state[self.name][self.rows] = torch.from_numpy(block)
        model.load_state_dict(state)
        with torch.no_grad():
            predicted: np.ndarray = model(self.inputs).argmax(dim=1).numpy()
        return predicted

    def predicted(self, kept: tuple[int, ...]) -> list[np.ndarray]:
        if kept not in self.known:
            empty = np.zeros_like(self.whole)
            self.known[kept] = [
                self.run(sum((pieces[number - 1] for number in kept), empty))
                for pieces in self.cuts
            ]
        return self.known[kept]

    def recall(self, predicted: np.ndarray, name: int) -> float:
        return float((predicted[self.labels == name] == name).mean())

    def kills(self, predicted: np.ndarray, name: int) -> bool:
        return self.recall(predicted, name) < 0.05 and self.recall(self.intact, name) > 0.5
