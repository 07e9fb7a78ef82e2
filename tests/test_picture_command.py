"""`interp-checks picture`: hidden states intact and ablated, from the command line."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from interp_checks.ablation import Ablation
from interp_checks.hidden_state import AffineMap
from interp_fixtures.checkpoints import load_checkpoint
from interp_fixtures.command import main
from interp_fixtures.datasets import load_images
from interp_fixtures.features import read_out
from interp_fixtures.generative_files import generative_file, load_generative
from interp_fixtures.generative_reading import latents
from interp_fixtures.reference_files import checkpoint_file


@pytest.fixture(autouse=True)
def _no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTERP_DATA", raising=False)


def test_numbers_are_those_of_the_hidden_state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "strip.png"
    assert main(["picture", "dropping direction 3", "--dataset", "digits", "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert out.read_bytes().startswith(b"\x89PNG")
    vae = load_generative(generative_file("digits", "vae"))
    parts = {}
    for split in ("train", "test"):
        images = load_images("digits", split)
        readout = read_out(load_checkpoint(checkpoint_file("digits")), images, 0.95)
        parts[split] = readout.features.astype(float), latents(vae, images.images)[0]
    h, z = parts["test"]
    fitted = AffineMap.fit(*parts["train"])
    left, whole = ((z - fitted(h)) ** 2).sum(), ((z - z.mean(axis=0)) ** 2).sum()
    assert f"explains {100 * (1 - left / whole):.1f} % of the variance" in told
    u = np.linalg.svd(readout.weight.T)[0][:, 2]
    before, after = fitted(h), fitted(h - np.outer(h @ u, u))
    means = [
        np.array([points[readout.labels == label].mean(axis=0) for label in range(10)])
        for points in (before, after)
    ]
    spread = np.sqrt((((means[0] - means[0].mean(axis=0)) ** 2).sum(axis=1)).mean())
    moved = np.linalg.norm(means[1] - means[0], axis=1) / spread
    found = [float(number) for number in re.findall(r"\d (\d+\.\d\d)", told.splitlines()[-1])]
    assert found == pytest.approx(moved, abs=0.0051)


def test_of_the_encoder_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "strip.svg"
    ablation = "keeping every direction of the layer 1 input gate's input weights"
    assert str(Ablation.parse(ablation)) == ablation
    assert main(["picture", ablation, "--encoder", "--out", str(out), "--images", "2"]) == 0
    told = capsys.readouterr().out
    # Without MNIST's images.
    assert "shipped digits reference" in told
    assert set(re.findall(r"\d (\d+\.\d\d)", told.splitlines()[-1])) == {"0.00"}
    assert "<svg" in out.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["dropping direction"], "this ablation does not parse"),
        (["dropping direction 77"], "there is no direction 77"),
        (["dropping direction 1", "--encoder"], "an encoder has no output layer"),
        (["dropping direction 1", "--images", "0"], "--images must be at least 1"),
    ],
)
def test_bad_requests(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "strip.png"
    assert main(["picture", *arguments, "--dataset", "digits", "--out", str(out)]) == 2
    assert told in capsys.readouterr().err
    assert not out.exists()
