"""The report of a run: what its ledger and its options say, put together."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from interp_checks.report.contents import Baseline, Circumstances, RunRows, contents_of

from .baseline import baseline_of, unused_claims
from .ledger import Ledger
from .paths import path_for_people


def report_of(
    ledger: Ledger, config: pytest.Config, run: Circumstances | None = None
) -> dict[str, Any]:
    """Everything that a report shows, as JSON would have it.

    Args:
        ledger: of the run.
        config: of the run.
        run: how it went otherwise; left out, it went to its end.
    """
    option = config.getoption
    options = ("familywise", "rotations", "undecided", "align", "baseline")
    saved = baseline_of(config)
    return contents_of(
        RunRows(
            ledger.rows,
            ledger.by_subject(),
            ledger.without_subject(),
            ledger.deselected,
            ledger.uncollected,
        ),
        {name: option(f"interp_{name}") for name in options},
        run or Circumstances(),
        None
        if saved is None
        else Baseline(
            path_for_people(config, saved.path), saved.partial, unused_claims(ledger, config)
        ),
    )


def commit_of(config: pytest.Config) -> str | None:
    """The commit of the checkout that the suites are in."""
    try:
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=config.rootpath,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return head.stdout.strip()
