"""Intervals of sampled Shapley values against the exact ones, of heads drawn at random."""

from __future__ import annotations

import numpy as np

from interp_checks import Estimate, Readout, sample_shapley
from interp_checks.statistics.intervals import percent

PAIRS = 16


def head(seed: int, classes: int, directions: int, images: int) -> Readout:
    """Features near a vector of each class's own, and a head that reads them."""
    generator = np.random.default_rng(seed)
    weight = generator.standard_normal((classes, directions))
    labels = np.arange(images) % classes
    noise = generator.standard_normal((images, directions))
    features = weight[labels] + generator.uniform(0.2, 1.5) * noise
    return Readout(features, labels, weight, generator.standard_normal(classes) / 3)


def misses(heads: int = 20, seeds: int = 10) -> tuple[Estimate, int]:
    """Intervals that miss the exact value, and how many have no width while orders matter."""
    missed = total = empty = 0
    for number in range(heads):
        readout = head(number, 4 + number % 3, 3 + number % 3, 200)
        exact = readout.lattice.shapley.astype(float)
        for seed in range(seeds):
            found = sample_shapley(readout, PAIRS, seed=seed)
            missed += int((np.abs(found.values - exact) > found.margins + 1e-12).sum())
            empty += int((found.margins <= 1e-12).sum())
            total += exact.size
    return Estimate(missed, total), empty


def coverage() -> str:
    missed, empty = misses()
    return (
        f"Against the exact values of every subset, for 20 random heads with 3 to 5 directions and "
        f"{PAIRS} pairs of orders: {percent(missed.value)} % of {missed.total:,} intervals at 95 % "
        f"miss the exact value, and {empty} of them have no width. Intervals of one head are not "
        "independent of each other. The rule is Student's interval over pairs, widened by what "
        "orders that no pair looked at could add. It is approximate: with 8 pairs, the fewest "
        "there may be, 49 of 960 intervals of other heads (5.1 %) missed, with 16 pairs 17 of them."
    )
