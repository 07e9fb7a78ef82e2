"""The tables of one subject: its ablations by family, in an order of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from interp_checks.ablations.ablation import FAMILIES


@dataclass
class Tables:
    """What is shown of one subject: its rows by family, in order."""

    subject: dict[str, Any]
    families: dict[tuple[str, str], dict[str, dict[str, Any]]] = field(default_factory=dict)
    lattice: dict[str, Any] | None = None
    #: The readout, packed, if any process sent it.
    snapshot: str = ""

    def add(self, rows: list[dict[str, Any]]) -> None:
        """Add rows, each once."""
        for row in rows:
            key = row["target"] or "", row["family"]
            self.families.setdefault(key, {}).setdefault(row["label"], row)

    def ordered(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """Family titles with their rows: the order does not depend on which claim came first."""
        tables = []
        for target in sorted({target for target, _ in self.families}):
            for family, title in FAMILIES.items():
                rows = self.families.get((target, family))
                if rows:
                    whole = f"{title} of {target}" if target else title
                    ordered = sorted(rows.values(), key=lambda row: _place(row["label"]))
                    tables.append((whole, ordered))
        return tables


def _place(label: str) -> tuple[int, list[int]]:
    """Sort labels by their numbers; "first 10" comes before "first 9", "just 1" before "just 2"."""
    numbers = [int(word) for word in label.replace(",", "").split() if word.isdigit()]
    falling = label.startswith(("first", "last"))
    return int(label.startswith("just")), [-number if falling else number for number in numbers]
