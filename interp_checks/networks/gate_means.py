"""What a recurrent layer's gates read on average: over all inputs and all steps.

Input weights of a layer read its sequence x, recurrent ones the state before, h of the last step,
which is zero before the first. A part of the weights adds its share of W x (or W h) to its gate at
every step; the mean of that is its share of W times the mean. It is added to the bias that belongs
to these weights: of a GRU's new gate, inside of what the reset gate multiplies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from interp_checks.ablations.directions import Directions
from interp_checks.ablations.targets.gate_weights import GateWeights
from interp_checks.arrays import FloatArray
from interp_checks.errors import NotJudgedError

from .changes import Runner
from .gates import ablated_parameter, gate_rows

if TYPE_CHECKING:
    import torch
    from torch import nn

#: Layer from 1, whether backward, and "input" or "recurrent".
Read = tuple[int, bool, str]


class GateMeans:
    """The mean of all that the gates of a recurrent module read, worked out once.

    Args:
        runner: of the model.
        recurrent: the module in it.

    Raises:
        NotJudgedError: it is given packed sequences or states to start with.
    """

    def __init__(self, runner: Runner, recurrent: nn.RNNBase) -> None:
        self.recurrent = recurrent
        self.means: dict[Read, FloatArray] = {}
        count = 0
        for rows in runner.batches():
            for given, *states in runner.read({recurrent}, runner.inputs[rows])[recurrent]:
                if not hasattr(given, "ndim") or any(state is not None for state in states):
                    raise NotJudgedError(
                        "what the gates read on average is not known",
                        found="packed sequences, or states to start with",
                        expected="a recurrent layer that is called with a tensor alone",
                    )
                count += self._add(given)
        self.means = {read: total / max(1, count) for read, total in self.means.items()}

    def _add(self, given: torch.Tensor) -> int:
        """Add up what each layer reads of some inputs; how many inputs times steps."""
        import torch

        whole, steps = self.recurrent, given
        time = 1 if whole.batch_first else 0
        units, directions = whole.hidden_size, 2 if whole.bidirectional else 1
        for layer in range(1, whole.num_layers + 1):
            with torch.no_grad():
                states = _single(whole, layer, int(steps.shape[-1]))(steps)[0]
            for backward in (False, True)[:directions]:
                self._sum((layer, backward, "input"), steps)
                own = states[..., units:] if backward else states[..., :units]
                # The state before the first step is zero; that after the last is read by none.
                before = own.narrow(time, 1 if backward else 0, own.shape[time] - 1)
                self._sum((layer, backward, "recurrent"), before)
            steps = states
        return int(given[..., 0].numel())

    def _sum(self, read: Read, values: torch.Tensor) -> None:
        total = values.double().reshape(-1, values.shape[-1]).sum(dim=0).cpu().numpy()
        self.means[read] = self.means.get(read, 0.0) + total

    def change(
        self, state: dict[str, Any], target: GateWeights, kept: tuple[int, ...], parts: Directions
    ) -> dict[str, Any]:
        """Parameters of the recurrent module with the mean in the place of what goes.

        Raises:
            NotJudgedError: the layer has no bias to add it to.
        """
        import torch

        name, weight = ablated_parameter(state, target, kept, parts)
        where = target.parameter.replace("weight", "bias")
        if where not in state:
            raise NotJudgedError(
                f"{target}: its parts cannot be replaced by their mean",
                found="a layer without a bias",
                expected="a bias, to which the mean is added",
            )
        gone = tuple(sorted(set(range(1, len(parts) + 1)) - set(kept)))
        mean = self.means[target.layer, target.backward, target.kind]
        bias = state[where].detach().clone()
        rows = gate_rows(state, target)
        shift = torch.from_numpy(parts.weight(gone) @ mean)
        bias[rows] = (bias[rows].double() + shift.to(bias.device)).to(bias)
        return {name: weight, where: bias}


def _single(whole: nn.RNNBase, layer: int, width: int) -> nn.RNNBase:
    """One layer of a recurrent module by itself."""
    import torch

    more = {"nonlinearity": whole.nonlinearity} if hasattr(whole, "nonlinearity") else {}
    single = cast(Any, type(whole))(
        width, whole.hidden_size, bias=whole.bias, batch_first=whole.batch_first,
        bidirectional=whole.bidirectional, **more,
    )  # fmt: skip
    single = single.to(whole.weight_hh_l0)
    with torch.no_grad():
        for name, part in single.named_parameters():
            part.copy_(getattr(whole, name.replace("_l0", f"_l{layer - 1}")))
    return cast("nn.RNNBase", single)
