"""Reports of one run: HTML, Markdown, JSON or CSV, by the suffix of the path."""

from __future__ import annotations

import json
import os
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from interp_checks.errors import InterpChecksError
from interp_checks.estimate import Estimate
from interp_checks.files import replacing

from .evidence import Ledger, Tables
from .paths import path_of, report_paths, shown
from .status import STATUSES, status

#: What the JSON says it is; the schema of the same number is docs/report.schema.json.
SCHEMA = "interp-checks report 1"

SUFFIXES = (".html", ".md", ".json", ".csv")


def check_report_paths(config: pytest.Config) -> None:
    """Refuse what cannot be a report.

    Raises:
        pytest.UsageError: a path has no suffix of ours, is a folder, or stands there twice.
    """
    found = report_paths(config)
    for path in found:
        if path.suffix not in SUFFIXES and not _is_step_summary(path):
            raise pytest.UsageError(
                f"--interp-report: {shown(config, path)} has the suffix {path.suffix!r}; "
                f"expected one of {', '.join(SUFFIXES)}"
            )
        if path.is_dir():
            raise pytest.UsageError(
                f"--interp-report: {shown(config, path)} is a folder; expected a file"
            )
    if len(set(found)) < len(found):
        raise pytest.UsageError("--interp-report: the same path twice")


def _is_step_summary(path: Path) -> bool:
    """Whether this is the file that GitHub shows on a workflow's page, to which one appends."""
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    return bool(summary) and path == Path(str(summary)).absolute()


def write_reports(ledger: Ledger, config: pytest.Config) -> list[str]:
    """Write every report that was asked for; returns a line about each.

    Raises:
        InterpChecksError: a file cannot be written.
    """
    lines = []
    report = report_of(ledger, config)
    for path in report_paths(config):
        if path.suffix == ".json":
            text = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
        elif path.suffix == ".csv":
            text = _csv(report)
        elif path.suffix == ".html":
            from .html import html

            text = html(ledger, config, report)
        else:
            from .markdown import markdown

            text = markdown(report)
        if _is_step_summary(path):
            _append(path, text)
        else:
            with replacing(path) as temporary:
                temporary.write_text(text, encoding="utf-8", newline="\n")
        lines.append(f"report: {shown(config, path)}")
    if config.getoption("interp_figures"):
        lines.append(_figures(ledger, config, report))
    return lines


def needs_readouts(config: pytest.Config) -> bool:
    """Whether what is written at the end needs more than verdicts and counts."""
    option = config.getoption
    pages = any(path.endswith(".html") for path in option("interp_report"))
    asked = option("interp_save"), option("interp_baseline"), option("interp_figures")
    return pages or any(asked)


def _figures(ledger: Ledger, config: pytest.Config, report: dict[str, Any]) -> str:
    """Write the figures, unless a page did; returns a line about it."""
    from .html import figures_folder, write_figures_of

    if any(path.suffix == ".html" for path in report_paths(config)):
        folder = figures_folder(config)
        return f"figures: {folder and shown(config, folder)}"
    return write_figures_of(ledger, config, report)


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InterpChecksError(
            f"{path}: this file cannot be written", found=error.strerror
        ) from None


def save(ledger: Ledger, config: pytest.Config) -> list[str]:
    """Save the run, if that was asked for; returns a line about it.

    Raises:
        InterpChecksError: the file cannot be written.
    """
    path = path_of(config, "interp_save")
    if path is None:
        return []
    from interp_checks.places import path_in_repository
    from interp_checks.runs import save_run

    path = path if path.suffix else path.with_suffix(".json")
    report = {
        **report_of(ledger, config),
        "commit": _commit(config),
        "root": path_in_repository(config.rootpath),
    }
    snapshots = [
        next((entry["snapshot"] for entry in entries if entry["snapshot"]), "")
        for _, entries in ledger.by_subject()
    ]
    save_run(path, report, snapshots)
    return [f"run saved: {shown(config, path)}"]


def _commit(config: pytest.Config) -> str | None:
    """The commit of the checkout that the suites are in."""
    import subprocess

    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=config.rootpath,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


def report_of(ledger: Ledger, config: pytest.Config) -> dict[str, Any]:
    """Everything that a report shows, as JSON would have it.

    The same run gives the same report, but for ``time``.
    """
    from importlib.metadata import version

    option = config.getoption
    groups = ledger.by_subject()
    counts = Counter(status(entry) for _, entries in groups for entry in entries)
    return {
        "schema": SCHEMA,
        "time": _now(),
        "versions": {name: version(name) for name in ("interp-checks", "numpy", "scipy")},
        "options": {
            "familywise": option("interp_familywise"),
            "rotations": option("interp_rotations"),
            "undecided": option("interp_undecided"),
            "align": option("interp_align"),
            "baseline": option("interp_baseline"),
        },
        "summary": {word: counts[word] for word in STATUSES},
        "subjects": [_subject(tables, entries) for tables, entries in groups],
    }


def _now() -> str:
    """The time of the report; SOURCE_DATE_EPOCH sets it for reproducible builds."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch and not epoch.isdecimal():
        raise InterpChecksError(
            "SOURCE_DATE_EPOCH is no time", found=epoch, expected="seconds since 1970"
        )
    now = datetime.fromtimestamp(int(epoch), timezone.utc) if epoch else datetime.now(timezone.utc)
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def _subject(tables: Tables, entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        **tables.subject,
        "tables": [{"title": title, "rows": rows} for title, rows in tables.ordered()],
        "lattice": tables.lattice,
        "claims": [_claim(entry) for entry in entries],
    }


def _claim(entry: dict[str, Any]) -> dict[str, Any]:
    verdict = entry["verdict"] or {}
    return {
        "claim": entry["claim"],
        "test": entry["nodeid"],
        "source": entry["source"],
        "judged_as": entry["judged_as"],
        "became": entry["fate"],
        "status": status(entry),
        "outcome": verdict.get("outcome"),
        "measured": verdict.get("measured", entry["reason"]),
        "needed": verdict.get("needed", ""),
        "confidence": verdict.get("confidence"),
        "chance": verdict.get("chance"),
        "remarks": verdict.get("remarks", []),
        "checks": verdict.get("checks", []),
    }


def _csv(report: dict[str, Any]) -> str:
    """The long table: one row per subject, ablation and class."""
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
                            "subject": subject["description"],
                            "family": row["family"],
                            "ablation": row["sentence"],
                            "class": name,
                            "images": recall.total,
                            "correct": recall.count,
                            "recall": recall.value,
                            "lower": recall.lower,
                            "upper": recall.upper,
                            "predicted": row["predicted"][place],
                            "near_chance": any(
                                line.startswith("near chance") for line in subject["warnings"]
                            ),
                        }
                    )
    text: str = pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")
    return text
