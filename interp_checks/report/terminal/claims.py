"""What became of each claim, and how many ended how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from interp_checks.report.chance_words import ABOUT_CHANCE, anywhere_of
from interp_checks.report.status import RED, STATUSES, of_which
from interp_checks.thresholds import UNSPECIFIC

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


def claims_table(entries: list[dict[str, Any]], verbosity: int) -> RenderableType:
    """A row for each claim.

    Args:
        entries: the rows of the run.
        verbosity: pytest's: below 0 claims that hold are left out, above 0 there is more of each.
    """
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
        sentence = Text(entry["claim"])
        for line in _details(entry, word, verbosity):
            sentence.append("\n" + line, style="dim")
        cells = [Text(word, style=_STYLES[word]), sentence]
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
        heading = ", ".join(head for head in heads if head != "familywise")
        lines += [heading] if heading else []
    return lines


def expected_by_mistake(entries: list[dict[str, Any]]) -> str:
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


def counts_line(entries: list[dict[str, Any]]) -> Text:
    """How many claims ended how."""
    counts = Counter(entry["status"] for entry in entries)
    claims = [
        {"status": entry["status"], "outcome": entry["verdict"] and entry["verdict"]["outcome"]}
        for entry in entries
    ]
    behind = {word: of_which(word, claims) for word in counts}
    line = Text(f"{len(entries)} claim{'' if len(entries) == 1 else 's'}: ")
    line.append_text(
        Text(", ").join(
            Text(
                f"{word} {counts[word]}" + (f" ({behind[word]})" if behind[word] else ""),
                style=_STYLES[word],
            )
            for word in STATUSES
            if counts[word]
        )
    )
    return line
