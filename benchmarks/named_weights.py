"""How fast are ablations of any named weight, against a loop over copies of the model?

    python benchmarks/named_weights.py [--images 256] [--directions 8] [--rounds 3]

The weights of the deeper half of two models with random weights: torchvision's ResNet-18 on images
of 64 x 64, and an encoder of six layers on 32 tokens of width 128. Of each weight, the first few
directions are dropped one at a time. The loop does what one would do by hand: it writes the weight
without the direction into a copy of the model, runs it on all inputs in the batches that suit it
best, and puts the weight back. All predictions are compared before anything is timed; both run in
turn, and medians are shown.
"""

from __future__ import annotations

import argparse
import copy
import platform
import statistics
import time

import numpy as np
import torch
from torch import nn
from torchvision.models import resnet18

from interp_checks import NamedWeights
from interp_checks.ablations.directions import Directions
from interp_checks.networks.engine import Without
from interp_checks.networks.model_state import evaluating
from interp_checks.networks.module_engine import ModuleEngine

BATCHES = (32, 64, 256)


class Encoder(nn.Module):
    """Six layers of PyTorch's own encoder, read from the mean over the tokens."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(128, 4, 512, batch_first=True)
        self.body = nn.TransformerEncoder(layer, 6, enable_nested_tensor=False)
        self.head = nn.Linear(128, 10)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.body(tokens).mean(dim=1))
        return logits


def deeper_half(model: nn.Module) -> list[str]:
    """Names of the convolutions and linear layers of the second half, the head left out."""
    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, (nn.Conv2d, nn.Linear)) and name not in ("fc", "head")
    ]
    return names[len(names) // 2 :]


def by_copy(
    model: nn.Module, inputs: torch.Tensor, names: list[str], directions: int, batch: int
) -> np.ndarray:
    """Predictions [A, N] of copies, one weight and direction after another."""
    other, rows = copy.deepcopy(model), []
    with torch.no_grad():
        for name in names:
            weight = other.get_submodule(name).weight
            before = weight.detach().clone()
            parts = Directions.of(before.double().reshape(len(before), -1).numpy())
            for number in range(1, directions + 1):
                kept = tuple(each for each in range(1, len(parts) + 1) if each != number)
                weight.copy_(torch.from_numpy(parts.weight(kept)).reshape(before.shape))
                logits = torch.cat([other(piece) for piece in inputs.split(batch)])
                rows.append(logits.argmax(dim=1).numpy())
            weight.copy_(before)
    return np.stack(rows)


def by_engine(
    model: nn.Module, inputs: torch.Tensor, names: list[str], directions: int
) -> np.ndarray:
    """The same by the engine."""
    with evaluating(model):
        engine = ModuleEngine(model, lambda: inputs, None)
        asked = []
        for name in names:
            target = NamedWeights(name)
            width = len(engine.directions(target))
            for number in range(1, directions + 1):
                kept = tuple(each for each in range(1, width + 1) if each != number)
                asked.append(Without(target, kept))
        return engine.run(asked)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--directions", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    print(f"{platform.machine()}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    print("| model | weights | ablations | copies | engine | ratio | predictions that differ |")
    print("|---|---|---|---|---|---|---|")
    for name, make, shape in (
        ("ResNet-18", lambda: resnet18(num_classes=10), (3, 64, 64)),
        ("encoder, 6 layers", Encoder, (32, 128)),
    ):
        torch.manual_seed(0)
        model, inputs = make().eval(), torch.randn(chosen.images, *shape)
        names = deeper_half(model)
        expected = by_copy(model, inputs, names, chosen.directions, chosen.images)
        differ = int((by_engine(model, inputs, names, chosen.directions) != expected).sum())
        trial = {}
        for batch in BATCHES:
            start = time.perf_counter()
            by_copy(model, inputs, names[:1], chosen.directions, batch)
            trial[batch] = time.perf_counter() - start
        best = min(trial, key=lambda batch: trial[batch])
        times: dict[str, list[float]] = {"copies": [], "engine": []}
        for _ in range(chosen.rounds):
            start = time.perf_counter()
            by_copy(model, inputs, names, chosen.directions, best)
            times["copies"].append(time.perf_counter() - start)
            start = time.perf_counter()
            by_engine(model, inputs, names, chosen.directions)
            times["engine"].append(time.perf_counter() - start)
        copies, engine = (statistics.median(times[way]) for way in ("copies", "engine"))
        count = len(names) * chosen.directions
        print(
            f"| {name} | {len(names)} | {count} | {copies:.1f} s | {engine:.1f} s | "
            f"{copies / engine:.1f} | {differ} of {expected.size:,} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
