"""Classifiers of images by torchvision and timm, with random weights, against plain PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from plain_recalls import _one_thread, head_arrays, plain_run, requires_the_same
from torch import nn
from torchvision import models

from interp_checks import readout_of

__all__ = ["_one_thread"]  # fixture

CLASSES = 5
LABELS = [torch.arange(6) % CLASSES, torch.arange(6, 12) % CLASSES]


def images(size: int) -> list[torch.Tensor]:
    made = torch.Generator().manual_seed(1)
    return [torch.randn(6, 3, size, size, generator=made) for _ in LABELS]


def spread(model: nn.Module, layer: str) -> Any:
    """A head with weights of its own: some libraries begin with zeros, which predict one class."""
    head = model.get_submodule(layer)
    nn.init.normal_(head.weight)  # type: ignore[arg-type]
    nn.init.normal_(head.bias)  # type: ignore[arg-type]
    return head


def requires_a_classifier(make: Callable[[], nn.Module], layer: str, size: int) -> None:
    torch.manual_seed(0)
    model = make()
    head = spread(model, layer)
    inputs = images(size)
    readout = readout_of(model, list(zip(inputs, LABELS, strict=True)))
    assert readout.provenance["head"].startswith(repr(layer))
    plain = plain_run(model, head, inputs)
    requires_the_same(readout, plain, torch.cat(LABELS).numpy(), *head_arrays(head))


TORCHVISION: dict[str, tuple[Callable[[], nn.Module], str, int]] = {
    "ResNet-18": (lambda: models.resnet18(num_classes=CLASSES), "fc", 32),
    "ViT-B/16": (lambda: models.vit_b_16(num_classes=CLASSES, image_size=32), "heads.head", 32),
    "ConvNeXt-Tiny": (lambda: models.convnext_tiny(num_classes=CLASSES), "classifier.2", 32),
    "MobileNetV3-small": (
        lambda: models.mobilenet_v3_small(num_classes=CLASSES),
        "classifier.3",
        32,
    ),
}


@pytest.mark.parametrize("name", TORCHVISION)
def test_classifiers_of_torchvision(name: str) -> None:
    requires_a_classifier(*TORCHVISION[name])


TIMM = {
    "resnet18": ("fc", 32),
    "vit_tiny_patch16_224": ("head", 224),
    "efficientnet_b0": ("classifier", 32),
    "convnext_atto": ("head.fc", 32),
}


@pytest.mark.parametrize("name", TIMM)
def test_classifiers_of_timm(name: str) -> None:
    timm = pytest.importorskip("timm", exc_type=ImportError)
    layer, size = TIMM[name]
    requires_a_classifier(
        lambda: timm.create_model(name, pretrained=False, num_classes=CLASSES), layer, size
    )
