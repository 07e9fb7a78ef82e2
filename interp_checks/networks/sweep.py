"""Ablations of gate weights × inputs → predictions.

The reference is PyTorch's own layer, called with one parameter replaced
(:mod:`interp_checks.networks.reference`); it works for any model with one recurrent module. The
compiled engine (:mod:`interp_checks.networks.compiled_engine`) runs many ablated copies of a common
kind of model at once, and what it cannot decide beyond doubt is run by the reference. So the
predictions are PyTorch's with either engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from interp_checks.arrays import Array
from interp_checks.counting.job import Progress

from .reference import Reading
from .run import GateAblation as GateAblation
from .run import GateEngine as GateEngine
from .run import Run

if TYPE_CHECKING:
    import torch
    from torch import nn


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
        model: any module with one ``nn.LSTM``, ``nn.GRU`` or ``nn.RNN`` in it, whose output is
            logits [n, K]. It runs in the mode it is in; its parameters and buffers are not
            written to.
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
        InterpChecksError: see :func:`interp_checks.networks.gates.recurrent_module`; or the model
            is training with dropout or batch norm, or its output is not logits; or the engine
            does not exist, or cannot be used for this model.
        NotJudgedError: there is no such direction.
    """
    run = Run(model, inputs, ablations, engine, threads, progress, reading)
    predicted = np.empty((len(run.ablations), len(inputs)), dtype=run.dtype)
    for rows in run.parts():
        predicted[rows] = run.predict(rows)
    return predicted
