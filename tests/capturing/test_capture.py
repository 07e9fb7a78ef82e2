"""Readouts of PyTorch models: the right layer is watched, and the model is left as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from captured_models import Deep, Plain, agrees, batches, hooks, message
from torch import nn

from interp_checks import InterpChecksError, readout_of
from interp_checks.statistics.intervals import CONFIDENCE


@pytest.mark.parametrize("bias", [True, False])
def test_the_only_linear_layer_is_the_head(bias: bool) -> None:
    model, given = Plain(bias), batches()
    readout = readout_of(model, given, class_names="abc", provenance={"model": "plain"})
    agrees(model, readout, given)
    np.testing.assert_array_equal(readout.weight, model.head.weight.detach())
    assert readout.features.shape == (12, 8)
    assert readout.features.dtype == np.float32
    assert readout.class_names == ("a", "b", "c")
    assert readout.provenance["model"] == "plain"
    assert set(readout.provenance) == {"model", "head", "output", "agreement", "images_sha256"}
    if not bias:
        assert readout.bias.tolist() == [0, 0, 0]


def test_the_last_linear_layer_called_is_the_head() -> None:
    model, given = Deep(), batches(1)
    readout = readout_of(model, given)
    agrees(model, readout, given)
    np.testing.assert_array_equal(readout.weight, model.head.weight.detach())


def test_the_head_is_found_in_a_deep_model_with_several_batches() -> None:
    model, given = Deep(), batches(3)
    agrees(model, readout_of(model, given), given)


@pytest.mark.parametrize("by_name", [True, False])
def test_the_head_may_be_said(by_name: bool) -> None:
    model, given = Deep(), batches()
    readout = readout_of(model, iter(given), head="head" if by_name else model.head)
    agrees(model, readout, given)
    assert readout.confidence == CONFIDENCE
    assert readout_of(model, given, head="head", confidence=0.8).confidence == 0.8


def test_a_layer_that_is_not_the_head_is_refused_by_name() -> None:
    lines = message(Deep(), batches(), head="hidden.1")
    assert lines[0] == "what the head computes is not what the model puts out"
    assert lines[1].startswith("  found: 'hidden.1' (Linear): logits and the model's output differ")
    assert "the output is that of 'head'" in lines[3]


def test_every_mode_is_restored() -> None:
    model = Deep()
    model.train()
    model.hidden[2].eval()  # a frozen part stays frozen
    modes = [part.training for part in model.modules()]
    assert len(set(modes)) == 2
    mean = model.hidden[2].running_mean.clone()
    readout_of(model, batches(), head="head")
    assert [part.training for part in model.modules()] == modes
    assert hooks(model) == 0
    assert torch.equal(model.hidden[2].running_mean, mean)


@pytest.mark.parametrize("frozen", [True, False])
def test_every_mode_is_restored_when_the_model_breaks(frozen: bool) -> None:
    model = Deep(fails=True).train(not frozen)
    with pytest.raises(InterpChecksError, match="RuntimeError: the model broke") as caught:
        readout_of(model, batches())
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert all(part.training is not frozen for part in model.modules())
    assert hooks(model) == 0
    assert torch.is_grad_enabled()


def test_running_statistics_and_gradients_are_left_alone() -> None:
    model = Deep().train()
    mean = model.hidden[2].running_mean.clone()
    readout_of(model, batches(1))
    assert torch.equal(model.hidden[2].running_mean, mean)
    assert all(weight.grad is None for weight in model.parameters())


def test_the_model_runs_in_evaluation_mode_without_gradients() -> None:
    seen = []
    model = Plain().train()
    model.flatten.register_forward_hook(
        lambda part, *_: seen.append((part.training, torch.is_grad_enabled()))
    )
    readout_of(nn.Sequential(model.flatten, nn.Linear(6, 3)), batches(2))
    assert seen == [(False, False)] * 2


def test_a_head_that_is_called_by_keyword_is_read() -> None:
    class ByKeyword(Plain):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            scores: torch.Tensor = self.head(input=self.body(images))
            return scores

    model, given = ByKeyword(), batches()
    agrees(model, readout_of(model, given), given)
    agrees(model, readout_of(model, given, head="head"), given)


def test_scores_in_a_dict_are_found() -> None:
    class Several(Plain):
        def forward(self, images: torch.Tensor) -> Any:
            return {"scores": super().forward(images)}

    assert readout_of(Several(), batches()).provenance["output"] == "scores: the head's logits"


def test_a_model_in_double_precision_stays_in_double_precision() -> None:
    model = Plain().double()
    given = [(images.double(), labels) for images, labels in batches(1)]
    readout = readout_of(model, given)
    assert readout.features.dtype == np.float64
    with torch.no_grad():
        np.testing.assert_allclose(readout.logits, model.eval()(given[0][0]), rtol=0, atol=1e-12)
        features = model.body(given[0][0]).numpy()
    np.testing.assert_array_equal(readout.features, features)


def test_a_model_in_half_precision_is_read_in_single_precision() -> None:
    model = Plain().to(torch.bfloat16)
    given = [(images.to(torch.bfloat16), labels) for images, labels in batches(2)]
    readout = readout_of(model, given)
    assert readout.features.dtype == np.float32
    with torch.no_grad():
        features = torch.cat([model.eval().body(images) for images, _ in given]).float().numpy()
    np.testing.assert_array_equal(readout.features, features)
    np.testing.assert_array_equal(readout.weight, model.head.weight.detach().double().numpy())
