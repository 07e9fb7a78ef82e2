"""Tables of ablations by classes as heat maps (T16 to T19, T24)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import Normalize, PowerNorm
from matplotlib.patches import Rectangle

from interp_checks.arrays import Array, FloatArray
from interp_checks.errors import DataError
from interp_checks.statistics.intervals import percent
from interp_checks.thresholds import ALIVE, DEAD, PREDICTED

from . import arguments
from .figure import DescribedFigure, styled
from .heat_map import extra_height, heat_map, length
from .style import INK, PAGE


@styled
def recall_table(
    ablations: Sequence[str], recall: Array, class_names: Sequence[str], title: str
) -> DescribedFigure:
    """The recall of each class under each ablation, in percent.

    The cell of a dead class (recall below 5 %) is hollow and framed.

    Args:
        ablations: A names.
        recall: [A, K], from 0 to 1.
        class_names: K names.
        title: above the table.

    Raises:
        DataError: wrong shapes, or recall that is not a share.
    """
    rows, columns, values = _table("recall", ablations, recall, class_names, shares=True)
    dead = values < DEAD
    texts = [[percent(value, 0, (DEAD, ALIVE)) for value in row] for row in values]
    figure = _table_figure(title, rows, columns, values, texts, dead, Normalize(0, 1), "recall")
    for row, column in np.argwhere(dead):
        figure.axes[0].add_patch(
            Rectangle(
                (column + 0.06, row + 0.08), 0.88, 0.84, fill=False, edgecolor=INK, linewidth=1
            )
        )
    if dead.any():
        figure.axes[0].set_xlabel(f"class (framed: dead, recall below {DEAD:.0%})")
    names = [
        f"{columns[column]} under {rows[row]} ({percent(values[row, column], 0, (DEAD, ALIVE))} %)"
        for row, column in np.argwhere(dead)
    ]
    figure.alt = (
        f"Recall of {len(columns)} classes under {len(rows)} ablations, from "
        f"{percent(values.min(), 1, [DEAD])} % to {percent(values.max(), 1, [DEAD])} %. "
        + (f"{len(names)} dead: {arguments.listed(names)}." if names else "No class is dead.")
    )
    return figure


@styled
def predicted_shares(
    ablations: Sequence[str], shares: Array, class_names: Sequence[str], title: str
) -> DescribedFigure:
    """What share of all images is predicted as each class under each ablation, in percent.

    Args:
        ablations: A names.
        shares: [A, K], from 0 to 1; a class that is never predicted is left blank.
        class_names: K names.
        title: above the table.

    Raises:
        DataError: wrong shapes, or numbers that are no shares.
    """
    rows, columns, values = _table("shares", ablations, shares, class_names, shares=True)
    never = values == 0
    texts = [[percent(value, 0, [PREDICTED]) if value else "" for value in row] for row in values]
    figure = _table_figure(
        title, rows, columns, values, texts, never, PowerNorm(0.5, 0, 1), "share of predictions"
    )
    predicted = (values > PREDICTED).sum(axis=1)
    counts = [f"{row}: {count}" for row, count in zip(rows, predicted, strict=True)]
    figure.alt = (
        f"Share of images predicted as each of {len(columns)} classes under {len(rows)} ablations. "
        f"Classes that get more than {PREDICTED:.0%}: {arguments.listed(counts, 12)}."
    )
    return figure


@styled
def accuracy_table(weights: Sequence[str], accuracy: Array, title: str) -> DescribedFigure:
    """Accuracy when one direction of some weights is dropped, in percent (T23).

    Args:
        weights: A names.
        accuracy: [A, r], from 0 to 1, by the direction that is dropped.
        title: above the table.

    Raises:
        DataError: wrong shapes, or accuracy that is not a share.
    """
    numbers = [str(number) for number in range(1, np.shape(accuracy)[-1] + 1)]
    rows, columns, values = _table("accuracy", weights, accuracy, numbers, shares=True)
    texts = [[percent(value, 0) for value in row] for row in values]
    none = np.zeros(values.shape, bool)
    figure = _table_figure(title, rows, columns, values, texts, none, Normalize(0, 1), "accuracy")
    figure.axes[0].set_xlabel("direction that is dropped")
    row, column = np.unravel_index(int(values.argmin()), values.shape)
    figure.alt = (
        f"Accuracy without each of {len(columns)} directions of {len(rows)} weights, from "
        f"{values.min():.1%} to {values.max():.1%}: lowest without direction {columns[column]} of "
        f"{rows[row]}."
    )
    return figure


@styled
def mean_movement(
    distance: Array, ablations: Sequence[str], class_names: Sequence[str]
) -> DescribedFigure:
    """How far the mean of each class moves under each ablation.

    Args:
        distance: [A, K], from 0 up.
        ablations: A names.
        class_names: K names.

    Raises:
        DataError: wrong shapes, or a distance below 0.
    """
    rows, columns, values = _table("distances", ablations, distance, class_names)
    texts = [[f"{value:.2g}" if value < 10 else f"{value:.0f}" for value in row] for row in values]
    scale = Normalize(0, values.max() or 1)
    none = np.zeros(values.shape, bool)
    title = "How far each class's mean moves"
    figure = _table_figure(title, rows, columns, values, texts, none, scale, "distance")
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    figure.alt = (
        f"Distance that the mean of each of {len(columns)} classes moves under {len(rows)} "
        f"ablations, from {values.min():.2g} to {values.max():.2g}: the farthest is class "
        f"{columns[column]} under {rows[row]}."
    )
    return figure


def _table(
    what: str,
    ablations: Sequence[str],
    values: Array,
    class_names: Sequence[str],
    shares: bool = False,
) -> tuple[tuple[str, ...], tuple[str, ...], FloatArray]:
    rows = arguments.names(f"{what}: ablations", ablations)
    columns = arguments.names(f"{what}: class names", class_names)
    table = arguments.numbers(what, values, [len(rows), len(columns)])
    if table.min() < 0 or (shares and table.max() > 1):
        raise DataError(
            f"{what}: a number out of range",
            found=f"{table.min():g} to {table.max():g}",
            expected="0 to 1" if shares else "0 and above",
        )
    return rows, columns, table


def _table_figure(
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: FloatArray,
    texts: Sequence[Sequence[str]],
    blank: Array,
    scale: Normalize,
    meaning: str,
) -> DescribedFigure:
    cell = 72 * (PAGE - 1.1 - length(rows)) / len(columns)
    height = 0.85 + 0.22 * max(len(rows), 5) + extra_height(columns, cell)
    figure = DescribedFigure(title, height=height, layout="constrained")
    axes = figure.subplots()
    cells = heat_map(axes, values, rows, columns, scale=scale, cell=cell, texts=texts, blank=blank)
    axes.set_title(title)
    axes.set_xlabel("class")
    bar = figure.colorbar(cells, ax=axes, aspect=30, pad=0.02)
    bar.set_label(meaning)
    if meaning != "distance":
        bar.set_ticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "25", "50", "75", "100 %"])
    bar.outline.set_linewidth(0.4)
    return figure
