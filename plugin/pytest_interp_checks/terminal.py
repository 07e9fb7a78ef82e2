"""Let a run end, and be saved, though nobody reads what pytest prints."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import pytest

from .marker import MARKER

if TYPE_CHECKING:
    from typing import TextIO

    from interp_checks.files.streams import SteadyStream

#: Options that write something at the end of a run.
_WRITING = ("interp_report", "interp_save", "interp_figures")


class SteadyTerminal:
    """Makes pytest's terminal outlive a closed pipe and a full disk.

    Otherwise pytest ends such a run in the middle, with the exit status of a failed test. Runs
    without claims are left as they are.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.stream: SteadyStream | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Before the first line is printed, if there is something to lose."""
        if any(self.config.getoption(name) for name in _WRITING):
            self._make_steady()

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """With the first claim."""
        if self.stream is None and item.get_closest_marker(MARKER) is not None:
            self._make_steady()

    def _make_steady(self) -> None:
        reporter = self.config.pluginmanager.getplugin("terminalreporter")
        if reporter is None:
            return
        from interp_checks.files.streams import SteadyStream

        self.stream = SteadyStream(reporter._tw._file)
        reporter._tw._file = cast("TextIO", self.stream)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Say what became of the output, where that can still be said."""
        if self.stream is None:
            return
        self.stream.flush()
        if self.stream.failure is not None:
            message = f"interp-checks: the output cannot be written: {self.stream.failure.strerror}"
            with suppress(OSError, ValueError, AttributeError):
                print(message, file=sys.stderr or self.stream)
