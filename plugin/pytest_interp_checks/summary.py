"""The terminal summary: a table of recalls per family of ablations, then the claims."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from interp_checks.files.streams import console_on, encoding_of
from interp_checks.printable import printable, printable_values
from interp_checks.report.chance_words import ABOUT_CHANCE, anywhere_of
from interp_checks.report.sets_table import sets_table
from interp_checks.report.status import RED, STATUSES
from interp_checks.report.statuses import of_which
from interp_checks.statistics.estimate import percent
from interp_checks.thresholds import ALIVE, DEAD, MOVED, PREDICTED, UNSPECIFIC

from .ledger import Ledger, Tables

#: Above this recall a cell counts as intact for its colour.
_INTACT = 0.90

#: The header of the column that says where predictions go.
_PREDICTS = "predicts"

_STYLES = {
    "holds": "green",
    "fails": "bold red",
    "undecided": "yellow",
    "not replicated": "magenta",
    "not judged": "cyan",
    "unexpectedly holds": "yellow",
    "expected failure": "magenta",
    "error": "bold red",
    "timed out": "bold red",
    "crashed": "bold red",
    "skipped": "cyan",
    "not run": "bold yellow",
}


def write_summary(ledger: Ledger, reporter: pytest.TerminalReporter) -> None:
    """Write everything that this verbosity shows."""
    verbosity = reporter.config.get_verbosity()
    write = _writer(reporter)
    reporter.write_sep("=", "interpretability claims")
    for tables, entries in printable_rows(ledger.by_subject()):
        write(Text(tables.subject["description"], style="bold"))
        for warning in tables.subject["warnings"]:
            write(Text(f"warning: {warning}", style="bold yellow"))
        notes = tables.subject["notes"]
        for note in notes if verbosity > 0 else notes[:1]:
            write(Text(note, style="dim"))
        mapping = next((entry["mapping"] for entry in entries if entry["mapping"]), "")
        if mapping:
            aligned = reporter.config.getoption("interp_align")
            write(Text(f"directions of {aligned} read as: {mapping}", style="dim"))
        if verbosity > 0:
            write(_directions_table(tables.subject))
        if verbosity >= 0:
            shown = [
                _recall_table(title, rows, tables.subject, reporter)
                for title, rows in tables.ordered()
            ]
            for table in shown:
                write(Padding(table, (1, 0, 0, 0)))
            if shown:
                write(Text("\n" + _legend(shown), style="dim"))
            if tables.lattice:
                table = _table("Sets of directions", padding=(0, 2, 0, 0))
                filled = sets_table(table, tables.subject["classes"], tables.lattice)
                write(Padding(filled, (1, 0, 0, 0)))
        write(_claims_table(entries, verbosity))
        write(_counts(entries))
        if reporter.config.getoption("interp_baseline"):
            from .baseline import comparison_lines

            for line in comparison_lines(tables, entries, reporter.config):
                write(Text(printable(line)))
        expected = _expected_by_mistake(entries)
        if verbosity >= 0 and expected:
            write(Text(expected, style="dim"))
    without = printable_values(ledger.without_subject())
    if without:
        write(Text("No subject is known for these", style="bold"))
        write(_claims_table(without, verbosity))
        write(_counts(without))
    for line in _closing_lines(ledger, reporter.config):
        write(Text(printable(line)))
    if not ledger.judged:
        write(Text("No claim was judged, so this run fails.", style="bold red"))


def printable_rows(
    groups: list[tuple[Tables, list[dict[str, Any]]]],
) -> Iterator[tuple[Tables, list[dict[str, Any]]]]:
    """The same with every text printable, so that no class name can repaint the terminal."""
    for tables, rows in groups:
        shown = printable_values([tables.subject, [*tables.families.items()], tables.lattice, rows])
        yield Tables(shown[0], dict(shown[1]), shown[2], tables.snapshot), shown[3]


def _closing_lines(ledger: Ledger, config: pytest.Config) -> Iterator[str]:
    """What is to be said of claims that have no row: of the baseline, deselected, unknown."""
    if config.getoption("interp_baseline"):
        from .baseline import unused_claims, unused_lines

        yield from unused_lines(unused_claims(ledger, config))
    if ledger.deselected:
        count = len(ledger.deselected)
        yield f"{count} more claim{'' if count == 1 else 's'} deselected"
    for one in ledger.uncollected:
        how = "skipped as a whole" if one.outcome == "skipped" else "not collected"
        yield f"{one.test or 'everything'}: {how}, so its claims are unknown: {one.reason}"


def _writer(reporter: pytest.TerminalReporter) -> Callable[[RenderableType], None]:
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


def _recall_table(
    title: str,
    rows: list[dict[str, Any]],
    subject: dict[str, Any],
    reporter: pytest.TerminalReporter,
) -> Table:
    classes, support = subject["classes"], subject["support"]
    every = [subject["intact"], *rows]
    labels = max(len(row["label"]) for row in every)
    width = reporter._tw.fullwidth
    cells = [[_cell(recall) for recall in _recalls(row, support)] for row in every]
    columns = sum(
        1 + max(3, len(name), *(len(cell) for cell in column))
        for name, column in zip(classes, zip(*cells, strict=True), strict=True)
    )
    table = _table(title)
    table.add_column("", no_wrap=True)
    if labels + 2 + columns + 6 > width:
        return _narrow_table(table, every, classes, support)
    for name in classes:
        table.add_column(name, justify="right", min_width=3, no_wrap=True)
    table.add_column("accuracy" if width > 100 else "acc.", justify="right", no_wrap=True)
    few = {row["label"]: _few_predicted(row, classes) for row in rows}
    roomy = labels + 2 + columns + 6 + 18 <= width
    if roomy and any(few.values()):
        table.add_column(_PREDICTS, no_wrap=True, overflow="ellipsis")
    for row, recalls in zip(every, cells, strict=True):
        last = [Text(f"{100 * sum(row['correct']) / sum(support):.2f}")]
        if roomy and any(few.values()):
            last.append(Text(few.get(row["label"], "")))
        table.add_row(Text(row["label"]), *recalls, *last, end_section=row["label"] == "intact")
    return table


def _narrow_table(
    table: Table, rows: list[dict[str, Any]], classes: list[str], support: list[int]
) -> Table:
    """For many classes or few columns: accuracy, and the classes that suffer."""
    table.add_column("acc.", justify="right", no_wrap=True)
    table.add_column("dead", justify="right", no_wrap=True)
    table.add_column("lowest recalls")
    for row in rows:
        recalls = _recalls(row, support)
        known = sorted(
            (recall, name)
            for recall, name in zip(recalls, classes, strict=True)
            if recall is not None
        )
        dead = sum(recall < DEAD for recall, _ in known)
        worst = [(recall, name) for recall, name in known if recall < _INTACT][:6] or known[:1]
        told = ", ".join(f"{name} {percent(recall, 0, (DEAD, ALIVE))}" for recall, name in worst)
        accuracy = f"{100 * sum(row['correct']) / sum(support):.2f}"
        table.add_row(row["label"], accuracy, str(dead), told)
    return table


def _legend(tables: Iterable[Table]) -> str:
    """What the cells mean."""
    legend = "Recall in %, intact model first."
    if any(column.header == _PREDICTS for table in tables for column in table.columns):
        legend += (
            f" Predicts: classes with more than {100 * PREDICTED:g} % of all predictions, where "
            "few are left."
        )
    return legend


def _recalls(row: dict[str, Any], support: list[int]) -> list[float | None]:
    return [
        correct / total if total else None
        for correct, total in zip(row["correct"], support, strict=True)
    ]


def _cell(recall: float | None) -> Text:
    if recall is None:
        return Text("-", style="dim")
    style = "green"
    if recall < DEAD:
        style = "bold reverse red"
    elif recall < ALIVE:
        style = "red"
    elif recall < _INTACT:
        style = "yellow"
    return Text(percent(recall, 0, (DEAD, ALIVE)).rjust(3), style=style)


def _few_predicted(row: dict[str, Any], classes: list[str]) -> str:
    """Which classes are predicted and how often, where these are at most half of them."""
    total = sum(row["predicted"])
    shares = sorted(
        ((count / total, name) for count, name in zip(row["predicted"], classes, strict=True)),
        key=lambda pair: -pair[0],
    )
    predicted = [(share, name) for share, name in shares if share > PREDICTED]
    if 2 * len(predicted) > len(classes):
        return ""
    told = ", ".join(f"{name} {percent(share, 0, [PREDICTED])}%" for share, name in predicted[:2])
    return told + (", ..." if len(predicted) > 2 else "")


def _claims_table(entries: list[dict[str, Any]], verbosity: int) -> RenderableType:
    table = Table(
        title="Claims",
        title_justify="left",
        title_style="bold",
        box=None,
        header_style="dim",
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.add_column("verdict", no_wrap=True)
    sources = any(entry["source"] for entry in entries)
    if sources:
        table.add_column("source", no_wrap=True)
    chances = any(entry["verdict"] and entry["verdict"]["chance"] for entry in entries)
    table.add_column("claim", overflow="fold")
    if chances:
        table.add_column("by chance", no_wrap=True, justify="right")
        table.add_column("anywhere", no_wrap=True, justify="right")
    shown = [entry for entry in entries if verbosity >= 0 or _telling(entry)]
    for entry in shown:
        word = entry["status"]
        said = Text(entry["claim"])
        for line in _details(entry, word, verbosity):
            said.append("\n" + line, style="dim")
        cells = [Text(word, style=_STYLES[word]), said]
        if sources:
            cells.insert(1, Text(entry["source"] or "", style="dim"))
        if chances:
            cells += _chance(entry)
        table.add_row(*cells)
    if not shown:
        return Text("")
    parts: list[RenderableType] = [table]
    if chances:
        parts.append(Text(ABOUT_CHANCE, style="dim"))
    return Padding(Group(*parts), (1, 0, 1, 0))


def _telling(entry: dict[str, Any]) -> bool:
    """Whether even a quiet summary shows a claim."""
    return entry["status"] in ("fails", "undecided") or entry["pytest"] in RED


def _chance(entry: dict[str, Any]) -> tuple[Text, Text]:
    """Under how many random rotations the claim would hold, as stated and anywhere."""
    if not entry["verdict"] or not entry["verdict"]["chance"]:
        return Text(""), Text("")
    count, total = entry["verdict"]["chance"]
    stated = Text(f"{count}/{total}", style="yellow" if count > UNSPECIFIC * total else "")
    return stated, Text(anywhere_of(entry["verdict"]))


def _details(entry: dict[str, Any], word: str, verbosity: int) -> Iterable[str]:
    verdict = entry["verdict"]
    lines = [f"judged as: {entry['judged_as']}"] if entry["judged_as"] != entry["claim"] else []
    if entry["fate"] and (entry["fate"][0] not in ("held", "still not") or verbosity > 0):
        lines.append(": ".join(part for part in entry["fate"] if part))
    lines += entry["incidents"]
    if verdict is None:
        # The problem, and what was found.
        return [*lines, "; ".join(line.strip() for line in entry["reason"].splitlines()[:2])]
    if verbosity > 1:
        lines += [
            (f"{check['quantity']} is " if check["quantity"] else "")
            + f"{check['measured']}, claimed {check['expected']}: {check['outcome']}"
            for check in verdict["checks"]
        ]
    elif verbosity > 0 or word not in ("holds", "unexpectedly holds"):
        open_still = word == "not replicated" and verdict["outcome"] == "undecided"
        lines.append(("undecided: " if open_still else "") + verdict["measured"])
    if word in ("undecided", "not replicated") and verdict["needed"]:
        lines.append(verdict["needed"])
    if verbosity > 0:
        lines += verdict["remarks"]
    elif word == "holds" and verdict["remarks"]:
        # The first word of each warning; -v has the rest.
        heads = [remark.split(":")[0] for remark in verdict["remarks"]]
        told = ", ".join(head for head in heads if head != "familywise")
        lines += [told] if told else []
    return lines


def _expected_by_mistake(entries: list[dict[str, Any]]) -> str:
    """How many claims may hold by mistake."""
    judged = [entry for entry in entries if entry["verdict"]]
    if not judged:
        return ""
    confidence = judged[0]["verdict"]["confidence"]
    if judged[0]["corrected_for"]:
        return (
            f"Corrected for {judged[0]['corrected_for']} claims (Holm): the chance that any holds "
            f"by mistake is at most {100 * (1 - confidence):g} %."
        )
    if len(judged) == 1:
        return ""
    return (
        f"Were all {len(judged)} false, up to {len(judged) * (1 - confidence):.1f} would hold by "
        f"mistake at {100 * confidence:g} % confidence each; --interp-familywise corrects for that."
    )


def _directions_table(subject: dict[str, Any]) -> RenderableType:
    """What tells each direction from its neighbours."""
    table = _table(f"Directions of the output layer ({subject['gauge']} weight)")
    for name in ("", "  singular value", "  energy", "  gap", "  could turn"):
        table.add_column(name, justify="right", no_wrap=True)
    for number, one in enumerate(subject["directions"], start=1):
        table.add_row(
            str(number),
            f"{one['singular_value']:.3f}",
            f"{100 * one['energy']:.1f} %",
            f"{100 * one['separation']:.1f} %",
            f"{one['turn']:.1f} deg",
        )
    note = (
        f"Gap: to the nearest singular value, relative to the largest. Could turn: at most so "
        f"far if the weight moved by {100 * MOVED:g} % of its norm."
    )
    return Group(Padding(table, (1, 0, 0, 0)), Text(note, style="dim"))


def _table(title: str, padding: tuple[int, int, int, int] = (0, 0, 0, 0)) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=padding,
        show_edge=False,
        pad_edge=False,
    )


def _counts(entries: list[dict[str, Any]]) -> Text:
    counts = Counter(entry["status"] for entry in entries)
    claims = [
        {"status": entry["status"], "outcome": entry["verdict"] and entry["verdict"]["outcome"]}
        for entry in entries
    ]
    behind = {word: of_which(word, claims) for word in counts}
    told = Text(f"{len(entries)} claim{'' if len(entries) == 1 else 's'}: ")
    told.append_text(
        Text(", ").join(
            Text(
                f"{word} {counts[word]}" + (f" ({behind[word]})" if behind[word] else ""),
                style=_STYLES[word],
            )
            for word in STATUSES
            if counts[word]
        )
    )
    return told
