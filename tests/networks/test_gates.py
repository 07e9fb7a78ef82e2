"""Which weights a gate has, what they are called, and what is left of them when ablated."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from naive import rebuilt
from torch import nn

from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.networks.gates import (
    GateWeights,
    ablated_parameter,
    gate_weights_of,
    recurrent_module,
    weight_block,
    weight_directions,
)

#: The order in PyTorch's documentation of weight_ih_l[k]: (W_ii|W_if|W_ig|W_io), (W_ir|W_iz|W_in).
ORDER = {
    nn.LSTM: ("input", "forget", "cell", "output"),
    nn.GRU: ("reset", "update", "new"),
    nn.RNN: ("",),
}


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (GateWeights(1, "forget", "recurrent"), "the layer 1 forget gate's recurrent weights"),
        (GateWeights(2, "cell", "input", True), "the layer 2 backward cell gate's input weights"),
        (GateWeights(3, "new", "input"), "the layer 3 new gate's input weights"),
        (GateWeights(1, "", "recurrent"), "the layer 1 recurrent weights"),
        (GateWeights(1, "", "input", True), "the layer 1 backward input weights"),
    ],
)
def test_weights_are_called_by_layer_gate_and_what_they_read(
    target: GateWeights, words: str
) -> None:
    assert str(target) == words


@pytest.mark.parametrize(
    "wrong",
    [
        (0, "forget", "input"),
        (1.0, "forget", "input"),
        (True, "forget", "input"),
        (1, "memory", "input"),
        (1, "forget", "hidden"),
        (1, "forget", "input", "yes"),
    ],
)
def test_weights_that_no_layer_has_are_refused(wrong: Any) -> None:
    with pytest.raises(InterpChecksError):
        GateWeights(*wrong)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_every_block_of_rows_is_listed_once(kind: Any, bidirectional: bool) -> None:
    module = kind(3, 4, num_layers=2, bidirectional=bidirectional)
    targets = gate_weights_of(nn.Sequential(module))
    assert len(set(targets)) == len(targets) == 2 * (1 + bidirectional) * 2 * len(ORDER[kind])
    for target in targets:
        stacked = module.get_parameter(target.parameter).detach()
        at = 4 * ORDER[kind].index(target.gate)
        block = weight_block(module.state_dict(), target)
        assert block.dtype == np.float64
        assert (block == stacked[at : at + 4].numpy()).all()
        assert ("reverse" in target.parameter) == target.backward
        assert ("_hh_" in target.parameter) == (target.kind == "recurrent")
        assert f"_l{target.layer - 1}" in target.parameter


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_ablating_replaces_one_block_by_the_triplets_that_stay(dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    state = nn.GRU(6, 5).to(dtype).state_dict()
    before = {name: tensor.clone() for name, tensor in state.items()}
    name, tensor = ablated_parameter(state, GateWeights(1, "update", "input"), (1, 3))
    assert name == "weight_ih_l0"
    assert tensor.dtype == dtype
    expected = rebuilt(before[name][5:10].double().numpy(), (1, 3))
    unit = torch.finfo(dtype).eps
    assert np.allclose(tensor[5:10].double().numpy(), expected, rtol=unit, atol=1e-12)
    assert torch.equal(tensor[:5], before[name][:5])
    assert torch.equal(tensor[10:], before[name][10:])
    assert all(torch.equal(state[one], before[one]) for one in state)


def test_no_direction_leaves_zeros_and_every_direction_the_weights() -> None:
    state = nn.RNN(6, 5).double().state_dict()
    target = GateWeights(1, "", "recurrent")
    assert not ablated_parameter(state, target, ())[1].any()
    _, whole = ablated_parameter(state, target, range(1, 6))
    assert torch.allclose(whole, state["weight_hh_l0"], rtol=0, atol=1e-14)
    assert len(weight_directions(state, target)) == 5


def test_weights_are_found_under_any_prefix() -> None:
    module = nn.LSTM(3, 4)
    state = nn.ModuleDict({"a": nn.ModuleDict({"b": module}), "c": nn.Linear(4, 2)}).state_dict()
    name, _ = ablated_parameter(state, GateWeights(1, "cell", "input"), (1,))
    assert name == "a.b.weight_ih_l0"


def test_directions_and_weights_that_do_not_exist_are_refused() -> None:
    state = nn.LSTM(3, 4).state_dict()
    with pytest.raises(NotJudgedError, match="cell gate's input weights: there is no direction 4"):
        ablated_parameter(state, GateWeights(1, "cell", "input"), (4,))
    with pytest.raises(InterpChecksError, match="number to count with"):
        ablated_parameter(state, GateWeights(1, "cell", "input"), (0,))
    for missing in (
        GateWeights(2, "cell", "input"),
        GateWeights(1, "cell", "input", backward=True),
        GateWeights(1, "reset", "input"),
        GateWeights(1, "", "input"),
    ):
        with pytest.raises(InterpChecksError, match=f"does not have {missing}"):
            weight_block(state, missing)
    with pytest.raises(InterpChecksError, match="not those of one recurrent module"):
        weight_block(nn.Linear(2, 2).state_dict(), GateWeights(1, "cell", "input"))
    with pytest.raises(InterpChecksError, match="projects"):
        weight_block(nn.LSTM(3, 4, proj_size=2).state_dict(), GateWeights(1, "cell", "input"))


def parametrised() -> nn.Module:
    module = nn.GRU(3, 4)
    nn.utils.parametrizations.weight_norm(module, "weight_hh_l0")
    return module


@pytest.mark.parametrize(
    ("model", "found"),
    [
        (nn.Linear(2, 2), "none"),
        (nn.LSTMCell(2, 2), "LSTMCell"),
        (nn.ModuleList([nn.GRU(2, 2), nn.LSTM(2, 2)]), "GRU '0', LSTM '1'"),
        (nn.LSTM(3, 4, proj_size=2), "proj_size=2"),
        (parametrised(), "parametrised"),
    ],
)
def test_a_model_without_exactly_one_plain_recurrent_module_is_refused(
    model: nn.Module, found: str
) -> None:
    with pytest.raises(InterpChecksError) as caught:
        recurrent_module(model)
    assert found in (caught.value.found or "")


def test_a_quantised_module_is_refused() -> None:
    with warnings.catch_warnings():
        # PyTorch announces a successor, in other words in each version.
        warnings.simplefilter("ignore")
        packed = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.LSTM(3, 4)), {nn.LSTM})
    with pytest.raises(InterpChecksError) as caught:
        gate_weights_of(packed)
    assert "quantized" in (caught.value.found or "")


def test_a_module_used_twice_is_one_module() -> None:
    module = nn.LSTM(3, 4)
    model = nn.ModuleDict({"first": module, "again": module})
    assert recurrent_module(model) == ("first", module)
