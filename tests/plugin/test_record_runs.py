"""Runs that are added to a record, and judged against one of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from saved_runs import CLAIMS, HELD, OPTIONS, broken, compared, run, suite

from interp_checks import load_snapshot, save_snapshot
from interp_checks.record.record import Record
from interp_fixtures.command import main
from interp_fixtures.reference_files import snapshot_file


@pytest.fixture
def recorded(pytester: pytest.Pytester) -> pytest.Pytester:
    """A suite, and a record with its run on the shipped digits reference."""
    suite(pytester)
    result = run(pytester, "--interp-save=runs.db@good")
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["run 1 of 1 saved: runs.db as good"])
    save_snapshot(broken(load_snapshot(snapshot_file("digits"))), "broken.safetensors")
    return pytester


def test_a_run_is_judged_against_one_of_the_record(recorded: pytest.Pytester) -> None:
    worse = run(recorded, "--interp-save=runs.db", on="broken.safetensors")
    worse.stdout.fnmatch_lines(["run 2 of 2 saved: runs.db"])
    against = run(recorded, "--interp-baseline=runs.db@good", on="broken.safetensors")
    against.stdout.fnmatch_lines(["Against runs.db*"])
    assert against.ret == 1
    # Against the latest, which is the broken one itself, nothing is gone.
    same = run(recorded, "--interp-baseline=runs.db", on="broken.safetensors")
    assert same.ret == 0
    json_run = run(recorded, "--interp-save=base.json")
    json_run.stdout.fnmatch_lines(["run saved: base.json"])
    by_json = run(recorded, "--interp-baseline=base.json", on="broken.safetensors")
    assert by_json.parseoutcomes() == against.parseoutcomes()


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_the_driver_alone_adds_a_run(workers: tuple[str, ...], pytester: pytest.Pytester) -> None:
    suite(pytester)
    result = pytester.runpytest_subprocess(
        *OPTIONS, *workers, "--interp-dataset=digits", "--interp-save=runs.db"
    )
    result.stdout.fnmatch_lines(["run 1 of 1 saved: runs.db"])
    with Record("runs.db") as record:
        rows = list(record.verdicts())
    assert [row["claim"] for row in rows] == list(CLAIMS.values())
    assert [row["outcome"] for row in rows] == ["holds", "holds", "fails", None]
    assert rows[1]["cut"] == "direction"


@pytest.mark.parametrize(("option", "words"), [
    ("--interp-baseline=none.db", "there is no such record"),
    ("--interp-baseline=runs.db@nobody", "there is no such run"),
    ("--interp-align=runs.db@nobody", "there is no such run"),
])  # fmt: skip
def test_a_run_that_is_not_there(option: str, words: str, recorded: pytest.Pytester) -> None:
    result = run(recorded, option)
    assert result.ret != 0
    told = result.stdout.str() + result.stderr.str()
    assert words in told
    assert "Traceback" not in told


def test_a_file_that_is_no_record_stays(recorded: pytest.Pytester) -> None:
    Path("notes.db").write_text("mine")
    result = run(recorded, "--interp-save=notes.db")
    assert Path("notes.db").read_text() == "mine"
    result.stdout.fnmatch_lines(["nothing saved: notes.db: this is no record*"])


def test_a_run_does_not_take_the_place_of_weights(recorded: pytest.Pytester) -> None:
    before = Path("broken.safetensors").read_bytes()
    result = run(recorded, "--interp-save=broken.safetensors")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "is there, and it is no saved run" in result.stderr.str()
    assert Path("broken.safetensors").read_bytes() == before


def test_a_saved_run_of_any_name_is_still_read(recorded: pytest.Pytester) -> None:
    run(recorded, "--interp-save=base.json")
    Path("base.json").rename("base.db")
    run(recorded, "--interp-baseline=base.db").assert_outcomes(passed=2, skipped=1, xfailed=1)


def test_the_command_on_a_record(
    recorded: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    run(recorded, "--interp-save=runs.db@bad", on="broken.safetensors")
    run(recorded, "--interp-save=one.json")
    capsys.readouterr()
    assert main(["record", "gather", "runs.db", "one.json", "one.json", "--name", "late"]) == 0
    told = capsys.readouterr().out
    assert "one.json: run 3\none.json: run 3, which was there already" in told
    assert main(["record", "list", "runs.db"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told[::2]] == ["1", "2", "3"]
    assert "good" in told[0]
    assert "holds 2" in told[1]
    assert max(map(len, told)) <= 80
    assert main(["history", "runs.db", "--claim", "leaves only"]) == 0
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 80
    words = " ".join(told.split())
    assert words.startswith(f"{HELD} (digits) ")
    assert " since run " in words or " in all 3 runs " in words
    assert " recall of class " in words
    assert main(["history", "runs.db", "--out", "history.md"]) == 0
    assert Path("history.md").read_text("utf-8").count("\n| ") >= len(CLAIMS)
    assert main(["record", "export", "runs.db", "--out", "all.csv"]) == 0
    table = pd.read_csv("all.csv")
    assert len(table) == 3 * len(CLAIMS)
    assert set(table["outcome"].dropna()) == {"holds", "fails"}
    status, out, _ = compared("runs.db@good", "runs.db@bad", capsys=capsys)
    assert status == 1
    assert "runs.db@good -> runs.db@bad" in out


@pytest.mark.parametrize(("arguments", "words"), [
    (("history", "runs.db", "--claim", "unheard of"), "no claim has these words"),
    (("history", "none.db"), "there is no such record"),
    (("record", "list", "none.db"), "there is no such record"),
    (("record", "gather", "runs.db", "none.json"), "no such file"),
    (("record", "export", "runs.db", "--out", "all.xls"), "a table has one of two formats"),
])  # fmt: skip
def test_mistakes_are_one_line_each(
    arguments: tuple[str, ...],
    words: str,
    recorded: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
) -> None:
    capsys.readouterr()
    assert main(list(arguments)) == 2
    told = capsys.readouterr().err
    assert words in told
    assert "Traceback" not in told
    assert not Path("none.db").exists()


def test_a_claim_about_many_checkpoints(pytester: pytest.Pytester) -> None:
    suite(pytester, CLAIMS.values())
    for name in ("one", "two"):
        run(pytester, f"--interp-save=runs.db@{name}")
    another = replace(broken(load_snapshot(snapshot_file("digits"))), provenance={})
    save_snapshot(another, "broken.safetensors")
    run(pytester, "--interp-save=runs.db@bad", on="broken.safetensors")
    many = f"on at least 1 % of seeds, {HELD}"
    few = "on at least 99 % of seeds, accuracy is above 80 %"
    suite(pytester, [many, few, "on at least 5 % of seeds, dropping direction 14 kills class 8"])
    result = run(pytester, "--interp-record=runs.db", "--interp-report=r.json", "-v")
    told = " ".join(result.stdout.str().split())
    # The same checkpoint twice is one.
    assert "(1 of 2)" in told
    result.assert_outcomes(passed=1, failed=1, skipped=1)
    assert "no checkpoint of the record can answer" in told
    without = run(pytester)
    without.assert_outcomes(skipped=3)
    assert "--interp-record=FILE.db" in run(pytester, "-rs").stdout.str()
    missing = run(pytester, "--interp-record=none.db")
    assert "there is no such record" in missing.stdout.str()
    saved = run(pytester, "--interp-record=runs.db", "--interp-save=base.json")
    assert saved.ret == result.ret
    again = run(pytester, "--interp-record=runs.db", "--interp-baseline=base.json")
    assert "Traceback" not in again.stdout.str()
