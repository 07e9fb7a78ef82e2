"""Ablations of gate weights × inputs → predictions and counts.

The reference is PyTorch's own layer, called with one parameter replaced
(:mod:`interp_checks.networks.reference`); it works for any model with one recurrent module. The
compiled engine (:mod:`interp_checks.networks.compiled_engine`) runs many ablated copies of a common
kind of model at once, and what it cannot decide beyond doubt is run by the reference. So the
predictions are PyTorch's with either engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_checks.ablations.targets.gate_weights import GateWeights
from interp_checks.arrays import Array, IntArray
from interp_checks.counting.job import Counts, Progress
from interp_checks.errors import InterpChecksError

from .reference import BATCH, Reading, Reference, batches_of, checked, predict
from .run import GateAblation as GateAblation
from .run import GateEngine as GateEngine
from .run import Run

if TYPE_CHECKING:
    import torch
    from torch import nn


def ablated_predictions(
    model: nn.Module,
    inputs: torch.Tensor | Iterable[tuple[Any, Any]],
    target: GateWeights,
    kept: Sequence[tuple[int, ...]],
    *,
    batch_dim: int = 0,
    progress: Progress | None = None,
) -> IntArray:
    """What PyTorch's own layer predicts when one gate's weights keep only some directions.

    The model runs in the mode it is in. Its parameters and buffers are not written to.

    Args:
        model: any module with one ``nn.LSTM``, ``nn.GRU`` or ``nn.RNN`` in it, whose output is
            logits [n, K].
        inputs: a tensor of N inputs, run 2,500 at a time; or batches as
            :func:`interp_checks.readout_of` takes them, pairs of inputs and labels. The inputs
            of a batch may be a tuple of the model's arguments, an initial state among them.
        target: the weights that are ablated.
        kept: A sets of directions that stay, from 1.
        batch_dim: the dimension along which a tensor of inputs is cut.
        progress: told after each batch how many forward passes are done, and how many there
            are as far as is known.

    Returns:
        Predicted classes, [A, N]; the lowest on a tie.

    Raises:
        InterpChecksError: see :func:`interp_checks.networks.gates.recurrent_module`; or the model
            is training with dropout or batch norm, or its output is not logits.
        NotJudgedError: there is no such direction.
    """
    reference = Reference(model)
    ablations = checked(reference, [(target, stay) for stay in kept])
    parts: list[IntArray] = []
    for arguments in batches_of(inputs, batch_dim):
        parts.append(predict(reference, ablations, arguments))
        if progress is not None:
            batches = len(parts)
            if hasattr(inputs, "shape"):
                batches = -(-int(inputs.shape[batch_dim]) // BATCH)
            progress(len(parts) * len(ablations), batches * len(ablations))
    if not parts:
        raise InterpChecksError("there are no batches to run the model on")
    return np.concatenate(parts, axis=1)


def predict_gates(
    model: nn.Module,
    inputs: torch.Tensor,
    ablations: Sequence[GateAblation],
    *,
    engine: GateEngine = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
    reading: Reading | None = None,
) -> Array:
    """Predict every input under each ablation, of any of the gates.

    Args:
        model: see :func:`ablated_predictions`.
        inputs: [N, ...], a tensor.
        ablations: A pairs of weights and the directions that stay.
        engine: "torch" is the reference; "compiled" is for LSTM classifiers alone; "auto" takes
            the compiled one where it can be used. The predictions are the same.
        threads: of the compiled engine, at most; the processors that this process may use when
            left out.
        progress: told now and then how many pairs of ablation and input are done, and of how
            many.
        reading: where logits are made of a layer's features; the model's output when left out.

    Returns:
        Predicted classes, [A, N], in the smallest unsigned type that holds them.

    Raises:
        InterpChecksError: see :func:`ablated_predictions`; or the engine does not exist, or
            cannot be used for this model.
        NotJudgedError: there is no such direction.
    """
    run = Run(model, inputs, ablations, engine, threads, progress, reading)
    predicted = np.empty((len(run.ablations), len(inputs)), dtype=run.dtype)
    for rows in run.parts():
        predicted[rows] = run.predict(rows)
    return predicted


def sweep_gates(
    model: nn.Module,
    inputs: torch.Tensor,
    labels: Array | torch.Tensor,
    ablations: Sequence[GateAblation],
    *,
    engine: GateEngine = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Counts:
    """Count true against predicted classes under each ablation, a part of them at a time.

    Args:
        model: see :func:`ablated_predictions`; K classes.
        inputs: [N, ...], a tensor.
        labels: [N], true classes from 0.
        ablations: see :func:`predict_gates`, with engine, threads and progress.
        engine: see there.
        threads: see there.
        progress: see there.

    Returns:
        Confusion counts [A, K, K]; right, and right as the model is as well, [A, K].

    Raises:
        InterpChecksError: see :func:`predict_gates`; or labels do not fit.
    """
    truth = np.asarray(labels.numpy(force=True) if hasattr(labels, "numpy") else labels)
    run = Run(model, inputs, ablations, engine, threads, progress)
    classes = run.classes
    fit = truth.shape == (len(inputs),) and np.issubdtype(truth.dtype, np.integer)
    if not fit or truth.min() < 0 or truth.max() >= classes:
        raise InterpChecksError(
            "the labels do not fit",
            found=f"{truth.dtype} {list(truth.shape)}",
            expected=f"whole numbers [{len(inputs)}] from 0 to {classes - 1}",
        )
    truth = truth.astype(np.int64)
    counts = Counts.none(len(run.ablations), classes, True)
    confusion = counts.confusion
    assert confusion is not None
    was_right = run.intact == truth
    for rows in run.parts():
        for row, predicted in zip(range(rows.start, rows.stop), run.predict(rows), strict=True):
            pairs = np.bincount(truth * classes + predicted, minlength=classes**2)
            confusion[row] = pairs.reshape(classes, classes)
            both = truth[was_right & (predicted == truth)]
            counts.both[row] = np.bincount(both, minlength=classes)
    counts.right[:] = np.diagonal(confusion, axis1=1, axis2=2)
    return counts
