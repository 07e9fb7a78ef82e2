"""The account of a run: one row for every claim that was collected, whatever became of it.

Summary, reports, saved run and exit status all come from here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from interp_checks.printable import one_line
from interp_checks.report.contents import Uncollected
from interp_checks.report.status import RED, worst
from interp_checks.report.tables import Tables

from .attempts import Attempt, Ended
from .collected import Collected


@dataclass
class Ledger:
    """Every claim of a run, and every report about one."""

    #: By node id; with ``--dist each`` and repetitions several records have the same test.
    collected: dict[str, Collected] = field(default_factory=dict)
    #: By node id, then by worker, in the order they came.
    attempts: dict[str, dict[str, list[Attempt]]] = field(default_factory=dict)
    uncollected: list[Uncollected] = field(default_factory=list)
    #: Packed readouts by subject: a report that is superseded may have brought the only one.
    snapshots: dict[str, str] = field(default_factory=dict)
    _rows: list[dict[str, Any]] | None = None

    def collect(self, records: Iterable[Collected]) -> None:
        """Take in the claims that a process collected."""
        self._rows = None
        for record in records:
            self.collected.setdefault(record["nodeid"], record)

    def add(self, report: pytest.TestReport) -> None:
        """Take in one report, if it is about a claim."""
        record: Collected | None = getattr(report, "interp_claim", None)
        if record is not None:
            self.collect([record])
        if report.nodeid not in self.collected:
            return
        self._rows = None
        attempts = self.attempts.setdefault(report.nodeid, {}).setdefault(_worker(report), [])
        if report.when == "setup" or not attempts:
            attempts.append(Attempt())
        attempts[-1].add(report)
        evidence: dict[str, Any] | None = getattr(report, "interp_evidence", None)
        if evidence is not None and evidence["snapshot"]:
            self.snapshots.setdefault(repr(evidence["subject"]), evidence["snapshot"])

    def is_superseded(self, report: pytest.TestReport) -> bool:
        """Whether a report is of a run whose test is run again."""
        attempts = self.attempts.get(report.nodeid, {}).get(_worker(report), [])
        return bool(attempts) and attempts[-1].superseded

    def fail_to_collect(self, report: pytest.CollectReport) -> None:
        """Take in that a file or folder could not be collected, or was skipped as a whole."""
        problem = report.longrepr
        if isinstance(problem, tuple):
            text = str(problem[2]).removeprefix("Skipped: ")
        else:
            crash = getattr(problem, "reprcrash", None)
            text = str(getattr(crash, "message", None) or _last_line(str(problem)))
        self.uncollected.append(Uncollected(report.nodeid, str(report.outcome), one_line(text)))

    @property
    def deselected(self) -> list[dict[str, str]]:
        """Test and sentence of each claim that was collected and then left out."""
        kept = {record["test"] for record in self.collected.values() if record["selected"]}
        left_out = {
            record["test"]: record["claim"]
            for record in self.collected.values()
            if record["test"] not in kept
        }
        return [{"test": test, "claim": claim} for test, claim in sorted(left_out.items())]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One row for each claim that was left to run, in the order of the tests.

        A row is the claim's evidence (or as much of it as is known) with

        - ``status``, and ``pytest``: its word for the test;
        - ``reason``: why there is no verdict, if there is none;
        - ``incidents``: lines about the test that no verdict says;
        - ``attempts``: the status of each run of the test, if there were several;
        - ``subject_key``: the same for all claims of a subject; None if that is not known.
        """
        if self._rows is None:
            tests: dict[str, list[Collected]] = {}
            for record in self.collected.values():
                if record["selected"]:
                    tests.setdefault(record["test"], []).append(record)
            rows = [self._row(records) for records in tests.values()]
            _lend_subjects(rows)
            self._rows = sorted(rows, key=lambda row: row["place"])
        return self._rows

    def _row(self, records: list[Collected]) -> dict[str, Any]:
        last: list[tuple[Ended, Attempt]] = []
        earlier: list[str] = []
        missing = 0
        for record in records:
            runs = list(self.attempts.get(record["nodeid"], {}).values())
            every = [attempt for own in runs for attempt in own]
            final = [own[-1] for own in runs if not own[-1].superseded]
            missing += not final
            earlier += [attempt.ended().status for attempt in every if attempt.superseded]
            last += [(attempt.ended(), attempt) for attempt in final]
        statuses = [ended.status for ended, _ in last]
        first = min(records, key=lambda record: record["place"])
        counts = worst(statuses) if statuses else "not run"
        ended, attempt = next(
            (run for run in last if run[0].status == counts),
            (Ended("not run", "not run", "the run stopped before it"), Attempt()),
        )
        evidence = attempt.evidence or next(
            (other.evidence for _, other in last if other.evidence is not None), None
        )
        red = next((other.pytest for other, _ in last if other.red), ended.pytest)
        judged = evidence is not None and evidence["verdict"] is not None
        reason = ended.reason or (evidence or {}).get("reason", "")
        incidents = [reason if judged else "", _several(earlier, statuses, missing)]
        return {
            **(evidence or _unjudged(first)),
            "place": first["place"],
            "fixture": first["subject"],
            "subject_key": repr(evidence["subject"]) if evidence else None,
            "status": ended.status,
            "pytest": red,
            "reason": reason,
            "incidents": [line for line in incidents if line],
            "attempts": [*earlier, *statuses] if len(earlier) + len(statuses) > 1 else [],
        }

    @property
    def judged(self) -> int:
        """How many claims got a verdict."""
        return sum(row["verdict"] is not None for row in self.rows)

    @property
    def red(self) -> bool:
        """Whether some claim makes the run fail, or none was judged though some should be."""
        return any(row["pytest"] in RED for row in self.rows) or bool(self.rows and not self.judged)

    def by_subject(self) -> list[tuple[Tables, list[dict[str, Any]]]]:
        """The rows of each subject, with its tables; see also :meth:`without_subject`."""
        groups: dict[str, tuple[Tables, list[dict[str, Any]]]] = {}
        subjects = {row["subject_key"]: row["subject"] for row in self.rows if row["subject"]}
        for row in self.rows:
            key = row["subject_key"]
            if key is None:
                continue
            if key not in groups:
                groups[key] = Tables(subjects[key], snapshot=self.snapshots.get(key, "")), []
            tables, rows = groups[key]
            tables.add(row["rows"])
            tables.lattice = tables.lattice or row["lattice"]
            rows.append(row)
        return list(groups.values())

    def without_subject(self) -> list[dict[str, Any]]:
        """The rows of claims of which nobody can say what they would have been judged on."""
        return [row for row in self.rows if row["subject_key"] is None]


def _worker(report: pytest.TestReport) -> str:
    """Which worker of pytest-xdist a report is from; empty in a run of one process."""
    return str(getattr(getattr(getattr(report, "node", None), "gateway", None), "id", ""))


def _lend_subjects(rows: list[dict[str, Any]]) -> None:
    """Put a claim that was not judged to the others of its fixture, if they have one subject."""
    given: dict[str, set[str]] = {}
    for row in rows:
        if row["subject_key"] is not None:
            given.setdefault(row["fixture"], set()).add(row["subject_key"])
    for row in rows:
        subjects = given.get(row["fixture"], set())
        if row["subject_key"] is None and len(subjects) == 1:
            row["subject_key"] = next(iter(subjects))


def _unjudged(record: Collected) -> dict[str, Any]:
    """A row of a claim that left no evidence."""
    return {
        "claim": record["claim"],
        "judged_as": record["claim"],
        "mapping": "",
        "fate": None,
        "gone": None,
        "source": record["source"],
        "test": record["test"],
        "verdict": None,
        "reason": "",
        "expected_failure": False,
        "corrected_for": 0,
        "rows": [],
        "lattice": None,
        "subject": None,
    }


def _several(earlier: list[str], last: list[str], missing: int) -> str:
    """What is to be said of a claim that was run more than once."""
    remarks = []
    if earlier:
        before = _counted(earlier)
        remarks.append(f"run again after it {'ended' if last else 'ended only'} so: {before}")
    if len(set(last)) > 1:
        remarks.append(f"{len(last)} runs disagree: {_counted(last)}; the worst counts")
    if missing and last:
        total = missing + len(last)
        remarks.append(f"{missing} of {total} repetitions did not run")
    return "; ".join(remarks)


def _counted(statuses: list[str]) -> str:
    return ", ".join(f"{word} {count}" for word, count in Counter(statuses).items())


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("E").strip() if lines else ""
