"""Claims about gates against numpy's SVD, swapped weights and PyTorch's own forward pass."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

import numpy as np
import pytest
import torch
from gate_cases import (
    CLASSES,
    FEATURES,
    READS,
    STEPS,
    Case,
    Wrapped,
    _one_thread,
    block_of,
    by_hand,
    case,
    every_kind,
    labelled,
    planted,
)
from naive import confusion, predictions
from scipy.stats import binomtest
from torch import nn

from interp_checks import (
    Ablation,
    GateWeights,
    Outcome,
    dropping,
    judge,
    keeping_every_direction,
    keeping_first,
    keeping_last,
    keeping_no_direction,
    keeping_only,
    readout_of,
)
from interp_checks.counting.sweep import sweep

__all__ = ["_one_thread"]  # fixture

pytestmark = pytest.mark.slow


# --- the independent computation ----------------------------------------------------------------


def confused(made: Case, predicted: np.ndarray) -> np.ndarray:
    return confusion(made.labels.numpy(), predicted, CLASSES)


def families(count: int) -> list[tuple[Ablation, tuple[int, ...]]]:
    """Every kind of ablation, with the directions that stay said again."""
    every = tuple(range(1, count + 1))
    return [
        *((dropping(n), tuple(k for k in every if k != n)) for n in every),
        *((keeping_only(n), (n,)) for n in every),
        *((keeping_first(n), every[:n]) for n in every),
        *((keeping_last(n), every[count - n :]) for n in every),
        (dropping(1, count), every[1:-1]),
        (keeping_only(1, count), (1, count)),
        (keeping_every_direction(), every),
        (keeping_no_direction(), ()),
    ]


def sided(count: int, total: int, threshold: float, relation: str, level: float = 0.95) -> Outcome:
    """Which side of a threshold an exact interval lies on; scipy's."""
    found = binomtest(count, total).proportion_ci(level, method="exact")
    if found.low > threshold if relation == "above" else found.high < threshold:
        return Outcome.HOLDS
    if found.high <= threshold if relation == "above" else found.low >= threshold:
        return Outcome.FAILS
    return Outcome.UNDECIDED


# --- verdicts and counts ------------------------------------------------------------------------


@every_kind
def test_counts_and_verdicts_are_those_of_swapped_weights(made: Any) -> None:
    one = case(*made)
    labels = one.labels.numpy()
    intact = one.model(one.inputs).argmax(dim=1).numpy()
    outcomes = set()
    for target in one.targets[:: 1 + 2 * (len(one.targets) // 8)]:
        count = min(block_of(one, target).shape)
        wanted = [(ablation.of(target), kept) for ablation, kept in families(count)]
        found = sweep(one.readout, [ablation for ablation, _ in wanted])
        for position, (ablation, kept) in enumerate(wanted):
            predicted = by_hand(one, target, kept)
            counts = confused(one, predicted)
            result = found[ablation]
            np.testing.assert_array_equal(result.counts, counts, str(ablation))
            both = labels[(predicted == labels) & (intact == labels)]
            np.testing.assert_array_equal(
                result.both_right, np.bincount(both, minlength=CLASSES), str(ablation)
            )
            percent = (45, 60, 75, 92)[position % 4]
            right = int(counts.trace())
            expected = sided(right, len(labels), percent / 100, "above")
            verdict = judge(f"{ablation} keeps accuracy above {percent} %", one.readout)
            assert verdict.outcome == expected, str(ablation)
            assert f"({right} of {len(labels)})" in verdict.measured
            outcomes.add(verdict.outcome)
    assert len(outcomes) > 1


def test_all_outcomes_are_met_and_told_apart() -> None:
    one = case(nn.LSTM, 2, True)
    target = GateWeights(2, "cell", "input", True)
    right = int(confused(one, by_hand(one, target, (2, 3, 4, 5))).trace())
    share = round(100 * right / len(one.inputs))
    met = set()
    for percent in (share - 12, share, share + 12):
        sentence = f"dropping direction 1 of {target} keeps accuracy above {percent} %"
        outcome = judge(sentence, one.readout).outcome
        assert outcome == sided(right, len(one.inputs), percent / 100, "above")
        met.add(outcome)
    assert met == set(Outcome)


def test_counts_are_the_same_in_single_precision() -> None:
    """What users have: float32 weights, with whichever engine is chosen for them."""
    torch.manual_seed(3)
    model = Wrapped(nn.LSTM, num_layers=2)
    inputs = torch.randn(500, STEPS, FEATURES)
    labels = labelled(model, inputs, 3)
    one = Case(model, inputs, labels, readout_of(model, [(inputs, labels)], keep_inputs=True))
    for target in one.targets:
        for ablation, kept in families(min(block_of(one, target).shape))[:8]:
            np.testing.assert_array_equal(
                one.readout.ablated(ablation.of(target)).counts,
                confused(one, by_hand(one, target, kept)),
            )


MEMBERS: dict[str, Callable[[int], list[tuple[int, ...]]]] = {
    "direction{of}, dropped alone,": lambda n: [
        tuple(k for k in range(1, n + 1) if k != i) for i in range(1, n + 1)
    ],
    "direction{of} alone": lambda n: [(i,) for i in range(1, n + 1)],
    "set of 2 directions{of}, dropped together,": lambda n: [
        tuple(k for k in range(1, n + 1) if k not in (i, j))
        for i in range(1, n + 1)
        for j in range(i + 1, n + 1)
    ],
    "set of 2 directions{of} alone": lambda n: [
        (i, j) for i in range(1, n + 1) for j in range(i + 1, n + 1)
    ],
    "ablation{of}": lambda n: list({kept for _, kept in families(n)[: 4 * n]}),
}


@pytest.mark.parametrize("over", MEMBERS)
@pytest.mark.parametrize("quantifier", ["some", "every", "nearly every"])
def test_quantified_claims_judge_every_member(quantifier: str, over: str) -> None:
    one = case(nn.LSTM, 2, True)
    met = set()
    for target in (GateWeights(2, "forget", "input"), GateWeights(1, "cell", "input", True)):
        members = MEMBERS[over](min(block_of(one, target).shape))
        many = len(members)
        needed = {"some": 1, "every": many}.get(quantifier, ceil(0.9 * many))
        level = 1 - 0.05 / (many - needed + 1)
        rights = [int(confused(one, by_hand(one, target, kept)).trace()) for kept in members]
        for percent in (20, 40, 55, 65, 75, 99):
            # A member that must do it fails as one of as many as must.
            at = len(one.inputs), percent / 100, "above"
            holding = [sided(r, *at, level) for r in rights].count(Outcome.HOLDS)
            failing = [sided(r, *at, 1 - 0.05 / needed) for r in rights].count(Outcome.FAILS)
            expected = (
                Outcome.HOLDS
                if holding >= needed
                else Outcome.FAILS
                if many - failing < needed
                else Outcome.UNDECIDED
            )
            subject = over.format(of=f" of {target}")
            verdict = judge(f"{quantifier} {subject} keeps accuracy above {percent} %", one.readout)
            assert verdict.outcome == expected, (str(verdict.claim), rights)
            assert verdict.measured.startswith(f"number of ablations that do so is {holding} of")
            met.add(expected)
    assert {Outcome.HOLDS, Outcome.FAILS} <= met


PAIRS = [
    ("dropping direction 1{a}", "dropping direction 2"),
    ("keeping only direction 1", "keeping no direction{a}"),
    ("keeping the first 2 directions{a}", "keeping the last 3 directions{b}"),
    ("keeping every direction{a}", "keeping every direction"),
    ("keeping every direction", "keeping every direction{b}"),
]


def across(one: Case, words: str) -> np.ndarray:
    ablation = Ablation.parse(words)
    if not ablation.target.inside:
        return predictions(one.readout, ablation.kept(CLASSES))
    return by_hand(one, ablation.target, ablation.kept(min(block_of(one, ablation.target).shape)))


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_comparisons_across_targets(pair: tuple[str, str]) -> None:
    one = case(nn.GRU, 2, False, False)
    of = {
        "a": f" of {GateWeights(2, 'new', 'input')}",
        "b": f" of {GateWeights(1, 'new', 'input')}",
    }
    first, second = (words.format(**of) for words in pair)
    here, there = across(one, first), across(one, second)
    differing, images = int((here != there).sum()), len(one.inputs)

    verdict = judge(f"{first} predicts the same as {second}", one.readout)
    assert verdict.outcome == sided(differing, images, 0.05, "below")
    assert f"({differing} of {images})" in verdict.measured
    exactly = judge(f"{first} predicts exactly the same as {second}", one.readout)
    assert (exactly.outcome == Outcome.HOLDS) == (differing == 0)

    counts, others = confused(one, here), confused(one, there)
    for name in range(CLASSES):
        total = int(counts[name].sum())
        parts = [
            sided(int(counts[name, name]), total, 0.5, "above"),
            sided(int(others[name, name]), total, 0.05, "below"),
        ]
        expected = (
            Outcome.FAILS
            if Outcome.FAILS in parts
            else Outcome.UNDECIDED
            if Outcome.UNDECIDED in parts
            else Outcome.HOLDS
        )
        sentence = f"{first} revives class {name} compared with {second}"
        assert judge(sentence, one.readout).outcome == expected


def test_a_class_that_a_gate_kills_is_revived_by_the_output_layer() -> None:
    """Of the planted network: see there."""
    readout = planted()
    gate = f"dropping direction 1 of {READS}"
    found = judge(f"keeping every direction revives class 0 compared with {gate}", readout)
    assert found.outcome == Outcome.HOLDS
    found = judge(f"{gate} revives class 0 compared with keeping every direction", readout)
    assert found.outcome == Outcome.FAILS
