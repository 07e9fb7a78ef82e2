"""How fast are all subsets, against what one would do otherwise?

    pip install -e ".[benchmarks]" && python benchmarks/speed.py

Every competitor runs on the same data in the same process, its counts are compared with ours
before anything is timed, and what is printed are medians over rounds in turn. Writes
docs/speed.md and docs/speed.svg.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from interp_checks import Readout, every_subset, load_snapshot, sweep
from interp_checks.ablation import family_members
from interp_checks.engines import available_threads
from interp_fixtures.checkpoints import load_checkpoint
from interp_fixtures.reference_files import checkpoint_file, snapshot_file

DOCS = Path(__file__).parents[1] / "docs"
Timed = dict[str, list[float]]


def timed(work: dict[str, Callable[[], object]], rounds: int) -> Timed:
    """Run everything in turn, so that a noisy moment hits all alike; the first round warms up."""
    times: Timed = {name: [] for name in work}
    for number in range(rounds + 1):
        for name, run in work.items():
            start = time.perf_counter()
            run()
            if number:
                times[name].append(time.perf_counter() - start)
    return times


def best_threads(run: Callable[[], object]) -> int:
    """The number of threads with which torch is quickest at something."""
    taken = {}
    for threads in sorted({1, available_threads()}):
        torch.set_num_threads(threads)
        run()
        start = time.perf_counter()
        run()
        taken[threads] = time.perf_counter() - start
    return min(taken, key=lambda threads: taken[threads])


def with_threads(threads: int, run: Callable[[], object]) -> Callable[[], object]:
    def limited() -> object:
        torch.set_num_threads(threads)
        return run()

    return limited


# --- all subsets of ten directions


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


# --- dropping each direction of a large head


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
    from interp_checks import compiled

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


# --- attributions


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


# --- how the cost grows, and what the machine could do


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


def plot(found: dict[str, list[tuple[int, float]]]) -> None:
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
    figure.savefig(DOCS / "speed.svg", metadata={"Date": None, "Creator": None})


def roofline(seconds: float) -> list[str]:
    """What the processor could do at most, against what the kernel does."""
    import numba

    @numba.njit(fastmath=True, nogil=True)
    def multiply_add(count: int) -> float:  # pragma: no cover - compiled
        sums = np.zeros(256, np.float32)
        for step in range(count):
            factor = np.float32(1.0 + step * 1e-9)
            for repeat in range(64):
                for lane in range(256):
                    sums[lane] = sums[lane] * factor + np.float32(repeat)
        return sums.sum()

    from concurrent.futures import ThreadPoolExecutor

    threads = available_threads()
    multiply_add(1)
    with ThreadPoolExecutor(threads) as pool:
        start = time.perf_counter()
        list(pool.map(multiply_add, [20_000] * threads))
        peak = threads * 20_000 * 64 * 256 / (time.perf_counter() - start)
    block = np.ones(100_000_000, np.float32)
    start = time.perf_counter()
    for _ in range(3):
        block.sum()
    bandwidth = 3 * block.nbytes / (time.perf_counter() - start)
    logits = 1024 * 10_000 * 10
    return [
        f"Measured on this machine: {peak / 1e9:.0f} billion multiply-adds a second in float32 on "
        f"{threads} threads, {bandwidth / 1e9:.0f} GB/s read from memory by one. The kernel "
        f"makes {logits / seconds / 1e9:.1f} billion logits a second, each with one "
        "multiply-add, one maximum and one comparison, from a block that stays in the first "
        "cache: what bounds it is reading and writing that block "
        "(three passes over each logit), not memory.",
    ]


def first_call() -> list[str]:
    """Time to the first counts in a fresh process, compiled code being on disk."""
    taken = {engine: [_fresh(engine) for _ in range(7)] for engine in ("auto", "compiled")}
    told = {
        engine: f"{statistics.median(times):.2f} s ({min(times):.2f} to {max(times):.2f} in "
        f"{len(times)} runs)"
        for engine, times in taken.items()
    }
    return [
        f"First call in a fresh process: {told['auto']}; numpy does work of this size while "
        f"compiled code is not loaded. With the compiled engine asked for {told['compiled']}, of "
        "which most is numba's own import. Nothing is compiled on import."
    ]


def _fresh(engine: str) -> float:
    code = (
        "import time; from interp_checks import load_snapshot, every_subset, sweep\n"
        "from interp_fixtures.reference_files import snapshot_file\n"
        "readout = load_snapshot(snapshot_file('mnist'))\n"
        "start = time.perf_counter()\n"
        f"sweep(readout, every_subset(10), engine={engine!r})\n"
        "print(time.perf_counter() - start)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--images", type=int, default=1000, help="for the large heads")
    parser.add_argument("--only", choices=("subsets", "drop", "shapley", "growth"))
    options = parser.parse_args()
    rounds = options.rounds
    parts: dict[str, list[str]] = {}
    if options.only in (None, "subsets"):
        lines = subsets(rounds)
        parts["All subsets of ten directions, 10,000 images, full confusion matrices"] = lines
        seconds = statistics.median(timed({"": _all_subsets()}, rounds)[""])
        parts["What bounds it"] = [*roofline(seconds), "", *first_call()]
    if options.only in (None, "drop"):
        title = (
            "Dropping each of 1,000 directions of a head of 1,000 classes, "
            f"{options.images:,} images"
        )
        parts[title] = drop_each(min(rounds, 5), options.images)
    if options.only in (None, "shapley"):
        parts["Exact Shapley values"] = attributions(min(rounds, 5))
    if options.only in (None, "growth"):
        lines, found = growth(3)
        plot(found)
        parts["How the cost grows"] = [*lines, "", "![cost against size](speed.svg)"]
    versions = {name: __import__(name).__version__ for name in ("numpy", "numba", "torch")}
    machine = (
        f"{_processor()}, {available_threads()} threads, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version}" for name, version in versions.items())
        + f"; medians of {rounds} rounds in turn, all in one run of `benchmarks/speed.py`."
    )
    text = f"# Speed\n\n{machine}\n"
    for title, lines in parts.items():
        text += f"\n## {title}\n\n" + "\n".join(lines) + "\n"
    print(text)
    if options.only is None:
        (DOCS / "speed.md").write_text(text, encoding="utf-8")


def _all_subsets() -> Callable[[], object]:
    readout = load_snapshot(snapshot_file("mnist"))
    every = every_subset(len(readout.directions))
    return lambda: sweep(replace(readout), every, engine="compiled")


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
