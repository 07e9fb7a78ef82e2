"""Which position of each image counts, where a model has logits for every one of many.

PyTorch is imported when called.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_checks.arrays import IntArray
from interp_checks.errors import InterpChecksError

from .batches import Batch

if TYPE_CHECKING:
    from torch import nn

#: How a user says which position counts: "last", one number for all images, numbers [N], or a
#: function that gives the numbers [n] of a batch from what the model is called with.
Said = str | int | Any | Callable[[Any], Any] | None

EXPECTED = (
    "'last' (the last one that is not padding), a whole number, whole numbers [images], or a "
    "function that gives them [batch] for what the model is called with"
)


@dataclass
class Positions:
    """The positions that count, batch after batch.

    Args:
        said: by the user.
        model: that is run.
        used: images so far, where the user gave a number for each.
        words: how the positions were found, once they were.
    """

    said: Any
    model: nn.Module
    used: int = 0
    words: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.said, str) and self.said != "last":
            raise _unknown(repr(self.said))
        if not callable(self.said) and not isinstance(self.said, str):
            self.said = _whole(self.said)
            if self.said.ndim > 1:
                raise _unknown(f"numbers of shape {list(self.said.shape)}")

    def of(self, batch: Batch) -> IntArray:
        """The position of each image of the next batch, from 0 (or from -1 backwards), [n].

        Raises:
            InterpChecksError: what the user gave does not fit the batch.
        """
        images = len(batch)
        if isinstance(self.said, str):
            found, self.words = _last(batch, self.model, images)
            return found
        if callable(self.said):
            self.words = "where the given function says"
            found = _whole(self.said(_called_with(batch)))
        elif self.said.ndim == 0:
            self.words = f"number {int(self.said)} of every image"
            return np.full(images, int(self.said))
        else:
            self.words = "as given for each image"
            found = self.said[self.used : self.used + images]
            self.used += images
        if found.shape != (images,):
            raise _misfit(f"positions {list(found.shape)} for a batch of {images}", images)
        return found

    def require_all_used(self) -> None:
        """Every number that the user gave was the position of an image.

        Raises:
            InterpChecksError: there are more.
        """
        given = isinstance(self.said, np.ndarray) and self.said.ndim == 1
        if given and len(self.said) != self.used:
            raise _misfit(f"{len(self.said)} positions", self.used)


def _last(batch: Batch, model: nn.Module, images: int) -> tuple[IntArray, str]:
    """The last position of each image that is not padding, and how that was known."""
    import torch

    given = batch.by_name(model)
    mask, words = given.get("attention_mask"), "attention_mask"
    tokens = given.get("input_ids")
    if not isinstance(mask, torch.Tensor) and isinstance(tokens, torch.Tensor):
        config = getattr(model, "config", None)
        padding = getattr(config, "pad_token_id", None)
        if padding is not None:
            mask, words = tokens != padding, f"padding is token {padding}"
    if not isinstance(mask, torch.Tensor) or mask.ndim != 2 or len(mask) != images:
        return np.full(images, -1), "the last one of all: nothing says which are padding"
    counts = mask.detach().cpu().numpy() != 0
    empty = int((~counts.any(axis=1)).sum())
    if empty:
        raise InterpChecksError(
            "a sequence has no last position",
            found=f"{empty} of {images} in a batch are padding alone ({words})",
            expected="one token at least that is not padding",
        )
    last: IntArray = counts.shape[1] - 1 - counts[:, ::-1].argmax(axis=1)
    return last, f"the last one of each image that is not padding ({words})"


def _called_with(batch: Batch) -> Any:
    """What the model is called with: one value, a tuple of several, or a mapping by name."""
    if batch.keywords:
        return batch.keywords
    return batch.arguments[0] if len(batch.arguments) == 1 else batch.arguments


def _whole(said: Any) -> IntArray:
    import torch

    if isinstance(said, torch.Tensor):
        said = said.detach().cpu()
    try:
        numbers = np.asarray(said)
    except (TypeError, ValueError):
        raise _unknown(type(said).__name__) from None
    if numbers.dtype.kind not in "iu":
        raise _unknown(f"{type(said).__name__} that makes an array of {numbers.dtype}")
    return numbers.astype(np.int64)


def _unknown(found: str) -> InterpChecksError:
    return InterpChecksError(
        "positions do not say which position counts", found=found, expected=EXPECTED
    )


def _misfit(found: str, images: int) -> InterpChecksError:
    return InterpChecksError(
        "positions do not fit the images",
        found=found,
        expected=f"{images}, one for each image in the order of the batches",
        remedy="a loader that shuffles gives images in another order: let it not, or give a "
        "function of what the model is called with",
    )


def no_such_position(positions: IntArray, shape: tuple[int, ...]) -> InterpChecksError:
    """The output has not so many positions."""
    return InterpChecksError(
        "the model has no logits at a position that was asked for",
        found=textwrap.shorten(
            f"positions from {positions.min()} to {positions.max()}, logits {list(shape)}", 200
        ),
        expected=f"positions from 0 to {shape[1] - 1}, or from -1 backwards",
    )
