"""How the cost grows with images and with subsets."""

from __future__ import annotations

import statistics
from dataclasses import replace
from pathlib import Path

import numpy as np

from interp_checks import Readout, every_subset, sweep

from .timing import timed


def growth(rounds: int) -> tuple[list[str], dict[str, list[tuple[int, float]]]]:
    """Time against images and against subsets, each over three decades."""
    generator = np.random.default_rng(0)
    found: dict[str, list[tuple[int, float]]] = {"images": [], "subsets": []}

    def once(images: int, directions: int) -> float:
        readout = Readout(
            features=generator.standard_normal((images, directions)).astype(np.float32),
            labels=generator.integers(0, 14, images),
            weight=generator.standard_normal((14, directions)),
        )
        every = every_subset(len(readout.directions))
        run = {"": lambda: sweep(replace(readout), every, engine="compiled")}
        return statistics.median(timed(run, rounds)[""])

    for images in (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000):
        found["images"].append((images, once(images, 8)))
    for directions in range(4, 15):
        found["subsets"].append((1 << directions, once(20_000, directions)))
    lines = ["| | smallest | largest | cost grows as its power |", "|---|--:|--:|--:|"]
    for name, points in found.items():
        sizes, taken = np.array(points).T
        half = len(sizes) // 2
        slope = np.polyfit(np.log(sizes[half:]), np.log(taken[half:]), 1)[0]
        lines.append(f"| {name} | {sizes[0]:,.0f} | {sizes[-1]:,.0f} | {slope:.2f} |")
    return lines, found


def plot(found: dict[str, list[tuple[int, float]]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "speed"
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    titles = {
        "images": "256 subsets of 8 directions, 14 classes",
        "subsets": "20,000 images, 14 classes",
    }
    for axis, (name, points) in zip(axes, found.items(), strict=True):
        sizes, taken = np.array(points).T
        axis.loglog(sizes, taken, "o-", color="#0072b2", label="measured")
        line = taken[-1] * sizes / sizes[-1]
        axis.loglog(sizes, line, "--", color="#767676", label="proportional")
        axis.set_xlabel(f"number of {name}")
        axis.set_title(titles[name], fontsize=10)
        axis.grid(alpha=0.3)
        axis.legend(frameon=False)
    axes[0].set_ylabel("seconds")
    figure.savefig(path, metadata={"Date": None, "Creator": None})
