"""Ablated gates predict what PyTorch predicts with the weights swapped in."""

from __future__ import annotations

import itertools
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from gate_cases import _one_thread
from swapped_weights import swapped
from torch import nn

from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.networks import run as recurrent_runs
from interp_checks.networks.gates import GateWeights, gate_weights_of
from interp_checks.networks.sweep import predict_gates
from interp_fixtures.classifiers.checkpoints import load_checkpoint
from interp_fixtures.reference_files import checkpoint_file

__all__ = ["_one_thread"]  # fixture

pytestmark = [pytest.mark.slow, pytest.mark.long]


class Classifier(nn.Module):
    """A recurrent module of any kind, and a linear layer on its last output."""

    def __init__(self, recurrent: nn.RNNBase, classes: int, seed: int = 0) -> None:
        super().__init__()
        self.stack = recurrent
        self.head = nn.Linear(recurrent.hidden_size * (1 + recurrent.bidirectional), classes)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.7)
        self.eval()

    def forward(self, inputs: Any, state: Any = None) -> Any:
        if not self.stack.batch_first:
            inputs = inputs.transpose(0, 1)
        output, _ = self.stack(inputs, state)
        return self.head(output[:, -1] if self.stack.batch_first else output[-1])


def noise(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def by_pytorch(
    model: nn.Module, inputs: torch.Tensor, target: GateWeights, kept: list[tuple[int, ...]]
) -> Any:
    """Predictions of the reference engine when one gate's weights keep only some directions."""
    return predict_gates(model, inputs, [(target, stay) for stay in kept], engine="torch")


KINDS: dict[str, Any] = {
    "lstm": nn.LSTM,
    "gru": nn.GRU,
    "tanh": nn.RNN,
    "relu": lambda *sizes, **options: nn.RNN(*sizes, nonlinearity="relu", **options),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
def test_predictions_are_those_of_the_layer_with_the_weights_swapped_in(
    kind: str, layers: int, bidirectional: bool, batch_first: bool
) -> None:
    module = KINDS[kind](
        5, 6, num_layers=layers, bidirectional=bidirectional, batch_first=batch_first
    )
    model = Classifier(module, 7, seed=layers)
    inputs = noise(40, 9, 5)
    targets = gate_weights_of(model)
    different = 0
    # Every third of many matrices: over all these models, each kind of matrix comes up.
    for target in targets[:: 1 if len(targets) < 12 else 3]:
        kept = [(), (2,), (1, 3), (1, 2, 4, 5)]
        ours = by_pytorch(model, inputs, target, kept)
        with torch.no_grad():
            theirs = [swapped(model, target, one)(inputs).argmax(1).numpy() for one in kept]
            different += sum((model(inputs).argmax(1).numpy() != one).sum() for one in theirs)
        assert (ours == np.stack(theirs)).all(), str(target)
    assert different


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_an_error_in_the_middle_leaves_the_model_as_it_was(kind: str, bidirectional: bool) -> None:
    model = Classifier(KINDS[kind](5, 6, num_layers=2, bidirectional=bidirectional), 7)
    inputs = noise(8, 4, 5)
    parameters = dict(model.named_parameters())
    before = {name: tensor.detach().numpy().tobytes() for name, tensor in parameters.items()}
    pointers = {name: tensor.data_ptr() for name, tensor in parameters.items()}
    versions = {name: tensor._version for name, tensor in parameters.items()}
    flat = [id(tensor) for tensor in model.stack._flat_weights]
    intact = model(inputs)

    def fail(*_: object) -> None:
        raise RuntimeError("in the middle")

    for target in gate_weights_of(model):
        for part in (model.stack, model.head):
            handle = part.register_forward_hook(fail)
            with pytest.raises(RuntimeError, match="in the middle"):
                by_pytorch(model, inputs, target, [(1,)])
            handle.remove()
            after = dict(model.named_parameters())
            assert all(after[name] is parameters[name] for name in parameters)
            assert {n: t.detach().numpy().tobytes() for n, t in after.items()} == before
            assert {n: t.data_ptr() for n, t in after.items()} == pointers
            assert {n: t._version for n, t in after.items()} == versions
            assert [id(tensor) for tensor in model.stack._flat_weights] == flat
    assert torch.equal(model(inputs), intact)


def test_buffers_are_not_written_to() -> None:
    class Counting(Classifier):
        def __init__(self) -> None:
            super().__init__(nn.GRU(5, 6, batch_first=True), 7)
            self.register_buffer("calls", torch.zeros(1))

        def forward(self, inputs: Any, state: Any = None) -> Any:
            self.calls += 1
            return super().forward(inputs, state)

    model = Counting()
    by_pytorch(model, noise(3, 4, 5), GateWeights(1, "new", "input"), [(1,), (2,)])
    assert model.calls.item() == 0


def test_a_model_that_draws_lots_is_refused() -> None:
    target = GateWeights(1, "cell", "input")
    inputs = noise(3, 4, 5)
    model = Classifier(nn.LSTM(5, 6, num_layers=2, dropout=0.5, batch_first=True), 7)
    assert by_pytorch(model, inputs, target, [(1,)]).shape == (1, 3)
    model.train()
    with pytest.raises(InterpChecksError, match="model is training"):
        by_pytorch(model, inputs, target, [(1,)])
    assert model.training
    plain = Classifier(nn.LSTM(5, 6, batch_first=True), 7).train()
    expected = by_pytorch(plain.eval(), inputs, target, [(1,)])
    assert (by_pytorch(plain.train(), inputs, target, [(1,)]) == expected).all()
    assert plain.training


def test_an_output_that_is_not_logits_is_refused() -> None:
    with pytest.raises(InterpChecksError, match="not logits"):
        by_pytorch(nn.GRU(5, 6), noise(3, 4, 5), GateWeights(1, "new", "input"), [(1,)])
    model = Classifier(nn.GRU(5, 6, batch_first=True), 7)
    with pytest.raises(NotJudgedError, match="no direction 6"):
        by_pytorch(model, noise(3, 4, 5), GateWeights(1, "new", "input"), [(6,)])


# --- many ablations at once


def families(model: nn.Module, directions: int) -> list[tuple[GateWeights, tuple[int, ...]]]:
    """Every set of directions that drops one, keeps one, or keeps some of the first."""
    numbers = range(1, directions + 1)
    sets = [tuple(i for i in numbers if i != gone) for gone in numbers]
    sets += [(one,) for one in numbers] + [tuple(numbers[:k]) for k in range(directions + 1)]
    return [(target, kept) for target in gate_weights_of(model) for kept in sets]


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize(("features", "units", "classes"), [(5, 4, 3), (4, 7, 11), (10, 5, 2)])
@pytest.mark.parametrize("bias", [True, False])
def test_the_compiled_engine_predicts_what_pytorch_does(
    layers: int, features: int, units: int, classes: int, bias: bool
) -> None:
    stack = nn.LSTM(features, units, num_layers=layers, batch_first=True, bias=bias)
    model = Classifier(stack, classes, seed=units)
    inputs = noise(150, 6, features)
    asked = families(model, min(features, units))
    compiled = predict_gates(model, inputs, asked, engine="compiled", threads=2)
    assert compiled.dtype == np.uint8
    for row in range(0, len(asked), 7):
        with torch.no_grad():
            theirs = swapped(model, *asked[row])(inputs).argmax(1).numpy()
        assert (compiled[row] == theirs).all(), asked[row]


def test_compiled_leads_are_close_before_anything_is_settled() -> None:
    """So that what is settled cannot hide that the kernels are wrong."""
    from interp_checks.networks.compiled_engine import Compiled
    from interp_checks.networks.reference import Reference, checked

    model = Classifier(nn.LSTM(5, 7, num_layers=2, batch_first=True), 6)
    inputs = noise(70, 8, 5)
    asked = families(model, 5)
    reference = Reference(model)
    plan = Compiled(reference, inputs.numpy(), threads=1)
    predicted = np.empty((len(asked), 70), dtype=np.uint8)
    lead = plan.predict(checked(reference, asked), predicted)
    for row in range(0, len(asked), 5):
        with torch.no_grad():
            logits = swapped(model.double(), *asked[row])(inputs.double())
        model.float()
        largest = logits.topk(2).values
        assert np.allclose(lead[row], (largest[:, 0] - largest[:, 1]).numpy(), atol=1e-4)


def test_predictions_are_those_of_the_shipped_classifier_with_weights_swapped() -> None:
    model = load_checkpoint(checkpoint_file("digits")).model()
    rows, columns = model.architecture.input_size, model.architecture.input_size
    inputs = noise(300, rows, columns).abs()
    asked = [
        (target, tuple(i for i in range(1, 11) if i != 1 + place % 10))
        for place, target in enumerate(gate_weights_of(model))
    ]
    compiled = predict_gates(model, inputs, asked, engine="compiled", threads=2)
    other = predict_gates(model, inputs, asked, engine="torch")
    assert (compiled == other).all()
    for row, ablation in enumerate(asked):
        with torch.no_grad():
            expected = swapped(model, *ablation)(inputs).argmax(1).numpy()
        assert (compiled[row] == expected).all()


def test_an_ablation_too_sensitive_for_float32_is_left_to_pytorch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = Classifier(nn.LSTM(5, 6, batch_first=True), 7)
    inputs = noise(100, 6, 5)
    asked = families(model, 5)[:9]
    expected = predict_gates(model, inputs, asked, engine="torch")
    # As if nothing could be trusted: every disagreement in the last bit is too large.
    monkeypatch.setattr(recurrent_runs, "_ALARM", 0.0)
    assert (predict_gates(model, inputs, asked, engine="compiled") == expected).all()
    # As if everything could: the probes alone must not spoil anything.
    monkeypatch.setattr(recurrent_runs, "_ALARM", 1.0)
    monkeypatch.setattr(recurrent_runs, "_SLACK", 0.5)
    assert (predict_gates(model, inputs, asked, engine="compiled") == expected).all()


@pytest.mark.parametrize("engine", ["compiled", "torch"])
def test_parts_and_progress(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Classifier(nn.LSTM(5, 6, batch_first=True), 7)
    inputs = noise(100, 6, 5)
    asked = families(model, 5)[:10]
    whole = predict_gates(model, inputs, asked)
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(recurrent_runs, "_MOST_BYTES", 3 * 500)
    parts = predict_gates(
        model, inputs, asked, engine=engine, progress=lambda *done: told.append(done)
    )
    assert (parts == whole).all()
    assert told[-1] == (1000, 1000)
    assert all(one[0] < two[0] for one, two in itertools.pairwise(told))


class MeanOverTime(Classifier):
    def forward(self, inputs: Any, state: Any = None) -> Any:
        return self.head(self.stack(inputs)[0].mean(1))


@pytest.mark.parametrize(
    ("model", "found"),
    [
        (MeanOverTime(nn.LSTM(5, 6, batch_first=True), 7), "logits that differ"),
        (Classifier(nn.GRU(5, 6, batch_first=True), 7), "GRU"),
        (Classifier(nn.LSTM(5, 6, batch_first=True, bidirectional=True), 7), "bidirectional"),
        (Classifier(nn.LSTM(5, 6), 7), "LSTM"),
    ],
)
def test_other_models_run_on_the_reference_engine(model: nn.Module, found: str) -> None:
    inputs = noise(30, 6, 5)
    asked = families(model, 5)[::9]
    with torch.no_grad():
        expected = [swapped(model, *one)(inputs).argmax(1).numpy() for one in asked]
    assert (predict_gates(model, inputs, asked) == np.stack(expected)).all()
    with pytest.raises(InterpChecksError) as caught:
        predict_gates(model, inputs, asked, engine="compiled")
    assert found in (caught.value.found or "")


def test_inputs_that_are_not_finite_are_left_to_pytorch() -> None:
    model = Classifier(nn.LSTM(5, 6, batch_first=True), 7)
    inputs = noise(30, 6, 5)
    inputs[3, 2, 1] = torch.nan
    asked = families(model, 5)[:3]
    with torch.no_grad():
        expected = [swapped(model, *one)(inputs).argmax(1).numpy() for one in asked]
    assert (predict_gates(model, inputs, asked) == np.stack(expected)).all()


def test_requests_that_make_no_sense_are_refused() -> None:
    model = Classifier(nn.LSTM(5, 6, batch_first=True), 7)
    inputs = noise(30, 6, 5)
    asked = families(model, 5)[:3]
    with pytest.raises(InterpChecksError, match="no meaning"):
        predict_gates(model, inputs, asked, engine="numpy")  # type: ignore[arg-type]
    with pytest.raises(InterpChecksError, match="0 threads"):
        predict_gates(model, inputs, asked, threads=0)
    with pytest.raises(InterpChecksError, match="no inputs"):
        predict_gates(model, inputs[:0], asked)
    assert predict_gates(model, inputs, []).shape == (0, 30)


def test_importing_loads_neither_torch_nor_numba() -> None:
    script = (
        "import interp_checks.networks.gates, interp_checks.networks.sweep, sys; "
        "assert not {'torch', 'numba'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
