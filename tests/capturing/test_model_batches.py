"""Batches and labels as loaders give them, models of every kind: served, or refused in words."""

from __future__ import annotations

from collections import UserDict
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import one_hot
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.data import DataLoader, TensorDataset

from interp_checks import InterpChecksError, Outcome, Readout, judge, readout_of
from interp_checks.counting.sweep import predict

INPUTS = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
SEQUENCES = torch.randn(40, 4, 6, generator=torch.Generator().manual_seed(1))
LENGTHS = torch.arange(40) % 4 + 1
LABELS = torch.arange(40) % 3


def net(classes: int = 3) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, classes))


class Named(nn.Module):
    """Takes inputs by name and returns a mapping, as models of language do."""

    def __init__(self) -> None:
        super().__init__()
        self.net = net()

    def forward(self, pixel_values: torch.Tensor, labels: Any = None) -> dict[str, Any]:
        return {"loss": None, "logits": self.net(pixel_values)}


class Anything(Named):
    def forward(self, **inputs: torch.Tensor) -> Any:
        return self.net(inputs["x"])


class Whole(Named):
    def forward(self, batch: dict[str, torch.Tensor]) -> Any:  # type: ignore[override]
        return self.net(batch["x"])


class Packing(nn.Module):
    """Packs padded sequences itself, or takes packed ones."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.memory, self.head = nn.LSTM(6, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, inputs: Any, lengths: torch.Tensor | None = None) -> torch.Tensor:
        if lengths is not None:
            inputs = pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
        logits: torch.Tensor = self.head(self.memory(inputs)[1][0][-1])
        return logits


def packed(dtype: torch.dtype = torch.float32) -> Any:
    return pack_padded_sequence(
        SEQUENCES.to(dtype), LENGTHS, batch_first=True, enforce_sorted=False
    )


def expected_plain() -> np.ndarray:
    with torch.no_grad():
        predicted: np.ndarray = net()(INPUTS).argmax(1).numpy()
    return predicted


def expected_packed() -> np.ndarray:
    with torch.no_grad():
        predicted: np.ndarray = Packing()(SEQUENCES, LENGTHS).argmax(1).numpy()
    return predicted


EXTRA = {"path": ["a"] * 40, "index": torch.arange(40)}
SERVED: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "lists of labels": (net, [(INPUTS, LABELS.tolist())], {}),
    "lists of tensors": (net, [(INPUTS, list(LABELS))], {}),
    "arrays": (net, [(INPUTS.numpy(), LABELS.numpy())], {}),
    "float64 arrays": (net, [(INPUTS.double().numpy(), LABELS.numpy().astype(np.int8))], {}),
    "nested lists": (net, [(INPUTS.tolist(), LABELS.tolist())], {}),
    "one-hot": (net, [(INPUTS, one_hot(LABELS, 3))], {}),
    "one-hot floats": (net, [(INPUTS, one_hot(LABELS, 3).float())], {}),
    "one-hot booleans": (net, [(INPUTS, one_hot(LABELS, 3).bool().numpy())], {}),
    "columns": (net, [(INPUTS, LABELS[:, None])], {}),
    "whole floats": (net, [(INPUTS, LABELS.float())], {}),
    "half floats": (net, [(INPUTS, LABELS.bfloat16())], {}),
    "names": (net, [(INPUTS, ["abc"[n] for n in LABELS])], {"class_names": "abc"}),
    "a mapping": (Named, [{"pixel_values": INPUTS, "labels": LABELS}], {}),
    "a mapping with more": (Named, [{"pixel_values": INPUTS, "label": LABELS, **EXTRA}], {}),
    "a user's mapping": (Named, [UserDict({"pixel_values": INPUTS, "target": LABELS})], {}),
    "a mapping and labels": (Named, [({"pixel_values": INPUTS}, LABELS)], {}),
    "a mapping to any names": (Anything, [({"x": INPUTS, "z": LABELS}, LABELS)], {}),
    "a mapping of one tensor": (net, [{"image": INPUTS, "y": LABELS, "path": ["a"] * 40}], {}),
    "a mapping as it is": (Whole, [({"x": INPUTS}, LABELS)], {}),
    "a loader": (net, DataLoader(TensorDataset(INPUTS, LABELS), 7), {}),
    "an empty batch": (net, [(INPUTS[:0], LABELS[:0]), (INPUTS, LABELS)], {}),
    "float64 tensors": (net, [(INPUTS.double(), LABELS)], {}),
    "float64 models": (lambda: net().double(), [(INPUTS, LABELS)], {}),
    "parallel": (lambda: nn.DataParallel(net()), [(INPUTS, LABELS)], {"head": "module.2"}),
    "lengths": (Packing, [((SEQUENCES, LENGTHS), LABELS)], {}),
    "lengths of a loader": (
        Packing,
        DataLoader(list(zip(zip(SEQUENCES, LENGTHS, strict=True), LABELS, strict=True)), 9),
        {},
    ),
    "lengths by name": (Packing, [({"inputs": SEQUENCES, "lengths": LENGTHS}, LABELS)], {}),
    "packed": (Packing, [(packed(), LABELS)], {}),
    "packed float64": (Packing, [(packed(torch.float64), LABELS)], {}),
}


@pytest.mark.parametrize("what", SERVED)
def test_what_loaders_give_is_served(what: str) -> None:
    make, batches, more = SERVED[what]
    readout = readout_of(make(), batches, **more)
    own = expected_packed() if make is Packing else expected_plain()
    np.testing.assert_array_equal(predict(readout, None), own)
    np.testing.assert_array_equal(readout.labels, LABELS.numpy())
    assert ("inputs" in readout.provenance) == ("float64" in what or "nested" in what)


def linear(*shape: int) -> nn.Module:
    return torch.ao.quantization.quantize_dynamic(net(), {nn.Linear}, dtype=torch.qint8)


def on_meta() -> nn.Module:
    with torch.device("meta"):
        return net()


class Broken(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(6, 3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        raise KeyError("the model broke")


def lazy() -> nn.Module:
    return nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(3))


PAIRS = [(INPUTS, LABELS)]
REFUSED: dict[str, tuple[Any, Any, dict[str, Any], str, str]] = {
    "soft labels": (net, [(INPUTS, torch.full((40, 3), 1 / 3))], {}, "labels do not fit", "mix"),
    "several classes": (net, [(INPUTS, torch.ones(40, 3))], {}, "labels do not fit", "several"),
    "one-hot of others": (
        net,
        [(INPUTS, one_hot(LABELS, 4))],
        {},
        "labels do not fit",
        "rows of 4",
    ),
    "halves": (net, [(INPUTS, LABELS + 0.5)], {}, "labels do not fit", "such as 0.5"),
    "not a number": (net, [(INPUTS, LABELS * np.nan)], {}, "labels do not fit", "such as nan"),
    "ignored": (net, [(INPUTS, LABELS - 100)], {}, "labels do not fit", "leave out the images"),
    "another task": (lambda: net(2), PAIRS, {}, "the 2 classes of the model", "several heads"),
    "unknown names": (
        net,
        [(INPUTS, ["abd"[n] for n in LABELS])],
        {"class_names": "abc"},
        "'d'",
        "",
    ),
    "names of nothing": (net, [(INPUTS, ["a"] * 40)], {}, "labels name classes", "class_names="),
    "objects": (net, [(INPUTS, [{}] * 40)], {}, "labels do not fit", "array of object"),
    "no labels": (Named, [{"pixel_values": INPUTS}], {}, "no labels", "'pixel_values'"),
    "no inputs": (Named, [{"labels": LABELS}], {}, "no inputs", "'labels'"),
    "other names": (
        Named,
        [({"image": INPUTS, "z": INPUTS}, LABELS)],
        {},
        "cannot be run",
        "by hand",
    ),
    "flat lengths": (
        Packing,
        [(SEQUENCES, LENGTHS, LABELS)],
        {},
        "not a pair",
        "((inputs, lengths)",
    ),
    "a list of images": (net, [(list(INPUTS), LABELS)], {}, "does not take the inputs", "forward("),
    "a data set": (net, TensorDataset(INPUTS, LABELS), {}, "no labels, one for each", "DataLoader"),
    "numbered images": (net, [(INPUTS[0], 2)], {}, "no labels, one for each", "DataLoader"),
    "arrays alone": (net, (INPUTS.numpy(), LABELS.numpy()), {}, "not a pair", "(inputs, labels)]"),
    "no iterable": (net, 3, {}, "no batches", "an iterable"),
    "text": (net, [("abc", LABELS)], {}, "inputs of a batch are not numbers", "make tensors"),
    "nothing": (net, [(None, LABELS)], {}, "inputs of a batch are not numbers", "make tensors"),
    "bytes": (net, [(INPUTS.to(torch.uint8), LABELS)], {}, "cannot be run", "uint8 [40, 6]"),
    "a broken model": (Broken, PAIRS, {}, "cannot be run", "KeyError"),
    "diverged": (net, [(INPUTS * np.nan, LABELS)], {}, "not finite", "120 of 120"),
    "lazy": (lazy, PAIRS, {}, "layers without weights", "never run"),
    "meta": (on_meta, PAIRS, {}, "weights have no values", "load the checkpoint"),
    "quantised": (linear, PAIRS, {}, "not a linear map", "as it was before"),
    "scripted": (lambda: torch.jit.script(net()), PAIRS, {}, "TorchScript", "scripted or traced"),
    "no module": (object, PAIRS, {}, "not a PyTorch model", "Readout("),
    "too few names": (net, PAIRS, {"class_names": "ab"}, "class_names do not fit", "2 names"),
    "no layer": (net, PAIRS, {"head": 3}, "no layer of the model", "its name"),
    "kept lengths": (
        Packing,
        [((SEQUENCES, LENGTHS), LABELS)],
        {"keep_inputs": True},
        "can be kept",
        "pad",
    ),
    "kept and packed": (Packing, [(packed(), LABELS)], {"keep_inputs": True}, "can be kept", "pad"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_served_is_refused_in_words(what: str) -> None:
    make, batches, more, problem, remedy = REFUSED[what]
    with pytest.raises(InterpChecksError) as caught:
        readout_of(make(), batches, **more)
    text = str(caught.value)
    assert problem in text
    assert remedy in text
    assert "\n  found: " in text
    assert all(len(line) < 400 for line in text.split("\n"))


def test_an_error_of_the_model_is_shown_as_the_cause() -> None:
    with pytest.raises(InterpChecksError) as caught:
        readout_of(Broken(), PAIRS)
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_lazy_layer_that_was_run_is_served() -> None:
    model = lazy()
    model(INPUTS)
    assert len(readout_of(model, PAIRS)) == 40


def test_what_is_cast_is_what_the_model_is_given() -> None:
    """Kept inputs are those that the model ran on."""
    model = Packing().double()
    readout = readout_of(model, [(SEQUENCES, LABELS)], keep_inputs=True)
    assert readout.provenance["inputs"] == "cast from float32 to float64, the type of the model"
    assert readout.network is not None
    assert readout.network.inputs.dtype == torch.float64
    judge("dropping direction 1 of the layer 1 cell gate's input weights kills class 1", readout)


# --- a single logit -----------------------------------------------------------------------------


class Single(nn.Module):
    """One logit, of which something is made."""

    def __init__(self, after: Any) -> None:
        super().__init__()
        self.net, self.after = net(1), after

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.after(self.net(inputs))
        return made


YES = (LABELS % 2).bool()


@pytest.mark.parametrize(
    "labels", [YES, YES.float()[:, None], YES.long().tolist(), one_hot(YES.long())]
)
@pytest.mark.parametrize(
    ("after", "threshold"),
    [
        (lambda logit: logit, 0),
        (lambda logit: logit[:, 0], 0),
        (lambda logit: torch.sigmoid(logit).squeeze(1), 0.5),
        (lambda logit: 7 * logit, 0),
        (lambda logit: torch.tanh(logit), 0),
    ],
)
def test_a_single_logit_makes_two_classes(after: Any, threshold: float, labels: Any) -> None:
    model = Single(after)
    readout = readout_of(model, [(INPUTS, labels)], class_names=["no", "yes"])
    with torch.no_grad():
        own = model(INPUTS).reshape(-1) > threshold
        logit = model.net(INPUTS)[:, 0].double().numpy()
    assert 0 < own.sum() < 40
    np.testing.assert_array_equal(predict(readout, None), own.numpy())
    np.testing.assert_array_equal(readout.labels, YES.numpy())
    # Half of it speaks for the one class and half against the other, so the gauge is no matter.
    np.testing.assert_allclose(readout.logits, np.stack([-logit, logit], 1) / 2, atol=1e-6)
    np.testing.assert_allclose(readout.weight, readout.weight - readout.weight.mean(axis=0))
    assert f"class 1 is predicted above {threshold:g}" in readout.provenance["output"]
    assert readout.class_names == ("no", "yes")


def test_claims_about_a_single_logit() -> None:
    """Its one direction is all there is: without it, the bias decides."""
    readout = readout_of(Single(lambda logit: logit), [(INPUTS, YES)])
    assert readout.directions.singular_values[1] < 1e-12
    same = "dropping direction 1 predicts exactly the same as keeping no direction"
    assert judge(same, readout).outcome == Outcome.HOLDS
    kept = predict(readout, None)
    verdict = judge(
        "keeping only direction 1 predicts exactly the same as keeping every direction", readout
    )
    assert verdict.outcome == Outcome.HOLDS
    assert len(set(kept.tolist())) == 2


@pytest.mark.parametrize("after", [lambda z: -z, lambda z: z + 0.1, lambda z: z.relu()])
def test_a_single_logit_of_another_sign_is_refused(after: Any) -> None:
    with pytest.raises(InterpChecksError, match="is not what the model puts out"):
        readout_of(Single(after), [(INPUTS, YES)])


@pytest.mark.parametrize("labels", [np.arange(30) % 2, np.arange(30) % 2 == 1])
@pytest.mark.parametrize("names", [(), ("no", "yes")])
def test_one_row_of_weights_for_two_classes_names_the_remedy(labels: Any, names: Any) -> None:
    """What scikit-learn keeps of a binary classifier, and what the remedy makes of it."""
    from sklearn.linear_model import LogisticRegression

    features = np.random.default_rng(0).normal(size=(30, 4)) + (np.arange(30) % 2)[:, None]
    fitted = LogisticRegression().fit(features, labels)
    coef, intercept = fitted.coef_, fitted.intercept_
    with pytest.raises(InterpChecksError) as caught:
        Readout(features, labels, coef, intercept, class_names=names)
    assert str(caught.value).split("\n")[0] == "readout: two classes have one row of weights"
    assert "np.vstack([-coef, coef]) / 2" in str(caught.value)
    readout = Readout(
        features,
        labels.astype(int),
        np.vstack([-coef, coef]) / 2,
        np.r_[-intercept, intercept] / 2,
        class_names=names,
    )
    np.testing.assert_array_equal(predict(readout, None), fitted.predict(features).astype(int))


# --- compiled models ----------------------------------------------------------------------------


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("how", ["wrapped", "in place", "a part", "wrapped twice"])
def test_compiled_models_are_read_uncompiled(how: str, warm: bool) -> None:
    torch._dynamo.reset()
    model: Any = net()
    if how == "in place":
        model.compile(backend="eager")
    elif how == "a part":
        model = nn.Sequential(torch.compile(model[:2], backend="eager"), model[2])
    else:
        model = torch.compile(model, backend="eager")
        if how == "wrapped twice":
            model = nn.DataParallel(model)
    if warm:
        with torch.no_grad():
            model(INPUTS)
    readout = readout_of(model, PAIRS)
    np.testing.assert_array_equal(predict(readout, None), expected_plain())
    with torch.no_grad():
        np.testing.assert_array_equal(model(INPUTS).argmax(1).numpy(), expected_plain())
