"""From pytest's reports to what became of a test: one attempt is its setup, call and teardown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from interp_checks.printable import one_line
from interp_checks.report.status import RED, verdict_status

#: How pytest-timeout begins what it says when it stops a test.
_TIMED_OUT = re.compile(r"\bTimeout \(>[\d.]+ ?s\) from pytest-timeout")
_STRICT = "[XPASS(strict)]"
#: What the makers of a report call the phase of a test whose worker died.
_DIED = "???"


@dataclass
class Attempt:
    """One run of one test.

    Args:
        phases: the report of each, by its name.
        evidence: what judging left behind; None if it did not get that far.
    """

    phases: dict[str, pytest.TestReport] = field(default_factory=dict)
    evidence: dict[str, Any] | None = None

    def add(self, report: pytest.TestReport) -> None:
        """Take in the report of one phase."""
        self.phases[str(report.when)] = report
        self.evidence = getattr(report, "interp_evidence", self.evidence)

    @property
    def superseded(self) -> bool:
        """Whether the test is run again because of how this went (pytest-rerunfailures)."""
        return any(str(report.outcome) == "rerun" for report in self.phases.values())

    def ended(self) -> Ended:
        """What became of the test.

        It is the last thing that went wrong that counts, and pytest's own word for it.
        """
        died, teardown = self.phases.get(_DIED), self.phases.get("teardown")
        if died is not None:
            return Ended("crashed", "failed", _said(died))
        if teardown is not None and _went_wrong(teardown) and not self._failed("setup", "call"):
            return _broken(teardown, "error")
        setup, call = self.phases.get("setup"), self.phases.get("call")
        if setup is None:
            return Ended("not run", "not run", "the run stopped before it")
        if _went_wrong(setup):
            return _broken(setup, "error")
        if setup.skipped:
            return _skipped(setup)
        if call is None:
            return Ended("not run", "not run", "the run stopped in it")
        return self._called(call)

    def _failed(self, *phases: str) -> bool:
        return any(_went_wrong(self.phases[name]) for name in phases if name in self.phases)

    def _called(self, call: pytest.TestReport) -> Ended:
        """What became of a test that was called."""
        evidence = self.evidence
        if evidence is None:
            if _went_wrong(call):
                return _broken(call, "failed")
            if call.skipped:
                return _skipped(call)
            return Ended("not judged", "passed", "its test passed, and nothing judged it")
        status = verdict_status(evidence)
        if _went_wrong(call):
            strict = _said(call).startswith(_STRICT)
            if evidence["decision"] != "failed" and not strict:
                return _broken(call, "failed")
            unexpected = strict or (evidence["expected_failure"] and status == "holds")
            unexpected = unexpected and evidence["fate"] is None
            return Ended("unexpectedly holds" if unexpected else status, "failed", "")
        if call.skipped and hasattr(call, "wasxfail"):
            ours = evidence["decision"] == "xfailed"
            return Ended(status if ours else "expected failure", "xfailed", "")
        if call.skipped:
            return Ended(status, "skipped", "")
        if hasattr(call, "wasxfail"):
            word = "unexpectedly holds" if status == "holds" else status
            return Ended(word, "xpassed", "")
        return Ended(status, "passed", "")


@dataclass(frozen=True)
class Ended:
    """What became of one attempt.

    Args:
        status: as reports call it.
        pytest: pytest's word: passed, failed, error, skipped, xfailed, xpassed; or not run.
        reason: one line, where there is no verdict that says it.
    """

    status: str
    pytest: str
    reason: str

    @property
    def red(self) -> bool:
        """Whether it makes the run fail."""
        return self.pytest in RED


def _went_wrong(report: pytest.TestReport) -> bool:
    # A report that pytest-rerunfailures took back says "rerun" instead of "failed".
    return report.failed or str(report.outcome) == "rerun"


def _broken(report: pytest.TestReport, word: str) -> Ended:
    """A test that raised, or was stopped."""
    text = _said(report)
    if _TIMED_OUT.search(text):
        return Ended("timed out", word, text)
    where = "" if report.when == "call" else f"in its {report.when}: "
    return Ended("error", word, where + text)


def _skipped(report: pytest.TestReport) -> Ended:
    """A test that a mark, a fixture or another plugin skipped, or expected to fail."""
    if hasattr(report, "wasxfail"):
        reason = one_line(str(report.wasxfail)).removeprefix("reason: ")
        return Ended("expected failure", "xfailed", reason or _said(report))
    return Ended("skipped", "skipped", _said(report))


def _said(report: pytest.TestReport) -> str:
    """One line of what a report says."""
    problem = report.longrepr
    if isinstance(problem, tuple):  # of what is skipped: file, line, reason
        return one_line(str(problem[2]).removeprefix("Skipped: "))
    crash = getattr(problem, "reprcrash", None)
    return one_line(str(getattr(crash, "message", None) or problem or ""))
