"""Small classifiers to be captured, and batches for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from interp_checks import InterpChecksError, Readout, readout_of


class Plain(nn.Module):
    """Image, hidden layer that drops out, head without bias."""

    def __init__(self, bias: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.flatten = nn.Flatten()
        self.body = nn.Sequential(nn.Conv1d(1, 2, 3), nn.Flatten(), nn.Dropout(0.5))
        self.head = nn.Linear(8, 3, bias=bias)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.head(self.body(images))
        return scores


class Deep(nn.Module):
    """Two linear layers; the head was made first, but is called last."""

    def __init__(self, calls: int = 1, fails: bool = False) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.head = nn.Linear(5, 5)
        self.hidden = nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.BatchNorm1d(5))
        self.calls, self.fails = calls, fails

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.hidden(images)
        for _ in range(self.calls):
            scores = self.head(scores)
        if self.fails:
            raise RuntimeError("the model broke")
        return scores


def batches(count: int = 3, size: int = 4, classes: int = 3) -> list[tuple[Any, Any]]:
    made = torch.Generator().manual_seed(2)
    return [
        (torch.randn(size, 1, 6, generator=made), torch.randint(classes, (size,), generator=made))
        for _ in range(count)
    ]


def hooks(model: nn.Module) -> int:
    return sum(len(part._forward_hooks) for part in model.modules())


def agrees(model: nn.Module, readout: Readout, given: list[tuple[Any, Any]]) -> None:
    """The readout's logits are the model's in evaluation mode, image by image."""
    modes = [part.training for part in model.modules()]
    model.eval()
    with torch.no_grad():
        scores = torch.cat([model(images) for images, _ in given]).numpy()
    for part, mode in zip(model.modules(), modes, strict=True):
        part.training = mode
    np.testing.assert_allclose(readout.logits, scores, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(readout.labels, torch.cat([labels for _, labels in given]))


def message(model: nn.Module, given: list[tuple[Any, Any]], **more: Any) -> list[str]:
    with pytest.raises(InterpChecksError) as caught:
        readout_of(model, given, **more)
    assert hooks(model) == 0
    return str(caught.value).split("\n")
