"""Each verb of the command when its pipe is closed, its locale is ASCII, its disk full, ..."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
import PIL.Image  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest
import sklearn.datasets  # noqa: F401
import torch  # noqa: F401

import interp_checks.writing
from interp_checks import Readout, save_snapshot
from interp_checks.runs import load_run, packed, save_run
from interp_fixtures import architecture
from interp_fixtures.command import main
from interp_fixtures.reference_files import checkpoint_file, snapshot_file

#: A name beyond ASCII, which every verb prints.
NAME = "häst ✓"


class Verb(NamedTuple):
    """One verb, the arguments that make it quick, and what it writes."""

    name: str
    arguments: tuple[str, ...]
    suffix: str | None


VERBS = (
    Verb("train", ("--dataset", "digits", "--recipe", "quick"), ".safetensors"),
    Verb("snapshot", (str(checkpoint_file("digits")),), ".safetensors"),
    Verb("discover", (str(snapshot_file("digits")), "--rotations", "0"), ".py"),
    Verb("compare", ("{folder}/run.json", "{folder}/run.json"), None),
    Verb("report", ("{folder}/run.json",), ".html"),
    Verb("picture", ("dropping direction 5", "--dataset", "digits", "--images", "1"), ".svg"),
)
writing_verbs = [verb for verb in VERBS if verb.suffix]


def each(verbs: Sequence[Verb]) -> pytest.MarkDecorator:
    """A test of each verb; pictures take seconds."""
    given = [
        pytest.param(verb, id=verb.name, marks=pytest.mark.slow if verb.name == "picture" else ())
        for verb in verbs
    ]
    return pytest.mark.parametrize("verb", given)


every_verb, every_writing_verb = each(VERBS), each(writing_verbs)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a name beyond ASCII, with a saved run."""
    folder = tmp_path_factory.mktemp("faults") / NAME
    rng = np.random.default_rng(0)
    readout = Readout(
        rng.normal(size=(30, 4)), np.arange(30) % 3, rng.normal(size=(3, 4)), class_names="aäö"
    )
    save_snapshot(readout, folder / "made.safetensors")
    claim = {
        "claim": 'recall of class "ä" is above 1 %',
        "test": "test_a.py::test_a[0]",
        "source": None,
        "judged_as": 'recall of class "ä" is above 1 %',
        "became": None,
        "status": "holds",
        "outcome": "holds",
        "measured": "",
        "needed": "",
        "confidence": 0.95,
        "chance": None,
        "remarks": [],
        "checks": [],
    }
    subject = subject_of(readout) | {"claims": [claim]}
    save_run(folder / "run.json", report_of(subject), [packed(readout)])
    return folder


def report_of(subject: dict[str, object]) -> dict[str, object]:
    return {
        "schema": "interp-checks report 1",
        "time": "2026-01-01T00:00:00Z",
        "versions": {"interp-checks": "0", "numpy": "0", "scipy": "0"},
        "options": {
            "familywise": False,
            "rotations": 0,
            "undecided": "fail",
            "align": None,
            "baseline": None,
        },
        "summary": {"holds": 1},
        "subjects": [subject],
    }


def subject_of(readout: Readout) -> dict[str, object]:
    counts = readout.intact.counts
    return {
        "description": f"snapshot {NAME}",
        "provenance": {},
        "notes": [],
        "classes": list(readout.class_names),
        "support": [int(count) for count in counts.sum(axis=1)],
        "intact": {
            "family": "intact",
            "label": "intact",
            "sentence": "intact",
            "target": None,
            "correct": [int(count) for count in counts.diagonal()],
            "predicted": [int(count) for count in counts.sum(axis=0)],
            "counts": counts.tolist(),
        },
        "confidence": 0.95,
        "gauge": "raw",
        "directions": [
            {"singular_value": value, "energy": 0.3, "separation": 0.1, "turn": 1.0}
            for value in (3.0, 2.0, 1.0)
        ],
        "tables": [],
        "lattice": None,
    }


@pytest.fixture(scope="module", autouse=True)
def _quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A quick recipe, a page without exhibits, an empty cache, no data folder."""
    with pytest.MonkeyPatch.context() as patch:
        quick = architecture.Recipe("quick", epochs=1, annealed=True, batch_size=50)
        patch.setitem(architecture.RECIPES, "quick", quick)
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("INTERP_DATA", raising=False)
        # Exhibits take seconds to draw; the page without them is a page.
        patch.setattr("interp_fixtures.report_page.exhibits_of", lambda *_: [])
        yield


def arguments_of(verb: Verb, folder: Path, out: Path | str | None = None) -> list[str]:
    """The command line of a verb; what it writes is {out}."""
    given = [verb.name, *(argument.format(folder=folder) for argument in verb.arguments)]
    if verb.suffix is None:
        return given
    return [*given, "--out", str(out or folder / f"{verb.name}{verb.suffix}")]


def nothing_left(folder: Path) -> bool:
    return not list(folder.glob(".*"))


class Captured(NamedTuple):
    status: int
    out: str
    err: str


def run_with(
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    out: io.TextIOWrapper | None = None,
    encoding: str = "utf-8",
) -> Captured:
    """Run the command with other streams, as strict as those of a real terminal."""
    output = out or io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    errors = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", output)
        patch.setattr(sys, "stderr", errors)
        status = main(arguments)
        assert sys.stdout is output  # as it was before
    output.flush()  # as the interpreter does at exit, where it must not fail either
    told = output.buffer.getvalue().decode(encoding) if out is None else ""  # type: ignore[attr-defined]
    return Captured(status, told, errors.buffer.getvalue().decode(encoding))  # type: ignore[attr-defined]


# --- output that is closed, full, or of few signs -----------------------------------------------


@every_verb
def test_a_verb_whose_locale_is_ascii(
    verb: Verb, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = run_with(arguments_of(verb, folder), monkeypatch)
    ascii_only = run_with(arguments_of(verb, folder), monkeypatch, encoding="ascii")
    assert plain.status == ascii_only.status == 0
    assert NAME in plain.out
    escaped = plain.out.encode("ascii", "backslashreplace").decode()
    trained_now = escaped.replace("trained now", "trained before")
    assert ascii_only.out in (escaped, trained_now)


@every_verb
def test_a_verb_whose_reader_is_gone(
    verb: Verb, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    # A buffer of one byte: the pipe breaks while the verb prints, not at the end.
    with io.TextIOWrapper(os.fdopen(writer, "wb", 0), encoding="utf-8", write_through=True) as out:
        told = run_with(arguments_of(verb, folder), monkeypatch, out=out)
    assert told.status == 0
    assert "interp-checks" not in told.err
    assert "Error" not in told.err
    if verb.suffix:
        assert (folder / f"{verb.name}{verb.suffix}").stat().st_size > 0


@every_verb
def test_a_verb_whose_output_is_full(
    verb: Verb, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        told = run_with(arguments_of(verb, folder), monkeypatch, out=full)
    assert told.status == 2
    assert told.err.splitlines()[-1] == (
        "interp-checks: the output cannot be written: No space left on device"
    )
    assert "Traceback" not in told.err


@every_verb
def test_a_verb_without_streams(verb: Verb, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:  # as with >&- 2>&-
        patch.setattr(sys, "stdout", None)
        patch.setattr(sys, "stderr", None)
        assert main(arguments_of(verb, folder)) == 0
        assert main(["compare", "none.json", "none.json"]) == 2


def test_a_finding_that_is_gone_is_told_through_a_closed_pipe(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = load_run(folder / "run.json")
    report = json.loads(json.dumps(saved.report))
    report["subjects"][0]["claims"] = []
    save_run(tmp_path / "new.json", report, [packed(saved.readouts[0])])
    arguments = ["compare", str(folder / "run.json"), str(tmp_path / "new.json")]
    reader, writer = os.pipe()
    os.close(reader)
    with io.TextIOWrapper(os.fdopen(writer, "wb"), encoding="ascii") as out:
        assert run_with(arguments, monkeypatch, out=out) == (1, "", "")


# --- the real thing: a shell --------------------------------------------------------------------


def shell(script: str, folder: Path, **variables: str) -> Captured:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LC_")},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        **variables,
    }
    found = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, check=False
    )
    return Captured(found.returncode, found.stdout.decode(), found.stderr.decode())


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_a_shell_sees_the_status_whatever_becomes_of_the_output(folder: Path) -> None:
    told = shell(
        "interp-checks compare run.json run.json | head -1; echo ${PIPESTATUS[0]}\n"
        "interp-checks compare run.json run.json >&-; echo $?\n"
        "interp-checks compare run.json run.json > /dev/full; echo $?\n",
        folder,
    )
    assert told.out.splitlines() == ["run.json -> run.json", "0", "0", "2"]
    assert told.err == "interp-checks: the output cannot be written: No space left on device\n"


def test_names_of_files_in_an_ascii_locale(folder: Path) -> None:
    # There Python knows the bytes of such a name, but not which signs they are.
    told = shell(
        f"cp made.safetensors ä.safetensors && cp run.json '{NAME}.json'\n"
        f"interp-checks compare '{NAME}.json' run.json; echo $?\n"
        "interp-checks compare none-ä.json run.json; echo $?\n"
        "interp-checks snapshot ä.safetensors --out ö.safetensors; echo $?",
        folder,
        **ASCII,
    )
    lines = told.out.splitlines()
    assert re.findall(r"^\d$", told.out, re.MULTILINE) == ["0", "2", "0"]
    # The bytes of a name pass as they are; what Python does know is escaped.
    assert lines[0] == f"{NAME}.json -> run.json"
    assert r'recall of class "\xe4" is above' in told.out
    assert "there is no such file" in told.err
    assert "Traceback" not in told.err
    assert (folder / "ö.safetensors").is_file()


def test_what_goes_to_standard_output_is_nothing_but_the_file(folder: Path) -> None:
    told = shell(
        "interp-checks snapshot made.safetensors --out /dev/stdout > out.bin\n"
        "interp-checks snapshot made.safetensors --out out.safetensors\n"
        "interp-checks snapshot out.safetensors --out /dev/stdout | head -c 1 | wc -c\n"
        "echo ${PIPESTATUS[0]}",
        folder,
    )
    assert (folder / "out.bin").read_bytes() == (folder / "out.safetensors").read_bytes()
    assert told.out.split()[-2:] == ["1", "0"]
    assert told.err.count("/dev/stdout: 30 images") == 2
    assert "Error" not in told.err


# --- unexpected errors --------------------------------------------------------------------------


def broken(*_: object) -> NoReturn:
    raise LookupError("first line\n  \x1b[2Jsecond line " + "x" * 10_000)


@every_verb
@pytest.mark.parametrize("place", [None, "before", "after"])
def test_an_unexpected_error_of_a_verb(
    verb: Verb,
    place: str | None,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(f"interp_fixtures.command.{verb.name}.run", broken)
    given = arguments_of(verb, folder)
    given = {
        None: given,
        "before": ["--traceback", *given],
        "after": [*given, "--traceback"],
    }[place]
    assert main(given) == 3
    told = capsys.readouterr()
    *above, line = told.err.splitlines()
    assert told.out == ""
    assert line.startswith(
        f"interp-checks {verb.name}: unexpected error: LookupError: first line ?[2Jsecond line xxx"
    )
    assert line.endswith("xxx... (--traceback shows where)")
    assert len(line) < 300
    assert any("in broken" in other for other in above) == (place is not None)
    if place is None:
        assert above == []


def test_a_traceback_of_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "none.json", "none.json", "--traceback"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("Traceback")
    assert "interp-checks compare: none.json: there is no such file" in told


def test_errors_name_options_that_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text("[]")
    assert main(["compare", str(tmp_path / "a.json"), str(tmp_path / "a.json")]) == 2
    # pytest's option, which the command has not.
    assert "pytest SUITES --interp-save=FILE" in capsys.readouterr().err
    cache = tmp_path / "a.json" / "cache"
    given = ["train", "--dataset", "digits", "--out", str(tmp_path / "b"), "--cache-dir"]
    assert main([*given, str(cache)]) == 2
    assert "name another folder with --cache-dir" in capsys.readouterr().err


def test_exit_statuses_are_documented(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    for text in (told, readme):
        text = " ".join(text.split())
        for words in ("130", "an unexpected error", "--traceback"):
            assert words in text


# --- signals ------------------------------------------------------------------------------------

SIGNALS = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "the terminal is gone"}


@pytest.mark.parametrize(
    ("verb", "name"),
    [(verb, "SIGINT") for verb in writing_verbs[:-1]] + [(VERBS[1], name) for name in SIGNALS],
    ids=lambda given: getattr(given, "name", given),
)
def test_a_signal_in_the_middle_of_writing(
    verb: Verb,
    name: str,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    number = getattr(signal, name)
    # Where the tests run in the background, signals are ignored, and stay so.
    ignored = signal.signal(number, signal.SIG_DFL)
    request.addfinalizer(lambda: signal.signal(number, ignored))
    out = tmp_path / f"out{verb.suffix}"
    out.write_text("old")
    put_in_place = interp_checks.writing._put_in_place

    def interrupted(temporary: Path, target: Path) -> None:
        if target == out:
            assert temporary.stat().st_size > 0
            os.kill(os.getpid(), number)
            time.sleep(1)
        put_in_place(temporary, target)

    monkeypatch.setattr(interp_checks.writing, "_put_in_place", interrupted)
    before = signal.getsignal(number)
    assert main(arguments_of(verb, folder, out)) == 128 + number
    assert signal.getsignal(number) is before
    told = capsys.readouterr()
    assert told.out == ""
    lines = [line for line in told.err.splitlines() if not line.startswith(("training", "t-SNE"))]
    assert lines == [f"interp-checks {verb.name}: {SIGNALS[name]}"]
    assert out.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == [out]


def test_a_signal_that_is_ignored_stays_so(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hung_up(*_: object) -> int:
        os.kill(os.getpid(), signal.SIGHUP)
        return 0

    monkeypatch.setattr("interp_fixtures.command.compare.run", hung_up)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
    try:
        assert main(arguments_of(VERBS[3], folder)) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_signals_at_random_moments(folder: Path, tmp_path: Path, number: signal.Signals) -> None:
    """Nothing half-written, nothing left behind, no traceback."""
    rng = np.random.default_rng(number)
    command = Path(sys.executable).with_name("interp-checks")
    out = tmp_path / "out.html"
    given = ["report", str(folder / "run.json"), "--out", str(out)]
    statuses = []
    for moment in rng.uniform(0.3, 4.0, 8):
        out.write_text("old")
        process = subprocess.Popen([command, *given], stderr=subprocess.PIPE, text=True)
        time.sleep(moment)
        process.send_signal(number)
        _, told = process.communicate(timeout=60)
        statuses.append(process.returncode)
        assert "Traceback" not in told
        text = out.read_text()
        assert text == "old" or text.rstrip().endswith("</html>")
        if number != signal.SIGKILL:
            assert [path.name for path in tmp_path.iterdir()] == ["out.html"]
    # Before its first line a process ends as the interpreter does.
    assert set(statuses) <= {0, 128 + number, -number}
    interp_checks.writing.write_text(out, "swept")
    assert [path.name for path in tmp_path.iterdir()] == ["out.html"]


# --- what is written to -------------------------------------------------------------------------


@every_writing_verb
@pytest.mark.parametrize("kind", ["link", "pipe", "full"])
def test_what_a_verb_writes_to_stays_what_it_is(
    verb: Verb,
    kind: str,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, target = tmp_path / f"out{verb.suffix}", tmp_path / "far" / "target"
    special = {"full": Path("/dev/full")}
    read = ""
    if kind == "pipe":
        os.mkfifo(out)
        reader = subprocess.Popen(["wc", "-c", str(out)], stdout=subprocess.PIPE, text=True)
    else:
        out.symlink_to(special.get(kind, target))
    if kind == "link":
        target.parent.mkdir()
        target.write_text("old")
    status = main(arguments_of(verb, folder, out))
    told = capsys.readouterr()
    if kind == "full":
        assert status == 2
        assert told.out == ""
        assert f"{out}: this file cannot be written\n  found: No space left on device" in told.err
    else:
        assert status == 0
        assert told.out.startswith(f"{out}: ")
    if kind == "pipe":
        read = reader.communicate(timeout=20)[0]
        assert int(read.split()[0]) > 500
        assert stat.S_ISFIFO(out.stat().st_mode)
    else:
        assert out.is_symlink()
    if kind in special:
        assert stat.S_ISCHR(special[kind].stat().st_mode)
    if kind == "link":
        assert target.stat().st_size > 500
    assert nothing_left(tmp_path)
    assert not list(Path("/dev").glob("*.part"))


@every_writing_verb
def test_what_cannot_be_written_is_told_before_the_work(
    verb: Verb,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(f"interp_fixtures.command.{verb.name}.run", broken)
    (tmp_path / "file").touch()
    (tmp_path / "a").symlink_to("a")
    for out, said in (
        ("file/below", "this file cannot be written\n  found: Not a directory"),
        ("file/far/below", "this file cannot be written\n  found: Not a directory"),
        (".", "this is a folder"),
        ("a", "this file cannot be written\n  found: Too many levels of symbolic links"),
    ):
        assert main(arguments_of(verb, folder, tmp_path / out)) == 2
        assert said in capsys.readouterr().err
    assert main(arguments_of(verb, folder, tmp_path / "new" / "out")) == 3
    assert not (tmp_path / "new").exists()


# --- the cache ----------------------------------------------------------------------------------


def test_a_cache_without_room_loses_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cache, out = tmp_path / "cache", tmp_path / "out.safetensors"
    put_in_place: Callable[[Path, Path], None] = interp_checks.writing._put_in_place

    def full(temporary: Path, target: Path) -> None:
        if target.parent == cache:
            raise OSError(28, "No space left on device")
        put_in_place(temporary, target)

    monkeypatch.setattr(interp_checks.writing, "_put_in_place", full)
    given = ["train", "--dataset", "digits", "--recipe", "quick", "--cache-dir", str(cache)]
    assert main([*given, "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "trained now, not kept in the cache (No space left on device)" in told
    monkeypatch.undo()
    monkeypatch.setitem(
        architecture.RECIPES,
        "quick",
        architecture.Recipe("quick", epochs=1, annealed=True, batch_size=50),
    )
    before = out.read_bytes()
    assert main([*given, "--out", str(out)]) == 0
    assert out.read_bytes() == before
