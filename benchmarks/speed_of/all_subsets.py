"""All subsets of the ten directions of the shipped MNIST head."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from interp_checks import Readout, every_subset, load_snapshot, sweep
from interp_fixtures.classifiers.checkpoints import load_checkpoint
from interp_fixtures.reference_files import checkpoint_file, snapshot_file

from .timing import best_threads, timed, with_threads


class Head(NamedTuple):
    """What a user of torch would keep: features, labels, and the parts of the weight."""

    h: torch.Tensor
    y: torch.Tensor
    u: torch.Tensor
    sv: torch.Tensor
    b: torch.Tensor
    masks: torch.Tensor

    @classmethod
    def of(cls, readout: Readout, dtype: torch.dtype) -> Head:
        directions = readout.directions
        width = len(directions)
        masks = torch.arange(1 << width)[:, None] >> torch.arange(width) & 1
        scaled = directions.classes * directions.singular_values
        return cls(
            torch.tensor(readout.features).to(dtype),
            torch.tensor(readout.labels),
            torch.tensor(directions.hidden).to(dtype),
            torch.tensor(scaled).to(dtype),
            torch.tensor(readout.bias).to(dtype),
            masks.to(dtype),
        )


def torch_loop(head: Head) -> torch.Tensor:
    """One matrix product, argmax and bincount for each ablation."""
    classes = len(head.b)
    labels = head.y * classes
    counts = torch.empty((len(head.masks), classes, classes), dtype=torch.int64)
    for number, mask in enumerate(head.masks):
        weight_t = (head.u * mask) @ head.sv.T
        predicted = torch.addmm(head.b, head.h, weight_t).argmax(1)
        found = torch.bincount(labels + predicted, minlength=classes**2)
        counts[number] = found.view(classes, classes)
    return counts


def torch_batched(head: Head) -> torch.Tensor:
    """The same, 32 ablations in one matrix product."""
    classes = len(head.b)
    labels = (head.y * classes)[:, None]
    parts = []
    for masks in head.masks.split(32):
        weights = torch.einsum("kr,ar,zr->zak", head.sv, masks, head.u).flatten(1)
        logits = (head.h @ weights).view(len(head.h), len(masks), classes) + head.b
        pairs = torch.arange(len(masks)) * classes**2 + labels + logits.argmax(2)
        found = torch.bincount(pairs.flatten(), minlength=len(masks) * classes**2)
        parts.append(found.view(-1, classes, classes))
    return torch.cat(parts)


def subsets(rounds: int) -> list[str]:
    readout = load_snapshot(snapshot_file("mnist"))
    every = every_subset(len(readout.directions))
    ours = sweep(replace(readout), every, engine="compiled").counts
    exact, single = Head.of(readout, torch.float64), Head.of(readout, torch.float32)
    assert (torch_loop(exact).numpy() == ours).all()
    assert (torch_batched(exact).numpy() == ours).all()
    off = int(np.abs(torch_loop(single).numpy() - ours).sum()) // 2

    checkpoint = load_checkpoint(checkpoint_file("mnist"))
    model = checkpoint.model()
    images = torch.rand(len(readout), 28, 28, generator=torch.Generator().manual_seed(0))

    def forward() -> object:
        with torch.no_grad():
            return torch.cat([model(part) for part in images.split(2500)])

    def loop() -> object:
        return torch_loop(single)

    def batched() -> object:
        return torch_batched(single)

    threads = {name: best_threads(run) for name, run in
               (("loop", loop), ("batched", batched), ("forward", forward))}  # fmt: skip
    work = {
        "ours": lambda: sweep(replace(readout), every, engine="compiled"),
        "loop": with_threads(threads["loop"], loop),
        "batched": with_threads(threads["batched"], batched),
        "forward": with_threads(threads["forward"], forward),
    }
    times = timed(work, rounds)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    medians["rerun"] = medians["forward"] * len(every)
    rows = [
        ("this project, all 1,024 confusion matrices", "ours", times["ours"]),
        (f"PyTorch, a product for each ablation ({threads['loop']} threads)", "loop",
         times["loop"]),
        (f"PyTorch, 32 ablations a product ({threads['batched']} threads)", "batched",
         times["batched"]),
        (f"one forward pass of the model ({threads['forward']} threads)", "forward",
         times["forward"]),
    ]  # fmt: skip
    lines = ["| | median | range | times ours |", "|---|--:|--:|--:|"]
    for title, name, taken in rows:
        lines.append(
            f"| {title} | {1e3 * medians[name]:.1f} ms | {1e3 * min(taken):.1f} to "
            f"{1e3 * max(taken):.1f} | {medians[name] / medians['ours']:.1f} |"
        )
    lines.append(
        f"| rerunning the model for each ablation (1,024 forward passes, computed) | "
        f"{medians['rerun']:.1f} s | | {medians['rerun'] / medians['ours']:,.0f} |"
    )
    lines.append("")
    lines.append(
        "The counts of both PyTorch versions in float64 equal ours. They are timed in float32, "
        f"where {off} of the {len(every) * len(readout):,} predictions come out otherwise."
    )
    return lines
