"""Models are left as they were found, whatever they do when they run."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import linear

from interp_checks import InterpChecksError, readout_of
from interp_checks.counting.sweep import predict
from interp_checks.networks.model_state import evaluating

INPUTS = torch.randn(30, 6, generator=torch.Generator().manual_seed(0))
BATCHES = [(INPUTS[:20], torch.arange(20) % 3), (INPUTS[20:], torch.arange(10) % 3)]


class Merging(nn.Linear):
    """A low-rank adapter that is merged into the weight when the model is evaluated."""

    def __init__(self) -> None:
        super().__init__(6, 3)
        self.down, self.up = nn.Parameter(torch.randn(2, 6)), nn.Parameter(torch.randn(3, 2))
        self.merged = False

    def train(self, mode: bool = True) -> Merging:
        super().train(mode)
        if self.merged == mode:
            sign = -1 if mode else 1
            self.weight.data += sign * self.up.data @ self.down.data
            self.merged = not mode
        return self

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        given = linear(inputs, self.weight, self.bias)
        return given if self.merged else given + inputs @ self.down.T @ self.up.T


@pytest.mark.parametrize("training", [True, False])
def test_an_adapter_that_merges_is_unmerged_again(training: bool) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Dropout(0.5), Merging()).train(training)
    layer: Any = model[1]
    weight, merged = layer.weight.detach().clone(), layer.merged
    readout = readout_of(model, BATCHES)
    assert (model.training, layer.training, layer.merged) == (training, training, merged)
    torch.testing.assert_close(layer.weight.detach(), weight)
    with torch.no_grad():
        own = model.eval()(INPUTS).argmax(1).numpy()
    np.testing.assert_array_equal(predict(readout, None), own)


class Untidy(nn.Module):
    """Counts its calls, draws random numbers, writes into its inputs and takes more threads."""

    def __init__(self, fails: bool = False) -> None:
        super().__init__()
        self.head, self.fails = nn.Linear(6, 3), fails
        self.register_buffer("calls", torch.zeros(1))
        self.register_buffer("last", torch.zeros(2, 2))
        self.register_buffer("unset", None)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.last = inputs.clone()
        inputs.add_(torch.rand(1).item() - 0.5)
        torch.set_num_threads(3)
        torch.set_grad_enabled(True)
        logits: torch.Tensor = self.head(inputs)
        if self.fails:
            raise RuntimeError("the model broke")
        return logits.detach()


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("grad", [False, True])
def test_nothing_of_a_run_is_left_behind(fails: bool, grad: bool) -> None:
    model = Untidy(fails)
    model.head.train(False)
    calls, last, threads = model.calls, model.last, torch.get_num_threads()
    before, randomness = INPUTS.clone(), torch.get_rng_state()
    with torch.set_grad_enabled(grad):
        if fails:
            with pytest.raises(InterpChecksError, match="the model broke"):
                readout_of(model, BATCHES)
        else:
            assert len(readout_of(model, BATCHES)) == 30
        assert torch.is_grad_enabled() is grad
    assert model.calls is calls
    assert model.calls.item() == 0
    assert model.last is last
    assert torch.equal(model.last, torch.zeros(2, 2))
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), randomness)
    assert torch.equal(INPUTS, before)
    assert model.training
    assert not model.head.training
    assert not model.head._forward_hooks
    assert not model.head._forward_pre_hooks


def test_a_mode_that_cannot_be_set_is_put_back() -> None:
    class Stubborn(nn.Linear):
        def train(self, mode: bool = True) -> Stubborn:
            if not mode:
                raise RuntimeError("no evaluation")
            return self

    model = nn.Sequential(nn.Dropout(), Stubborn(6, 3))
    with pytest.raises(RuntimeError, match="no evaluation"), evaluating(model):
        pass
    assert all(part.training for part in model.modules())


def test_running_a_model_does_not_load_the_compiler() -> None:
    """That takes seconds, and nothing is compiled."""
    script = (
        "import sys, torch; from torch import nn; from interp_checks import readout_of;"
        "readout_of(nn.Sequential(nn.Linear(6, 3)), [(torch.randn(9, 6), torch.arange(9) % 3)]);"
        "print('torch._dynamo' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout.split() == ["False"]
