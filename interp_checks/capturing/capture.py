"""Make a readout from any PyTorch model: run it on batches and keep what its head reads.

Modules that import torch do so when they are called.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_checks.arrays import Array, IntArray
from interp_checks.errors import InterpChecksError
from interp_checks.networks.model_state import evaluating, require_weights, uncompiled
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.intervals import CONFIDENCE

from .batches import Batch, InputDigest
from .candidates import candidate_numbers
from .class_names import class_names_of
from .head_search import find_head
from .heads import Head
from .label_maps import LabelMap, mapped_classes, numbers_by_label
from .labels import class_numbers
from .layer_calls import Seen, recording
from .mapped_rows import MappedRows
from .model_outputs import Output
from .model_run import ModelRun, not_empty
from .named_heads import named_head
from .pooled_calls import Pooling
from .pooled_heads import find_pooled_head
from .positions import Positions, Said
from .progress import Progress, Telling

if TYPE_CHECKING:
    import torch
    from torch import nn

#: The head is looked for on so many images, or on all if there are fewer.
_ENOUGH = 64


def readout_of(
    model: nn.Module,
    batches: Iterable[Any],
    *,
    head: nn.Module | str | None = None,
    output: Output = None,
    positions: Said = None,
    candidates: Sequence[int] | None = None,
    class_names: Sequence[str] = (),
    label_map: LabelMap | None = None,
    provenance: Mapping[str, str] | None = None,
    confidence: float = CONFIDENCE,
    keep_inputs: bool = False,
    base: nn.Module | Mapping[str, torch.Tensor] | None = None,
    progress: Progress | None = None,
    features_file: str | os.PathLike[str] | None = None,
) -> Readout:
    """Run a model and keep the features that its linear head reads.

    The head is the last linear layer whose logits are the model's output, or give it by an
    increasing function that is the same for all classes (a softmax, log-softmax, sigmoid, soft
    cap or positive multiple). That is checked on every image, within the rounding of the model's
    type; the readout's provenance says what was found, and how far the two were apart. A model
    that does something else after its head is refused.

    The model runs in evaluation mode, uncompiled, and is left as it was found. Features are
    copied as they are read: N x Z numbers, and one batch of logits more.

    Args:
        model: any module whose output layer is linear and is called once per batch, on features
            [batch, Z] (or [batch, Z, h, w] for a convolution of 1 x 1). Features may also be those
            of many positions, [batch, P, Z], if the output is the logits of one position of each
            image, or the mean of them all. A single logit makes two classes.
        batches: pairs of inputs and labels, or mappings that have labels under "labels",
            "label", "targets", "target" or "y". Inputs are a tensor or array, a packed sequence,
            a tuple of the model's arguments, or a mapping of them by name; they go to the
            device of the model. Labels are class numbers [batch], one-hot rows [batch, K], or
            names of classes.
        head: the output layer, or its name within the model, if it is to be this one.
        output: where the logits are in what the model returns, if that is more than a tensor: a
            name ("logits", "heads.digit"), a position, or a function of it.
        positions: which position of each image counts, where the model puts out logits for all,
            [batch, P, K]: "last" (that is not padding, by the attention mask or the padding
            token), a whole number for all images, whole numbers [N] in the order of the batches,
            or a function that gives them [batch] for what the model is called with.
        candidates: which of the model's outputs are the classes, by number, in the order of the
            classes: tokens of a vocabulary. The prediction is the largest of their logits alone.
        class_names: K names; when left out those of the model's configuration, else of the data
            set, else "0", "1", ... (of candidates, their numbers).
        label_map: the class of each label, where labels are no class numbers; or a sequence
            whose i-th entry is the label of class i.
        provenance: where model and images came from, in plain words by topic.
        confidence: of every interval that is derived from the readout.
        keep_inputs: keep all inputs in memory, and the model, so that claims about weights inside
            it can be judged; inputs must be tensors of the same shape.
        base: the model that this one was fine-tuned from, or its state dict, for claims about
            updates; with ``keep_inputs``.
        progress: called after each batch with the number of images that are done, and of all
            images (None where that is not known before).
        features_file: where features are written to as they are read, in the place of memory; the
            readout then maps the file, which must stay while it is used.

    Raises:
        InterpChecksError: no linear layer gives the model's output, a batch or its labels are
            none of the above, positions or candidates do not fit the output, or there are no
            batches.
    """
    import torch

    model = uncompiled(model)
    require_weights(model)
    named = named_head(model, head)
    counting = None if positions is None else Positions(positions, model)
    chosen = None if candidates is None else candidate_numbers(candidates)
    if counting is not None and keep_inputs:
        raise _not_kept("positions that were given")
    run = ModelRun(model, output, counting, chosen, keep_inputs)
    told, digest = Telling(progress, batches), InputDigest()
    with evaluating(model), torch.no_grad():
        stream = not_empty(model, batches, digest)
        first, seen = _first_batches(run, stream, named, told)
        model_head, pooling, seen = _find(run, first, seen, named, class_names)
        names, source = tuple(class_names), ""
        if not names:
            names, source = class_names_of(model, batches, model_head.classes, chosen)
        _require_names(model_head, names)
        kept = _Kept(model_head, names, label_map, features_file)
        for batch, each in zip(first, seen, strict=True):
            kept.add(each, batch.labels)
        del first, seen
        layer = model_head.layer
        with recording([layer], spanning=[layer] if pooling else ()) as recorder:
            for batch in stream:
                each = run.through(batch, recorder)
                if pooling is not None:
                    each = pooling.required_of(each, layer, model_head.name)
                kept.add(run.among_candidates(each), batch.labels)
                told.more(len(batch))
        # Still in evaluation mode: some weights move when they are read in training.
        noted = model_head.provenance(model)
    if pooling is not None:
        noted["positions"] = pooling.words
    if counting is not None:
        counting.require_all_used()
        noted["positions"] = counting.words
    if source:
        noted["classes"] = source
    weight, bias = model_head.weight_and_bias()
    readout = Readout(
        features=kept.all_features(),
        labels=np.concatenate(kept.labels),
        weight=weight,
        bias=bias,
        class_names=names,
        provenance={**noted, **run.notes, **digest.noted, **(provenance or {})},
        confidence=confidence,
    )
    model_head.require_told_apart(readout.tie)
    if not keep_inputs:
        return readout
    return replace(readout, network=run.network(readout, model_head.layer, _state_of(base)))


class _Kept:
    """Features and labels, batch after batch.

    Args:
        head: of the model.
        class_names: K names, or none.
        label_map: of the user, if there is one.
        file: which features are written to, in the place of memory.

    Raises:
        InterpChecksError: the label_map does not fit the model.
    """

    def __init__(
        self,
        head: Head,
        class_names: Sequence[str],
        label_map: LabelMap | None,
        file: str | os.PathLike[str] | None,
    ) -> None:
        self.head, self.class_names = head, class_names
        self.by_label = None if label_map is None else numbers_by_label(label_map, head.classes)
        self.features: list[Array] | MappedRows = [] if file is None else MappedRows(file)
        self.labels: list[IntArray] = []

    def all_features(self) -> Array:
        """Of all images, [N, Z]; each batch is let go when it is copied."""
        if isinstance(self.features, MappedRows):
            return self.features.mapped()
        rows = self.features
        every = np.empty((sum(map(len, rows)), rows[0].shape[1]), np.result_type(*rows))
        end = len(every)
        while rows:
            batch = rows.pop()
            every[end - len(batch) : end] = batch
            end -= len(batch)
        return every

    def add(self, seen: Seen, labels: Any) -> None:
        """Keep a batch, once its features are seen to give the model's output.

        Raises:
            InterpChecksError: they do not, or labels are no classes.
        """
        self.features.append(self.head.features(seen))
        if self.by_label is not None:
            self.labels.append(mapped_classes(labels, self.by_label))
        else:
            self.labels.append(class_numbers(labels, self.head.classes, self.class_names))


def _first_batches(
    run: ModelRun, stream: Iterator[Batch], named: tuple[str, nn.Module] | None, told: Telling
) -> tuple[list[Batch], list[Seen]]:
    """So many batches that a head can be looked for in them, and what all layers did.

    Raises:
        InterpChecksError: there are none, or the model does not run on one.
    """
    first: list[Batch] = []
    seen: list[Seen] = []
    layers = dict.fromkeys([*run.model.modules(), *([] if named is None else [named[1]])])
    with recording(layers) as recorder:
        while sum(each.images for each in seen) < _ENOUGH:
            batch = next(stream, None)
            if batch is None:
                break
            first.append(batch)
            seen.append(run.through(batch, recorder))
            told.more(len(batch))
    if not first:
        raise InterpChecksError("there are no batches to run the model on")
    return first, seen


def _find(
    run: ModelRun,
    batches: Sequence[Batch],
    seen: list[Seen],
    named: tuple[str, nn.Module] | None,
    class_names: Sequence[str],
) -> tuple[Head, Pooling | None, list[Seen]]:
    """The head; how the model pools its logits, if it does; and what the head read and gave.

    Raises:
        InterpChecksError: there is none.
    """
    among = [run.among_candidates(each) for each in seen]
    try:
        head = find_head(run.model, among, named, class_names)
    except InterpChecksError:
        pooled = None
        if run.positions is None:
            pooled = find_pooled_head(run, batches, seen, named, class_names)
        if pooled is None:
            raise
        if run.keep_inputs:
            raise _not_kept("logits that the model pools") from None
        return pooled
    if run.positions is not None:
        call = next(call for call in among[0].calls if call.layer is head.layer)
        if not call.pooled:
            raise InterpChecksError(
                "positions are of no use: the head reads one feature vector per image",
                found=f"features {call.shape}, read by {head.name}",
                remedy="leave positions out",
            )
    return head, None, among


def _not_kept(what: str) -> InterpChecksError:
    return InterpChecksError(
        "inputs cannot be kept where the head is applied to every position",
        found=what,
        expected="a head that reads one feature vector per image",
        remedy="leave keep_inputs out: claims about weights inside the model are then not judged",
    )


def _state_of(base: nn.Module | Mapping[str, torch.Tensor] | None) -> Any:
    """Tensors by name of a base model.

    Raises:
        InterpChecksError: it is neither a module nor a state dict.
    """
    if base is None:
        return None
    state = base.state_dict() if hasattr(base, "state_dict") else base
    if not isinstance(state, Mapping) or not all(
        hasattr(each, "detach") for each in state.values()
    ):
        raise InterpChecksError(
            "this is no base model",
            found=type(base).__name__,
            expected="a torch.nn.Module, or its state dict",
        )
    # A copy: training may go on with the same tensors.
    return {name: tensor.detach().clone() for name, tensor in state.items()}


def _require_names(head: Head, class_names: Sequence[str]) -> None:
    if class_names and len(class_names) != head.classes:
        raise InterpChecksError(
            f"class_names do not fit the {head.classes} classes of the model",
            found=f"{len(class_names)} names",
            expected=f"{head.classes}, in the order of the outputs of {head.name}",
            remedy="if the model has several heads, this may be another one: name it, head=...",
        )
