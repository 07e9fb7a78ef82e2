"""What tells each direction from its neighbours."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from interp_checks.thresholds import MOVED

from .table import titled_table


def directions_table(subject: dict[str, Any]) -> RenderableType:
    """The directions of a subject, with a note on what the columns mean."""
    table = titled_table(f"Directions of the output layer ({subject['gauge']} weight)")
    for name in ("", "  singular value", "  energy", "  gap", "  could turn"):
        table.add_column(name, justify="right", no_wrap=True)
    for number, direction in enumerate(subject["directions"], start=1):
        table.add_row(
            str(number),
            f"{direction['singular_value']:.3f}",
            f"{100 * direction['energy']:.1f} %",
            f"{100 * direction['separation']:.1f} %",
            f"{direction['turn']:.1f} deg",
        )
    note = (
        f"Gap: to the nearest singular value, relative to the largest. Could turn: at most so "
        f"far if the weight moved by {100 * MOVED:g} % of its norm."
    )
    return Group(Padding(table, (1, 0, 0, 0)), Text(note, style="dim"))
