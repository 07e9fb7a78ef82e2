"""Saved runs: nothing is lost, damage is one clear error, and no half-written file remains."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interp_checks import CheckpointError, InterpChecksError, Readout
from interp_checks.comparing.saved_run import FORMAT, load_run, packed, save_run, unpacked
from interp_fixtures import reference_readout


def small(seed: int = 0, **more: Any) -> Readout:
    generator = np.random.default_rng(seed)
    weight = generator.normal(size=(4, 3))
    return Readout(generator.normal(size=(20, 3)), np.arange(20) % 4, weight, **more)


def report_on(*sentences: str) -> dict[str, Any]:
    return {
        "subjects": [
            {
                "claims": [
                    {"claim": one, "test": f"test_x.py::{one}", "status": "holds"}
                    for one in sentences
                ]
            }
        ]
    }


@pytest.mark.parametrize(
    "readout",
    [
        small(bias=np.array([0.1, -2, 1e-300, 3])),
        small(1, class_names=("a|b", "ünï", "8", "x\ny"), gauge="centred"),
        small(2, provenance={"images_sha256": "ab", "checkpoint": "cd", "with space": "«»"}),
        replace(small(3), features=small(3).features.astype(np.float32)),
        replace(small(3), features=np.array([[5e-324, -0.0, 1e308]] * 20)),
        reference_readout("digits"),
    ],
    ids=["bias", "names", "provenance", "float32", "extremes", "digits"],
)
def test_a_readout_comes_back_to_the_bit(readout: Readout, tmp_path: Path) -> None:
    save_run(tmp_path / "run.json", report_on("accuracy is above 1 %"), [packed(readout)])
    (found,) = load_run(tmp_path / "run.json").readouts
    for name in ("features", "labels", "weight", "bias"):
        one, other = getattr(readout, name), getattr(found, name)
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        assert one.tobytes() == other.tobytes(), name
    assert found.class_names == readout.class_names
    assert found.provenance == readout.provenance
    assert found.gauge == readout.gauge
    assert packed(found) == packed(readout)


def test_the_confidence_comes_back() -> None:
    assert unpacked(packed(small(confidence=0.99))).confidence == 0.99


def test_the_report_comes_back(tmp_path: Path) -> None:
    report = {**report_on("accuracy is above 1 %", "b"), "time": "x", "half": 0.1 + 0.2, "é": None}
    path = tmp_path / "new" / "folder" / "run.json"
    save_run(path, report, [packed(small())])
    run = load_run(path)
    assert run.report == report
    assert run.path == path
    claims = run.claims()
    assert [entry["claim"] for entry, _ in claims] == ["accuracy is above 1 %", "b"]
    for entry, readout in claims:
        assert entry["status"] == "holds"
        assert readout is run.readouts[0]
    assert json.loads(path.read_text("utf-8"))["format"] == FORMAT


def test_several_subjects(tmp_path: Path) -> None:
    report = {"subjects": [*report_on("a", "b")["subjects"], *report_on("c", "a")["subjects"]]}
    save_run(tmp_path / "x", report, [packed(small(1)), packed(small(2))])
    run = load_run(tmp_path / "x")
    found = [(claim["claim"], run.readouts.index(readout)) for claim, readout in run.claims()]
    assert found == [("a", 0), ("b", 0), ("c", 1), ("a", 1)]
    unique = run.find("moved/test_x.py::c", "c")
    assert unique is not None
    assert unique[1] is run.readouts[1]
    # Two subjects were judged by this sentence, and the test says neither.
    assert run.find("moved/test_x.py::a", "a") is None


def test_the_same_bytes_every_time(tmp_path: Path) -> None:
    for name in "ab":
        save_run(tmp_path / name, report_on("a"), [packed(small(provenance={"b": "1", "a": "2"}))])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def run_text(**changes: Any) -> str:
    run = {"format": FORMAT, "report": report_on("a"), "readouts": [packed(small())]}
    return json.dumps({**run, **changes})


def zipped(data: bytes) -> str:
    return base64.b85encode(zlib.compress(data)).decode()


def cut_short(text: str) -> str:
    return base64.b85encode(base64.b85decode(text)[:-9]).decode()


WHOLE = packed(small())
SAFE = zlib.decompress(base64.b85decode(WHOLE))
DAMAGED: dict[str, bytes | str] = {
    "cut short": run_text()[:-200],
    "not text": b"{\xff\xfe\x00",
    "no report": json.dumps({"format": FORMAT}),
    "report of nothing": run_text(report=None),
    "report is a list": run_text(report=[]),
    "no claims": run_text(report={"subjects": [{}]}),
    "claim without a sentence": run_text(report={"subjects": [{"claims": [{}]}]}),
    "sentence is a list": run_text(report={"subjects": [{"claims": [{"claim": []}]}]}),
    "fewer readouts": run_text(readouts=[]),
    "more readouts": run_text(readouts=[WHOLE, WHOLE]),
    "readouts are numbers": run_text(readouts=[3]),
    "no readouts": run_text(readouts=None),
    "readout empty": run_text(readouts=[""]),
    "readout not base 85": run_text(readouts=[WHOLE[:40] + " " + WHOLE[41:]]),
    "readout cut short": run_text(readouts=[cut_short(WHOLE)]),
}
DAMAGED_INSIDE: dict[str, str] = {
    "no safetensors": run_text(readouts=[zipped(b"something else")]),
    "safetensors cut short": run_text(readouts=[zipped(SAFE[:-10])]),
    "no snapshot": run_text(readouts=[zipped(SAFE.replace(b"snapshot 1", b"snapshot 9"))]),
}


def refused(path: Path, content: bytes | str) -> CheckpointError:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CheckpointError) as caught:
        load_run(path)
    # Told once, without what went wrong inside.
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return caught.value


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_damaged(content: bytes | str, tmp_path: Path) -> None:
    error = refused(tmp_path / "run.json", content)
    assert error.problem == f"{tmp_path / 'run.json'}: the saved run is damaged"
    assert error.found
    assert error.remedy == "save it again with --interp-save"


@pytest.mark.parametrize("content", DAMAGED_INSIDE.values(), ids=DAMAGED_INSIDE)
def test_damaged_inside_the_readout(content: str, tmp_path: Path) -> None:
    error = refused(tmp_path / "run.json", content)
    assert error.problem == f"{tmp_path / 'run.json'}: the saved run is damaged"


def test_nested_too_deep(tmp_path: Path) -> None:
    error = refused(tmp_path / "run.json", '{"a":' * 200_000)
    assert error.problem.endswith("the saved run is damaged")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("[]", "a file that is no JSON object"),
        (b"", "a file that is no JSON object"),
        (b"\xff\xfe\x00", "a file that is no JSON object"),
        ("# A README", "a file that is no JSON object"),
        ("{}", "format None"),
        ('{"schema": "interp-checks report 1"}', "format 'interp-checks report 1'"),
        (run_text(format="interp-checks run 2"), "format 'interp-checks run 2'"),
    ],
    ids=["list", "empty", "not text", "another file", "nothing", "report", "version"],
)
def test_not_a_saved_run(content: bytes | str, found: str, tmp_path: Path) -> None:
    error = refused(tmp_path / "run.json", content)
    assert error.problem == f"{tmp_path / 'run.json'}: this is not a saved run"
    assert (error.found, error.expected) == (found, f"format {FORMAT!r}")
    assert "--interp-save" in str(error.remedy)


def test_no_such_file(tmp_path: Path) -> None:
    for path, found in ((tmp_path / "none.json", "nothing"), (tmp_path, "a folder")):
        with pytest.raises(CheckpointError) as caught:
            load_run(path)
        assert caught.value.problem == f"{path}: there is no such file"
        assert caught.value.found == found


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path, tmp_path / "file" / "run.json"):
        with pytest.raises(InterpChecksError, match=r"a folder|cannot be written"):
            save_run(path, report_on("a"), [WHOLE])
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, RuntimeError])
@pytest.mark.parametrize("when", ["write_bytes", "replace"])
def test_interrupted(
    when: str, error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.json"
    save_run(path, report_on("a"), [WHOLE])
    before = path.read_bytes()

    def stop(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Path, when, stop)
    # What the system refuses is one clear error.
    with pytest.raises(InterpChecksError if error is OSError else error):
        save_run(path, report_on("b"), [WHOLE])
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


_KILLED = """
import signal, sys, time
# A shell that starts its jobs in the background has them ignore SIGINT, children as well.
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from interp_checks.comparing.saved_run import save_run
write = Path.write_bytes
def slowly(self, data):
    write(self, data[: len(data) // 2])
    print("half", flush=True)
    time.sleep(60)
Path.write_bytes = slowly
save_run(sys.argv[1], {"subjects": [], "x": "y" * 100000}, [])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["SIGINT", "SIGKILL"])
def test_killed_halfway(number: signal.Signals, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    save_run(path, report_on("a"), [WHOLE])
    before = path.read_bytes()
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        os.kill(process.pid, number)
        assert process.wait(timeout=30) != 0
    assert path.read_bytes() == before
    load_run(path)
    left = [found for found in tmp_path.iterdir() if found != path]
    # Nobody can clean up after SIGKILL; what is left is hidden and taken by no glob.
    assert (
        (left == [])
        if number == signal.SIGINT
        else all(found.name.startswith(".run.json.") and found.suffix == ".part" for found in left)
    )


def test_a_run_of_ten_thousand_images_loads_at_once(tmp_path: Path) -> None:
    readout = reference_readout("mnist")
    save_run(tmp_path / "run.json", report_on("a"), [packed(readout)])
    assert (tmp_path / "run.json").stat().st_size < 1_000_000
    start = time.perf_counter()
    load_run(tmp_path / "run.json")
    assert time.perf_counter() - start < 5
