"""What every report of a run says, as plain values: the JSON, which the others are made from."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

import pytest

from interp_checks.errors import InterpChecksError
from interp_checks.report.status import counted
from interp_checks.report.statuses import behind

from .ledger import Ledger, Tables
from .paths import shown

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


def report_of(
    ledger: Ledger, config: pytest.Config, run: Circumstances | None = None
) -> dict[str, Any]:
    """Everything that a report shows, as JSON would have it.

    The same run gives the same report, but for ``time``.

    Args:
        ledger: of the run.
        config: of the run.
        run: how it went otherwise; left out, it went to its end.
    """
    from importlib.metadata import version

    option = config.getoption
    run = run or Circumstances()
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
        "exit_status": int(run.exit_status),
        "cut_short": run.cut_short,
        "summary": counted(row["status"] for row in ledger.rows),
        "not_replicated": behind(map(_claim, ledger.rows)),
        "selection": {
            "partial": bool(ledger.deselected or run.narrowed_by),
            "narrowed_by": list(run.narrowed_by),
            "deselected": ledger.deselected,
        },
        "uncollected": [asdict(one) for one in ledger.uncollected],
        "baseline": _baseline(ledger, config),
        "subjects": [_subject(tables, rows) for tables, rows in ledger.by_subject()],
        "without_subject": [_claim(row) for row in ledger.without_subject()],
    }


def _baseline(ledger: Ledger, config: pytest.Config) -> dict[str, Any] | None:
    """What the run was compared with, and what of that it did not get to."""
    if not config.getoption("interp_baseline"):
        return None
    from .baseline import baseline_of, unused_claims

    run = baseline_of(config)
    assert run is not None
    words = Counter(row["fate"][0] for row in ledger.rows if row["fate"])
    return {
        "path": shown(config, run.path),
        "partial": run.partial,
        "became": dict(words),
        "not_judged_now": unused_claims(ledger, config),
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


def commit_of(config: pytest.Config) -> str | None:
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
