"""Classifiers of every make: a body, a head, what is done after it, and how the output is wrapped.

Each head says whether a readout can stand for the model ("right"), cannot ("wrong"), or whether
that is left to the readout ("either", where it may find the map that a wrapped layer computes).
"""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn
from torch.nn.functional import linear, normalize

WIDTH, CLASSES = 7, 5


class Convolutional(nn.Module):
    """A small convolution over eight inputs, with a squeeze-and-excite block."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(1, WIDTH, 3)
        self.squeeze, self.excite = nn.Conv1d(WIDTH, 2, 1), nn.Conv1d(2, WIDTH, 1)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        maps = torch.relu(self.first(inputs[:, None]))
        squeezed = torch.relu(self.squeeze(maps.mean(dim=2, keepdim=True)))
        gated: torch.Tensor = maps * torch.sigmoid(self.excite(squeezed))
        return gated.mean(dim=2)


class Recurrent(nn.Module):
    """An LSTM over eight steps of one input each."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = nn.LSTM(1, WIDTH, batch_first=True)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        last: torch.Tensor = self.memory(inputs[..., None])[1][0][-1]
        return last


BODIES: dict[str, Callable[[], nn.Module]] = {
    "mlp": lambda: nn.Sequential(nn.Linear(8, 9), nn.ReLU(), nn.Linear(9, WIDTH), nn.Tanh()),
    "normed": lambda: nn.Sequential(
        nn.Linear(8, WIDTH), nn.BatchNorm1d(WIDTH), nn.ReLU(), nn.Dropout(0.5)
    ),
    "as wide as classes": lambda: nn.Sequential(
        nn.Linear(8, CLASSES), nn.GELU(), nn.Linear(CLASSES, WIDTH), nn.LayerNorm(WIDTH)
    ),
    "convolutional": Convolutional,
    "recurrent": Recurrent,
}


class Twins(nn.Module):
    """Two heads, and how they are mixed."""

    def __init__(self, mix: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(WIDTH, CLASSES), nn.Linear(WIDTH, CLASSES)
        self.gate, self.mix = nn.Linear(WIDTH, 1), mix

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        share = torch.sigmoid(self.gate(features))
        return self.mix(self.one(features), self.two(features), share)


class Adapted(nn.Module):
    """A frozen layer and a low-rank update beside it."""

    def __init__(self, merged: bool = False) -> None:
        super().__init__()
        self.base = nn.Linear(WIDTH, CLASSES)
        self.down, self.up = nn.Linear(WIDTH, 2, bias=False), nn.Linear(2, CLASSES, bias=False)
        self.merged = merged
        if merged:
            with torch.no_grad():
                self.base.weight.add_(self.up.weight @ self.down.weight)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        given: torch.Tensor = self.base(features)
        return given if self.merged else given + self.up(self.down(features))


class Beside(nn.Module):
    """A head, and something of its logits or its features that is done after it."""

    def __init__(self, after: Callable[..., torch.Tensor], last: bool = False) -> None:
        super().__init__()
        self.head, self.auxiliary = nn.Linear(WIDTH, CLASSES), nn.Linear(WIDTH, CLASSES)
        self.after, self.last = after, last
        self.norm = nn.BatchNorm1d(CLASSES)
        with torch.no_grad():
            self.norm.running_mean.copy_(torch.randn(CLASSES))  # type: ignore[union-attr]
            self.norm.weight.copy_(torch.rand(CLASSES) + 0.3)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        if not self.last:
            self.auxiliary(features)
        logits = self.head(features)
        if self.last:
            self.auxiliary(features)
        return self.after(logits, self)


def after(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[], nn.Module]:
    return lambda: Beside(lambda logits, _: function(logits))


class Cosine(nn.Linear):
    """A subclass that normalises its input."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return linear(normalize(features), normalize(self.weight), self.bias)


class Transforming(nn.Linear):
    """A subclass that transforms its input."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return super().forward(torch.relu(features) + 0.5 * features.sin())


class Standardised(nn.Linear):
    """A subclass whose weight is standardised on the way: linear, but not by its weight."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        centred = self.weight - self.weight.mean(dim=1, keepdim=True)
        return linear(features, centred / centred.norm(dim=1, keepdim=True), self.bias)


class Functional(nn.Module):
    """A head that is no layer, after one of the same width."""

    def __init__(self) -> None:
        super().__init__()
        self.before = nn.Linear(WIDTH, CLASSES)
        self.weight = nn.Parameter(torch.randn(CLASSES, CLASSES))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return linear(torch.relu(self.before(features)), self.weight)


class Pointwise(nn.Module):
    """A 1 x 1 convolution as the head."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(WIDTH, CLASSES, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.head(features[:, :, None, None]).flatten(1)  # type: ignore[no-any-return]


class Shared(nn.Module):
    """One layer called on two views; averaged, or only one used."""

    def __init__(self, averaged: bool) -> None:
        super().__init__()
        self.head, self.averaged = nn.Linear(WIDTH, CLASSES), averaged

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        one, two = self.head(features), self.head(-features)
        return (one - two) / 2 if self.averaged else one  # type: ignore[no-any-return]


class Tied(nn.Module):
    """Two layers with the same weight, of which one is the head."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.copy = nn.Linear(WIDTH, CLASSES), nn.Linear(WIDTH, CLASSES)
        self.copy.weight = self.head.weight

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(features)
        self.copy(features.flip(1))
        return logits


class Reusing(nn.Module):
    """Features are written into one buffer, batch after batch; or written over after the head."""

    def __init__(self, after: bool) -> None:
        super().__init__()
        self.head, self.after = nn.Linear(WIDTH, CLASSES), after
        self.held: dict[Any, torch.Tensor] = {}

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        key = (len(features), features.dtype)
        buffer = self.held.setdefault(key, torch.empty_like(features))
        buffer.copy_(features)
        logits: torch.Tensor = self.head(buffer)
        if self.after:
            buffer.mul_(-3)
        return logits


def masked(value: float) -> Callable[[torch.Tensor], torch.Tensor]:
    def mask(logits: torch.Tensor) -> torch.Tensor:
        logits[:, 1] = value
        return logits

    return mask


def added(*prior: float) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda logits: logits + torch.tensor(prior, dtype=logits.dtype)


def spread(logits: torch.Tensor) -> torch.Tensor:
    return torch.arange(1.0, CLASSES + 1, dtype=logits.dtype)


def parametrised(kind: Any) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        made: nn.Module = kind(nn.Linear(WIDTH, CLASSES))
        return made

    return make


def doubled() -> nn.Module:
    """A forward hook of the user doubles what the layer gives."""
    layer = nn.Linear(WIDTH, CLASSES)
    layer.register_forward_hook(lambda _, __, logits: logits * 2 + 1)
    return layer


HEADS: dict[str, tuple[str, Callable[[], nn.Module]]] = {
    "plain": ("right", lambda: nn.Linear(WIDTH, CLASSES)),
    "without bias": ("right", lambda: nn.Linear(WIDTH, CLASSES, bias=False)),
    "after dropout": ("right", lambda: nn.Sequential(nn.Dropout(), nn.Linear(WIDTH, CLASSES))),
    "then identity": ("right", lambda: nn.Sequential(nn.Linear(WIDTH, CLASSES), nn.Identity())),
    "weight norm": ("right", parametrised(torch.nn.utils.parametrizations.weight_norm)),
    "spectral norm": ("right", parametrised(torch.nn.utils.parametrizations.spectral_norm)),
    "1 x 1 convolution": ("right", Pointwise),
    "tied": ("right", Tied),
    "auxiliary last": ("right", lambda: Beside(lambda logits, _: logits, last=True)),
    "auxiliary first": ("right", lambda: Beside(lambda logits, _: logits)),
    "reuses a buffer": ("right", lambda: Reusing(False)),
    "writes over its features": ("right", lambda: Reusing(True)),
    "log-softmax": ("right", after(lambda logits: logits.log_softmax(1))),
    "softmax": ("right", after(lambda logits: logits.softmax(1))),
    "cooled softmax": ("right", after(lambda logits: (logits / 0.3).softmax(1))),
    "temperature": ("right", after(lambda logits: logits / 0.4)),
    "centred": ("right", after(lambda logits: 3 * (logits - logits.mean(1, keepdim=True)))),
    "sigmoid": ("right", after(torch.sigmoid)),
    "soft cap": ("right", after(lambda logits: 2 * torch.tanh(logits / 2))),
    "hard soft cap": ("right", after(lambda logits: 0.5 * torch.tanh(3 * logits))),
    "wide soft cap": ("right", after(lambda logits: 30 * torch.tanh(logits / 30))),
    "shifted in place": ("right", after(lambda logits: logits.add_(4))),
    "merged adapter": ("right", lambda: Adapted(merged=True)),
    "adapter layer": ("either", Adapted),
    "standardised weight": ("either", lambda: Standardised(WIDTH, CLASSES)),
    "doubled by a hook": ("either", doubled),
    "two averaged": ("either", lambda: Twins(lambda one, two, _: (one + two) / 2)),
    "gated": ("wrong", lambda: Twins(lambda one, two, g: g * one + (1 - g) * two)),
    "the larger of two": ("either", lambda: Twins(lambda one, two, _: torch.maximum(one, two))),
    "negated": ("either", after(lambda logits: -logits)),
    "negated in place": ("either", after(lambda logits: logits.mul_(-0.7))),
    "rolled": ("either", after(lambda logits: logits.roll(1, dims=1))),
    "masked far below": ("either", after(masked(-1e9))),
    "masked infinitely": ("wrong", after(masked(-torch.inf))),
    "prior": ("either", after(added(0, 1, 0, -1, 0.5))),
    "small prior": ("either", after(added(0, 1e-4, 0, 0, 0))),
    "scaled by class": ("either", after(lambda logits: logits * spread(logits))),
    "batch norm after": ("either", lambda: Beside(lambda logits, own: own.norm(logits))),
    "squared": ("wrong", after(lambda logits: logits * logits.abs() + logits.square() * 0.1)),
    "clamped": ("wrong", after(lambda logits: logits.clamp(-0.05, 0.05))),
    "sharpened by its entropy": (
        "wrong",
        after(lambda logits: logits * logits.softmax(1).amax(1, keepdim=True) + logits.flip(1)),
    ),
    "cosine": ("wrong", lambda: Cosine(WIDTH, CLASSES)),
    "transforming": ("wrong", lambda: Transforming(WIDTH, CLASSES)),
    "functional": ("either", Functional),
    "called twice, averaged": ("either", lambda: Shared(True)),
    "called twice": ("either", lambda: Shared(False)),
}


class Scores(namedtuple("Scores", ["scores", "features"])):
    """A named tuple of scores and features."""


@dataclass
class Returned:
    """A dataclass as model libraries return."""

    loss: torch.Tensor | None
    logits: torch.Tensor
    hidden_states: tuple[torch.Tensor, ...] = ()


WRAPPERS: dict[str, tuple[Callable[..., Any], Callable[[Any], torch.Tensor]]] = {
    "tensor": (lambda logits, _: logits, lambda out: out),
    "tuple": (lambda logits, features: (logits, features), lambda out: out[0]),
    "features first": (lambda logits, features: [features, logits], lambda out: out[1]),
    "loss first": (lambda logits, _: (logits.mean(), logits), lambda out: out[1]),
    "dict": (lambda logits, _: {"scores": logits}, lambda out: out["scores"]),
    "dict of two": (
        lambda logits, features: OrderedDict(logits=logits, extra=features @ features.T),
        lambda out: out["logits"],
    ),
    "within": (lambda logits, _: {"out": {"cls": (logits,)}}, lambda out: out["out"]["cls"][0]),
    "dataclass": (
        lambda logits, features: Returned(None, logits, (features,)),
        lambda out: out.logits,
    ),
    "named tuple": (lambda logits, features: Scores(logits, features), lambda out: out.scores),
    "namespace": (lambda logits, _: SimpleNamespace(logits=logits, n=3), lambda out: out.logits),
    "with dimensions": (lambda logits, _: logits[:, :, None, None], lambda out: out.flatten(1)),
}


class Model(nn.Module):
    """A body, a head, and a wrapper of the output."""

    def __init__(
        self, body: str, head: str, wrapper: str, scale: float = 1.0, inline: bool = False
    ) -> None:
        super().__init__()
        self.body, self.classifier = BODIES[body](), HEADS[head][1]()
        self.inline = inline
        self.wrapper, self.unwrap = WRAPPERS[wrapper]
        with torch.no_grad():
            for parameter in self.classifier.parameters():
                parameter.mul_(scale)

    def forward(self, inputs: torch.Tensor) -> Any:
        features = self.body(inputs)
        # In line, what the head does is done by the model itself, in no layer that is called.
        classify = self.classifier.forward if self.inline else self.classifier
        return self.wrapper(classify(features), features.clone())


def own_predictions(model: Model, inputs: torch.Tensor) -> torch.Tensor:
    """The model's own, by plain PyTorch."""
    modes = [part.training for part in model.modules()]
    model.eval()
    with torch.no_grad():
        predicted = model.unwrap(model(inputs.clone())).argmax(dim=1)
    for part, training in zip(model.modules(), modes, strict=True):
        part.training = training
    return predicted
