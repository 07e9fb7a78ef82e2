"""A head of ImageNet's size: every one-parameter ablation, and the memory that it takes."""

from __future__ import annotations

import re
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from interp_checks import Readout, load_snapshot, save_snapshot, sweep
from interp_checks.ablations.ablation import family_members

CLASSES, WIDTH = 1000, 2048
TITLES = {
    "dropping": "all but one direction",
    "only": "one direction alone",
    "first": "first k directions",
    "last": "last k directions",
}


def large_heads(images: int) -> list[str]:
    """Time each family once, features in float16 and mapped from a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "head.safetensors"
        _save(path, images)
        with Memory() as memory:
            start = time.perf_counter()
            readout = load_snapshot(path)
            loading = time.perf_counter() - start
            start = time.perf_counter()
            ranks = len(readout.directions)
            decomposing = time.perf_counter() - start
            start = time.perf_counter()
            accuracy = float(readout.intact.accuracy)
            intact = time.perf_counter() - start
            taken = {}
            for family in TITLES:
                start = time.perf_counter()
                sweep(readout, family_members(family, ranks))
                taken[family] = time.perf_counter() - start
    lines = ["| | once |", "|---|--:|"]
    lines += [
        f"| opening the snapshot ({2 * images * WIDTH / 1e6:.0f} MB of features, mapped) | "
        f"{loading:.1f} s |",
        f"| singular value decomposition | {decomposing:.1f} s |",
        f"| intact ({100 * accuracy:.0f} % right) | {intact:.1f} s |",
    ]
    lines += [f"| {TITLES[name]}, {ranks:,} ablations | {taken[name]:.1f} s |" for name in taken]
    return [*lines, "", f"Memory beyond the mapped features: at most {memory.told}."]


def _save(path: Path, images: int) -> None:
    generator = np.random.default_rng(0)
    weight = generator.standard_normal((CLASSES, WIDTH)).astype(np.float32)
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
    def told(self) -> str:
        more = self.most - self.before
        return f"{more / 1e9:.2f} GB" if self.most else "not measured on this system"


def _anonymous() -> int:
    status = Path("/proc/self/status")
    found = re.search(r"RssAnon:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return 1024 * int(found[1]) if found else 0
