"""Between pytest's hooks and the ledger: what reports carry, and what the end of a run does."""

from __future__ import annotations

import traceback

import pytest

from interp_checks.printable import one_line, printable
from interp_checks.report.contents import Circumstances

from .attempts import Attempt
from .collected import RECORD
from .junit import others, unjudged
from .ledger import Ledger
from .marker import EVIDENCE
from .outputs import write_outputs

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
        item.user_properties[:] = others(item.user_properties)
    evidence = item.stash.get(EVIDENCE, None)
    if report.when == "call" and evidence is not None:
        report.interp_evidence = evidence  # type: ignore[attr-defined]
    item.stash[_ATTEMPT].add(report)
    if report.when == "teardown" and evidence is None:
        ended = item.stash[_ATTEMPT].ended()
        report.user_properties += unjudged(record["claim"], record["source"], ended)


def settle(
    session: pytest.Session, ledger: Ledger, uncollected: list[pytest.CollectReport]
) -> None:
    """Settle the exit status: a run fails whose claims do not allow it to pass."""
    for report in uncollected:
        ledger.fail_to_collect(report)
    if ledger.red:
        _fail(session)


def write(
    session: pytest.Session, ledger: Ledger, cut_short: str, narrowed_by: list[str]
) -> list[str]:
    """Write what was asked for; returns lines about it.

    Args:
        session: of the run; fails if something cannot be written.
        ledger: of the run.
        cut_short: why the run was interrupted; empty if it was not.
        narrowed_by: what on the command line kept claims from being collected.
    """
    stopped = session.shouldfail or session.shouldstop
    why = cut_short or (str(stopped) if stopped else "")
    if not why and session.exitstatus == pytest.ExitCode.INTERNAL_ERROR:
        why = "an internal error of pytest"
    run = Circumstances(int(session.exitstatus), one_line(why), tuple(narrowed_by))
    written = write_outputs(ledger, session.config, run)
    if written.failed:
        _fail(session)
    return written.lines


def _fail(session: pytest.Session) -> None:
    """Make a run fail that would not have; other failures keep their status."""
    if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def summarise(
    ledger: Ledger, reporter: pytest.TerminalReporter, session: pytest.Session | None
) -> None:
    """Show the summary; one that cannot be shown is said, and fails the run."""
    from .summary import write_summary  # loads rich

    if not ledger.rows and not ledger.uncollected:
        return  # every claim was deselected
    try:
        write_summary(ledger, reporter)
    # A defect here must not cost what comes after: other summaries, the lines about files.
    except Exception as error:
        reporter.write_line(f"no summary of claims: {one_line(f'{type(error).__name__}: {error}')}")
        if reporter.config.get_verbosity() > 1:
            reporter.write_line(printable(traceback.format_exc()))
        if session is not None:
            _fail(session)
