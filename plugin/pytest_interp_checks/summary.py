"""The terminal summary: a table of recalls per family of ablations, then the claims."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from interp_checks.thresholds import ALIVE, DEAD, MOVED, PREDICTED, UNSPECIFIC

from .evidence import Ledger
from .sets_table import sets_table
from .status import status

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
}


def write_summary(ledger: Ledger, reporter: pytest.TerminalReporter) -> None:
    """Write everything that this verbosity shows."""
    verbosity = reporter.config.get_verbosity()
    write = _writer(reporter)
    reporter.write_sep("=", "interpretability claims")
    for tables, entries in ledger.by_subject():
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

            for line in comparison_lines(entries, reporter.config):
                write(Text(line))
        expected = _expected_by_mistake(entries)
        if verbosity >= 0 and expected:
            write(Text(expected, style="dim"))
    if reporter.config.getoption("interp_baseline"):
        from .baseline import unused_lines

        for line in unused_lines(ledger.entries, reporter.config):
            write(Text(line))
    if not ledger.judged:
        write(Text("No claim was judged, so this run fails.", style="bold red"))


def _writer(reporter: pytest.TerminalReporter) -> Callable[[RenderableType], None]:
    """Print rich things the way pytest's own terminal writer would: its width, its colours."""
    writer = reporter._tw
    encoding = getattr(writer._file, "encoding", None) or "utf-8"

    def write(thing: RenderableType) -> None:
        buffer = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace", newline="\n")
        console = Console(
            file=buffer,
            width=writer.fullwidth,
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
        for line in text.splitlines():
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
    column = max(4, *(len(name) + 1 for name in classes)) if classes else 4
    table = _table(title)
    table.add_column("", no_wrap=True)
    if labels + 2 + column * len(classes) + 6 > width:
        return _narrow_table(table, every, classes, support)
    for name in classes:
        table.add_column(name, justify="right", min_width=3, no_wrap=True)
    table.add_column("accuracy" if width > 100 else "acc.", justify="right", no_wrap=True)
    few = {row["label"]: _few_predicted(row, classes) for row in rows}
    roomy = labels + 2 + column * len(classes) + 6 + 18 <= width
    if roomy and any(few.values()):
        table.add_column(_PREDICTS, no_wrap=True, overflow="ellipsis")
    for row in every:
        recalls = _recalls(row, support)
        cells: list[Text] = [_cell(recall) for recall in recalls]
        cells.append(Text(f"{100 * sum(row['correct']) / sum(support):.2f}"))
        if roomy and any(few.values()):
            cells.append(Text(few.get(row["label"], "")))
        table.add_row(Text(row["label"]), *cells, end_section=row["label"] == "intact")
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
        told = ", ".join(f"{name} {_percent(recall)}" for recall, name in worst)
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


def _percent(share: float) -> str:
    """Whole percent; 0 and 100 only when exact."""
    if 0 < share < 0.005:
        return "<1"
    if 0.995 <= share < 1:
        return "99"
    return f"{100 * share:.0f}"


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
    return Text(_percent(recall).rjust(3), style=style)


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
    told = ", ".join(f"{name} {_percent(share)}%" for share, name in predicted[:2])
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
    shown = [
        entry for entry in entries if verbosity >= 0 or status(entry) in ("fails", "undecided")
    ]
    for entry in shown:
        word = status(entry)
        said = Text(entry["claim"])
        for line in _details(entry, word, verbosity):
            said.append("\n" + line, style="dim")
        cells = [Text(word, style=_STYLES[word]), said]
        if sources:
            cells.insert(1, Text(entry["source"] or "", style="dim"))
        if chances:
            cells.append(_chance(entry))
        table.add_row(*cells)
    return Padding(table, (1, 0, 1, 0)) if shown else Text("")


def _chance(entry: dict[str, Any]) -> Text:
    """Under how many random rotations the claim would hold."""
    if not entry["verdict"] or not entry["verdict"]["chance"]:
        return Text("")
    count, total = entry["verdict"]["chance"]
    return Text(f"{count}/{total}", style="yellow" if count > UNSPECIFIC * total else "")


def _details(entry: dict[str, Any], word: str, verbosity: int) -> Iterable[str]:
    verdict = entry["verdict"]
    lines = [f"judged as: {entry['judged_as']}"] if entry["judged_as"] != entry["claim"] else []
    if entry["fate"] and (entry["fate"][0] not in ("held", "still not") or verbosity > 0):
        lines.append(": ".join(part for part in entry["fate"] if part))
    if verdict is None:
        # The problem, and what was found.
        return [*lines, "; ".join(line.strip() for line in entry["reason"].splitlines()[:2])]
    if verbosity > 1:
        lines += [
            (f"{check['quantity']} is " if check["quantity"] else "")
            + f"{check['measured']}, claimed {check['expected']}: {check['outcome']}"
            for check in verdict["checks"]
        ]
    elif verbosity > 0 or word != "holds":
        lines.append(verdict["measured"])
    if word == "undecided" and verdict["needed"]:
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


def _of_which(word: str, entries: list[dict[str, Any]]) -> str:
    """What does not replicate fails or is undecided."""
    if word != "not replicated":
        return ""
    outcomes = Counter(
        entry["verdict"]["outcome"] for entry in entries if status(entry) == "not replicated"
    )
    return " (" + ", ".join(f"{word} {count}" for word, count in outcomes.items()) + ")"


def _counts(entries: list[dict[str, Any]]) -> Text:
    counts = Counter(status(entry) for entry in entries)
    told = Text(f"{len(entries)} claim{'' if len(entries) == 1 else 's'}: ")
    told.append_text(
        Text(", ").join(
            Text(f"{word} {counts[word]}{_of_which(word, entries)}", style=style)
            for word, style in _STYLES.items()
            if counts[word]
        )
    )
    return told
