"""The look that all tables of a terminal share."""

from __future__ import annotations

from rich import box
from rich.table import Table


def titled_table(title: str, padding: tuple[int, int, int, int] = (0, 0, 0, 0)) -> Table:
    """An empty table under a title."""
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=padding,
        show_edge=False,
        pad_edge=False,
    )
