"""Claims about gates that are not judged, and what is said of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from gate_cases import CLASSES, FEATURES, STEPS, UNITS, Wrapped, _one_thread, case, labelled
from torch import nn

from interp_checks import (
    Claim,
    InterpChecksError,
    NotJudgedError,
    Outcome,
    Readout,
    judge,
    readout_of,
)
from interp_checks.comparing.alignment import aligned
from interp_checks.comparing.matching import match_directions
from interp_checks.discovery import discover

__all__ = ["_one_thread"]  # fixture

pytestmark = pytest.mark.slow


# --- what is not judged -------------------------------------------------------------------------


def refused(sentence: str, readout: Readout) -> NotJudgedError:
    with pytest.raises(NotJudgedError) as caught:
        judge(sentence, readout)
    return caught.value


@pytest.mark.parametrize(
    ("kind", "weights", "words", "found"),
    [
        (nn.LSTM, "layer 2 forget gate's input", "have the layer 2 forget gate's", "weight_ih_l1"),
        (nn.LSTM, "layer 1 backward cell gate's input", "layer 1 backward", "weight_ih_l0_reverse"),
        (nn.LSTM, "layer 1 reset gate's input", "reset", "the gates input, forget, cell, output"),
        (nn.GRU, "layer 1 forget gate's recurrent", "forget", "the gates reset, update, new"),
        (nn.RNN, "layer 1 cell gate's recurrent", "cell", "no gates"),
        (nn.GRU, "layer 1 recurrent", "the layer 1 recurrent", "the gates reset, update, new"),
    ],
)
@pytest.mark.parametrize(
    "words_of",
    [
        "dropping direction 1 of {} kills class 1",
        "every direction of {} alone kills class 1",
        "keeping every direction predicts the same as keeping no direction of {}",
        "keeping no direction revives class 1 compared with keeping no direction of {}",
    ],
)
def test_weights_that_the_model_does_not_have(
    kind: Any, weights: str, words: str, found: str, words_of: str
) -> None:
    error = refused(words_of.format(f"the {weights} weights"), case(kind).readout)
    assert error.problem.startswith("the model does not have")
    assert words in error.problem
    assert found in str(error.found)


def test_directions_that_the_weights_do_not_have() -> None:
    readout = case(nn.LSTM).readout
    error = refused(
        "dropping direction 5 of the layer 1 cell gate's input weights kills class 1", readout
    )
    assert str(error).split("\n") == [
        "dropping direction 5 of the layer 1 cell gate's input weights: there is no direction 5",
        "  found: 4 directions",
        "  expected: at least 5",
    ]
    # 5 units read a state of 5.
    judge(
        "dropping direction 5 of the layer 1 cell gate's recurrent weights kills class 1", readout
    )
    refused(
        "some set of 5 directions of the layer 1 cell gate's input weights alone kills class 1",
        readout,
    )


def test_no_network() -> None:
    bare = replace(case(nn.LSTM).readout, network=None)
    for sentence in (
        "dropping direction 1 of the layer 1 cell gate's input weights kills class 1",
        "some direction of the layer 1 cell gate's input weights, dropped alone, kills class 1",
        "nearly every ablation of the layer 1 cell gate's input weights spares class 1",
        "keeping every direction predicts the same as keeping every direction of the layer 1 cell "
        "gate's input weights",
    ):
        error = refused(sentence, bare)
        assert "this needs the model and its inputs" in error.problem
        assert "keep_inputs=True" in str(error.remedy)


class Mixed(nn.Module):
    """Any layers one after another, then a head."""

    def __init__(self, *layers: nn.Module, width: int) -> None:
        super().__init__()
        self.layers, self.head = nn.ModuleList(layers), nn.Linear(width, CLASSES)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            found = layer(inputs)
            inputs = found[0] if isinstance(found, tuple) else found
        logits: torch.Tensor = self.head(inputs[:, -1])
        return logits


def options(**more: Any) -> Any:
    return {"batch_first": True, **more}


@pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")
@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: Mixed(nn.Tanh(), width=FEATURES), ["not exactly one recurrent module", "none"]),
        (
            lambda: Mixed(nn.GRU(4, 5, **options()), nn.RNN(5, 3, **options()), width=3),
            ["not exactly one recurrent module", "GRU 'layers.0', RNN 'layers.1'"],
        ),
        (
            lambda: Mixed(nn.LSTM(4, 5, **options(proj_size=3)), width=3),
            ["projects its hidden state", "proj_size=3"],
        ),
    ],
    ids=["none", "two", "projections"],
)
def test_models_whose_gates_are_not_judged(model: Any, words: list[str]) -> None:
    torch.manual_seed(0)
    inputs = torch.randn(50, STEPS, FEATURES)
    labels = torch.randint(0, CLASSES, (50,))
    readout = readout_of(model(), [(inputs, labels)], keep_inputs=True)
    target = "the layer 1 new gate's input weights"
    for sentence in (
        f"dropping direction 1 of {target} kills class 1",
        f"some direction of {target} alone kills class 1",
        f"keeping every direction predicts the same as keeping no direction of {target}",
    ):
        error = refused(sentence, readout)
        assert all(word in str(error) for word in words)
    with pytest.raises(NotJudgedError, match=words[0]):
        discover(readout, 2, gates=True)
    # Claims about its output layer are judged as ever.
    judge("dropping direction 1 kills class 1", readout, rotations=2)


def test_inputs_that_cannot_be_kept_together_are_refused() -> None:
    model = Mixed(nn.GRU(4, 5, **options()), width=5)
    batches = [(torch.randn(3, steps, 4), torch.zeros(3, dtype=torch.long)) for steps in (4, 6)]
    with pytest.raises(InterpChecksError, match="different shapes cannot be kept together"):
        readout_of(model, batches, keep_inputs=True)
    assert len(readout_of(model, batches)) == 6


def test_directions_that_cannot_be_told_apart_are_refused() -> None:
    torch.manual_seed(0)
    made: Any = Wrapped(nn.GRU).double()
    turned, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(UNITS, FEATURES)))
    block = (turned * [2, 1, 1.0005, 0.3]) @ np.linalg.qr(
        np.random.default_rng(1).normal(size=(4, 4))
    )[0]
    with torch.no_grad():
        made.body["memory"].weight_ih_l0[UNITS : 2 * UNITS] = torch.from_numpy(block)
    inputs = torch.randn(100, STEPS, FEATURES).double()
    readout = readout_of(made, [(inputs, labelled(made, inputs, 0))], keep_inputs=True)
    target = "the layer 1 update gate's input weights"
    for words in (
        "dropping direction 2",
        "keeping the first 2 directions",
        "keeping only direction 3",
    ):
        error = refused(f"{words} of {target} kills class 1", readout)
        assert "direction" in error.problem
        assert "cannot be told from direction" in error.problem
        assert "singular values 1" in str(error.found)
        refused(f"keeping every direction predicts the same as {words} of {target}", readout)
    for words in (
        "dropping direction 1",
        "dropping directions 2 and 3",
        "keeping the first 3 directions",
    ):
        assert judge(f"{words} of {target} kills class 1", readout).checks
    found = judge(
        f"every direction of {target}, dropped alone, keeps accuracy above 0.1 %", readout
    )
    assert found.outcome == Outcome.UNDECIDED
    assert sum("cannot be told from its neighbour" in check.measured for check in found.checks) == 2


def test_gate_claims_have_no_counterparts() -> None:
    one = case(nn.LSTM)
    matching = match_directions(one.readout, one.readout)
    gate = "direction 1 of the layer 1 cell gate's input weights"
    for sentence in (
        f"dropping {gate} kills class 1",
        f"dropping direction 1 predicts the same as keeping only {gate}",
        f"dropping direction 1 revives class 1 compared with keeping only {gate}",
    ):
        with pytest.raises(NotJudgedError, match="only directions of the output layer") as caught:
            aligned(Claim.parse(sentence), matching)
        assert "without --interp-align" in str(caught.value.remedy)
    head = Claim.parse("dropping direction 1 kills class 1")
    assert aligned(head, matching) == head
