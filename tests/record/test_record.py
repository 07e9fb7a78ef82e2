"""The record: what is added to it comes back, whole or not at all."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from recorded_runs import ALIVE, COSTS, readout, run

from interp_checks.comparing.saved_run import save_run
from interp_checks.errors import CheckpointError
from interp_checks.record import schema
from interp_checks.record.addresses import is_address, load_any_run, split_address
from interp_checks.record.record import Record


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def test_what_is_added_comes_back(file: Path) -> None:
    report, snapshots = run(0.9)
    with Record(file, create=True) as record:
        assert record.add(report, snapshots, name="main", factors={"width": 10}) == (1, True)
        rows = list(record.verdicts())
        saved = record.saved()
    assert [row["claim"] for row in rows] == [ALIVE, COSTS]
    first, second = rows
    check = report["subjects"][0]["claims"][0]["checks"][0]
    assert first["outcome"] == report["subjects"][0]["claims"][0]["outcome"]
    assert (first["quantity"], first["counts"]) == ("recall of class 1", check["counts"])
    assert (first["value"], first["lower"], first["upper"]) == (
        check["value"], check["lower"], check["upper"],
    )  # fmt: skip
    assert first["level"] == check["confidence"]
    assert len(second["counts"]) == 3
    assert (first["name"], first["factors"], first["seed"]) == ("main", {"width": 10}, "0")
    assert (first["cut"], first["target"], first["source"]) == ("direction", "", "T18")
    assert dict(saved.report) == json.loads(json.dumps(report))
    on = readout(0.9)
    np.testing.assert_array_equal(saved.readouts[0].features, on.features.astype(np.float64))
    assert [entry["claim"] for entry, _ in saved.claims()] == [ALIVE, COSTS]


def test_the_same_run_is_there_once(file: Path) -> None:
    with Record(file, create=True) as record:
        assert record.add(*run()) == (1, True)
        assert record.add(*run()) == (1, False)
        assert record.add(*run(time="2026-11-02T00:00:00Z")) == (2, True)
        assert len(record) == 2
        # One head, under the digest of what is in it.
        assert len(list(record.heads.iterdir())) == 1
        record.add(*run(0.5, seed=1))
        assert len(list(record.heads.iterdir())) == 2
        assert len(record.claims()) == 2


def test_a_run_is_found_by_name_commit_and_number(file: Path) -> None:
    with Record(file, create=True) as record:
        record.add(*run(time="1", commit="aaaaaaa1"), name="main")
        record.add(*run(time="2", commit="bbbbbbb2"), name="main")
        record.add(*run(time="3", commit="ccccccc3"))
        for which, expected in (
            ("", "3"), ("main", "2"), ("aaaaaaa", "1"), ("BBBBBBB2", "2"), ("1", "1"),
        ):  # fmt: skip
            assert record.saved(which).report["time"] == expected, which
        for which in ("dev", "aaaaaa", "9"):
            with pytest.raises(CheckpointError, match="no such run") as caught:
                record.saved(which)
            assert "main" in str(caught.value.found)


def test_addresses(tmp_path: Path) -> None:
    assert split_address(tmp_path / "a.db@main") == (tmp_path / "a.db", "main")
    assert split_address(tmp_path / "a.db") == (tmp_path / "a.db", "")
    assert is_address(tmp_path / "new.db")
    assert is_address(tmp_path / "new.sqlite@x")
    assert not is_address(tmp_path / "new.json")
    odd = tmp_path / "odd@home.json"
    save_run(odd, *run())
    assert not is_address(odd)
    assert load_any_run(odd).report["time"] == run()[0]["time"]
    with Record(tmp_path / "x.what", create=True) as record:
        record.add(*run(), name="main")
    assert load_any_run(tmp_path / "x.what@main").report["time"] == run()[0]["time"]


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes there")
def test_a_pipe_is_no_record_and_is_not_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.db"
    os.mkfifo(pipe)
    # To open it for reading would wait for somebody who writes.
    assert not schema.is_record(pipe)
    assert not is_address(pipe)
    refused(pipe, "this is no record", create=True)


def test_the_table_has_a_column_for_each_factor(file: Path) -> None:
    with Record(file, create=True) as record:
        assert record.table().empty
        record.add(*run(time="1"), factors={"width": 10, "recipe": "mine"})
        record.add(*run(time="2"), factors={"width": 16})
        table = record.table()
    assert list(table["width"]) == [10, 10, 16, 16]
    assert table["recipe_factor"].isna().tolist() == [False, False, True, True]
    assert (table["value"].between(-1, 1)).all()


def test_one_row_of_a_run_that_fails_takes_all_of_it_away(file: Path) -> None:
    report, snapshots = run()
    broken = json.loads(json.dumps(report))
    del broken["subjects"][0]["claims"][1]["status"]
    with Record(file, create=True) as record:
        with pytest.raises(KeyError):
            record.add(broken, snapshots)
        assert len(record) == 0
        assert record.claims() == []
        assert record.add(report, snapshots) == (1, True)


# --- files that are not what they should be -----------------------------------------------------


def refused(path: Path, *words: str, create: bool = False) -> None:
    with pytest.raises(CheckpointError) as caught:
        Record(path, create=create)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    refused(tmp_path / "none.db", "no such record", "--interp-save=FILE.db")
    (tmp_path / "text.db").write_text("hello" * 100)
    refused(tmp_path / "text.db", "this is no record", create=True)
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE mine (x)")
    other.commit()
    other.close()
    before = (tmp_path / "other.db").read_bytes()
    refused(tmp_path / "other.db", "SQLite database of something else", create=True)
    assert (tmp_path / "other.db").read_bytes() == before


def test_a_newer_one_is_refused_and_a_damaged_one_named(file: Path) -> None:
    with Record(file, create=True) as record:
        record.add(*run())
    whole = file.read_bytes()
    with sqlite3.connect(file) as opened:
        opened.execute("PRAGMA user_version=99")
    opened.close()
    refused(file, "newer interp-checks", "version 99")
    file.write_bytes(whole[:3000] + b"\x07" * (len(whole) - 3000))
    with pytest.raises(CheckpointError, match=r"damaged|cannot be read"), Record(file) as record:
        list(record.verdicts())


def test_a_missing_head_is_named(file: Path) -> None:
    with Record(file, create=True) as record:
        record.add(*run())
        (head,) = record.heads.iterdir()
        head.unlink()
        with pytest.raises(CheckpointError, match="snapshot of a head is missing"):
            record.saved()
        assert len(list(record.verdicts())) == 2


def test_an_older_record_is_brought_up_to_date(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Record(file, create=True) as record:
        record.add(*run())
    later = (*schema.MIGRATIONS, "ALTER TABLE runs ADD COLUMN machine TEXT NOT NULL DEFAULT ''")
    monkeypatch.setattr(schema, "MIGRATIONS", later)
    with Record(file) as record:
        assert len(list(record.verdicts())) == 2
        assert record.add(*run(time="2")) == (2, True)
    with sqlite3.connect(file) as opened:
        assert opened.execute("PRAGMA user_version").fetchone() == (len(later),)
        assert opened.execute("SELECT machine FROM runs").fetchall() == [("",), ("",)]
    opened.close()


def test_it_keeps_a_rollback_journal(file: Path) -> None:
    # A write-ahead log needs shared memory, which network disks have not.
    with Record(file, create=True) as record:
        record.add(*run())
        assert record._opened.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
    assert sorted(path.name for path in file.parent.iterdir()) == ["runs.db", "runs.heads"]


# --- several processes, and ones that are killed ------------------------------------------------

ADD = """
import json, sys
from interp_checks.record.record import Record
runs = json.load(open(sys.argv[2]))
print("ready", flush=True)
with Record(sys.argv[1], create=True) as record:
    for report, snapshots in runs:
        print(record.add(report, snapshots).run, flush=True)
"""


def adding(file: Path, runs: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", ADD, str(file), str(runs)], stdout=subprocess.PIPE, text=True
    )


def test_two_processes_add_at_the_same_time(file: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        runs = [run(time=f"{name}{place}") for place in range(8)]
        (tmp_path / name).write_text(json.dumps(runs))
    for process in [adding(file, tmp_path / name) for name in ("a", "b")]:
        process.communicate(timeout=120)
        assert process.returncode == 0
    with Record(file) as record:
        assert sorted(row["run"] for row in record.runs()) == list(range(1, 17))
        assert len(list(record.verdicts())) == 32


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal there")
def test_a_process_that_is_killed_leaves_whole_runs(file: Path, tmp_path: Path) -> None:
    every = [run(time=f"{place:03}") for place in range(60)]
    (tmp_path / "runs").write_text(json.dumps(every))
    for attempt in range(5):
        process = adding(file, tmp_path / "runs")
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.02 * attempt)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        with Record(file, create=True) as record:
            verdicts = list(record.verdicts())
            assert len(verdicts) == 2 * len(record)
    with Record(file) as record:
        for report, snapshots in every:
            record.add(report, snapshots)
        assert [row["time"] for row in record.runs()] == [f"{place:03}" for place in range(60)]
