"""Claims about gates against numpy's SVD, swapped weights and PyTorch's own forward pass."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from math import ceil
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from naive import confusion, predictions, rebuilt
from scipy.stats import binomtest
from torch import nn

from interp_checks import (
    Ablation,
    Claim,
    GateWeights,
    InterpChecksError,
    NotJudgedError,
    Outcome,
    Readout,
    Verdict,
    dropping,
    judge,
    keeping_every_direction,
    keeping_first,
    keeping_last,
    keeping_no_direction,
    keeping_only,
    readout_of,
)
from interp_checks.claims.says import Kills, LeavesAlive, PredictsOnly
from interp_checks.comparing.alignment import aligned
from interp_checks.comparing.fates import KEPT, fate_of
from interp_checks.comparing.matching import match_directions
from interp_checks.counting.sweep import predict, sweep
from interp_checks.discovery import discover, search_and_confirm
from interp_checks.readouts.random_cuts import Rotated, rotated_weights

pytestmark = pytest.mark.slow

GATES = {
    nn.LSTM: ("input", "forget", "cell", "output"),
    nn.GRU: ("reset", "update", "new"),
    nn.RNN: ("",),
}
FEATURES, UNITS, CLASSES, STEPS = 4, 5, 4, 6


class Wrapped(nn.Module):
    """A classifier with its recurrent layer two modules down, fed either way round."""

    def __init__(self, kind: Any, *, batch_first: bool = True, **options: Any) -> None:
        super().__init__()
        layer: Any = kind(FEATURES, UNITS, batch_first=batch_first, **options)
        self.body = nn.ModuleDict({"memory": layer})
        self.batch_first = batch_first
        self.head = nn.Linear(UNITS * (2 if options.get("bidirectional") else 1), CLASSES)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        given = inputs if self.batch_first else inputs.transpose(0, 1)
        outputs, _ = self.body["memory"](given)
        outputs = outputs if self.batch_first else outputs.transpose(0, 1)
        logits: torch.Tensor = self.head(outputs.mean(dim=1))
        return logits


class Case(NamedTuple):
    model: nn.Module
    inputs: torch.Tensor
    labels: torch.Tensor
    readout: Readout

    @property
    def memory(self) -> Any:
        return self.model.get_submodule("body.memory")

    @property
    def kind(self) -> Any:
        return type(self.memory)

    @property
    def targets(self) -> list[GateWeights]:
        """Every gate's weights, listed by hand."""
        backward = (False, True) if self.memory.bidirectional else (False,)
        return [
            GateWeights(layer, gate, kind, back)
            for layer in range(1, self.memory.num_layers + 1)
            for back in backward
            for gate in GATES[self.kind]
            for kind in ("input", "recurrent")
        ]


def labelled(model: nn.Module, inputs: torch.Tensor, seed: int) -> torch.Tensor:
    """The model's own predictions, one of ten replaced."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        labels: torch.Tensor = model.eval()(inputs).argmax(dim=1)
    wrong = torch.rand(len(labels), generator=generator) < 0.1
    labels[wrong] = torch.randint(0, CLASSES, (int(wrong.sum()),), generator=generator)
    return labels


@cache
def case(
    kind: Any, layers: int = 1, both: bool = False, batch_first: bool = True, seed: int = 0
) -> Case:
    """A random classifier with large weights, in float64: no two logits are nearly the same."""
    torch.manual_seed(seed)
    model = Wrapped(kind, batch_first=batch_first, num_layers=layers, bidirectional=both).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
        model.head.bias.sub_(model(torch.randn(200, STEPS, FEATURES).double()).mean(dim=0))
    inputs = torch.randn(160, STEPS, FEATURES).double() * 2
    labels = labelled(model, inputs, seed)
    batches = [(inputs[:100], labels[:100]), (inputs[100:], labels[100:])]
    return Case(model, inputs, labels, readout_of(model, batches, keep_inputs=True))


CASES = [
    (nn.LSTM, 1, False, True),
    (nn.LSTM, 2, True, True),
    (nn.GRU, 2, False, False),
    (nn.GRU, 1, True, True),
    (nn.RNN, 2, True, False),
    (nn.RNN, 1, False, True),
]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """On a busy machine, many threads are far slower for models as small as these."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


every_kind = pytest.mark.parametrize("made", CASES, ids=lambda made: "-".join(map(str, made[1:])))


# --- the independent computation ----------------------------------------------------------------


def rows_of(made: Case, target: GateWeights) -> tuple[str, slice]:
    name = ("weight_ih" if target.kind == "input" else "weight_hh") + f"_l{target.layer - 1}"
    at = GATES[made.kind].index(target.gate) * made.memory.hidden_size
    suffix = "_reverse" if target.backward else ""
    return f"body.memory.{name}{suffix}", slice(at, at + made.memory.hidden_size)


def block_of(made: Case, target: GateWeights) -> np.ndarray:
    name, rows = rows_of(made, target)
    block: np.ndarray = made.model.state_dict()[name][rows].double().numpy()
    return block


def swapped(made: Case, target: GateWeights, block: np.ndarray) -> np.ndarray:
    """Predictions of a copy of the model with these rows in the place of a gate's."""
    model = copy.deepcopy(made.model).eval()
    state = model.state_dict()
    name, rows = rows_of(made, target)
    state[name][rows] = torch.from_numpy(block).to(state[name])
    model.load_state_dict(state)
    with torch.no_grad():
        predicted: np.ndarray = model(made.inputs).argmax(dim=1).numpy()
    return predicted


def by_hand(made: Case, target: GateWeights, kept: tuple[int, ...]) -> np.ndarray:
    return swapped(made, target, rebuilt(block_of(made, target), kept))


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
    if ablation.target is None:
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


# --- the model stays as it is -------------------------------------------------------------------


def bits(model: nn.Module) -> dict[str, bytes]:
    return {name: part.numpy().tobytes() for name, part in model.state_dict().items()}


@contextmanager
def untouched(model: nn.Module, memory: Any) -> Iterator[None]:
    before, modes = bits(model), [part.training for part in model.modules()]
    places = [part.data_ptr() for part in model.parameters()]
    yield
    assert bits(model) == before
    assert [part.training for part in model.modules()] == modes
    assert [part.data_ptr() for part in model.parameters()] == places
    # The list that a forward pass reads its weights from.
    assert all(
        flat is memory.get_parameter(name)
        for name, flat in zip(memory._flat_weights_names, memory._flat_weights, strict=True)
    )
    assert all(parameter.grad is None for parameter in model.parameters())


@every_kind
def test_judging_leaves_the_model_bit_identical(made: Any) -> None:
    one = case(*made)
    with untouched(one.model, one.memory):
        for target in one.targets[:: 1 + 2 * (len(one.targets) // 16)]:
            judge(f"dropping direction 1 of {target} kills class 1", one.readout, rotations=3)
            judge(f"every direction of {target} alone spares class 1", one.readout)


@every_kind
@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_failure_in_the_middle_leaves_the_model_bit_identical(
    made: Any, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = case(*made)
    plain, passes = nn.Linear.forward, 0

    def breaks(layer: nn.Linear, given: torch.Tensor) -> torch.Tensor:
        nonlocal passes
        passes += 1
        if passes == after:
            raise RuntimeError("the model broke")
        return plain(layer, given)

    fresh = replace(one.readout, network=one.readout.needs_network("this").part(np.arange(20)))
    fresh = replace(fresh, features=fresh.features[:20], labels=fresh.labels[:20])
    for target in one.targets:
        passes = 0
        with untouched(one.model, one.memory):
            with monkeypatch.context() as patch:
                patch.setattr(nn.Linear, "forward", breaks)
                with pytest.raises(RuntimeError, match="the model broke"):
                    judge(f"dropping direction 1 of {target} keeps accuracy above 1 %", fresh)
            # And it can still be judged.
            again = judge(f"dropping direction 1 of {target} keeps accuracy above 1 %", fresh)
            assert isinstance(again, Verdict)


def test_predictions_are_those_of_the_evaluated_model_whatever_its_mode() -> None:
    class Dropping(Wrapped):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            outputs, _ = self.body["memory"](inputs)
            halved = nn.functional.dropout(outputs[:, -1], 0.5, self.training)
            logits: torch.Tensor = self.head(halved)
            return logits

    torch.manual_seed(0)
    model, inputs = Dropping(nn.GRU), torch.randn(300, STEPS, FEATURES)
    labels = labelled(model, inputs, 0)
    model.train()
    readout = readout_of(model, [(inputs, labels)], keep_inputs=True)
    every = keeping_every_direction()
    target = GateWeights(1, "new", "input")
    np.testing.assert_array_equal(predict(readout, every.of(target)), predict(readout, every))
    assert model.training


def test_a_model_that_writes_into_its_inputs_sees_them_as_they_were() -> None:
    class Writing(Wrapped):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return super().forward(inputs.copy_(inputs.roll(1, dims=2)))

    torch.manual_seed(0)
    model, inputs = Writing(nn.GRU), torch.randn(300, STEPS, FEATURES)
    labels = labelled(model, inputs.clone(), 0)
    readout = readout_of(model, [(inputs, labels)], keep_inputs=True)
    every = keeping_every_direction()
    target = GateWeights(1, "new", "input")
    np.testing.assert_array_equal(predict(readout, every.of(target)), predict(readout, every))


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


#: What the planted network reads its inputs with.
READS = GateWeights(1, "", "input")


@cache
def planted(images: int = 2400) -> Readout:
    """A network that reads class k along direction k + 1 of its input weights, and no
    class along the others.

    Every input has something of every class, so that a class that is not seen at all loses.
    """
    torch.manual_seed(0)
    sizes = torch.tensor([1.0, 0.8, 0.6, 0.45, 0.4, 0.35, 0.3, 0.25])
    wide = len(sizes)

    class Planted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn: Any = nn.RNN(wide, wide, batch_first=True)
            self.head = nn.Linear(wide, CLASSES)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.head(self.rnn(inputs)[1][-1])
            return logits

    made = Planted()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.zero_()
        made.rnn.weight_ih_l0.copy_(torch.diag(sizes))
        made.rnn.weight_hh_l0.copy_(torch.diag(sizes / 100))
        made.head.weight.copy_(torch.diag(1 / sizes)[:CLASSES])
    labels = torch.arange(images) % CLASSES
    inputs = 0.3 + 0.1 * torch.rand(images, 3, wide)
    inputs[:, -1, :CLASSES] += 0.6 * nn.functional.one_hot(labels, CLASSES)
    return readout_of(made, [(inputs, labels)], keep_inputs=True)


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


# --- one definition of intact -------------------------------------------------------------------


class Finished(nn.Module):
    """A recurrent classifier, and what is done with its logits."""

    def __init__(self, finish: Callable[[torch.Tensor], Any], classes: int = CLASSES) -> None:
        super().__init__()
        self.memory, self.finish = nn.GRU(FEATURES, UNITS, batch_first=True), finish
        self.head = nn.Linear(UNITS, classes)

    def forward(self, inputs: torch.Tensor) -> Any:
        return self.finish(self.head(self.memory(inputs)[1][-1]))


@pytest.mark.parametrize(
    ("finish", "classes"),
    [
        (lambda logits: logits, CLASSES),
        (lambda logits: logits + 1000, CLASSES),
        (lambda logits: logits.log_softmax(1), CLASSES),
        (lambda logits: logits.softmax(1), CLASSES),
        (lambda logits: 2 * torch.tanh(logits / 2), CLASSES),
        (lambda logits: logits / 1e4, CLASSES),
        (lambda logits: {"scores": logits, "mean": logits.mean()}, CLASSES),
        (lambda logits: (logits, logits.log_softmax(1)), CLASSES),
        (lambda logits: torch.sigmoid(logits).squeeze(1), 1),
        (lambda logit: logit[:, 0], 1),
    ],
)
def test_whatever_becomes_of_the_logits_intact_means_the_same(finish: Any, classes: int) -> None:
    """Gates are judged by what the head makes of the features, as all else is."""
    torch.manual_seed(0)
    model = Finished(finish, classes).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    inputs = torch.randn(160, STEPS, FEATURES).double() * 2
    labels = torch.arange(160) % max(2, classes)
    readout = readout_of(model, [(inputs, labels)], keep_inputs=True)
    gate = GateWeights(1, "update", "recurrent")
    same = f"keeping every direction of {gate} predicts exactly the same as keeping every direction"
    assert judge(same, readout).outcome == Outcome.HOLDS
    count = len(readout.directions_of(gate))
    for ablation in (dropping(1), keeping_only(2), keeping_no_direction()):
        kept = ablation.kept(count)
        update = model.memory.weight_hh_l0[UNITS : 2 * UNITS].detach().numpy()
        changed = copy.deepcopy(model)
        with torch.no_grad():
            block = torch.from_numpy(rebuilt(update, kept))
            changed.memory.weight_hh_l0[UNITS : 2 * UNITS] = block
            logits = changed.head(changed.memory(inputs)[1][-1])
        own = (logits[:, 0] > 0).long() if classes == 1 else logits.argmax(1)
        np.testing.assert_array_equal(predict(readout, ablation.of(gate)), own.numpy())


def test_a_model_that_adds_to_its_logits_is_refused() -> None:
    """It was judged by its own output here, and by features and head there."""
    prior = torch.tensor([0, 3.0, 0, 0])
    with pytest.raises(InterpChecksError, match="is not what the model puts out"):
        readout_of(
            Finished(lambda logits: logits + prior),
            [(torch.randn(80, STEPS, FEATURES), torch.arange(80) % CLASSES)],
            keep_inputs=True,
        )


@pytest.mark.parametrize("classes_alike", [True, False])
def test_ties_go_to_the_first_class_in_gates_too(classes_alike: bool) -> None:
    """Two classes have the same weights: rounding must not choose between them."""
    torch.manual_seed(0)
    model = Finished(lambda logits: logits)
    with torch.no_grad():
        model.head.weight[3] = model.head.weight[1] if classes_alike else -model.head.weight[1]
        model.head.bias.zero_()
    inputs = torch.randn(300, STEPS, FEATURES)
    readout = readout_of(model, [(inputs, torch.arange(300) % CLASSES)], keep_inputs=True)
    gate = GateWeights(1, "new", "input")
    found = predict(readout, keeping_every_direction().of(gate))
    np.testing.assert_array_equal(found, predict(readout, None))
    assert (3 in found) is not classes_alike
    assert 1 in found


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
    rotated: Rotated = rotated_weights(readout, 4, target)
    assert rotated is rotated_weights(readout, 4, target)
    assert rotated is not rotated_weights(readout, 5, target)
    assert rotated is not rotated_weights(readout, 4, None)
