"""Compiled code proves itself where it is first used.

Processors and compilers differ, and a loop that counts otherwise on one of them must not go
unnoticed. So each compiled loop first runs on a small fixed head, once per process, and its counts
are compared with numpy's. If they differ, numpy takes over for the rest of the process, and one
warning says so.
"""

from __future__ import annotations

import platform
import warnings
from collections.abc import Callable

import numpy as np

from interp_checks.arrays import Array

from .head import Head

#: Whether each loop has shown that it is right, by name.
_PROVEN: dict[str, bool] = {}


class CompiledCodeWarning(RuntimeWarning):
    """Compiled code gave other results than numpy on this machine."""


def proven(loop: str, agrees: Callable[[], bool], instead: str = "numpy") -> bool:
    """Whether a compiled loop gives the right results in this process; tried once.

    Args:
        loop: its name.
        agrees: tries it on something small and fixed.
        instead: what takes over if it does not.
    """
    if loop not in _PROVEN:
        _PROVEN[loop] = agrees()
        if not _PROVEN[loop]:
            warnings.warn(_warning(loop, instead), CompiledCodeWarning, stacklevel=2)
    return _PROVEN[loop]


def _warning(loop: str, instead: str) -> str:
    import llvmlite  # type: ignore[import-untyped]
    import numba

    return (
        f"the compiled loop {loop!r} gives other results than {instead} on this machine, so "
        f"{instead} takes over: results are right, and take longer. Please report this with: "
        f"{platform.machine()}, {llvmlite.binding.get_host_cpu_name()}, numba {numba.__version__}, "
        f"llvmlite {llvmlite.__version__}, numpy {np.__version__}"
    )


def small_head(classes: int, feature_type: type = np.float64, *, rest: bool = False) -> Head:
    """A fixed head that brings out what could go wrong: 200 images, 4 directions.

    Shares that a bias cancels, two equal classes, a class without images, equal images, labels
    in blocks longer and shorter than what is counted side by side. Its numbers are made by whole
    ones, so it is the same on every machine.

    Args:
        classes: 5 or more.
        feature_type: of its features.
        rest: whether something of each image's own always stays.
    """
    numbers, rows = np.arange(200), np.arange(classes)
    features = np.stack([numbers * step % 11 - 5 for step in (1, 3, 5, 8)], axis=1)
    features[50:60] = features[0]
    labels = np.where(numbers < 150, 0, numbers % (classes - 1))
    weight = np.stack([rows * step % 13 - 6.0 for step in (1, 4, 6, 9)], axis=1)
    weight[1] = weight[2]
    bias = -np.square(weight).sum(axis=1) / 10
    weight[0], bias[0] = (24, 0, 0, 0), -42
    stays = (numbers[:, None] * (rows + 2) % 17 - 8.0) if rest else None
    return Head(features.astype(feature_type), labels, weight, bias, rest=stays)


def some_members(directions: int) -> Array:
    """Which directions stay: a walk that starts from none, from all, and from the one before."""
    numbers = np.array([0, 1, 3, 7, 15, 14, 13, 11, 6, 9, 10, 5]) % (1 << directions)
    members: Array = (numbers[:, None] >> np.arange(directions) & 1).astype(np.uint8)
    return members
