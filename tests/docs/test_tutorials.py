"""The tutorials run as they stand: their files are written, and their commands succeed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize(
    ("page", "package"),
    [("tutorial_images.md", "torchvision"), ("tutorial_text.md", "transformers")],
)
def test_a_tutorial_runs(page: str, package: str, tmp_path: Path) -> None:
    pytest.importorskip(package, exc_type=ImportError)
    text = (DOCS / page).read_text("utf-8")
    blocks = re.findall(r"```(python|sh)\n(.*?)```", text, re.DOTALL)
    commands = 0
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}
    for language, block in blocks:
        if language == "python":
            name = re.match(r"# file: (\S+)\n", block)
            assert name, f"a block of {page} does not say which file it is"
            file = tmp_path / name[1]
            file.parent.mkdir(exist_ok=True)
            file.write_text(block, "utf-8")
            continue
        done = subprocess.run(
            ["bash", "-ec", block], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{block}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        commands += 1
    assert commands >= 3
    head = "fc" if package == "torchvision" else "classifier"
    assert f'head="{head}"' in (tmp_path / "checks" / "conftest.py").read_text("utf-8")
    findings = (tmp_path / "checks" / "test_findings.py").read_text("utf-8")
    assert 'class "' in findings or "accuracy is above" in findings
