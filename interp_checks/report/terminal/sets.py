"""What all subsets of directions tell."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from interp_checks.wording import sets_in_words

from .table import titled_table

#: Sets shown of each kind.
_MOST_SETS = 3
#: Shapley values under this share are not shown.
_WORTH_TELLING = 0.05


def sets_table(classes: list[str], lattice: dict[str, Any]) -> Table:
    """Per class what kills it, what alone spares it, which directions carry it."""
    table = titled_table("Sets of directions", padding=(0, 2, 0, 0))
    table.add_column("class", no_wrap=True)
    for header in ("carried by (Shapley, points)", "minimal kill sets", "minimal sufficient sets"):
        table.add_column(header, overflow="fold")
    for place, name in enumerate(classes):
        values = sorted(
            ((row[place], number) for number, row in enumerate(lattice["shapley"], start=1)),
            reverse=True,
        )
        carried = ", ".join(
            f"{number} ({100 * value:+.0f})"
            for value, number in values[:3]
            if value > _WORTH_TELLING
        )
        sets = [
            sets_in_words([tuple(numbers) for numbers in lattice[kind][place]], _MOST_SETS)
            for kind in ("kill_sets", "sufficient_sets")
        ]
        table.add_row(name, carried, *sets)
    return table
