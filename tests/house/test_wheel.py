"""What is installed: the wheel's contents, and a suite run where only the wheel is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.long]

ROOT = Path(__file__).parents[2]
NEEDED = [
    "numpy",
    "scipy",
    "pytest",
    "rich",
    "lark",
    "safetensors",
    "filelock",
    "platformdirs",
    "threadpoolctl",
]
PACKAGES = {"interp_checks", "pytest_interp_checks", "interp_fixtures"}


def call(*command: object, cwd: Path, check: bool = True) -> str:
    """Run a command without anything of this checkout or user on its path."""
    hidden = ("PYTHONPATH", "INTERP_DATA", "PYTEST_ADDOPTS")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {"HOME": str(cwd), "XDG_CACHE_HOME": str(cwd / "cache"), "COLUMNS": "100"}
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    call(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT, cwd=folder)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel and the little that a suite needs."""
    folder = tmp_path_factory.mktemp("environment")
    call(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    interpreter = folder / "venv" / "bin" / "python"
    call(interpreter, "-m", "pip", "install", "--quiet", *NEEDED, cwd=folder)
    call(interpreter, "-m", "pip", "install", "--quiet", "--no-deps", wheel, cwd=folder)
    return interpreter


def test_contents(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (info,) = {name.split("/")[0] for name in names if ".dist-info/" in name}
        entry_points = archive.read(f"{info}/entry_points.txt").decode()
        metadata = archive.read(f"{info}/METADATA").decode()
    assert {name.split("/")[0] for name in names} == {*PACKAGES, info}
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    reference = {
        f"interp_fixtures/reference/{dataset}{kind}.safetensors"
        for dataset in ("mnist", "digits")
        for kind in ("", ".snapshot")
    }
    assert reference <= names
    assert not [name for name in names if name.endswith(".pyc") or "make_reference" in name]
    for source in ("interp_checks", "plugin/pytest_interp_checks", "fixtures/interp_fixtures"):
        for file in (ROOT / source).glob("*.py"):
            assert f"{Path(source).name}/{file.name}" in names
    assert "[pytest11]\ninterp_checks = pytest_interp_checks\n" in entry_points
    assert "interp-checks = interp_fixtures.command:main" in entry_points
    assert "Classifier: Framework :: Pytest" in metadata
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_a_suite_runs_without_the_checkout_and_without_torch(python: Path, tmp_path: Path) -> None:
    # Claims about the layers inside run a network.
    left_out = shutil.ignore_patterns("__pycache__", "test_9_*")
    shutil.copytree(ROOT / "suites", tmp_path / "suites", ignore=left_out)
    where = "import interp_checks; print(interp_checks.__file__)"
    assert str(python.parents[1]) in call(python, "-c", where, cwd=tmp_path)
    assert "No module named 'torch'" in call(
        python, "-c", "import torch", cwd=tmp_path, check=False
    )
    told = call(python, "-m", "pytest", "suites", cwd=tmp_path)
    for line in (
        "interpretability claims",
        "shipped mnist reference",
        "Keeping all directions except one",
        # The table breaks the sentence after these words.
        "dropping direction 5 kills class 8 and",
        " claims: holds ",
    ):
        assert line in told
    assert " failed" not in told.splitlines()[-1]


def test_what_needs_torch_says_so(python: Path, tmp_path: Path) -> None:
    (tmp_path / "test_model.py").write_text("def test_a(classifier):\n    pass\n")
    told = call(python, "-m", "pytest", cwd=tmp_path, check=False)
    assert "torch" in told
    assert "1 error" in told


def test_command(python: Path, tmp_path: Path) -> None:
    command = python.with_name("interp-checks")
    assert "usage: interp-checks" in call(command, "--help", cwd=tmp_path)
