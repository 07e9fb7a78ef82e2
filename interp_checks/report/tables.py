"""The tables of one subject: its ablations by family, in an order of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from interp_checks.ablations.ablation import FAMILIES
from interp_checks.ablations.cut import cut_named
from interp_checks.ablations.fill import fill_named

#: Weights, cut, fill and family: what the rows of one table have in common.
Group = tuple[str, str, str, str]


@dataclass
class Tables:
    """What is shown of one subject: its rows by family, in order."""

    subject: dict[str, Any]
    families: dict[Group, dict[str, dict[str, Any]]] = field(default_factory=dict)
    lattice: dict[str, Any] | None = None
    #: The readout, packed, if any process sent it.
    snapshot: str = ""

    def add(self, rows: list[dict[str, Any]]) -> None:
        """Add rows, each once."""
        for row in rows:
            # Runs that were saved before there were other cuts and fills do not name them.
            what = row["target"] or "", row.get("cut", "direction"), row.get("fill", "")
            self.families.setdefault((*what, row["family"]), {}).setdefault(row["label"], row)

    def ordered(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """Family titles with their rows: the order does not depend on which claim came first."""
        tables = []
        for target, cut, fill in sorted({group[:3] for group in self.families}):
            for family in FAMILIES:
                rows = self.families.get((target, cut, fill, family))
                if rows:
                    ordered = sorted(rows.values(), key=lambda row: _place(row["label"]))
                    tables.append((_title(family, target, cut, fill), ordered))
        return tables


def _title(family: str, target: str, cut: str, fill: str) -> str:
    """What the table of a family is called."""
    parted = cut_named(cut)
    title = FAMILIES[family].format(part=parted.noun, parts=parted.plural)
    title += f" of {target}" if target else ""
    return f"{title}, with {fill_named(fill).of_others}" if fill else title


def _place(label: str) -> tuple[int, list[int], str]:
    """Sort labels by their numbers; "first 10" comes before "first 9", "just 1" before "just 2"."""
    numbers = [int(word) for word in label.replace(",", "").split() if word.isdigit()]
    falling = label.startswith(("first", "last"))
    signed = [-number if falling else number for number in numbers]
    return int(label.startswith("just")), signed, label
