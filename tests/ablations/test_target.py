"""Targets: the output layer, gates, and a kind of weights that is made here alone."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from interp_checks import (
    OUTPUT_LAYER,
    Ablation,
    Claim,
    Directions,
    GateWeights,
    NotJudgedError,
    Outcome,
    Readout,
    Target,
    dropping,
    judge,
    keeping_every_direction,
    keeping_no_direction,
    sweep,
)
from interp_checks.ablations.target import Ablatable, Keeping, Network, NetworkWeights, OutputLayer
from interp_checks.arrays import Array, IntArray
from interp_checks.claims.quantified import Quantified
from interp_checks.judging.chance import by_chance
from interp_checks.networks import network as networks

GATE = GateWeights(1, "forget", "recurrent")
CLASSES, WIDTH, IMAGES = 4, 6, 400


def test_the_output_layer_is_one_value_and_is_not_said() -> None:
    assert OutputLayer() == OUTPUT_LAYER == pickle.loads(pickle.dumps(OUTPUT_LAYER))
    assert hash(OutputLayer()) == hash(OUTPUT_LAYER)
    assert dropping(1).target is OUTPUT_LAYER
    assert str(OUTPUT_LAYER) == "the output layer"
    assert (OUTPUT_LAYER.of_words, OUTPUT_LAYER.recorded) == ("", None)
    assert str(dropping(1).of(OUTPUT_LAYER)) == "dropping direction 1"
    assert dropping(1).of(GATE).of(OUTPUT_LAYER) == dropping(1)
    assert Quantified("some", "dropped").of(GATE).of(OUTPUT_LAYER) == Quantified("some", "dropped")


def test_a_gate_is_said_after_of() -> None:
    assert GATE.of_words == " of the layer 1 forget gate's recurrent weights"
    assert GATE.recorded == "the layer 1 forget gate's recurrent weights"
    assert str(dropping(1).of(GATE)) == "dropping direction 1" + GATE.of_words
    assert pickle.loads(pickle.dumps(GATE)) == GATE == copy.deepcopy(GATE)
    assert GATE.inside
    assert not GATE.has_gauge


def test_a_target_says_everything() -> None:
    class Wordless(NetworkWeights):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Wordless()  # type: ignore[abstract]


# --- a new kind of weights ----------------------------------------------------------------------


@dataclass(frozen=True)
class NamedWeight(NetworkWeights):
    """Any weight matrix of a torch model, by its name."""

    name: str

    def __str__(self) -> str:
        return f'the weights of "{self.name}"'

    def directions(self, readout: Ablatable) -> Directions:
        try:
            parameter = readout.needs_network(self).model.get_parameter(self.name)
        except AttributeError:
            raise NotJudgedError(f"the model does not have {self}") from None
        return Directions.of(parameter.detach().double().numpy())

    def predict(self, readout: Ablatable, ablations: Sequence[Keeping]) -> list[IntArray]:
        network, rows = readout.needs_network(ablations[0]), []
        for ablation in ablations:
            assert isinstance(ablation, Ablation)
            target = ablation.target
            directions = target.directions(readout)
            kept = ablation.kept(len(directions))
            assert isinstance(target, NamedWeight)
            rows.append(target.predict_pieces(network, kept, [directions])[0])
        return rows

    def predict_pieces(
        self, network: Network, kept: tuple[int, ...], pieces: Sequence[Directions]
    ) -> Array:
        rows = []
        for whole in pieces:
            replaced = {self.name: torch.from_numpy(whole.weight(kept))}
            logits = torch.func.functional_call(network.model, replaced, (network.inputs,))
            rows.append(logits.detach().numpy().argmax(axis=1).astype(np.int64))
        return np.stack(rows)


class FeedForward(networks.Network):
    """A model without recurrent layers: only what all networks can do, and its own cost."""

    def cost_of(self, target: NetworkWeights) -> int:
        return WIDTH * WIDTH

    def part(self, chosen: IntArray) -> networks.Network:
        return FeedForward(lambda: self.model, lambda: self.inputs, chosen)


@pytest.fixture(scope="module")
def subject() -> tuple[nn.Module, torch.Tensor, Readout]:
    """A model with a hidden layer that is right about every input."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, CLASSES))
    model = model.double().eval()
    inputs = 2 * torch.randn(IMAGES, WIDTH).double()
    with torch.no_grad():
        labels = model(inputs).argmax(dim=1).numpy()
        features = model[:2](inputs).numpy()
    head = model[2]
    readout = Readout(
        features,
        labels,
        head.weight.detach().numpy(),
        head.bias.detach().numpy(),
        network=FeedForward(lambda: model, lambda: inputs),
    )
    return model, inputs, readout


def swapped(subject: tuple[nn.Module, torch.Tensor, Readout], dropped: int | None) -> np.ndarray:
    """Predictions when a singular direction of the first weight is taken out; None: all of it."""
    model, inputs, _ = subject
    model = copy.deepcopy(model)
    with torch.no_grad():
        weight = model[0].weight
        left, values, right = np.linalg.svd(weight.numpy())
        values = np.zeros_like(values) if dropped is None else values
        values[(dropped or 1) - 1] = 0
        weight.copy_(torch.from_numpy(left @ np.diag(values) @ right))
        return np.asarray(model(inputs).argmax(dim=1).numpy())


FIRST = NamedWeight("0.weight")


def test_a_new_target_is_one_class(subject: tuple[nn.Module, torch.Tensor, Readout]) -> None:
    readout = subject[2]
    assert len(readout.directions_of(FIRST)) == WIDTH
    ablations = [dropping(number).of(FIRST) for number in range(1, WIDTH + 1)]
    confusions = sweep(readout, [dropping(1), *ablations, keeping_no_direction().of(FIRST)])
    for number, ablation in enumerate(ablations, start=1):
        hit = swapped(subject, number) == readout.labels
        expected = np.bincount(readout.labels[hit], minlength=CLASSES)
        np.testing.assert_array_equal(confusions[ablation].counts.diagonal(), expected)
    nothing = readout.ablated(keeping_no_direction().of(FIRST))
    np.testing.assert_array_equal(nothing.counts.sum(axis=0).max(), IMAGES)
    assert len(set(swapped(subject, None))) == 1
    np.testing.assert_array_equal(
        confusions[dropping(1)].counts, readout.ablated(dropping(1)).counts
    )


def test_claims_about_a_new_target_are_judged(
    subject: tuple[nn.Module, torch.Tensor, Readout],
) -> None:
    readout = subject[2]
    whole: Target = FIRST
    right = keeping_every_direction().of(whole).keeps_accuracy_above(95)
    words = 'keeping every direction of the weights of "0.weight" keeps accuracy above 95 %'
    assert str(right) == words
    assert judge(right, readout).outcome is Outcome.HOLDS
    assert right.needs_images
    assert right.targets == (whole,)
    every = Claim(Quantified("every", "dropped").of(whole), right.says)
    assert str(every).startswith('every direction of the weights of "0.weight", dropped alone,')
    assert judge(every, readout).outcome is Outcome.FAILS
    notes = judge(dropping(1).of(whole).keeps_accuracy_above(1), readout).notes
    assert notes == ("vacuous: with no direction left, the rest of the network does the same",)
    lost = dropping(1).of(whole).costs_more_than(0.5)
    chance = by_chance(lost, readout, 12)
    assert chance is not None
    cuts = readout.random_cuts(12, whole)
    accuracies = np.trace(cuts.counts(dropping(1)), axis1=1, axis2=2) / len(cuts.labels)
    assert chance.count == (accuracies < 0.995).sum()
    uncut = cuts.counts(keeping_every_direction())
    np.testing.assert_array_equal(uncut, [readout.intact.counts] * 12)


def test_a_new_target_refuses_as_others_do(
    subject: tuple[nn.Module, torch.Tensor, Readout],
) -> None:
    readout = subject[2]
    with pytest.raises(NotJudgedError, match=r'does not have the weights of "9\.weight"'):
        judge(dropping(1).of(NamedWeight("9.weight")).kills(1), readout)
    with pytest.raises(NotJudgedError, match="there is no direction 7"):
        judge(dropping(7).of(FIRST).kills(1), readout)
    alone = Readout(readout.features, readout.labels, readout.weight, readout.bias)
    with pytest.raises(NotJudgedError, match=r'"0\.weight".*needs the model and its inputs'):
        judge(dropping(1).of(FIRST).kills(1), alone)
