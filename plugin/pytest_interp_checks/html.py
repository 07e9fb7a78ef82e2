"""The report as one HTML page, and its figures as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from interp_checks.readout import Readout
from interp_checks.runs import unpacked
from interp_fixtures.exhibit_sources import Sources
from interp_fixtures.exhibits import exhibits_of
from interp_fixtures.report_page import report_page, write_figures
from interp_fixtures.resolve import resolve
from interp_fixtures.subject import Subject

from .evidence import Ledger
from .options import request_of
from .paths import path_of, shown
from .progress import terminal_progress


def html(ledger: Ledger, config: pytest.Config, report: dict[str, Any]) -> str:
    """The page of a run; writes the figures too, if a folder was named for them.

    Raises:
        InterpChecksError: a figure cannot be written.
    """
    readouts = _readouts(ledger)
    return report_page(report, readouts, _sources(config, report, readouts), figures_folder(config))


def write_figures_of(ledger: Ledger, config: pytest.Config, report: dict[str, Any]) -> str:
    """Write the figures alone; returns a line about it."""
    folder = figures_folder(config)
    assert folder is not None
    sources = _sources(config, report, _readouts(ledger))
    count = write_figures(exhibits_of(sources, report["subjects"]), folder)
    return f"figures: {count} in {shown(config, folder)}"


def figures_folder(config: pytest.Config) -> Path | None:
    """The folder of ``--interp-figures``."""
    return path_of(config, "interp_figures")


def _readouts(ledger: Ledger) -> list[Readout]:
    """The readout of each subject, as the process that judged its first claim packed it."""
    packed = [
        next(entry["snapshot"] for entry in entries if entry["snapshot"])
        for _, entries in ledger.by_subject()
    ]
    return [unpacked(text) for text in packed]


def _sources(config: pytest.Config, report: dict[str, Any], readouts: list[Readout]) -> Sources:
    """The first subject with its images, if it is what the command line asks for."""
    request, display = request_of(config), terminal_progress(config)
    asked = resolve(request, display)
    if report["subjects"] and asked.description != report["subjects"][0]["description"]:
        asked = Subject(readouts[0], report["subjects"][0]["description"])
    return Sources(asked, request, display, every_matrix=figures_folder(config) is not None)
