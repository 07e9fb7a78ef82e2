"""Bars: how many images a class has (T5), and what directions are worth to classes (T20, T22)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from interp_checks.arrays import Array

from . import arguments
from .figure import DescribedFigure, styled
from .heat_map import name_columns
from .palette import class_colour
from .style import INK, NORMAL, PAGE, SMALL


@styled
def class_counts(
    train_labels: Array, test_labels: Array, class_names: Sequence[str]
) -> DescribedFigure:
    """How many images of each class there are, for training and for test (T5).

    Args:
        train_labels: [N], class numbers from 0.
        test_labels: [M].
        class_names: K names.

    Raises:
        DataError: no labels, or labels without a name.
    """
    names = arguments.names("class counts: class names", class_names)
    places = np.arange(len(names))
    figure = DescribedFigure("Class counts", height=2.6, layout="constrained")
    axes = figure.subplots()
    sentences = []
    # Full and hollow, so that the two are told apart without colour.
    looks = (
        ("train", train_labels, -0.21, {"color": class_colour(0)}),
        ("test", test_labels, 0.21, {"facecolor": "none", "edgecolor": INK, "linewidth": 0.9}),
    )
    for part, labels, shift, look in looks:
        numbers = arguments.labels(f"{part} labels", labels, "N", len(names))
        heights = np.bincount(numbers, minlength=len(names))
        bars = axes.bar(
            places + shift, heights, width=0.4, label=f"{part} ({len(numbers):,})", **look
        )
        if len(names) <= 12:
            axes.bar_label(bars, padding=1.5, fontsize=SMALL)
        most, least = int(heights.argmax()), int(heights.argmin())
        sentences.append(
            f"{part}: {len(numbers):,} images, from {heights[least]:,} ({names[least]}) "
            f"to {heights[most]:,} ({names[most]})"
        )
    name_columns(axes, places, names, 72 * (PAGE - 0.6) / len(names))
    axes.tick_params(axis="x", length=0)
    axes.set(xlabel="class", ylabel="images")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=2)
    figure.alt = f"Images of each of {len(names)} classes. {'; '.join(sentences)}."
    return figure


@styled
def shapley_bars(values: Array, names: Sequence[str]) -> DescribedFigure:
    """What each direction is worth to each class: a panel for each class (T20, T22).

    Args:
        values: [r, K + 1], Shapley values by direction; the last column is that of accuracy.
        names: of the columns.

    Raises:
        DataError: wrong shapes.
    """
    games = arguments.names("Shapley values: names", names)
    worth = arguments.numbers("Shapley values", values, ["r", len(games)])
    directions = np.arange(1, len(worth) + 1)
    columns = min(4, len(games))
    rows = math.ceil(len(games) / columns)
    figure = DescribedFigure(
        "Shapley values of directions", height=0.4 + 1.15 * rows, layout="constrained"
    )
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for position, (panel, name) in enumerate(zip(panels.ravel(), games, strict=False)):
        last = position == len(games) - 1
        panel.bar(
            directions,
            worth[:, position],
            width=0.75,
            color=INK if last else class_colour(position),
        )
        panel.axhline(0, color=INK, linewidth=0.6)
        best = int(worth[:, position].argmax())
        panel.set_title(f"{name} (most: {best + 1})", fontsize=NORMAL, pad=2)
        if len(directions) <= 12:
            panel.set_xticks(directions)
        panel.tick_params(axis="x", length=0, labelbottom=position + columns >= len(games))
        panel.set_axisbelow(True)
        panel.grid(axis="y", alpha=0.2, linewidth=0.5)
    for panel in panels.ravel()[len(games) :]:
        panel.set_axis_off()
    figure.supxlabel("direction", fontsize=NORMAL)
    figure.supylabel("Shapley value", fontsize=NORMAL)
    tops = worth.argmax(axis=0)
    sentences = [
        f"{name}: direction {top + 1} ({worth[top, column]:+.2f})"
        for column, (name, top) in enumerate(zip(games, tops, strict=True))
    ]
    figure.alt = (
        f"Shapley values of {len(worth)} directions. "
        f"The largest for {arguments.listed(sentences, 12)}."
    )
    return figure
