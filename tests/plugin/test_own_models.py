"""A model of the user's own, named on the command line, in the ini file, or in a conftest.py."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas  # see _IMPORTED_ONCE in conftest.py
import PIL.Image  # noqa: F401
import pytest
import sklearn.datasets  # noqa: F401
import torch
import torch.utils.data
from own_zoo import ZOO, names_in, trained_weights

import interp_fixtures.command.discover
import interp_fixtures.command.new
import interp_fixtures.command.snapshot
import interp_fixtures.own_models.own_subject
import interp_fixtures.plans.own_model  # noqa: F401
from interp_checks import load_snapshot
from interp_fixtures.command import main

MODEL, DATA = "--interp-model=zoo:SmallCNN", "--interp-data=zoo:test_batches"
WEIGHTS = "--interp-checkpoint=small.pt"
QUICK = ("-p", "no:cacheprovider", "--interp-rotations=0")
SUITE = """
from pytest_interp_checks import claims

test_all = claims(
    "accuracy is above 90 %",
    "keeping no direction predicts exactly one class",
    *(f"dropping direction {number} keeps accuracy above 1 %" for number in range(1, 11)),
)
"""


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    names = names_in(tmp_path_factory.mktemp("zoo"))
    return {**names, "weights": trained_weights(names)}


@pytest.fixture
def project(
    pytester: pytest.Pytester, zoo: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.Pytester]:
    """A folder with zoo.py, the trained weights and a suite."""
    (pytester.path / "zoo.py").write_text(ZOO, "utf-8")
    torch.save({"epoch": 25, "model": zoo["weights"]}, pytester.path / "small.pt")
    (pytester.path / "test_suite.py").write_text(SUITE, "utf-8")
    monkeypatch.setattr("sys.path", [*sys.path])
    yield pytester
    sys.modules.pop("zoo", None)


def run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    return project.runpytest_inprocess(*QUICK, *options)


def recalls_by_hand(zoo: dict[str, Any], dropped: int | None) -> list[int]:
    """Images of each class that are right, by a loop that changes the head's own weight."""
    model = zoo["SmallCNN"]()
    model.load_state_dict(zoo["weights"])
    model.eval()
    if dropped is not None:
        weight = model.fc.weight.detach().double().numpy()
        left, values, right = np.linalg.svd(weight, full_matrices=False)
        without = weight - values[dropped - 1] * np.outer(left[:, dropped - 1], right[dropped - 1])
        model.fc.weight.data = torch.tensor(without)
    images, labels = zoo["test_set"]().tensors
    right_ones = np.zeros(10, dtype=int)
    with torch.no_grad():
        for image, label in zip(images, labels, strict=True):
            features = model.body(image[None]).double()
            logits = features @ model.fc.weight.double().T + model.fc.bias.double()
            right_ones[label] += int(logits.argmax() == label)
    return right_ones.tolist()


def test_every_number_is_that_of_a_plain_loop(
    project: pytest.Pytester, zoo: dict[str, Any]
) -> None:
    result = run(project, MODEL, DATA, WEIGHTS, "--interp-report=r.csv", "-v")
    result.assert_outcomes(passed=12)
    table = pandas.read_csv(project.path / "r.csv")
    for dropped in (None, 1, 2, 5, 10):
        name = "intact" if dropped is None else f"dropping direction {dropped}"
        counted = table[table["ablation"] == name].sort_values("class")["correct"]
        assert counted.tolist() == recalls_by_hand(zoo, dropped), name
    result.stdout.fnmatch_lines(
        [
            "interp-checks: zoo:SmallCNN with small.pt on zoo:test_batches",
            "interp-checks: head 'fc' (Linear), output the head's logits",
        ]
    )


@pytest.mark.parametrize("data", ["test_set", "arrays", "test_batches", "named_set"])
def test_data_may_be_of_many_kinds(project: pytest.Pytester, data: str, tmp_path: Path) -> None:
    out = tmp_path / "s.safetensors"
    where = ["small.pt", "--model=zoo:SmallCNN", f"--data=zoo.py:{data}"]
    assert main(["snapshot", *where, f"--out={out}"]) == 0
    readout = load_snapshot(out)
    assert len(readout) == 797
    assert readout.class_names[8] == ("eight" if data == "named_set" else "8")


def test_the_ini_file_may_name_the_model(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\ninterp_model = zoo:SmallCNN\ninterp_data = zoo:test_batches\n")
    result = run(project, WEIGHTS)
    result.assert_outcomes(passed=12)
    result.stdout.fnmatch_lines(["*zoo:SmallCNN with small.pt on zoo:test_batches*"])
    assert main(["snapshot", "small.pt", "--model=zoo:SmallCNN", "--data=zoo:test_batches",
                 "--out=s.safetensors"]) == 0  # fmt: skip
    # What the command line asks for goes before what is usual.
    result = run(project, "--interp-checkpoint=s.safetensors")
    result.assert_outcomes(passed=12)
    result.stdout.fnmatch_lines(["*snapshot s.safetensors*"])
    run(project, "--interp-dataset=digits").stdout.fnmatch_lines(["*shipped digits reference*"])


@pytest.mark.slow
@pytest.mark.parametrize("how", [("-n", "2"), ("-p", "no:xdist")])
def test_with_and_without_workers(project: pytest.Pytester, how: tuple[str, ...]) -> None:
    result = project.runpytest_subprocess(*QUICK, *how, MODEL, DATA, WEIGHTS)
    result.assert_outcomes(passed=12)


def test_what_is_discovered_passes_by_the_command_that_is_told(
    project: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["small.pt", "--model=zoo:SmallCNN(width=12)", "--data=zoo:test_batches"]
    assert main(["discover", *where, "--out=test_found.py", "--rotations=20"]) == 0
    told = capsys.readouterr().out
    assert "head 'fc' (Linear)" in told
    command = told.split("run them: pytest ")[1].strip()
    arguments = shlex.split(command)
    result = run(project, *arguments)
    assert result.ret == 0
    assert result.parseoutcomes()["passed"] > 3


def test_new_writes_what_passes(
    project: pytest.Pytester, capsys: pytest.CaptureFixture[str], zoo: dict[str, Any]
) -> None:
    asked = ["new", "small.pt", "--model=zoo:SmallCNN", "--data=zoo:test_batches", "--out=checks"]
    assert main([*asked, "--rotations=20"]) == 0
    conftest = project.path / "checks" / "conftest.py"
    assert 'head="fc"' in conftest.read_text("utf-8")
    before = conftest.read_bytes()
    assert main(asked) == 2
    assert "is there already" in capsys.readouterr().err
    assert conftest.read_bytes() == before
    result = run(project, "checks")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*zoo:SmallCNN with small.pt on zoo:test_batches*"])
    # Other weights into the same model, by the usual option, which no other reader looks at.
    worse = {name: 0 * tensor for name, tensor in zoo["weights"].items()}
    torch.save(worse, project.path / "worse.pt")
    result = run(project, "checks", "--interp-checkpoint=worse.pt", "--tb=no")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*zoo:SmallCNN with worse.pt on zoo:test_batches*"])


def test_new_says_so_if_nothing_is_found(project: pytest.Pytester) -> None:
    asked = ["new", "--model=zoo:trained", "--data=zoo:test_batches", "--out=checks"]
    assert main([*asked, "--rotations=0"]) == 0
    assert run(project, "checks").ret == 0


def test_gauge_and_fill_reach_a_subject_from_a_conftest(project: pytest.Pytester) -> None:
    project.makeconftest(
        "import pytest\nfrom interp_fixtures import own_subject\n"
        "@pytest.fixture(scope='session')\n"
        "def subject():\n"
        "    return own_subject('zoo:SmallCNN', 'zoo:test_batches', checkpoint='small.pt')\n"
    )
    measured = {}
    for options in ((), ("--interp-fill=mean",), ("--interp-gauge=centred",)):
        run(project, *options, "--interp-report=r.json")
        (subject,) = json.loads((project.path / "r.json").read_text("utf-8"))["subjects"]
        measured[options] = [claim["measured"] for claim in subject["claims"]]
        assert ("centred weight" in subject["description"]) == ("gauge" in str(options))
    assert len({tuple(values) for values in measured.values()}) == 3


def test_a_loader_that_shuffles_is_warned_of(project: pytest.Pytester) -> None:
    result = run(project, MODEL, "--interp-data=zoo:shuffled_batches", WEIGHTS)
    result.stdout.fnmatch_lines(["*warning: the loader shuffles*", "*warning: the loader drops*"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--interp-model=zoo:SmalCNN", DATA), ["*has no 'SmalCNN'*", "*did you mean SmallCNN?*"]),
        (("--interp-model=zo:SmallCNN", DATA), ["*no module 'zo'*", "*did you mean zoo?*"]),
        (("--interp-model=zoo.SmallCNN", DATA), ["*does not name a Python object*"]),
        (("--interp-model=zoo:SmallCNN(", DATA), ["*arguments of SmallCNN cannot be read*"]),
        (("--interp-model=no.py:SmallCNN", DATA), ["*there is no file no.py*"]),
        ((MODEL,), ["*no data to run it on*", "*--interp-data=*"]),
        ((DATA,), ["*--interp-data is about a model of your own*"]),
        (("--interp-head=fc",), ["*--interp-head is about a model of your own*"]),
        ((MODEL, DATA, "--interp-seed=3"), ["*--interp-seed is about this project's own*"]),
        ((MODEL, DATA, "--interp-checkpoint=none.pt"), ["*none.pt: there is no such file*"]),
    ],
)
def test_wrong_words_are_one_error_before_anything_runs(
    project: pytest.Pytester, options: tuple[str, ...], said: list[str]
) -> None:
    result = run(project, *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(said)
    result.stderr.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--interp-model=zoo:number", DATA), ["*zoo:number gives no model*", "*found: int*"]),
        (("--interp-model=zoo:none_at_all", DATA), ["*gives no model*", "*found: list*"]),
        (("--interp-model=zoo:needs", DATA), ["*cannot be called*", "*missing 1 required*"]),
        ((MODEL, "--interp-data=zoo:raises"), ["*OSError: the data are elsewhere*zoo.py, line*"]),
        ((MODEL, "--interp-data=zoo:number"), ["*gives no batches*", "*found: int*"]),
        ((MODEL, "--interp-data=zoo:none_at_all"), ["*there are no batches*"]),
        ((MODEL, DATA, "--interp-head=fcc"), ["*has no linear layer 'fcc'*"]),
        (("--interp-model=zoo:SmallCNN(width=3)", DATA, WEIGHTS), ["*another shape*"]),
    ],
)
def test_what_cannot_be_used_is_one_message_for_each_claim(
    project: pytest.Pytester, options: tuple[str, ...], said: list[str]
) -> None:
    result = run(project, *options, "-k", "above")
    assert result.ret == 1
    result.stdout.fnmatch_lines(said)
    result.stdout.no_fnmatch_line("*Traceback*")
