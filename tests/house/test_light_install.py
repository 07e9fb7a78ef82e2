"""Judging a snapshot needs none of the large packages, and says so where one is missing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from interp_fixtures.reference_files import snapshot_file

ROOT = Path(__file__).parents[2]
LIST = ROOT / "docs" / "judging.txt"
#: What is not installed there, by the names under which it is imported.
ABSENT = (
    "torch", "torchvision", "matplotlib", "openTSNE", "sklearn", "numba", "llvmlite", "tabulate",
)  # fmt: skip
#: Puts an end to every import of these.
BLOCK = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""
SUITE = """
from pytest_interp_checks import claims

test_head = claims(
    "dropping direction 5 kills class 8",
    "accuracy is above 97 %",
    "every direction, dropped alone, keeps accuracy above 50 %",
)
test_inside = claims(
    "dropping direction 2 of the layer 2 cell gate's input weights kills only class 0",
    "the VAE's squared error is below 0.015",
)
"""


def without(code: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, in a folder, without these packages."""
    command = [sys.executable, "-c", BLOCK + code]
    environment = {name: text for name, text in os.environ.items() if name != "INTERP_DATA"}
    return subprocess.run(
        command, cwd=folder, env=environment | more, capture_output=True, text=True, timeout=120
    )


def names_in_the_list() -> list[str]:
    lines = LIST.read_text("utf-8").splitlines()
    return [re.split("[>=<]", line)[0] for line in lines if line and not line.startswith("#")]


def test_the_list_is_part_of_what_is_installed_by_default() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    for line in LIST.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            assert f'"{line}"' in project
    assert not {name.lower() for name in ABSENT} & set(names_in_the_list())


def test_a_snapshot_is_judged_in_a_session(tmp_path: Path) -> None:
    done = without(
        "import interp_checks\n"
        f"readout = interp_checks.load_snapshot({str(snapshot_file('mnist'))!r})\n"
        "verdict = interp_checks.judge('dropping direction 5 kills class 8', readout)\n"
        "print(verdict.outcome, readout.dropping(5).recall[8].count)\n"
        "from interp_checks import sweep, every_subset\n"
        "print(sweep(readout, every_subset(10)).right.sum())\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        f"print(sorted(loaded & set({ABSENT!r})))\n",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "holds 1"
    assert done.stdout.splitlines()[-1] == "[]"


def test_suites_are_judged_and_reported(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE, "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    reports = [f"--interp-report=r.{kind}" for kind in ("json", "md", "csv", "html")]
    done = without(
        "import pytest\n"
        f"sys.exit(pytest.main(['-p', 'no:cacheprovider', '-rs', '--interp-save=run.json', "
        f"'--interp-rotations=20', *{reports!r}]))\n",
        tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 claims: holds 3, not judged 2" in done.stdout
    assert "this needs the package" in done.stdout
    (subject, *_) = json.loads((tmp_path / "r.json").read_text("utf-8"))["subjects"]
    assert {claim["status"] for claim in subject["claims"]} == {"holds", "not judged"}
    for kind in ("md", "csv", "html"):
        assert (tmp_path / f"r.{kind}").stat().st_size > 1000
    compared = without(
        "from interp_fixtures.command import main\n"
        "sys.exit(main(['compare', 'run.json', 'run.json']))\n",
        tmp_path,
    )
    assert compared.returncode == 0, compared.stderr


@pytest.mark.parametrize(
    ("arguments", "package"),
    [
        (["snapshot", "model.pt", "--out", "s.safetensors"], "torch"),
        (["snapshot", "--model=math:pi", "--data=math:pi", "--out", "s.safetensors"], "torch"),
        (["report", "run.json", "--out", "r.html", "--figures", "figures"], "matplotlib"),
    ],
)
def test_what_needs_more_says_what(tmp_path: Path, arguments: list[str], package: str) -> None:
    (tmp_path / "model.pt").write_bytes(b"weights")
    (tmp_path / "test_suite.py").write_text(SUITE, "utf-8")
    code = f"from interp_fixtures.command import main\nsys.exit(main({arguments!r}))\n"
    if "run.json" in arguments:
        code = (
            "import pytest\n"
            "pytest.main(['-q', '-k', 'above', '--interp-save=run.json', '--interp-rotations=0'])\n"
        ) + code
    done = without(code, tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert package in done.stderr
    assert "pip install" in done.stderr
    assert "Traceback" not in done.stderr


def test_images_that_nothing_can_read_are_one_message(tmp_path: Path) -> None:
    """INTERP_DATA asks for features recomputed from images, which needs what is not there."""
    (tmp_path / "test_suite.py").write_text(SUITE, "utf-8")
    done = without(
        "import pytest\nsys.exit(pytest.main(['-q', '-k', 'above', '-p', 'no:cacheprovider']))\n",
        tmp_path,
        INTERP_DATA=str(tmp_path),
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.slow
def test_the_list_is_enough_in_an_environment_of_its_own(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", ROOT], check=True)
    subprocess.run([*pip, "-r", LIST], check=True)
    suite = tmp_path / "test_suite.py"
    suite.write_text(SUITE, "utf-8")
    environment = {name: text for name, text in os.environ.items() if name != "INTERP_DATA"}
    done = subprocess.run(
        [python, "-m", "pytest", "-p", "no:cacheprovider", suite, "--interp-rotations=20"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 claims: holds 3, not judged 2" in done.stdout
    absent = f"import importlib.util as u; print([n for n in {ABSENT!r} if u.find_spec(n)])"
    found = subprocess.run([python, "-c", absent], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
