"""The console command: train, snapshot, and pytest on what they wrote."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import PIL.Image  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest
import sklearn.datasets  # noqa: F401
import torch  # noqa: F401

from interp_checks import load_snapshot
from interp_fixtures import architecture
from interp_fixtures.checkpoints import load_checkpoint
from interp_fixtures.command import main
from interp_fixtures.reference_files import checkpoint_file, snapshot_file

SUITE = """
from pytest_interp_checks import claims
test_a = claims(
    "recall of classes 2, 5 and 8 is above 0 %",
    "keeping the first 3 directions predicts exactly the same as keeping every direction",
    "dropping direction 4 kills class 2",
)
"""
QUICK = ("--dataset", "digits", "--recipe", "quick")


@pytest.fixture(scope="module", autouse=True)
def _apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A quick recipe, an empty cache, no data folder."""
    with pytest.MonkeyPatch.context() as patch:
        quick = architecture.Recipe("quick", epochs=8, annealed=True, batch_size=50)
        patch.setitem(architecture.RECIPES, "quick", quick)
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("INTERP_DATA", raising=False)
        yield


@pytest.fixture(scope="module")
def trained(_apart: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A checkpoint that the command trained, and what it said.

    Before any pytester is set up, which forgets what is imported after it, and torch does not
    bear being imported twice.
    """
    out = tmp_path_factory.mktemp("trained") / "new" / "x.safetensors"
    sizes = ("--hidden-size", "128", "--layers", "1", "--classes", "2,5,8")
    with redirect_stdout(io.StringIO()) as told:
        assert main(["train", *QUICK, *sizes, "--seed", "3", "--out", str(out)]) == 0
    return out, told.getvalue()


def test_help() -> None:
    command = Path(sys.executable).with_name("interp-checks")
    shown = subprocess.run([command, "--help"], capture_output=True, text=True, check=True).stdout
    assert "usage: interp-checks" in shown
    assert "examples:" in shown
    assert "interp-checks train --seed 3" in shown
    assert "snapshot" in shown


@pytest.mark.parametrize("command", ["train", "snapshot"])
def test_help_of_a_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    for option in ("--out", "--dataset", "--data-root", "--download"):
        assert option in shown
    assert ("--hidden-size" in shown) == (command == "train")


def test_train_snapshot_and_judge(
    trained: tuple[Path, str], pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint, told = trained
    assert told.startswith(f"{checkpoint}: quick classifier of seed 3, trained now; ")
    made = load_checkpoint(checkpoint)
    assert made.architecture == architecture.Architecture(28, 128, 1, 3)
    assert made.class_names == ("2", "5", "8")
    assert made.metadata["seed"] == "3"

    assert main(["snapshot", str(checkpoint), "--out", "y.safetensors"]) == 0
    readout = load_snapshot("y.safetensors")
    assert capsys.readouterr().out.startswith(f"y.safetensors: {len(readout)} images; accuracy ")
    assert readout.class_names == ("2", "5", "8")
    assert readout.features.shape[1] == 128
    assert len(readout.directions) == 3
    accuracy = readout.intact.accuracy.value
    assert made.metadata["test_accuracy"] == f"{accuracy:.4f}"
    assert f"{100 * accuracy:.1f} %" in told
    assert accuracy > 0.8

    pytester.makepyfile(SUITE)
    for file in (checkpoint, "y.safetensors"):
        options = ("-p", "no:cacheprovider", f"--interp-checkpoint={file}")
        result = pytester.runpytest_inprocess(*options)
        result.assert_outcomes(passed=2, skipped=1)
        result.stdout.fnmatch_lines(
            ["*there is no direction 4*", "3 claims: holds 2, not judged 1"]
        )


def test_the_same_command_gives_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = []
    for number in (1, 2):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"cache {number}"))
        files.append(tmp_path / f"{number}.safetensors")
        assert main(["train", *QUICK, "--out", str(files[-1])]) == 0
        assert "trained now" in capsys.readouterr().out
    assert files[0].read_bytes() == files[1].read_bytes()


def test_snapshot_of_the_shipped_checkpoint_is_the_shipped_snapshot(tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    assert main(["snapshot", str(checkpoint_file("digits")), "--out", str(out)]) == 0
    made, shipped = load_snapshot(out), load_snapshot(snapshot_file("digits"))
    for name in ("features", "labels", "weight", "bias"):
        assert np.array_equal(getattr(made, name), getattr(shipped, name))
    assert main(["snapshot", str(out), "--out", str(tmp_path / "copy.safetensors")]) == 0


BAD: dict[str, tuple[list[str], str]] = {
    "no data": (["train", "--recipe", "quick"], "mnist: no folder to read it from"),
    "no such folder": (["train", "--data-root", "/nowhere"], "/nowhere: mnist train images"),
    "unknown class": (["train", *QUICK, "--classes", "2,x"], "digits: unknown class"),
    "class given twice": (["train", *QUICK, "--classes", "2,2"], "each name once"),
    "seed": (["train", *QUICK, "--seed", "-1"], "the seed -1 cannot be used"),
    "huge seed": (["train", *QUICK, "--seed", str(2**63)], "a whole number from 0 to 2**63 - 1"),
    "no units": (["train", *QUICK, "--hidden-size", "0"], "--hidden-size must be at least 1"),
    "no layers": (["train", *QUICK, "--layers", "-2"], "--layers must be at least 1"),
    "no checkpoint": (["snapshot", "none.safetensors"], "none.safetensors: there is no such file"),
    "its data": (["snapshot", str(checkpoint_file("mnist"))], "mnist: no folder to read it from"),
}


@pytest.mark.parametrize(("arguments", "said"), BAD.values(), ids=BAD)
def test_bad_input(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.safetensors"
    assert main([*arguments, "--out", str(out)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"interp-checks {arguments[0]}: ")
    assert said in told.err
    assert told.err.count("interp-checks ") == 1 + told.err.count("`interp-checks ")
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (BAD["no data"][0], ["--data-root DIR"]),
        (["snapshot", str(snapshot_file("mnist")), "--dataset", "digits"], ["--dataset"]),
        (["train", "--recipe", "quick", "--data-root", "{empty}"], ["--download"]),
    ],
    ids=["no data", "another data set", "empty folder"],
)
def test_errors_speak_of_the_options_of_the_command(
    arguments: list[str], options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    arguments = [argument.format(empty=tmp_path / "empty") for argument in arguments]
    assert main([*arguments, "--out", str(tmp_path / "out.safetensors")]) == 2
    told = capsys.readouterr().err
    assert "--interp-" not in told
    with pytest.raises(SystemExit):
        main([arguments[0], "--help"])
    known = capsys.readouterr().out
    for option in options:
        assert option in told
        assert option.partition(" ")[0] in known


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["retrain"],
        ["train"],
        ["train", "--out", "x", "--recipe", "y"],
        ["snapshot", "--out", "x"],
    ],
    ids=" ".join,
)
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith("usage: interp-checks")


@pytest.mark.parametrize(
    ("out", "said"),
    [("folder", "this is a folder"), ("file/below", "this file cannot be written")],
)
def test_out_cannot_be_written(
    out: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    path = tmp_path / out
    # From a snapshot, which needs no torch, and from a checkpoint.
    for source in (snapshot_file("digits"), checkpoint_file("digits")):
        assert main(["snapshot", str(source), "--out", str(path)]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.startswith(f"interp-checks snapshot: {path}: {said}\n")
        assert told.err.count("interp-checks ") == 1
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "file", tmp_path / "folder"]
    assert (tmp_path / "file").read_bytes() == b""


def test_snapshot_of_a_snapshot_of_another_data_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped, out = str(snapshot_file("mnist")), tmp_path / "x.safetensors"
    assert main(["snapshot", shipped, "--dataset", "digits", "--out", str(out)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(
        f"interp-checks snapshot: {shipped}: this is a snapshot of another data set\n"
        "  found: mnist\n  expected: digits"
    )
    assert not out.exists()
    assert main(["snapshot", shipped, "--dataset", "mnist", "--out", str(out)]) == 0
