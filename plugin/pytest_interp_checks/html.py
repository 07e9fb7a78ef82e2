"""The report as one HTML page, and its figures as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from interp_checks.comparing.saved_run import unpacked
from interp_checks.errors import InterpChecksError
from interp_checks.printable import printable
from interp_checks.readouts.readout import Readout
from interp_checks.report.page import SubsetCounts, page
from interp_fixtures.resolve import resolve
from interp_fixtures.subject import Subject
from interp_fixtures.thesis_figures.all_figures import Drawn, exhibits_of
from interp_fixtures.thesis_figures.report_page import write_figures
from interp_fixtures.thesis_figures.sources import Sources

from .ledger import Ledger
from .options import request_of
from .paths import path_of, shown
from .progress import terminal_progress


def html(ledger: Ledger, config: pytest.Config, report: dict[str, Any]) -> str:
    """The page of a run.

    Of a run that was cut short the page has no exhibits: they may take minutes, and whoever
    stops a run does not want to wait.

    Args:
        ledger: of the run.
        config: of the run.
        report: printable.

    Raises:
        InterpChecksError: an exhibit cannot be shown.
    """
    readouts = _readouts(ledger)
    lattices = [None if one is None else SubsetCounts.of(one) for one in readouts]
    if report["cut_short"] or not any(readouts):
        return page(report, lattices)
    drawn, built_from = _drawn(ledger, config, report)
    return page(report, lattices, [one.exhibit for one in drawn], built_from)


def write_figures_of(ledger: Ledger, config: pytest.Config, report: dict[str, Any]) -> str:
    """Write the figures alone; returns a line about it.

    Raises:
        InterpChecksError: a figure cannot be written, or there is nothing to draw from.
    """
    if report["cut_short"]:
        raise InterpChecksError("the run was cut short", found=report["cut_short"])
    folder = figures_folder(config)
    assert folder is not None
    drawn, _ = _drawn(ledger, config, report)
    return f"figures: {write_figures(drawn, folder)} in {shown(config, folder)}"


#: What was drawn, and what it was made from; drawing may take minutes.
_DRAWN: pytest.StashKey[tuple[list[Drawn], Sequence[str]]] = pytest.StashKey()


def _drawn(
    ledger: Ledger, config: pytest.Config, report: dict[str, Any]
) -> tuple[list[Drawn], Sequence[str]]:
    """Every exhibit, drawn once for the page and the files; and what all was built from."""
    if _DRAWN not in config.stash:
        sources = _sources(config, report, _readouts(ledger))
        drawn = exhibits_of(sources, report["subjects"])
        config.stash[_DRAWN] = drawn, [printable(line) for line in sources.built_from]
    return config.stash[_DRAWN]


def figures_folder(config: pytest.Config) -> Path | None:
    """The folder of ``--interp-figures``."""
    return path_of(config, "interp_figures")


def _readouts(ledger: Ledger) -> list[Readout | None]:
    """The readout of each subject, as the process that judged its first claim packed it.

    None where it could not, or died before it sent it.
    """
    packed = [tables.snapshot for tables, _ in ledger.by_subject()]
    return [unpacked(text) if text else None for text in packed]


def _sources(
    config: pytest.Config, report: dict[str, Any], readouts: list[Readout | None]
) -> Sources:
    """The first subject with its images, if it is what the command line asks for."""
    request, display = request_of(config), terminal_progress(config)
    asked = resolve(request, display)
    if report["subjects"] and printable(asked.description) != report["subjects"][0]["description"]:
        if readouts[0] is None:
            raise InterpChecksError("the features of the subject could not be packed, or were lost")
        asked = Subject(readouts[0], report["subjects"][0]["description"])
    return Sources(asked, request, display, every_matrix=figures_folder(config) is not None)
