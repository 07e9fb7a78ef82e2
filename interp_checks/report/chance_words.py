"""How tables show the two rates of chance."""

from __future__ import annotations

from typing import Any

#: Under a table that shows them.
ABOUT_CHANCE = (
    "By chance: under how many random rotations the claim holds as stated. Anywhere: for some "
    "directions and classes in the place of those stated (-: not measured)."
)


def anywhere_of(verdict: dict[str, Any]) -> str:
    """The rate of chance for some directions and classes; empty where none was asked for.

    Args:
        verdict: or a claim of a report, which says the same of chance. Reports of earlier
            versions do not have the rate.
    """
    anywhere = verdict.get("chance_anywhere")
    if not anywhere:
        return ""
    total = verdict["chance"][1]
    return "-" if anywhere["count"] is None else f"{anywhere['count']}/{total}"
