"""Copies of the package in folders of their own, and processes that import them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import interp_checks

PACKAGE = Path(interp_checks.__file__).parent
ROOT = PACKAGE.parent
KERNELS = Path(PACKAGE.name) / "counting" / "kernels"


def started(root: Path, script: str, *arguments: object, **variables: object) -> subprocess.Popen:
    """A process that imports the package from this folder."""
    environment = {name: value for name, value in os.environ.items() if "NUMBA" not in name}
    environment |= {name: str(value) for name, value in variables.items()}
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**environment, "PYTHONPATH": str(root)},
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def copied(folder: Path) -> Path:
    """A copy of the package with nothing compiled."""
    without = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, folder / PACKAGE.name, ignore=without)
    return folder


def copied_with(warm: Path, folder: Path, place: Path = KERNELS) -> Path:
    """A copy of the package with the compiled code of one of its folders; returns where that is."""
    return Path(shutil.copytree(warm, copied(folder) / place / "__pycache__"))
