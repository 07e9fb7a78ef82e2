"""Heads that are applied to every position, and whose logits the model then pools.

The mean of logits over positions is the logits of the mean features, since a linear map commutes
with the mean. And where a model's output is the logits of one position of each image, that
position is the one whose logits these are. PyTorch is imported when called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from interp_checks.errors import InterpChecksError

from .head_refusals import single_call
from .layer_calls import Call, Seen, Span
from .linear_maps import is_convolution, is_linear_layer, may_be_linear, precision_of

if TYPE_CHECKING:
    import torch
    from torch import nn

#: Roundings that the logits of a position may be away from the output that is made of them.
_ROUNDINGS = 16


@dataclass(frozen=True)
class Pooling:
    """How one vector for each image is made of many positions.

    Args:
        words: what is read of each image.
        pooled: a call with features [n, Z] and logits [n, K], of one with a span and the parts
            of the model's output; None if it cannot be so.
    """

    words: str
    pooled: Callable[[Call, Mapping[str, torch.Tensor]], Call | None]

    def of(self, seen: Seen, layer: nn.Module) -> Seen | None:
        """A batch in which a layer reads one vector for each image; None if it cannot be so."""
        calls = []
        for call in seen.calls:
            made: Call | None = call
            if call.layer is layer and call.span is not None:
                made = self.pooled(call, seen.parts)
            if made is None:
                return None
            calls.append(made)
        return Seen(calls, seen.parts, seen.images)

    def required_of(self, seen: Seen, layer: nn.Module, name: str) -> Seen:
        """The same for a later batch.

        Raises:
            InterpChecksError: it cannot be so.
        """
        single_call(seen, layer, name)
        made = self.of(seen, layer)
        if made is None:
            raise InterpChecksError(
                "the model's output is made of its head's logits in another way in a later batch",
                found=f"a batch of {seen.images} images",
                expected=f"{name} reading {self.words}",
                remedy="pool before the head, or say which position counts, positions=...",
            )
        return made


def spanning_layers(batches: Sequence[Seen]) -> list[nn.Module]:
    """Layers that give as many numbers as the model, but at many positions; the likeliest first.

    Linear layers come first, the last one called before the others; then modules that hold a
    matrix: an adapter may be a linear map as a whole.

    Args:
        batches: as they were seen first.
    """
    images, widths = batches[0].images, {part.shape[1] for part in batches[0].parts.values()}
    layers = [
        call.layer
        for call in batches[0].calls
        if call.features is None
        and may_be_linear(call.layer)
        and min(len(call.shape), len(call.given)) > 2
        and call.given[0] == images
        and call.given[1 if is_convolution(call.layer) else -1] in widths
    ]
    once = [layer for layer in reversed(layers) if layers.count(layer) == 1]
    return sorted(once, key=lambda layer: not is_linear_layer(layer))


def poolings(spans: Sequence[Seen], layer: nn.Module, name: str) -> tuple[Pooling, ...]:
    """What a model may do with the logits of all positions, what is told from chance best first.

    Args:
        spans: batches with all positions of the layer.
        layer: of the model.
        name: of the layer, quoted.
    """
    mean = Pooling(
        "the mean over all positions, as the model's output is the mean of their logits",
        lambda call, parts: _mean(call, parts, name),
    )
    single = Pooling(
        "one position of each image, that whose logits are the model's output",
        lambda call, parts: _position(call, parts, name),
    )
    # Among thousands of positions some are near the mean, where numbers are coarse; and where
    # there is but one, it is its own mean, and batches that are longer will tell.
    several = any(
        call.span is not None and call.span.features.shape[1] > 1
        for seen in spans
        for call in seen.calls
        if call.layer is layer
    )
    return (mean, single) if several else (single, mean)


def _giving(span: Span, part: torch.Tensor) -> torch.Tensor | None:
    """Which positions have logits that are a part of the output, [n, P]; None by their shapes."""
    logits = span.logits.double()
    if part.shape[1] != logits.shape[2] or len(part) != len(logits):
        return None
    output = part.detach().to(logits.device).double()[:, None]
    rounding = _ROUNDINGS * precision_of(span.logits, part).roundoff
    near = (logits - output).abs() <= rounding * output.abs().amax(dim=2, keepdim=True)
    return (near | (logits == output)).all(dim=2)


def _position(call: Call, parts: Mapping[str, torch.Tensor], name: str) -> Call | None:
    """The one position of each image whose logits are a part of the model's output."""
    import torch

    span = call.span
    assert span is not None
    for part in parts.values():
        giving = _giving(span, part)
        if giving is None or not giving.any(dim=1).all():
            continue
        chosen = giving.shape[1] - 1 - giving.flip(1).int().argmax(dim=1)
        images = torch.arange(len(giving), device=giving.device)
        features = span.features[images, chosen]
        others = ((span.features != features[:, None]).any(dim=2) & giving).any(dim=1)
        if others.any():
            raise _ambiguous(int(others.sum()), len(giving), name)
        return replace(
            call, features=features, logits=span.logits[images, chosen], span=None, pooled=True
        )
    return None


def _mean(call: Call, parts: Mapping[str, torch.Tensor], name: str) -> Call | None:
    """The mean over all positions."""
    import torch

    span = call.span
    assert span is not None
    features, logits = span.features, span.logits
    if features.shape[:2] != logits.shape[:2] or not features.shape[1]:
        return None
    means = [values.double().mean(dim=1).to(values.dtype) for values in (features, logits)]
    # Roundings of different positions are taken to be independent: their mean shrinks with the
    # root of their number, as the mean itself does where features differ in sign.
    root = features.shape[1] ** 0.5
    sizes = torch.maximum(means[0].double().abs(), _root_mean_square(features) / root)
    # The model adds in single precision at least.
    adding = min(torch.finfo(logits.dtype).eps, 2.0**-23) / 2
    summed = _ROUNDINGS * adding * float(_root_mean_square(logits).max())
    itself = Span(means[0][:, None], means[1][:, None])
    for part in parts.values():
        giving, mean_gives = _giving(span, part), _giving(itself, part)
        if giving is None or mean_gives is None or not mean_gives.all():
            continue
        # Where logits hardly differ between positions, their mean is the output by itself.
        alike = bool((giving.double().mean(dim=1) >= 0.5).all())
        if alike and (span.features != span.features[:, :1]).any():
            raise _ambiguous(len(part), len(part), name)
    return replace(
        call,
        features=means[0],
        logits=means[1],
        span=None,
        pooled=True,
        sizes=sizes,
        summed=summed,
    )


def _root_mean_square(values: torch.Tensor) -> torch.Tensor:
    """Of numbers at all positions, [n, P, width] to [n, width]."""
    return values.double().square().mean(dim=1).sqrt()


def _ambiguous(images: int, of: int, name: str) -> InterpChecksError:
    return InterpChecksError(
        "several positions of an image give the model's output",
        found=f"{images} of {of} images, read by {name}",
        expected="one position whose logits are the output, or logits of which it is the mean",
        remedy="say which position counts: positions='last', positions [images], or a function of "
        "what the model is called with",
    )


def not_pooled(call: Call, seen: Seen, name: str) -> InterpChecksError:
    """A layer is applied to many positions, and the output is made of them in another way."""
    return InterpChecksError(
        "the head does not read one feature vector per image",
        found=f"features {call.shape} for {seen.images} labels, read by {name}",
        expected=f"[{seen.images}, features]; or an output that is the mean of the logits of all "
        "positions, or the logits of one",
        remedy="pool before the head, with nothing but a mean after it; or say which position "
        "counts: positions='last', positions [images], or a function",
    )
