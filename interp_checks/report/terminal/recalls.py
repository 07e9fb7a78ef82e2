"""Recalls under every ablation of a family, coloured by what became of each class."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.table import Table
from rich.text import Text

from interp_checks.statistics.intervals import percent
from interp_checks.thresholds import ALIVE, DEAD, PREDICTED

from .table import titled_table

#: Above this recall a cell counts as intact for its colour.
_INTACT = 0.90

#: The header of the column that says where predictions go.
_PREDICTS = "predicts"


def recall_table(
    title: str, rows: list[dict[str, Any]], subject: dict[str, Any], width: int
) -> Table:
    """A row for the intact model and one for each ablation; a column for each class.

    Args:
        title: of the table.
        rows: counts under each ablation, as evidence has them.
        subject: the same of the subject, whose intact counts come first.
        width: of the terminal, in columns; many classes are told in fewer.
    """
    classes, support = subject["classes"], subject["support"]
    every = [subject["intact"], *rows]
    labels = max(len(row["label"]) for row in every)
    cells = [[_cell(recall) for recall in _recalls(row, support)] for row in every]
    columns = sum(
        1 + max(3, len(name), *(len(cell) for cell in column))
        for name, column in zip(classes, zip(*cells, strict=True), strict=True)
    )
    table = titled_table(title)
    table.add_column("", no_wrap=True)
    if labels + 2 + columns + 6 > width:
        return _narrow_table(table, every, classes, support)
    for name in classes:
        table.add_column(name, justify="right", min_width=3, no_wrap=True)
    table.add_column("accuracy" if width > 100 else "acc.", justify="right", no_wrap=True)
    few = {row["label"]: _few_predicted(row, classes) for row in rows}
    roomy = labels + 2 + columns + 6 + 18 <= width
    if roomy and any(few.values()):
        table.add_column(_PREDICTS, no_wrap=True, overflow="ellipsis")
    for row, recalls in zip(every, cells, strict=True):
        last = [Text(f"{100 * sum(row['correct']) / sum(support):.2f}")]
        if roomy and any(few.values()):
            last.append(Text(few.get(row["label"], "")))
        table.add_row(Text(row["label"]), *recalls, *last, end_section=row["label"] == "intact")
    return table


def _narrow_table(
    table: Table, rows: list[dict[str, Any]], classes: list[str], support: list[int]
) -> Table:
    """For many classes or few columns: accuracy, and the classes that suffer."""
    table.add_column("acc.", justify="right", no_wrap=True)
    table.add_column("dead", justify="right", no_wrap=True)
    table.add_column("lowest recalls")
    for row in rows:
        recalls = _recalls(row, support)
        by_recall = sorted(
            (recall, name)
            for recall, name in zip(recalls, classes, strict=True)
            if recall is not None
        )
        dead = sum(recall < DEAD for recall, _ in by_recall)
        worst = [(recall, name) for recall, name in by_recall if recall < _INTACT][:6] or by_recall[
            :1
        ]
        cells = ", ".join(f"{name} {percent(recall, 0, (DEAD, ALIVE))}" for recall, name in worst)
        accuracy = f"{100 * sum(row['correct']) / sum(support):.2f}"
        table.add_row(row["label"], accuracy, str(dead), cells)
    return table


def legend(tables: Iterable[Table]) -> str:
    """What the cells mean."""
    legend = "Recall in %, intact model first."
    if any(column.header == _PREDICTS for table in tables for column in table.columns):
        legend += (
            f" Predicts: classes with more than {100 * PREDICTED:g} % of all predictions, where "
            "few are left."
        )
    return legend


def _recalls(row: dict[str, Any], support: list[int]) -> list[float | None]:
    return [
        correct / total if total else None
        for correct, total in zip(row["correct"], support, strict=True)
    ]


def _cell(recall: float | None) -> Text:
    if recall is None:
        return Text("-", style="dim")
    style = "green"
    if recall < DEAD:
        style = "bold reverse red"
    elif recall < ALIVE:
        style = "red"
    elif recall < _INTACT:
        style = "yellow"
    return Text(percent(recall, 0, (DEAD, ALIVE)).rjust(3), style=style)


def _few_predicted(row: dict[str, Any], classes: list[str]) -> str:
    """Which classes are predicted and how often, where these are at most half of them."""
    if row["predicted"] is None:  # of many classes
        return ""
    total = sum(row["predicted"])
    shares = sorted(
        ((count / total, name) for count, name in zip(row["predicted"], classes, strict=True)),
        key=lambda pair: -pair[0],
    )
    predicted = [(share, name) for share, name in shares if share > PREDICTED]
    if 2 * len(predicted) > len(classes):
        return ""
    classes_shown = ", ".join(
        f"{name} {percent(share, 0, [PREDICTED])}%" for share, name in predicted[:2]
    )
    return classes_shown + (", ..." if len(predicted) > 2 else "")
