"""Checkpoints of someone else's: wrapped, sharded, normalised, with classes in another order."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from interp_checks import CheckpointError, InterpChecksError, Readout
from interp_checks.ablation import Ablation
from interp_checks.comparison import recall_changes, same_images
from interp_checks.files import read_tensors
from interp_checks.guessing import is_near_chance, near_chance, skill
from interp_checks.runs import load_run
from interp_checks.snapshot import load_snapshot
from interp_checks.sweeps import predict
from interp_fixtures.checkpoints import load_checkpoint
from interp_fixtures.command import main
from interp_fixtures.inputs import PLAIN, Normalisation, parse_classes
from interp_fixtures.reference_files import checkpoint_file
from interp_fixtures.request import Request
from interp_fixtures.resolve import assumed, resolve
from interp_fixtures.trained import train_or_load

TENSORS = read_tensors(checkpoint_file("digits"))[0]
#: What the shipped classifier gets right of the 599 test images.
RIGHT = 563
MNIST = Normalisation(0.1307, 0.3081)


def state(prefix: str = "", factor: float = 1.0) -> dict[str, torch.Tensor]:
    """The weights of the shipped digits classifier, their names behind a prefix."""
    return {f"{prefix}{name}": factor * torch.from_numpy(one) for name, one in TENSORS.items()}


def refolded(normalisation: Normalisation) -> dict[str, torch.Tensor]:
    """Weights that make of normalised pixels what the shipped ones make of pixels as they are."""
    found = state()
    weight = found["lstm.weight_ih_l0"].double()
    shift = normalisation.mean * weight.sum(dim=1)
    found["lstm.bias_ih_l0"] = (found["lstm.bias_ih_l0"].double() + shift).float()
    found["lstm.weight_ih_l0"] = (weight * normalisation.deviation).float()
    return found


def permuted(order: tuple[int, ...]) -> dict[str, torch.Tensor]:
    """The shipped weights with output k being that of class order[k]."""
    found = state()
    for name in ("head.weight", "head.bias"):
        found[name] = found[name][list(order)].clone()
    return found


def judged(path: Path, **stated: Any) -> Any:
    return resolve(Request(checkpoint=path, dataset="digits", **stated))


# What people put around weights


class Opaque:
    """Something whose code would have to run."""


WRAPPED: dict[str, tuple[Callable[[], Any], str, str]] = {
    "model_state_dict": (
        lambda: {"model_state_dict": state(), "optimizer_state_dict": {"state": {0: {}}}},
        "model_state_dict",
        "optimizer_state_dict",
    ),
    "model": (lambda: {"model": state(), "epoch": 3}, "model", "epoch"),
    "numbers of numpy": (
        lambda: {"state_dict": state(), "best": np.float64(0.94), "seen": np.int64(3)},
        "state_dict",
        "best, seen",
    ),
    "an array and arguments": (
        lambda: {"net": state(), "losses": np.ones(3), "args": argparse.Namespace(lr=0.1)},
        "net",
        "losses, args",
    ),
    "two levels": (lambda: {"run": {"model": state()}, "step": 1}, "run.model", "step"),
    "two wrappers of PyTorch": (lambda: state("module._orig_mod."), "", ""),
    "an average with its count": (
        lambda: {**state("module."), "n_averaged": torch.tensor(5)},
        "",
        "n_averaged",
    ),
    "weights of the loss": (
        lambda: {"state_dict": {**state(), "loss.weight": torch.ones(10)}},
        "state_dict",
        "loss.weight",
    ),
    "only an average": (lambda: {"ema": state("model."), "decay": 0.99}, "ema", "decay"),
    "scalars between the weights": (lambda: {**state(), "epoch": 4}, "", "epoch"),
    "an optimizer with names": (
        lambda: {"state_dict": state(), "optim": {"exp_avg": state("m.")}},
        "state_dict",
        "optim",
    ),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_what_is_customary_is_unwrapped_and_said(tmp_path: Path, name: str) -> None:
    make, entry, left_out = WRAPPED[name]
    torch.save(make(), tmp_path / "x.pt")
    found = load_checkpoint(tmp_path / "x.pt")
    assert all(np.array_equal(found.tensors[one], TENSORS[one]) for one in TENSORS)
    expected = {"weights": entry, "left_out": left_out}
    assert found.notes == {topic: text for topic, text in expected.items() if text}


TWO: dict[str, tuple[Callable[[], Mapping[str, Any]], tuple[str, str]]] = {
    "two entries": (
        lambda: {"model": state(), "model_ema": state(factor=2)},
        ("model", "model_ema"),
    ),
    "two prefixes": (
        lambda: {"state_dict": {**state("net."), **state("average.", 2)}},
        ("net", "average"),
    ),
    "two prefixes behind one": (
        lambda: {**state("module.online."), **state("module.ema.", 2), "step": torch.tensor(3)},
        ("module.online", "module.ema"),
    ),
    "one inside the other": (lambda: {**state(), "shadow": state(factor=2)}, (".", "shadow")),
}


@pytest.mark.parametrize("name", TWO)
def test_of_two_sets_of_weights_none_is_taken_silently(tmp_path: Path, name: str) -> None:
    make, (first, second) = TWO[name]
    torch.save(make(), tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match="holds 2 sets of weights") as refused:
        load_checkpoint(tmp_path / "x.pt")
    assert all(f"{entry}'" in str(refused.value) for entry in (first, second))
    assert "--interp-weights=" in str(refused.value)
    for factor, entry in ((1, first), (2, second)):
        found = load_checkpoint(tmp_path / "x.pt", entry)
        assert np.array_equal(found.tensors["head.weight"], factor * TENSORS["head.weight"])
    with pytest.raises(CheckpointError, match="no weights called 'best'"):
        load_checkpoint(tmp_path / "x.pt", "best")


def test_the_same_of_safetensors(tmp_path: Path) -> None:
    save_file({**state("net."), **state("ema.", 2)}, tmp_path / "x.safetensors")
    with pytest.raises(CheckpointError, match="holds 2 sets of weights"):
        load_checkpoint(tmp_path / "x.safetensors")
    found = load_checkpoint(tmp_path / "x.safetensors", "ema")
    assert np.array_equal(found.tensors["head.bias"], 2 * TENSORS["head.bias"])
    assert "net" in found.notes["left_out"]


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ({"norm.weight": torch.ones(10), "norm.bias": torch.ones(10)}, "norm.weight unknown"),
        ({"loss_scale": torch.ones(1)}, "loss_scale unknown"),
        ({"blossom.weight": torch.ones(10)}, "blossom.weight unknown"),
    ],
)
def test_a_weight_that_could_matter_is_never_left_out(
    tmp_path: Path, extra: dict[str, torch.Tensor], told: str
) -> None:
    torch.save({"state_dict": {**state(), **extra}}, tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match=told):
        load_checkpoint(tmp_path / "x.pt")


@pytest.mark.filterwarnings(
    "ignore:.*torch.jit:FutureWarning", "ignore:.*torch.jit:DeprecationWarning"
)
def test_refusals_name_keys_and_cause(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    torch.save({"epoch": 3, "weights": "elsewhere.bin", "shadow_params": [torch.ones(2)]}, path)
    with pytest.raises(CheckpointError, match="holds no state dict") as refused:
        load_checkpoint(path)
    assert "'epoch' (int), 'weights' (str), 'shadow_params' (list)" in str(refused.value)
    torch.save({"model": state(), "config": Opaque()}, path)
    with pytest.raises(CheckpointError, match=r"objects of \S*Opaque, whose code"):
        load_checkpoint(path)
    torch.save({"net": Opaque()}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match=r"objects of \S*Opaque, whose code"):
        load_checkpoint(path)
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)
    with pytest.raises(CheckpointError, match="a TorchScript archive"):
        load_checkpoint(path)
    for suffix in ("pt", "safetensors", "json"):
        pointer = tmp_path / f"pointer.{suffix}"
        pointer.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
        for read in (load_checkpoint, load_snapshot, load_run):
            with pytest.raises(CheckpointError, match="Git LFS pointer") as refused:
                read(pointer)
            assert "git lfs pull" in str(refused.value)


def test_other_tensors_and_other_networks(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    torch.save({**state(), "head.weight": state()["head.weight"].to_sparse()}, path)
    assert np.array_equal(load_checkpoint(path).tensors["head.weight"], TENSORS["head.weight"])
    bare = {name: one.to("meta") for name, one in state().items()}
    torch.save(bare, path)
    with pytest.raises(CheckpointError, match="is not usable"):
        load_checkpoint(path)
    for kind in (torch.nn.GRU, torch.nn.RNN):
        parts = {"rnn": kind(28, 10, 2), "fc": torch.nn.Linear(10, 10)}
        torch.save(torch.nn.ModuleDict(parts).state_dict(), path)
        with pytest.raises(CheckpointError, match=f"weights of a .*{kind.__name__}"):
            load_checkpoint(path)


def test_no_code_is_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "ran",)

    torch.save({"model": state(), "trap": Trap()}, tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        load_checkpoint(tmp_path / "x.pt")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_shards(tmp_path: Path, kind: str) -> None:
    names = list(TENSORS)
    parts = {f"model-{k}-of-2.{kind}": names[k - 1 :: 2] for k in (1, 2)}
    for name, own in parts.items():
        held = {one: state()[one] for one in own}
        (save_file if kind == "safetensors" else torch.save)(held, tmp_path / name)
    index = tmp_path / f"model.{kind}.index.json"
    where = {one: name for name, own in parts.items() for one in own}
    index.write_text(json.dumps({"metadata": {}, "weight_map": where}))
    found = load_checkpoint(index)
    assert all(np.array_equal(found.tensors[one], TENSORS[one]) for one in TENSORS)
    first, second = (tmp_path / name for name in parts)
    with pytest.raises(CheckpointError, match="give their index"):
        load_checkpoint(first)
    index.write_text(json.dumps({"weight_map": {**where, "lstm.lost": first.name}}))
    with pytest.raises(CheckpointError, match=r"lack weights[^\n]*\n[^\n]*lstm.lost"):
        load_checkpoint(index)
    index.write_text(json.dumps({"weight_map": {**where, "x": "../other.bin"}}))
    with pytest.raises(CheckpointError, match="not beside the index"):
        load_checkpoint(index)
    index.write_text(json.dumps({"weight_map": where}))
    second.unlink()
    with pytest.raises(CheckpointError, match="1 of 2 shards are missing"):
        load_checkpoint(index)
    index.write_text("[1]")
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        load_checkpoint(index)


# How inputs are normalised


@pytest.mark.parametrize(
    "normalisation", [MNIST, Normalisation(0.5, 0.5), Normalisation(0, 1 / 255)], ids=str
)
def test_normalised_inputs(tmp_path: Path, normalisation: Normalisation) -> None:
    """Weights that undo a normalisation are as good as the plain ones, once it is stated."""
    path = tmp_path / "x.pt"
    torch.save(refolded(normalisation), path)
    plain = resolve(Request(dataset="digits", data_root=tmp_path))
    stated = judged(path, normalisation=normalisation)
    assert not stated.warnings
    assert stated.reference is None
    assert abs(int(stated.readout.intact.counts.trace()) - RIGHT) <= 1
    assert np.abs(stated.readout.logits - plain.readout.logits).max() < 1e-3
    assert stated.readout.provenance["normalisation"] == str(normalisation)
    assert normalisation.words in stated.description
    # What runs the model elsewhere reads the same inputs: gates, and the classifier by hand.
    whole = stated.readout.network.predict([Ablation.parse(GATE)])[0]
    assert np.mean(whole == plain.readout.network.predict([Ablation.parse(GATE)])[0]) > 0.995
    with torch.no_grad():
        logits = stated.classifier(torch.from_numpy(stated.images.images)).numpy()
    assert np.abs(logits - stated.readout.logits).max() < 1e-4


GATE = "dropping direction 1 of the layer 1 input gate's recurrent weights"


def test_what_is_assumed_is_said_and_a_better_reading_hinted(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    torch.save({"model": refolded(MNIST)}, path)
    found = judged(path)
    (line,) = found.warnings
    assert "--interp-normalize=0.1307,0.3081" in line
    assert f"({RIGHT} of 599)" in line
    told = "\n".join(found.assumed)
    assert "pixels in [0, 1], as they are (assumed; else --interp-normalize" in told
    assert "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 (assumed; else --interp-classes" in told
    assert "rows of an image are the steps in time (assumed)" in told
    assert "entry 'model'" in told
    assert tuple(assumed(Request(checkpoint=path))) == found.assumed
    stated = Request(checkpoint=path, normalisation=MNIST, classes=tuple("0123456789"))
    assert ["as stated" in one for one in assumed(stated)][:3] == [True, False, True]


def test_no_order_is_hinted_for_some_of_the_classes(tmp_path: Path) -> None:
    """Three outputs that nobody named: images of 0, 1 and 2 cannot tell which classes they are."""
    weights = state()
    for name in ("head.weight", "head.bias"):
        weights[name] = weights[name][[2, 5, 8]].clone()
    torch.save(weights, tmp_path / "x.pt")
    found = judged(tmp_path / "x.pt")
    assert not found.warnings
    assert near_chance(found.readout)
    assert any("0, 1, 2 (assumed" in line and "has 10" in line for line in found.assumed)
    assert judged(tmp_path / "x.pt", classes=("2", "5", "8")).readout.intact.accuracy.lower > 0.9


def test_a_good_checkpoint_gets_no_hint(tmp_path: Path) -> None:
    torch.save(state(), tmp_path / "x.pt")
    assert not judged(tmp_path / "x.pt").warnings


def test_columns_as_steps_are_hinted(tmp_path: Path) -> None:
    """Images of the transposed digits: nothing else makes it better, and no option does."""
    from interp_fixtures.features import read_out
    from interp_fixtures.readings import other_readings

    checkpoint = load_checkpoint(checkpoint_file("digits"))
    subject = resolve(Request(dataset="digits", data_root=tmp_path))
    turned = np.ascontiguousarray(subject.images.images.transpose(0, 2, 1))
    images = replace(subject.images, images=turned)
    (line,) = other_readings(checkpoint, images, read_out(checkpoint, images, 0.95))
    assert "columns as steps" in line
    assert f"({RIGHT} of 599)" in line
    assert "`subject` fixture" in line


def test_a_trained_classifier_is_normalised_inside(tmp_path: Path) -> None:
    request = Request(
        dataset="digits", seed=1, recipe="thesis", cache=tmp_path, normalisation=MNIST
    )
    found, how = train_or_load(request)
    assert how.endswith("now")
    assert found.normalisation == MNIST
    assert train_or_load(request)[1].endswith("before")
    # Another normalisation is another file, and none is another one again.
    assert train_or_load(replace(request, normalisation=None))[1].endswith("now")
    images = torch.rand(5, 28, 28)
    with torch.no_grad():
        by_hand = found.bare_model()((images - 0.1307) / 0.3081)
        assert torch.equal(found.model()(images), by_hand)
        assert not torch.equal(found.bare_model()(images), by_hand)
    subject = resolve(request)
    assert subject.readout.provenance["normalisation"] == str(MNIST)


def test_a_snapshot_keeps_its_normalisation_and_cannot_change_it(tmp_path: Path) -> None:
    path, kept = tmp_path / "x.pt", tmp_path / "kept.safetensors"
    torch.save(refolded(MNIST), path)
    status = main(
        ["snapshot", str(path), "--dataset=digits", "--normalize=0.1307,0.3081", f"--out={kept}"]
    )
    assert status == 0
    assert load_snapshot(kept).provenance["normalisation"] == "0.1307,0.3081"
    assert len(judged(kept, normalisation=MNIST).readout) == 599
    for other in ({"normalisation": PLAIN}, {"classes": tuple("1023456789")}, {"weights": "ema"}):
        with pytest.raises(CheckpointError, match="cannot change a snapshot"):
            judged(kept, **other)


def test_commands_say_what_is_assumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "x.pt", str(tmp_path / "out.safetensors")
    torch.save(refolded(MNIST), path)
    assert main(["snapshot", str(path), "--dataset=digits", "--out", out]) == 0
    told = capsys.readouterr().out
    assert "inputs: pixels in [0, 1], as they are (assumed; else --normalize=MEAN,STD" in told
    assert "warning: read otherwise" in told
    assert "--interp" not in told


@pytest.mark.parametrize("text", ["", "1", "a,b", "0.5,0", "nan,1", "1,inf", "1,2,3", "1;2"])
def test_bad_normalisations(text: str) -> None:
    with pytest.raises(InterpChecksError, match="no mean and standard deviation"):
        Normalisation.parse(text)


@pytest.mark.parametrize("text", ["0.1307,0.3081", "0,1", "-1,0.5", "1e-05,2", "0,0.003921568627"])
def test_normalisations_come_back(text: str) -> None:
    assert Normalisation.parse(str(Normalisation.parse(text))) == Normalisation.parse(text)


@pytest.mark.parametrize("text", ["", "1,,2", "1,1", ","])
def test_bad_classes(text: str) -> None:
    with pytest.raises(InterpChecksError, match="no names of classes"):
        parse_classes(text)


def test_statements_need_a_checkpoint(tmp_path: Path) -> None:
    for stated in ({"normalisation": MNIST}, {"classes": ("1", "2")}, {"weights": "ema"}):
        with pytest.raises(InterpChecksError, match="is about a checkpoint, and none was given"):
            resolve(Request(dataset="digits", **stated))  # type: ignore[arg-type]
    torch.save(state(), tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match="does not fit the head"):
        judged(tmp_path / "x.pt", classes=("1", "2"))


# Classes in another order

ORDER = (3, 1, 4, 0, 5, 9, 2, 6, 8, 7)
NAMES = tuple(map(str, ORDER))


def test_classes_in_another_order(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    torch.save(permuted(ORDER), path)
    (hint,) = judged(path).warnings
    assert f"--interp-classes={','.join(NAMES)}" in hint
    found = judged(path, classes=NAMES)
    plain = resolve(Request(dataset="digits", data_root=tmp_path))
    assert not found.warnings
    assert int(found.readout.intact.counts.trace()) == RIGHT
    for name in NAMES:
        assert found.readout.intact.recall[name] == plain.readout.intact.recall[name]
    # They are the same images with the same classes, whatever the order of these.
    assert same_images(plain.readout, found.readout)
    changes = recall_changes(plain.readout, found.readout, [], 0.95)
    assert all(change.paired and change.old == change.new for change in changes)


# Near chance


def guesser(right: int, counts: tuple[int, ...], confidence: float = 0.95) -> Readout:
    """A model that is right about so many images, spread over the classes, of so many each."""
    labels = np.repeat(np.arange(len(counts)), counts)
    chosen = np.linspace(0, len(labels) - 1, right).round().astype(int)
    predicted = (labels + 1) % len(counts)
    predicted[chosen] = labels[chosen]
    return Readout(
        np.eye(len(counts))[predicted], labels, np.eye(len(counts)), confidence=confidence
    )


@pytest.mark.parametrize(
    ("right", "counts", "near"),
    [
        (159, (100,) * 10, True),  # significantly above 10 %, and yet no classifier
        (250, (100,) * 10, False),
        (600, (500, 500), False),  # a binary classifier that knows something
        (60, (50, 50), True),  # the same share of too few images
        (520, (500, 500), True),
        (905, (900, 100), True),  # no better than always saying "0"
        (960, (900, 100), False),
        (0, (100,) * 3, True),
        (100, (100, 0), False),  # one class alone: guessing cannot be told from knowing
    ],
)
def test_near_chance(right: int, counts: tuple[int, ...], near: bool) -> None:
    readout = guesser(right, counts)
    assert (
        int((predict(readout, Ablation.parse("keeping every direction")) == readout.labels).sum())
        == right
    )
    assert is_near_chance(readout.intact) is near
    assert near_chance(readout).startswith("near chance") is near


def test_skill_goes_from_guessing_to_knowing() -> None:
    intact = guesser(500, (700, 200, 100)).intact
    assert skill(0.7, intact) == pytest.approx(0)
    assert skill(1.0, intact) == pytest.approx(1)
    assert skill(0.85, intact) == pytest.approx(0.5)
