"""The shipped classifiers: where they come from, and the same counts on every processor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from interp_checks.errors import DataError, InterpChecksError
from interp_checks.files import file_digest
from interp_fixtures import reference_readout, training
from interp_fixtures.checkpoints import load_checkpoint
from interp_fixtures.datasets import images_available, load_images
from interp_fixtures.features import NEAR_TIE, confusion_of, differences
from interp_fixtures.reference_files import (
    SHIPPED,
    SHIPPED_EPOCHS,
    after_epochs,
    checkpoint_file,
    epoch_file,
    noted_confusion,
    snapshot_file,
)
from interp_fixtures.request import Request
from interp_fixtures.resolve import resolve

DATA = os.environ.get("INTERP_DATA")
ROOT = Path(DATA) if DATA else None
PROVENANCE = {
    *("dataset", "recipe", "seed", "selection_rule", "class_names", "training_images"),
    *("training_images_sha256", "test_accuracy", "torch", "numpy", "interp-checks"),
}

needs_its_images = pytest.mark.parametrize(
    "dataset",
    [
        pytest.param(
            name,
            marks=pytest.mark.skipif(
                name != "digits" and not images_available(name, ROOT),
                reason=f"INTERP_DATA names no folder with {name}",
            ),
        )
        for name in SHIPPED
    ],
)


@pytest.mark.parametrize("dataset", SHIPPED)
def test_a_reference_and_its_snapshot_say_where_they_come_from(dataset: str) -> None:
    checkpoint, readout = load_checkpoint(checkpoint_file(dataset)), reference_readout(dataset)
    assert set(checkpoint.metadata) >= PROVENANCE
    assert checkpoint.metadata["dataset"] == dataset
    assert readout.provenance["checkpoint"] == file_digest(checkpoint_file(dataset))
    assert readout.provenance["images"] == f"{dataset} test"
    assert checkpoint.metadata["test_accuracy"] == f"{readout.intact.accuracy.value:.4f}"
    np.testing.assert_array_equal(readout.weight, checkpoint.tensors["head.weight"])
    assert snapshot_file(dataset).stat().st_size < 500_000


@pytest.mark.parametrize("dataset", SHIPPED)
@pytest.mark.parametrize("epochs", SHIPPED_EPOCHS)
def test_an_epoch_says_where_it_comes_from(dataset: str, epochs: int) -> None:
    checkpoint = after_epochs(dataset, epochs)
    metadata = checkpoint.metadata
    assert set(metadata) >= {*PROVENANCE, "processor", "epochs", "test_images_sha256"}
    assert (metadata["dataset"], metadata["epochs"]) == (dataset, str(epochs))
    assert (metadata["recipe"], metadata["seed"]) == ("thesis", "0")
    seen, unseen = (noted_confusion(checkpoint, split) for split in ("train", "test"))
    assert seen.sum() == int(metadata["training_images"])
    assert metadata["test_accuracy"] == f"{unseen.trace() / unseen.sum():.4f}"
    np.testing.assert_array_equal(unseen.sum(1), reference_readout(dataset).support)
    assert epoch_file(dataset, epochs).stat().st_size < 15_000


def test_what_is_not_shipped_is_refused() -> None:
    with pytest.raises(DataError, match="no weights after 3 epochs"):
        after_epochs("mnist", 3)
    with pytest.raises(DataError, match="no reference is shipped for 'emnist'"):
        after_epochs("emnist", 1)
    with pytest.raises(DataError, match="no reference is shipped for 'emnist'"):
        reference_readout("emnist")


@pytest.mark.parametrize("dataset", SHIPPED)
def test_a_data_set_alone_trains_nothing(
    dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise InterpChecksError("this would train")

    monkeypatch.setattr(training, "train", refused)
    request = Request(dataset=dataset, cache=tmp_path)
    subject = resolve(request)
    assert subject.reference == dataset
    assert subject.description.startswith(f"shipped {dataset} reference (")
    assert not request.trains
    assert replace(request, seed=0).trains
    assert replace(request, recipe="long").trains


@needs_its_images
def test_the_counts_that_were_noted_are_those_of_the_images(dataset: str) -> None:
    for split, digest in (("train", "training_images_sha256"), ("test", "test_images_sha256")):
        images = load_images(dataset, split, root=ROOT)
        for epochs in SHIPPED_EPOCHS:
            checkpoint = after_epochs(dataset, epochs)
            assert checkpoint.metadata[digest] == images.digest
            counts = confusion_of(checkpoint.model(), images)
            moved = np.abs(counts - noted_confusion(checkpoint, split)).sum() // 2
            assert moved <= len(images) // 10_000


#: Predictions on features that are computed here, compared with those that are shipped.
COMPARE = """
import json, sys
from pathlib import Path
import torch
from interp_checks.sweeps import predict
from interp_fixtures.checkpoints import load_checkpoint
from interp_fixtures.datasets import load_images
from interp_fixtures.features import differences, read_out
from interp_fixtures.reference_files import checkpoint_file, reference_readout

dataset, root = sys.argv[1], Path(sys.argv[2]) if sys.argv[2] else None
images = load_images(dataset, "test", root=root)
found = read_out(load_checkpoint(checkpoint_file(dataset)), images, 0.95)
stored = reference_readout(dataset)
far = float(abs(found.features - stored.features).max())
lines = differences(found, stored)
print(json.dumps([torch.backends.cpu.get_cpu_capability(), far, lines]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("instructions", ["of this processor", "of any processor"])
@needs_its_images
def test_shipped_counts_do_not_depend_on_the_processor(dataset: str, instructions: str) -> None:
    environment = dict(os.environ)
    if instructions == "of any processor":
        environment |= {
            "ATEN_CPU_CAPABILITY": "default",
            "ONEDNN_MAX_CPU_ISA": "SSE41",
            "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        }
    done = subprocess.run(
        [sys.executable, "-c", COMPARE, dataset, str(ROOT or "")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    capability, far, moved = json.loads(done.stdout.splitlines()[-1])
    if instructions == "of any processor":
        assert capability == "DEFAULT"
    assert far < NEAR_TIE
    assert not [line for line in moved if "NOT a near tie" in line]


def test_what_differs_is_told_with_its_margin() -> None:
    stored = reference_readout("digits")
    features = stored.features.copy()
    assert differences(replace(stored, features=features), stored) == []
    features[7] = -features[7]
    lines = differences(replace(stored, features=features), stored)
    assert lines
    assert all(line.startswith("image 7, ") and "NOT a near tie" in line for line in lines)
