"""Which layer of a model is its head: the one whose logits are the model's output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ._arrays import Array, FloatArray, IntArray
from .errors import InterpChecksError
from .layer_calls import Call
from .linear_maps import (
    LinearMap,
    as_float64,
    asked_map,
    is_linear_layer,
    may_be_linear,
    precision_of,
    stated_map,
)
from .output_relations import Precision, Relation, fitted, reversing_scale
from .wording import listed

if TYPE_CHECKING:
    import torch
    from torch import nn


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


@dataclass(eq=False)
class Head:
    """A layer that reads features and gives the model's logits, and how well that was seen to hold.

    Args:
        layer: of the model.
        name: of the layer, quoted.
        linear: the map that it computes.
        relation: how the model's output follows from its logits.
        part: of the model's output.
    """

    layer: nn.Module
    name: str
    linear: LinearMap
    relation: Relation
    part: str
    images: int = 0
    largest: float = 0.0
    off: float = 0.0
    otherwise: int = 0
    closest: float = np.inf

    @property
    def classes(self) -> int:
        """K; two for a single logit."""
        return max(2, len(self.linear.weight))

    def weight_and_bias(self) -> tuple[FloatArray, FloatArray]:
        """W [K, Z] and b [K]; a single logit z stands for the logits -z/2 and z/2."""
        weight, bias = self.linear.weight, self.linear.bias
        if len(weight) > 1:
            return weight, bias
        return np.concatenate([-weight / 2, weight / 2]), np.concatenate([-bias / 2, bias / 2])

    def features(self, seen: Seen) -> Array:
        """What the head read of a batch, [n, Z], once it is seen to give the model's output.

        Raises:
            InterpChecksError: it was not called once, or does not give the model's output.
        """
        import torch

        call = single_call(seen, self.layer, self.name)
        if call.features is None or call.logits is None or len(call.features) != seen.images:
            raise no_vectors(call, seen, self.name)
        if self.part not in seen.parts:
            raise InterpChecksError(
                "the model's output is of another form in a later batch",
                found=listed([repr(name) for name in seen.parts]),
                expected=repr(self.part),
            )
        features, logits = as_float64(call.features), as_float64(call.logits)
        output = as_float64(seen.parts[self.part])
        precision = precision_of(call.logits, seen.parts[self.part])
        making = precision_of(call.features, call.logits, products=True)
        if not self.linear.fits(features, logits, making):
            raise not_linear(self.name, self.layer, self.linear, features, logits)
        if output.shape != logits.shape or not self.relation.holds(logits, output, precision):
            raise differing(self.name, self.layer, logits, output, precision, (), self.relation)
        self._note(features, output, making)
        narrow = call.features.dtype in (torch.float16, torch.bfloat16)
        kept: Array = (call.features.float() if narrow else call.features).cpu().numpy()
        return kept

    def _note(self, features: FloatArray, output: FloatArray, making: Precision) -> None:
        """Count a batch, and look at predictions: rounding may only upset what is all but tied."""
        logits = self.linear(features)
        predicted = predictions(logits)
        own = predictions(output, self.relation.threshold)
        rows = np.flatnonzero(predicted != own)
        rounding = 2 * self.linear.rounding(features, making).max(axis=1)
        leads = _leads(logits)
        self.closest = min(self.closest, float(leads[leads > rounding].min(initial=np.inf)))
        if len(rows):
            ahead = np.abs(logits[rows, 0])
            if logits.shape[1] > 1:
                ahead = logits[rows, predicted[rows]] - logits[rows, own[rows]]
            tied = int((ahead > rounding[rows]).sum())
            if tied:
                raise InterpChecksError(
                    "the model's output does not tell its classes apart where its logits do",
                    found=f"{self.relation.words}, rounded so far that {tied} of {len(output)} "
                    "images are predicted otherwise",
                    expected="outputs in which the class with the largest logit is the largest",
                    remedy="let the model put out its logits",
                )
        self.images += len(output)
        self.otherwise += len(rows)
        self.largest = max(self.largest, float(np.abs(output).max()))
        self.off = max(self.off, float(self.relation.differences(logits, output).max()))

    def require_told_apart(self, tie: float) -> None:
        """What a readout takes for a tie is one in the model, too.

        Raises:
            InterpChecksError: a logit is so large that others are lost beside it.
        """
        if self.closest <= tie:
            raise InterpChecksError(
                "the head has logits of too different sizes",
                found=f"up to {self.largest:.2g}, beside which differences of {self.closest:.2g} "
                "are none",
                expected="logits of one order of magnitude",
                remedy="leave masked classes out of the head instead of pushing them down",
            )

    def provenance(self, model: nn.Module) -> dict[str, str]:
        """What the head is, and how its logits agree with the model's output, in words."""
        words = f"{self.name} ({type(self.layer).__name__})"
        if not self.linear.stated:
            words += ", by the weight that it was seen to apply"
        weight = getattr(self.layer, "weight", None)
        own = set(self.layer.modules())
        for name, part in model.named_modules():
            if (
                part not in own
                and weight is not None
                and any(value is weight for value in part._parameters.values())
            ):
                words += f", sharing its weight with {name!r}"
                break
        part = f"{self.part}: " if self.part else ""
        output = f"{part}{self.relation.words}"
        if len(self.linear.weight) == 1:
            output += f"; class 1 is predicted above {self.relation.threshold:g}"
        agreement = (
            f"features and head give the model's output within {self.off:.0e} "
            f"(largest {self.largest:.2g})"
        )
        if self.otherwise:
            agreement += f"; {self.otherwise} near ties of {self.images} images are rounded apart"
        return {"head": words, "output": output, "agreement": agreement}


def _leads(logits: FloatArray) -> FloatArray:
    """How far the largest logit of each image is ahead of the second, [n]."""
    if logits.shape[1] == 1:
        return np.abs(logits[:, 0])
    top = np.partition(logits, -2, axis=1)[:, -2:]
    leads: FloatArray = top[:, 1] - top[:, 0]
    return leads


def predictions(output: FloatArray, threshold: float = 0.0) -> IntArray:
    """The predicted class of each row; of a single logit, whether it is above a threshold."""
    if output.shape[1] == 1:
        return np.asarray(output[:, 0] > threshold, dtype=np.int64)
    return np.asarray(output.argmax(axis=1), dtype=np.int64)


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
    if not any(is_linear_layer(one) and _width(one, batches) in widths for one in chosen):
        bent += bent_around
    if bent:
        raise bent[0]
    others = [] if named is None else [one for one in layers if one is not named[1]]
    hints = [names[layer] for layer, _, _ in _matches(others, parts, batches)]
    raise _no_head(model, batches, parts, chosen, names, list(dict.fromkeys(hints)), named)


def single_call(seen: Seen, layer: nn.Module, name: str) -> Call:
    """The one call of a layer in a batch.

    Raises:
        InterpChecksError: there was none, or there were several.
    """
    calls = [call for call in seen.calls if call.layer is layer]
    if not calls:
        raise InterpChecksError(
            "the model did not call its head",
            found=f"no call of {name} ({type(layer).__name__})",
            remedy="a layer is called as layer(features); one whose weight is used by other code, "
            "or inside a compiled graph, does not show what it reads",
        )
    if len(calls) > 1:
        raise InterpChecksError(
            "the model calls its head more than once per batch",
            found=f"{name} ({type(layer).__name__}), called {len(calls)} times",
            expected="one call per batch, on one feature vector per image",
        )
    return calls[0]


def no_vectors(call: Call, seen: Seen, name: str) -> InterpChecksError:
    """What a layer read is not [n, Z]."""
    read = f"features {call.shape}" if call.shape else "no tensor"
    return InterpChecksError(
        "the head does not read one feature vector per image",
        found=f"{read} for {seen.images} labels, read by {name}",
        expected=f"[{seen.images}, features]",
        remedy="pool or pick positions before the head",
    )


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
        found = [seen.parts[name] for seen in batches if name in seen.parts]
        if len(found) == len(batches) and len({rows.shape[1] for rows in found}) == 1:
            parts[name] = np.concatenate([as_float64(rows) for rows in found])
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
    found: list[tuple[int, nn.Module, str, Relation]] = []
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
            )
            relation = fitted(logits, output, precision)
            if relation is not None:
                rank = 2 * (not is_linear_layer(layer)) + (relation.words != "the head's logits")
                found.append((rank, layer, name, relation))
    for _, layer, name, relation in sorted(found, key=lambda match: match[0]):
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
    precision = precision_of(*given, *made, products=True)
    features = np.concatenate([as_float64(rows) for rows in given])
    logits = np.concatenate([as_float64(rows) for rows in made])
    stated = stated_map(layer) if is_linear_layer(layer) else None
    if stated is not None and stated.fits(features, logits, precision):
        return stated
    trailing = (1,) * (len(calls[0].shape) - 2)
    asked = asked_map(layer, torch.cat(given), trailing, precision)
    if asked is not None and asked.fits(features, logits, precision):
        return asked
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


def not_linear(
    name: str,
    layer: nn.Module,
    linear: LinearMap | None,
    features: FloatArray,
    logits: FloatArray,
) -> InterpChecksError:
    """A layer gives something else than ``x Wᵀ + b``."""
    found = f"{name} ({type(layer).__name__})"
    if linear is not None and logits.shape[1] == len(linear.weight):
        off = np.abs(linear(features) - logits)
        differ = int((predictions(linear(features)) != predictions(logits)).sum())
        found += (
            f" gives logits that differ from its weight's by up to {off.max():.2g} (largest "
            f"{np.abs(logits).max():.2g}); predictions differ on {differ} of {len(logits)} images"
        )
    quantised = any("quantized" in type(part).__module__ for part in layer.modules())
    return InterpChecksError(
        "the head is not a linear map of what it reads",
        found=found,
        expected="x Wᵀ + b, with the same W and b for every image",
        remedy="a quantised layer rounds what it reads, as it suits the batch; read out the model "
        "as it was before"
        if quantised
        else "let a layer of its own normalise or transform the features, before an nn.Linear",
    )


def differing(
    name: str,
    layer: nn.Module,
    logits: FloatArray,
    output: FloatArray,
    precision: Precision,
    hints: Sequence[str],
    relation: Relation | None = None,
) -> InterpChecksError:
    """A layer's logits are not the model's output."""
    off = np.abs((logits if relation is None else relation.predicted(logits, output)) - output)
    threshold = 0.0 if relation is None else relation.threshold
    differ = int((predictions(logits) != predictions(output, threshold)).sum())
    what = "logits" if relation is None else f"output ({relation.words} before)"
    found = (
        f"{name} ({type(layer).__name__}): {what} and the model's output differ by up to "
        f"{np.nanmax(off):.2g} (largest {np.nanmax(np.abs(output)):.2g}); predictions differ on "
        f"{differ} of {len(output)} images"
    )
    scale = reversing_scale(logits, output, precision)
    if scale is not None:
        found += f"; the output is {scale:.4g} times the logits, so their order is reversed"
    remedy = (
        "make the last layer one nn.Linear: merge adapters, average the heads' weights, fold in "
        "what is added, scaled or masked"
    )
    if hints:
        remedy = f"the output is that of {listed(hints)}: name it, head=..., or leave head out"
    elif len(output) < 16:
        remedy += "; so few images may also not be enough to see how the output follows"
    return InterpChecksError(
        "what the head computes is not what the model puts out",
        found=found,
        expected="the head's logits, or their softmax, log-softmax, sigmoid, soft cap or positive "
        "multiple",
        remedy=remedy,
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
            return InterpChecksError(
                "the model did not call its head",
                found="no call of any linear layer",
                remedy="a layer is called as layer(features); one whose weight is used by other "
                "code, or inside a compiled graph, does not show what it reads",
            )
        return no_vectors(calls[-1], batches[0], names[calls[-1].layer])
    name, output = next(iter(parts.items()))
    broken = {part: int((~np.isfinite(rows)).sum()) for part, rows in parts.items()}
    if broken[name]:
        return InterpChecksError(
            "the model's output has values that are not finite",
            found=f"{broken[name]} of {output.size} are NaN or infinite",
            expected="finite logits",
            remedy="a training that diverged gives such outputs, and so does a mask of -inf: leave "
            "masked classes out of the head",
        )
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
    precision = precision_of(*tensors, *(seen.parts[part] for seen in batches))
    return differing(names[layer], layer, logits, parts[part], precision, hints)


def _width(layer: nn.Module, batches: Sequence[Seen]) -> int:
    calls = _logits_of(layer, batches)
    if calls is None or calls[0].logits is None:
        return 0
    return int(calls[0].logits.shape[1])


def _quantised(layer: nn.Module) -> bool:
    return "quantized" in type(layer).__module__
