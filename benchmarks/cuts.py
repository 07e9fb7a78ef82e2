"""Which cut of a head gives the cleaner findings: directions, components, units, or anything?

For each way to cut the shipped classifier's output layer into parts, and each thing to put in the
place of a part: how many classes one part carries. A part carries a class if the class's recall
falls below 5 % without it; cleanly, if every other class loses less than 10 points. The same is
counted for random rotations of the singular directions, which are what a cut without any meaning
looks like.

    python benchmarks/cuts.py [--rotations 1000] [--dataset mnist]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from interp_checks import Readout, sweep
from interp_checks.ablations.ablation import dropping, family_members
from interp_checks.ablations.fill import FILLS
from interp_checks.arrays import Array
from interp_checks.counting.random_directions import random_cuts
from interp_checks.thresholds import ALIVE, DEAD, SPARED
from interp_fixtures import reference_readout

#: What is dropped: the cut, and the gauge of the weight.
CUTS = (
    ("singular directions", "direction", "raw"),
    ("singular directions, centred", "direction", "centred"),
    ("principal components", "principal component", "raw"),
    ("units", "unit", "raw"),
)
FILL_ORDER = ("zero", "mean", "another")


def carried(right: Array, intact: Array, support: Array) -> tuple[int, int]:
    """Classes that some part carries, and those that some part carries cleanly.

    Args:
        right: images of each class that are right without each part, [r, K].
        intact: with nothing left out, [K].
        support: images of each class, [K].
    """
    before, after = intact / support, right / support
    dead = (after < DEAD) & (before > ALIVE)
    spared = np.round(before - after, 12) < SPARED
    clean = dead & (dead.sum(axis=1) == 1)[:, None] & ((dead | spared).all(axis=1))[:, None]
    return int(dead.any(axis=0).sum()), int(clean.any(axis=0).sum())


def of_cut(readout: Readout, cut: str, draws: int) -> tuple[float, float]:
    """The same of each part dropped alone, on average over the draws of other images."""
    target = dropping(1, cut=cut).target
    counts = []
    for draw in range(draws):
        drawn = readout.drawn(draw)
        members = family_members("dropping", drawn.parts(cut), target)
        swept = sweep(drawn, members)
        counts.append(carried(swept.right, swept.intact_counts.diagonal(), readout.support))
    means = np.mean(counts, axis=0)
    return float(means[0]), float(means[1])


def of_rotations(readout: Readout, rotations: int) -> Iterator[tuple[int, int]]:
    """The same for each random rotation of the singular directions."""
    head = readout.seen()
    intact = readout.intact.counts.diagonal()
    hits = np.eye(len(readout.class_names))[readout.labels]
    along = head.directions.hidden.T @ head.features.T.astype(np.float64)
    whole = head.logits
    for rotation, vectors in random_cuts(readout.directions, rotations):
        coefficients = rotation.T @ along
        right = np.stack(
            [
                hits[(whole - np.outer(share, vector)).argmax(axis=1) == readout.labels].sum(axis=0)
                for share, vector in zip(coefficients, vectors.T, strict=True)
            ]
        )
        yield carried(right, intact, readout.support)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rotations", type=int, default=1000)
    parser.add_argument("--dataset", default="mnist")
    chosen = parser.parse_args()
    readout = reference_readout(chosen.dataset)
    print("classes that one part carries (cleanly), of", len(readout.class_names))
    print("| cut | " + " | ".join(FILLS[fill].words for fill in FILL_ORDER) + " |")
    print("|---" * (1 + len(FILL_ORDER)) + "|")
    for name, cut, gauge in CUTS:
        cells = []
        for fill in FILL_ORDER:
            filled = Readout(
                readout.features,
                readout.labels,
                readout.weight,
                readout.bias,
                readout.class_names,
                gauge=gauge,  # type: ignore[arg-type]
                fill=fill,  # type: ignore[arg-type]
            )
            dead, clean = of_cut(filled, cut, FILLS[fill].draws)
            cells.append(f"{dead:g} ({clean:g})")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    cells, shares = [], []
    for fill in FILL_ORDER:
        filled = readout.filled_with(fill)  # type: ignore[arg-type]
        counts = np.array(list(of_rotations(filled, chosen.rotations)))
        cells.append(f"{counts[:, 0].mean():.2f} ({counts[:, 1].mean():.2f})")
        own = of_cut(filled, "direction", 1)
        shares.append(
            f"{(counts[:, 0] >= own[0]).mean():.1%} ({(counts[:, 1] >= own[1]).mean():.1%})"
        )
    print(f"| {chosen.rotations:,} random rotations, on average | " + " | ".join(cells) + " |")
    print("| rotations with as many as the singular directions | " + " | ".join(shares) + " |")


if __name__ == "__main__":
    main()
