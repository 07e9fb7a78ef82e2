"""Checkpoints: what can be read, training that is the same every time, and the shipped files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file

from interp_checks import Claim, Outcome, Readout, judge, load_snapshot, sweep
from interp_checks.ablation import family_members
from interp_checks.estimate import CONFIDENCE
from interp_checks.files import read_tensors
from interp_fixtures import architecture
from interp_fixtures.architecture import Architecture, Recipe
from interp_fixtures.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from interp_fixtures.classifier import LSTMClassifier
from interp_fixtures.datasets import load_images
from interp_fixtures.features import differences, read_out
from interp_fixtures.reference_files import checkpoint_file, snapshot_file
from interp_fixtures.request import Request
from interp_fixtures.trained import train_or_load

TENSORS, METADATA = read_tensors(checkpoint_file("digits"))
HEADLINE = "dropping direction 5 kills class 8 and spares every other class"
QUICK = Recipe("quick", epochs=1, annealed=True, batch_size=400)


def state(prefixes: dict[str, str] | None = None) -> dict[str, torch.Tensor]:
    """The weights of the shipped digits classifier under other names."""
    renamed = {}
    for name, value in TENSORS.items():
        for old, new in (prefixes or {}).items():
            name = name.replace(old, new)
        renamed[name] = torch.from_numpy(value)
    return renamed


def same_weights(one: Checkpoint, other: Checkpoint) -> bool:
    return one.tensors.keys() == other.tensors.keys() and all(
        np.array_equal(one.tensors[name], other.tensors[name]) for name in one.tensors
    )


@pytest.mark.parametrize(
    "prefixes",
    [
        {},
        {"lstm.": "rnn.", "head.": "fc."},
        {"lstm.": "module.lstm.", "head.": "module.head."},
        {"lstm.": "model.encoder.", "head.": "model.encoder.out."},
        {"lstm.": "", "head.": "decoder."},
    ],
    ids=lambda prefixes: " ".join(prefixes.values()) or "our names",
)
@pytest.mark.parametrize("how", ["safetensors", "state dict", "in a state_dict entry"])
def test_any_names(tmp_path: Path, how: str, prefixes: dict[str, str]) -> None:
    weights = state(prefixes)
    path = tmp_path / ("x.safetensors" if how == "safetensors" else "x.ckpt")
    if how == "safetensors":
        save_torch_file(weights, path, {"seed": "7"})
    else:
        torch.save(weights if how == "state dict" else {"state_dict": weights, "epoch": 3}, path)
    found = load_checkpoint(path)
    assert list(found.tensors) == list(Architecture().shapes())
    assert all(np.array_equal(found.tensors[name], TENSORS[name]) for name in TENSORS)
    assert found.architecture == Architecture()
    assert dict(found.metadata) == ({"seed": "7"} if how == "safetensors" else {})


@pytest.mark.parametrize(
    "sizes",
    [
        Architecture(hidden_size=128),
        Architecture(layers=1),
        Architecture(hidden_size=3, layers=3, classes=3),
        Architecture(input_size=5, classes=2),
    ],
    ids=str,
)
def test_round_trip_of_any_architecture(tmp_path: Path, sizes: Architecture) -> None:
    torch.manual_seed(0)
    model = LSTMClassifier(sizes).eval()
    names = [f"class {number}" for number in range(sizes.classes)]
    save_checkpoint(model, tmp_path / "one.safetensors", {"class_names": json.dumps(names)})
    found = load_checkpoint(tmp_path / "one.safetensors")
    assert found.architecture == sizes
    assert found.class_names == tuple(names)
    save_checkpoint(found.model(), tmp_path / "two.safetensors", found.metadata)
    first, second = ((tmp_path / f"{name}.safetensors").read_bytes() for name in ("one", "two"))
    assert first == second
    images = torch.rand(4, 28, sizes.input_size)
    with torch.no_grad():
        assert torch.equal(model(images), found.model()(images))
    assert not found.model().training


def test_half_precision_is_widened(tmp_path: Path) -> None:
    halves = {name: value.astype(np.float16) for name, value in TENSORS.items()}
    save_file(halves, tmp_path / "x.safetensors")
    found = load_checkpoint(tmp_path / "x.safetensors")
    assert all(value.dtype == np.float32 for value in found.tensors.values())
    assert all(np.array_equal(found.tensors[name], halves[name]) for name in halves)


@pytest.mark.parametrize("name", ["x.pt", "x.safetensors"])
def test_bfloat16_is_widened(tmp_path: Path, name: str) -> None:
    weights = {key: value.bfloat16() for key, value in state().items()}
    (torch.save if name.endswith("pt") else save_torch_file)(weights, tmp_path / name)
    found = load_checkpoint(tmp_path / name)
    assert found.tensors.keys() == weights.keys()
    for key, value in found.tensors.items():
        assert value.dtype == np.float32
        assert np.array_equal(value, weights[key].float().numpy())


def test_bfloat16_beside_other_numbers(tmp_path: Path) -> None:
    weights = state()
    weights["head.weight"] = weights["head.weight"].bfloat16()
    weights["head.bias"] = weights["head.bias"].half()
    save_torch_file(weights, tmp_path / "x.safetensors")
    found = load_checkpoint(tmp_path / "x.safetensors")
    for key, value in found.tensors.items():
        assert value.dtype == np.float32
        assert np.array_equal(value, weights[key].float().numpy())


@pytest.fixture
def request_quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    monkeypatch.setitem(architecture.RECIPES, "quick", QUICK)
    return Request(dataset="digits", seed=3, recipe="quick", cache=tmp_path / "cache")


def test_training_is_the_same_every_time(request_quick: Request, tmp_path: Path) -> None:
    first, how = train_or_load(request_quick)
    assert how.endswith("trained now")
    assert first.metadata["recipe"] == "quick"
    assert first.metadata["seed"] == "3"
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        torch.manual_seed(123)
        np.random.seed(123)  # noqa: NPY002  # the global state is the point
        before = torch.random.get_rng_state()
        second, _ = train_or_load(replace(request_quick, cache=tmp_path / "other"))
        assert torch.get_num_threads() == 2
        assert torch.equal(torch.random.get_rng_state(), before)
    finally:
        torch.set_num_threads(threads)
    assert Path(first.origin) != Path(second.origin)
    assert Path(first.origin).read_bytes() == Path(second.origin).read_bytes()
    assert not same_weights(first, train_or_load(replace(request_quick, seed=4))[0])


def test_trained_before(request_quick: Request) -> None:
    first, _ = train_or_load(request_quick)
    written = Path(first.origin).stat().st_mtime_ns
    again, how = train_or_load(request_quick)
    assert how.endswith("trained before")
    assert Path(again.origin).stat().st_mtime_ns == written
    assert same_weights(first, again)


def test_training_learns(request_quick: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(architecture.RECIPES, "quick", replace(QUICK, epochs=8, batch_size=50))
    sizes = Architecture(hidden_size=32, layers=1)
    trained, _ = train_or_load(request_quick, architecture=sizes)
    assert trained.architecture == sizes
    accuracy = read_out(trained, load_images("digits", "test"), CONFIDENCE).intact.accuracy
    assert accuracy.lower > 0.5


def test_three_classes(request_quick: Request) -> None:
    trained, _ = train_or_load(replace(request_quick, classes=("2", "5", "8")))
    assert trained.class_names == ("2", "5", "8")
    assert trained.architecture.classes == 3
    images = load_images("digits", "test")
    readout = read_out(trained, images, CONFIDENCE)
    assert readout.class_names == ("2", "5", "8")
    assert len(readout) == sum(images.class_names[label] in "258" for label in images.labels)
    assert train_or_load(request_quick)[0].class_names == images.class_names


@contextmanager
def interrupting(_: str) -> Iterator[object]:
    def progress(done: int, total: int, loss: float) -> None:
        assert 0 < done <= total
        assert np.isfinite(loss)
        if done == 2:
            raise KeyboardInterrupt

    yield progress


def test_interrupted_training_leaves_no_file(request_quick: Request) -> None:
    cache = request_quick.cache
    assert cache is not None
    threads, before = torch.get_num_threads(), torch.random.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        train_or_load(request_quick, interrupting)
    assert [path.name for path in cache.iterdir() if path.suffix != ".lock"] == []
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), before)
    assert train_or_load(request_quick)[1].endswith("trained now")


def test_corrupt_cached_file_is_trained_again(request_quick: Request) -> None:
    first, _ = train_or_load(request_quick)
    path = Path(first.origin)
    whole = path.read_bytes()
    for broken in (b"", whole[: len(whole) // 2], b"x" * len(whole)):
        path.write_bytes(broken)
        assert train_or_load(request_quick)[1].endswith("trained now")
        assert path.read_bytes() == whole


TWO_PROCESSES = """
import sys, time, types
from pathlib import Path
from interp_checks.files import read_tensors
from interp_fixtures.datasets import load_images
from interp_fixtures.reference_files import checkpoint_file
from interp_fixtures.request import Request
from interp_fixtures.trained import train_or_load

folder, name = Path(sys.argv[1]), sys.argv[2]

class Tensor:
    def __init__(self, value):
        self.numpy = lambda: value
    def detach(self):
        return self

# What is tested is the waiting, so nothing is trained, and torch need not be imported.
def train(*arguments, **more):
    (folder / f"training-{name}").touch()
    time.sleep(0.5)  # so that the other one comes meanwhile
    tensors, _ = read_tensors(checkpoint_file("digits"))
    weights = {key: Tensor(value) for key, value in tensors.items()}
    return types.SimpleNamespace(state_dict=lambda: weights)

fake = types.SimpleNamespace(train=train, processor=lambda: "any")
sys.modules["interp_fixtures.training"] = fake
load_images("digits", "train")
(folder / f"ready-{name}").touch()
while len(list(folder.glob("ready-*"))) < 2:
    time.sleep(0.01)
checkpoint, how = train_or_load(Request(dataset="digits", seed=0, cache=folder / "cache"))
assert "torch" not in sys.modules
print(checkpoint.digest, how.partition(", ")[2])
"""


def test_two_processes_train_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TWO_PROCESSES, str(tmp_path)]
    running = [
        subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in "ab"
    ]
    said = [process.communicate(timeout=60)[0].split(maxsplit=1) for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert said[0][0] == said[1][0]
    assert {how.strip() for _, how in said} == {"trained now", "trained before"}
    assert len(list(tmp_path.glob("training-*"))) == 1


@pytest.mark.parametrize("dataset", ["mnist", "digits"])
def test_shipped_files_say_how_they_came_about(dataset: str) -> None:
    noted = load_checkpoint(checkpoint_file(dataset)).metadata
    wanted = {"dataset", "recipe", "seed", "test_accuracy", "torch", "training_images_sha256"}
    assert wanted | {"selection_rule", "selection_seeds_searched"} <= noted.keys()
    assert noted["dataset"] == dataset
    snapshot = load_snapshot(snapshot_file(dataset))
    assert all(snapshot.provenance[name] == noted[name] for name in wanted)
    assert float(noted["test_accuracy"]) == round(snapshot.intact.accuracy.value, 4)
    weight = load_checkpoint(checkpoint_file(dataset)).tensors["head.weight"]
    assert np.array_equal(snapshot.weight, weight)


def test_the_headline_holds_on_the_shipped_mnist_snapshot() -> None:
    readout = load_snapshot(snapshot_file("mnist"))
    assert len(readout) == 10_000
    assert readout.intact.accuracy.value >= 0.9723
    assert judge(Claim.parse(HEADLINE), readout).outcome == Outcome.HOLDS
    assert readout.dropping(5).recall[8].value < 0.01


@pytest.mark.parametrize("dataset", ["digits", "mnist"])
def test_features_recomputed_from_images_are_those_shipped(dataset: str) -> None:
    root = os.environ.get("INTERP_DATA")
    if dataset == "mnist" and root is None:
        pytest.skip("needs MNIST: point INTERP_DATA at it")
    stored = load_snapshot(snapshot_file(dataset))
    images = load_images(dataset, "test", root=root)
    recomputed = read_out(load_checkpoint(checkpoint_file(dataset)), images, CONFIDENCE)
    families = ("first", "last", "dropping", "only")
    ablations = [member for family in families for member in family_members(family, 10)]
    one, other = sweep(recomputed, ablations), sweep(stored, ablations)
    for ablation in ablations:
        assert np.array_equal(one[ablation].counts, other[ablation].counts), str(ablation)
    assert differences(recomputed, stored) == []


def test_differences_are_told() -> None:
    stored = load_snapshot(snapshot_file("digits"))
    features = stored.features.copy()
    features[7] = features[7][::-1] * 5
    other = Readout(features, stored.labels, stored.weight, stored.bias)
    told = differences(other, stored)
    assert told
    assert all(line.startswith("image 7, ") for line in told)
    assert sum(line.endswith("NOT a near tie") for line in told) > len(told) / 2
