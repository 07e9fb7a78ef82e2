"""The terminal summary: what is shown, how wide, and whether its numbers are right."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from _pytest._io import TerminalWriter
from _pytest.reports import TestReport

from interp_checks import Readout, load_snapshot, save_snapshot
from interp_checks.ablations.ablation import Ablation
from interp_fixtures.reference_files import snapshot_file
from pytest_interp_checks.collected import Collected
from pytest_interp_checks.ledger import Ledger
from pytest_interp_checks.summary import write_summary

DIGITS = load_snapshot(snapshot_file("digits"))
MNIST = load_snapshot(snapshot_file("mnist"))
SENTENCES = (
    "dropping direction 5 kills class 8 and spares every other class",
    "dropping directions 1, 2, 3, 4 and 5 kills class 8",
    "keeping the first 4 directions kills class 8",
    "keeping the last 4 directions keeps accuracy below 50 %",
    "keeping only direction 1 predicts only classes 6 and 7",
    "dropping direction 12 kills class 7",
    "some direction, dropped alone, kills exactly one class",
    "keeping only direction 2 kills class 9",
    "accuracy is above 90 %",
)
Entries = Callable[..., list[dict[str, Any]]]
Shown = Callable[..., str]
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Reports:
    """Keeps the evidence that reports carry."""

    def __init__(self) -> None:
        self.evidence: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = getattr(report, "interp_evidence", None)
        if found is not None:
            self.evidence.append(found)


def ledger_of(evidence: list[dict[str, Any]]) -> Ledger:
    """The account of a run that left this evidence behind."""
    ledger = Ledger()
    for place, entry in enumerate(evidence):
        nodeid = f"{place}"
        record = Collected(
            test=nodeid,
            nodeid=nodeid,
            claim=entry["claim"],
            source=entry["source"],
            place=place,
            subject="",
            selected=True,
        )
        ledger.collect([record])
        outcome = {"skipped": "skipped", "failed": "failed"}.get(entry["decision"], "passed")
        for when in ("setup", "call", "teardown"):
            done = outcome if when == "call" else "passed"
            found = TestReport(nodeid, ("", 0, ""), {}, done, None, when)  # type: ignore[arg-type]
            if when == "call":
                found.interp_evidence = entry  # type: ignore[attr-defined]
            ledger.add(found)
    return ledger


SUBJECT = """
import pytest
from types import SimpleNamespace
from interp_checks import load_snapshot

@pytest.fixture(scope="session")
def subject():
    return SimpleNamespace(
        readout=load_snapshot("made.safetensors"),
        description={description!r},
        notes=("first note", "second note"),
    )
"""
_KNOWN: dict[object, list[dict[str, Any]]] = {}


@pytest.fixture
def entries(pytester: pytest.Pytester) -> Entries:
    """The evidence that claims leave behind when they are judged on a readout."""

    def judged(
        readout: Readout, sentences: tuple[str, ...] = SENTENCES, description: str = "a model"
    ) -> list[dict[str, Any]]:
        key = (readout.class_names, len(readout), sentences, description)
        if key not in _KNOWN:
            save_snapshot(readout, pytester.path / "made.safetensors")
            pytester.makeconftest(SUBJECT.format(description=description))
            lines = [f"test_{n} = claims({s!r}, source='T{n}')" for n, s in enumerate(sentences)]
            pytester.makepyfile("\n".join(["from pytest_interp_checks import claims", *lines]))
            reports = Reports()
            pytester.inline_run("-p", "no:cacheprovider", "-q", plugins=[reports])
            assert len(reports.evidence) == len(sentences)
            _KNOWN[key] = reports.evidence
        return _KNOWN[key]

    return judged


@pytest.fixture
def shown(pytestconfig: pytest.Config) -> Shown:
    """The summary of some evidence on a terminal of some width."""

    def show(
        evidence: list[dict[str, Any]], width: int = 80, verbosity: int = 0, colour: bool = False
    ) -> str:
        ledger = ledger_of(evidence)
        file = io.StringIO()
        writer = TerminalWriter(file)
        writer.fullwidth, writer.hasmarkup = width, colour
        config = SimpleNamespace(
            get_verbosity=lambda: verbosity, getoption=pytestconfig.getoption, rootpath=Path()
        )
        write_summary(ledger, SimpleNamespace(config=config, _tw=writer, write_sep=writer.sep))
        return file.getvalue()

    return show


def table_rows(text: str) -> dict[str, list[str]]:
    """Cells of the recall tables by the label of their row."""
    rows = {}
    for line in text.splitlines():
        found = re.match(r"(intact|(?:first|last|just|all but) \d+(?:, \d+)*) +(.*)", line)
        if found:
            rows[found[1]] = found[2].split()
    return rows


def many_classes(names: list[str]) -> Readout:
    generator = np.random.default_rng(0)
    weight = generator.normal(size=(len(names), 6))
    features = np.repeat(weight, 20, axis=0) + generator.normal(size=(20 * len(names), 6))
    return Readout(features, np.repeat(np.arange(len(names)), 20), weight, class_names=tuple(names))


THIRTY = [str(number) for number in range(30)]
LONG = [f"a class with a rather long name, number {number}" for number in range(10)]
WIDE = ["日本語", "ελληνικά", "emoji 🎉", "é" * 30]


@pytest.mark.parametrize("verbosity", [-1, 0, 1, 2])
@pytest.mark.parametrize(
    "readout",
    [DIGITS, *map(many_classes, (THIRTY, LONG, WIDE))],
    ids=["digits", "30 classes", "long names", "wide names"],
)
def test_no_line_is_wider_than_the_terminal(
    entries: Entries, shown: Shown, readout: Readout, verbosity: int
) -> None:
    from rich.cells import cell_len

    sentences = tuple(s for s in SENTENCES if "class 7" not in s or len(readout.class_names) >= 9)
    evidence = entries(
        readout, sentences, description="checkpoint /a/path/" + "long/" * 20 + "x.pt"
    )
    for width in (40, 52, 60, 61, 62, 63, 64, 70, 79, 80, 81, 84, 90, 100, 101, 120, 140, 200):
        lines = shown(evidence, width, verbosity).splitlines()
        assert max(map(cell_len, lines)) <= width
        assert all(line == line.rstrip() for line in lines)


def test_numbers_are_those_of_the_library(entries: Entries, shown: Shown) -> None:
    rows = table_rows(shown(entries(MNIST), 140))
    assert len(rows) == 1 + 10 * 4 + 1
    for label, cells in rows.items():
        kind, numbers = label.rstrip("0123456789, "), re.findall(r"\d+", label)
        kept = {"all but": "dropping", "just": "only"}.get(kind, kind)
        result = MNIST.intact
        if label != "intact":
            result = MNIST.ablated(Ablation(kept, tuple(map(int, numbers))))
        for name, cell in zip(MNIST.class_names, cells, strict=False):
            recall = float(result.recall[name])
            if cell == "<1":
                assert 0 < recall < 0.01
            else:
                assert abs(100 * recall - float(cell)) <= 0.5 or (cell == "99" and recall < 1)
                assert (cell == "100") == (recall == 1)
                assert (cell == "0") == (recall == 0)
        assert cells[10] == f"{100 * result.accuracy.value:.2f}"


def test_intact_comes_first_in_every_table(entries: Entries, shown: Shown) -> None:
    lines = shown(entries(DIGITS)).splitlines()
    rules = [number for number, line in enumerate(lines) if line.startswith("──")]
    assert len(rules) == 5
    assert all(lines[number + 1].startswith("intact") for number in rules)


def test_rows_are_in_the_order_of_their_numbers(entries: Entries, shown: Shown) -> None:
    for order in (SENTENCES, SENTENCES[::-1]):
        labels = list(table_rows(shown(entries(DIGITS, order))))
        for kind, numbers in [("all but", range(1, 11)), ("just", range(1, 11))]:
            found = [label for label in labels if label.startswith(kind) and "," not in label]
            assert found == [f"{kind} {number}" for number in numbers]
        for kind in ("first", "last"):
            found = [label for label in labels if label.startswith(kind)]
            assert found == [f"{kind} {number}" for number in range(10, 0, -1)]


def test_rows_that_claims_named_out_of_order(entries: Entries, shown: Shown) -> None:
    generator = np.random.default_rng(0)
    weight = generator.normal(size=(14, 14))  # too many directions for whole families
    readout = Readout(weight, np.arange(14), weight)
    kinds = [("dropping direction {}", (9, 2, 11)), ("keeping the first {} directions", (3, 12, 5))]
    text = shown(
        entries(
            readout,
            tuple(
                f"{words.format(number)} keeps accuracy above 50 %"
                for words, numbers in kinds
                for number in numbers
            ),
        )
    )
    labels = [label for label in table_rows(text) if label != "intact"]
    assert labels == ["first 12", "first 5", "first 3", "all but 2", "all but 9", "all but 11"]


@pytest.mark.parametrize(("names", "width"), [(THIRTY, 100), (LONG, 140), (list("0123456789"), 40)])
def test_compact_table(entries: Entries, shown: Shown, names: list[str], width: int) -> None:
    readout = many_classes(names)
    text = shown(entries(readout, ("dropping direction 1 keeps accuracy above 50 %",)), width)
    assert re.search(r"^ +acc\. dead lowest recalls$", text, re.MULTILINE)
    intact = re.search(r"^intact +([\d.]+) +(\d+) ", text, re.MULTILINE)
    assert intact
    assert intact[1] == f"{100 * readout.intact.accuracy.value:.2f}"
    dropped = re.search(r"^all but 1 +([\d.]+) +(\d+) (.*)", text, re.MULTILINE)
    assert dropped
    recalls = {name: float(value) for name, value in readout.dropping(1).recall.items()}
    assert int(dropped[2]) == sum(value < 0.05 for value in recalls.values())
    assert dropped[3].startswith(min(recalls, key=lambda name: (recalls[name], name))[:12])


LEGEND = "Recall in %, intact model first."
PREDICTS = (
    " Predicts: classes with more than 1 % of all predictions, where few are left."  # one line
)


@pytest.mark.parametrize(
    ("sentences", "width", "legend"),
    [
        (SENTENCES, 140, LEGEND + PREDICTS),  # in some tables of several
        (("keeping only direction 1 predicts only class 6",), 140, LEGEND + PREDICTS),
        (("keeping only direction 1 predicts only class 6",), 60, LEGEND),  # no room for it
        ((SENTENCES[0],), 140, LEGEND),  # nothing to show in it
        ((SENTENCES[0],), 40, LEGEND),  # the compact table
        (("accuracy is above 90 %",), 80, None),  # no table at all
    ],
)
def test_only_what_is_shown_is_explained(
    entries: Entries, shown: Shown, sentences: tuple[str, ...], width: int, legend: str | None
) -> None:
    text = shown(entries(DIGITS, sentences), width)
    lines = text.splitlines()
    found = [number for number, line in enumerate(lines) if "Recall in %" in line]
    assert text.count("Predicts:") == (PREDICTS in (legend or ""))
    if legend is None:
        assert not found
        assert not table_rows(text)
        return
    # Once, after every table and before the claims.
    assert [lines[number] for number in found] == [legend]
    tables = [number for number, line in enumerate(lines) if line.startswith("intact ")]
    assert max(tables) < found[0] < lines.index("Claims")
    # The last column of some table has the head that is explained, or none has.
    assert any(line.endswith(" predicts") for line in lines) == (PREDICTS in legend)


#: What a run says of a single claim, before and after.
SINGULAR = [
    "1 claim: holds 1",
    "interp-checks: 1 claim to be judged on the shipped mnist reference: *",
]


@pytest.mark.parametrize("line", SINGULAR)
def test_a_single_claim_is_singular(pytester: pytest.Pytester, line: str) -> None:
    pytester.makepyfile(
        'from pytest_interp_checks import claims\ntest_a = claims("accuracy is above 1 %")'
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.stdout.fnmatch_lines([line])


@pytest.mark.parametrize(("stated", "count"), [(1, 1), (2, 2), (9, 8)])  # one is not judged
def test_how_many_would_hold_by_mistake(
    entries: Entries, shown: Shown, stated: int, count: int
) -> None:
    text = " ".join(shown(entries(DIGITS, SENTENCES[-stated:])).split())
    said = (
        f"Were all {count} false, up to {0.05 * count:.1f} would hold by mistake at 95 % "
        "confidence each; --interp-familywise corrects for that."
    )
    # Of a single claim it would say no more than its confidence does.
    assert text.count(said) == (count > 1)
    assert ("would hold by mistake" in text) == (count > 1)
    assert text.count("claims: " if count > 1 else " claim: ") == 1


def test_predicted_classes_stand_beside_recalls_where_there_is_room(
    entries: Entries,
    shown: Shown,
) -> None:
    text = shown(entries(MNIST, ("keeping only direction 1 predicts only class 6",)), 140)
    shares = MNIST.keeping_only(1).counts.sum(axis=0) / len(MNIST)
    best = int(shares.argmax())
    assert re.search(rf"^just 1 .* {best} {100 * shares[best]:.0f}%", text, re.MULTILINE)


def test_verbosity_shows_less_and_more(entries: Entries, shown: Shown) -> None:
    evidence = entries(DIGITS)
    quiet, plain, more, most = (shown(evidence, verbosity=level) for level in (-1, 0, 1, 2))
    assert len(quiet) < len(plain) < len(more) < len(most)
    # Quiet: no tables, no claims that hold, but the failures and the counts.
    assert "intact" not in quiet
    assert "accuracy is above 90 %" not in quiet
    assert re.search(r"^fails +T0 +dropping direction 5 kills class 8", quiet, re.MULTILINE)
    counts = f"\n{len(SENTENCES)} claims: holds "
    assert all(text.count(counts) == 1 for text in (quiet, plain, more, most))
    # Default: the number behind a failure; -v: behind what holds as well; -vv: every comparison.
    measured = "(563 of 599)"
    assert measured not in " ".join(plain.split())
    assert measured in " ".join(more.split())
    assert "claimed above 90 %: holds" in " ".join(most.split())
    assert "claimed above 90 %: holds" not in " ".join(more.split())
    assert ("second note" in plain, "second note" in more) == (False, True)


def test_colours_only_where_the_terminal_has_them(entries: Entries, shown: Shown) -> None:
    evidence = entries(DIGITS)
    plain, coloured = shown(evidence), shown(evidence, colour=True)
    assert "\x1b" not in plain
    assert "\x1b" in coloured
    uncoloured = [line.rstrip() for line in ANSI.sub("", coloured).splitlines()]
    assert uncoloured == plain.splitlines()


def test_two_subjects_give_two_groups(entries: Entries, shown: Shown) -> None:
    text = shown(entries(DIGITS, description="model A") + entries(MNIST, description="model B"))
    first, second = text.split("model B")
    assert "model A" in first
    assert f"{len(SENTENCES)} claims: " in first
    assert f"{len(SENTENCES)} claims: " in second
    assert table_rows(first)["intact"][10] == f"{100 * DIGITS.intact.accuracy.value:.2f}"
    assert table_rows(second)["intact"][10] == f"{100 * MNIST.intact.accuracy.value:.2f}"
