"""Every way in which the library writes a file, and what writing must not leave behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from interp_checks.comparing.saved_run import save_run
from interp_checks.files.tensors import write_tensors
from interp_checks.files.writing import write_text
from interp_checks.report.figures import save_figure

ROOT = Path(__file__).parents[1]

#: Everything that writes a file of a user, with a suffix that it takes.
WRITERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "text": (".md", lambda path: write_text(path, "whole\n")),
    "tensors": (".safetensors", lambda path: write_tensors(path, {"a": np.ones(9)}, {})),
    "run": (".json", lambda path: save_run(path, {"subjects": []}, [])),
    "svg": (".svg", lambda path: save_figure(Figure((1, 1)), path)),
    "png": (".png", lambda path: save_figure(Figure((1, 1)), path)),
    "pdf": (".pdf", lambda path: save_figure(Figure((1, 1)), path)),
}

every_writer = pytest.mark.parametrize(("suffix", "write"), WRITERS.values(), ids=WRITERS)


def plain(folder: Path, suffix: str, write: Callable[[Path], object]) -> bytes:
    """What is written to a file that was not there before."""
    path = folder / f"plain{suffix}"
    write(path)
    return path.read_bytes()


def nothing_left(folder: Path) -> bool:
    return not list(folder.rglob("*.part")) and not list(folder.rglob(".*"))


def running(script: str, **options: object) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", script], env=environment, **options)  # type: ignore[call-overload, no-any-return]
