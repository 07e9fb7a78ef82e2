"""t-SNE maps: neighbours stay neighbours, and equal points give equal maps."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from interp_checks import DataError, InterpChecksError
from interp_checks.report.embedding import tsne


def clusters(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points of three classes that lie far from each other in 10 dimensions."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    return 8 * np.eye(3, 10)[labels] + rng.normal(size=(count, 10)), labels


def nearest(points: np.ndarray) -> np.ndarray:
    """Of each point, which other is nearest."""
    away = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    np.fill_diagonal(away, np.inf)
    return away.argmin(axis=1)


def test_separate_classes_stay_separate() -> None:
    points, labels = clusters(120)
    placed = tsne(points)
    assert placed.shape == (120, 2)
    assert placed.dtype == np.float64
    assert (labels[nearest(placed)] == labels).all()
    middles = np.array([placed[labels == label].mean(axis=0) for label in range(3)])
    widths = [placed[labels == label].std() for label in range(3)]
    gaps = np.linalg.norm(middles - np.roll(middles, 1, axis=0), axis=1)
    assert gaps.min() > 2 * max(widths)


def test_equal_points_give_equal_maps_on_any_number_of_threads() -> None:
    points, _ = clusters(80)
    first = tsne(points, seed=3)
    assert np.array_equal(first, tsne(points.astype(np.float64), seed=3, threads=1))
    assert np.array_equal(first, tsne(points, seed=3, threads=2))


def test_many_points_do_not_depend_on_threads_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way for many points, on few of them."""
    monkeypatch.setattr("interp_checks.report.embedding._MANY", 50)
    monkeypatch.setattr("interp_checks.report.embedding._STEPS", 12)
    monkeypatch.setattr("interp_checks.report.embedding._EXAGGERATED_STEPS", 12)
    points, labels = clusters(120)
    first = tsne(points, threads=1)
    assert np.array_equal(first, tsne(points, threads=2))
    assert (labels[nearest(first)] == labels).mean() > 0.9


@pytest.mark.parametrize("count", [4, 5, 10, 31, 92])
def test_few_points_lower_the_perplexity(count: int) -> None:
    placed = tsne(np.random.default_rng(0).normal(size=(count, 3)))
    assert placed.shape == (count, 2)
    assert np.isfinite(placed).all()


def test_progress_is_told_up_to_the_end() -> None:
    told: list[tuple[float, float | None]] = []
    tsne(clusters(30)[0], progress=lambda share, left: told.append((share, left)))
    shares = [share for share, _ in told]
    assert told[0] == (0.0, None)
    assert told[-1] == (1.0, 0.0)
    assert shares == sorted(shares)
    assert len(told) > 30
    assert all(left is not None and left >= 0 for _, left in told[1:])


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.ones((3, 2)), "there is nothing to map"),
        (np.ones(9), "there is nothing to map"),
        (np.ones((9, 0)), "there is nothing to map"),
        (np.ones((9, 2)), "all points are in one place"),
        (np.array([[1.0, 2], [np.nan, 1], [3, 4], [np.inf, 0]]), "not all points are finite"),
        ([["a", "b"]] * 5, "the points are not numbers"),
    ],
)
def test_bad_points_give_one_clear_error(points: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        tsne(points)  # type: ignore[arg-type]


def test_without_the_library_the_error_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(InterpChecksError) as caught:
        tsne(clusters(10)[0])
    assert "python -m pip install openTSNE" in str(caught.value)
