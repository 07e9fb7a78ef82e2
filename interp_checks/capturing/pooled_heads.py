"""Find a head that is applied to every position, from how the model pools its logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from interp_checks.errors import InterpChecksError

from .batches import Batch
from .head_search import find_head
from .heads import Head
from .layer_calls import Seen, recording
from .linear_maps import may_be_linear
from .model_run import ModelRun
from .pooled_calls import Pooling, not_pooled, poolings, spanning_layers

if TYPE_CHECKING:
    from torch import nn


def find_pooled_head(
    run: ModelRun,
    batches: Sequence[Batch],
    first: Sequence[Seen],
    named: tuple[str, nn.Module] | None,
    class_names: Sequence[str],
) -> tuple[Head, Pooling, list[Seen]] | None:
    """A layer whose logits the model pools, and what it reads of each image; None if none is.

    Args:
        run: the model, which is run once more.
        batches: a few.
        first: what was seen when it ran on them first.
        named: the name and the layer that a user says it is.
        class_names: of K classes, if the user gave them.

    Raises:
        InterpChecksError: there is a layer that could be the head, but its logits are not pooled
            so that one feature vector of each image gives the output.
    """
    layers = [
        layer
        for layer in spanning_layers(first)
        if (layer is not run.model if named is None else layer is named[1])
    ]
    if not layers:
        return None
    with recording(layers, spanning=layers) as recorder:
        spans = [run.again(batch, recorder) for batch in batches]
    names = {part: repr(name) for name, part in run.model.named_modules()}
    for layer in layers:
        for pooling in poolings(spans, layer, names[layer]):
            seen = [pooling.of(batch, layer) for batch in spans]
            pooled = [run.among_candidates(batch) for batch in seen if batch is not None]
            if len(pooled) < len(spans):
                continue
            try:
                return find_head(run.model, pooled, named, class_names), pooling, pooled
            except InterpChecksError:
                continue
    widths = {part.shape[1] for part in first[0].parts.values()}
    if any(
        call.features is not None
        and call.logits is not None
        and call.logits.shape[1] in widths
        and may_be_linear(call.layer)
        for call in first[0].calls
        if call.layer is not run.model
    ):
        return None  # it may be the head, and what is wrong with it is known
    call = next(call for call in first[0].calls if call.layer is layers[0])
    raise not_pooled(call, first[0], names[layers[0]])
