"""The long table of recalls as CSV."""

from __future__ import annotations

from typing import Any

from interp_checks.statistics.intervals import Estimate

#: With these a spreadsheet begins a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_table(report: dict[str, Any]) -> str:
    """One row per subject, ablation and class.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.

    Args:
        report: printable, as reports for people are.
    """
    import pandas as pd

    rows = []
    for subject in report["subjects"]:
        intact = {"title": "intact", "rows": [subject["intact"]]}
        for table in (intact, *subject["tables"]):
            for row in table["rows"]:
                for place, name in enumerate(subject["classes"]):
                    recall = Estimate(
                        row["correct"][place], subject["support"][place], subject["confidence"]
                    )
                    rows.append(
                        {
                            "subject": _inert(subject["description"]),
                            "family": row["family"],
                            "ablation": _inert(row["sentence"]),
                            "class": _inert(name),
                            "images": recall.total,
                            "correct": recall.count,
                            "recall": recall.value,
                            "lower": recall.lower,
                            "upper": recall.upper,
                            "predicted": row["predicted"] and row["predicted"][place],
                            "near_chance": any(
                                line.startswith("near chance") for line in subject["warnings"]
                            ),
                        }
                    )
    text: str = pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")
    return text


def _inert(text: str) -> str:
    """A text that no spreadsheet runs; numbers are left as they are."""
    if not text.startswith(_FORMULA):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text
