"""What every report of a run says, as plain values: the JSON, which the others are made from.

A row of a run is the evidence of a claim (see :mod:`interp_checks.report.evidence`) with what
became of its test: ``status``, ``pytest``, ``attempts``, ``incidents``, ``reason``.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from typing import Any

from interp_checks.errors import InterpChecksError
from interp_checks.printable import encodable

from .status import behind, counted
from .tables import Tables

#: What the JSON says it is; the schema of the same number is docs/report.schema.json.
SCHEMA = "interp-checks report 2"


@dataclass(frozen=True)
class Circumstances:
    """What a run was, apart from its claims.

    Args:
        exit_status: of pytest, as far as it is known when reports are written.
        cut_short: why the run stopped before its end; empty if it did not.
        narrowed_by: what on the command line kept claims from being collected.
    """

    exit_status: int = 0
    cut_short: str = ""
    narrowed_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Uncollected:
    """A file or folder whose tests are not known.

    Args:
        test: its id.
        outcome: failed or skipped.
        reason: one line.
    """

    test: str
    outcome: str
    reason: str


@dataclass(frozen=True)
class Baseline:
    """What a run was compared with.

    Args:
        path: as people read it.
        partial: whether it was part of a run.
        not_judged_now: test, sentence and why of each of its claims that was not got to.
    """

    path: str
    partial: bool
    not_judged_now: Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class RunRows:
    """Every claim of a run.

    Args:
        rows: all of them, in the order of the tests.
        by_subject: the tables of each subject, and the rows of the claims about it.
        without_subject: rows of claims of which nobody can say what they are about.
        deselected: test and sentence of each claim that was collected and left out.
        uncollected: files and folders whose claims are not known.
    """

    rows: Sequence[dict[str, Any]]
    by_subject: Sequence[tuple[Tables, list[dict[str, Any]]]]
    without_subject: Sequence[dict[str, Any]]
    deselected: Sequence[Mapping[str, str]]
    uncollected: Sequence[Uncollected]


def contents_of(
    run: RunRows,
    options: Mapping[str, Any],
    circumstances: Circumstances,
    baseline: Baseline | None = None,
) -> dict[str, Any]:
    """Everything that a report shows, as JSON would have it.

    The same run gives the same report, but for ``time``.

    Args:
        run: its claims.
        options: that it was called with.
        circumstances: how it went otherwise.
        baseline: what it was compared with, if it was.
    """
    return {
        "schema": SCHEMA,
        "time": _time_of_report(),
        "versions": {name: version(name) for name in ("interp-checks", "numpy", "scipy")},
        "options": dict(options),
        "exit_status": int(circumstances.exit_status),
        "cut_short": circumstances.cut_short,
        "summary": counted(row["status"] for row in run.rows),
        "not_replicated": behind(map(_claim, run.rows)),
        "selection": {
            "partial": bool(run.deselected or circumstances.narrowed_by),
            "narrowed_by": list(circumstances.narrowed_by),
            "deselected": list(run.deselected),
        },
        "uncollected": [asdict(place) for place in run.uncollected],
        "baseline": None if baseline is None else _since(baseline, run.rows),
        "subjects": [_subject(tables, rows) for tables, rows in run.by_subject],
        "without_subject": [_claim(row) for row in run.without_subject],
    }


def json_text(report: dict[str, Any]) -> str:
    """A report as JSON that UTF-8 can encode: what it cannot is escaped, and comes back."""
    return encodable(json.dumps(report, indent=1, ensure_ascii=False)) + "\n"


def _since(baseline: Baseline, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What became of the findings of a baseline, and what of them was not got to."""
    words = Counter(row["fate"][0] for row in rows if row["fate"])
    return {
        "path": baseline.path,
        "partial": baseline.partial,
        "became": dict(words),
        "not_judged_now": list(baseline.not_judged_now),
    }


def _time_of_report() -> str:
    """The time of the report; SOURCE_DATE_EPOCH sets it for reproducible builds."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch and not epoch.isdecimal():
        raise InterpChecksError(
            "SOURCE_DATE_EPOCH is no time", found=epoch, expected="seconds since 1970"
        )
    now = datetime.fromtimestamp(int(epoch), timezone.utc) if epoch else datetime.now(timezone.utc)
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def _subject(tables: Tables, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        **tables.subject,
        "tables": [{"title": title, "rows": table} for title, table in tables.ordered()],
        "lattice": tables.lattice,
        "claims": [_claim(row) for row in rows],
    }


def _claim(row: dict[str, Any]) -> dict[str, Any]:
    verdict = row["verdict"] or {}
    return {
        "claim": row["claim"],
        "test": row["test"],
        "source": row["source"],
        "judged_as": row["judged_as"],
        "became": row["fate"],
        "gone": row["gone"],
        "status": row["status"],
        "pytest": row["pytest"],
        "attempts": row["attempts"],
        "outcome": verdict.get("outcome"),
        "measured": verdict.get("measured", row["reason"]),
        "needed": verdict.get("needed", ""),
        "confidence": verdict.get("confidence"),
        "chance": verdict.get("chance"),
        "chance_anywhere": verdict.get("chance_anywhere"),
        "remarks": [*row["incidents"], *verdict.get("remarks", [])],
        "checks": verdict.get("checks", []),
    }
