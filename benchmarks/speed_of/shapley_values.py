"""Exact Shapley values, against shapiq and captum."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from interp_checks import load_snapshot
from interp_fixtures.reference_files import snapshot_file

from .timing import timed


def attributions(rounds: int) -> list[str]:
    import shapiq
    from captum.attr import ShapleyValueSampling

    readout = load_snapshot(snapshot_file("mnist"))
    width, classes = len(readout.directions), len(readout.class_names)
    along = readout.coefficients
    vectors, bias, labels = readout.directions.classes, readout.bias, readout.labels

    def recall(coalition: np.ndarray, row: int | None) -> float:
        kept = np.flatnonzero(coalition)
        predicted = (vectors[:, kept] @ along[kept] + bias[:, None]).argmax(0)
        chosen = labels == row if row is not None else slice(None)
        return float((predicted[chosen] == labels[chosen]).mean())

    def game(row: int | None) -> Callable[[np.ndarray], np.ndarray]:
        return lambda coalitions: np.array([recall(one, row) for one in coalitions])

    def exact(game: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        values = shapiq.ExactComputer(game, n_players=width)("SV")
        return np.array([values[(player,)] for player in range(width)])

    def by_class() -> np.ndarray:
        return np.column_stack([exact(game(row)) for row in [*range(classes), None]])

    def shared() -> np.ndarray:
        known: dict[bytes, np.ndarray] = {}

        def values(one: np.ndarray) -> np.ndarray:
            if one.tobytes() not in known:
                kept = np.flatnonzero(one)
                hit = (vectors[:, kept] @ along[kept] + bias[:, None]).argmax(0) == labels
                right = np.bincount(labels[hit], minlength=classes)
                known[one.tobytes()] = np.array([*(right / readout.support), hit.mean()])
            return known[one.tobytes()]

        def one_game(number: int) -> np.ndarray:
            return exact(lambda coalitions: np.array([values(one)[number] for one in coalitions]))

        return np.column_stack([one_game(number) for number in range(classes + 1)])

    def ours() -> np.ndarray:
        from interp_checks import Lattice

        return Lattice.of(replace(readout), engine="compiled").shapley

    def sampled() -> object:
        """Captum, 25 orders, accuracy alone."""
        sampling = ShapleyValueSampling(
            lambda mask: torch.tensor([recall(one.numpy() > 0, None) for one in mask])
        )
        return sampling.attribute(torch.ones(1, width), n_samples=25)

    mine = ours()
    effect = [sum(mine[:, number]) for number in range(classes + 1)]
    totals = [
        readout.lattice.right[-1, row] - readout.lattice.right[0, row] for row in range(classes)
    ]
    assert all(effect[row] * int(readout.support[row]) == totals[row] for row in range(classes))
    off = max(np.abs(by_class() - mine.astype(float)).max(), np.abs(shared() - by_class()).max())
    assert off < 1e-9, off
    times = timed({"ours": ours, "shared": shared, "captum": sampled}, rounds)
    start = time.perf_counter()
    by_class()
    times["by class"] = [time.perf_counter() - start]
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    titles = {
        "ours": "this project, exact, 10 classes and accuracy",
        "by class": "shapiq's exact computer, once a class",
        "shared": "shapiq's exact computer, counts shared between classes",
        "captum": "captum's sampling, 25 orders, accuracy alone",
    }
    lines = ["| | median | times ours |", "|---|--:|--:|"]
    lines += [
        f"| {title} | {1e3 * medians[name]:.0f} ms | {medians[name] / medians['ours']:.0f} |"
        for name, title in titles.items()
    ]
    lines += [
        "",
        f"The largest difference from shapiq's values is {off:.0e}; ours are fractions and sum to "
        "the total effect exactly.",
    ]
    return lines
