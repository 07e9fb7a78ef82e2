"""The shipped models that draw: what their metadata says is what they do."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from interp_checks import CheckpointError, DataError
from interp_checks._arrays import Array
from interp_checks.files import write_tensors
from interp_checks.gaps import blocks_for, compare_gaps, gaps
from interp_checks.generative import (
    distance_to_mean,
    kl,
    mean_of,
    output_variation,
    reconstruction_error,
)
from interp_fixtures.datasets import ImageSet, images_available, load_images
from interp_fixtures.generative_checkpoints import load_or_train_generative
from interp_fixtures.generative_files import (
    GenerativeCheckpoint,
    generative_file,
    load_generative,
    save_generative,
)
from interp_fixtures.generative_reading import (
    accuracy,
    codes,
    drawn,
    latents,
    predictions,
    random_drawings,
    reconstructions,
)
from interp_fixtures.generative_recipes import Kind
from interp_fixtures.reference_files import REFERENCE, SHIPPED_WITH_DRAWINGS, reference_readout
from interp_fixtures.request import Request

DRAWING: tuple[tuple[Kind, bool], ...] = (
    ("autoencoder", True),
    ("autoencoder", False),
    ("vae", True),
    ("vae", False),
)
FEW = 2000
ROOT = os.environ.get("INTERP_DATA")
needs_mnist = pytest.mark.skipif(
    not images_available("mnist", ROOT), reason="INTERP_DATA names no folder with MNIST"
)
each_dataset = pytest.mark.parametrize(
    "images", [pytest.param("mnist", marks=needs_mnist), "digits"], indirect=True
)


def shipped(dataset: str, kind: Kind, early: bool = False) -> GenerativeCheckpoint:
    return load_or_train_generative(kind, Request(dataset=dataset), early=early)[0]


@cache
def redrawn(dataset: str, kind: Kind, early: bool) -> Array:
    """The first test images as a shipped model draws them."""
    images = load_images(dataset, "test", root=ROOT).images[:FEW]
    return reconstructions(shipped(dataset, kind, early), images)


@pytest.fixture(scope="module")
def images(request: pytest.FixtureRequest) -> ImageSet:
    return load_images(request.param, "test", root=ROOT)


@pytest.mark.parametrize("dataset", SHIPPED_WITH_DRAWINGS)
def test_shipped_files_need_neither_images_nor_training(dataset: str) -> None:
    for kind, early in (*DRAWING, ("generated", False), ("latents", False)):
        checkpoint, how = load_or_train_generative(kind, Request(dataset=dataset), early=early)
        assert how.startswith(f"shipped {dataset}")
        assert checkpoint.metadata["dataset"] == dataset
        recipe = json.loads(checkpoint.metadata["recipe"])
        assert checkpoint.epoch == recipe["early" if early else "epochs"]
        for topic in ("seed", "training_images_sha256", "test_images_sha256", "torch", "numpy"):
            assert checkpoint.metadata[topic], topic
    vae = shipped(dataset, "vae")
    for kind in ("generated", "latents"):
        assert shipped(dataset, kind).metadata["vae_sha256"] == vae.digest


def test_shipped_files_are_small() -> None:
    files = [path for path in REFERENCE.iterdir() if "snapshot" not in path.name]
    assert sum(path.stat().st_size for path in files) < 8e6


@each_dataset
@pytest.mark.parametrize("kind", ["generated", "latents"])
def test_the_stated_accuracy_is_the_measured_one(images: ImageSet, kind: Kind) -> None:
    classifier, vae = shipped(images.name, kind), shipped(images.name, "vae")
    assert classifier.metadata["test_images_sha256"] == images.digest
    right = accuracy(classifier, vae, images.images, images.labels)
    # Another processor rounds otherwise, which may move an image or two.
    stated = float(classifier.metadata["test_accuracy"]) * len(images)
    assert right.count == pytest.approx(stated, abs=3)
    assert right.value > (0.96 if images.name == "mnist" else 0.90)


@pytest.mark.parametrize(
    "images",
    [pytest.param("mnist", marks=[needs_mnist, pytest.mark.slow]), "digits"],
    indirect=True,
)
@pytest.mark.parametrize(("kind", "early"), DRAWING)
def test_the_stated_numbers_are_the_measured_ones(
    images: ImageSet, kind: Kind, early: bool
) -> None:
    checkpoint = shipped(images.name, kind, early)
    outputs = reconstructions(checkpoint, images.images)
    errors = reconstruction_error(images.images, outputs)
    measured = {
        "squared_error": errors.mean_squared.value,
        "cross_entropy": errors.mean_cross_entropy.value,
        "output_variation": output_variation(images.images, outputs).value,
    }
    if kind == "vae":
        measured["kl"] = float(kl(*latents(checkpoint, images.images)).mean())
    for name, value in measured.items():
        stated = float(checkpoint.metadata[f"test_{name}"])
        assert value == pytest.approx(stated, rel=1e-3, abs=1e-6), name


@each_dataset
@pytest.mark.parametrize("kind", ["autoencoder", "vae"])
def test_trained_longer_is_drawn_better(images: ImageSet, kind: Kind) -> None:
    early, final = (
        reconstruction_error(images.images[:FEW], redrawn(images.name, kind, when)).cross_entropy
        for when in (True, False)
    )
    assert mean_of(early - final).lower > 0


@each_dataset
def test_the_autoencoder_draws_one_image_for_every_input_at_first_and_not_later(
    images: ImageSet,
) -> None:
    inputs = images.images[:FEW]
    early, final = (redrawn(images.name, "autoencoder", when) for when in (True, False))
    assert output_variation(inputs, early).upper < 1e-6
    assert distance_to_mean(inputs, early, inputs.mean(0)).upper < 0.2
    assert output_variation(inputs, final).lower > 0.15


@pytest.mark.slow
@each_dataset
def test_the_latent_space_has_fewer_gaps_than_the_classifiers(images: ImageSet) -> None:
    blocks = blocks_for(images.labels)
    points = latents(shipped(images.name, "vae"), images.images)[0]
    space = gaps(points, images.labels, blocks=blocks)
    features = reference_readout(images.name).features
    classifier = gaps(features, images.labels, blocks=blocks)
    assert compare_gaps(classifier, space).lower > 1
    assert compare_gaps(classifier, space, volumes=True).lower > 1


def test_random_drawings_are_the_same_every_time() -> None:
    vae = shipped("digits", "vae")
    first = random_drawings(vae, 9, seed=4)
    assert first.shape == (9, 28, 28)
    assert np.array_equal(first, random_drawings(vae, 9, seed=4))
    assert not np.array_equal(first, random_drawings(vae, 9, seed=5))
    points = np.random.default_rng(4).standard_normal((9, vae.sizes.latents))
    assert np.array_equal(first, drawn(vae, points))


def test_codes_are_one_vector_an_image() -> None:
    autoencoder = shipped("digits", "autoencoder")
    assert codes(autoencoder, np.zeros((3, 28, 28), np.float32)).shape == (3, 64)


def test_a_classifier_of_another_data_set_is_refused() -> None:
    with pytest.raises(CheckpointError, match="another variational autoencoder"):
        predictions(
            shipped("digits", "latents"), shipped("mnist", "vae"), np.zeros((1, 28, 28), np.float32)
        )


def test_one_model_is_not_taken_for_another() -> None:
    checkpoint = shipped("digits", "latents")
    for wrong in (checkpoint.vae, checkpoint.autoencoder, shipped("digits", "vae").classifier):
        with pytest.raises(CheckpointError, match="another model"):
            wrong()


def test_data_sets_without_shipped_models_are_named() -> None:
    with pytest.raises(DataError, match="usps"):
        generative_file("usps", "vae")


def test_unusable_files_are_refused(tmp_path: Path) -> None:
    checkpoint = shipped("digits", "latents")
    tensors, path = dict(checkpoint.tensors), tmp_path / "damaged.safetensors"
    write_tensors(path, tensors, {"kind": "latents"})
    with pytest.raises(CheckpointError, match="none of the models"):
        load_generative(path)
    for value, message in ((np.float32("nan"), "not usable"), (1, "not usable")):
        broken = np.full(10, value)
        save_generative(
            path,
            "latents",
            checkpoint.sizes,
            {**tensors, "head.bias": broken},
            checkpoint.metadata,
        )
        with pytest.raises(CheckpointError, match=message):
            load_generative(path)
    del tensors["head.bias"]
    save_generative(path, "latents", checkpoint.sizes, tensors, checkpoint.metadata)
    with pytest.raises(CheckpointError, match="do not fit"):
        load_generative(path).classifier()
