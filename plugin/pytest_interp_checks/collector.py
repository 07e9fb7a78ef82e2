"""Gathers what becomes of all claims, on the controller or in a plain run.

Loaded by every pytest run on the machine, so it imports nothing but pytest and the standard
library until there is a claim.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .ledger import Ledger

_LEDGER: pytest.StashKey[Ledger] = pytest.StashKey()

#: Loaded as soon as a claim is collected.
_COLLECTED = f"{__package__}.collected"


def claims_collected() -> bool:
    """Whether this process has collected a claim."""
    return _COLLECTED in sys.modules


class Collector:
    """The hooks of a run that keep account of its claims."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.cut_short = ""
        self.lines: list[str] = []
        self.uncollected: list[pytest.CollectReport] = []
        self.session: pytest.Session | None = None
        cache = config.pluginmanager.getplugin("lfplugin")
        # Only now: what failed last is forgotten as it passes.
        last_failed = config.getoption("lf", False) and getattr(cache, "lastfailed", None)
        self.narrowed_by = [argument for argument in config.args if "::" in argument]
        self.narrowed_by += ["--last-failed"] if last_failed else []
        options = ("interp_report", "interp_save", "interp_figures")
        self.writes = any(map(config.getoption, options))

    @property
    def ledger(self) -> Ledger | None:
        """The account of this run; None as long as no claim is known."""
        return self.config.stash.get(_LEDGER, None)

    def _open(self) -> Ledger:
        from .ledger import Ledger

        return self.config.stash.setdefault(_LEDGER, Ledger())

    def pytest_collection_finish(self) -> None:
        """Open the account with what a plain run collected."""
        if claims_collected():
            from .collected import RECORDS

            records = self.config.stash.get(RECORDS, [])
            if records:
                self._open().collect(records)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist where to list the claims that it collects."""
        from .collected import name_folder

        name_folder(node)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any) -> None:
        """Read what a worker collected."""
        from .collected import read

        records = read(node)
        if records:
            self._open().collect(records)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what could not be collected: nobody knows which claims were in it."""
        if not report.passed:
            self.uncollected.append(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a report about a claim."""
        if self.ledger is not None or hasattr(report, "interp_claim"):
            from .junit import amend

            self._open().add(report)
            amend(self._open(), report, self.config)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Keep why the run stopped."""
        self.cut_short = str(excinfo.value).strip() or "interrupted"

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run whose claims do not allow it to pass, and write what was asked for."""
        self.session = session
        option = self.config.option
        if option.collectonly or getattr(option, "setuponly", False):
            return
        if self.ledger is None and not self.writes:
            return
        from .ledger import Ledger
        from .reporting import settle, write

        ledger = self.ledger if self.ledger is not None else Ledger()
        settle(session, ledger, self.uncollected)
        if self.writes:
            self.lines = write(session, ledger, self.cut_short, self.narrowed_by)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the tables and the verdicts."""
        option = self.config.option
        if option.collectonly or getattr(option, "setuponly", False):
            return
        if self.ledger is not None:
            from .reporting import summarise

            summarise(self.ledger, terminalreporter, self.session)
        for line in self.lines:
            terminalreporter.write_line(line)
