"""Heads at every position: a readout predicts what its model does, ablated too, or is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from naive import rebuilt
from plain_recalls import _one_thread
from torch import nn

from interp_checks import InterpChecksError, dropping, readout_of

__all__ = ["_one_thread"]  # fixture

CLASSES, LENGTH = 4, 5
AFTER: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "nothing": lambda logits: logits,
    "scaled": lambda logits: 2.5 * logits,
    "log-softmax": lambda logits: logits.log_softmax(dim=-1),
    "softmax": lambda logits: logits.softmax(dim=-1),
    "soft cap": lambda logits: 3 * (logits / 3).tanh(),
    "prior": lambda logits: logits + torch.tensor([0, 0.2, 0, 0]),
    "negated": lambda logits: -logits,
    "clipped": lambda logits: logits.relu(),
}
POOL: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "last": lambda rows: rows[:, -1],
    "mean": lambda rows: rows.mean(dim=1),
    "sum": lambda rows: rows.sum(dim=1),
    "largest": lambda rows: rows.amax(dim=1),
    "all": lambda rows: rows,
}
INCREASING = ("nothing", "scaled", "log-softmax", "softmax", "soft cap")
#: What commutes with the mean, or takes one number from all logits of an image.
COMMUTING = ("nothing", "scaled", "log-softmax")


class Model(nn.Module):
    def __init__(self, after: str, pool: str, pooled_first: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body, self.head = nn.Linear(6, 8), nn.Linear(8, CLASSES)
        self.after, self.pool, self.pooled_first = after, pool, pooled_first

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        logits = self.head(self.body(inputs).tanh())
        after, pool = AFTER[self.after], POOL[self.pool]
        return after(pool(logits)) if self.pooled_first else pool(after(logits))


def is_right(after: str, pool: str, pooled_first: bool, said: str | None) -> bool:
    """Whether one vector of each image gives the output, as far as anybody can see."""
    if pool in ("mean", "sum"):
        # A position was said, which is another one than the model reads.
        return said is None and after in (INCREASING if pooled_first else COMMUTING)
    if pool == "last":
        # Which position it is, is only looked for among logits as they are.
        return after in (INCREASING if said else ("nothing",))
    return pool == "all" and bool(said) and after in INCREASING


@pytest.mark.parametrize("said", [None, "last"])
@pytest.mark.parametrize("pooled_first", [True, False])
@pytest.mark.parametrize("pool", POOL)
@pytest.mark.parametrize("after", AFTER)
def test_the_model_or_a_refusal(
    after: str, pool: str, pooled_first: bool, said: str | None
) -> None:
    model = Model(after, pool, pooled_first).eval()
    inputs = torch.randn(80, LENGTH, 6, generator=torch.Generator().manual_seed(1))
    given = [(part, torch.arange(len(part)) % CLASSES) for part in inputs.split(30)]
    if not is_right(after, pool, pooled_first, said):
        with pytest.raises(InterpChecksError):
            readout_of(model, given, positions=said)
        return
    readout = readout_of(model, given, positions=said)

    def own(changed: Model) -> np.ndarray:
        with torch.no_grad():
            output = changed(inputs)
        predicted: np.ndarray = (output[:, -1] if pool == "all" else output).argmax(dim=1).numpy()
        return predicted

    np.testing.assert_array_equal(readout.predictions(), own(model))
    for number in range(1, CLASSES + 1):
        ablated = copy.deepcopy(model)
        others = [each for each in range(1, CLASSES + 1) if each != number]
        with torch.no_grad():
            ablated.head.weight.copy_(torch.from_numpy(rebuilt(readout.weight, others)))
        counts = readout.ablated(dropping(number)).counts
        labels, predicted = readout.labels, own(ablated)
        for true in range(CLASSES):
            for column in range(CLASSES):
                there = ((labels == true) & (predicted == column)).sum()
                assert counts[true, column] == there
