"""Runs that move: paths, roots and subjects keep their meaning wherever a run stands."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest
import torch
from foreign_checkpoints import MNIST, refolded

from interp_checks import Readout
from interp_checks.comparing.saved_run import load_run, packed, save_run
from interp_checks.report.page import page
from interp_fixtures.reference_files import checkpoint_file, snapshot_file

pytestmark = pytest.mark.slow

OPTIONS = ("-p", "no:cacheprovider", "--interp-rotations=0")
MODEL = """
import numpy as np
from interp_checks import Readout

def model(seed, noise=0.3):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, 600)
    weight = rng.normal(size=(3, 3))
    features = np.linalg.pinv(weight)[:, labels].T * 3 + rng.normal(size=(600, 3)) * noise
    return Readout(features=features, labels=labels, weight=weight)
"""
CLAIM = "from pytest_interp_checks import claims\ntest_it = claims('accuracy is above 90 %')\n"


def fixture_of(seed: int, noise: float = 0.3) -> str:
    decorated = "@pytest.fixture(scope='session')\ndef subject():"
    return f"{MODEL}\nimport pytest\n\n{decorated}\n    return model({seed}, {noise})\n"


def write(files: dict[str, str]) -> None:
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def page_of(run: str) -> str:
    """The page of a saved run, without exhibits, which take seconds to draw."""
    report = load_run(run).report
    return page(dict(report), [None] * len(report["subjects"]))


# Relative paths

MOVES = """
import os

def test_moves(tmp_path):
    os.chdir(tmp_path)
    os.environ["HOME"] = str(tmp_path)
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_paths_are_those_of_where_pytest_was_called(
    pytester: pytest.Pytester, workers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test of the user's that changes the folder (and HOME) moves no input and no output."""
    monkeypatch.setenv("HOME", str(pytester.path))
    write({"test_a.py": MOVES, "test_b.py": MOVES, "test_c.py": CLAIM})
    # Workers would each import torch to run a checkpoint.
    kind = "snapshot" if workers else "checkpoint"
    source = snapshot_file if workers else checkpoint_file
    shutil.copy(source("digits"), "here.safetensors")
    first = pytester.runpytest_inprocess(
        *OPTIONS, "test_c.py", "--interp-checkpoint=here.safetensors", "--interp-save=base.json"
    )
    first.assert_outcomes(passed=1)
    result = pytester.runpytest_subprocess(
        *OPTIONS,
        *workers,
        "--interp-checkpoint=here.safetensors",
        "--interp-baseline=~/base.json",
        "--interp-align=here.safetensors",
        "--interp-report=out/one.md",
        "--interp-report=two.json",
        "--interp-save=new.json",
        "--interp-cache-dir=cache",
    )
    result.assert_outcomes(passed=3)
    for name in ("out/one.md", "two.json", "new.json"):
        assert Path(name).is_file(), name
    result.stdout.fnmatch_lines(["run saved: new.json", "report: out/one.md", "report: two.json"])
    (subject,) = json.loads(Path("two.json").read_text("utf-8"))["subjects"]
    # What is written names the file as the user did, whatever machine and folder this is.
    assert subject["description"].startswith(f"{kind} here.safetensors")
    assert subject["claims"][0]["became"][0] == "held"


def test_a_data_folder_of_the_environment(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERP_DATA", "data")
    code = "def test_x(pytestconfig, tmp_path, monkeypatch):\n    monkeypatch.chdir(tmp_path)\n"
    code += "    from pytest_interp_checks.options import request_of\n"
    code += (
        f"    assert str(request_of(pytestconfig).data_root) == {str(pytester.path / 'data')!r}\n"
    )
    pytester.makepyfile(code)
    pytester.runpytest_inprocess(*OPTIONS).assert_outcomes(passed=1)


# What is assumed, and near chance


def test_a_checkpoint_of_normalised_inputs(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_c=CLAIM)
    torch.save(refolded(MNIST), "theirs.pt")
    options = (*OPTIONS, "--interp-dataset=digits", "--interp-checkpoint=theirs.pt")
    reports = [f"--interp-report=out.{kind}" for kind in ("md", "json", "csv")]
    result = pytester.runpytest_inprocess(*options, *reports)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "interp-checks: theirs.pt",
            "  inputs: pixels in [[]0, 1], as they are (assumed; else --interp-normalize*",
            "  layout: rows of an image are the steps in time (assumed)",
            "  classes: 0, 1, 2, * (assumed; else --interp-classes*",
        ]
    )
    # Before the first claim is judged.
    result.stdout.fnmatch_lines(["interp-checks: warning: read otherwise, *", "test_c.py*"])
    result.stdout.fnmatch_lines(["*interpretability claims*", "checkpoint *", "warning: *"])
    page = Path("out.md").read_text("utf-8")
    assert page.index("⚠️") < page.index("fails")
    assert "--interp-normalize=0.1307,0.3081" in page
    (subject,) = json.loads(Path("out.json").read_text("utf-8"))["subjects"]
    assert any("0.1307,0.3081" in line for line in subject["warnings"])
    right = pytester.runpytest_inprocess(*options, "--interp-normalize=0.1307,0.3081")
    right.assert_outcomes(passed=1)
    right.stdout.fnmatch_lines(["  inputs: (pixel - 0.1307) / 0.3081* (as stated)"])
    right.stdout.no_fnmatch_line("*warning*")


def test_ini_keys_state_it_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_c=CLAIM)
    torch.save(refolded(MNIST), "theirs.pt")
    pytester.makeini(
        "[pytest]\ninterp_normalize = 0.1307,0.3081\ninterp_classes = 0,1,2,3,4,5,6,7,8,9"
    )
    options = (*OPTIONS, "--interp-dataset=digits")
    given = pytester.runpytest_inprocess(*options, "--interp-checkpoint=theirs.pt")
    given.assert_outcomes(passed=1)
    # The keys are about checkpoints: the shipped reference is read as it was trained.
    pytester.runpytest_inprocess(*options).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--interp-normalize=a", "no mean and standard deviation"),
        ("--interp-classes=1,1", "no names of classes"),
        ("--interp-classes=1,2", "does not fit the head"),
        ("--interp-weights=ema", "no weights called 'ema'"),
    ],
)
def test_bad_statements_are_one_error(pytester: pytest.Pytester, option: str, told: str) -> None:
    pytester.makepyfile(test_c=CLAIM)
    shutil.copy(checkpoint_file("digits"), "here.safetensors")
    result = pytester.runpytest_inprocess(*OPTIONS, "--interp-checkpoint=here.safetensors", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *{told}*"])


def test_a_subject_near_chance_is_flagged_in_every_report(pytester: pytest.Pytester) -> None:
    write(
        {
            "conftest.py": fixture_of(1, noise=500.0),
            "test_c.py": CLAIM.replace("above 90", "above 1"),
        }
    )
    kinds = ("md", "json", "csv")
    reports = [f"--interp-report=out.{kind}" for kind in kinds]
    result = pytester.runpytest_inprocess(
        *OPTIONS, *reports, "--interp-save=run.json", "--junitxml=out.xml"
    )
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["warning: near chance: intact accuracy is *"])
    write({"out.html": page_of("run.json")})
    for name in ("out.md", "out.json", "out.html", "run.json", "out.xml"):
        assert "near chance" in Path(name).read_text("utf-8"), name
    rows = list(csv.DictReader(Path("out.csv").read_text("utf-8").splitlines()))
    assert {row["near_chance"] for row in rows} == {"True"}


# Names of subjects

PARAMETRISED = {
    "params": "@pytest.fixture(scope='session', params=['small', 'large'])\n"
    "def subject(request):\n    return model(len(request.param))\n",
    "params of another fixture": "@pytest.fixture(params=['small', 'large'])\n"
    "def kind(request):\n    return request.param\n\n"
    "@pytest.fixture\ndef subject(kind):\n    return model(len(kind))\n",
    "the same model twice": "@pytest.fixture(params=['small', 'large'])\n"
    "def subject(request):\n    return model(3)\n",
    "ids": "@pytest.fixture(params=[1, 2], ids=['small', 'large'])\n"
    "def subject(request):\n    return model(request.param)\n",
}


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["plain", "xdist"])
@pytest.mark.parametrize("how", PARAMETRISED)
def test_parametrised_subjects_have_names(
    pytester: pytest.Pytester, how: str, workers: tuple[str, ...]
) -> None:
    if workers and how != "params":
        pytest.skip("one of them is enough with workers")
    write({"conftest.py": f"{MODEL}\nimport pytest\n\n{PARAMETRISED[how]}", "test_c.py": CLAIM})
    reports = [f"--interp-report=out.{kind}" for kind in ("md", "json", "csv")]
    result = (pytester.runpytest_subprocess if workers else pytester.runpytest_inprocess)(
        *OPTIONS, *workers, *reports, "--interp-save=run.json", "--junitxml=out.xml"
    )
    result.assert_outcomes(passed=2)
    subjects = load_run("run.json").report["subjects"]
    assert [subject["name"] for subject in subjects] == ["small", "large"]
    write({"out.html": page_of("run.json")})
    for name in ("small", "large"):
        assert f"{name}: a subject of this suite's own" in result.stdout.str()
        for file in ("out.md", "out.json", "out.csv", "out.html", "out.xml", "run.json"):
            assert f"{name}: a subject of this suite" in Path(file).read_text("utf-8"), file


def test_names_beyond_ascii(pytester: pytest.Pytester) -> None:
    """Indirect parameters, with ids that pytest escapes."""
    fixture = "@pytest.fixture\ndef subject(request):\n    return model(request.param)\n"
    marked = 'pytest.mark.parametrize("subject", [1, 2], indirect=True, ids=["modèle-a", "b[1]"])'
    claim = f"import pytest\nfrom pytest_interp_checks import claims\n\ntest_it = {marked}"
    write(
        {
            "conftest.py": f"{MODEL}\nimport pytest\n\n{fixture}",
            "test_c.py": f"{claim}(claims('accuracy is above 90 %'))\n",
        }
    )
    result = pytester.runpytest_inprocess(*OPTIONS, "--interp-save=run.json")
    result.assert_outcomes(passed=2)
    subjects = load_run("run.json").report["subjects"]
    assert [subject["name"] for subject in subjects] == ["modèle-a", "b[1]"]


def test_a_name_in_the_provenance(pytester: pytest.Pytester) -> None:
    named = fixture_of(1).replace("weight=weight)", "weight=weight, provenance={'name': 'mine'})")
    write({"conftest.py": named, "test_c.py": CLAIM})
    result = pytester.runpytest_inprocess(*OPTIONS)
    result.stdout.fnmatch_lines(["mine: a subject of this suite's own*"])


# Two models, one sentence


def two_models(noise: float = 0.3) -> dict[str, str]:
    """Two folders, each with its model and the same file of claims."""
    return {
        f"suites/{name}/{file}": text
        for name, seed, own in (("small", 1, 0.3), ("large", 2, noise))
        for file, text in {"conftest.py": fixture_of(seed, own), f"test_{name}.py": CLAIM}.items()
    }


@pytest.mark.parametrize("roots", [(".", "suites"), (".", "suites/small")])
def test_a_baseline_from_another_root(pytester: pytest.Pytester, roots: tuple[str, str]) -> None:
    write(two_models())
    first, second = roots
    options = (*OPTIONS, "suites")
    saved = pytester.runpytest_inprocess(*options, f"--rootdir={first}", "--interp-save=b.json")
    saved.assert_outcomes(passed=2)
    workers = ("-n", "2") if second == "suites" else ()
    found = (pytester.runpytest_subprocess if workers else pytester.runpytest_inprocess)(
        *options,
        *workers,
        f"--rootdir={second}",
        "--interp-baseline=b.json",
        "--interp-report=out.json",
    )
    found.assert_outcomes(passed=2)
    subjects = json.loads(Path("out.json").read_text("utf-8"))["subjects"]
    assert [subject["claims"][0]["became"][0] for subject in subjects] == ["held", "held"]
    assert "not judged now" not in found.stdout.str()
    # They are told apart in the report, though nobody named them.
    assert len({subject["description"] for subject in subjects}) == 2


def test_no_claim_is_judged_against_another_model(pytester: pytest.Pytester) -> None:
    """The baseline has the sentence of one model; the other's is not in it."""
    write(two_models())
    pytester.runpytest_inprocess(*OPTIONS, "suites/small", "--interp-save=b.json")
    result = pytester.runpytest_inprocess(*OPTIONS, "suites/large", "--interp-baseline=b.json")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["This claim is not in the baseline*", "The same sentence is there for *test_small.py*"]
    )


def test_a_claim_moves_with_its_file(pytester: pytest.Pytester) -> None:
    write(two_models())
    options = (*OPTIONS, "suites/small")
    pytester.runpytest_inprocess(*options, "--interp-save=b.json").assert_outcomes(passed=1)
    Path("suites/small/test_small.py").rename("suites/small/test_renamed.py")
    result = pytester.runpytest_inprocess(*options, "--interp-baseline=b.json")
    result.assert_outcomes(passed=1)


def test_a_subject_of_another_parameter_is_another(pytester: pytest.Pytester) -> None:
    one = f"{MODEL}\nimport pytest\n\n{PARAMETRISED['params']}"
    write({"conftest.py": one.replace(", 'large'", ""), "test_c.py": CLAIM})
    pytester.runpytest_inprocess(*OPTIONS, "--interp-save=b.json")
    write({"conftest.py": one})
    result = pytester.runpytest_inprocess(*OPTIONS, "--interp-baseline=b.json")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["The same sentence is there for another test: *small*"])


def run_of(path: Path, root: str | None, *tests: str) -> Any:
    """A saved run in which each test judged the same sentence on a subject of its own."""
    rng = np.random.default_rng(0)
    readouts = [Readout(rng.normal(size=(9, 3)), np.arange(9) % 3, np.eye(3)) for _ in tests]
    subjects = [{"claims": [{"claim": "c", "test": test}]} for test in tests]
    save_run(path, {"subjects": subjects, "root": root}, [packed(one) for one in readouts])
    return load_run(path)


@pytest.mark.parametrize(
    ("root", "tests", "asked", "within", "found"),
    [
        # Outside of a repository: the longest common end of the two paths.
        (None, ("a/test_x.py::t", "b/test_x.py::t"), "s/a/test_x.py::t", None, 0),
        (None, ("test_x.py::t", "a/test_x.py::t"), "w/a/test_x.py::t", None, 1),
        (None, ("a/test_x.py::t", "b/test_x.py::t"), "test_x.py::t", None, None),
        (None, ("a/test_x.py::t", "b/test_y.py::t"), "test_y.py::t", None, 1),
        # Within one, both paths are whole.
        ("s", ("a/test_x.py::t", "b/test_x.py::t"), "test_x.py::t", "s/b", 1),
        (".", ("test_x.py::t", "a/test_x.py::t"), "test_x.py::t", "a", 1),
        ("a", ("test_x.py::t",), "test_x.py::t", "b", 0),  # the only one: its file has moved
        # Parameters tell the subjects of one file apart.
        (None, ("test_x.py::t[p-c]", "test_x.py::t[q-c]"), "test_x.py::t[q-c]", None, 1),
        (None, ("test_x.py::t[p-c]", "test_x.py::t[q-c]"), "test_x.py::new[q-c]", None, 1),
        (None, ("test_x.py::t[p-c]", "test_x.py::t[q-c]"), "test_x.py::t[r-c]", None, None),
        (None, ("test_x.py::t[p-c]",), "test_y.py::t[q-c]", None, None),
        (None, ("test_x.py::t[c]",), "test_y.py::t[c]", None, 0),
    ],
)
def test_which_claim_of_a_saved_run(
    tmp_path: Path,
    root: str | None,
    tests: tuple[str, ...],
    asked: str,
    within: str | None,
    found: int | None,
) -> None:
    run = run_of(tmp_path / "x.json", root, *tests)
    entry = run.find(asked, "c", within=within)
    assert (None if entry is None else tests.index(entry[0]["test"])) == found
    if found is not None:
        assert entry[1] is run.readouts[found]
