"""Tables drawn as coloured cells with numbers in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Colormap, Normalize

from interp_checks.arrays import Array

from .palette import AMOUNTS, text_colour
from .style import INK, SMALL

#: How wide a digit is, in parts of the font size.
_DIGIT = 0.64


def heat_map(
    axes: Axes,
    values: Array,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    cell: float,
    scale: Normalize,
    colours: Colormap = AMOUNTS,
    texts: Sequence[Sequence[str]] | None = None,
    blank: Array | None = None,
) -> QuadMesh:
    """Draw a table into axes, its first row at the top.

    Args:
        axes: to draw into.
        values: [R, C].
        rows: R names.
        columns: C names.
        cell: about how wide a cell is, in points; numbers that do not fit are left out.
        scale: from values to the map's 0 to 1.
        colours: of the cells. One that is not opaque lets the paper show, and numbers are in ink.
        texts: R × C, what the cells say.
        blank: [R, C], cells that are left without colour; their numbers are in ink.

    Returns:
        The cells; their array is the values, with blank ones masked.
    """
    hidden = np.zeros(values.shape, bool) if blank is None else blank
    cells = axes.pcolormesh(
        np.ma.masked_array(values, hidden), cmap=colours, norm=scale, linewidth=0
    )
    axes.invert_yaxis()
    name_columns(axes, np.arange(len(columns)) + 0.5, columns, cell)
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.tick_params(length=0, pad=2)
    axes.spines[:].set_visible(False)
    if texts is not None and fits(texts, cell):
        shades = colours(scale(values))
        for row, column in np.ndindex(*values.shape):
            shade = shades[row, column]
            on_paper = hidden[row, column] or shade[3] < 0.9
            axes.text(
                column + 0.5,
                row + 0.5,
                texts[row][column],
                ha="center",
                va="center_baseline",
                fontsize=SMALL,
                color=INK if on_paper else text_colour(shade),
            )
    return cells


def name_columns(axes: Axes, places: Array, names: Sequence[str], room: float) -> None:
    """Names below an axis, upright where each has less room, in points, than it needs."""
    upright = not fits([names], room)
    axes.set_xticks(places, names, rotation=90 if upright else 0)


def extra_height(names: Sequence[str], room: float) -> float:
    """How much higher, in inches, a figure must be for names that stand upright."""
    return 0.0 if fits([names], room) else length(names)


def length(names: Sequence[str]) -> float:
    """Of the longest name, in inches."""
    return max(map(len, names)) * _DIGIT * SMALL / 72


def fits(texts: Sequence[Sequence[str]], cell: float) -> bool:
    """Whether the longest of the texts fits into a cell so wide, in points."""
    longest = max((len(text) for row in texts for text in row), default=0)
    return longest * _DIGIT * SMALL <= cell + 0.5
