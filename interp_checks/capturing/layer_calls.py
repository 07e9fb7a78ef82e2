"""What the layers of a model read and give while it runs. PyTorch is imported when called."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from interp_checks.arrays import IntArray

from .linear_maps import is_convolution

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, eq=False)
class Span:
    """What a layer read and gave at every position of every image, copied.

    Args:
        features: [n, P, Z].
        logits: [n, P, K].
    """

    features: torch.Tensor
    logits: torch.Tensor


@dataclass(frozen=True, eq=False)
class Call:
    """One call of one layer, with copies of what it read and gave.

    Args:
        layer: that was called.
        shape: of what it read; empty if that is no tensor.
        given: the shape of what it gave; empty likewise.
        features: what it read, [n, Z]; None if it is not one vector for each image.
        logits: what it gave, [n, K]; None likewise.
        span: both at all positions, if they were asked for.
        pooled: whether features and logits are made of those of many positions.
        sizes: of means, how large the features were whose rounding is left in them, [n, Z]; None
            where that is the features themselves.
        summed: of means, how far adding up many logits may be off.
        rows: which of the layer's outputs these logits are; None for all.
    """

    layer: nn.Module
    shape: tuple[int, ...]
    given: tuple[int, ...]
    features: torch.Tensor | None
    logits: torch.Tensor | None
    span: Span | None = None
    pooled: bool = False
    sizes: torch.Tensor | None = None
    summed: float = 0.0
    rows: IntArray | None = None

    @property
    def trailing(self) -> tuple[int, ...]:
        """What follows [n, Z] in the shape that the layer takes one vector for each image in."""
        if self.pooled and not is_convolution(self.layer):
            return ()
        return (1,) * (len(self.shape) - 2)


@dataclass(frozen=True, eq=False)
class Seen:
    """One batch: what layers read and gave, and what of the output could be logits.

    Args:
        calls: in the order they ended.
        parts: of the output, [n, K] each, by where they are.
        images: n.
    """

    calls: Sequence[Call]
    parts: Mapping[str, torch.Tensor]
    images: int


@dataclass
class Recorder:
    """The calls of watched layers since the list was last cleared, in the order they ended.

    What is kept is copied when a layer begins and when it ends, since a model may write into its
    tensors later.

    Args:
        spanning: the layers of which all positions are kept.
        positions: which one counts of the next batch's images, [n], where layers read many.
    """

    spanning: Collection[nn.Module] = ()
    positions: IntArray | None = None
    calls: list[Call] = field(default_factory=list)
    paused: bool = False
    _begun: list[torch.Tensor | None] = field(default_factory=list)
    _read: list[tuple[torch.Tensor | None, torch.Tensor | None]] = field(default_factory=list)

    def clear(self) -> None:
        """Forget all calls."""
        self.calls.clear()
        self._begun.clear()
        self._read.clear()

    def begin(self, layer: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        """A layer is called."""
        import torch

        if self.paused:
            return
        given = (*inputs, *named.values())
        tensor = given[0] if given and isinstance(given[0], torch.Tensor) else None
        self._begun.append(tensor)
        self._read.append(self._kept(layer, tensor))

    def end(self, layer: nn.Module, _: Any, output: Any) -> None:
        """A layer returns."""
        import torch

        if self.paused or not self._begun:
            return
        tensor, (features, spanned) = self._begun.pop(), self._read.pop()
        made = output if isinstance(output, torch.Tensor) else None
        logits, logits_spanned = self._kept(layer, made)
        shape, given = _shape(tensor), _shape(made)
        span = None
        if spanned is not None and logits_spanned is not None:
            span = Span(spanned, logits_spanned)
        pooled = self.positions is not None and tensor is not None and _many(layer, tensor)
        self.calls.append(Call(layer, shape, given, features, logits, span, pooled))

    def _kept(
        self, layer: nn.Module, tensor: torch.Tensor | None
    ) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Copies: one vector for each image, and those of all positions."""
        if tensor is None or tensor.ndim < 2 or not tensor.is_floating_point():
            return None, None
        tensor = tensor.detach()
        if layer in self.spanning and tensor.ndim > 2:
            return None, _positions_of(layer, tensor).clone()
        if self.positions is not None and _many(layer, tensor):
            return at(_positions_of(layer, tensor), self.positions), None
        if all(size == 1 for size in tensor.shape[2:]):
            return tensor.flatten(1).clone(), None
        return None, None


def at(tensor: torch.Tensor, positions: IntArray) -> torch.Tensor | None:
    """A copy of what is at one position of each image, [n, width]; None if there are not so many.

    Args:
        tensor: [n, P, width].
        positions: from 0, or from -1 backwards, [n].
    """
    import torch

    images, length = tensor.shape[:2]
    if len(positions) != images or not ((positions >= -length) & (positions < length)).all():
        return None
    chosen = torch.from_numpy(positions % length).to(tensor.device)
    return tensor[torch.arange(images, device=tensor.device), chosen]


def _shape(tensor: torch.Tensor | None) -> tuple[int, ...]:
    return () if tensor is None else tuple(tensor.shape)


def _many(layer: nn.Module, tensor: torch.Tensor) -> bool:
    """Whether a layer reads or gives many positions; a convolution may do so of one, as 1 x 1."""
    if is_convolution(layer):
        return any(size != 1 for size in tensor.shape[2:])
    return tensor.ndim > 2


def _positions_of(layer: nn.Module, tensor: torch.Tensor) -> torch.Tensor:
    """[n, P, width]: channels are the second axis of convolutions, and the last one elsewhere."""
    if is_convolution(layer):
        return tensor.flatten(2).transpose(1, 2)
    return tensor.flatten(1, -2)


@contextmanager
def recording(
    layers: Iterable[nn.Module], spanning: Collection[nn.Module] = ()
) -> Iterator[Recorder]:
    """Watch layers until the block ends; of some, all positions."""
    recorder = Recorder(spanning)
    handles: list[Any] = []
    try:
        for layer in layers:
            handles.append(layer.register_forward_pre_hook(recorder.begin, with_kwargs=True))
            handles.append(layer.register_forward_hook(recorder.end))
        yield recorder
    finally:
        for handle in handles:
            handle.remove()
