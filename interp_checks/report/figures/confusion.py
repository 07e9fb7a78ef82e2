"""Confusion matrices (T6, T16 to T19)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.colors import PowerNorm

from interp_checks.arrays import Array, IntArray
from interp_checks.errors import DataError

from . import arguments
from .figure import DescribedFigure, styled
from .heat_map import extra_height, heat_map, length
from .style import INK, PAGE

#: Shares are drawn at this power, so that one image in a thousand can be seen.
_POWER = 0.4


@styled
def confusion_matrices(
    counts: Sequence[Array], titles: Sequence[str], class_names: Sequence[str]
) -> DescribedFigure:
    """One confusion matrix, or several, two beside each other.

    A cell's colour is the share of its row's images (of the diagonal: recall), on a scale that
    shows small shares too. A cell without an image is empty.

    Args:
        counts: of each matrix [K, K]; rows are true classes, columns predicted ones.
        titles: of each matrix.
        class_names: K names.

    Raises:
        DataError: these are no counts, or lengths differ.
    """
    arguments.same_length("confusion matrices and their titles", counts, titles)
    names = arguments.names("confusion matrices: class names", class_names)
    size = len(names)
    tables = [
        arguments.counts(f"confusion matrix {title!r}", table, [size, size])
        for title, table in zip(titles, counts, strict=True)
    ]
    for title, table in zip(titles, tables, strict=True):
        if not table.any():
            raise DataError(f"confusion matrix {title!r}: there are no images")
    columns = min(2, len(tables))
    rows = math.ceil(len(tables) / columns)
    side = 4.4 if columns == 1 else PAGE / 2 - 0.25
    cell = 72 * (side - 0.2 - length(names)) / size
    figure = DescribedFigure(
        "Confusion matrix" if len(tables) == 1 else "Confusion matrices",
        height=rows * (side + 0.25 + extra_height(names, cell)) + 0.55,
        layout="constrained",
    )
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, title, table in zip(panels, titles, tables, strict=False):
        texts = [[str(count) if count else "" for count in row] for row in table]
        cells = heat_map(
            panel,
            arguments.row_shares(table),
            names,
            names,
            scale=PowerNorm(_POWER, 0, 1),
            cell=cell,
            texts=texts,
            blank=table == 0,
        )
        panel.set_aspect("equal")
        panel.set_title(title)
        panel.set_xlabel("predicted")
        # Where a class has images, though every cell of its row but one may be empty.
        for spine in panel.spines.values():
            spine.set(visible=True, color=INK, linewidth=0.4)
    for row in range(rows):
        panels[row * columns].set_ylabel("true")
    for panel in panels[len(tables) :]:
        panel.set_axis_off()
    bar = figure.colorbar(
        cells, ax=list(panels), location="bottom", shrink=0.5, aspect=40, pad=0.02
    )
    bar.set_ticks([0, 0.01, 0.1, 0.25, 0.5, 1], labels=["0", "1", "10", "25", "50", "100 %"])
    bar.set_label("share of the row's images")
    bar.outline.set_linewidth(0.4)
    figure.alt = " ".join(
        _in_words(str(title), table, names) for title, table in zip(titles, tables, strict=True)
    )
    return figure


def _in_words(title: str, table: IntArray, names: Sequence[str]) -> str:
    """What a confusion matrix shows."""
    right, total = int(np.trace(table)), int(table.sum())
    mistakes = table.copy()
    np.fill_diagonal(mistakes, 0)
    worst = divmod(int(mistakes.argmax()), len(names))
    commonest = (
        f"; the commonest mistake is {names[worst[0]]} as {names[worst[1]]} ({mistakes[worst]:,})"
        if mistakes.any()
        else "; there is no mistake"
    )
    return (
        f"Confusion matrix of {len(names)} classes, {title}: "
        f"{right:,} of {total:,} on the diagonal{commonest}."
    )
