"""The terminal summary: what is shown, how wide, in which colours, and whether it is right."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from _pytest._io import TerminalWriter

from interp_checks import Claim, Readout, judge, load_snapshot
from interp_checks.ablation import Ablation
from interp_checks.errors import NotJudgedError
from interp_fixtures.resolve import snapshot_file
from pytest_interp_checks.evidence import Ledger, evidence_of
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
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def known_bug(reason: str) -> pytest.MarkDecorator:
    raises = (AssertionError, pytest.fail.Exception)
    return pytest.mark.xfail(strict=True, raises=raises, reason=reason)


def entries(
    readout: Readout, sentences: tuple[str, ...] = SENTENCES, description: str = "a model"
) -> list[dict[str, Any]]:
    """The evidence that these claims leave behind."""
    subject = SimpleNamespace(description=description, notes=("first note", "second note"))
    found = []
    for place, sentence in enumerate(sentences):
        claim, verdict, reason = Claim.parse(sentence), None, ""
        try:
            verdict = judge(claim, readout)
        except NotJudgedError as error:
            reason = str(error)
        more = {"source": f"T{place}", "place": place, "expected_failure": False}
        found.append(evidence_of(claim, verdict, reason, subject, readout, **more))
    return found


def shown(
    evidence: list[dict[str, Any]], width: int = 80, verbosity: int = 0, colour: bool = False
) -> str:
    """The summary of this evidence on a terminal of this width."""
    ledger = Ledger()
    for entry in evidence:
        ledger.add(entry, "passed")
    file = io.StringIO()
    writer = TerminalWriter(file)
    writer.fullwidth, writer.hasmarkup = width, colour
    config = SimpleNamespace(get_verbosity=lambda: verbosity)
    write_summary(ledger, SimpleNamespace(config=config, _tw=writer, write_sep=writer.sep))
    return file.getvalue()


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
def test_no_line_is_wider_than_the_terminal(readout: Readout, verbosity: int) -> None:
    from rich.cells import cell_len

    sentences = tuple(s for s in SENTENCES if "class 7" not in s or len(readout.class_names) >= 9)
    evidence = entries(
        readout, sentences, description="checkpoint /a/path/" + "long/" * 20 + "x.pt"
    )
    for width in (40, 52, 60, 61, 62, 63, 64, 70, 79, 80, 81, 84, 90, 100, 101, 120, 140, 200):
        lines = shown(evidence, width, verbosity).splitlines()
        assert max(map(cell_len, lines)) <= width
        assert all(line == line.rstrip() for line in lines)


def test_numbers_are_those_of_the_library() -> None:
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


def test_intact_comes_first_in_every_table() -> None:
    lines = shown(entries(DIGITS)).splitlines()
    rules = [number for number, line in enumerate(lines) if line.startswith("──")]
    assert len(rules) == 5
    assert all(lines[number + 1].startswith("intact") for number in rules)


def test_rows_are_in_the_order_of_their_numbers() -> None:
    for order in (SENTENCES, SENTENCES[::-1]):
        labels = list(table_rows(shown(entries(DIGITS, order))))
        for kind, numbers in [("all but", range(1, 11)), ("just", range(1, 11))]:
            found = [label for label in labels if label.startswith(kind) and "," not in label]
            assert found == [f"{kind} {number}" for number in numbers]
        for kind in ("first", "last"):
            found = [label for label in labels if label.startswith(kind)]
            assert found == [f"{kind} {number}" for number in range(10, 0, -1)]


@pytest.mark.parametrize(("names", "width"), [(THIRTY, 100), (LONG, 140), (list("0123456789"), 40)])
def test_compact_table(names: list[str], width: int) -> None:
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


@known_bug("the legend stays where there is no column of predictions, or no table at all")
@pytest.mark.parametrize(
    ("sentence", "width"), [(SENTENCES[0], 40), ("accuracy is above 90 %", 80)]
)
def test_only_what_is_shown_is_explained(sentence: str, width: int) -> None:
    assert "Predicts:" not in shown(entries(DIGITS, (sentence,)), width)


def test_predicted_classes_stand_beside_recalls_where_there_is_room() -> None:
    text = shown(entries(MNIST, ("keeping only direction 1 predicts only class 6",)), 140)
    shares = MNIST.keeping_only(1).counts.sum(axis=0) / len(MNIST)
    best = int(shares.argmax())
    assert re.search(rf"^just 1 .* {best} {100 * shares[best]:.0f}%", text, re.MULTILINE)


def test_verbosity_shows_less_and_more() -> None:
    evidence = entries(DIGITS)
    quiet, plain, more, most = (shown(evidence, verbosity=level) for level in (-1, 0, 1, 2))
    assert len(quiet) < len(plain) < len(more) < len(most)
    # Quiet: no tables, no claims that hold, but the failures and the counts.
    assert "intact" not in quiet
    assert "accuracy is above 90 %" not in quiet
    assert "fails     T0 dropping direction 5 kills class 8" in quiet
    counts = quiet.strip().splitlines()[-1]
    assert counts.startswith(f"{len(SENTENCES)} claims: holds ")
    assert all(text.strip().splitlines()[-1] == counts for text in (plain, more, most))
    # Default: the number behind a failure; -v: behind what holds as well; -vv: every comparison.
    measured = "(563 of 599)"
    assert measured not in plain
    assert measured in more
    assert "claimed above 90 %: holds" in " ".join(most.split())
    assert "claimed above 90 %: holds" not in " ".join(more.split())
    assert ("second note" in plain, "second note" in more) == (False, True)


def test_colours_only_where_the_terminal_has_them() -> None:
    evidence = entries(DIGITS)
    plain, coloured = shown(evidence), shown(evidence, colour=True)
    assert "\x1b" not in plain
    assert "\x1b" in coloured
    uncoloured = [line.rstrip() for line in ANSI.sub("", coloured).splitlines()]
    assert uncoloured == plain.splitlines()


def test_two_subjects_give_two_groups() -> None:
    text = shown(entries(DIGITS, description="model A") + entries(MNIST, description="model B"))
    first, second = text.split("model B")
    assert "model A" in first
    assert f"{len(SENTENCES)} claims: " in first
    assert f"{len(SENTENCES)} claims: " in second
    assert table_rows(first)["intact"][10] == f"{100 * DIGITS.intact.accuracy.value:.2f}"
    assert table_rows(second)["intact"][10] == f"{100 * MNIST.intact.accuracy.value:.2f}"


SUITE = f"from pytest_interp_checks import claims\ntest_a = claims(*{SENTENCES})"


@pytest.mark.parametrize("columns", [40, 80, 140])
def test_columns_of_a_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    pytester.makepyfile(SUITE)
    option = f"--interp-checkpoint={snapshot_file('digits')}"
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--tb=no", option)
    start = next(n for n, line in enumerate(result.outlines) if "interpretability claims" in line)
    end = next(n for n, line in enumerate(result.outlines) if "short test summary" in line)
    assert max(map(len, result.outlines[start:end])) == columns
    compact = any(line.endswith("dead lowest recalls") for line in result.outlines)
    assert compact == (columns == 40)


@pytest.mark.parametrize(
    ("option", "variables", "coloured"),
    [
        ("--color=yes", {}, True),
        ("--color=no", {}, False),
        ("--color=auto", {}, False),
        ("--color=auto", {"FORCE_COLOR": "1"}, True),
        ("--color=auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colours_of_a_run(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    option: str,
    variables: dict[str, str],
    coloured: bool,
) -> None:
    monkeypatch.delenv("PY_COLORS")  # which pytester sets
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    pytester.makepyfile(
        'from pytest_interp_checks import claims\ntest_a = claims("accuracy is above 1 %")'
    )
    checkpoint = f"--interp-checkpoint={snapshot_file('digits')}"
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", option, checkpoint)
    summary = result.stdout.str().partition("interpretability claims")[2]
    counts = next(line for line in summary.splitlines() if "1 claims: " in line)
    assert ("\x1b[32mholds 1" in counts) == coloured
    assert ("\x1b" in summary) == coloured


def test_a_terminal_of_ascii_only(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii:strict")
    monkeypatch.setenv("PYTHONUTF8", "0")
    pytester.makeconftest(
        """
        import pytest
        from interp_checks import Readout
        @pytest.fixture(scope="session")
        def subject():
            return Readout([[1.0, 0], [0, 1]], [0, 1], [[2.0, 0], [0, 1]], class_names=("ä", "b"))
        """
    )
    pytester.makepyfile(
        "from pytest_interp_checks import claims\n"
        'test_a = claims(\'dropping direction 1 kills class "ä"\', "accuracy is above 1 %")'
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-vv")
    result.assert_outcomes(passed=1, failed=1)
    text = result.stdout.str()
    assert "INTERNALERROR" not in text
    assert text.isascii()
    assert re.search(r"^intact\W+100\W+100\W+100\.00\b", text, re.MULTILINE)
    # The rule under the heads is drawn with what ASCII has.
    assert re.search(r"^-[-+]+$", text, re.MULTILINE)
