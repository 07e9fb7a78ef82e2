"""The compiled engine for gates, where compiled code cannot be kept, loaded or made."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numba
import pytest
from copied_package import PACKAGE, ROOT, copied, copied_with, started

from interp_checks.counting.engines import can_compile
from interp_checks.networks import kernels as recurrent

pytestmark = pytest.mark.long

NETWORKS = Path(PACKAGE.name) / "networks"

#: Predictions without each direction of some gates' weights, and by PyTorch's own layers.
ABLATE = """
import json, sys
import numpy as np
import torch
from torch import nn
from interp_checks.networks.gates import GateWeights
from interp_checks.networks import kernels as recurrent
from interp_checks.networks.sweep import predict_gates


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.stack = nn.LSTM(5, 6, 2, batch_first=True)
        self.head = nn.Linear(6, 4)

    def forward(self, inputs):
        return self.head(self.stack(inputs)[0][:, -1])


torch.set_num_threads(1)
torch.manual_seed(3)
model = Classifier().eval()
with torch.no_grad():
    for parameter in model.parameters():
        parameter.mul_(3)
inputs = torch.randn(300, 7, 5)
every = set(range(1, 7))
asked = [
    (GateWeights(layer, "cell", kind), tuple(sorted(every - {gone})))
    for layer, kind in ((1, "recurrent"), (2, "input"))
    for gone in every
]
engine = sys.argv[1]
found = predict_gates(model, inputs, asked, engine=engine, threads=2)
expected = predict_gates(model, inputs, asked, engine="torch")
assert (found == expected).all()
assert len(np.unique(expected, axis=0)) > 6, "the ablations do nothing"
stats = getattr(recurrent.ablate, "stats", None)
print(json.dumps({
    "hits": stats and sum(stats.cache_hits.values()),
    "loaded": len(getattr(recurrent.ablate, "signatures", ())),
}))
"""


def ablated(
    root: Path = ROOT, engine: str = "compiled", before: str = "", **variables: object
) -> Any:
    process = started(root, before + ABLATE, engine, **variables)
    out, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    return json.loads(out.splitlines()[-1])


@pytest.fixture(scope="module")
def warm() -> Path:
    """The folder where compiled code is kept, with the recurrent loops in it."""
    ablated()
    stats = getattr(recurrent.ablate, "stats", None)
    if not (stats and stats.cache_path and list(Path(stats.cache_path).glob("kernels.*.nbc"))):
        pytest.skip("compiled code is not kept here")
    return Path(stats.cache_path)


def test_where_nothing_may_be_compiled_pytorch_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert can_compile()
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    assert not can_compile()
    monkeypatch.setitem(sys.modules, "numba", None)
    assert not can_compile()
    assert ablated(engine="auto", NUMBA_DISABLE_JIT=1)["loaded"] == 0


@pytest.mark.slow
def test_a_sound_cache_is_used(warm: Path) -> None:
    assert ablated()["hits"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_damaged_files_in_the_cache(kind: str, share: float, warm: Path, tmp_path: Path) -> None:
    files = list(copied_with(warm, tmp_path, NETWORKS).glob(f"kernels.*.{kind}"))
    assert files
    for file in files:
        file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    assert ablated(tmp_path)["loaded"] == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits are set otherwise there")
def test_a_full_disk(tmp_path: Path) -> None:
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
    assert ablated(copied(tmp_path), before=full)["loaded"] == 1
    kept = list((tmp_path / NETWORKS / "__pycache__").glob("kernels.*.nbc"))
    assert all(file.stat().st_size <= 1000 for file in kept)
    shutil.rmtree(tmp_path)
