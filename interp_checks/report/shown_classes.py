"""Which of very many classes a table has room for: those whose recall changes most in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

#: Tables of at most so many classes show all of them.
MOST_CLASSES = 50
#: Of more classes so many are shown.
_SHOWN = 30


def shown_classes(subject: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> list[int]:
    """The numbers of the classes to show, rising; all of them where they are few.

    Args:
        subject: of a report.
        rows: of its tables.
    """
    support, intact = subject["support"], subject["intact"]["correct"]
    if len(support) <= MOST_CLASSES:
        return list(range(len(support)))
    moved = [0.0] * len(support)
    for row in rows:
        for place, (now, before, images) in enumerate(
            zip(row["correct"], intact, support, strict=True)
        ):
            if images:
                moved[place] = max(moved[place], abs(now - before) / images)
    order = sorted(range(len(support)), key=lambda place: (-moved[place], place))
    return sorted(order[:_SHOWN])


def note_on(shown: list[int], subject: Mapping[str, Any]) -> str:
    """What is said of the classes that are left out; empty if none is."""
    every = len(subject["classes"])
    if len(shown) == every:
        return ""
    return (
        f"{len(shown)} of {every:,} classes are shown, those whose recall changes most; accuracy "
        "is that of all images."
    )
