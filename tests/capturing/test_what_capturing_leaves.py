"""A model and the process it runs in are as they were, also after an error; and errors in words."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from captured_models import Plain, batches
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from interp_checks import InterpChecksError, readout_of


def all_hooks(model: nn.Module) -> int:
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in model.modules())


class Drawing(Plain):
    """Draws random numbers, seeds them, and takes threads, in every pass; breaks in the third."""

    def __init__(self, breaks: bool) -> None:
        super().__init__()
        self.calls, self.breaks = 0, breaks

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        torch.set_num_threads(1 if torch.get_num_threads() > 1 else 2)
        noise = torch.rand_like(images)
        torch.manual_seed(self.calls)
        if self.breaks and self.calls == 3:
            raise ValueError("the third batch is broken")
        return super().forward(images + noise)


@pytest.mark.parametrize("breaks", [True, False])
@pytest.mark.parametrize("size", [4, 64])  # the head is looked for in 64 images
def test_modes_hooks_threads_and_random_numbers(breaks: bool, size: int) -> None:
    model = Drawing(breaks).train()
    model.body[2].eval()
    modes = [part.training for part in model.modules()]
    torch.manual_seed(7)
    randomness, threads = torch.get_rng_state(), torch.get_num_threads()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    caught: Any = None
    try:
        readout = readout_of(model, batches(4, size))
        assert len(readout) == 4 * size
    except InterpChecksError as error:
        caught = error
    assert (caught is not None) is breaks
    if breaks:
        assert caught.problem == "the model cannot be run on a batch"
        assert caught.found == "ValueError: the third batch is broken"
        assert isinstance(caught.__cause__, ValueError)
    assert [part.training for part in model.modules()] == modes
    assert all_hooks(model) == 0
    assert torch.equal(torch.get_rng_state(), randomness)
    assert torch.get_num_threads() == threads
    assert torch.is_grad_enabled()
    gradients = [value.grad for value in model.parameters()]
    assert gradients == [None] * len(gradients)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def test_a_head_that_is_applied_to_many_positions_is_left_as_well() -> None:
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.head, self.calls = nn.Linear(6, 3), 0

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            if self.calls == 4:
                raise ValueError("broken")
            logits: torch.Tensor = self.head(inputs + 0 * torch.rand_like(inputs))[:, -1]
            return logits

    # The first batch is run twice: what the head reads at all positions is looked at.
    given = [(torch.randn(64, 5, 6), torch.arange(64) % 3) for _ in range(3)]
    model, randomness = Last(), torch.get_rng_state()
    with pytest.raises(InterpChecksError, match="ValueError: broken"):
        readout_of(model, given)
    assert all_hooks(model) == 0
    assert model.training
    assert torch.equal(torch.get_rng_state(), randomness)


@pytest.mark.parametrize("kept", [True, False])
def test_inference_mode(kept: bool) -> None:
    given = batches(3)
    expected = readout_of(Plain(), given)
    with torch.inference_mode():
        inside = readout_of(Plain(), given, keep_inputs=kept)
        assert torch.is_inference_mode_enabled()
    np.testing.assert_array_equal(inside.features, expected.features)
    np.testing.assert_array_equal(inside.weight, expected.weight)

    class Inferring(Plain):
        @torch.inference_mode()
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return super().forward(images)

    model = Inferring()
    np.testing.assert_array_equal(readout_of(model, given).features, expected.features)
    # A model that was made in inference mode has weights that cannot be written.
    with torch.inference_mode():
        model = Inferring()
        model.body.append(nn.BatchNorm1d(8))
    assert len(readout_of(model.train(), given)) == 12


def test_nothing_of_the_model_is_kept() -> None:
    """Features are copies: what else a batch made is given back."""
    model, given = Plain(), batches(3, 100)
    whole = [weakref.ref(each) for each in (model, given[0][0], model.head.weight)]
    readout = readout_of(model, given)
    del model, given
    gc.collect()
    assert [reference() for reference in whole] == [None] * 3
    assert len(readout) == 300


# --- errors in a later batch --------------------------------------------------------------------


def later(inputs: Any = None, labels: Any = None) -> list[Any]:
    """The last of three batches has something else."""
    given = batches(3, 64)
    x, y = given[-1]
    return [*given[:-1], (x if inputs is None else inputs(x), y if labels is None else labels(y))]


LATER: dict[str, tuple[Any, str, str]] = {
    "NaN": (
        later(lambda x: torch.where(x > 2, torch.nan, x)),
        "the model's output has values that are not finite",
        "are NaN or infinite",
    ),
    "infinity": (
        later(lambda x: x * torch.inf),
        "the model's output has values that are not finite",
        "are NaN or infinite",
    ),
    "a label that is too large": (
        later(labels=lambda y: y + 1),
        "labels do not fit the 3 classes of the model",
        "int64 from 1 to 3",
    ),
    "a negative label": (
        later(labels=lambda y: y - 1),
        "labels do not fit the 3 classes of the model",
        "int64 from -1 to 1",
    ),
    "too few labels": (
        later(labels=lambda y: y[:9]),
        "the output of the model is not logits",
        "float32 [64, 3], for 9 labels",
    ),
}


@pytest.mark.parametrize("what", LATER)
def test_errors_in_a_later_batch(what: str) -> None:
    given, problem, found = LATER[what]
    model = Plain()
    with pytest.raises(InterpChecksError) as caught:
        readout_of(model, given)
    assert caught.value.problem == problem
    assert found in str(caught.value.found)
    assert all_hooks(model) == 0


def test_loaders_without_images_are_refused() -> None:
    empty = DataLoader(TensorDataset(torch.zeros(0, 1, 6), torch.zeros(0)), 4)
    for given in (empty, [], iter(()), [(torch.zeros(0, 1, 6), torch.zeros(0))]):
        with pytest.raises(InterpChecksError, match="there are no batches to run the model on"):
            readout_of(Plain(), given)


def test_a_model_on_several_devices_is_refused() -> None:
    model = Plain()
    model.head.to("meta")
    with pytest.raises(InterpChecksError) as caught:
        readout_of(model, batches())
    assert str(caught.value).split("\n") == [
        "the model is on several devices",
        "  found: 'head.weight' on meta and 'body.0.weight' on cpu",
        "  expected: all parameters on one device",
        "  what to do: move it there: model.to('cpu'); weights on the meta device have no values "
        "before a checkpoint is loaded",
    ]


# --- progress -----------------------------------------------------------------------------------


SET = TensorDataset(torch.randn(70, 1, 6), torch.arange(70) % 3)
COUNTS = [(32, 70), (64, 70), (70, 70)]
TOLD: dict[str, tuple[Any, list[tuple[int, int | None]]]] = {
    "a loader": (DataLoader(SET, 32), COUNTS),
    "a list": (list(DataLoader(SET, 32)), COUNTS),
    "mappings": ([{"images": x, "labels": y} for x, y in DataLoader(SET, 32)], COUNTS),
    "a generator": (iter(list(DataLoader(SET, 32))), [(done, None) for done, _ in COUNTS]),
    "images left out": (DataLoader(SET, 32, drop_last=True), [(32, None), (64, None)]),
    "a sampler": (
        DataLoader(SET, 32, sampler=torch.utils.data.SubsetRandomSampler(range(40))),
        [(32, 40), (40, 40)],
    ),
    "batches of its own": (
        DataLoader(SET, batch_sampler=[[0, 1, 2], [3, 4]]),
        [(3, None), (5, None)],
    ),
}


@pytest.mark.parametrize("what", TOLD)
def test_progress_is_told_after_each_batch(what: str) -> None:
    given, counts = TOLD[what]
    told: list[tuple[int, int | None]] = []
    readout_of(Plain(), given, progress=lambda done, of: told.append((done, of)))
    assert told == counts


def test_an_error_of_the_progress_is_raised_and_leaves_the_model() -> None:
    def stop(done: int, of: int | None) -> None:
        raise KeyboardInterrupt

    model = Plain().train()
    with pytest.raises(KeyboardInterrupt):
        readout_of(model, batches(), progress=stop)
    assert all_hooks(model) == 0
    assert model.training
