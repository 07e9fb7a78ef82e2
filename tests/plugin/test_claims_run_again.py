"""A claim is one claim, however often its test runs: reruns, repetitions, every worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from outcome_projects import claims_in, project, report_in, run

pytestmark = pytest.mark.slow

__all__ = ["project"]  # a fixture

CLAIMS = ("accuracy is above 1 %", "accuracy is above 99.9 %", "accuracy is above 2 %")
SUITE = f"from pytest_interp_checks import claims\ntest_it = claims{CLAIMS}"

#: The second claim raises in its first run, and is judged in later ones.
FLAKY = """
from pathlib import Path
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if "99.9" in pyfuncitem.name:
        note = Path("ran")
        count = len(note.read_text()) if note.exists() else 0
        note.write_text("x" * (count + 1))
        if count == {when}:
            raise MemoryError("no memory left")
"""


def statuses(report: dict[str, Any]) -> dict[str, tuple[str, list[str]]]:
    return {one["claim"]: (one["status"], one["attempts"]) for one in claims_in(report)}


def told(report: dict[str, Any], claim: str) -> str:
    (found,) = (one for one in claims_in(report) if one["claim"] == claim)
    return "; ".join(found["remarks"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=" ".join)
def test_reruns(project: pytest.Pytester, workers: tuple[str, ...]) -> None:
    pytest.importorskip("pytest_rerunfailures")
    project.makeconftest(FLAKY.format(when=0))
    project.makepyfile(SUITE)
    result = run(
        project, *workers, "--reruns=2", "--interp-report=r.json", "--interp-familywise",
        "--junitxml=j.xml", "--interp-save=run.json",
    )  # fmt: skip
    report = report_in()
    assert statuses(report) == {
        CLAIMS[0]: ("holds", []),
        CLAIMS[1]: ("fails", ["error", "fails", "fails"]),
        CLAIMS[2]: ("holds", []),
    }
    assert sum(report["summary"].values()) == 3
    assert told(report, CLAIMS[1]).startswith("run again after it ended so: error 1, fails 1")
    result.stdout.fnmatch_lines(["3 claims: holds 2, fails 1"])
    result.stdout.fnmatch_lines(["*Corrected for 3 claims (Holm)*"])
    # Every property once, of the last run.
    assert Path("j.xml").read_text("utf-8").count('name="verdict"') == 3
    assert "error" not in {
        line.partition('value="')[2].partition('"')[0]
        for line in Path("j.xml").read_text("utf-8").split("<property ")
    }


def test_the_features_come_with_a_run_that_is_taken_back(project: pytest.Pytester) -> None:
    """The only claim fails, brings the packed readout, and is run again without it."""
    pytest.importorskip("pytest_rerunfailures")
    project.makeconftest("")
    project.makepyfile(SUITE.replace(str(CLAIMS), f"({CLAIMS[1]!r})"))
    run(project, "--reruns=1", "--interp-save=run.json")
    assert json.loads(Path("run.json").read_text("utf-8"))["readouts"] != [""]
    result = run(project, "--interp-baseline=run.json")
    result.assert_outcomes(xfailed=1)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=" ".join)
def test_repetitions_that_disagree(project: pytest.Pytester, workers: tuple[str, ...]) -> None:
    pytest.importorskip("pytest_repeat")
    project.makeconftest(FLAKY.format(when=1 if not workers else 0))
    project.makepyfile(SUITE)
    result = run(
        project, *workers, "--count=3", "--interp-report=r.json", "--interp-report=r.md",
        "--interp-familywise", "--interp-save=run.json",
    )  # fmt: skip
    report = report_in()
    found = statuses(report)
    assert found[CLAIMS[0]] == ("holds", ["holds"] * 3)
    assert (found[CLAIMS[1]][0], sorted(found[CLAIMS[1]][1])) == (
        "error",
        ["error"] + 2 * ["fails"],
    )
    assert "3 runs disagree" in told(report, CLAIMS[1])
    assert "disagree" not in told(report, CLAIMS[0])
    assert "3 runs disagree" in Path("r.md").read_text("utf-8").partition("<details>")[0]
    result.stdout.fnmatch_lines(["3 claims: holds 2, error 1", "*Corrected for 3 claims (Holm)*"])
    # A run without repetitions knows the claims by the same tests.
    assert [one["test"] for one in claims_in(report)] == [
        f"test_repetitions_that_disagree.py::test_it[{claim}]" for claim in CLAIMS
    ]


@pytest.mark.parametrize("options", [("--dist", "each"), ("--dist", "loadgroup")], ids=" ".join)
def test_ways_to_distribute(project: pytest.Pytester, options: tuple[str, ...]) -> None:
    project.makeconftest("")
    grouped = SUITE.replace("claims(", 'pytest.mark.xdist_group("one")(claims(') + ")"
    project.makepyfile("import pytest\n" + grouped)
    result = run(project, "-n", "2", *options, "--interp-report=r.json", "--interp-save=run.json")
    report = report_in()
    assert {claim: status for claim, (status, _) in statuses(report).items()} == {
        CLAIMS[0]: "holds", CLAIMS[1]: "fails", CLAIMS[2]: "holds",
    }  # fmt: skip
    result.stdout.fnmatch_lines(["3 claims: holds 2, fails 1"])
    # The baseline finds them in a plain run.
    again = run(project, "--interp-baseline=run.json")
    again.assert_outcomes(passed=2, xfailed=1)
    assert "@one" not in Path("r.json").read_text("utf-8")


def test_a_worker_that_dies_and_is_run_again(project: pytest.Pytester) -> None:
    pytest.importorskip("pytest_rerunfailures")
    project.makeconftest(FLAKY.format(when=0).replace('raise MemoryError("no memory left")', "os._exit(3)").replace("from pathlib", "import os\nfrom pathlib", 1))  # noqa: E501  # fmt: skip
    project.makepyfile(SUITE)
    result = run(project, "-n", "1", "--reruns=1", "--interp-report=r.json")
    assert statuses(report_in())[CLAIMS[1]] == ("fails", ["crashed", "fails"])
    result.stdout.fnmatch_lines(["3 claims: holds 2, fails 1"])


def test_the_last_worker_dies_at_once(project: pytest.Pytester) -> None:
    """Nothing was ever reported, and yet every claim is known."""
    project.makeconftest(
        "import os, pytest\n"
        "@pytest.hookimpl(tryfirst=True)\n"
        "def pytest_runtest_setup(item):\n    os._exit(3)\n"
    )
    project.makepyfile(SUITE)
    options = (
        "-n",
        "1",
        "--max-worker-restart=0",
        "--interp-report=r.json",
        "--interp-report=r.md",
    )
    result = run(project, *options)
    assert result.ret != 0
    report = report_in()
    assert report["summary"]["crashed"] == 1
    assert report["summary"]["not run"] == 2
    assert [one["claim"] for one in report["without_subject"]] == list(CLAIMS)
    assert "crashed" in Path("r.md").read_text("utf-8")
