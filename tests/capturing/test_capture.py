"""Readouts of PyTorch models: the right layer is watched, and the model is left as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from interp_checks import InterpChecksError, Readout, readout_of
from interp_checks.statistics.estimate import CONFIDENCE


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
    assert set(readout.provenance) == {"model", "head", "output", "agreement"}
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


def message(model: nn.Module, given: list[tuple[Any, Any]], **more: Any) -> list[str]:
    with pytest.raises(InterpChecksError) as caught:
        readout_of(model, given, **more)
    assert hooks(model) == 0
    return str(caught.value).split("\n")


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
    assert message(Deep(), batches(), head="fc")[1] == "  found: head, hidden.1"


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


def test_a_head_that_is_called_by_keyword_is_read() -> None:
    class ByKeyword(Plain):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            scores: torch.Tensor = self.head(input=self.body(images))
            return scores

    model, given = ByKeyword(), batches()
    agrees(model, readout_of(model, given), given)
    agrees(model, readout_of(model, given, head="head"), given)


class Pooled(nn.Module):
    """A head on every position of a sequence, of which the last one counts."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(6, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.head(images)
        return scores[:, -1]


@pytest.mark.parametrize("head", ["head", None])
def test_features_of_a_sequence_are_refused(head: str | None) -> None:
    assert message(Pooled(), batches(), head=head) == [
        "the head does not read one feature vector per image",
        "  found: features (4, 1, 6) for 4 labels, read by 'head'",
        "  expected: [4, features]",
        "  what to do: pool or pick positions before the head",
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


def test_scores_in_a_dict_are_found() -> None:
    class Several(Plain):
        def forward(self, images: torch.Tensor) -> Any:
            return {"scores": super().forward(images)}

    assert readout_of(Several(), batches()).provenance["output"] == "scores: the head's logits"


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
