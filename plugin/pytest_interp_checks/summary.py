"""The terminal summary: a table of recalls per family of ablations, then the claims."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from interp_checks.files.streams import console_on, encoding_of
from interp_checks.printable import printable, printable_values
from interp_checks.report.tables import Tables
from interp_checks.report.terminal.claims import claims_table, counts_line, expected_by_mistake
from interp_checks.report.terminal.directions import directions_table
from interp_checks.report.terminal.recalls import legend, recall_table
from interp_checks.report.terminal.sets import sets_table

from .baseline import comparison_lines, unused_claims, unused_lines
from .ledger import Ledger

_Write = Callable[[RenderableType], None]


def write_summary(ledger: Ledger, reporter: pytest.TerminalReporter) -> None:
    """Write everything that this verbosity shows."""
    verbosity = reporter.config.get_verbosity()
    write = _writer(reporter)
    reporter.write_sep("=", "interpretability claims")
    for tables, entries in printable_rows(ledger.by_subject()):
        _write_subject(tables, entries, reporter, write)
    without = printable_values(ledger.without_subject())
    if without:
        write(Text("No subject is known for these", style="bold"))
        write(claims_table(without, verbosity))
        write(counts_line(without))
    for line in _closing_lines(ledger, reporter.config):
        write(Text(printable(line)))
    if not ledger.judged:
        write(Text("No claim was judged, so this run fails.", style="bold red"))


def _write_subject(
    tables: Tables, entries: list[dict[str, Any]], reporter: pytest.TerminalReporter, write: _Write
) -> None:
    """What is to be said of one subject, and of the claims about it."""
    subject, config = tables.subject, reporter.config
    verbosity = config.get_verbosity()
    write(Text(subject["description"], style="bold"))
    for warning in subject["warnings"]:
        write(Text(f"warning: {warning}", style="bold yellow"))
    notes = subject["notes"]
    for note in notes if verbosity > 0 else notes[:1]:
        write(Text(note, style="dim"))
    mapping = next((entry["mapping"] for entry in entries if entry["mapping"]), "")
    if mapping:
        aligned = config.getoption("interp_align")
        write(Text(f"directions of {aligned} read as: {mapping}", style="dim"))
    if verbosity > 0:
        write(directions_table(subject))
    if verbosity >= 0:
        recalls = [
            recall_table(title, rows, subject, reporter._tw.fullwidth)
            for title, rows in tables.ordered()
        ]
        for table in recalls:
            write(Padding(table, (1, 0, 0, 0)))
        if recalls:
            write(Text("\n" + legend(recalls), style="dim"))
        if tables.lattice:
            write(Padding(sets_table(subject["classes"], tables.lattice), (1, 0, 0, 0)))
    write(claims_table(entries, verbosity))
    write(counts_line(entries))
    if config.getoption("interp_baseline"):
        for line in comparison_lines(tables, entries, config):
            write(Text(printable(line)))
    expected = expected_by_mistake(entries)
    if verbosity >= 0 and expected:
        write(Text(expected, style="dim"))


def printable_rows(
    groups: list[tuple[Tables, list[dict[str, Any]]]],
) -> Iterator[tuple[Tables, list[dict[str, Any]]]]:
    """The same with every text printable, so that no class name can repaint the terminal."""
    for tables, rows in groups:
        subject, families, lattice, entries = printable_values(
            [tables.subject, [*tables.families.items()], tables.lattice, rows]
        )
        yield Tables(subject, dict(families), lattice, tables.snapshot), entries


def _closing_lines(ledger: Ledger, config: pytest.Config) -> Iterator[str]:
    """What is to be said of claims that have no row: of the baseline, deselected, unknown."""
    if config.getoption("interp_baseline"):
        yield from unused_lines(unused_claims(ledger, config))
    if ledger.deselected:
        count = len(ledger.deselected)
        yield f"{count} more claim{'' if count == 1 else 's'} deselected"
    for place in ledger.uncollected:
        how = "skipped as a whole" if place.outcome == "skipped" else "not collected"
        yield f"{place.test or 'everything'}: {how}, so its claims are unknown: {place.reason}"


def _writer(reporter: pytest.TerminalReporter) -> _Write:
    """Print rich things the way pytest's own terminal writer would: its width, its colours."""
    writer = reporter._tw
    encoding = encoding_of(writer._file)

    def write(thing: RenderableType) -> None:
        buffer = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace", newline="\n")
        console = console_on(
            buffer,
            width=writer.fullwidth,
            height=25,  # with a width alone, a dumb terminal is taken to be 80 columns wide
            force_terminal=writer.hasmarkup,
            color_system="standard" if writer.hasmarkup else None,
            no_color=not writer.hasmarkup,
            legacy_windows=False,
            highlight=False,
            markup=False,
            emoji=False,
        )
        console.print(thing)
        buffer.flush()
        text = buffer.buffer.getvalue().decode(encoding)
        for line in text.split("\n")[:-1]:
            writer.line(line.rstrip())

    return write
