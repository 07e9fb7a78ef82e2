"""The shipped digits classifier as others would save it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from interp_checks.files.tensors import read_tensors
from interp_fixtures.classifiers.inputs import Normalisation
from interp_fixtures.reference_files import checkpoint_file
from interp_fixtures.request import Request
from interp_fixtures.resolve import resolve

TENSORS = read_tensors(checkpoint_file("digits"))[0]
#: What the shipped classifier gets right of the 599 test images.
RIGHT = 563
MNIST = Normalisation(0.1307, 0.3081)


def state(prefix: str = "", factor: float = 1.0) -> dict[str, torch.Tensor]:
    """The weights of the shipped digits classifier, their names behind a prefix."""
    return {f"{prefix}{name}": factor * torch.from_numpy(one) for name, one in TENSORS.items()}


def refolded(normalisation: Normalisation) -> dict[str, torch.Tensor]:
    """Weights that make of normalised pixels what the shipped ones make of pixels as they are."""
    found = state()
    weight = found["lstm.weight_ih_l0"].double()
    shift = normalisation.mean * weight.sum(dim=1)
    found["lstm.bias_ih_l0"] = (found["lstm.bias_ih_l0"].double() + shift).float()
    found["lstm.weight_ih_l0"] = (weight * normalisation.deviation).float()
    return found


def permuted(order: tuple[int, ...]) -> dict[str, torch.Tensor]:
    """The shipped weights with output k being that of class order[k]."""
    found = state()
    for name in ("head.weight", "head.bias"):
        found[name] = found[name][list(order)].clone()
    return found


def judged(path: Path, **stated: Any) -> Any:
    return resolve(Request(checkpoint=path, dataset="digits", **stated))
