"""The report for a pull request: GitHub-flavoured Markdown with sections that unfold."""

from __future__ import annotations

from typing import Any

from interp_checks.lattice import sets_in_words
from interp_checks.thresholds import ALIVE, DEAD, UNSPECIFIC
from interp_fixtures.replication import replication_table

from .status import STATUSES

#: GitHub refuses comments of more than 65,536 characters; some room is left for a heading.
_LONGEST = 60_000

_SIGNS = {
    "holds": "✅",
    "fails": "❌",
    "undecided": "❔",
    "not replicated": "➖",
    "not judged": "⏭️",
}


def markdown(report: dict[str, Any]) -> str:
    """The whole report; sections that do not fit into a comment are left out, and say so."""
    counts = ", ".join(
        f"{_SIGNS[word]} {word} {report['summary'][word]}"
        for word in STATUSES
        if report["summary"][word]
    )
    warned = "".join(
        f"> ⚠️ **{_plain(subject['description'])}**: {_plain(warning)}.\n\n"
        for subject in report["subjects"]
        for warning in subject["warnings"]
    )
    sections = [f"## Interpretability claims\n\n{warned}{counts or 'No claim was judged.'}\n"]
    for subject in report["subjects"]:
        sections.append(f"\n**{_plain(subject['description'])}**\n")
        if subject["notes"]:
            notes = "".join(f"- {_plain(note)}\n" for note in subject["notes"])
            sections.append(_folded("What was judged", notes))
        telling = [one for one in subject["claims"] if one["status"] in ("fails", "undecided")]
        if telling:
            sections.append("\n" + _claims(telling))
        sections.append(_folded(f"All {len(subject['claims'])} claims", _claims(subject["claims"])))
        sections += [
            _folded(f"Recall in %: {table['title'].lower()}", _recalls(subject, table["rows"]))
            for table in subject["tables"]
        ]
        if subject["lattice"]:
            lattice = subject["lattice"]
            sections.append(_folded("Sets of directions", _sets(subject["classes"], lattice)))
            sections.append(_folded("Shapley values in points", _shapley(lattice)))
            sections.append(_folded("Best sets of each size", _best(lattice, subject)))
    replicated = replication_table(report["subjects"])
    if replicated:
        sections.append(_folded("What replicates of the thesis", _replication(replicated)))
    sections.append(
        f"\n<sub>interp-checks {report['versions']['interp-checks']}, {report['time']}</sub>\n"
    )
    return _fitted(sections)


def _replication(rows: list[tuple[str, ...]]) -> str:
    lines = ["| item | | the thesis | here | replicates |", "|---|---|---|---|---|"]
    lines += ["| " + " | ".join(_plain(part) for part in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _fitted(sections: list[str]) -> str:
    kept, length, left_out = [], 0, 0
    for section in sections:
        if length + len(section) > _LONGEST:
            left_out += 1
            continue
        kept.append(section)
        length += len(section)
    if left_out:
        kept.append(
            f"\n_{left_out} sections left out: too long for a comment. "
            "The JSON report has everything._\n"
        )
    return "".join(kept)


def _folded(title: str, body: str) -> str:
    return f"\n<details><summary>{_plain(title)}</summary>\n\n{body}\n</details>\n"


def _claims(claims: list[dict[str, Any]]) -> str:
    lines = ["| | claim | source | measured | by chance |", "|---|---|---|---|---|"]
    for one in claims:
        chance = ""
        if one["chance"]:
            count, total = one["chance"]
            chance = f"{count}/{total}" + (" ⚠️" if count > UNSPECIFIC * total else "")
        measured = "<br>".join(
            _plain(text) for text in (one["measured"], one["needed"], *one["remarks"]) if text
        )
        cells = (
            f"{_SIGNS[one['status']]} {one['status']}",
            _plain(one["claim"]),
            _plain(one["source"] or ""),
            measured,
            chance,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _recalls(subject: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """Recall by ablation and class; dead classes in bold, ailing ones in italics."""
    classes, support = subject["classes"], subject["support"]
    lines = [
        "| | " + " | ".join(_plain(name) for name in classes) + " | accuracy |",
        "|---|" + "--:|" * (len(classes) + 1),
    ]
    for row in (subject["intact"], *rows):
        cells = []
        for correct, images in zip(row["correct"], support, strict=True):
            recall = correct / images if images else None
            text = "–" if recall is None else f"{100 * recall:.1f}"
            if recall is not None and recall < DEAD:
                text = f"**{text}**"
            elif recall is not None and recall < ALIVE:
                text = f"_{text}_"
            cells.append(text)
        cells.append(f"{100 * sum(row['correct']) / sum(support):.2f}")
        lines.append(f"| {_plain(row['label'])} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _sets(classes: list[str], lattice: dict[str, Any]) -> str:
    """Which sets of directions kill a class, and which alone spare it."""
    lines = [
        "| class | minimal kill sets | minimal sufficient sets | revivals |",
        "|---|---|---|--:|",
    ]
    for place, name in enumerate(classes):
        told = [
            _plain(sets_in_words([tuple(one) for one in lattice[kind][place]], most=8))
            for kind in ("kill_sets", "sufficient_sets")
        ]
        lines.append(f"| {_plain(name)} | {' | '.join(told)} | {lattice['revivals'][place]} |")
    return "\n".join(lines) + "\n"


def _shapley(lattice: dict[str, Any]) -> str:
    """What each direction adds to each recall, on average over all orders of adding them."""
    lines = [
        "| direction | " + " | ".join(_plain(name) for name in lattice["games"]) + " |",
        "|---|" + "--:|" * len(lattice["games"]),
    ]
    for number, values in enumerate(lattice["shapley"], start=1):
        cells = " | ".join(f"{100 * value:+.1f}" for value in values)
        lines.append(f"| {number} | {cells} |")
    return "\n".join(lines) + "\n"


def _best(lattice: dict[str, Any], subject: dict[str, Any]) -> str:
    """The most accurate set of each size, beside the first directions."""
    images = sum(subject["support"])
    lines = ["| size | best set | accuracy | the first so many |", "|--:|---|--:|--:|"]
    for best in lattice["best_sets"]:
        cells = (
            str(len(best["directions"])),
            _plain(sets_in_words([tuple(best["directions"])])),
            f"{100 * best['correct'] / images:.2f}",
            f"{100 * best['first_correct'] / images:.2f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Text that stays as it is inside a table cell."""
    for sign in ("\\", "`", "*", "_", "[", "]", "|", "~"):
        text = text.replace(sign, "\\" + sign)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")
