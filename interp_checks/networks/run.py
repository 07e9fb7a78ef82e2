"""One sweep over gate ablations: which engine runs it, and what the reference settles."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Literal

import numpy as np

from interp_checks.ablations.targets.gate_weights import GateWeights
from interp_checks.arrays import Array, IntArray
from interp_checks.counting.engines import can_compile
from interp_checks.counting.job import Progress, available_threads
from interp_checks.counting.proof import proven
from interp_checks.errors import InterpChecksError
from interp_checks.wording import one_of

from .reference import BATCH, AblatedWeights, Reading, Reference, checked, predict

if TYPE_CHECKING:
    import torch
    from torch import nn

    from .compiled_engine import Compiled

GateEngine = Literal["auto", "compiled", "torch"]
#: Which weights, and the directions of theirs that stay (from 1); or the same with the pieces
#: that are to stand in the place of singular directions.
GateAblation = tuple[GateWeights, tuple[int, ...]] | AblatedWeights

#: The compiled engine must give the logits of the model as it is within this, relative to the
#: largest; otherwise it computes another function than the model.
_AGREEMENT = 1e-4
#: How wrong the compiled engine's hidden states are taken to be. Measured through the leads on
#: the shipped classifier (1,000 images, all ablations that drop or keep one direction of one
#: gate's weights), they are off by 1e-6 at most. Where the lead of the predicted class could be
#: upset by an error 200 times as large, the reference decides.
_SLACK = 2e-4
#: If a lead turns out to be off by more than this share of what is allowed for, an ablation
#: is too sensitive for float32, and all of its predictions are made by the reference.
_ALARM = 0.1
#: How far PyTorch's own hidden states depend on which inputs are in the batch. Where that could
#: upset a prediction, the whole batch is run, so that it is the prediction of that batch.
_OWN_BITS = 2e-6
#: Inputs of every ablation that the reference runs as well, doubtful or not.
_PROBES = 16
#: Multiplications that PyTorch does while compiled code is still being loaded.
_WORTH_LOADING = 2 * 10**9
#: With more hidden units (measured: 1.7 times faster with 128, 0.6 times with 256), PyTorch's
#: matrix products win.
_MOST_UNITS = 128
#: Predictions (and leads) that are kept at a time, in bytes.
_MOST_BYTES = 64 * 2**20


class Run:
    """A checked request, the engine that was chosen, and the model's own predictions."""

    def __init__(
        self,
        model: nn.Module,
        inputs: torch.Tensor,
        ablations: Sequence[GateAblation],
        engine: GateEngine,
        threads: int | None,
        progress: Progress | None,
        reading: Reading | None = None,
    ) -> None:
        one_of(engine, "auto", "compiled", "torch")
        if threads is not None and threads < 1:
            raise InterpChecksError(
                f"a sweep cannot use {threads} threads", expected="1 or more threads"
            )
        self.inputs, self.progress, self.done = inputs, progress, 0
        self.reference = Reference(model, reading)
        self.ablations = checked(self.reference, ablations)
        if not hasattr(inputs, "split") or not inputs.ndim or not len(inputs):
            raise InterpChecksError(
                "there are no inputs to run the model on", expected="a tensor [inputs, ...]"
            )
        with _one_torch_thread() if self._is_small() else nullcontext():
            given = [self.reference.logits(None, part) for part in self._pieces()]
            logits = np.concatenate([rows.float().cpu().numpy() for rows in given])
        if len(logits) != len(inputs):
            raise InterpChecksError(
                "the model does not give one row of logits per input",
                found=f"{len(logits)} for {len(inputs)}",
                expected="inputs along the first dimension",
            )
        own = [self.reference.predicted(rows).cpu().numpy() for rows in given]
        self.intact: IntArray = np.concatenate(own)
        self.classes = logits.shape[1]
        self.dtype = np.min_scalar_type(max(self.classes - 1, 1))
        self.compiled = self._compiled(logits, engine, threads or available_threads())

    def _compiled(self, logits: Array, engine: GateEngine, threads: int) -> Compiled | None:
        """The compiled engine, if it is wanted and computes what the model does."""
        loaded = "interp_checks.networks.compiled_engine" in sys.modules
        slower = self.reference.recurrent.hidden_size > _MOST_UNITS
        if engine == "torch" or (
            engine == "auto" and (slower or (not loaded and self._is_small()))
        ):
            return None
        reason: str | None = "no numba that may compile"
        if can_compile():
            from .compiled_engine import Compiled, why_not
            from .proof import agrees_with_numpy

            reason = why_not(self.reference, self.inputs)
            if reason is None and not proven(
                "recurrent", lambda: agrees_with_numpy(Compiled), "PyTorch"
            ):
                reason = "compiled loops that give other results than numpy on this machine"
            if reason is None:
                images = np.ascontiguousarray(self.inputs.detach().numpy())
                compiled = Compiled(self.reference, images, threads)
                own = compiled.intact_logits()
                off = np.inf if own.shape != logits.shape else float(np.abs(own - logits).max())
                if off <= _AGREEMENT * max(1.0, float(np.abs(logits).max())):
                    return compiled
                reason = f"logits that differ from its own by {off:.2g}"
        if engine == "compiled":
            raise InterpChecksError(
                "the compiled engine does not know this kind of model",
                found=reason,
                expected="an nn.LSTM that reads inputs [N, steps, features] from a state of "
                "zeros, and an nn.Linear that reads its last hidden state",
                remedy='engine="auto" takes another one',
            )
        return None

    def _is_small(self) -> bool:
        """Whether PyTorch is done before compiled code is loaded."""
        weights = sum(part.numel() for part in self.reference.state.values())
        steps = self.inputs.shape[1] if self.inputs.ndim > 1 else 1
        return weights * steps * len(self.inputs) * len(self.ablations) < _WORTH_LOADING

    def _pieces(self) -> Sequence[torch.Tensor]:
        pieces: Sequence[torch.Tensor] = self.inputs.split(BATCH)
        return pieces

    def parts(self) -> Iterable[slice]:
        """Ablations, a few at a time: few enough to keep what is computed for each input."""
        each = len(self.inputs) * (4 + self.dtype.itemsize)
        size = max(1, _MOST_BYTES // each)
        for start in range(0, len(self.ablations), size):
            yield slice(start, min(start + size, len(self.ablations)))

    def predict(self, rows: slice) -> Array:
        """Predictions of some of the ablations, [A, N]."""
        ablations = self.ablations[rows]
        if self.compiled is not None:
            return self._settled(self.compiled, ablations)
        predicted = np.empty((len(ablations), len(self.inputs)), dtype=self.dtype)
        start = 0
        with _one_torch_thread() if self._is_small() else nullcontext():
            for part in self._pieces():
                stop = start + len(part)
                predicted[:, start:stop] = predict(self.reference, ablations, (part,))
                self._report(len(ablations) * len(part))
                start = stop
        return predicted

    def _settled(self, compiled: Compiled, ablations: Sequence[AblatedWeights]) -> Array:
        """Compiled predictions, of which the reference settles the doubtful ones."""
        predicted = np.empty((len(ablations), len(self.inputs)), dtype=self.dtype)
        lead = compiled.predict(
            ablations, predicted, lambda images: self._report(len(ablations) * images)
        )
        allowed = 2 * compiled.scale * _SLACK
        probes = np.unique(np.linspace(0, len(self.inputs) - 1, _PROBES).astype(np.int64))
        again = []
        with _one_torch_thread():
            for row, ablation in enumerate(ablations):
                # A lead that is not a number is not larger than anything either.
                doubtful = ~(lead[row] > allowed)
                doubtful[probes] = True
                images = np.flatnonzero(doubtful)
                off, ahead = self._settle(ablation, images, predicted[row], lead[row])
                if off > _ALARM * allowed:
                    images = np.arange(len(self.inputs))
                else:
                    images = images[ahead <= 2 * compiled.scale * _OWN_BITS]
                if len(images):
                    again.append((row, images))
        for row, images in again:
            for piece in np.unique(images // BATCH):
                inside = images[images // BATCH == piece]
                part = self.inputs[piece * BATCH : (piece + 1) * BATCH]
                whole = predict(self.reference, [ablations[row]], (part,))[0]
                predicted[row, inside] = whole[inside - piece * BATCH]
        return predicted

    def _settle(
        self, ablation: AblatedWeights, images: IntArray, predicted: Array, lead: Array
    ) -> tuple[float, Array]:
        """Let the reference predict some images by themselves.

        Returns:
            How far their leads were off at most, and what they are according to the reference.
        """
        worst, ahead = 0.0, np.empty(len(images))
        for start in range(0, len(images), BATCH):
            batch = images[start : start + BATCH]
            given = self.reference.logits(ablation, self.inputs[batch])
            logits = given.numpy()
            every = np.arange(len(batch))
            first = logits[every, predicted[batch]]
            others = logits.copy()
            others[every, predicted[batch]] = -np.inf
            signed = first - others.max(axis=1)
            ahead[start : start + BATCH] = np.abs(signed)
            off = np.abs(lead[batch] - signed)
            worst = max(worst, float(off.max())) if np.isfinite(off).all() else np.inf
            predicted[batch] = self.reference.predicted(given).numpy()
        return worst, ahead

    def _report(self, done: int) -> None:
        self.done += done
        if self.progress is not None:
            self.progress(self.done, len(self.ablations) * len(self.inputs))


@contextmanager
def _one_torch_thread() -> Iterator[None]:
    """Forward passes of a few inputs take longer on many threads, far longer on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
