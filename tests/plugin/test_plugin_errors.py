"""Bad input: one clear error and exit status 4, with no traceback and nothing run."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest
import sklearn.datasets  # noqa: F401
import torch
from safetensors.numpy import save_file

from interp_checks.files.tensors import read_tensors
from interp_fixtures.classifiers.checkpoints import load_checkpoint
from interp_fixtures.reference_files import checkpoint_file, snapshot_file

TENSORS, METADATA = read_tensors(checkpoint_file("digits"))
HEAD, BIAS, LSTM = "head.weight", "head.bias", "lstm.weight_ih_l0"
SUITE = 'from pytest_interp_checks import claims\ntest_a = claims("accuracy is above 1 %")'


def run(pytester: pytest.Pytester, *arguments: str, suite: str = SUITE) -> pytest.RunResult:
    pytester.makepyfile(suite)
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)


def usage_error(result: pytest.RunResult) -> str:
    """The one error of a run that was refused."""
    text = result.stdout.str() + result.stderr.str()
    assert "Traceback" not in text
    assert "INTERNALERROR" not in text
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert text.count("ERROR: ") == 1
    assert not re.search(r"\b\d+ (passed|failed|errors?)\b", result.stdout.str())
    return text.partition("ERROR: ")[2]


def saved(**changes: np.ndarray | None) -> Callable[[Path], None]:
    """Write the shipped digits checkpoint with some weights changed, added, or (None) left out."""
    tensors = {**TENSORS, **{name.replace("__", "."): value for name, value in changes.items()}}
    kept = {name: value for name, value in tensors.items() if value is not None}
    return lambda path: save_file(kept, path, METADATA)


def noted(**changes: str) -> Callable[[Path], None]:
    """Write the shipped digits checkpoint with other metadata."""
    return lambda path: save_file(TENSORS, path, {**METADATA, **changes})


def state_dict(cut: int = 0) -> Callable[[Path], None]:
    """Write the same as a PyTorch state dict, without its last bytes."""

    def write(path: Path) -> None:
        torch.save({name: torch.from_numpy(value) for name, value in TENSORS.items()}, path)
        path.write_bytes(path.read_bytes()[: -cut or None])

    return write


def nan_in(array: np.ndarray) -> np.ndarray:
    broken = array.copy()
    broken.flat[3] = np.nan
    return broken


def half_of_the_file(path: Path) -> None:
    whole = checkpoint_file("digits").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def nothing(path: Path) -> None:
    assert not path.exists()


RANDOM = np.random.default_rng(0).bytes(300)
BAD_FILES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "missing": ("x.safetensors", nothing, "there is no such file"),
    "folder": ("x.safetensors", Path.mkdir, "found: a folder"),
    "empty": ("x.safetensors", Path.touch, "0 bytes"),
    "empty pt": ("x.pt", Path.touch, "0 bytes"),
    "truncated": ("x.safetensors", half_of_the_file, "cannot be read as safetensors"),
    "random": ("x.safetensors", lambda p: p.write_bytes(RANDOM), "300 bytes"),
    "random pt": ("x.pt", lambda p: p.write_bytes(RANDOM), "300 bytes"),
    "text": ("x.pt", lambda p: p.write_text("not found: 404"), "not a checkpoint"),
    "list": ("x.pt", lambda p: torch.save([1, 2], p), "holds no state dict"),
    "whole model": ("x.pt", lambda p: torch.save(torch.nn.Linear(2, 2), p), "not the whole model"),
    "NaN": ("x.safetensors", saved(head__weight=nan_in(TENSORS[HEAD])), "1 of 100 values NaN"),
    "integers": ("x.safetensors", saved(head__bias=np.ones(10, np.int64)), "type int64"),
    "no head": ("x.safetensors", saved(head__weight=None), "not the weights of an LSTM classifier"),
    "no bias": ("x.safetensors", saved(lstm__bias_hh_l1=None), "lstm.bias_hh_l1 missing"),
    "shape": ("x.safetensors", saved(head__bias=np.ones(9, np.float32)), "head.bias (9,)"),
    "extra": ("x.safetensors", saved(other=np.ones(9, np.float32)), "other unknown"),
    "no tensors": ("x.safetensors", lambda p: save_file({}, p), "found: nothing"),
    "too few class names": ("x.safetensors", noted(class_names='["0", "1"]'), "class names"),
    "no JSON": ("x.safetensors", noted(class_names="zero, one"), "zero, one"),
    "data set": ("x.safetensors", noted(dataset="cifar"), "cifar"),
    # On these torch.load raises OSError, IndexError and struct.error.
    "truncated pt": ("x.pt", state_dict(cut=3000), "not a checkpoint"),
    "pops from nothing": ("x.pt", lambda p: p.write_bytes(b"."), "not a checkpoint"),
    "half a number": ("x.pt", lambda p: p.write_bytes(b"G"), "not a checkpoint"),
    "other input size": (
        "x.safetensors",
        saved(lstm__weight_ih_l0=TENSORS[LSTM][:, :16].copy()),
        "an input size of 16",
    ),
    "other classes": (
        "x.safetensors",
        noted(class_names='["0", "1", "2", "3", "4", "5", "6", "7", "8", "nine"]'),
        "the classifier has classes that digits has not",
    ),
}


@pytest.mark.parametrize(("name", "write", "said"), BAD_FILES.values(), ids=BAD_FILES)
def test_checkpoint(
    pytester: pytest.Pytester, name: str, write: Callable[[Path], object], said: str
) -> None:
    write(pytester.path / name)
    message = usage_error(run(pytester, f"--interp-checkpoint={name}"))
    assert name in message.splitlines()[0]
    assert said in message


def test_what_the_bad_files_were_made_from_is_good(tmp_path: Path) -> None:
    saved()(tmp_path / "good.safetensors")
    state_dict()(tmp_path / "good.pt")
    for name in ("good.safetensors", "good.pt"):
        assert np.array_equal(load_checkpoint(tmp_path / name).tensors[HEAD], TENSORS[HEAD])


class Code:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


def test_code_in_a_checkpoint_does_not_run(pytester: pytest.Pytester, tmp_path: Path) -> None:
    torch.save({"head.weight": Code(tmp_path / "it ran")}, pytester.path / "x.pt")
    message = usage_error(run(pytester, "--interp-checkpoint=x.pt"))
    assert "not a checkpoint" in message
    assert not (tmp_path / "it ran").exists()
    torch.load(pytester.path / "x.pt", weights_only=False)  # the file does hold code
    assert (tmp_path / "it ran").exists()


BAD_OPTIONS = {
    "--interp-dataset=nonsense": "there is no data set 'nonsense'",
    "--interp-dataset=": "there is no data set ''",
    "--interp-dataset=usps --interp-seed=1": "usps: no folder to read it from",
    "--interp-data-root=nowhere": "mnist test images are missing",
    "--interp-data-root=.": "mnist test images are missing",
    "--interp-confidence=2": "2.0 is not a probability",
    "--interp-confidence=0": "0.0 is not a probability",
    "--interp-confidence=nan": "nan is not a probability",
    "--interp-rotations=-1": "--interp-rotations: expected a number from 0",
    "--interp-seed=-1": "the seed -1 cannot be used",
    "--interp-seed=-1 --interp-dataset=digits": "a whole number from 0 to 2**63 - 1",
    f"--interp-seed={2**63} --interp-dataset=digits": f"the seed {2**63} cannot be used",
    f"--interp-seed={2**70} --interp-dataset=digits": "a whole number from 0 to 2**63 - 1",
    "--interp-seed=0": "mnist: no folder to read it from",
    "--interp-recipe=nonsense": "there is no recipe 'nonsense'",
    "--interp-dataset=digits --interp-recipe=": "there is no recipe ''",
    f"--interp-seed=1 --interp-checkpoint={checkpoint_file('digits')}": "a checkpoint was given",
    f"--interp-checkpoint={checkpoint_file('mnist')}": "mnist: no folder to read it from",
}


@pytest.mark.parametrize(("options", "said"), BAD_OPTIONS.items(), ids=BAD_OPTIONS)
def test_option(pytester: pytest.Pytester, options: str, said: str) -> None:
    assert said in usage_error(run(pytester, *options.split(" ")))


@pytest.mark.parametrize(
    "option",
    ["--interp-seed=x", "--interp-confidence=x", "--interp-undecided=x", "--interp-chekpoint=x"],
)
def test_option_that_argparse_refuses(pytester: pytest.Pytester, option: str) -> None:
    result = run(pytester, option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert option.split("=")[0] in result.stderr.str()


@pytest.mark.parametrize(
    ("option", "said"),
    [("--interp-checkpoint=nowhere.pt", "no such file"), ("--interp-data-root=nowhere", "missing")],
)
def test_under_xdist(pytester: pytest.Pytester, option: str, said: str) -> None:
    assert said in usage_error(run(pytester, option, "-n", "2"))


def test_largest_seed(pytester: pytest.Pytester) -> None:
    # Refused for the want of images, so not for the number.
    message = usage_error(run(pytester, f"--interp-seed={2**63 - 1}"))
    assert message.startswith("mnist: no folder to read it from")


def test_download_to_nowhere(pytester: pytest.Pytester) -> None:
    message = usage_error(run(pytester, "--interp-download"))
    assert "no data root" in message
    assert "interp_data_root" in message or "--interp-data-root" in message


@pytest.mark.parametrize("option", ["checkpoint", "data-root", "cache-dir"])
def test_empty_path(pytester: pytest.Pytester, option: str) -> None:
    # An unset variable of the shell must not turn into the shipped reference.
    more = ("--interp-dataset=digits",) if option == "cache-dir" else ()
    message = usage_error(run(pytester, f"--interp-{option}=", *more))
    assert message.startswith(f"--interp-{option} is empty\n")


def test_snapshot_of_another_data_set(pytester: pytest.Pytester) -> None:
    snapshot = snapshot_file("mnist")
    option = f"--interp-checkpoint={snapshot}"
    message = usage_error(run(pytester, option, "--interp-dataset=digits"))
    assert message.startswith(
        f"{snapshot}: this is a snapshot of another data set\n  found: mnist\n  expected: digits"
    )
    run(pytester, option, "--interp-dataset=mnist").assert_outcomes(passed=1)


def test_cache_folder_that_is_a_file(pytester: pytest.Pytester) -> None:
    pytester.makefile(".txt", occupied="")
    options = ("--interp-seed=0", "--interp-dataset=digits", "--interp-cache-dir=occupied.txt")
    message = usage_error(run(pytester, *options))
    assert "the cache for trained models cannot be written" in message


class TestEnvironment:
    """INTERP_DATA pointing nowhere, which matters only to those who have claims to judge."""

    @pytest.fixture(autouse=True)
    def _pointing_nowhere(
        self, _as_on_a_fresh_machine: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("INTERP_DATA", "/nowhere/at/all")

    def test_claims(self, pytester: pytest.Pytester) -> None:
        message = usage_error(run(pytester))
        assert message.startswith("/nowhere/at/all: mnist test images are missing")
        assert "INTERP_DATA" in message

    def test_ini_key_comes_first(self, pytester: pytest.Pytester) -> None:
        pytester.makeini("[pytest]\ninterp_data_root = elsewhere")
        assert f"{pytester.path / 'elsewhere'}: mnist" in usage_error(run(pytester))

    def test_unrelated_project(self, pytester: pytest.Pytester) -> None:
        run(pytester, suite="def test_a():\n    pass").assert_outcomes(passed=1)

    def test_claims_on_a_subject_of_their_own(self, pytester: pytest.Pytester) -> None:
        pytester.makeconftest(
            """
            import pytest
            from interp_checks import Readout
            @pytest.fixture(scope="session")
            def subject():
                return Readout([[1.0, 0], [0, 1]] * 50, [0, 1] * 50, [[2.0, 0], [0, 1]])
            """
        )
        run(pytester).assert_outcomes(passed=1)

    def test_a_snapshot_needs_no_data(self, pytester: pytest.Pytester) -> None:
        run(pytester, f"--interp-checkpoint={snapshot_file('digits')}").assert_outcomes(passed=1)

    @pytest.mark.parametrize(
        "selection",
        [
            ("-k", "unrelated"),
            ("-m", "not claim"),
            ("--deselect=test_deselected_claims.py::test_a",),
        ],
        ids=" ".join,
    )
    def test_deselected_claims(self, pytester: pytest.Pytester, selection: tuple[str, ...]) -> None:
        suite = f"{SUITE}\ndef test_unrelated():\n    pass"
        result = run(pytester, *selection, suite=suite)
        result.assert_outcomes(passed=1, deselected=1)
        assert result.ret == pytest.ExitCode.OK
        result.stdout.no_fnmatch_line("*/nowhere/at/all*")

    def test_claims_under_xdist(self, pytester: pytest.Pytester) -> None:
        # Not the usage error of a plain run: the controller collects nothing, so it cannot know
        # that there are claims, and runs without any must not be bothered. So each claim says it.
        suite = SUITE.replace(")", ', "accuracy is above 2 %")')
        result = run(pytester, "-n", "1", suite=suite)
        result.assert_outcomes(errors=2)
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        said = [line for line in result.outlines if line.startswith("/nowhere/at/all: ")]
        assert said == ["/nowhere/at/all: mnist test images are missing"] * 2
        assert "INTERP_DATA" in result.stdout.str()
        result.stdout.no_fnmatch_line("*Traceback*")
        result.stdout.no_fnmatch_line("*INTERNALERROR*")
