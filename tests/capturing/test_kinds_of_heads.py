"""Heads of many kinds, in whole models, against plain PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from plain_recalls import _one_thread, head_arrays, plain_run, requires_the_same
from torch import nn
from torch.nn.utils import parametrizations
from torchvision import models

from interp_checks import InterpChecksError, readout_of

__all__ = ["_one_thread"]  # fixture

CLASSES = 5
LABELS = [torch.arange(20) % CLASSES, torch.arange(9) % CLASSES]
WHOLE = torch.cat(LABELS).numpy()


def images(*shape: int) -> list[torch.Tensor]:
    made = torch.Generator().manual_seed(1)
    return [torch.randn(len(labels), *shape, generator=made) for labels in LABELS]


def given(inputs: list[torch.Tensor]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return list(zip(inputs, LABELS, strict=True))


def net(head: nn.Module | None = None) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), head or nn.Linear(8, CLASSES))


# --- weights ------------------------------------------------------------------------------------


class Tied(nn.Module):
    """The head's weight is that of an embedding."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words, self.body = nn.Embedding(CLASSES, 8), nn.Linear(6, 8)
        self.head = nn.Linear(8, CLASSES, bias=False)
        self.head.weight = self.words.weight

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.body(inputs).relu())
        return logits


def lazy() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(CLASSES))
    model(torch.randn(3, 6))
    return model


def old_spectral() -> nn.Module:
    """By hooks, as it was before parametrisations; its vectors move in training."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return net(torch.nn.utils.spectral_norm(nn.Linear(8, CLASSES)))


WEIGHTS: dict[str, Callable[[], nn.Module]] = {
    "nn.Sequential": net,
    "no bias": lambda: net(nn.Linear(8, CLASSES, bias=False)),
    "spectral norm": lambda: net(parametrizations.spectral_norm(nn.Linear(8, CLASSES))),
    "spectral norm by hooks": old_spectral,
    "weight norm": lambda: net(parametrizations.weight_norm(nn.Linear(8, CLASSES))),
    "orthogonal": lambda: net(parametrizations.orthogonal(nn.Linear(8, CLASSES))),
    "tied": Tied,
    "lazy": lazy,
}


@pytest.mark.parametrize("what", WEIGHTS)
@pytest.mark.parametrize("training", [True, False])
def test_weights_of_every_kind(what: str, training: bool) -> None:
    model = WEIGHTS[what]().train(training)
    inputs = images(6)
    readout = readout_of(model, given(inputs))
    assert model.training is training
    model.eval()  # some weights move when they are read in training
    head = model.head if what == "tied" else model[2]  # type: ignore[index]
    requires_the_same(readout, plain_run(model, head, inputs), WHOLE, *head_arrays(head))


def test_a_lazy_layer_that_was_never_run_is_refused() -> None:
    model = nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(CLASSES))
    with pytest.raises(InterpChecksError, match=r"'0\.weight' is lazy and was never run"):
        readout_of(model, given(images(6)))


# --- classes ------------------------------------------------------------------------------------


def test_two_classes() -> None:
    model, inputs = net(nn.Linear(8, 2)), images(6)
    labels = [each % 2 for each in LABELS]
    readout = readout_of(model, list(zip(inputs, labels, strict=True)))
    plain = plain_run(model, model[2], inputs)
    requires_the_same(readout, plain, WHOLE % 2, *head_arrays(model[2]))


@pytest.mark.parametrize("after", [nn.Identity, nn.Sigmoid])
def test_a_single_logit_is_two_classes(after: type[nn.Module]) -> None:
    """Minus half of it speaks for class 0 and half for class 1."""
    model, inputs = nn.Sequential(*net(nn.Linear(8, 1)), after()), images(6)
    head: Any = model[2]
    nn.init.constant_(head.bias, 0.1)
    readout = readout_of(model, [(x, y % 2) for x, y in given(inputs)])
    features, output = plain_run(model, head, inputs)
    middle = 0.5 if after is nn.Sigmoid else 0
    both = np.hstack([middle - output, output - middle])
    weight, bias = (part.detach().double().numpy() for part in (head.weight, head.bias))
    plain = features, both
    weight, bias = np.vstack([-weight, weight]) / 2, np.hstack([-bias, bias]) / 2
    requires_the_same(readout, plain, WHOLE % 2, weight, bias)


# --- convolutions of 1 x 1 ----------------------------------------------------------------------


def convolution(*after: nn.Module, before: bool = False, **more: Any) -> nn.Sequential:
    """A convolutional network whose head is a convolution of 1 x 1, before or after pooling."""
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Tanh())
    head = nn.Conv2d(8, CLASSES, 1, **more)
    pool = nn.AdaptiveAvgPool2d(1)
    order = (pool, head) if before else (head, *after, pool)
    return nn.Sequential(body, *order, nn.Flatten())


def head_of(model: nn.Sequential) -> Any:
    return next(part for part in model if isinstance(part, nn.Conv2d))


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_convolutions_before_and_after_pooling(before: bool, named: bool) -> None:
    """A linear map commutes with the mean, so the mean features are read out."""
    model, inputs = convolution(before=before), images(3, 9, 9)
    head = head_of(model)
    readout = readout_of(model, given(inputs), head=head if named else None)
    plain = plain_run(
        model, head, inputs, features_of=lambda read, _: read.double().mean(dim=(2, 3))
    )
    requires_the_same(readout, plain, WHOLE, *head_arrays(head))
    assert ("positions" in readout.provenance) is not before


def test_a_softmax_after_the_mean_of_logits() -> None:
    model, inputs = nn.Sequential(*convolution(), nn.Softmax(dim=1)), images(3, 9, 9)
    head = head_of(model)
    readout = readout_of(model, given(inputs))
    plain = plain_run(model, head, inputs, features_of=lambda read, _: read.mean(dim=(2, 3)))
    requires_the_same(readout, plain, WHOLE, *head_arrays(head))
    assert readout.provenance["output"] == "the softmax of the head's logits"


def test_the_mean_over_tokens() -> None:
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.body, self.head = nn.Linear(6, 8), nn.Linear(8, CLASSES)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.head(self.body(inputs).tanh()).mean(dim=1)
            return logits

    model, inputs = Tokens(), images(7, 6)
    readout = readout_of(model, given(inputs))
    plain = plain_run(model, model.head, inputs, features_of=lambda read, _: read.mean(dim=1))
    requires_the_same(readout, plain, WHOLE, *head_arrays(model.head))


UNPOOLED: dict[str, Callable[[], nn.Module]] = {
    "a rectifier between": lambda: convolution(nn.ReLU()),
    "the largest": lambda: nn.Sequential(*convolution()[:2], nn.AdaptiveMaxPool2d(1), nn.Flatten()),
    "strides": lambda: convolution(stride=2),
    "SqueezeNet 1.1": lambda: models.squeezenet1_1(num_classes=CLASSES),
}


@pytest.mark.parametrize("what", UNPOOLED)
@pytest.mark.parametrize("named", [True, False])
def test_what_does_not_commute_with_the_mean_is_refused(what: str, named: bool) -> None:
    torch.manual_seed(0)
    model = UNPOOLED[what]()
    layer: Any = "classifier.1" if "Squeeze" in what else "1"
    size = 33 if "Squeeze" in what else 9
    with pytest.raises(InterpChecksError) as caught:
        readout_of(model, given(images(3, size, size)), head=layer if named else None)
    assert caught.value.problem == "the head does not read one feature vector per image"
    assert "read by " + repr(layer) in str(caught.value.found)
    assert "with nothing but a mean after it" in str(caught.value.remedy)


def test_pooling_that_changes_in_a_later_batch_is_refused() -> None:
    class Changing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.head, self.calls = nn.Conv2d(3, CLASSES, 1), 0

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            logits = self.head(inputs)
            # The first batch is run twice, to see what its head reads at all positions.
            return logits.mean(dim=(2, 3)) if self.calls < 4 else logits.amax(dim=(2, 3))

    inputs = torch.randn(64, 3, 4, 4)
    batch = (inputs, torch.arange(64) % CLASSES)
    assert len(readout_of(Changing(), [batch, batch])) == 128
    with pytest.raises(InterpChecksError, match="is not what the model puts out"):
        readout_of(Changing(), [batch, batch, batch])


# --- what a model is wrapped in -----------------------------------------------------------------


class Dictionary(nn.Module):
    """Returns a mapping."""

    def __init__(self) -> None:
        super().__init__()
        self.net = net()

    def forward(self, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        features = self.net[:2](inputs)
        return {"features": features, "logits": self.net[2](features)}


class Trained(nn.Module):
    """What Lightning's modules have: steps of training beside the forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.model, self.loss = net(), nn.CrossEntropyLoss()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(inputs)
        return logits

    def training_step(self, batch: Any, number: int) -> torch.Tensor:
        inputs, labels = batch
        loss: torch.Tensor = self.loss(self(inputs), labels)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


WRAPPED: dict[str, tuple[Callable[[], Any], Callable[[Any], Any], str | None]] = {
    "a mapping": (Dictionary, lambda model: model.net[2], None),
    "steps of training": (Trained, lambda model: model.model[2], None),
    "compiled": (
        lambda: torch.compile(net(), backend="eager"),
        lambda model: model._orig_mod[2],
        "_orig_mod.2",
    ),
    "parallel": (lambda: nn.DataParallel(net()), lambda model: model.module[2], "module.2"),
}


@pytest.mark.parametrize("what", WRAPPED)
@pytest.mark.parametrize("named", [True, False])
def test_wrapped_models(what: str, named: bool) -> None:
    torch._dynamo.reset()
    make, layer, name = WRAPPED[what]
    model, inputs = make(), images(6)
    head = layer(model)
    readout = readout_of(model, given(inputs), head=name if named else None)
    inner = getattr(model, "_orig_mod", model)
    plain = plain_run(
        inner,
        head,
        inputs,
        logits_of=lambda output: output["logits"] if isinstance(output, dict) else output,
    )
    requires_the_same(readout, plain, WHOLE, *head_arrays(head))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("pooled", [False, True])
def test_half_precision(dtype: torch.dtype, pooled: bool) -> None:
    """Classes are decided in half precision by the model, so its images are far from ties."""
    model: Any = convolution() if pooled else net()
    inputs = images(3, 9, 9) if pooled else images(6)
    head = head_of(model) if pooled else model[2]
    with torch.no_grad():
        head.weight.mul_(20)
    model.to(dtype)
    inputs = [each.to(dtype) for each in inputs]
    try:
        model(inputs[0])
    except RuntimeError as error:
        pytest.skip(f"this PyTorch does not: {error}")
    readout = readout_of(model, given(inputs))
    plain = plain_run(
        model,
        head,
        inputs,
        features_of=lambda read, _: read.float().mean(dim=(2, 3)) if pooled else read,
    )
    off = torch.finfo(dtype).eps if pooled else 0.0
    assert "near ties" not in readout.provenance["agreement"]
    requires_the_same(readout, plain, WHOLE, *head_arrays(head), off=off)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("classes", [1, CLASSES])
@pytest.mark.parametrize("pool", [nn.AdaptiveAvgPool2d(1), nn.AvgPool2d(80)])
def test_large_maps_whose_mean_is_small(dtype: torch.dtype, classes: int, pool: nn.Module) -> None:
    """Rounding goes by the features, not by their mean, which is a hundred times smaller."""
    torch.manual_seed(0)
    head = nn.Conv2d(16, classes, 1, bias=False)
    model = nn.Sequential(nn.Conv2d(3, 16, 1, bias=False), head, pool, nn.Flatten()).to(dtype)
    inputs = [each.to(dtype) for each in images(3, 80, 80)]
    labels = [each % max(2, classes) for each in LABELS]
    readout = readout_of(model, list(zip(inputs, labels, strict=True)))
    words = "the mean over all positions, as the model's output is the mean of their logits"
    assert readout.provenance["positions"] == words


def test_a_mean_that_all_but_vanishes() -> None:
    """Features are centred, so that what is left of their mean is rounding, as in the logits."""
    torch.manual_seed(0)
    head, pool = nn.Conv2d(16, CLASSES, 1, bias=False), nn.AdaptiveAvgPool2d(1)
    model = nn.Sequential(nn.Conv2d(3, 16, 3), nn.InstanceNorm2d(16), head, pool, nn.Flatten())
    inputs = [each.bfloat16() for each in images(3, 20, 20)]
    readout = readout_of(model.bfloat16(), given(inputs))
    _, output = plain_run(model, head, inputs, features_of=lambda read, _: read.mean(dim=(2, 3)))
    differ = int((readout.predictions() != output.argmax(axis=1)).sum())
    assert f"; {differ} near ties of 29 images" in readout.provenance["agreement"]


def test_thousands_of_positions_in_half_precision() -> None:
    """Some of so many are as near to the output as the mean is, by chance."""
    torch.manual_seed(0)
    head, pool = nn.Conv2d(16, CLASSES, 1), nn.AdaptiveAvgPool2d(1)
    model = nn.Sequential(nn.Conv2d(3, 16, 1), head, pool, nn.Flatten()).bfloat16()
    inputs = [each.bfloat16() for each in images(3, 112, 112)]
    readout = readout_of(model, given(inputs))
    plain = plain_run(
        model, head, inputs, features_of=lambda read, _: read.double().mean(dim=(2, 3))
    )
    np.testing.assert_allclose(readout.features, plain[0], atol=0.01)


OTHER_MEANS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "the largest": lambda logits: logits.amax(dim=1),
    "without the first": lambda logits: logits[:, 1:].mean(dim=1),
    "weighted": lambda logits: (logits * torch.linspace(0.9, 1.1, 60)[:, None]).mean(dim=1),
    "of magnitudes": lambda logits: logits.abs().mean(dim=1),
    "logarithmic": lambda logits: logits.exp().mean(dim=1).log(),
    "of shares": lambda logits: logits.softmax(dim=2).mean(dim=1),
    "two positions": lambda logits: (logits[:, 3] + logits[:, 4]) / 2,
}


class Pooled(nn.Module):
    def __init__(self, classes: int, what: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.head, self.what = nn.Linear(6, classes), what

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return OTHER_MEANS[self.what](self.head(inputs)).to(inputs.dtype)


@pytest.mark.parametrize("what", OTHER_MEANS)
@pytest.mark.parametrize("classes", [2, CLASSES])
def test_other_means_are_refused(what: str, classes: int) -> None:
    inputs = images(60, 6)
    labels = [each % classes for each in LABELS]
    with pytest.raises(InterpChecksError, match="does not read one feature vector per image"):
        readout_of(Pooled(classes, what), list(zip(inputs, labels, strict=True)))


@pytest.mark.parametrize("what", OTHER_MEANS)
def test_other_means_in_half_precision_are_refused_or_all_but_the_same(what: str) -> None:
    """What 16 roundings do not tell apart predicts the same but for ties, which are counted."""
    inputs = [each.bfloat16() for each in images(60, 6)]
    model = Pooled(CLASSES, what).bfloat16()
    try:
        readout = readout_of(model, given(inputs))
    except InterpChecksError:
        return
    assert what in ("weighted", "of shares")
    _, output = plain_run(model, model.head, inputs, features_of=lambda read, _: read[:, 0])
    differ = int((readout.predictions() != output.argmax(axis=1)).sum())
    said = readout.provenance["agreement"]
    assert (f"; {differ} near ties of 29 images" in said) if differ else "near ties" not in said


def test_one_position_may_become_several() -> None:
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.head = nn.Linear(6, CLASSES)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.head(inputs)[:, -1]
            return logits

    model, labels = Last(), torch.arange(70) % CLASSES
    short, long = torch.randn(70, 1, 6), torch.randn(70, 4, 6)
    readout = readout_of(model, [(short, labels), (long, labels)])
    np.testing.assert_array_equal(readout.features, torch.cat([short[:, -1], long[:, -1]]))
