"""What is found in gates: in parts of a readout, by search, and what makes it mean less."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from gate_cases import CLASSES, FEATURES, READS, STEPS, Wrapped, _one_thread, by_hand, case, planted
from naive import confusion
from torch import nn

from interp_checks import (
    Claim,
    GateWeights,
    NotJudgedError,
    Outcome,
    Readout,
    dropping,
    judge,
    readout_of,
)
from interp_checks.claims.predicates import Kills, LeavesAlive, PredictsOnly
from interp_checks.comparing.fates import KEPT, fate_of
from interp_checks.comparing.matching import match_directions
from interp_checks.counting.random_directions import Rotated
from interp_checks.counting.sweep import predict
from interp_checks.discovery import discover, search_and_confirm

__all__ = ["_one_thread"]  # fixture

pytestmark = pytest.mark.slow


# --- parts, and what is found in them -----------------------------------------------------------


def test_a_part_of_a_readout_is_judged_on_its_own_inputs() -> None:
    one = case(nn.LSTM, 1)
    target = GateWeights(1, "output", "recurrent")
    predicted, labels = by_hand(one, target, (2, 3, 4, 5)), one.labels.numpy()
    chosen = np.arange(0, 160, 3)[::-1].copy()
    part = replace(one.readout, drawings=object()).part(chosen)  # type: ignore[arg-type]
    assert part.drawings is None
    again = np.array([5, 0, 17])
    for readout, numbers in ((part, chosen), (part.part(again), chosen[again])):
        assert len(readout) == len(numbers)
        np.testing.assert_array_equal(readout.labels, labels[numbers])
        ablation = dropping(1).of(target)
        np.testing.assert_array_equal(predict(readout, ablation), predicted[numbers])
        counts = confusion(labels[numbers], predicted[numbers], CLASSES)
        np.testing.assert_array_equal(readout.ablated(ablation).counts, counts)


def test_a_planted_finding_is_found_and_confirmed() -> None:
    readout = planted()
    findings = discover(readout, 60, gates=True)
    claims = {str(finding.claim) for finding in findings}
    # Random directions of the same weights carry no class alone.
    assert f"dropping direction 4 of {READS} kills class 3 and spares every other class" in claims
    confirming = search_and_confirm(readout)[1]
    for finding in findings:
        assert finding.claim.targets
        assert judge(finding.claim, confirming).outcome == Outcome.HOLDS
        assert finding.chance is not None
        assert finding.chance.share <= 0.05
        assert finding.error <= 0.05
    # Nothing is read along the recurrent weights, so nothing about them is worth a claim.
    assert {finding.claim.targets for finding in findings} == {(READS,)}


def test_what_only_one_half_shows_is_not_confirmed() -> None:
    """In the confirming half, labels have nothing to do with inputs."""
    readout = planted()
    second = search_and_confirm(readout)[1]
    where = {row.tobytes(): number for number, row in enumerate(readout.features)}
    numbers = [where[row.tobytes()] for row in second.features]
    labels = readout.labels.copy()
    labels[numbers] = np.random.default_rng(0).permutation(labels[numbers])
    findings = discover(replace(readout, labels=labels), 20, gates=True)
    kinds = {type(say) for finding in findings for say in finding.claim.says}
    # What is predicted for all images alike does not depend on labels.
    assert not kinds - {PredictsOnly, LeavesAlive}


def test_without_a_network_no_finding_about_gates_is_looked_for() -> None:
    with pytest.raises(NotJudgedError, match="findings about gates: this needs the model"):
        discover(replace(planted(), network=None), 5, gates=True)
    assert not any(finding.claim.targets for finding in discover(planted(), 5))


# --- what makes a verdict mean less -------------------------------------------------------------


def test_what_no_direction_does_as_well_is_vacuous() -> None:
    readout = planted()
    weights = GateWeights(1, "", "recurrent")
    found = judge(f"keeping only direction 1 of {weights} spares every class", readout)
    assert found.outcome == Outcome.HOLDS
    assert found.notes == (
        "vacuous: with no direction left, the rest of the network does the same",
    )
    # Said of no direction itself, it is no note but the claim; of what matters, there is none.
    nothing = judge(f"keeping no direction of {weights} spares every class", readout)
    assert nothing.outcome == Outcome.HOLDS
    assert not nothing.notes
    assert not judge(f"dropping direction 1 of {READS} kills class 0", readout).notes


def biased() -> Readout:
    """A network whose output layer says class 0 for all that its features say."""
    torch.manual_seed(0)
    model = Wrapped(nn.GRU)
    with torch.no_grad():
        model.head.bias.copy_(torch.tensor([50.0, 0, 0, 0]))
    inputs = torch.randn(200, STEPS, FEATURES)
    return readout_of(model, [(inputs, torch.arange(200) % CLASSES)], keep_inputs=True)


def test_of_the_output_layer_it_is_the_bias_that_does_the_same() -> None:
    gate = GateWeights(1, "new", "input")
    sentence = f"dropping direction 1 predicts the same as dropping direction 1 of {gate}"
    found = judge(sentence, biased())
    assert found.outcome == Outcome.HOLDS
    assert found.notes == ("vacuous: with no direction left, the bias alone does the same",)


def test_the_gauge_of_the_output_layer_is_looked_at_where_it_matters() -> None:
    """All classes share a large component that no prediction sees, and that is direction 1."""
    one = case(nn.GRU, 1, True)
    shared = np.random.default_rng(0).normal(size=one.readout.weight.shape[1]) * 20
    readout = replace(one.readout, weight=one.readout.weight + shared)
    same = f"keeping every direction of {GateWeights(1, 'new', 'input')}"
    alone = judge("dropping direction 1 predicts the same as keeping every direction", readout)
    assert any(note.startswith("depends on the gauge") for note in alone.notes)
    across_targets = judge(f"dropping direction 1 predicts the same as {same}", readout)
    assert across_targets.outcome == alone.outcome
    assert across_targets.notes == alone.notes
    # Of a gate alone, it cannot matter.
    assert not judge(f"{same} predicts exactly the same as {same}", readout).notes[1:]


def test_a_finding_about_a_gate_is_not_one_about_the_output_layer_later() -> None:
    """Two directions of the output layer cannot be told apart, and dropping them kills class 0."""
    found = planted()
    weight = np.diag([2, 2.0001, 1, 0.5])
    old = replace(found, weight=weight, features=(found.logits / weight.diagonal()))
    new = replace(old, network=None)
    claim = Claim(dropping(1).of(READS), (Kills(("0",)),))
    assert judge(claim, old).outcome == Outcome.HOLDS
    assert judge("dropping directions 1 and 2 kills class 0", new).outcome == Outcome.HOLDS
    fate = fate_of(claim, old, new, match_directions(old, new), 0.95)
    assert fate.word not in KEPT


def test_rotations_are_made_once() -> None:
    readout = case(nn.LSTM).readout
    target = GateWeights(1, "cell", "input")
    rotated: Rotated = readout.random_cuts(4, target)
    assert rotated is readout.random_cuts(4, target)
    assert rotated is not readout.random_cuts(5, target)
    assert rotated is not readout.random_cuts(4)
