"""A readout predicts what its model predicts, or the model is refused; never a third thing."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from claim_strategies import steady
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_models import BODIES, CLASSES, HEADS, WIDTH, WRAPPERS, Model, own_predictions
from naive import rebuilt
from torch import nn

from interp_checks import InterpChecksError, Readout, dropping, readout_of
from interp_checks.counting.sweep import predict


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def images(count: int = 300, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(count, 8, generator=torch.Generator().manual_seed(3)).to(dtype)


def batches(inputs: torch.Tensor, size: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    labels = torch.arange(len(inputs)) % CLASSES
    return list(zip(inputs.split(size), labels.split(size), strict=True))


def tried(model: Any, inputs: torch.Tensor, size: int = 100, **more: Any) -> Readout | str:
    """The readout, or the words in which it is refused; anything else is raised."""
    state = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [part.training for part in model.modules()]
    given, randomness = inputs.clone(), torch.get_rng_state()
    try:
        return readout_of(model, batches(inputs, size), **more)
    except InterpChecksError as error:
        return str(error)
    finally:
        # Whatever happened, the model and what it was given are as they were.
        assert torch.equal(given, inputs)
        assert torch.equal(randomness, torch.get_rng_state())
        assert [part.training for part in model.modules()] == modes
        assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
        assert all(value.grad is None for value in model.parameters())


def agrees(readout: Readout, model: Model, inputs: torch.Tensor) -> None:
    np.testing.assert_array_equal(predict(readout, None), own_predictions(model, inputs))


def hooks(model: nn.Module) -> int:
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in model.modules())


def made(body: str, head: str, wrapper: str, seed: int, **more: Any) -> Model:
    torch.manual_seed(seed)
    return Model(body, head, wrapper, **more)


@pytest.mark.parametrize("head", HEADS)
def test_what_each_head_comes_to(head: str) -> None:
    expected, inputs = HEADS[head][0], images()
    for inline in (False, True):
        model = made("mlp", head, "tensor", 1, scale=2.0, inline=inline)
        before = hooks(model)
        result = tried(model, inputs)
        assert hooks(model) == before
        # A layer that is not called shows nothing of what it reads.
        hidden = inline and isinstance(model.classifier, nn.Linear)
        if isinstance(result, Readout):
            assert expected != "wrong"
            assert not hidden
            agrees(result, model, inputs)
        else:
            assert expected != "right" or hidden, result
            assert "\n  found: " in result
            assert "\n  expected: " in result


@pytest.mark.parametrize("head", [name for name, (kind, _) in HEADS.items() if kind == "either"])
def test_what_a_model_does_after_its_head_is_refused(head: str) -> None:
    """In line, there is no layer around it whose map could be found."""
    result = tried(made("mlp", head, "tensor", 2, scale=2.0, inline=True), images())
    assert isinstance(result, str), result


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("head", ["plain", "log-softmax", "prior", "gated", "auxiliary last"])
def test_logits_are_found_in_every_wrapper(head: str, wrapper: str) -> None:
    inputs = images()
    inline = head != "plain"
    model = made("mlp", head, wrapper, 3, inline=inline)
    result = tried(model, inputs)
    if head in ("prior", "gated"):
        assert isinstance(result, str)
        return
    assert isinstance(result, Readout), result
    agrees(result, model, inputs)


@pytest.mark.slow
@settings(steady, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(
    body=st.sampled_from(sorted(BODIES)),
    head=st.sampled_from(sorted(HEADS)),
    wrapper=st.sampled_from(sorted(WRAPPERS)),
    inline=st.booleans(),
    double=st.booleans(),
    training=st.booleans(),
    scale=st.sampled_from([0.3, 1.0, 3.0]),
    size=st.sampled_from([1, 7, 64, 300]),
    seed=st.integers(0, 10**6),
)
def test_the_model_or_a_refusal(
    body: str,
    head: str,
    wrapper: str,
    inline: bool,
    double: bool,
    training: bool,
    scale: float,
    size: int,
    seed: int,
) -> None:
    dtype = torch.float64 if double else torch.float32
    inputs = images(150, dtype)
    model = made(body, head, wrapper, seed, scale=scale, inline=inline)
    model.to(dtype).train(training)
    result = tried(model, inputs, size)
    hidden = inline and isinstance(model.classifier, nn.Linear)
    if isinstance(result, Readout):
        assert HEADS[head][0] != "wrong"
        agrees(result, model, inputs)
    else:
        assert HEADS[head][0] != "right" or hidden, result


@pytest.mark.parametrize(
    "head", [name for name, (kind, _) in HEADS.items() if kind == "right" and "norm" not in name]
)
@pytest.mark.parametrize("wrapper", ["tensor", "dataclass"])
def test_an_ablated_readout_is_the_model_with_an_ablated_weight(head: str, wrapper: str) -> None:
    """What the readout says of an ablation is what the model would do, after its head as well."""
    inputs = images()
    inline = head not in ("plain", "without bias")
    model = made("mlp", head, wrapper, 4, scale=2.0, inline=inline)
    readout = readout_of(model, batches(inputs, 100))
    name = readout.provenance["head"].split("'")[1]
    for number in range(1, CLASSES + 1):
        ablated = copy.deepcopy(model)
        layer: Any = ablated.get_submodule(name)
        others = [other for other in range(1, CLASSES + 1) if other != number]
        with torch.no_grad():
            weight = torch.from_numpy(rebuilt(readout.weight, others))
            layer.weight.copy_(weight.reshape(layer.weight.shape))
        own = own_predictions(ablated, inputs).numpy()
        np.testing.assert_array_equal(predict(readout, dropping(number)), own)


class TwoTasks(nn.Module):
    """Digits of five classes and colours of three, from the same features."""

    def __init__(self, wrap: Any) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, WIDTH), nn.ReLU())
        self.digit, self.colour = nn.Linear(WIDTH, CLASSES), nn.Linear(WIDTH, 3)
        self.wrap = wrap

    def forward(self, inputs: torch.Tensor) -> Any:
        features = self.body(inputs)
        return self.wrap(self.digit(features), self.colour(features))


def test_of_two_tasks_one_must_be_said() -> None:
    torch.manual_seed(0)
    model, inputs = TwoTasks(lambda digit, colour: {"digit": digit, "colour": colour}), images()
    message = tried(model, inputs)
    assert isinstance(message, str)
    assert message.split("\n") == [
        "the model puts out several things that could be its logits",
        "  found: digit [100, 5], colour [100, 3]",
        "  expected: one, or one that is called 'logits'",
        "  what to do: say which: output='colour', or name its layer, head='colour'",
    ]
    with torch.no_grad():
        digit = model(inputs)["digit"].argmax(1).numpy()
    for said in (
        {"output": "digit"},
        {"head": "digit"},
        {"head": model.digit},
        {"output": lambda out: out["digit"]},
        {"class_names": "abcde"},
    ):
        result = tried(model, inputs, **said)
        assert isinstance(result, Readout), (said, result)
        np.testing.assert_array_equal(predict(result, None), digit)
    # A head of another task is said to be one; the labels are not blamed alone.
    for said in ({"output": "colour"}, {"head": "colour"}):
        message = str(tried(model, inputs, **said))
        assert message.startswith("labels do not fit the 3 classes of the model")
        assert "if the model has several heads, this may be another one's" in message
    assert "no part 'shape'" in str(tried(model, inputs, output="shape"))
    by_position = TwoTasks(lambda digit, colour: (colour, digit))
    assert isinstance(tried(by_position, inputs, output=1), Readout)
    assert "no part 2" in str(tried(by_position, inputs, output=2))


def test_a_head_of_another_width_than_the_output_is_refused() -> None:
    torch.manual_seed(0)
    model = TwoTasks(lambda digit, colour: digit)
    assert str(tried(model, images(), head="colour")).split("\n") == [
        "the head is not the output layer of the model",
        "  found: 3 outputs of the head",
        "  expected: 5, as many as the model has",
        "  what to do: name 'digit', or leave head out",
    ]


def test_the_refusal_says_how_much_differs_and_what_the_head_could_be() -> None:
    """The numbers of the message, counted again by plain PyTorch."""
    torch.manual_seed(0)
    model, inputs = made("mlp", "auxiliary last", "tensor", 5, inline=True), images(200)
    message = str(tried(model, inputs, 200, head="classifier.auxiliary")).split("\n")
    with torch.no_grad():
        features = model.body(inputs)
        one, two = model.classifier.head(features), model.classifier.auxiliary(features)
    differ = int((one.argmax(1) != two.argmax(1)).sum())
    off = float((one - two).abs().max())
    assert message[0] == "what the head computes is not what the model puts out"
    assert f"differ by up to {off:.2g} " in message[1]
    assert message[1].endswith(f"predictions differ on {differ} of 200 images")
    assert "the output is that of 'classifier.head': name it, head=..., or" in message[3]


def test_what_was_found_is_said() -> None:
    readout = tried(made("mlp", "temperature", "dataclass", 6, inline=True), images())
    assert isinstance(readout, Readout)
    assert readout.provenance["head"] == "'classifier.head' (Linear)"
    assert readout.provenance["output"] == "logits: the head's logits times 2.5"
    words = readout.provenance["agreement"]
    assert words.startswith("features and head give the model's output within ")
    off = float(words.split("within ")[1].split(" ")[0])
    assert 0 < off < 1e-5
    readout = tried(made("mlp", "tied", "tensor", 6), images())
    assert isinstance(readout, Readout)
    assert readout.provenance["head"].endswith("sharing its weight with 'classifier.copy'")


class Changing(nn.Module):
    """What is done after the head begins with a later batch."""

    def __init__(self, later: Any) -> None:
        super().__init__()
        self.head, self.later, self.calls = nn.Linear(8, CLASSES), later, 0

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        logits: torch.Tensor = self.head(inputs)
        return self.later(logits) if self.calls > 2 else logits


@pytest.mark.parametrize(
    "later",
    [
        lambda logits: logits + torch.tensor([0, 0.01, 0, 0, 0]),
        lambda logits: logits * 1.001,
        lambda logits: logits.log_softmax(1),
        lambda logits: -logits,
        lambda logits: logits.clamp(max=0.3),
    ],
)
def test_every_batch_is_checked(later: Any) -> None:
    torch.manual_seed(0)
    message = tried(Changing(later), images(), 100)
    assert isinstance(message, str)
    assert message.startswith("what the head computes is not what the model puts out")
    assert isinstance(tried(Changing(lambda logits: logits), images(), 100), Readout)


def test_outputs_too_coarse_to_tell_classes_apart_are_refused() -> None:
    """A sigmoid of large logits is 1 for several classes; the model predicts the first of them."""
    torch.manual_seed(0)

    class Saturated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(8, CLASSES)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return torch.sigmoid(self.head(inputs) * 10)

    inputs = images()
    message = tried(Saturated(), 3 * inputs)
    assert isinstance(message, str)
    assert message.startswith("the model's output does not tell its classes apart")
    assert isinstance(tried(Saturated(), inputs / 3), Readout)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("head", ["plain", "temperature", "log-softmax", "two averaged", "prior"])
def test_half_precision(dtype: torch.dtype, head: str) -> None:
    """Only what is all but tied may be predicted otherwise, and the provenance counts it."""
    model = made("mlp", head, "tensor", 7, scale=4.0, inline=head != "plain").to(dtype)
    inputs = images(400)
    result = tried(model, inputs)
    if head in ("two averaged", "prior"):
        assert isinstance(result, str)
        return
    assert isinstance(result, Readout), result
    cast = f"cast from float32 to {str(dtype).removeprefix('torch.')}, the type of the model"
    assert result.provenance["inputs"] == cast
    own = own_predictions(model, inputs.to(dtype)).numpy()
    apart = np.flatnonzero(predict(result, None) != own)
    said = result.provenance["agreement"]
    assert ("near ties" in said) == bool(len(apart))
    if len(apart):
        assert f"; {len(apart)} near ties of 400 images" in said
    logits = result.logits[apart]
    rows = np.arange(len(apart))
    lead = logits.max(axis=1) - logits[rows, own[apart]]
    assert (lead < 0.03 * np.abs(result.logits).max()).all()
    assert len(apart) < 20
