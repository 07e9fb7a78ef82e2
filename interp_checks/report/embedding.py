"""Maps of points in the plane by t-SNE (T14, and T3's latents).

The library that computes them, openTSNE, is optional and imported when called. Maps are the
same for the same points and seed, whatever the number of threads: nearest neighbours are exact,
and the repulsion between points, whose sum would depend on how threads share it, is computed by
one thread (Linderman et al., 2019, for many points; van der Maaten, 2014, for few).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from interp_checks.arrays import Array, FloatArray, IntArray
from interp_checks.counting.job import available_threads
from interp_checks.errors import DataError, InterpChecksError

#: Called with the share that is done, from 0 to 1, and the seconds left (None while unknown).
MapProgress = Callable[[float, "float | None"], None]

#: How many neighbours a point has, so to speak (T14).
PERPLEXITY = 30.0
_EXAGGERATED_STEPS, _STEPS = 250, 500
#: From so many points on, interpolating repulsion on a grid is faster.
_MANY = 10_000
#: Neighbours found are three times the perplexity; each point needs one, and not itself.
_FEWEST = 4


def tsne(
    points: FloatArray,
    seed: int = 0,
    progress: MapProgress | None = None,
    *,
    threads: int | None = None,
) -> FloatArray:
    """A map of the points on which neighbours stay neighbours.

    Axes and distances between far clusters mean nothing.

    Args:
        points: [N, Z]; with less than 3 × 30 others, the perplexity of 30 is lowered to a third
            of their number.
        seed: of everything random.
        progress: told after each twenty of 750 steps.
        threads: how many to use; all the processors that this process may use when left out.

    Returns:
        float64 [N, 2].

    Raises:
        DataError: fewer than 4 points, points that are not finite, or all in one place.
        InterpChecksError: openTSNE is not installed.
    """
    wide = _checked(points)
    library = _library()
    count = len(wide)
    many = count >= _MANY
    steps = _Steps(progress)
    run = library.TSNE(
        perplexity=min(PERPLEXITY, (count - 1) / 3),
        early_exaggeration_iter=_EXAGGERATED_STEPS,
        n_iter=_STEPS,
        # Approximate neighbours depend on the number of threads, and take longer at this size.
        neighbors="exact",
        negative_gradient_method="fft" if many else "bh",
        n_jobs=(threads or available_threads()) if many else 1,
        random_state=seed,
        callbacks=[steps] if progress else None,
        callbacks_every_iters=20,
    )
    fitted = np.asarray(run.fit(wide), dtype=np.float64)
    steps.finish()
    return fitted


def _library() -> Any:
    try:
        return import_module("openTSNE")
    except ImportError as error:
        raise InterpChecksError(
            "t-SNE maps need openTSNE", found=str(error), remedy="python -m pip install openTSNE"
        ) from None


def _checked(points: Array) -> FloatArray:
    """The points as float64 [N, Z]."""
    try:
        wide = np.ascontiguousarray(points, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError("t-SNE: the points are not numbers", expected="an array [N, Z]") from None
    if wide.ndim != 2 or len(wide) < _FEWEST or wide.shape[1] == 0:
        raise DataError(
            "t-SNE: there is nothing to map",
            found=f"an array of shape {list(wide.shape)}",
            expected=f"points [N, Z], at least {_FEWEST} of them",
        )
    if not np.isfinite(wide).all():
        bad = int((~np.isfinite(wide).all(axis=1)).sum())
        raise DataError(
            "t-SNE: not all points are finite",
            found=f"{bad} of {len(wide)} have a coordinate that is infinite or not a number",
        )
    if (wide == wide[0]).all():
        raise DataError("t-SNE: all points are in one place", found=f"{len(wide)} equal points")
    return wide


def neighbours_alike(points: FloatArray, labels: IntArray, count: int = 10) -> float:
    """Of the nearest neighbours of each point, the share that has its label.

    Args:
        points: [N, D], two or more.
        labels: [N].
        count: of the neighbours of each.
    """
    from scipy.spatial import cKDTree

    near = min(count, len(points) - 1)
    # The nearest is the point itself, or one in the same place.
    around = cKDTree(points).query(points, k=near + 1)[1][:, 1:]
    return float((labels[around] == labels[:, None]).mean())


class _Steps:
    """Turns the library's calls into the share done and the time left."""

    def __init__(self, progress: MapProgress | None) -> None:
        self._progress = progress
        self._done = 0
        self._last = 0
        self._started = 0.0

    def optimization_about_to_start(self) -> None:
        """Called at the beginning of each of the two phases."""
        self._last = 0
        if self._progress and not self._done:
            self._started = time.monotonic()
            self._progress(0.0, None)

    def __call__(self, iteration: int, error: float, embedding: object) -> bool:
        """Called after steps, which are counted anew in the second phase."""
        self._done += iteration - self._last
        self._last = iteration
        if self._progress:
            share = self._done / (_EXAGGERATED_STEPS + _STEPS)
            elapsed = time.monotonic() - self._started
            self._progress(share, elapsed * (1 - share) / share)
        return False

    def finish(self) -> None:
        """All is done."""
        if self._progress:
            self._progress(1.0, 0.0)
