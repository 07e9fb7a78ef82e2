"""Which layer of a model is its head: the one whose logits are the model's output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from interp_checks.arrays import FloatArray
from interp_checks.errors import InterpChecksError
from interp_checks.wording import listed

from .head_refusals import differing, no_vectors, not_called, not_finite, not_linear, single_call
from .heads import Head, sizes_of
from .layer_calls import Call, Seen
from .linear_maps import (
    LinearMap,
    as_float64,
    asked_map,
    is_linear_layer,
    may_be_linear,
    precision_of,
    stated_map,
)
from .output_relations import Relation, fitted, predictions

if TYPE_CHECKING:
    from torch import nn


def find_head(
    model: nn.Module,
    batches: Sequence[Seen],
    named: tuple[str, nn.Module] | None,
    class_names: Sequence[str],
) -> Head:
    """The layer whose logits are the model's output, on a few batches.

    Args:
        model: that was run.
        batches: that it was run on.
        named: the name and the layer that a user says it is.
        class_names: of K classes, if the user gave them.

    Raises:
        InterpChecksError: there is none, or there are several that mean different things.
    """
    names = {layer: repr(name) if name else "the model itself" for name, layer in _named(model)}
    parts = _parts_of_width(batches, class_names)
    layers = list(_candidates(model, batches))
    if named is not None:
        name, layer = named
        names[layer] = name
        for seen in batches:
            call = single_call(seen, layer, name)
            if call.features is None or call.logits is None or len(call.features) != seen.images:
                raise no_vectors(call, seen, name)
        chosen = [layer]
    else:
        chosen = layers
    matches = list(_matches(chosen, parts, batches))
    heads = []
    bent: list[InterpChecksError] = []
    bent_around: list[InterpChecksError] = []
    for layer, part, relation in matches:
        for seen in batches:
            single_call(seen, layer, names[layer])
        linear = _map_of(layer, batches)
        if isinstance(linear, LinearMap):
            heads.append(Head(layer, names[layer], linear, relation, part))
        elif is_linear_layer(layer) or named is not None:
            bent.append(linear(names[layer]))
        else:
            bent_around.append(linear(names[layer]))
    if heads:
        if named is None:
            _require_one_meaning(heads, batches, parts)
        return heads[0]
    widths = {rows.shape[1] for rows in parts.values()}
    if not any(is_linear_layer(layer) and _width(layer, batches) in widths for layer in chosen):
        bent += bent_around
    if bent:
        raise bent[0]
    others = [] if named is None else [layer for layer in layers if layer is not named[1]]
    hints = [names[layer] for layer, _, _ in _matches(others, parts, batches)]
    raise _no_head(model, batches, parts, chosen, names, list(dict.fromkeys(hints)), named)


def _named(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    seen: set[int] = set()
    for name, layer in model.named_modules():
        if id(layer) not in seen:
            seen.add(id(layer))
            yield name, layer


def _parts_of_width(batches: Sequence[Seen], class_names: Sequence[str]) -> dict[str, FloatArray]:
    """Parts of the output that all batches have, [n, K]; only of the classes' number, if given."""
    parts = {}
    for name in batches[0].parts:
        outputs = [seen.parts[name] for seen in batches if name in seen.parts]
        if len(outputs) == len(batches) and len({rows.shape[1] for rows in outputs}) == 1:
            parts[name] = np.concatenate([as_float64(rows) for rows in outputs])
    if class_names:
        wide = {
            name: rows for name, rows in parts.items() if max(2, rows.shape[1]) == len(class_names)
        }
        parts = wide or parts
    return parts


def _candidates(model: nn.Module, batches: Sequence[Seen]) -> Iterator[nn.Module]:
    """Layers that read and give vectors in every batch, the likeliest first.

    Linear layers come first, the last one called before the others; then modules that hold a
    matrix, from the inside out: an adapter may be a linear map as a whole.
    """
    counts = [{call.layer for call in seen.calls} for seen in batches]
    vectors: dict[nn.Module, None] = {}
    for call in batches[0].calls:
        if call.features is not None and call.logits is not None:
            vectors.pop(call.layer, None)
            vectors[call.layer] = None
    everywhere = [layer for layer in vectors if all(layer in called for called in counts)]
    yield from (layer for layer in reversed(everywhere) if is_linear_layer(layer))
    for layer in everywhere:
        if not is_linear_layer(layer) and layer is not model and may_be_linear(layer):
            yield layer


def _logits_of(layer: nn.Module, batches: Sequence[Seen]) -> list[Call] | None:
    """The last call of a layer in each batch, if all gave vectors of one width."""
    calls = []
    for seen in batches:
        own = [call for call in seen.calls if call.layer is layer]
        if not own or own[-1].features is None or own[-1].logits is None:
            return None
        if len(own[-1].logits) != seen.images or len(own[-1].features) != seen.images:
            return None
        calls.append(own[-1])
    widths = {call.logits.shape[1] for call in calls if call.logits is not None}
    return calls if len(widths) == 1 else None


def _matches(
    layers: Sequence[nn.Module], parts: Mapping[str, FloatArray], batches: Sequence[Seen]
) -> Iterator[tuple[nn.Module, str, Relation]]:
    """Layers whose logits give a part of the output; plain equality before other relations."""
    matches: list[tuple[int, nn.Module, str, Relation]] = []
    for layer in layers:
        calls = _logits_of(layer, batches)
        if calls is None:
            continue
        logits = np.concatenate([as_float64(call.logits) for call in calls])  # type: ignore[arg-type]
        for name, output in parts.items():
            if logits.shape != output.shape:
                continue
            precision = precision_of(
                *(call.logits for call in calls if call.logits is not None),
                *(seen.parts[name] for seen in batches),
                summed=max(call.summed for call in calls),
            )
            relation = fitted(logits, output, precision)
            if relation is not None:
                rank = 2 * (not is_linear_layer(layer)) + (relation.words != "the head's logits")
                matches.append((rank, layer, name, relation))
    for _, layer, name, relation in sorted(matches, key=lambda match: match[0]):
        yield layer, name, relation


def _map_of(
    layer: nn.Module, batches: Sequence[Seen]
) -> LinearMap | Callable[[str], InterpChecksError]:
    """The linear map that a layer computed, or how to say that it computed none."""
    import torch

    calls = _logits_of(layer, batches)
    assert calls is not None
    given = [call.features for call in calls if call.features is not None]
    made = [call.logits for call in calls if call.logits is not None]
    rows = calls[0].rows
    precision = precision_of(
        *given, *made, products=True, summed=max(call.summed for call in calls)
    )
    features = np.concatenate([as_float64(rows) for rows in given])
    logits = np.concatenate([as_float64(rows) for rows in made])
    sizes = np.concatenate([sizes_of(call) for call in calls])
    stated = stated_map(layer, rows) if is_linear_layer(layer) else None
    if stated is not None and stated.fits(features, logits, precision, sizes):
        return stated
    linear_map = asked_map(layer, torch.cat(given), calls[0].trailing, precision, rows)
    if linear_map is not None and linear_map.fits(features, logits, precision, sizes):
        return linear_map
    return lambda name: not_linear(name, layer, stated, features, logits)


def _require_one_meaning(
    heads: Sequence[Head], batches: Sequence[Seen], parts: Mapping[str, FloatArray]
) -> None:
    """Every other part of the output predicts the same, or is the features that the head read.

    Otherwise it may be the logits that the model is used for, and the head another one.

    Raises:
        InterpChecksError: there is such a part.
    """
    first = heads[0]
    own = predictions(parts[first.part], first.relation.threshold)
    calls = [single_call(seen, first.layer, first.name) for seen in batches]
    read = np.concatenate(
        [as_float64(call.features) for call in calls if call.features is not None]
    )
    for name, output in parts.items():
        if name == first.part or np.array_equal(output, read):
            continue
        threshold = next((head.relation.threshold for head in heads if head.part == name), 0.0)
        same_width = output.shape[1] == parts[first.part].shape[1]
        if not same_width or (predictions(output, threshold) != own).any():
            raise InterpChecksError(
                "the model puts out several things that could be its logits",
                found=", ".join(
                    f"{part or 'the output'} {list(rows.shape)}" for part, rows in parts.items()
                ),
                expected="one, or one that is called 'logits'",
                remedy=f"say which: output={first.part!r}, or name its layer, head={first.name}",
            )


def _no_head(
    model: nn.Module,
    batches: Sequence[Seen],
    parts: Mapping[str, FloatArray],
    chosen: Sequence[nn.Module],
    names: Mapping[nn.Module, str],
    hints: Sequence[str],
    named: tuple[str, nn.Module] | None,
) -> InterpChecksError:
    """Why no layer is the head."""
    calls = [call for call in batches[0].calls if is_linear_layer(call.layer)]
    if named is None and not chosen:
        if not any(is_linear_layer(layer) or _quantised(layer) for layer in model.modules()):
            return InterpChecksError(
                "the model has no linear layer to read out",
                found=type(model).__name__,
                expected="an nn.Linear as its output layer",
            )
        if not calls:
            return not_called("any linear layer")
        return no_vectors(calls[-1], batches[0], names[calls[-1].layer])
    output = next(iter(parts.values()))
    if not np.isfinite(output).all():
        return not_finite(output)
    widths = {rows.shape[1] for rows in parts.values()}
    same = [layer for layer in chosen if _width(layer, batches) in widths]
    if not same:
        layer = chosen[0]
        return InterpChecksError(
            "the head is not the output layer of the model",
            found=f"{_width(layer, batches)} outputs of the head"
            + ("" if named is not None else f", {names[layer]}, the last linear layer called"),
            expected=f"{listed(sorted(widths))}, as many as the model has",
            remedy=f"name {listed(hints)}, or leave head out"
            if hints
            else "the output layer must be a module that is called, such as an nn.Linear",
        )
    layer = same[0]
    for seen in batches:
        single_call(seen, layer, names[layer])
    made = _logits_of(layer, batches)
    assert made is not None
    logits = np.concatenate([as_float64(call.logits) for call in made if call.logits is not None])
    part = next(key for key, rows in parts.items() if rows.shape[1] == logits.shape[1])
    tensors = [call.logits for call in made if call.logits is not None]
    outputs = (seen.parts[part] for seen in batches)
    precision = precision_of(*tensors, *outputs, summed=max(call.summed for call in made))
    return differing(names[layer], layer, logits, parts[part], precision, hints)


def _width(layer: nn.Module, batches: Sequence[Seen]) -> int:
    calls = _logits_of(layer, batches)
    if calls is None or calls[0].logits is None:
        return 0
    return int(calls[0].logits.shape[1])


def _quantised(layer: nn.Module) -> bool:
    return "quantized" in type(layer).__module__
