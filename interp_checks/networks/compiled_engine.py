"""The compiled engine for LSTM classifiers: many ablated copies, sharing what does not change.

It knows one kind of model: an ``nn.LSTM`` that runs forward from a state of zeros, and an
``nn.Linear`` that reads its last hidden state. Whether a model is of that kind is measured, not
read off its code: the logits of all inputs must agree with the model's.

Sums are float32, in another order than PyTorch's, so the last bits differ. What is closer than
these bits could decide is reported as doubtful, and left to the reference engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_checks.ablations.directions import Directions
from interp_checks.ablations.targets.gate_weights import GATES, GateWeights
from interp_checks.arrays import Array, FloatArray
from interp_checks.counting.kernels.numba_setup import run_loops

from . import kernels as kernels
from .kernels import CHUNK, LANES

if TYPE_CHECKING:
    from .reference import AblatedWeights, Reference

#: See :mod:`interp_checks.networks.kernels`: sigmoids of i, f and o, hyperbolic tangent of g.
_SCALES = -np.log2(np.e) * np.array([1.0, 1.0, 2.0, 1.0])


def why_not(reference: Reference, inputs: Any) -> str | None:
    """What about a model or its inputs this engine does not know; None if nothing."""
    import torch
    from torch import nn

    recurrent = reference.recurrent
    heads = [part for part in reference.model.modules() if isinstance(part, nn.Linear)]
    parameters = list(reference.model.parameters())
    if type(recurrent) is not nn.LSTM or recurrent.bidirectional or not recurrent.batch_first:
        return f"{recurrent}, not an nn.LSTM that runs forward, batch first"
    if len(heads) != 1 or heads[0].in_features != recurrent.hidden_size:
        return f"{len(heads)} linear layers, not one that reads the last hidden state"
    if any(part.dtype != torch.float32 or part.device.type != "cpu" for part in parameters):
        return "weights that are not float32 on the CPU"
    if not all(bool(part.isfinite().all()) for part in parameters):
        return "weights that are not finite"
    if not isinstance(inputs, torch.Tensor) or inputs.dtype != torch.float32 or inputs.ndim != 3:
        return "inputs that are not one float32 tensor [N, steps, features]"
    if inputs.device.type != "cpu" or inputs.shape[2] != recurrent.input_size or 0 in inputs.shape:
        return f"inputs {tuple(inputs.shape)} on {inputs.device}"
    if not bool(inputs.isfinite().all()):
        return "inputs that are not finite"
    # No sum of products can overflow float32, where it would silently close a gate. Hidden
    # states are at most one, and so are the entries of directions.
    largest = max(float(part.detach().abs().max()) for part in parameters)
    reach = (
        max(1.0, float(inputs.detach().abs().max())) * largest * sum(p.numel() for p in parameters)
    )
    return f"weights and inputs whose products reach {reach:.0e}" if reach > 1e30 else None


class Compiled:
    """An LSTM classifier with its weights packed for the kernels.

    Args:
        reference: the model; see :func:`why_not`.
        inputs: [N, T, F], float32.
        threads: how many blocks of inputs are run at a time.
    """

    def __init__(self, reference: Reference, inputs: Array, threads: int) -> None:
        from torch import nn

        self.reference, self.inputs, self.threads = reference, inputs, threads
        recurrent = reference.recurrent
        self.layers, self.units = recurrent.num_layers, recurrent.hidden_size
        self.steps, self.features = inputs.shape[1:]
        self.padded, self.wide = _padded(self.units), _padded(self.features)
        heads = (part for part in reference.model.modules() if isinstance(part, nn.Linear))
        head: Any = next(heads)
        self.head = head.weight.detach().numpy().copy()
        zeros = np.zeros(len(self.head), dtype=np.float32)
        self.head_bias = zeros if head.bias is None else head.bias.detach().numpy().copy()
        state = {name: part.detach().double().numpy() for name, part in reference.state.items()}
        self.bias = np.zeros((self.layers, 4 * self.units), dtype=np.float32)
        if recurrent.bias:
            for layer in range(self.layers):
                both = state[f"bias_ih_l{layer}"] + state[f"bias_hh_l{layer}"]
                scaled = both.reshape(4, self.units).T * _SCALES
                self.bias[layer] = scaled.ravel()
        self.first = self._packed(state["weight_ih_l0"], self.wide)
        self.recurrent = np.stack(
            [self._packed(state[f"weight_hh_l{n}"], self.padded) for n in range(self.layers)]
        )
        self.between = np.zeros_like(self.recurrent)
        for layer in range(1, self.layers):
            self.between[layer] = self._packed(state[f"weight_ih_l{layer}"], self.padded)
        self.state = state

    @property
    def scale(self) -> float:
        """How far a logit can move if every hidden unit moves by one."""
        return float(np.abs(self.head.astype(np.float64)).sum(axis=1).max())

    def _packed(self, weight: FloatArray, width: int) -> Array:
        """[4 H, F] to a flat [H, width, 4], scaled, in float32."""
        blocks = weight.reshape(4, self.units, -1) * _SCALES[:, None, None]
        packed = np.zeros((self.units, width, 4), dtype=np.float32)
        packed[:, : blocks.shape[2]] = blocks.transpose(1, 2, 0)
        return packed.ravel()

    def intact_logits(self) -> Array:
        """Logits [N, K] of the model as it is."""
        logits = np.empty((len(self.inputs), len(self.head)), dtype=np.float32)

        def fill(start: int) -> None:
            size = min(LANES, len(self.inputs) - start)
            block = _Block(self, start, size)
            last = (self.steps - 1) * self.padded * LANES
            out = np.empty(len(self.head) * LANES, dtype=np.float32)
            kernels.read_out(block.rows(self.layers), last, self.head, self.head_bias, out)
            logits[start : start + size] = out.reshape(-1, LANES)[:, :size].T

        self._each_block(fill, (kernels.run_layer, kernels.read_out))
        return logits

    def predict(
        self,
        ablations: Sequence[AblatedWeights],
        predicted: Array,
        report: Callable[[int], None] | None = None,
    ) -> Array:
        """Predict every input under every ablation.

        Args:
            ablations: A ablations.
            predicted: [A, N], written to.
            report: told how many more inputs are done, now and then.

        Returns:
            How far the largest logit is ahead of the second, [A, N].
        """
        lead = np.empty(predicted.shape, dtype=np.float32)
        rows: dict[tuple[GateWeights, int], list[int]] = {}
        for row, ablation in enumerate(ablations):
            rows.setdefault((ablation.target, id(ablation.directions)), []).append(row)
        families = [
            _Family(self, [ablations[row] for row in members], np.array(members))
            for members in rows.values()
        ]

        def fill(start: int) -> None:
            block = _Block(self, start, min(LANES, len(self.inputs) - start))
            for family in families:
                family.run(block, predicted, lead)

        self._each_block(fill, (kernels.ablate,), report)
        return lead

    def _each_block(
        self,
        fill: Callable[[int], None],
        loops: Sequence[Callable[..., object]],
        report: Callable[[int], None] | None = None,
    ) -> None:
        starts = range(0, len(self.inputs), LANES)
        if not all(getattr(loop, "signatures", True) for loop in loops):
            run_loops(lambda: fill(0), lambda: fill(0), loops, (kernels,))
        with ThreadPoolExecutor(self.threads) as pool:
            futures = [pool.submit(fill, start) for start in starts]
            try:
                for start, future in zip(starts, futures, strict=True):
                    future.result()
                    if report is not None:
                        report(min(LANES, len(self.inputs) - start))
            finally:
                # After an error or an interrupt, what has not begun is not wanted any more.
                pool.shutdown(wait=True, cancel_futures=True)


class _Block:
    """A few images side by side, with what each layer reads and computes as it is."""

    def __init__(self, plan: Compiled, start: int, size: int) -> None:
        self.plan, self.start, self.size = plan, start, size
        self._rows: list[Array] = [np.empty(plan.steps * plan.wide * LANES, dtype=np.float32)]
        self._base: list[Array] = []
        kernels.side_by_side(plan.inputs, start, size, plan.wide, self._rows[0])

    def width(self, layer: int) -> int:
        """How many rows a layer reads, padded."""
        return self.plan.padded if layer else self.plan.wide

    def rows(self, layer: int) -> Array:
        """What a layer reads, [T, width, LANES]: the images, or the layer below."""
        plan = self.plan
        while len(self._rows) <= layer:
            below = len(self._rows) - 1
            out = np.empty(plan.steps * plan.padded * LANES, dtype=np.float32)
            weight = plan.recurrent[below]
            kernels.run_layer(self.base(below), weight, plan.units, plan.padded, plan.steps, out)
            self._rows.append(out)
        return self._rows[layer]

    def base(self, layer: int) -> Array:
        """What a layer's gates read from its input, biases included, [T, H, 4, LANES]."""
        plan = self.plan
        while len(self._base) <= layer:
            at = len(self._base)
            rows = self.rows(at)
            out = np.empty(plan.steps * plan.units * 4 * LANES, dtype=np.float32)
            weight = plan.between[at] if at else plan.first
            width = self.width(at)
            kernels.project(weight, plan.bias[at], plan.units, rows, plan.steps, width, out)
            self._base.append(out)
        return self._base[layer]


class _Family:
    """Ablations of one matrix that leave out some of the same pieces."""

    def __init__(self, plan: Compiled, ablations: Sequence[AblatedWeights], members: Array) -> None:
        self.plan, self.members = plan, members
        target, directions = ablations[0].target, ablations[0].directions
        kept = [ablation.kept for ablation in ablations]
        self.layer = target.layer - 1
        self.gate = GATES["LSTM"].index(target.gate)
        stays = np.zeros((len(kept), len(directions)), dtype=bool)
        for row, stay in enumerate(kept):
            stays[row, [index - 1 for index in stay]] = True
        if target.kind == "input":
            self._read_along(directions, stays)
        else:
            self._rebuild(directions, kept)

    def _read_along(self, directions: Directions, stays: Array) -> None:
        """Ablate what is read from the input: a few directions more, or a few less."""
        plan = self.plan
        # The product runs over groups of four sums.
        self.ranks = -(-len(directions) // 4) * 4
        columns = directions.classes.T * directions.singular_values[:, None] * _SCALES[self.gate]
        self.columns = np.zeros((self.ranks, plan.units), dtype=np.float32)
        self.columns[: len(directions)] = columns
        width = plan.padded if self.layer else plan.wide
        vectors = np.zeros((self.ranks, width))
        vectors[: len(directions), : len(directions.hidden)] = directions.hidden.T
        groups = vectors.reshape(-1, 4, width).transpose(0, 2, 1)
        self.vectors = groups.astype(np.float32).ravel()
        self.from_bias = 2 * stays.sum(axis=1) <= stays.shape[1]
        self.terms = np.zeros((len(stays), self.ranks), dtype=np.float32)
        added = np.where(self.from_bias[:, None], stays, -1.0 * ~stays)
        self.terms[:, : stays.shape[1]] = added
        self.recurrent = plan.recurrent[self.layer][None]

    def _rebuild(self, directions: Directions, kept: Sequence[tuple[int, ...]]) -> None:
        """Ablate what is read from the state: as many packed matrices as ablations."""
        plan = self.plan
        self.ranks = 0
        self.columns = np.zeros((0, plan.units), dtype=np.float32)
        self.vectors = np.zeros(0, dtype=np.float32)
        self.from_bias = np.zeros(len(kept), dtype=bool)
        self.terms = np.zeros((len(kept), 0), dtype=np.float32)
        self.recurrent = np.repeat(plan.recurrent[self.layer][None], len(kept), axis=0)
        packed = self.recurrent.reshape(len(kept), plan.units, plan.padded, 4)
        for row, stay in enumerate(kept):
            block = directions.weight(stay) * _SCALES[self.gate]
            packed[row, :, : plan.units, self.gate] = block

    def run(self, block: _Block, predicted: Array, lead: Array) -> None:
        """Predict a block of images under each ablation."""
        plan = self.plan
        along = np.empty(plan.steps * self.ranks * LANES, dtype=np.float32)
        if self.ranks:
            kernels.project(
                self.vectors,
                np.zeros(self.ranks, dtype=np.float32),
                self.ranks // 4,
                block.rows(self.layer),
                plan.steps,
                block.width(self.layer),
                along,
            )
        kernels.ablate(
            block.base(self.layer),
            along,
            self.ranks,
            self.gate,
            self.recurrent,
            self.columns,
            self.terms,
            self.from_bias,
            plan.bias,
            plan.between,
            plan.recurrent,
            self.layer,
            plan.units,
            plan.padded,
            plan.steps,
            plan.head,
            plan.head_bias,
            self.members,
            predicted,
            lead,
            block.start,
            block.size,
        )


def _padded(width: int) -> int:
    return -(-width // CHUNK) * CHUNK
