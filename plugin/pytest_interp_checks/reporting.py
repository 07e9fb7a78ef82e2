"""Between pytest's hooks and the ledger: what reports carry, and what the end of a run does."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import pytest

from interp_checks.printable import one_line, printable
from interp_checks.report.evidence import EVIDENCE, PROPERTIES

from .attempts import Attempt
from .collected import RECORD
from .ledger import Ledger
from .report import Circumstances

if TYPE_CHECKING:
    from . import _Collector

_ATTEMPT: pytest.StashKey[Attempt] = pytest.StashKey()


def describe(item: pytest.Item, report: pytest.TestReport) -> None:
    """Put on a report what the ledger needs: which claim it is about, and the evidence.

    Where a claim was not judged, its properties in JUnit's XML say what became of its test.
    """
    record = item.stash.get(RECORD, None)
    if record is None:
        return
    if report.when == "setup":
        # The test may be run again, and what the attempt before left is not about this one.
        if EVIDENCE in item.stash:
            del item.stash[EVIDENCE]
        item.stash[_ATTEMPT] = Attempt()
        report.interp_claim = record  # type: ignore[attr-defined]
        kept = [one for one in item.user_properties if one[0] not in PROPERTIES]
        item.user_properties[:] = kept
    evidence = item.stash.get(EVIDENCE, None)
    if report.when == "call" and evidence is not None:
        report.interp_evidence = evidence  # type: ignore[attr-defined]
    item.stash[_ATTEMPT].add(report)
    if report.when == "teardown" and evidence is None:
        ended = item.stash[_ATTEMPT].ended()
        report.user_properties += _properties(record["claim"], record["source"], ended)


def _properties(claim: str, source: str | None, ended: Any) -> list[tuple[str, str]]:
    values = (claim, source or "", ended.status, ended.reason, "", "")
    return [(name, printable(text)) for name, text in zip(PROPERTIES, values, strict=False)]


def amend(ledger: Ledger, report: pytest.TestReport, config: pytest.Config) -> None:
    """Let JUnit's XML have the properties of each claim once, and of every claim.

    It makes a test case of each run of a test that pytest-rerunfailures runs again; and a test
    whose worker died has no teardown, which brings the properties of all others.
    """
    record = ledger.collected.get(report.nodeid)
    if record is None:
        return
    if report.when == "teardown" and ledger.is_superseded(report):
        kept = [one for one in report.user_properties if one[0] not in PROPERTIES]
        report.user_properties = kept
    if str(report.when) != "???" or not report.failed:
        return
    attempt = Attempt()
    attempt.add(report)
    for plugin in config.pluginmanager.get_plugins():
        if type(plugin).__name__ == "LogXML":
            reporter = plugin.node_reporter(report)
            for name, value in _properties(record["claim"], record["source"], attempt.ended()):
                reporter.add_property(name, value)


def finish(collector: _Collector, session: pytest.Session) -> list[str]:
    """Settle the exit status, then write what was asked for; returns lines about it."""
    from .outputs import write_outputs

    known = collector.ledger
    ledger = known if known is not None else Ledger()
    for report in collector.uncollected:
        ledger.fail_to_collect(report)
    if ledger.red:
        _fail(session)
    if not collector.writes:
        return []
    stopped = session.shouldfail or session.shouldstop
    why = collector.cut_short or (str(stopped) if stopped else "")
    if not why and session.exitstatus == pytest.ExitCode.INTERNAL_ERROR:
        why = "an internal error of pytest"
    run = Circumstances(int(session.exitstatus), one_line(why), tuple(collector.narrowed_by))
    written = write_outputs(ledger, collector.config, run)
    if written.failed:
        _fail(session)
    return written.lines


def _fail(session: pytest.Session) -> None:
    """Make a run fail that would not have; other failures keep their status."""
    if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def summarise(collector: _Collector, reporter: pytest.TerminalReporter) -> None:
    """Show the summary; one that cannot be shown is said, and fails the run."""
    from .summary import write_summary

    ledger = collector.ledger
    assert ledger is not None
    if not ledger.rows and not ledger.uncollected:
        return  # every claim was deselected
    try:
        write_summary(ledger, reporter)
    # A defect here must not cost what comes after: other summaries, the lines about files.
    except Exception as error:
        reporter.write_line(f"no summary of claims: {one_line(f'{type(error).__name__}: {error}')}")
        if reporter.config.get_verbosity() > 1:
            reporter.write_line(printable(traceback.format_exc()))
        if collector.session is not None:
            _fail(collector.session)
