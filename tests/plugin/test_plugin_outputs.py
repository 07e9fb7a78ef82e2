"""Runs of pytest whose locale is ASCII, whose output is closed, whose files are no files."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from interp_checks.comparing.saved_run import load_run
from interp_fixtures.images.downloads import _move
from interp_fixtures.reference_files import snapshot_file

CONFTEST = """
import pytest
from interp_checks import Readout
@pytest.fixture(scope="session")
def subject():
    rng = __import__("numpy").random.default_rng(0)
    labels = rng.integers(0, 2, 60)
    features = __import__("numpy").eye(2)[labels]
    return Readout(features, labels, [[2.0, 0], [0, 1]], class_names=("häst", "får"))
"""
SUITE = """
from pytest_interp_checks import claims
test_a = claims('recall of class "häst" is above 1 %', 'recall of class "får" is above 1 %')
"""
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def run(pytester: pytest.Pytester, shell: str, **variables: str) -> subprocess.CompletedProcess:
    """A line of a shell, in which `pytest` runs the suite."""
    pytester.makepyfile(test_it=SUITE)
    pytester.makeconftest(CONFTEST)
    command = f"'{sys.executable}' -m pytest -p no:cacheprovider"
    return subprocess.run(
        ["bash", "-c", shell.replace("pytest", command, 1)],
        env={**os.environ, **variables},
        capture_output=True,
        check=False,
    )


def test_an_ascii_locale_loses_nothing(pytester: pytest.Pytester) -> None:
    reports = [f"--interp-report=häst.{suffix}" for suffix in ("json", "md", "csv")]
    found = run(pytester, f"pytest -vv --interp-save=häst.json.run {' '.join(reports)}", **ASCII)
    assert found.returncode == 0, found.stdout.decode()
    assert b"INTERNALERROR" not in found.stdout + found.stderr
    saved = load_run(pytester.path / "häst.json.run")
    assert list(saved.report["subjects"][0]["classes"]) == ["häst", "får"]
    report = json.loads((pytester.path / "häst.json").read_text(encoding="utf-8"))
    assert report["summary"]["holds"] == 2
    for suffix in ("md", "csv"):
        assert "häst" in (pytester.path / f"häst.{suffix}").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("closing", "said"),
    [
        ("> /dev/full", b"interp-checks: the output cannot be written: No space left on device\n"),
        ("| sleep 0", b""),
    ],
)
def test_a_run_ends_and_is_saved_though_nobody_reads_it(
    pytester: pytest.Pytester, closing: str, said: bytes
) -> None:
    options = "-v --interp-save=run.json --interp-report=a.md"
    found = run(pytester, f"pytest {options} {closing}; echo ${{PIPESTATUS[0]}} >&2")
    assert len(load_run(pytester.path / "run.json").claims()) == 2
    assert (pytester.path / "a.md").is_file()
    assert found.stderr == said + b"0\n"


def test_an_unread_run_with_a_finding_that_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_more="from pytest_interp_checks import claims\n"
        "test_b = claims('accuracy is below 2 %')"
    )
    found = run(pytester, "pytest -v | sleep 0; echo ${PIPESTATUS[0]} >&2")
    assert found.stderr == b"1\n"


def test_a_run_without_claims_keeps_pytest_s_own_terminal(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "def test_a(pytestconfig):\n"
        "    reporter = pytestconfig.pluginmanager.getplugin('terminalreporter')\n"
        "    assert type(reporter._tw._file).__name__ != 'SteadyStream'"
    )
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


@pytest.mark.parametrize("option", ["--interp-save=run.json", "--interp-report=run.json"])
def test_a_link_stays(pytester: pytest.Pytester, option: str) -> None:
    target = pytester.path / "shared" / "run.json"
    target.parent.mkdir()
    target.write_text("old")
    (pytester.path / "run.json").symlink_to(Path("shared", "run.json"))
    assert run(pytester, f"pytest {option}").returncode == 0
    assert (pytester.path / "run.json").is_symlink()
    assert json.loads(target.read_text())


def test_a_run_is_saved_into_a_pipe(pytester: pytest.Pytester) -> None:
    # Such a file has a name without a suffix, and none is added.
    found = run(pytester, "pytest --interp-save=>(cat > piped.json) && sleep 0.2")
    assert found.returncode == 0, found.stdout.decode()
    assert len(load_run(pytester.path / "piped.json").claims()) == 2


def test_a_run_saved_on_a_full_disk_is_one_error(pytester: pytest.Pytester) -> None:
    found = run(pytester, "pytest --interp-save=/dev/full")
    assert found.returncode == 1
    told = found.stdout.decode()
    assert "nothing saved: /dev/full: this file cannot be written (No space left on device)" in told
    assert "INTERNALERROR" not in told
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)
    assert not Path("/dev/full.json").exists()


# --- downloads ----------------------------------------------------------------------------------


def no_network(*_: object, **__: object) -> None:
    raise socket.gaierror(-3, "Temporary failure in name resolution")


@pytest.mark.parametrize("more", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_a_network_that_is_not_there_is_one_error(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    monkeypatch.setattr("interp_fixtures.images.downloads._download_with_torchvision", no_network)
    pytester.makepyfile(SUITE.replace("häst", "1").replace("får", "2").replace('"', ""))
    options = ("-p", "no:cacheprovider", "--interp-download", "--interp-data-root=data")
    result = pytester.runpytest_inprocess(*options, *more)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = result.stdout.str() + result.stderr.str()
    assert told.count("could not be downloaded") == 1
    assert "Temporary failure in name resolution" in told


@pytest.mark.parametrize("option", ["--collect-only", "--help"])
def test_nothing_is_fetched_where_nothing_runs(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.setattr("interp_fixtures.images.downloads._download_with_torchvision", no_network)
    pytester.makepyfile("def test_a(): pass")
    options = ("-p", "no:cacheprovider", "--interp-download", "--interp-data-root=data")
    assert pytester.runpytest_inprocess(*options, option).ret == 0


def test_a_snapshot_needs_no_download(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interp_fixtures.images.downloads._download_with_torchvision", no_network)
    pytester.makepyfile(
        'from pytest_interp_checks import claims\ntest_a = claims("accuracy is above 1 %")'
    )
    checkpoint = f"--interp-checkpoint={snapshot_file('digits')}"
    options = ("-p", "no:cacheprovider", "--interp-download", "--interp-data-root=data")
    pytester.runpytest_inprocess(*options, checkpoint).assert_outcomes(passed=1)


def test_what_is_fetched_goes_where_a_link_points(tmp_path: Path) -> None:
    fetched, place, disk = tmp_path / "fetched", tmp_path / "root" / "file", tmp_path / "disk"
    fetched.write_text("whole")
    place.parent.mkdir()
    place.symlink_to(disk / "file")  # of a disk that was empty
    _move(fetched, place)
    assert place.is_symlink()
    assert (disk / "file").read_text() == "whole"
