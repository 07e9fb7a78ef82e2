"""Each direction of a large head dropped alone."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from interp_checks import Readout, sweep
from interp_checks.ablations.ablation import family_members
from interp_checks.counting.job import available_threads

from .timing import timed, with_threads


def large_head(kind: str, images: int, size: int = 1000) -> Readout:
    """A head of 1,000 classes on 1,000 features.

    "trained": features point to their class, as in a classifier of about 75 % accuracy.
    "random": no class leads by much, which is where the bound helps least.
    """
    generator = np.random.default_rng(0)
    weight = generator.standard_normal((size, size)).astype(np.float32)
    labels = generator.integers(0, size, images)
    features = generator.standard_normal((images, size)).astype(np.float32)
    if kind == "trained":
        features += 0.12 * weight[labels]
    return Readout(features=features, labels=labels, weight=weight)


def torch_products(readout: Readout) -> np.ndarray:
    """Dropping each direction: one product of all features for each."""
    directions = readout.directions
    h, y = torch.tensor(readout.features), torch.tensor(readout.labels)
    u = torch.tensor(directions.hidden, dtype=torch.float32)
    v = torch.tensor(directions.classes * directions.singular_values, dtype=torch.float32)
    whole = torch.tensor(readout.weight, dtype=torch.float32)
    right = []
    for number in range(len(directions)):
        weight = whole - torch.outer(v[:, number], u[:, number])
        hit = (h @ weight.T).argmax(1) == y
        right.append(torch.bincount(y[hit], minlength=len(whole)))
    return torch.stack(right).numpy()


def torch_rank_one(readout: Readout, dtype: torch.dtype = torch.float32) -> np.ndarray:
    """The same by taking one direction's share from logits that are computed once."""
    directions = readout.directions
    h, y = torch.tensor(readout.features).to(dtype), torch.tensor(readout.labels)
    along = h @ torch.tensor(directions.hidden * directions.singular_values).to(dtype)
    v = torch.tensor(directions.classes).to(dtype)
    logits = along @ v.T
    right = []
    for number in range(len(directions)):
        ablated = torch.addr(logits, along[:, number], v[:, number], alpha=-1)
        hit = ablated.argmax(1) == y
        right.append(torch.bincount(y[hit], minlength=len(v)))
    return torch.stack(right).numpy()


def looked_at(readout: Readout) -> float:
    """The share of pairs of image and direction that the kernel could not skip."""
    from interp_checks.counting import compiled_engine as compiled

    found = []
    original = compiled._DroppingBlock.count
    compiled._DroppingBlock.count = lambda *args: found.append(original(*args))  # type: ignore[method-assign]
    try:
        sweep(replace(readout), family_members("dropping", len(readout.directions)),
              engine="compiled")  # fmt: skip
    finally:
        compiled._DroppingBlock.count = original  # type: ignore[method-assign]
    return sum(found) / len(readout) / len(readout.directions)


def drop_each(rounds: int, images: int) -> list[str]:
    lines = ["| head | | median | times ours | pairs looked at |", "|---|---|--:|--:|--:|"]
    ratios = {}
    for kind in ("trained", "random"):
        readout = large_head(kind, images)
        every = family_members("dropping", len(readout.directions))
        directions = readout.directions

        def ours(readout: Readout = readout, directions: object = directions) -> np.ndarray:
            again = replace(readout)
            again.__dict__["directions"] = directions  # nobody's SVD is timed
            return sweep(again, every, engine="compiled").right  # noqa: B023

        assert (torch_rank_one(readout, torch.float64) == ours()).all()
        threads = available_threads()
        rank_one = with_threads(threads, partial(torch_rank_one, readout))
        one = timed({"ours": ours, "rank one": rank_one}, rounds)
        start = time.perf_counter()
        with_threads(threads, partial(torch_products, readout))()
        products = time.perf_counter() - start
        mine = statistics.median(one["ours"])
        ratios[f"{kind} rank one"] = statistics.median(one["rank one"]) / mine
        ratios[f"{kind} products"] = products / mine
        share = looked_at(readout)
        accuracy = float(readout.intact.accuracy)
        lines += [
            f"| {kind} ({100 * accuracy:.0f} % right) | this project | {1e3 * mine:.0f} ms | 1 | "
            f"{100 * share:.1f} % |",
            f"| | PyTorch, rank-one updates | {statistics.median(one['rank one']):.2f} s | "
            f"{ratios[f'{kind} rank one']:.0f} | |",
            f"| | PyTorch, a product for each (one round) | {products:.1f} s | "
            f"{ratios[f'{kind} products']:.0f} | |",
        ]
    return lines
