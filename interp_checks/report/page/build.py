"""One report, one page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Any

import numpy as np

from interp_checks.ablations.fill import fill_named
from interp_checks.errors import InterpChecksError
from interp_checks.report.shown_classes import note_on, shown_classes
from interp_checks.report.status import of_which
from interp_checks.statistics.intervals import percent
from interp_checks.thresholds import ALIVE, DEAD, UNSPECIFIC

from .bar import bar_of
from .figure import PageFigure
from .subset_counts import SubsetCounts

#: Before each verdict, so that colour is not all that tells them apart.
SIGNS = {
    "holds": "✓",
    "fails": "✗",
    "undecided": "?",
    "not replicated": "≠",
    "not judged": "·",
    "unexpectedly holds": "!",
    "expected failure": "≠",
    "error": "✱",
    "timed out": "✱",
    "crashed": "✱",
    "skipped": "·",
    "not run": "○",
}


def page(
    report: dict[str, Any],
    lattices: Sequence[SubsetCounts | None],
    figures: Sequence[PageFigure] = (),
    built_from: Sequence[str] = (),
) -> str:
    """The report as one HTML file that loads nothing.

    Args:
        report: what ``--interp-report=FILE.json`` writes (docs/report.schema.json).
        lattices: for each subject of the report, the counts of all its subsets of directions;
            None leaves the explorer of that subject out.
        figures: of the thesis, each beside what the thesis says of it.
        built_from: lines that say which images and models all this was made from.

    Raises:
        InterpChecksError: the lattices are not those of the report's subjects.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    subjects = report["subjects"]
    if len(lattices) != len(subjects):
        raise InterpChecksError(
            "each subject of a report needs its lattice, or None",
            found=f"{len(lattices)} lattices",
            expected=f"{len(subjects)}",
        )
    for subject, lattice in zip(subjects, lattices, strict=True):
        if lattice is not None:
            _require_same_images(subject, lattice)
    environment = Environment(
        loader=PackageLoader("interp_checks.report.page", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    ordered = sorted(figures, key=lambda figure: figure.place)
    # Reports of earlier versions know nothing of such claims.
    without_subject = report.get("without_subject", [])
    claims = [*without_subject, *(claim for subject in subjects for claim in subject["claims"])]
    text = environment.get_template("page.html.jinja").render(
        report=report,
        subjects=[
            _section(number, subject, lattice)
            for number, (subject, lattice) in enumerate(zip(subjects, lattices, strict=True))
        ],
        statuses=list(report["summary"].items()),
        without_subject=_groups(without_subject),
        warnings=_warnings(report),
        files=sorted(set(map(_file, claims))),
        claims=claims,
        of_which=of_which,
        in_percent=percent,
        figures=ordered,
        replication=replication_of(ordered),
        figure_of={
            figure.item: place for place, figure in reversed(list(enumerate(ordered, start=1)))
        },
        built_from=built_from,
        data=_data(subjects, lattices),
        style=files(__package__).joinpath("page.css").read_text("utf-8"),
        script=files(__package__).joinpath("page.js").read_text("utf-8"),
        signs=SIGNS,
        dead=DEAD,
        alive=ALIVE,
        unspecific=UNSPECIFIC,
        bar_of=bar_of,
    )
    return text.strip() + "\n"


def replication_of(figures: Sequence[PageFigure]) -> list[PageFigure]:
    """One row for each item: in brief what it comes to, or what all of its figures measure."""
    items: dict[str, list[PageFigure]] = {}
    for figure in figures:
        items.setdefault(figure.item, []).append(figure)
    rows = []
    for item, own in items.items():
        words = {figure.replicates for figure in own}
        if len(words) > 1:
            raise InterpChecksError(
                f"the exhibits of {item} differ on whether it replicates",
                found=", ".join(sorted(words)),
                expected="one word for all of them",
            )
        ours = own[0].brief or _together([figure.ours for figure in own])
        rows.append(replace(own[0], ours=ours))
    return rows


def _together(texts: Sequence[str]) -> str:
    """Several texts as one; how all of them end is said once."""
    parts = [text.split("; ") for text in dict.fromkeys(texts) if text]
    shared: list[str] = []
    while len(parts) > 1 and all(len(part) > 1 and part[-1] == parts[0][-1] for part in parts):
        shared.insert(0, parts[0][-1])
        parts = [part[:-1] for part in parts]
    return "; ".join(["; ".join(part) for part in parts] + shared)


def _require_same_images(subject: dict[str, Any], lattice: SubsetCounts) -> None:
    """Counts of other images or of another head are told by their sums."""
    images = lattice.counts[-1].sum(axis=1)
    as_many = lattice.directions == len(subject["directions"])
    if not (as_many and np.array_equal(images, subject["support"])):
        raise InterpChecksError(
            f"these counts are not of {subject['description']}",
            found=f"{lattice.directions} directions, images of each class {images.tolist()}",
            expected=f"{len(subject['directions'])} directions, {subject['support']}",
        )


def _section(number: int, subject: dict[str, Any], lattice: SubsetCounts | None) -> dict[str, Any]:
    """What the template shows of one subject, beside what the report says."""
    became: dict[str, list[dict[str, Any]]] = {}
    for claim in subject["claims"]:
        if claim["became"]:
            became.setdefault(claim["became"][0], []).append(claim)
    rows = [row for table in subject["tables"] for row in table["rows"]]
    shown = shown_classes(subject, rows)
    return {
        **subject,
        "number": number,
        "shown": shown,
        "left_out": note_on(shown, subject),
        "groups": _groups(subject["claims"]),
        "fates": became,
        "explorer": lattice is not None,
        "fills": []
        if lattice is None
        else [(fill, fill_named(fill).words) for fill in lattice.fills],
    }


def _groups(
    claims: Sequence[dict[str, Any]],
) -> list[tuple[str, list[dict[str, Any]], Counter[str]]]:
    """Claims by their files, with how many of each file ended how."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for claim in claims:
        groups.setdefault(_file(claim), []).append(claim)
    return [
        (file, here, Counter(claim["status"] for claim in here)) for file, here in groups.items()
    ]


def _warnings(report: dict[str, Any]) -> list[str]:
    """What a reader must know before believing the counts."""
    lines = []
    if report.get("exit_status"):
        lines.append(f"The run did not pass: pytest's exit status is {report['exit_status']}.")
    if report.get("cut_short"):
        lines.append(f"The run was cut short: {report['cut_short']}.")
    for place in report.get("uncollected", ()):
        how = "skipped as a whole" if place["outcome"] == "skipped" else "not collected"
        test = place["test"] or "Everything"
        lines.append(f"{test} was {how}, so its claims are unknown: {place['reason']}")
    selection = report.get("selection") or {"deselected": (), "narrowed_by": ()}
    if selection["deselected"]:
        count = len(selection["deselected"])
        lines.append(f"{count} more claim{'' if count == 1 else 's'} deselected.")
    if selection["narrowed_by"]:
        patterns = ", ".join(selection["narrowed_by"][:5])
        lines.append(f"Only part of the suites was collected: {patterns}.")
    baseline = report.get("baseline") or {"not_judged_now": ()}
    if baseline["not_judged_now"]:
        sentences = "; ".join(claim["claim"] for claim in baseline["not_judged_now"])
        lines.append(f"Of the baseline, not judged now: {sentences}")
    return lines


def _file(claim: dict[str, Any]) -> str:
    """The test file that a claim is in."""
    name: str = claim["test"].partition("::")[0]
    return name


def _data(subjects: list[dict[str, Any]], lattices: Sequence[SubsetCounts | None]) -> str:
    """What the script needs, as JSON that cannot end its element."""
    data = {
        "dead": DEAD,
        "subjects": [
            {
                "support": subject["support"],
                "rows": [
                    {"sentence": row["sentence"], "counts": row["counts"]}
                    for table in ({"rows": [subject["intact"]]}, *subject["tables"])
                    for row in table["rows"]
                ],
                "lattice": lattice.packed() if lattice is not None else None,
            }
            for subject, lattice in zip(subjects, lattices, strict=True)
        ],
    }
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
