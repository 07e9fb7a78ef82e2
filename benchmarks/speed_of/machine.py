"""What the machine could do at most, and how long the first call in a process takes."""

from __future__ import annotations

import platform
import statistics
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from interp_checks import every_subset, load_snapshot, sweep
from interp_checks.counting.job import available_threads
from interp_fixtures.reference_files import snapshot_file

from .timing import timed


def roofline() -> list[str]:
    """What the processor could do at most, against what the kernel of all subsets does."""
    import torch

    readout = load_snapshot(snapshot_file("mnist"))
    every = every_subset(len(readout.directions))
    threads = available_threads()
    torch.set_num_threads(threads)
    square = torch.ones(2048, 2048)
    block = np.ones(100_000_000, np.float32)
    work: dict[str, Callable[[], object]] = {
        "kernel": lambda: sweep(replace(readout), every, engine="compiled"),
        "products": lambda: square @ square,
        "memory": block.sum,
        "first cache": lambda: _add_and_compare(threads),
    }
    seconds = {name: min(taken) for name, taken in timed(work, 5).items()}
    logits = len(every) * len(readout) * len(readout.class_names) / seconds["kernel"]
    fused = 2048**3 / seconds["products"]
    bandwidth = block.nbytes / seconds["memory"]
    passes = threads * _STEPS * _ROWS * _LANES / seconds["first cache"]
    return [
        f"Measured on this machine: {fused / 1e9:.0f} billion fused multiply-adds a second in "
        f"float32 on {threads} threads (a matrix product), {bandwidth / 1e9:.0f} GB/s read from "
        "memory by one. The kernel does not multiply: it adds whole numbers of 16 bits. A loop "
        "that only adds such numbers to a block in the first cache and takes their maximum does "
        f"so {passes / 1e9:.1f} billion times a second; the kernel makes {logits / 1e9:.1f} "
        "billion logits a second, for each of which it adds, takes a maximum, and then reads "
        "again to compare and count. What bounds it is the first cache, not memory: the "
        f"coefficients of all images are {8e-6 * len(readout) * len(readout.directions):.1f} MB.",
    ]


_STEPS, _ROWS, _LANES = 200_000, 10, 128


def _add_and_compare(threads: int) -> None:
    """On each thread, add to a block of logits and take the maximum over its rows."""
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(_compiled_loop(), [_STEPS] * threads))


@cache
def _compiled_loop() -> Callable[[int], int]:
    import numba

    rows, lanes = _ROWS, _LANES

    @numba.njit(nogil=True)
    def loop(steps: int) -> int:  # pragma: no cover - compiled
        state = np.zeros((rows, lanes), np.int16)
        share = np.ones((rows, lanes), np.int16)
        top = np.zeros(lanes, np.int16)
        for step in range(steps):
            sign = np.int16(-(step & 1))
            for k in range(rows):
                for lane in range(lanes):
                    value = np.int16(state[k, lane] + ((share[k, lane] ^ sign) - sign))
                    state[k, lane] = value
                    top[lane] = value if value > top[lane] else top[lane]
        return np.int64(top.sum())

    return loop


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


def processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor() or platform.machine()
