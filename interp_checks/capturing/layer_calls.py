"""What the layers of a model read and give while it runs. PyTorch is imported when called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, eq=False)
class Call:
    """One call of one layer, with copies of what it read and gave.

    Args:
        layer: that was called.
        shape: of what it read; empty if that is no tensor.
        features: what it read, [n, Z]; None if it is not one vector for each image.
        logits: what it gave, [n, K]; None likewise.
    """

    layer: nn.Module
    shape: tuple[int, ...]
    features: torch.Tensor | None
    logits: torch.Tensor | None


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
    """

    calls: list[Call] = field(default_factory=list)
    paused: bool = False
    _begun: list[tuple[tuple[int, ...], torch.Tensor | None]] = field(default_factory=list)

    def clear(self) -> None:
        """Forget all calls."""
        self.calls.clear()
        self._begun.clear()

    def begin(self, _: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        """A layer is called."""
        import torch

        if self.paused:
            return
        given = (*inputs, *named.values())
        if not given or not isinstance(given[0], torch.Tensor):
            self._begun.append(((), None))
            return
        self._begun.append((tuple(given[0].shape), _vectors(given[0])))

    def end(self, layer: nn.Module, _: Any, output: Any) -> None:
        """A layer returns."""
        import torch

        if self.paused or not self._begun:
            return
        shape, features = self._begun.pop()
        logits = _vectors(output) if isinstance(output, torch.Tensor) else None
        self.calls.append(Call(layer, shape, features, logits))


def _vectors(tensor: torch.Tensor) -> torch.Tensor | None:
    """A copy as [n, width] if there is one vector for each image."""
    flat = tensor.ndim == 2 or (tensor.ndim > 2 and all(size == 1 for size in tensor.shape[2:]))
    if not flat or not tensor.is_floating_point():
        return None
    return tensor.detach().flatten(1).clone()


@contextmanager
def recording(layers: Iterable[nn.Module]) -> Iterator[Recorder]:
    """Watch layers until the block ends."""
    recorder = Recorder()
    handles: list[Any] = []
    try:
        for layer in layers:
            handles.append(layer.register_forward_pre_hook(recorder.begin, with_kwargs=True))
            handles.append(layer.register_forward_hook(recorder.end))
        yield recorder
    finally:
        for handle in handles:
            handle.remove()
