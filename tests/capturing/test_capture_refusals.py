"""Models and batches of which no readout is made, and what is said of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from captured_models import Deep, Plain, agrees, batches, message
from torch import nn

from interp_checks import readout_of


def test_a_model_without_a_linear_layer_is_refused() -> None:
    assert message(nn.Sequential(nn.Flatten()), batches()) == [
        "the model has no linear layer to read out",
        "  found: Sequential",
        "  expected: an nn.Linear as its output layer",
    ]
    assert message(nn.Flatten(), batches(), head="fc") == [
        "the model has no linear layer 'fc'",
        "  found: no linear layer",
    ]
    assert message(Deep(), batches(), head="fc")[1:] == ["  found: head, hidden.1"]
    assert message(Deep(), batches(), head="haed")[1:] == [
        "  found: head, hidden.1",
        "  what to do: did you mean 'head'?",
    ]


class Changing(Deep):
    """Calls its head so often in the first batch, so often in the second ..."""

    def __init__(self, calls: list[int]) -> None:
        super().__init__()
        self.later = iter(calls)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.calls = next(self.later)
        return super().forward(images)


def called(times: int) -> list[str]:
    return [
        "the model calls its head more than once per batch",
        f"  found: 'head' (Linear), called {times} times",
        "  expected: one call per batch, on one feature vector per image",
    ]


def test_a_head_that_is_called_twice_is_refused() -> None:
    for calls in (2, 3):
        assert message(Deep(calls=calls), batches(), head="head") == called(calls)


def test_a_head_that_is_found_and_called_twice_is_refused() -> None:
    assert message(Deep(calls=2), batches(1)) == called(2)
    assert message(Deep(calls=3), batches(3)) == called(3)


@pytest.mark.parametrize("head", ["head", None])
def test_a_head_that_is_called_twice_in_a_later_batch_is_refused(head: str | None) -> None:
    assert message(Changing([1, 1, 2]), batches(3), head=head) == called(2)
    changing = Changing([1, 1, 1])
    assert len(readout_of(changing, batches(3), head=head)) == 12


def test_another_layer_may_be_called_twice() -> None:
    class Twice(Deep):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            self.hidden(images + 1)
            return super().forward(images)

    model, given = Twice(), batches(3)
    agrees(model, readout_of(model, given), given)
    agrees(model, readout_of(model, given, head="head"), given)


UNSEEN = (
    "  what to do: a layer is called as layer(features); one whose weight is used by other code, "
    "or inside a compiled graph, does not show what it reads"
)


def test_a_head_that_is_not_called_is_refused() -> None:
    model = Deep(calls=0)
    assert message(model, batches(), head="head") == [
        "the model did not call its head",
        "  found: no call of 'head' (Linear)",
        UNSEEN,
    ]
    stranger = nn.Linear(5, 3)
    assert message(model, batches(), head=stranger) == [
        "the model did not call its head",
        "  found: no call of Linear(in_features=5, out_features=3, bias=True) (Linear)",
        UNSEEN,
    ]
    assert not stranger._forward_hooks


def test_a_model_that_calls_no_linear_layer_is_refused() -> None:
    class Idle(Deep):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images[:, 0]

    assert message(Idle(), batches()) == [
        "the model did not call its head",
        "  found: no call of any linear layer",
        UNSEEN,
    ]


def test_an_output_that_is_not_logits_is_refused() -> None:
    assert message(nn.Sequential(nn.Linear(6, 3)), batches()) == [
        "the output of the model is not logits",
        "  found: float32 [4, 1, 3], for 4 labels",
        "  expected: a floating-point tensor [4, classes], one row for each label",
        "  what to do: if these are logits for every position, say which one counts: "
        "positions='last', positions [images], or a function; of a vocabulary also which tokens "
        "are the classes, candidates=[...]",
    ]


def test_a_head_that_is_not_called_in_a_later_batch_is_refused() -> None:
    refused = [
        "the model did not call its head",
        "  found: no call of 'head' (Linear)",
        UNSEEN,
    ]
    assert message(Changing([1, 0]), batches(2), head="head") == refused
    # Whether it is the first batches that the head is looked for in, or later ones.
    assert message(Changing([1, 0]), batches(2, size=100)) == refused
    assert message(Changing([1, 0]), batches(2))[0].startswith("what the head computes is not")


class Pooled(nn.Module):
    """A head on every position of a sequence, the largest of whose logits count."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.head = nn.Linear(3, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.head(images.reshape(-1, 2, 3))
        return scores.amax(dim=1)


@pytest.mark.parametrize("head", ["head", None])
def test_the_largest_of_many_positions_is_refused(head: str | None) -> None:
    assert message(Pooled(), batches(), head=head) == [
        "the head does not read one feature vector per image",
        "  found: features (4, 2, 3) for 4 labels, read by 'head'",
        "  expected: [4, features]; or an output that is the mean of the logits of all positions, "
        "or the logits of one",
        "  what to do: pool before the head, with nothing but a mean after it; or say which "
        "position counts: positions='last', positions [images], or a function",
    ]


def test_labels_of_another_number_than_images_are_refused() -> None:
    images, labels = batches(1)[0]
    found = message(Plain(), [(images, labels[:3])])[1]
    assert found == "  found: float32 [4, 3], for 3 labels"


class Auxiliary(Plain):
    """A second linear layer of another size, called before the head or after it."""

    def __init__(self, last: bool, outputs: int = 4) -> None:
        super().__init__()
        self.last, self.second = last, nn.Linear(8, outputs)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.body(images)
        if not self.last:
            self.second(features)
        scores: torch.Tensor = self.head(features)
        if self.last:
            self.second(features)
        return scores


def test_a_head_with_other_outputs_than_the_model_is_refused() -> None:
    refused = [
        "the head is not the output layer of the model",
        "  found: 4 outputs of the head",
        "  expected: 3, as many as the model has",
        "  what to do: name 'head', or leave head out",
    ]
    for last in (True, False):
        model = Auxiliary(last)
        assert message(model, batches(), head="second") == refused
        assert message(model, batches(), head=model.second) == refused
        agrees(model, readout_of(model, batches(), head="head"), batches())
        # A layer that is called beside the head is none, even if it is called last.
        agrees(model, readout_of(model, batches()), batches())


SINGLE = "give an iterable of batches: [(inputs, labels)] for a single one"


@pytest.mark.parametrize(
    ("batch", "found", "remedy"),
    [
        (torch.zeros(4, 1, 6), "Tensor of shape (4, 1, 6)", SINGLE),
        (np.zeros((4, 6)), "ndarray of shape (4, 6)", SINGLE),
        ((torch.zeros(4, 1, 6),), "tuple of 1", SINGLE),
        (
            (torch.zeros(4, 1, 6), torch.zeros(4), torch.zeros(4)),
            "tuple of 3",
            "put what the model takes together: ((inputs, lengths), labels)",
        ),
        (3, "int", SINGLE),
        (None, "NoneType", SINGLE),
    ],
)
@pytest.mark.parametrize("after", [0, 2])
def test_a_batch_that_is_no_pair_is_refused(
    batch: Any, found: str, remedy: str, after: int
) -> None:
    assert message(Plain(), [*batches(after), batch]) == [
        "a batch is not a pair of inputs and labels",
        f"  found: {found}",
        f"  what to do: {remedy}",
    ]


def test_a_single_batch_that_is_not_in_a_list_is_refused() -> None:
    single = batches(1)[0]
    assert message(Plain(), single)[:2] == [  # type: ignore[arg-type]
        "a batch is not a pair of inputs and labels",
        "  found: Tensor of shape (4, 1, 6)",
    ]
    assert len(readout_of(Plain(), [single])) == 4
    assert len(readout_of(Plain(), [list(single)])) == 4  # type: ignore[list-item]


def test_no_batches_are_refused() -> None:
    assert message(Plain(), []) == ["there are no batches to run the model on"]
