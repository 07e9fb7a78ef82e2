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
from interp_fixtures.thesis_figures.draw_all import ThesisFigure, draw_all
from interp_fixtures.thesis_figures.report_page import report_page, write_figures
from interp_fixtures.thesis_figures.sources import Sources

from .ledger import Ledger
from .options import request_of
from .paths import path_for_people, path_of
from .progress import terminal_progress


def html(ledger: Ledger, config: pytest.Config, report: dict[str, Any]) -> str:
    """The page of a run.

    Of a run that was cut short the page has no figures of the thesis: they may take minutes, and
    whoever stops a run does not want to wait.

    Args:
        ledger: of the run.
        config: of the run.
        report: printable.

    Raises:
        InterpChecksError: a figure cannot be shown.
    """
    readouts = _readouts(ledger)
    if report["cut_short"] or not any(readouts):
        return report_page(report, readouts)
    return report_page(report, readouts, *_figures(ledger, config, report))


def write_figures_of(ledger: Ledger, config: pytest.Config, report: dict[str, Any]) -> str:
    """Write the figures alone; returns a line about it.

    Raises:
        InterpChecksError: a figure cannot be written, or there is nothing to draw from.
    """
    if report["cut_short"]:
        raise InterpChecksError("the run was cut short", found=report["cut_short"])
    folder = figures_folder(config)
    assert folder is not None
    figures, _ = _figures(ledger, config, report)
    return f"figures: {write_figures(figures, folder)} in {path_for_people(config, folder)}"


#: The figures, and what they were made from; drawing may take minutes.
_FIGURES: pytest.StashKey[tuple[list[ThesisFigure], Sequence[str]]] = pytest.StashKey()


def _figures(
    ledger: Ledger, config: pytest.Config, report: dict[str, Any]
) -> tuple[list[ThesisFigure], Sequence[str]]:
    """Every figure, drawn once for the page and the files; and what all was built from."""
    if _FIGURES not in config.stash:
        sources = Sources.of_report(
            report,
            _readouts(ledger),
            request_of(config),
            terminal_progress(config),
            every_matrix=figures_folder(config) is not None,
        )
        figures = draw_all(sources, report["subjects"])
        config.stash[_FIGURES] = figures, [printable(line) for line in sources.built_from]
    return config.stash[_FIGURES]


def figures_folder(config: pytest.Config) -> Path | None:
    """The folder of ``--interp-figures``."""
    return path_of(config, "interp_figures")


def _readouts(ledger: Ledger) -> list[Readout | None]:
    """The readout of each subject, as the process that judged its first claim packed it.

    None where it could not, or died before it sent it.
    """
    packed = [tables.snapshot for tables, _ in ledger.by_subject()]
    return [unpacked(text) if text else None for text in packed]
