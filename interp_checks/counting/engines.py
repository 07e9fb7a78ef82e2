"""Three ways to count predictions under ablations, with equal counts: numpy, compiled, torch.

All of them add up logits in float64 (or prove that float32 cannot matter) and resolve ties as
:func:`interp_checks.counting.argmax.first_largest` does, so the order of summation decides nothing.
"""

from __future__ import annotations

import sys
from typing import Literal

from interp_checks.errors import InterpChecksError

from .job import Counts, Job
from .numpy_engine import count_with_numpy
from .torch_engine import count_with_torch

Engine = Literal["auto", "numpy", "compiled", "torch"]
ENGINES: tuple[Engine, ...] = ("auto", "numpy", "compiled", "torch")

#: Logits that numpy computes while compiled code is still being loaded.
_WORTH_LOADING = 4 * 10**8


def require_engine(engine: str) -> None:
    """Refuse an engine that there is not.

    Raises:
        InterpChecksError: there is no such engine.
    """
    if engine not in ENGINES:
        raise InterpChecksError(f"there is no engine {engine!r}", expected=", ".join(ENGINES))


def choose(engine: Engine, job: Job) -> Engine:
    """The engine to use: the one asked for, or the one that is done first.

    Raises:
        InterpChecksError: there is no such engine.
    """
    require_engine(engine)
    if engine != "auto":
        return engine
    ablations, directions = job.members.shape
    work = ablations * len(job.head) * len(job.head.class_names) * (1 + directions // 16)
    torch = sys.modules.get("torch")
    if torch is not None and work > 100 * _WORTH_LOADING and torch.cuda.is_available():
        return "torch"
    if work < _WORTH_LOADING and "interp_checks.counting.compiled_engine" not in sys.modules:
        return "numpy"
    return "compiled" if can_compile() else "numpy"


def can_compile() -> bool:
    """Whether numba is there, and is not told to compile nothing."""
    try:
        import numba
    except ImportError:
        return False
    return not numba.config.DISABLE_JIT  # type: ignore[attr-defined]


def count(engine: Engine, job: Job) -> Counts:
    """Count with an engine.

    Raises:
        InterpChecksError: there is no such engine.
    """
    chosen = choose(engine, job)
    counter = {"numpy": count_with_numpy, "compiled": _with_kernels, "torch": count_with_torch}[
        chosen
    ]
    return counter(job)


def _with_kernels(job: Job) -> Counts:
    from .compiled_engine import count_compiled  # loads numba

    counts = count_compiled(job)
    return count_with_numpy(job) if counts is None else counts
