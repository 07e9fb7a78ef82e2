"""Chance rates of claims about gates against a plain loop: turn, rebuild, swap, run, look."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from gate_cases import _one_thread
from gate_chance_oracle import CLASSES, FEATURES, UNITS, Loop, made
from naive import turned
from torch import nn

from interp_checks import Ablation, Claim, GateWeights, NotJudgedError, judge, readout_of
from interp_checks.counting.random_directions import images_used
from interp_checks.judging import chance as chance_module
from interp_checks.judging.chance import Chance, by_chance
from interp_checks.networks.gates import weight_block
from interp_checks.networks.random_directions import RotatedNetwork

__all__ = ["_one_thread"]  # fixture

KINDS = (nn.LSTM, nn.GRU, nn.RNN)


# --- a plain loop -------------------------------------------------------------------------------

Rule = Callable[[Loop, np.ndarray, int], bool]

# Each sentence: what stays and its meaning.
# fmt: off
RULES: dict[str, tuple[Callable[[int], tuple[int, ...]], Rule]] = {
    "dropping direction 1{of} kills class 1":
        (lambda n: tuple(range(2, n + 1)), lambda loop, now, _: loop.kills(now, 1)),
    "dropping directions 1 and 2{of} kills no class":
        (lambda n: tuple(range(3, n + 1)),
         lambda loop, now, _: not any(loop.kills(now, k) for k in range(CLASSES))),
    "keeping only direction 1{of} leaves class 2 alive":
        (lambda n: (1,), lambda loop, now, _: loop.recall(now, 2) > 0.5),
    "keeping the first 3 directions{of} keeps accuracy above 60 %":
        (lambda n: (1, 2, 3), lambda loop, now, _: float((now == loop.labels).mean()) > 0.6),
    "keeping the last 3 directions{of} spares class 0":
        (lambda n: tuple(range(n - 2, n + 1)),
         lambda loop, now, _: round(loop.recall(loop.intact, 0) - loop.recall(now, 0), 12) < 0.1),
    "keeping the first 2 directions{of} sends class 3 mostly to class 1":
        (lambda n: (1, 2), lambda loop, now, _: float((now[loop.labels == 3] == 1).mean()) > 0.5),
    "dropping direction 1{of} predicts exactly 4 classes":
        (lambda n: tuple(range(2, n + 1)),
         lambda loop, now, _: all(float((now == k).mean()) > 0.01 for k in range(4))),
    "dropping direction 2{of} predicts the same as dropping direction 3{of}":
        (lambda n: (1, *range(3, n + 1)),
         lambda loop, now, row: bool(
             (now != loop.predicted((1, 2, *range(4, loop.width + 1)))[row]).mean() < 0.05)),
    "keeping the first 4 directions{of} revives class 3 compared with keeping only direction 4{of}":
        (lambda n: (1, 2, 3, 4),
         lambda loop, now, row: loop.recall(now, 3) > 0.5
         and loop.recall(loop.predicted((4,))[row], 3) < 0.05),
}
# fmt: on

LOOPS = [
    (nn.LSTM, GateWeights(1, "cell", "input"), 2),
    (nn.LSTM, GateWeights(1, "cell", "recurrent"), 2),
    (nn.GRU, GateWeights(1, "new", "input"), 2),
    (nn.GRU, GateWeights(1, "update", "recurrent"), 1),
    (nn.RNN, GateWeights(1, "", "input"), 0),
    (nn.GRU, None, 0),
]


@pytest.mark.parametrize(("kind", "target", "at"), LOOPS, ids=lambda one: str(one))
def test_the_count_is_that_of_a_plain_loop(kind: Any, target: GateWeights | None, at: int) -> None:
    loop = Loop(kind, target, at, 12)
    of = f" of {target}" if target else ""
    counts = []
    for sentence, (stays, holds) in RULES.items():
        rows = enumerate(loop.predicted(stays(loop.width)))
        expected = sum(holds(loop, now, row) for row, now in rows)
        claim = Claim.parse(sentence.format(of=of))
        assert by_chance(claim, loop.readout, 12) == Chance(expected, 12), str(claim)
        counts.append(expected)
    # Not all of them are certain, nor all impossible.
    assert len(set(counts)) > 2


def test_the_verdict_tells_the_same() -> None:
    loop = Loop(nn.GRU, GateWeights(1, "new", "input"), 2, 9)
    claim = Claim.parse(
        "dropping direction 1 of the layer 1 new gate's input weights kills class 1"
    )
    verdict = judge(claim, loop.readout, rotations=9)
    assert verdict.chance == by_chance(claim, loop.readout, 9, anywhere=True)
    assert judge(claim, loop.readout).chance is None


def test_in_a_gate_of_low_rank_only_what_carries_is_turned() -> None:
    model, inputs, readout = made(nn.GRU)
    lower: Any = copy.deepcopy(model)
    generator = np.random.default_rng(2)
    block = generator.normal(size=(UNITS, 2)) @ generator.normal(size=(2, FEATURES))
    with torch.no_grad():
        lower.memory.weight_ih_l0[2 * UNITS :] = torch.from_numpy(block)
    labels = torch.from_numpy(readout.labels)
    found = readout_of(lower, [(inputs, labels)], keep_inputs=True)
    target = GateWeights(1, "new", "input")
    rotated = found.random_cuts(7, target)
    assert isinstance(rotated, RotatedNetwork)
    kept = block.shape[1]
    for pieces, plain in zip(rotated.pieces, turned(block, 7), strict=True):
        for number in range(1, kept + 1):
            np.testing.assert_allclose(pieces.weight((number,)), plain[number - 1], atol=1e-12)
    claim = Claim.parse(f"dropping direction 3 of {target} costs more than 0 points of accuracy")
    assert by_chance(claim, found, 7) == Chance(0, 7)


# --- the pieces ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_pieces_of_every_rotation_add_up_to_the_weights(kind: Any) -> None:
    model, _, readout = made(kind)
    for target in readout.needs_network("this").targets:
        block = weight_block(model.state_dict(), target)
        rotated = readout.random_cuts(15, target)
        assert isinstance(rotated, RotatedNetwork)
        assert len(rotated.pieces) == 15
        firsts = []
        for pieces in rotated.pieces:
            np.testing.assert_allclose(pieces.weight(), block, rtol=0, atol=1e-12)
            each = [pieces.weight((number,)) for number in range(1, len(pieces) + 1)]
            np.testing.assert_allclose(sum(each), block, rtol=0, atol=1e-12)
            sizes = [np.linalg.norm(piece) for piece in each]
            assert sizes == sorted(sizes, reverse=True)
            assert all(np.linalg.matrix_rank(piece) == 1 for piece in each)
            firsts.append(each[0])
        assert len({first.round(9).tobytes() for first in firsts}) == 15
        every = rotated.counts(Ablation("every"))
        np.testing.assert_array_equal(every, [readout.intact.counts] * 15)


def test_more_rotations_begin_with_the_same_ones() -> None:
    readout, target = made(nn.RNN)[2], GateWeights(1, "", "input")
    few = readout.random_cuts(3, target).counts(Ablation("dropping", (1,)))
    many = readout.random_cuts(8, target).counts(Ablation("dropping", (1,)))
    np.testing.assert_array_equal(few, many[:3])


def test_of_many_images_a_sample_is_run() -> None:
    readout = made(nn.RNN, 2700)[2]
    target = GateWeights(1, "", "input")
    rotated = readout.random_cuts(3, target)
    assert isinstance(rotated, RotatedNetwork)
    assert len(rotated.chosen) == pytest.approx(images_used(readout), abs=CLASSES)
    np.testing.assert_array_equal(rotated.labels, readout.labels[rotated.chosen])
    assert len(rotated.network.inputs) == len(rotated.chosen)
    whole = readout.needs_network("this").predict([Ablation("every", target=target)])[0]
    (there,) = rotated.network.predict([Ablation("every", target=target)])
    np.testing.assert_array_equal(there, whole[rotated.chosen])


# --- the output layer, as ever ------------------------------------------------------------------


def test_a_network_at_hand_changes_no_chance_of_the_output_layer() -> None:
    readout = made(nn.LSTM)[2]
    alone = replace(readout, network=None)
    for sentence in RULES:
        claim = Claim.parse(sentence.format(of=""))
        for rotations in (5, 19):
            assert by_chance(claim, readout, rotations) == by_chance(claim, alone, rotations)


@pytest.mark.parametrize("turn", [False, True])
def test_across_targets_both_are_turned(turn: bool) -> None:
    gate = Loop(nn.GRU, GateWeights(1, "new", "input"), 2, 12)
    head = Loop(nn.GRU, None, 0, 12)
    one = gate.predicted(tuple(range(2, gate.width + 1)))
    other = head.predicted(tuple(range(2, head.width + 1)))
    expected = sum((a != b).mean() < 0.05 for a, b in zip(one, other, strict=True))
    sides = [f"dropping direction 1 of {gate.target}", "dropping direction 1"]
    first, second = sides[::-1] if turn else sides
    claim = Claim.parse(f"{first} predicts the same as {second}")
    assert by_chance(claim, gate.readout, 12) == Chance(int(expected), 12)


def test_across_targets_both_are_turned_for_revivals() -> None:
    gate = Loop(nn.GRU, GateWeights(1, "new", "input"), 2, 12)
    head = Loop(nn.GRU, None, 0, 12)
    one, other = gate.predicted((1, 2, 3, 4)), head.predicted((4,))
    for name in range(CLASSES):
        expected = sum(
            gate.recall(a, name) > 0.5 and gate.recall(b, name) < 0.05
            for a, b in zip(one, other, strict=True)
        )
        words = f"keeping the first 4 directions of {gate.target} revives class {name} compared "
        claim = Claim.parse(words + "with keeping only direction 4")
        assert by_chance(claim, gate.readout, 12) == Chance(expected, 12)


# --- what is too much, or not there -------------------------------------------------------------


def test_networks_that_take_too_long_have_no_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    readout = made(nn.RNN)[2]
    claim = Claim.parse("dropping direction 1 of the layer 1 input weights kills class 1")
    steps, weights = 4, UNITS * (UNITS + FEATURES + 2)
    gate = GateWeights(1, "", "input")
    assert readout.needs_network("this").cost_of(gate) == steps * weights
    limit = 10 * len(readout) * steps * weights
    monkeypatch.setattr(chance_module, "_TOO_MUCH_INSIDE", limit)
    assert by_chance(claim, readout, 10) is not None
    monkeypatch.setattr(chance_module, "_TOO_MUCH_INSIDE", limit - 1)
    assert by_chance(claim, readout, 10) is None


def test_networks_on_the_other_side_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    readout = made(nn.RNN)[2]
    monkeypatch.setattr(chance_module, "_TOO_MUCH_INSIDE", 0)
    claim = Claim.parse(
        "dropping direction 1 revives class 1 compared with keeping only direction 1 of the layer "
        "1 input weights"
    )
    assert by_chance(claim, readout, 5) is None


def test_without_a_network_there_is_nothing_to_turn() -> None:
    readout = replace(made(nn.RNN)[2], network=None)
    with pytest.raises(NotJudgedError, match="needs the model and its inputs"):
        readout.random_cuts(5, GateWeights(1, "", "input"))
    with pytest.raises(NotJudgedError, match="does not have the layer 3"):
        made(nn.RNN)[2].random_cuts(5, GateWeights(3, "", "input"))
