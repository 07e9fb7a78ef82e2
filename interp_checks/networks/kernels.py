"""Compiled inner loops for many ablated copies of a stack of LSTM layers, in float32.

:data:`LANES` images lie side by side, so that every loop over them runs at full width. Arrays
are flat: with constant distances between rows, the compiler needs few checks for overlap and
keeps the loops wide. A "cell" is the four gates of one unit; weights are packed [H, width, 4]
and projections [steps, H, 4, LANES], so that a cell's numbers lie together.

Gates are scaled by -log2(e) (the cell gate by twice that), so that a sigmoid is 1 / (1 + 2^y)
and a hyperbolic tangent (1 - 2^y) / (1 + 2^y) of what is summed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic

from interp_checks.arrays import Array
from interp_checks.counting.kernels.numba_setup import compiled

#: Type checkers cannot know what an intrinsic becomes.
_typed = cast("Callable[[Callable[..., Any]], Callable[..., Any]]", intrinsic)

#: Images side by side: the state of a block stays in the processor's nearest cache.
LANES = 128
#: Rows of the input that one pass over the lanes adds up; widths are padded to a multiple.
CHUNK = 5

#: 2^r on [-1/2, 1/2] as a polynomial in r, minimax: relative error 7.5e-8 before rounding.
_P0 = np.float32(1.00000007)
_P1 = np.float32(0.69314697)
_P2 = np.float32(0.2402212)
_P3 = np.float32(0.05550713)
_P4 = np.float32(0.00967554)
_P5 = np.float32(0.00132765)
#: 2^y of anything larger counts as this: three factors of 1 + 2^40 do not overflow, and
#: 2^-40 is far below what float32 tells from a closed gate.
_LARGEST = np.float32(40)
_SMALLEST = np.float32(-125)
_ONE = np.float32(1)
#: Twice the scale of a sigmoid, for the hyperbolic tangent of the cell's state.
_TANH = np.float32(-2 * np.log2(np.e))


@_typed
def _round(typingctx: Any, number: Any) -> Any:  # pragma: no cover - compiled
    """The nearest whole number, float32; a library call would keep the loop narrow."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        nearest = builder.module.declare_intrinsic("llvm.rint", [ir.FloatType()])
        return builder.call(nearest, arguments)

    return types.float32(types.float32), generate


@_typed
def _times_two_to(typingctx: Any, number: Any, power: Any) -> Any:  # pragma: no cover - compiled
    """A number times a whole power of two, float32: added to the exponent's bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        whole = ir.IntType(32)
        shift = builder.shl(builder.fptosi(arguments[1], whole), ir.Constant(whole, 23))
        bits = builder.add(builder.bitcast(arguments[0], whole), shift)
        return builder.bitcast(bits, ir.FloatType())

    return types.float32(types.float32, types.float32), generate


@compiled
def _exp2(y: float) -> float:  # pragma: no cover - compiled
    """2^y in float32, within a relative error of 2e-7; see _LARGEST for large y."""
    y = y if y < _LARGEST else _LARGEST
    y = y if y > _SMALLEST else _SMALLEST
    whole: float = _round(y)
    r = y - whole
    power = _P4 + r * _P5
    power = _P3 + r * power
    power = _P2 + r * power
    power = _P1 + r * power
    power = _P0 + r * power
    scaled: float = _times_two_to(power, whole)
    return scaled


@compiled
def _add_product(
    weight: Array, first: int, rows: Array, row: int, width: int, sums: Array
) -> None:  # pragma: no cover - compiled
    """Add weight [width, 4] · rows [width, LANES] to four sums.

    Args:
        weight: packed weights, from ``first`` on.
        first: position.
        rows: what is multiplied, from ``row`` on.
        row: position.
        width: a multiple of CHUNK.
        sums: [4, LANES], added to. Never a part of ``rows``.
    """
    for j in range(0, width, CHUNK):
        # Slices, because the compiler sees that their positions are not negative.
        w = weight[first + 4 * j : first + 4 * (j + CHUNK)]
        x = rows[row + j * LANES : row + (j + CHUNK) * LANES]
        a0, b0, c0, d0 = w[0], w[1], w[2], w[3]
        a1, b1, c1, d1 = w[4], w[5], w[6], w[7]
        a2, b2, c2, d2 = w[8], w[9], w[10], w[11]
        a3, b3, c3, d3 = w[12], w[13], w[14], w[15]
        a4, b4, c4, d4 = w[16], w[17], w[18], w[19]
        for lane in range(LANES):
            x0 = x[lane]
            x1 = x[LANES + lane]
            x2 = x[2 * LANES + lane]
            x3 = x[3 * LANES + lane]
            x4 = x[4 * LANES + lane]
            sums[lane] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3 + a4 * x4
            sums[LANES + lane] += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3 + b4 * x4
            sums[2 * LANES + lane] += c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3 + c4 * x4
            sums[3 * LANES + lane] += d0 * x0 + d1 * x1 + d2 * x2 + d3 * x3 + d4 * x4


@compiled
def _copy_cell(source: Array, at: int, sums: Array, to: int) -> None:  # pragma: no cover - compiled
    sums[to : to + 4 * LANES] = source[at : at + 4 * LANES]


@compiled
def _update_cell(
    sums: Array, state: Array, cell: int, hidden: Array, unit: int
) -> None:  # pragma: no cover - compiled
    """One unit's new state from its four gates: i, f, g, o as PyTorch stacks them.

    Fractions share a denominator, so that five functions cost two divisions.
    """
    own = state[cell : cell + LANES]
    new = hidden[unit : unit + LANES]
    for lane in range(LANES):
        i = _ONE + _exp2(sums[lane])
        f = _ONE + _exp2(sums[LANES + lane])
        g = _exp2(sums[2 * LANES + lane])
        o = _ONE + _exp2(sums[3 * LANES + lane])
        both = i * (_ONE + g)
        kept = (own[lane] * both + (_ONE - g) * f) / (both * f)
        own[lane] = kept
        squashed = _exp2(kept * _TANH)
        new[lane] = (_ONE - squashed) / (o * (_ONE + squashed))


@compiled
def _add_scaled(
    value: float, source: Array, at: int, sums: Array, to: int
) -> None:  # pragma: no cover - compiled
    x = source[at : at + LANES]
    out = sums[to : to + LANES]
    for lane in range(LANES):
        out[lane] += value * x[lane]


@compiled
def _fill_bias(bias: Array, first: int, sums: Array) -> None:  # pragma: no cover - compiled
    for gate in range(4):
        value = bias[first + gate]
        for lane in range(LANES):
            sums[gate * LANES + lane] = value


@compiled
def project(
    weight: Array, bias: Array, units: int, rows: Array, steps: int, width: int, out: Array
) -> None:  # pragma: no cover - compiled
    """What every cell reads from its layer's input, for all time steps.

    Args:
        weight: packed, [H, width, 4].
        bias: [H, 4].
        units: H, or any number of groups of four sums.
        rows: the input, [steps, width, LANES].
        steps: T.
        width: a multiple of CHUNK.
        out: written to, [steps, H, 4, LANES].
    """
    sums = np.empty(4 * LANES, np.float32)
    for t in range(steps):
        for unit in range(units):
            _fill_bias(bias, 4 * unit, sums)
            _add_product(weight, unit * width * 4, rows, t * width * LANES, width, sums)
            _copy_cell(sums, 0, out, (t * units + unit) * 4 * LANES)


@compiled
def side_by_side(
    inputs: Array, start: int, size: int, width: int, out: Array
) -> None:  # pragma: no cover - compiled
    """Lay images [N, T, F] from ``start`` on side by side, [T, width, LANES]; zeros elsewhere."""
    out[:] = 0
    for lane in range(size):
        for t in range(inputs.shape[1]):
            for row in range(inputs.shape[2]):
                out[(t * width + row) * LANES + lane] = inputs[start + lane, t, row]


@compiled
def run_layer(
    base: Array, weight: Array, units: int, padded: int, steps: int, out: Array
) -> None:  # pragma: no cover - compiled
    """One layer as it is: its hidden states of all time steps.

    Args:
        base: projections, [T, H, 4, LANES].
        weight: packed recurrent weights, [H, padded, 4].
        units: H.
        padded: H, padded to a multiple of CHUNK.
        steps: T.
        out: written to, [T, padded, LANES]; zeros where padded.
    """
    sums = np.empty(4 * LANES, np.float32)
    state = np.zeros(units * LANES, np.float32)
    out[:] = 0
    for t in range(steps):
        for unit in range(units):
            _copy_cell(base, (t * units + unit) * 4 * LANES, sums, 0)
            if t:
                before = (t - 1) * padded * LANES
                _add_product(weight, unit * padded * 4, out, before, padded, sums)
            _update_cell(sums, state, unit * LANES, out, (t * padded + unit) * LANES)


@compiled
def read_out(
    hidden: Array, at: int, head: Array, head_bias: Array, logits: Array
) -> None:  # pragma: no cover - compiled
    """Logits [K, LANES] of hidden states [H, LANES] that begin at ``at``; head is [K, H]."""
    for k in range(head.shape[0]):
        value = head_bias[k]
        for lane in range(LANES):
            logits[k * LANES + lane] = value
        for unit in range(head.shape[1]):
            _add_scaled(head[k, unit], hidden, at + unit * LANES, logits, k * LANES)


@compiled
def ablate(
    base: Array,
    along: Array,
    ranks: int,
    gate: int,
    recurrent: Array,
    columns: Array,
    terms: Array,
    from_bias: Array,
    bias: Array,
    input_weights: Array,
    recurrent_weights: Array,
    layer: int,
    units: int,
    padded: int,
    steps: int,
    head: Array,
    head_bias: Array,
    members: Array,
    predicted: Array,
    lead: Array,
    start: int,
    size: int,
) -> None:  # pragma: no cover - compiled
    """Run ablated copies of a block of images, from the ablated layer up.

    Args:
        base: projections of the ablated layer as it is, [T, H, 4, LANES].
        along: its inputs along the directions of the ablated weights, [T, ranks, LANES].
        ranks: how many directions ``along`` has.
        gate: position of the ablated gate, 0 to 3.
        recurrent: packed recurrent weights of that layer, [A, H * padded * 4]; or [1, ...] for
            all ablations.
        columns: what a direction adds to the ablated gate, [ranks, H].
        terms: which directions are added (1) or taken away (-1), [A, ranks].
        from_bias: whether the gate's sum starts from its bias instead of ``base``, [A].
        bias: [layers, H * 4].
        input_weights: packed, [layers, H * padded * 4]; that of the first layer is not used.
        recurrent_weights: packed, [layers, H * padded * 4].
        layer: the ablated layer, from 0.
        units: H.
        padded: H, padded to a multiple of CHUNK.
        steps: T.
        head: [K, H].
        head_bias: [K].
        members: the row of each ablation in what is written, [A].
        predicted: written to, one row for each of all ablations and one column for each image.
        lead: the largest logit less the second; written to alike.
        start: the image in the first lane.
        size: images in the block.
    """
    layers = bias.shape[0]
    sums = np.empty(4 * LANES, np.float32)
    state = np.empty(layers * units * LANES, np.float32)
    hidden = np.empty(2 * layers * padded * LANES, np.float32)
    logits = np.empty(head.shape[0] * LANES, np.float32)
    top = np.empty(LANES, np.float32)
    second = np.empty(LANES, np.float32)
    best = np.empty(LANES, np.int32)
    half = layers * padded * LANES
    for row in range(terms.shape[0]):
        own = recurrent[row if recurrent.shape[0] > 1 else 0]
        state[:] = 0
        hidden[:] = 0
        for t in range(steps):
            before = (t + 1) % 2 * half
            after = t % 2 * half
            for step in range(layer, layers):
                old = before + step * padded * LANES
                new = after + step * padded * LANES
                for unit in range(units):
                    at = (t * units + unit) * 4 * LANES
                    first = unit * padded * 4
                    if step > layer:
                        below = new - padded * LANES
                        _fill_bias(bias[step], 4 * unit, sums)
                        _add_product(input_weights[step], first, hidden, below, padded, sums)
                        _add_product(recurrent_weights[step], first, hidden, old, padded, sums)
                    else:
                        _copy_cell(base, at, sums, 0)
                        if from_bias[row]:
                            value = bias[step, 4 * unit + gate]
                            sums[gate * LANES : (gate + 1) * LANES] = value
                        for rank in range(ranks):
                            if terms[row, rank]:
                                value = terms[row, rank] * columns[rank, unit]
                                where = (t * ranks + rank) * LANES
                                _add_scaled(value, along, where, sums, gate * LANES)
                        _add_product(own, first, hidden, old, padded, sums)
                    cell = (step * units + unit) * LANES
                    _update_cell(sums, state, cell, hidden, new + unit * LANES)
        last = (steps - 1) % 2 * half + (layers - 1) * padded * LANES
        read_out(hidden, last, head, head_bias, logits)
        for lane in range(LANES):
            top[lane] = -np.inf
            second[lane] = -np.inf
            best[lane] = 0
        for k in range(head.shape[0]):
            for lane in range(LANES):
                value = logits[k * LANES + lane]
                ahead = value > top[lane]
                lower = top[lane] if ahead else value
                second[lane] = lower if lower > second[lane] else second[lane]
                top[lane] = value if ahead else top[lane]
                best[lane] = np.int32(k) if ahead else best[lane]
        for lane in range(size):
            predicted[members[row], start + lane] = best[lane]
            lead[members[row], start + lane] = top[lane] - second[lane]
