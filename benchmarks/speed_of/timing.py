"""Run competitors in turn, each with the threads it is quickest with."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from interp_checks.counting.job import available_threads

Timed = dict[str, list[float]]


#: Threads of PyTorch's wait busily for more work a while; nobody is timed beside another's.
_PAUSE = 0.1


def timed(work: dict[str, Callable[[], object]], rounds: int) -> Timed:
    """Run everything in turn, so that a noisy moment hits all alike.

    Before each timed run stand a pause and the same run untimed, so that everybody is warm.
    """
    times: Timed = {name: [] for name in work}
    for _ in range(rounds):
        for name, run in work.items():
            time.sleep(_PAUSE)
            run()
            start = time.perf_counter()
            run()
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
