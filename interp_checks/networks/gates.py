"""The weight matrices inside a recurrent layer, by name, and what is left of one when ablated.

PyTorch stacks the gates of a layer by rows: ``weight_ih`` is [G·H, F] and ``weight_hh`` is
[G·H, H], for G gates of H units. Each gate's block of rows is a matrix with singular directions
of its own. Biases are no part of any block and stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_checks.ablations.directions import Directions
from interp_checks.ablations.targets.gate_weights import GATES as GATES
from interp_checks.ablations.targets.gate_weights import GateWeights as GateWeights
from interp_checks.ablations.targets.gate_weights import Kind
from interp_checks.arrays import FloatArray
from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.wording import whole_number

if TYPE_CHECKING:
    import torch
    from torch import nn


def gate_weights_of(module: nn.Module) -> tuple[GateWeights, ...]:
    """Every gate's weights in a model: by layer, direction, gate, and input before recurrent.

    Args:
        module: an ``nn.LSTM``, ``nn.GRU`` or ``nn.RNN``, or a model that contains one.

    Raises:
        InterpChecksError: see :func:`recurrent_module`.
    """
    _, recurrent = recurrent_module(module)
    kinds: tuple[Kind, ...] = ("input", "recurrent")
    return tuple(
        GateWeights(layer, gate, kind, backward)
        for layer in range(1, recurrent.num_layers + 1)
        for backward in ((False, True) if recurrent.bidirectional else (False,))
        for gate in GATES[_cell(recurrent)]
        for kind in kinds
    )


def recurrent_module(model: nn.Module) -> tuple[str, nn.RNNBase]:
    """The one recurrent module of a model, and its name within it ("" for the model itself).

    Raises:
        InterpChecksError: there is none or there are several, it has projections
            (``proj_size``), or its weights are not plain parameters.
    """
    from torch import nn

    kinds = (nn.LSTM, nn.GRU, nn.RNN)
    modules = [(name, part) for name, part in model.named_modules() if isinstance(part, kinds)]
    if len(modules) != 1:
        raise InterpChecksError(
            "the model has not exactly one recurrent module",
            found=", ".join(f"{type(part).__name__} {name!r}" for name, part in modules)
            or _lookalikes(model.named_modules()),
            expected="one nn.LSTM, nn.GRU or nn.RNN",
        )
    name, recurrent = modules[0]
    if recurrent.proj_size > 0:
        raise InterpChecksError(
            f"{type(recurrent).__name__} {name!r} projects its hidden state",
            found=f"proj_size={recurrent.proj_size}",
            expected="proj_size=0",
        )
    own = dict(recurrent.named_parameters(recurse=False))
    gates, units = len(GATES[_cell(recurrent)]), recurrent.hidden_size
    for stacked in recurrent._flat_weights_names:
        tensor = own.get(stacked)
        if tensor is None or not tensor.is_floating_point() or len(tensor) != gates * units:
            raise InterpChecksError(
                f"{type(recurrent).__name__} {name!r}: {stacked} is not a plain weight",
                found="no parameter of this name (parametrised, pruned, packed or quantised)"
                if tensor is None
                else f"{tensor.dtype} {list(tensor.shape)}",
                expected=f"a floating-point parameter of {gates * units} rows",
            )
    return name, recurrent


def weight_block(state: Mapping[str, Any], target: GateWeights) -> FloatArray:
    """One gate's weights out of a state dict, float64 [H, F] or [H, H]: rows are units.

    Args:
        state: tensors or arrays by name; one recurrent module under any prefix.
        target: which weights.

    Raises:
        InterpChecksError: there is not one recurrent module, or it has no such weights.
    """
    name, rows = _place(state, target)
    return _as_float64(state[name][rows])


def weight_directions(state: Mapping[str, Any], target: GateWeights) -> Directions:
    """The parts of one gate's weights, as they are cut; the units take the place of classes.

    Raises:
        InterpChecksError: see :func:`weight_block`; or the weights are not finite.
    """
    return target.parted.of_weight(weight_block(state, target))


def ablated_parameter(
    state: Mapping[str, torch.Tensor],
    target: GateWeights,
    kept: Sequence[int],
    directions: Directions | None = None,
) -> tuple[str, torch.Tensor]:
    """A parameter in which one gate keeps only some singular directions.

    The block is put together in float64 and rounded once to the parameter's type. All other
    rows are the same bits.

    Args:
        state: tensors by name, as :meth:`torch.nn.Module.state_dict` gives them.
        target: whose directions.
        kept: the directions that stay, from 1.
        directions: of these weights, if they are known already.

    Returns:
        The name of the parameter and a new tensor; that of the state is left as it is.

    Raises:
        InterpChecksError: see :func:`weight_block`.
        NotJudgedError: there is no such direction.
    """
    import torch

    name, rows = _place(state, target)
    if directions is None:
        directions = weight_directions(state, target)
    block = torch.from_numpy(directions.weight(checked_kept(kept, len(directions), target)))
    tensor = state[name].detach().clone()
    tensor[rows] = block.to(tensor)
    return name, tensor


def checked_kept(kept: Sequence[int], count: int, target: GateWeights) -> tuple[int, ...]:
    """Directions that stay, rising, without repetitions.

    Raises:
        InterpChecksError: they are no whole numbers from 1.
        NotJudgedError: there are fewer directions.
    """
    stay = tuple(sorted({whole_number(index, smallest=1) for index in kept}))
    if stay and stay[-1] > count:
        raise NotJudgedError(
            f"{target}: there is no direction {stay[-1]}",
            found=f"{count} directions",
            expected=f"at least {stay[-1]}",
        )
    return stay


def gate_rows(state: Mapping[str, Any], target: GateWeights) -> slice:
    """The rows of a layer's parameters that belong to one gate.

    Raises:
        InterpChecksError: see :func:`weight_block`.
    """
    return _place(state, target)[1]


def _place(state: Mapping[str, Any], target: GateWeights) -> tuple[str, slice]:
    """Where a gate's weights are: the name of the parameter and its rows."""
    first = [name for name in state if name.rpartition(".")[2] == "weight_hh_l0"]
    if len(first) != 1:
        raise InterpChecksError(
            "these weights are not those of one recurrent module",
            found=", ".join(first) or "no weight_hh_l0",
            expected="one weight_hh_l0",
        )
    prefix = first[0][: -len("weight_hh_l0")]
    if f"{prefix}weight_hr_l0" in state:
        raise InterpChecksError(
            f"{target}: the layer projects its hidden state", found=f"{prefix}weight_hr_l0"
        )
    units = int(state[first[0]].shape[1])
    stacked, left = divmod(int(state[first[0]].shape[0]), units)
    names = {len(gates): gates for gates in GATES.values()}.get(0 if left else stacked, ())
    name = prefix + target.parameter
    if target.gate not in names or name not in state:
        raise InterpChecksError(
            f"the model does not have {target}",
            found=f"no {name}" if target.gate in names else _gate_words(names),
        )
    start = names.index(target.gate) * units
    return name, slice(start, start + units)


def _gate_words(names: tuple[str, ...]) -> str:
    if not names:
        return "weights of no LSTM, GRU or RNN"
    return "no gates" if names == ("",) else f"the gates {', '.join(names)}"


def _cell(recurrent: nn.RNNBase) -> str:
    """A key of GATES; ``mode`` adds its nonlinearity to an RNN."""
    return str(recurrent.mode).partition("_")[0]


def _lookalikes(modules: Iterable[tuple[str, nn.Module]]) -> str:
    """What else the model has that recurs, for a message."""
    others = [
        f"{type(part).__module__}.{type(part).__name__} {name!r}"
        for name, part in modules
        if any(word in type(part).__name__ for word in GATES)
    ]
    return ", ".join(others) or "none"


def _as_float64(values: Any) -> FloatArray:
    if hasattr(values, "detach"):
        values = values.detach().cpu().double().numpy()
    block: FloatArray = np.array(values, dtype=np.float64)
    return block
