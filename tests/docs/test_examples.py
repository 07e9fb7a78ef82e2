"""The Python in the documents runs as it stands, block after block."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from interp_checks import Ablation, Claim

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("fills.md", "any_weight.md")


@pytest.mark.parametrize("page", [*PAGES, "snapshots.md"])
def test_the_python_of_a_page_runs(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        if "importorskip" in block:
            peft_is_there = pytest.importorskip("peft", exc_type=ImportError)
            assert peft_is_there
        exec(compile(block, page, "exec"), names)


@pytest.mark.parametrize("page", PAGES)
def test_the_sentences_of_a_page_are_claims(page: str) -> None:
    (block,) = re.findall(r"```text\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    for line in block.splitlines():
        sentence = re.split(r"\s{3,}", line)[0]
        claim = Claim.parse(sentence)
        assert str(claim) == sentence
        assert isinstance(claim.condition, Ablation) or claim.condition is not None
