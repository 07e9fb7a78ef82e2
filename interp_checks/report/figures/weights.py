"""The output layer's weight: its rows as curves, and its singular values (T9, T12)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps

from interp_checks.arrays import Array
from interp_checks.errors import DataError
from interp_checks.thresholds import PRINCIPAL

from . import arguments
from .figure import DescribedFigure, styled
from .heat_map import name_columns
from .palette import class_colour
from .spreading import spread
from .style import INK, NORMAL, PAGE, SMALL

#: What tells lines apart beside their colour and the name at their end.
_DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)))


@styled
def weight_rows(
    rows: Array, bias: Array, class_names: Sequence[str], offset: float = 0.0
) -> DescribedFigure:
    """The rows of the transposed output weight, and the bias, as curves over classes (T9).

    Args:
        rows: [Z, K]; row i is what hidden unit i adds to each logit.
        bias: [K].
        class_names: K names.
        offset: how far each curve lies above the next; 0 draws them over each other.

    Raises:
        DataError: wrong shapes, or an offset below 0.
    """
    names = arguments.names("weight rows: class names", class_names)
    curves = arguments.numbers("weight rows", rows, ["Z", len(names)])
    added = arguments.numbers("bias", bias, [len(names)])
    if not (np.isfinite(offset) and offset >= 0):
        raise DataError("weight rows: the offset is a distance", found=f"{offset:g}")
    places = np.arange(len(names))
    # The first row on top, the bias at the bottom.
    bases = offset * np.arange(len(curves), -1, -1.0)
    figure = DescribedFigure(
        "Rows of the output weight" + (", one above the other" if offset else ""),
        height=3.4 if not offset else min(8.0, 1.2 + 0.42 * (len(curves) + 1)),
        layout="constrained",
    )
    axes = figure.subplots()
    shades = colormaps["viridis"](np.linspace(0.28, 0.68, len(curves)))
    ends = []
    for number, (curve, base) in enumerate(zip([*curves, added], bases, strict=True)):
        is_bias = number == len(curves)
        axes.axhline(base, color=INK, linewidth=0.5, alpha=0.5, zorder=1)
        line = axes.plot(
            places,
            curve + base,
            color=INK if is_bias else shades[number],
            linestyle="-" if is_bias else _DASHES[number % len(_DASHES)],
            linewidth=2.2 if is_bias else 1.2,
            marker="o" if is_bias else None,
            markersize=4,
            zorder=3 if is_bias else 2,
        )[0]
        ends.append((curve[-1] + base, "bias" if is_bias else f"row {number + 1}", line))
    low, high = axes.get_ylim()
    gap = (high - low) * SMALL * 1.15 / (72 * (figure.get_figheight() - 0.6))
    if gap * len(ends) > high - low:
        # So many names would lie on each other.
        ends = ends[-1:]
    heights = spread(np.array([end for end, _, _ in ends]), gap, low, high)
    for height, (end, name, line) in zip(heights, ends, strict=True):
        last = places[-1]
        axes.plot(
            [last, last + 0.25], [end, height], color=line.get_color(), linewidth=0.5, clip_on=False
        )
        weight = "bold" if name == "bias" else "normal"
        axes.text(last + 0.3, height, name, va="center", fontsize=SMALL, fontweight=weight)
    axes.set_xlim(places[0] - 0.2, places[-1] + 0.25)
    axes.set_ylim(low, high)
    name_columns(axes, places, names, 72 * (PAGE - 1.1) / len(names))
    axes.set_xlabel("class")
    if offset:
        axes.set_yticks(bases, ["0"] * len(bases))
    axes.set_ylabel(f"weight; zeros are {offset:g} apart" if offset else "weight")
    favoured, held = int(added.argmax()), int(added.argmin())
    figure.alt = (
        f"{len(curves)} rows of the output weight and the bias over {len(names)} classes. "
        f"Weights lie between {curves.min():.2f} and {curves.max():.2f}. The bias is highest for "
        f"class {names[favoured]} ({added[favoured]:+.2f}) and lowest for class {names[held]} "
        f"({added[held]:+.2f})."
    )
    return figure


@styled
def singular_values(values: Array) -> DescribedFigure:
    """Singular values, and the share of the sum of squares that the first ones carry (T12).

    Args:
        values: [r], falling, from 0 up, not all 0.

    Raises:
        DataError: they are not.
    """
    sizes = arguments.numbers("singular values", values, ["r"])
    if sizes[0] <= 0 or sizes.min() < 0 or (np.diff(sizes) > 0).any():
        raise DataError("singular values: these are none", expected="falling, from 0 up, not all 0")
    carried = np.cumsum(sizes**2) / (sizes**2).sum()
    enough = int(np.argmax(carried >= PRINCIPAL)) + 1
    places = np.arange(1, len(sizes) + 1)
    figure = DescribedFigure("Singular values", height=3.6, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    bars = above.bar(places, sizes, width=0.7, color=class_colour(0))
    above.set_ylabel("singular value")
    below.plot(places, 100 * carried, color=class_colour(0), marker="o", markersize=4)
    below.axhline(100 * PRINCIPAL, color=INK, linewidth=0.6, linestyle=(0, (3, 3)))
    for axes in (above, below):
        axes.axvline(enough + 0.5, color=INK, linewidth=0.6, linestyle=(0, (3, 3)))
    below.set(xlabel="direction", ylabel="% of the squares", ylim=(0, 106))
    below.set_yticks([0, 25, 50, 75, 95])
    below.set_xlim(0.3, len(sizes) + 0.7)
    if len(sizes) <= 16:
        above.bar_label(bars, fmt="%.2f", padding=1.5, fontsize=SMALL)
        below.set_xticks(places)
    above.set_title(
        f"The first {enough} of {len(sizes)} carry {PRINCIPAL:.0%} of the sum of squares",
        fontsize=NORMAL,
    )
    figure.alt = (
        f"{len(sizes)} singular values from {sizes[0]:.2f} to {sizes[-1]:.2f}. The first {enough} "
        f"carry {carried[enough - 1]:.1%} of the sum of squares, the first alone {carried[0]:.1%}."
    )
    return figure
