"""What claims about sets of directions leave in the terminal and in reports."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest
from made_heads import EITHER, crossed
from made_readouts import judged
from markdown_pages import Page

from interp_checks import Readout, load_snapshot, save_snapshot

pytestmark = pytest.mark.slow

OF_SETS = (
    "directions 1 and 2 are the only minimal kill set of class 0",
    "direction 3 has the largest Shapley value for class 2",
    "the first 3 directions are within 1 point of the best 3",
    "some set of 2 directions, dropped together, kills class 0",
    "dropping more directions revives class 0",
    "directions 1 and 9 are redundant for class 0",
)
PLAIN = ("accuracy is above 80 %", "some direction, dropped alone, kills class 2")
TITLE = "Sets of directions"
TABLE = [
    ["0", "1 (+50), 2 (+50)", "{1, 2}", "{1} and {2}"],
    ["1", "", "-", "-"],
    ["2", "3 (+100)", "{3}", "{3}"],
    # The bias is enough.
    ["3", "", "-", "none"],
]


def made(images: int = 200) -> Readout:
    rows = [(true, along, images) for true, along, _ in EITHER]
    # Two images of class 0 have the first direction only, so that the two are no ties.
    return crossed([*rows, (0, (9.0, 0, 0, 0), 2), (2, (0, 0, 9.0, 0), images)])


def suite(pytester: pytest.Pytester, *sentences: str, readout: Readout | None = None) -> None:
    save_snapshot(readout or made(), pytester.path / "made.safetensors")
    listed = "\n".join(f"    {sentence!r}," for sentence in sentences)
    pytester.makepyfile(
        test_suite=f"from pytest_interp_checks import claims\n\ntest_all = claims(\n{listed}\n)\n"
    )


OPTIONS = (
    "-p", "no:cacheprovider", "--tb=short", "--interp-checkpoint=made.safetensors",
    "--interp-rotations=5",
)  # fmt: skip


def run(pytester: pytest.Pytester, *more: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess(*OPTIONS, *more)


def table_in(lines: Sequence[str]) -> list[str]:
    start = lines.index(TITLE)
    end = next(place for place in range(start, len(lines)) if not lines[place])
    return list(lines[start + 1 : end])


def rows_in(lines: Sequence[str]) -> list[list[str]]:
    """Cells below the rule, by where the columns begin."""
    table = table_in(lines)
    rule = next(place for place, line in enumerate(table) if set(line) == {"─"})
    heads = table[rule - 1]
    starts = [heads.index(word) for word in ("class", "minimal kill", "minimal suff")]
    starts.insert(1, max(table[0].index("carried"), len("class")))
    ends = [*starts[1:], None]
    return [
        [line[start:end].strip() for start, end in zip(starts, ends, strict=True)]
        for line in table[rule + 1 :]
    ]


def summary(result: pytest.RunResult) -> list[str]:
    lines = result.outlines
    start = next(place for place, line in enumerate(lines) if "interpretability claims" in line)
    return lines[start:-1]  # the last line tells the time


@pytest.mark.parametrize("columns", [80, 140])
def test_the_table_in_the_terminal(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    suite(pytester, *PLAIN, *OF_SETS)
    result = run(pytester)
    result.assert_outcomes(passed=6, failed=1, skipped=1)
    assert "Traceback" not in result.stdout.str()
    shown = summary(result)
    assert rows_in(shown) == TABLE
    assert max(map(len, table_in(shown))) <= columns
    # One table, after the recalls and before the claims.
    assert shown.count(TITLE) == 1
    recalls = max(place for place, line in enumerate(shown) if line.startswith("Recall in %"))
    assert recalls < shown.index(TITLE) < shown.index("Claims")


def test_a_narrow_terminal(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    suite(pytester, OF_SETS[0])
    shown = summary(run(pytester))
    assert max(map(len, table_in(shown))) <= 40


def test_the_same_text_whoever_does_the_work(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    suite(pytester, *PLAIN, *OF_SETS)
    texts, reports = [], []
    for workers, colourless in (((), False), ((), True), (("-n", "2"), True)):
        if colourless:
            monkeypatch.setenv("NO_COLOR", "1")
        told = (*workers, "--interp-report=r.md", "--interp-report=r.json")
        runs = pytester.runpytest_subprocess if workers else pytester.runpytest_inprocess
        shown = summary(runs(*OPTIONS, *told))
        end = next(place for place, line in enumerate(shown) if "short test summary" in line)
        texts.append(shown[:end])
        reports.append([Path(name).read_bytes() for name in ("r.md", "r.json")])
    assert texts[0] == texts[1] == texts[2]
    assert reports[0] == reports[1] == reports[2]
    assert "\x1b" not in "\n".join(texts[0])


def test_no_table_without_such_claims(pytester: pytest.Pytester) -> None:
    suite(pytester, *PLAIN)
    result = run(pytester, "--interp-report=r.json", "--interp-report=r.md")
    result.assert_outcomes(passed=2)
    assert TITLE not in result.stdout.str()
    assert report()["subjects"][0]["lattice"] is None
    assert Page(Path("r.md").read_text("utf-8")).summaries == [
        "All 2 claims", "Recall in %: keeping all directions except one",
    ]  # fmt: skip


@pytest.mark.parametrize("options", [("-q",), ("-k", "redundant")])
def test_nothing_is_told_where_nothing_is_asked_or_judged(
    pytester: pytest.Pytester, options: tuple[str, ...]
) -> None:
    suite(pytester, *OF_SETS)
    assert TITLE not in run(pytester, *options).stdout.str()


def report() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("r.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize("sentence", OF_SETS[:5])
def test_any_claim_about_sets_brings_the_lattice(pytester: pytest.Pytester, sentence: str) -> None:
    suite(pytester, PLAIN[0], sentence)
    run(pytester, "--interp-report=r.json")
    (subject,) = report()["subjects"]
    assert subject["lattice"] == load_snapshot("made.safetensors").lattice.as_dict()
    jsonschema = pytest.importorskip("jsonschema", reason="needs the package jsonschema")
    path = Path(__file__).parents[2] / "docs" / "report.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert list(validator.iter_errors(report())) == []


def test_the_pages_of_the_markdown_report(pytester: pytest.Pytester) -> None:
    suite(pytester, *PLAIN, *OF_SETS)
    run(pytester, "--interp-report=r.md", "--interp-report=r.json")
    page = Page(Path("r.md").read_text("utf-8"))
    assert page.summaries[-3:] == [TITLE, "Shapley values in points", "Best sets of each size"]
    sets, values, best = page.tables[-3:]
    lattice = made().lattice
    assert sets[0] == ["class", "minimal kill sets", "minimal sufficient sets", "revivals"]
    assert sets[1:] == [[name, kills, enough, "0"] for name, _, kills, enough in TABLE]
    assert values[0] == ["direction", "0", "1", "2", "3", "accuracy"]
    assert values[1:] == [
        [str(number), *(f"{100 * float(one):+.1f}" for one in row)]
        for number, row in enumerate(lattice.shapley, start=1)
    ]
    assert best[0] == ["size", "best set", "accuracy", "the first so many"]
    assert [row[:2] for row in best[1:]] == [
        [str(len(one.directions)), "{" + ", ".join(map(str, one.directions)) + "}"]
        for one in lattice.best_sets()
    ]
    for row, one in zip(best[1:], lattice.best_sets(), strict=True):
        shares = (one.accuracy.value, one.first.value)
        assert row[2:] == [f"{100 * share:.2f}" for share in shares]


def test_what_a_set_is_said_to_measure(pytester: pytest.Pytester) -> None:
    suite(pytester, *OF_SETS)
    run(pytester, "--interp-report=r.json")
    claims = {claim["claim"]: claim for claim in report()["subjects"][0]["claims"]}
    assert list(claims) == list(OF_SETS)
    statuses = ["holds", "holds", "holds", "holds", "fails", "not judged"]
    assert [claim["status"] for claim in claims.values()] == statuses
    kill_set = claims[OF_SETS[0]]
    assert kill_set["chance"][1] == 5
    assert [check["quantity"] for check in kill_set["checks"]] == [
        "recall of class 0 when dropping directions 1 and 2",
        "intact recall of class 0",
        "recall of class 0 when dropping direction 1",
        "recall of class 0 when dropping direction 2",
        "lowest recall of class 0 over the 12 sets that keep one of them (here {2})",
    ]
    assert all(claim["chance"] is None for name, claim in claims.items() if name != OF_SETS[0])
    # A table would show each of the six sets that were looked at.
    titles = [table["title"] for table in report()["subjects"][0]["tables"]]
    rows = [row["label"] for table in report()["subjects"][0]["tables"] for row in table["rows"]]
    assert titles[-1] == "Other sets of directions"
    assert [label for label in rows if re.fullmatch(r"all but \d, \d", label)] == ["all but 1, 2"]


def test_heads_with_very_many_subsets_show_no_lattice(pytester: pytest.Pytester) -> None:
    rng = np.random.default_rng(0)
    weight = np.linalg.qr(rng.normal(size=(13, 13)))[0] * np.arange(20, 7, -1)
    features = rng.normal(size=(40, 13))
    labels = (features @ weight.T).argmax(axis=1)
    words = f"direction 1 is a minimal kill set of class {labels[0]}"
    suite(pytester, words, readout=Readout(features, labels, weight))
    result = run(pytester, "--interp-report=r.json")
    assert TITLE not in result.stdout.str()
    assert report()["subjects"][0]["lattice"] is None
    assert report()["subjects"][0]["claims"][0]["outcome"] in ("fails", "undecided")


def test_the_interval_in_words_stays_within_what_is_possible() -> None:
    check = judged(OF_SETS[1], made()).deciding
    assert (check.value, check.upper) == (1, 1)
    low, high = re.findall(r"[+-][\d.]+", check.measured.partition("difference")[2])[1:]
    assert float(low) == pytest.approx(100 * check.lower, abs=0.05)
    assert float(high) == 100
