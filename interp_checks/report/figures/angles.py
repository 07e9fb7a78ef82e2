"""Angles between the rows of the output layer's weight (T10, T11)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import FancyArrowPatch

from interp_checks.arrays import Array, FloatArray
from interp_checks.errors import DataError
from interp_checks.thresholds import ORTHOGONAL

from . import arguments
from .figure import DescribedFigure, styled
from .heat_map import heat_map
from .palette import SIGNED, class_colour
from .spreading import spread
from .style import INK, PAGE, SMALL


@styled
def gramian(rows: Array) -> DescribedFigure:
    """Cosines between the rows of a matrix (T10).

    Args:
        rows: [Z, K], none of them zero.

    Raises:
        DataError: wrong shape, or a row of zeros.
    """
    table = arguments.numbers("rows", rows, ["Z", "K"])
    cosines = _cosines("row", table, table)
    cell = 72 * (4.6 - 0.5) / len(table)
    every = int(np.ceil(1.3 * SMALL / cell))
    names = [str(n + 1) if n % every == 0 else "" for n in range(len(table))]
    texts = [[_two_places(value) for value in row] for row in cosines]
    figure = DescribedFigure(
        "Cosines between rows of the output weight", height=4.6, layout="constrained"
    )
    axes = figure.subplots()
    cells = heat_map(
        axes, cosines, names, names, scale=Normalize(-1, 1), colours=SIGNED, cell=cell, texts=texts
    )
    axes.set_aspect("equal")
    axes.set(xlabel="row", ylabel="row")
    bar = figure.colorbar(cells, ax=axes, aspect=30, pad=0.02)
    bar.set_label("cosine")
    bar.outline.set_linewidth(0.4)
    above = cosines[np.triu_indices(len(table), 1)]
    oblique, near = int((above < 0).sum()), int((np.abs(above) < ORTHOGONAL).sum())
    figure.alt = (
        f"Cosines between {len(table)} rows. Of {len(above)} pairs, {near} are nearly orthogonal "
        f"(cosine within {ORTHOGONAL} of 0) and {oblique} are at more than 90°"
        + (f"; cosines go from {above.min():.2f} to {above.max():.2f}." if len(above) else ".")
    )
    return figure


@styled
def relative_positions(
    vectors: Array, reference: Array, names: Sequence[str], reference_name: str
) -> DescribedFigure:
    """Each vector at its angle to one of them, and in its length, in the plane (T11).

    Only angles to the reference are true; those between other vectors are not.

    Args:
        vectors: [n, K], none of them zero.
        reference: [K], drawn to the right.
        names: n names.
        reference_name: its name.

    Raises:
        DataError: wrong shapes, or a vector of zeros.
    """
    labels = arguments.names("vectors: names", names)
    axis = arguments.numbers("reference", reference, ["K"])
    others = arguments.numbers("vectors", vectors, [len(labels), len(axis)])
    cosines = _cosines("vector", others, axis[None, :])[:, 0]
    angles = np.degrees(np.arccos(cosines))
    near = np.abs(cosines) < ORTHOGONAL
    lengths = np.linalg.norm(others, axis=1)
    reach = float(max(lengths.max(), np.linalg.norm(axis)))
    figure = DescribedFigure(f"Angles to {reference_name}", height=0.44 * PAGE)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_aspect("equal")
    axes.set(xlim=(-1.75 * reach, 1.75 * reach), ylim=(-0.16 * reach, 1.38 * reach))
    axes.set_axis_off()
    turn = np.radians(np.linspace(0, 180, 181))
    axes.plot(reach * np.cos(turn), reach * np.sin(turn), color=INK, linewidth=0.5, alpha=0.3)
    axes.plot([-reach, reach], [0, 0], color=INK, linewidth=0.5, alpha=0.3)
    axes.plot([0, 0], [0, reach], color=INK, linewidth=0.7, alpha=0.6, linestyle=(0, (3, 3)))
    for length, angle, is_near in zip(lengths, angles, near, strict=True):
        _arrow(axes, length * _unit(angle), class_colour(1 if is_near else 0), 1.4)
    own = float(np.linalg.norm(axis))
    _arrow(axes, np.array([own, 0.0]), INK, 2.2)
    axes.text(own, -0.04 * reach, reference_name, va="top", ha="right", fontweight="bold")
    _label_arrows(axes, labels, angles, lengths, reach, near)
    if near.any():
        bound = np.degrees(np.arcsin(ORTHOGONAL))
        axes.text(-1.72 * reach, -0.04 * reach, f"⊥ within {bound:.0f}° of 90°", va="top")
    orthogonal = ", ".join(name for name, is_near in zip(labels, near, strict=True) if is_near)
    figure.alt = (
        f"{len(labels)} vectors at their angles to {reference_name}: "
        + ", ".join(f"{name} {angle:.0f}°" for name, angle in zip(labels, angles, strict=True))
        + ". "
        + (f"Nearly orthogonal: {orthogonal}." if orthogonal else "None is nearly orthogonal.")
    )
    return figure


def _label_arrows(
    axes: Axes,
    names: Sequence[str],
    angles: FloatArray,
    lengths: FloatArray,
    reach: float,
    near: Array,
) -> None:
    """Names and angles in two columns, at the left and the right of the arrows."""
    for side in (1, -1):
        side_arrows = np.flatnonzero((angles <= 90) == (side > 0))
        # Lines to names run outside of the circle, and so through no arrow.
        rings = [1.04 * reach * _unit(angle) for angle in angles[side_arrows]]
        heights = spread(
            np.array([ring[1] for ring in rings]), 0.095 * reach, 0.1 * reach, 1.32 * reach
        )
        for number, ring, height in zip(side_arrows.tolist(), rings, heights, strict=True):
            tip = lengths[number] * _unit(angles[number])
            end = side * 1.2 * reach
            axes.plot(
                [tip[0], ring[0], end],
                [tip[1], ring[1], height],
                color=INK,
                linewidth=0.4,
                alpha=0.6,
            )
            text = f"{names[number]}, {angles[number]:.0f}°"
            axes.text(
                end + side * 0.02 * reach,
                height,
                text + " ⊥" if near[number] else text,
                ha="left" if side > 0 else "right",
                va="center",
                fontsize=SMALL,
            )


def _arrow(axes: Axes, tip: FloatArray, colour: str, width: float) -> None:
    axes.add_patch(
        FancyArrowPatch(
            (0, 0),
            (float(tip[0]), float(tip[1])),
            arrowstyle="-|>",
            color=colour,
            linewidth=width,
            shrinkA=0,
            shrinkB=0,
            mutation_scale=9,
        )
    )


def _unit(degrees: float) -> FloatArray:
    turn = np.radians(degrees)
    return np.array([np.cos(turn), np.sin(turn)])


def _cosines(what: str, first: FloatArray, second: FloatArray) -> FloatArray:
    """Cosines [n, m] between the rows of two matrices."""
    sizes = [np.linalg.norm(part, axis=1) for part in (first, second)]
    for size in sizes:
        if (size == 0).any():
            raise DataError(
                f"{what} {int(np.flatnonzero(size == 0)[0]) + 1}: a vector of zeros has no angle"
            )
    return np.asarray(np.clip((first @ second.T) / np.outer(*sizes), -1, 1))


def _two_places(value: float) -> str:
    """Without "-0.00"."""
    text = f"{value:.2f}"
    return text.removeprefix("-") if float(text) == 0 else text
