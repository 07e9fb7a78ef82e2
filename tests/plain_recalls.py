"""What a readout says, counted again by plain PyTorch and numpy: a hook and a loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from interp_checks import Readout, dropping

Picking = Callable[[torch.Tensor, int], torch.Tensor]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Small products gain nothing from threads, and wait for each other beside other tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def same(tensor: torch.Tensor, _: int) -> torch.Tensor:
    return tensor


def called(model: nn.Module, inputs: Any) -> Any:
    """What a model returns for a tensor, or for a mapping of its arguments."""
    if isinstance(inputs, torch.Tensor):
        return model(inputs)
    return model(**{name: value for name, value in inputs.items() if name != "labels"})


def plain_run(
    model: nn.Module,
    layer: nn.Module,
    batches: Iterable[Any],
    *,
    logits_of: Callable[[Any], torch.Tensor] = lambda output: output,
    features_of: Picking = same,
    output_of: Picking = same,
) -> tuple[np.ndarray, np.ndarray]:
    """What a layer reads [N, Z], and what the model puts out [N, K], in float64.

    Args:
        model: in any mode.
        layer: of the model.
        batches: of inputs.
        logits_of: what of the output are logits.
        features_of: one vector for each image of what the layer reads, given the batch's number.
        output_of: one vector for each image of the logits, likewise.
    """
    read: list[torch.Tensor] = []
    handle = layer.register_forward_pre_hook(lambda _, given: read.append(given[0].clone()))
    modes = [part.training for part in model.modules()]
    model.eval()
    features, outputs = [], []
    with torch.no_grad():
        for number, inputs in enumerate(batches):
            outputs.append(output_of(logits_of(called(model, inputs)), number).double())
            features.append(features_of(read.pop(), number).double())
    handle.remove()
    for part, mode in zip(model.modules(), modes, strict=True):
        part.training = mode
    return torch.cat(features).flatten(1).numpy(), torch.cat(outputs).flatten(1).numpy()


def right_without(
    features: np.ndarray, weight: np.ndarray, bias: np.ndarray, labels: np.ndarray, direction: int
) -> list[int]:
    """Images of each class that are right without one singular direction of the weight, [K]."""
    u, s, vt = np.linalg.svd(weight, full_matrices=False)
    without = weight - s[direction - 1] * np.outer(u[:, direction - 1], vt[direction - 1])
    right = [0] * len(weight)
    for vector, label in zip(features, labels, strict=True):
        logits = without @ vector + bias
        right[label] += int(logits.argmax() == label)
    return right


def requires_the_same(
    readout: Readout,
    plain: tuple[np.ndarray, np.ndarray],
    labels: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    *,
    off: float = 1e-5,
) -> None:
    """Features, intact predictions, and recalls under every direction dropped are as counted here.

    Args:
        readout: of a model.
        plain: what its head reads and what it puts out, by :func:`plain_run`.
        labels: [N].
        weight: of its head, [K, Z].
        bias: of its head, [K].
        off: how far features may be apart, relative to the largest.
    """
    features, output = plain
    weight = weight.astype(np.float64)
    bias = np.zeros(len(weight)) if bias is None else bias.astype(np.float64)
    largest = float(np.abs(features).max())
    np.testing.assert_allclose(readout.features, features, rtol=0, atol=off * largest)
    np.testing.assert_array_equal(readout.weight, weight)
    np.testing.assert_array_equal(readout.bias, bias)
    np.testing.assert_array_equal(readout.labels, labels)
    np.testing.assert_array_equal(readout.predictions(), output.argmax(axis=1))
    for number in range(1, min(weight.shape) + 1):
        counted = right_without(features, weight, bias, labels, number)
        assert np.diag(readout.ablated(dropping(number)).counts).tolist() == counted, number


def head_arrays(layer: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Weight [K, Z] and bias [K] of a linear layer, as they are."""
    bias = None if layer.bias is None else layer.bias.detach().double().numpy()
    return layer.weight.detach().double().flatten(1).numpy(), bias
