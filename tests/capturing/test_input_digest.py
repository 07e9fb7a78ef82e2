"""Two models that were run on the same inputs are known to be, and compared image by image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from interp_checks import InterpChecksError, readout_of
from interp_checks.comparing.recall_changes import same_images


def model(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))


def data(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(40, 6, generator=generator), torch.arange(40) % 3


def cut(size: int, seed: int = 0) -> list[Any]:
    return list(zip(*(part.split(size) for part in data(seed)), strict=True))


def digest(batches: Any, of: nn.Module | None = None) -> str | None:
    return readout_of(of or model(), batches).provenance.get("images_sha256")


def test_it_is_of_the_inputs_and_labels_alone() -> None:
    own = digest(cut(40))
    assert own is not None
    assert digest(cut(7)) == own
    assert digest(cut(40), model(1)) == own
    assert digest(cut(40, 1)) != own
    inputs, labels = data()
    assert digest([(inputs, (labels + 1) % 3)]) != own
    assert digest([(inputs.flip(0), labels.flip(0))]) != own


def test_models_on_the_same_inputs_are_compared_in_pairs() -> None:
    old, new = (readout_of(model(seed), cut(10)) for seed in (0, 1))
    assert same_images(old, new)
    assert not same_images(old, readout_of(model(1), cut(10, 1)))


def test_what_a_user_notes_goes_first() -> None:
    own = readout_of(model(), cut(40), provenance={"images_sha256": "mine"})
    assert own.provenance["images_sha256"] == "mine"


def test_a_loader_that_fails_in_the_middle_is_named() -> None:
    def broken() -> Iterator[Any]:
        yield from cut(10)[:2]
        raise ValueError("corrupt JPEG 0123.jpg")

    with pytest.raises(InterpChecksError, match="after 20 images") as caught:
        readout_of(model(), broken())
    assert caught.value.found == "ValueError: corrupt JPEG 0123.jpg"
