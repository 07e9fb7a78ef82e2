"""Weights of any module: against a copy of the model with the other weight in it."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from named_weight_models import MODELS, WEIGHTS
from torch import nn

from interp_checks import (
    Ablation,
    Claim,
    NamedWeights,
    NotJudgedError,
    Readout,
    dropping,
    judge,
    keeping_first,
    keeping_no_direction,
    keeping_only,
    readout_of,
    sweep,
)
from interp_checks.networks import replay


def made(name: str, seed: int = 0) -> tuple[nn.Module, torch.Tensor, Readout]:
    torch.manual_seed(seed)
    model, inputs = MODELS[name][0]().eval(), MODELS[name][1]()
    labels = torch.arange(len(inputs)) % 3
    with torch.no_grad():
        # No class is ahead on average, so that predictions depend on the inputs.
        list(model.parameters())[-1].sub_(model(inputs).mean(dim=0))
    return model, inputs, readout_of(model, [(inputs, labels)], keep_inputs=True)


def matrix_of(tensor: torch.Tensor, name: str) -> np.ndarray:
    """[out, in] in float64, written down anew."""
    turned = tensor.detach().double().numpy()
    if name.endswith(("embed", "wte", "up", "c_attn", "down", "c_proj")):
        return turned.T
    return turned.reshape(len(turned), -1)


def swapped(model: nn.Module, name: str, kept: tuple[int, ...]) -> nn.Module:
    """A copy whose weight keeps these singular directions."""
    other = copy.deepcopy(model)
    parameters = dict(other.named_parameters())
    tensor = parameters.get(name, parameters.get(f"{name}.weight"))
    assert tensor is not None
    u, s, vt = np.linalg.svd(matrix_of(tensor, name), full_matrices=False)
    columns = [index - 1 for index in kept]
    matrix = (u[:, columns] * s[columns]) @ vt[columns]
    if name.endswith(("embed", "wte", "up", "c_attn", "down", "c_proj")):
        matrix = matrix.T
    with torch.no_grad():
        tensor.copy_(torch.from_numpy(np.ascontiguousarray(matrix)).reshape(tensor.shape))
    return other


def counted(readout: Readout, predicted: np.ndarray) -> np.ndarray:
    counts = np.zeros((3, 3), dtype=int)
    np.add.at(counts, (readout.labels, predicted), 1)
    return counts


def run(model: nn.Module, inputs: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return model(inputs).argmax(dim=1).numpy()


@pytest.mark.parametrize(("which", "name", "_"), WEIGHTS)
def test_counts_are_those_of_a_copy_with_the_weight_in_it(which: str, name: str, _: bool) -> None:
    model, inputs, readout = made(which)
    target = NamedWeights(name)
    width = len(readout.directions_of(target))
    every = [
        each.of(target)
        for each in (*map(dropping, range(1, width + 1)), keeping_first(2), keeping_only(1, width),
                     keeping_no_direction())
    ]  # fmt: skip
    swept = sweep(readout, every)
    changed = 0
    for ablation in every:
        predicted = run(swapped(model, name, ablation.kept(width)), inputs)
        assert (swept[ablation].counts == counted(readout, predicted)).all()
        changed += (swept[ablation].counts != readout.intact.counts).any()
    assert changed


@pytest.mark.parametrize(("which", "name"), [row[:2] for row in WEIGHTS if row[2]])
def test_the_mean_is_a_constant_in_the_place(which: str, name: str) -> None:
    """What goes is replaced by what it makes of the mean input, which is written out here."""
    model, inputs, readout = made(which)
    target = NamedWeights(name)
    width = len(readout.directions_of(target))
    ablation = dropping(1, 2).of(target).filled_with("mean")
    kept = ablation.kept(width)
    seen: list[torch.Tensor] = []
    handle = model.get_submodule(name).register_forward_pre_hook(
        lambda _, given: seen.append(given[0].detach().clone())
    )
    run(model, inputs)
    handle.remove()
    only = swapped(model, name, (1, 2)).double().get_submodule(name)
    if only.bias is not None:
        nn.init.zeros_(only.bias)
    with torch.no_grad():
        gone = only(seen[0].double())
    axis = 1 if isinstance(only, nn.Conv2d) else gone.ndim - 1
    constant = gone.mean(dim=[place for place in range(gone.ndim) if place != axis])
    other = swapped(model, name, kept)
    shape = [-1, 1, 1] if axis == 1 and gone.ndim == 4 else [-1]
    other.get_submodule(name).register_forward_hook(
        lambda _, __, output: output + constant.reshape(shape).to(output)
    )
    counts = readout.ablated(ablation).counts
    assert (counts == counted(readout, run(other, inputs))).all()


def test_the_mean_needs_a_module_that_is_linear() -> None:
    _, _, readout = made("lstm")
    with pytest.raises(NotJudgedError, match="cannot be replaced by its mean"):
        judge('replacing direction 1 of the weights of "embed" by its mean kills class 1', readout)
    with pytest.raises(NotJudgedError, match="cannot be replaced by another image's"):
        judge('replacing direction 1 of the weights of "mix" by another image\'s kills class 1',
              readout)  # fmt: skip


def test_sentences_name_any_weight() -> None:
    sentence = 'dropping direction 3 of the weights of "encoder.fc1" kills class "cat"'
    claim = Claim.parse(sentence)
    assert str(claim) == sentence
    assert claim.condition == dropping(3).of(NamedWeights("encoder.fc1"))
    for odd in ("2", 'say "hi"', "ö", ""):
        ablation = dropping(1, cut="unit").of(NamedWeights(odd)).filled_with("mean")
        assert Ablation.parse(str(ablation)) == ablation


def test_claims_are_judged_with_chance() -> None:
    _, _, readout = made("mlp")
    verdict = judge(
        'dropping direction 1 of the weights of "0" costs more than 2 points of accuracy',
        readout, rotations=20,
    )  # fmt: skip
    assert verdict.chance is not None
    assert verdict.chance.total == 20
    assert verdict.ablations == (dropping(1).of(NamedWeights("0")),)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("frist", "did you mean 'first'"),
        ("norm", "is no matrix"),
        ("relu", "has no weight of its own"),
        ("head", "the weights of the output layer"),
        ("", "has no weight of its own"),
    ],
)
def test_what_is_no_matrix_is_refused(name: str, told: str) -> None:
    _, _, readout = made("cnn")
    with pytest.raises(NotJudgedError) as caught:
        readout.ablated(dropping(1).of(NamedWeights(name)))
    assert told in str(caught.value)


def test_channels_in_groups_and_parametrised_weights_are_refused() -> None:
    torch.manual_seed(0)
    grouped = nn.Sequential(nn.Conv1d(4, 4, 3, groups=2), nn.Flatten(), nn.Linear(16, 3)).eval()
    inputs, labels = torch.randn(30, 4, 6), torch.arange(30) % 3
    readout = readout_of(grouped, [(inputs, labels)], keep_inputs=True)
    with pytest.raises(NotJudgedError, match="read different inputs"):
        readout.ablated(dropping(1).of(NamedWeights("0")))
    bound = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 5)), nn.Linear(5, 3))
    readout = readout_of(bound.eval(), [(inputs[:, :, 0], labels)], keep_inputs=True)
    with pytest.raises(NotJudgedError) as caught:
        readout.ablated(dropping(1).of(NamedWeights("0")))
    assert "parametrised: weight" in str(caught.value)


def state(model: nn.Module) -> list[Any]:
    return [
        [(name, part.clone()) for name, part in model.state_dict().items()],
        [module.training for module in model.modules()],
        [sorted(module.__dict__) for module in model.modules()],
        [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules()],
        torch.get_rng_state(),
        torch.get_num_threads(),
    ]


def same(before: list[Any], after: list[Any]) -> None:
    for (name, old), (other, new) in zip(before[0], after[0], strict=True):
        assert name == other
        assert torch.equal(old, new)
    assert before[1:4] == after[1:4]
    assert torch.equal(before[4], after[4])
    assert before[5] == after[5]


@pytest.mark.parametrize(("which", "name", "_"), WEIGHTS[::3])
def test_the_model_is_left_as_it_was(which: str, name: str, _: bool) -> None:
    model, _, readout = made(which)
    model.train()
    before = state(model)
    readout.ablated(dropping(1).of(NamedWeights(name)))
    same(before, state(model))


def test_the_model_is_left_as_it_was_after_an_error() -> None:
    model, _, readout = made("cnn")
    before = state(model)
    calls = 0
    own = model.third.forward  # type: ignore[union-attr]

    def broken(given: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 7:
            raise RuntimeError("out of luck")
        return own(given)  # type: ignore[operator, no-any-return]

    model.third.forward = broken  # type: ignore[union-attr, method-assign, assignment]
    with pytest.raises(RuntimeError, match="out of luck"):
        sweep(readout, [dropping(n).of(NamedWeights("second")) for n in (1, 2, 3)])
    assert model.third.forward is broken  # type: ignore[union-attr]
    del model.third.__dict__["forward"]  # type: ignore[union-attr]
    same(before, state(model))


class Odd(nn.Module):
    """A layer that is used twice, one that shares its weight, and a counter that spoils replay."""

    def __init__(self, spoils: bool) -> None:
        super().__init__()
        self.twice, self.between = nn.Linear(5, 5), nn.Linear(5, 5)
        self.tied = nn.Linear(5, 5)
        self.tied.weight = self.between.weight
        self.head = nn.Linear(5, 3)
        self.spoils, self.calls = spoils, 0
        self.before = nn.Linear(5, 5)
        self.before.register_forward_pre_hook(self.note)

    def note(self, *_: object) -> None:
        self.calls += 1

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.calls = 0
        given = self.before(inputs)
        if self.spoils:
            # Replay would leave out what the call of a layer leaves behind.
            given = given * self.calls
        given = torch.relu(self.twice(given))
        given = torch.relu(self.between(given))
        given = torch.relu(self.twice(given))
        return self.head(self.tied(given))


@pytest.mark.parametrize("spoils", [False, True])
@pytest.mark.parametrize("name", ["twice", "between", "tied"])
def test_shared_layers_and_models_that_cannot_be_replayed(name: str, spoils: bool) -> None:
    torch.manual_seed(3)
    model, inputs = Odd(spoils).eval(), torch.randn(90, 5)
    readout = readout_of(model, [(inputs, torch.arange(90) % 3)], keep_inputs=True)
    owner = "between" if name == "tied" else name
    for ablation in (dropping(1), keeping_first(2), keeping_no_direction()):
        kept = ablation.kept(5)
        expected = counted(readout, run(swapped(model, owner, kept), inputs))
        assert (readout.ablated(ablation.of(NamedWeights(name))).counts == expected).all()


class Early(nn.Module):
    """Uses a weight before it calls the module that has it."""

    def __init__(self) -> None:
        super().__init__()
        self.late, self.middle, self.head = nn.Linear(5, 5), nn.Linear(5, 5), nn.Linear(5, 3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        early = nn.functional.linear(inputs, self.late.weight)
        return self.head(self.late(torch.relu(self.middle(early))))


def test_a_weight_that_is_used_before_its_module_is_called() -> None:
    torch.manual_seed(2)
    model, inputs = Early().eval(), torch.randn(90, 5)
    readout = readout_of(model, [(inputs, torch.arange(90) % 3)], keep_inputs=True)
    for ablation in (dropping(1), dropping(2), keeping_first(1)):
        expected = counted(readout, run(swapped(model, "late", ablation.kept(5)), inputs))
        assert (expected != readout.intact.counts).any()
        assert (readout.ablated(ablation.of(NamedWeights("late"))).counts == expected).all()


def test_what_comes_before_is_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    model, _, readout = made("mlp")
    calls = {"0": 0, "2": 0}
    for name in calls:
        layer = model.get_submodule(name)
        own = layer.forward

        def count(given: torch.Tensor, own: Any = own, name: str = name) -> torch.Tensor:
            calls[name] += 1
            return own(given)  # type: ignore[no-any-return]

        monkeypatch.setattr(layer, "forward", count)
    sweep(readout, [dropping(n).of(NamedWeights("2")) for n in range(1, 9)])
    # To see whether it can be left out (recorded, and whole), how much is recorded, and to record.
    assert calls["0"] == 4
    assert calls["2"] >= 8


def test_a_plan_gives_again_the_outermost_calls_that_ended() -> None:
    model = nn.Sequential(
        nn.Sequential(nn.Linear(2, 2), nn.ReLU()), nn.Linear(2, 2), nn.Linear(2, 2)
    )
    with replay.recorded(model, {frozenset({model[2]})}) as recording:
        model(torch.ones(1, 2))
    place = recording.first_use({model[2]}, {})
    assert set(recording.before(place)) == {model[0], model[1]}
    assert recording.before(0) == {}
