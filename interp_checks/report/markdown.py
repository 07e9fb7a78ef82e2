"""The report for a pull request: GitHub-flavoured Markdown with sections that unfold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interp_checks.statistics.intervals import percent
from interp_checks.thresholds import ALIVE, DEAD, UNSPECIFIC
from interp_checks.wording import sets_in_words

from .chance_words import ABOUT_CHANCE, anywhere_of
from .shown_classes import note_on, shown_classes
from .status import NOT_REPLICATED, RED, STATUSES, of_which

#: The words for a finding that is as it was.
_UNCHANGED = ("held", "still not")

#: A table of findings says so many at most: what it says must not be what is left out.
_MOST_FATES = 100

#: GitHub refuses comments of more than 65,536 characters; some room is left for a heading.
_LONGEST = 60_000

_SIGNS = {
    "holds": "✅",
    "fails": "❌",
    "undecided": "❔",
    "not replicated": "➖",
    "not judged": "⏭️",
    "unexpectedly holds": "❗",
    "expected failure": "➖",
    "error": "💥",
    "timed out": "💥",
    "crashed": "💥",
    "skipped": "⏭️",
    "not run": "⏹️",
}


def markdown(report: dict[str, Any], replicated: Sequence[tuple[str, ...]] = ()) -> str:
    """The whole report; sections that do not fit into a comment are left out, and say so.

    First comes what decides: whether the run passed, what became of the findings of a baseline,
    and which claims make it fail.

    Args:
        report: printable, as all reports for people are.
        replicated: rows of a table: an item of the thesis, its topic, what the thesis reports,
            what its claims came to here, and whether it replicates; empty leaves the table out.
    """
    warned = "".join(
        f"> ⚠️ **{_plain(subject['description'])}**: {_plain(warning)}.\n\n"
        for subject in report["subjects"]
        for warning in subject["warnings"]
    )
    sections = [f"## Interpretability claims\n\n{warned}{_counts(report)}\n"]
    sections += [f"\n{line}\n" for line in _warnings(report)]
    if report["baseline"]:
        sections += _since_baseline(report)
    for subject in report["subjects"]:
        sections.append(f"\n**{_plain(subject['description'])}**\n")
        telling = [claim for claim in subject["claims"] if _telling(claim)]
        if telling:
            sections.append("\n" + _claims(telling))
        if subject["notes"]:
            notes = "".join(f"- {_plain(note)}\n" for note in subject["notes"])
            sections.append(_folded("What was judged", notes))
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
    if report["without_subject"]:
        table = _claims(report["without_subject"])
        sections.append(f"\n**No subject is known for these**\n\n{table}")
    if replicated:
        sections.append(_folded("What replicates of the thesis", _replication(replicated)))
    sections.append(
        f"\n<sub>interp-checks {report['versions']['interp-checks']}, {report['time']}</sub>\n"
    )
    return _fitted(sections)


def _counts(report: dict[str, Any]) -> str:
    """How many claims ended how; the deselected are counted apart."""
    summary = report["summary"]
    every = [claim for subject in report["subjects"] for claim in subject["claims"]]
    behind = {word: of_which(word, every) for word in STATUSES}
    parts = [
        f"{_SIGNS[word]} {word} {summary[word]}" + (f" ({behind[word]})" if behind[word] else "")
        for word in STATUSES
        if summary.get(word)
    ]
    if not parts:
        parts = ["No claim was judged."]
    deselected = len(report["selection"]["deselected"])
    if deselected:
        parts.append(f"deselected {deselected}")
    return ", ".join(parts)


def _warnings(report: dict[str, Any]) -> list[str]:
    """What a reader must know before believing the counts."""
    lines = []
    if report["exit_status"]:
        lines.append(f"**The run did not pass: pytest's exit status is {report['exit_status']}.**")
    if report["cut_short"]:
        lines.append(f"**The run was cut short:** {_plain(report['cut_short'])}.")
    for place in report["uncollected"]:
        how = "skipped as a whole" if place["outcome"] == "skipped" else "not collected"
        lines.append(
            f"**{_plain(place['test'] or 'Everything')} was {how}**, so its claims are unknown: "
            f"{_plain(place['reason'])}"
        )
    if report["selection"]["narrowed_by"]:
        patterns = ", ".join(map(_plain, report["selection"]["narrowed_by"][:5]))
        lines.append(f"Only part of the suites was collected: {patterns}.")
    return lines


def _telling(claim: dict[str, Any]) -> bool:
    """Whether a claim is shown at once, and not only when the table unfolds."""
    return claim["status"] in ("fails", "undecided") or claim["pytest"] in RED


def _since_baseline(report: dict[str, Any]) -> list[str]:
    """What became of each finding: those that changed, the ones that are gone first."""
    baseline = report["baseline"]
    every = [claim for subject in report["subjects"] for claim in subject["claims"]]
    compared = [claim for claim in every if claim["became"]]
    changed = [claim for claim in compared if claim["gone"] or claim["became"][0] not in _UNCHANGED]
    changed.sort(key=lambda claim: not claim["gone"])
    became = ", ".join(f"{word} {count}" for word, count in baseline["became"].items())
    partial = ", a partial run" if baseline["partial"] else ""
    lines = [
        f"\n### Since the baseline\n\nAgainst {_plain(baseline['path'])}{partial}: "
        f"{became or 'no claim in common'}.\n"
    ]
    if changed:
        table = ["| | finding | what became of it | evidence |", "|---|---|---|---|"]
        for claim in changed[:_MOST_FATES]:
            word, line = claim["became"]
            cells = ("❌" if claim["gone"] else "🔁", claim["claim"], word, line)
            table.append("| " + " | ".join(_plain(cell) for cell in cells) + " |")
        lines.append("\n" + "\n".join(table) + "\n")
        if len(changed) > _MOST_FATES:
            lines.append(f"\n{len(changed) - _MOST_FATES} more have changed.\n")
    elif compared:
        lines.append("\nNo finding has changed.\n")
    unused = baseline["not_judged_now"]
    if unused:
        noun = "claim" if len(unused) == 1 else "claims"
        listed = [
            f"- {_plain(claim['claim'])}" + (f" ({_plain(claim['why'])})" if claim["why"] else "")
            for claim in unused[:_MOST_FATES]
        ]
        lines.append(
            f"\n**{len(unused)} {noun} of the baseline not judged now:**\n\n"
            + "\n".join(listed)
            + "\n"
        )
    return lines


def _replication(rows: Sequence[tuple[str, ...]]) -> str:
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
    lines = ["| | claim | source | measured | by chance | anywhere |", "|---|---|---|---|---|---|"]
    for claim in claims:
        chance = anywhere = ""
        if claim["chance"]:
            count, total = claim["chance"]
            chance = f"{count}/{total}" + (" ⚠️" if count > UNSPECIFIC * total else "")
            anywhere = anywhere_of(claim)
        measured = "<br>".join(
            _plain(text) for text in (claim["measured"], claim["needed"], *claim["remarks"]) if text
        )
        cells = (
            f"{_SIGNS[claim['status']]} {claim['status']}" + _outcome(claim),
            _plain(claim["claim"]),
            _plain(claim["source"] or ""),
            measured,
            chance,
            anywhere,
        )
        lines.append("| " + " | ".join(cells) + " |")
    if any(claim["chance"] for claim in claims):
        lines += ["", f"_{ABOUT_CHANCE}_"]
    return "\n".join(lines) + "\n"


def _outcome(claim: dict[str, Any]) -> str:
    """Whether a claim that does not replicate fails or is undecided."""
    return f" ({claim['outcome']})" if claim["status"] == NOT_REPLICATED else ""


def _recalls(subject: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """Recall by ablation and class; dead classes in bold, ailing ones in italics."""
    classes, support = subject["classes"], subject["support"]
    shown = shown_classes(subject, rows)
    note = note_on(shown, subject)
    lines = [
        *([note, ""] if note else []),
        "| | " + " | ".join(_plain(classes[place]) for place in shown) + " | accuracy |",
        "|---|" + "--:|" * (len(shown) + 1),
    ]
    for row in (subject["intact"], *rows):
        cells = []
        for place in shown:
            correct, images = row["correct"][place], support[place]
            recall = correct / images if images else None
            text = "–" if recall is None else percent(recall, 1, (DEAD, ALIVE))
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
        cells = [
            _plain(sets_in_words([tuple(numbers) for numbers in lattice[kind][place]], most=8))
            for kind in ("kill_sets", "sufficient_sets")
        ]
        lines.append(f"| {_plain(name)} | {' | '.join(cells)} | {lattice['revivals'][place]} |")
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
