"""How fast are the ablations of every gate, against a loop that swaps weights into nn.LSTM?

    INTERP_DATA=FOLDER python benchmarks/gates.py

All gate matrices of the shipped MNIST classifier, on the 10,000 test images (random images where
there are none). The loops are given the batch size and the number of threads they are quickest
with; all counts are compared before anything is timed. Prints medians of rounds in turn.
"""

from __future__ import annotations

import argparse
import copy
import os
import platform
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from interp_checks.ablations.ablation import family_members
from interp_checks.counting.job import available_threads
from interp_checks.networks.gates import (
    GateWeights,
    ablated_parameter,
    gate_weights_of,
    weight_directions,
)
from interp_checks.networks.reference import BATCH
from interp_checks.networks.sweep import GateAblation, predict_gates
from interp_fixtures.classifiers.checkpoints import load_checkpoint
from interp_fixtures.images.datasets import images_available, load_images
from interp_fixtures.reference_files import checkpoint_file

FAMILIES = ("dropping", "first", "last", "only")
BATCHES = (1000, 2500, 10000)


def images() -> tuple[torch.Tensor, torch.Tensor, str]:
    root = os.environ.get("INTERP_DATA")
    if images_available("mnist", root):
        found = load_images("mnist", "test", root=root)
        return torch.from_numpy(found.images), torch.from_numpy(found.labels), "MNIST test images"
    generator = torch.Generator().manual_seed(0)
    made = torch.rand((10000, 28, 28), generator=generator)
    return made, torch.randint(0, 10, (10000,), generator=generator), "random images"


def by_copy(model: Any, x: torch.Tensor, y: torch.Tensor, asked: list[GateAblation], batch: int):  # type: ignore[no-untyped-def]
    """Write each ablated matrix into a copy of the model, run it, write the old one back."""
    model = copy.deepcopy(model)
    state = {name: tensor.clone() for name, tensor in model.lstm.state_dict().items()}
    found: dict[GateWeights, Any] = {}
    counts = torch.zeros((len(asked), 100), dtype=torch.int64)
    with torch.no_grad():
        for row, (target, kept) in enumerate(asked):
            if target not in found:
                found[target] = weight_directions(state, target)
            name, tensor = ablated_parameter(state, target, kept, found[target])
            model.lstm.get_parameter(name).copy_(tensor)
            for images, labels in zip(x.split(batch), y.split(batch), strict=True):
                pairs = labels * 10 + model(images).argmax(1)
                counts[row] += torch.bincount(pairs, minlength=100)
            model.lstm.get_parameter(name).copy_(state[name])
    return counts.view(-1, 10, 10).numpy()


def by_function(
    model: Any, x: torch.Tensor, y: torch.Tensor, asked: list[GateAblation], batch: int
):  # type: ignore[no-untyped-def]
    """The same through torch.func.functional_call."""
    state = model.lstm.state_dict()
    found: dict[GateWeights, Any] = {}
    counts = torch.zeros((len(asked), 100), dtype=torch.int64)
    with torch.no_grad():
        for row, (target, kept) in enumerate(asked):
            if target not in found:
                found[target] = weight_directions(state, target)
            name, tensor = ablated_parameter(state, target, kept, found[target])
            for images, labels in zip(x.split(batch), y.split(batch), strict=True):
                logits = torch.func.functional_call(model, {f"lstm.{name}": tensor}, (images,))
                counts[row] += torch.bincount(labels * 10 + logits.argmax(1), minlength=100)
    return counts.view(-1, 10, 10).numpy()


def by_sweep(model: Any, x: torch.Tensor, y: torch.Tensor, asked: list[GateAblation]):  # type: ignore[no-untyped-def]
    """All ablations at once, with the compiled engine."""
    predicted = predict_gates(model, x, asked, engine="compiled")
    truth = 10 * y.numpy()
    counts = [np.bincount(truth + row, minlength=100) for row in predicted]
    return np.stack(counts).reshape(-1, 10, 10)


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    model = load_checkpoint(checkpoint_file("mnist")).model()
    x, y, source = images()
    targets = gate_weights_of(model)
    width = model.architecture.hidden_size
    asked = {
        family: [(t, one.kept(width)) for t in targets for one in family_members(family, width)]
        for family in FAMILIES
    }
    threads = sorted({1, available_threads()})
    loops = {"copy": by_copy, "functional_call": by_function}
    # A tenth of the work finds the quickest way to run each loop.
    ways = {}
    for name, loop in loops.items():
        for batch in BATCHES:
            for count in threads:
                torch.set_num_threads(count)
                run = partial(loop, model, x, y, asked["dropping"][::10], batch)
                ways[name, batch, count] = min(seconds(run) for _ in range(2))
    best = min(ways, key=lambda way: ways[way])
    name, batch, count = best
    print(
        f"{platform.processor() or platform.machine()}, {threads[-1]} cores, load {os.getloadavg()}"
    )
    print(f"{len(targets)} matrices of {width} directions, {len(x):,} {source}")
    print(f"quickest loop: {name}, {batch:,} images at a time, {count} threads")
    for family in FAMILIES:
        ours = partial(by_sweep, model, x, y, asked[family])
        theirs = partial(loops[name], model, x, y, asked[family], batch)
        torch.set_num_threads(count)
        # In batches like the reference's, the loop's counts are ours; in others, PyTorch itself
        # rounds differently, which moves an image here and there.
        exact = loops[name](model, x, y, asked[family], BATCH)
        assert (ours() == exact).all(), family
        moved = int(np.abs(theirs() - exact).sum()) // 2
        times: dict[str, list[float]] = {"ours": [], "theirs": []}
        for _ in range(rounds):
            times["ours"].append(seconds(ours))
            times["theirs"].append(seconds(theirs))
        mine, other = (statistics.median(taken) for taken in times.values())
        spread = ", ".join(f"{b / a:.1f}" for a, b in zip(*times.values(), strict=True))
        print(
            f"{family:9} {len(asked[family])} ablations: {mine:6.2f} s against {other:6.2f} s, "
            f"{other / mine:.1f} times faster (rounds: {spread}); counts equal "
            f"({moved} predictions of the loop depend on its batches)",
            flush=True,
        )
    print(f"load at the end {os.getloadavg()}")


if __name__ == "__main__":
    np.seterr(all="raise")
    main()
