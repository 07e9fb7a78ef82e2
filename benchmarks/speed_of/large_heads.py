"""A head of ImageNet's size: every one-parameter ablation, against PyTorch, and its memory."""

from __future__ import annotations

import re
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from interp_checks import Readout, load_snapshot, save_snapshot, sweep
from interp_checks.ablations.ablation import family_members

CLASSES, WIDTH = 1000, 2048
TITLES = {
    "dropping": "all but one direction",
    "only": "one direction alone",
    "first": "first k directions",
    "last": "last k directions",
}
#: Seconds by what was done.
Timed = dict[str, float]
#: Seconds of ours and of PyTorch's, by family.
Both = dict[str, tuple[float, float]]


def large_heads(images: int, compared: int = 2000) -> list[str]:
    """Time each family, features in float16 and mapped from a file, and compare some images.

    Two heads: one whose directions all carry alike, as of random weights, and one with a falling
    spectrum, as training leaves it.
    """
    found = [_measured(kind, images, compared) for kind in ("flat", "falling")]
    lines = [
        f"Right images of each class counted, 1,000 ablations in a call, once each; {images:,} "
        f"images, and in the same run {compared:,} of them against PyTorch, which adds or takes "
        "one direction at a time from float32 logits (a rank-one update and an argmax each).",
        "",
        "| | flat spectrum | falling spectrum |",
        "|---|--:|--:|",
    ]
    for what in found[0][0]:
        lines.append(
            f"| {what} | " + " | ".join(f"{taken[what]:.2f} s" for taken, *_ in found) + " |"
        )
    for name, title in TITLES.items():
        ratios = [f"{both[name][1] / both[name][0]:.1f}" for _, both, _ in found]
        lines.append(f"| PyTorch over ours, {title}, {compared:,} images | "
                     + " | ".join(ratios) + " |")  # fmt: skip
    most = max((memory for *_, memory in found), key=lambda memory: memory.more)
    return [
        *lines,
        "",
        f"On the {compared:,} images all counts of all four families equal numpy's in float64. "
        f"Memory beyond the mapped features: at most {most.told}.",
    ]


def _measured(kind: str, images: int, compared: int) -> tuple[Timed, Both, Memory]:
    """What each family takes, beside PyTorch on some of the images, and the memory of the first."""
    taken: Timed = {}

    def timed(what: str, run: Callable[[], object]) -> None:
        start = time.perf_counter()
        run()
        taken[what] = time.perf_counter() - start

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "head.safetensors"
        _save(path, images, kind)
        small = load_snapshot(path)
        small = replace(small, features=small.features[:500], labels=small.labels[:500])
        for family in TITLES:
            # Nobody is timed while compiling.
            sweep(small, family_members(family, CLASSES), confusions=False)
        with Memory() as memory:
            timed("opening the snapshot", lambda: load_snapshot(path))
            readout = load_snapshot(path)
            timed("singular value decomposition", lambda: readout.directions)
            timed("intact", lambda: readout.intact)
            for family, title in TITLES.items():
                members = family_members(family, CLASSES)
                timed(title, partial(sweep, readout, members, confusions=False))
        features = np.array(readout.features[:compared])
        some = replace(readout, features=features, labels=readout.labels[:compared])
        some.__dict__["directions"] = readout.directions
        return taken, {family: _compared(some, family) for family in TITLES}, memory


def _compared(readout: Readout, family: str) -> tuple[float, float]:
    """Seconds of ours and of PyTorch's; counts of ours must be numpy's.

    Raises:
        AssertionError: they are not.
    """
    members = family_members(family, CLASSES)
    best = []
    for _ in range(3):
        again = replace(readout)
        again.__dict__["directions"] = readout.directions  # nobody's SVD is timed
        again.intact  # noqa: B018  # nor what everybody has
        start = time.perf_counter()
        counted = sweep(again, members, confusions=False)
        own = time.perf_counter() - start
        start = time.perf_counter()
        _by_torch(again, family)
        best.append((own, time.perf_counter() - start))
    expected = _by_numpy(readout, family)
    for row, member in enumerate(members):
        assert (counted[member].right == expected[row]).all(), (family, member)
    return min(own for own, _ in best), min(torch for _, torch in best)


def _steps(family: str) -> range:
    """Directions in the order in which the members of a family are reached."""
    return range(CLASSES - 1, -1, -1) if family == "last" else range(CLASSES)


def _by_numpy(readout: Readout, family: str) -> np.ndarray:
    """Right images of each class, in the order of the members, [r, K]."""
    own, labels = readout.directions, readout.labels
    along = readout.features.astype(np.float64) @ (own.hidden * own.singular_values)
    none = np.broadcast_to(readout.bias, (len(labels), CLASSES))
    logits = none + along @ own.classes.T if family == "dropping" else none.copy()
    rows = []
    for place in _steps(family):
        share = along[:, place, None] * own.classes[:, place]
        if family in ("first", "last"):
            logits += share
            ablated = logits
        else:
            ablated = logits - share if family == "dropping" else none + share
        # What is closer than rounding goes to the lowest class.
        first = ablated >= ablated.max(axis=1, keepdims=True) - readout.tie
        hit = first.argmax(axis=1) == labels
        rows.append(np.bincount(labels[hit], minlength=CLASSES))
    # Members of the first and the last begin with all directions.
    return np.array(rows if family in ("dropping", "only") else rows[::-1])


def _by_torch(readout: Readout, family: str) -> torch.Tensor:
    """The same in float32, as one would write it."""
    own = readout.directions
    y = torch.tensor(readout.labels)
    h = torch.tensor(readout.features).to(torch.float32)
    along = h @ torch.tensor(own.hidden * own.singular_values, dtype=torch.float32)
    v = torch.tensor(own.classes, dtype=torch.float32)
    bias = torch.tensor(readout.bias, dtype=torch.float32).expand(len(y), -1)
    logits = along @ v.T + bias if family == "dropping" else bias.clone()
    rows = []
    for place in _steps(family):
        if family in ("first", "last"):
            logits.addr_(along[:, place], v[:, place])
            ablated = logits
        else:
            sign = -1 if family == "dropping" else 1
            ablated = torch.addr(logits, along[:, place], v[:, place], alpha=sign)
        hit = ablated.argmax(1) == y
        rows.append(torch.bincount(y[hit], minlength=CLASSES))
    return torch.stack(rows)


def _save(path: Path, images: int, kind: str = "flat") -> None:
    generator = np.random.default_rng(0)
    weight = generator.standard_normal((CLASSES, WIDTH)).astype(np.float32)
    if kind == "falling":
        left, values, right = np.linalg.svd(weight, full_matrices=False)
        weight = (left * (values * np.arange(1, CLASSES + 1) ** -0.6)) @ right
        weight *= 2 / weight.std()
    labels = generator.integers(0, CLASSES, images)
    features = np.empty((images, WIDTH), np.float16)
    for start in range(0, images, 1000):
        block = labels[start : start + 1000]
        noise = generator.standard_normal((len(block), WIDTH), dtype=np.float32)
        features[start : start + 1000] = noise + 0.1 * weight[block]
    save_snapshot(Readout(features=features, labels=labels, weight=weight), path)


class Memory:
    """The largest anonymous memory of this process, beyond what it had at the start (Linux)."""

    def __enter__(self) -> Memory:
        self.before, self.most = _anonymous(), 0
        self.done = threading.Event()
        self.watching = threading.Thread(target=self._watch, daemon=True)
        self.watching.start()
        return self

    def _watch(self) -> None:
        while not self.done.wait(0.02):
            self.most = max(self.most, _anonymous())

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.watching.join()

    @property
    def more(self) -> int:
        return self.most - self.before

    @property
    def told(self) -> str:
        return f"{self.more / 1e9:.2f} GB" if self.most else "not measured on this system"


def _anonymous() -> int:
    status = Path("/proc/self/status")
    found = re.search(r"RssAnon:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return 1024 * int(found[1]) if found else 0
