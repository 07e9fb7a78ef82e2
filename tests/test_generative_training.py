"""Training the models that draw: seeds, interruptions, the cache."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from interp_checks import CheckpointError, InterpChecksError
from interp_fixtures import generative_training
from interp_fixtures.datasets import load_images
from interp_fixtures.generative import LSTMVariationalAutoencoder
from interp_fixtures.generative_checkpoints import load_or_train_generative
from interp_fixtures.generative_files import GenerativeCheckpoint, load_generative
from interp_fixtures.generative_reading import latents, predictions
from interp_fixtures.generative_recipes import KINDS, GenerativeRecipe, Kind, Sizes
from interp_fixtures.generative_training import State, train_generative
from interp_fixtures.request import Request

SIZES = Sizes(units=5, latents=3, decoder_units=6, classifier_units=7)
IMAGES = load_images("digits", "train")
FEW = slice(0, 100)


def recipe(kind: Kind, epochs: int = 3, early: int | None = 1) -> GenerativeRecipe:
    inputs = SIZES.latents if kind == "latents" else 784
    return GenerativeRecipe(kind, epochs, early, replace(SIZES, inputs=inputs), batch_size=40)


@pytest.fixture(scope="module")
def vae() -> LSTMVariationalAutoencoder:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return LSTMVariationalAutoencoder(SIZES).eval()


Train = Callable[..., dict[int, State]]


@pytest.fixture
def train(vae: LSTMVariationalAutoencoder) -> Train:
    def run(kind: Kind, seed: int = 0, **more: object) -> dict[int, State]:
        return train_generative(
            recipe(kind),
            IMAGES.images[FEW],
            IMAGES.labels[FEW],
            seed=seed,
            vae=vae if kind in ("generated", "latents") else None,
            **more,  # type: ignore[arg-type]
        )

    return run


def same(one: State, other: State) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


class Interruption(Exception):
    """What a test raises in the middle of a training."""


def interrupting(at: int) -> Callable[[int, int, float], None]:
    def progress(done: int, total: int, loss: float) -> None:
        if done == at:
            raise Interruption

    return progress


@pytest.mark.parametrize("kind", KINDS)
def test_one_seed_gives_one_model_and_leaves_random_numbers_alone(train: Train, kind: Kind) -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state()
    first, second, other = train(kind), train(kind), train(kind, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert list(first) == [1, 3]
    assert all(same(first[epoch], second[epoch]) for epoch in first)
    assert not same(first[3], other[3])
    assert not same(first[1], first[3])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [2, 3, 8])
def test_an_interrupted_training_ends_with_the_same_bits(
    train: Train, kind: Kind, step: int, tmp_path: Path
) -> None:
    # Three steps an epoch: within the first, after the last step of it, within the third.
    state = tmp_path / "training.state"
    with pytest.raises(Interruption):
        train(kind, resume=state, progress=interrupting(step))
    assert state.exists() == (step == 8)
    torch.manual_seed(99)
    seen: list[int] = []
    resumed = train(kind, resume=state, progress=lambda done, total, loss: seen.append(done))
    assert seen[0] == (7 if step == 8 else 1)
    straight = train(kind)
    assert list(resumed) == list(straight)
    assert all(same(resumed[epoch], straight[epoch]) for epoch in straight)


def test_a_training_interrupted_twice_ends_with_the_same_bits(train: Train, tmp_path: Path) -> None:
    state = tmp_path / "training.state"
    for step in (5, 8):
        with pytest.raises(Interruption):
            train("vae", resume=state, progress=interrupting(step))
    assert same(train("vae", resume=state)[3], train("vae")[3])


def test_what_cannot_be_resumed_is_trained_anew(train: Train, tmp_path: Path) -> None:
    state = tmp_path / "training.state"
    straight = train("vae")
    state.write_bytes(b"cut short")
    assert same(train("vae", resume=state)[3], straight[3])
    train("vae", seed=1, resume=state)  # another training's state lies there now
    assert same(train("vae", resume=state)[3], straight[3])
    torch.save({"identity": "of a stranger"}, state)
    assert same(train("vae", resume=state)[3], straight[3])


def test_losses_fall_and_progress_is_told_of_every_step(train: Train) -> None:
    losses: list[float] = []
    train("vae", progress=lambda done, total, loss: losses.append(loss))
    assert len(losses) == 9
    assert losses[-1] < losses[0]


def test_a_classifier_needs_a_variational_autoencoder() -> None:
    with pytest.raises(ValueError, match="variational"):
        train_generative(recipe("latents"), IMAGES.images, IMAGES.labels, seed=0)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def asked(cache: Path) -> Request:
    return Request(dataset="digits", seed=3, cache=cache)


@pytest.fixture(scope="module")
def tiny(cache: Path) -> GenerativeCheckpoint:
    request = Request(dataset="digits", seed=3, cache=cache)
    return load_or_train_generative("vae", request, recipe=recipe("vae", 2))[0]


def test_the_cache_holds_both_epochs_and_no_state(
    tiny: GenerativeCheckpoint, asked: Request, cache: Path
) -> None:
    again, how = load_or_train_generative("vae", asked, recipe=recipe("vae", 2))
    early, _ = load_or_train_generative("vae", asked, recipe=recipe("vae", 2), early=True)
    assert how.endswith("trained before")
    assert again.digest == tiny.digest != early.digest
    assert (tiny.epoch, early.epoch) == (2, 1)
    assert tiny.metadata["training_images_sha256"] == IMAGES.digest
    assert not list(cache.glob("*.state"))


@pytest.mark.parametrize("kind", ["generated", "latents"])
def test_classifiers_know_their_variational_autoencoder(
    tiny: GenerativeCheckpoint, asked: Request, kind: Kind
) -> None:
    # The number of inputs is taken from the autoencoder, whatever the recipe says.
    stated = replace(recipe(kind, 1, None), sizes=SIZES)
    classifier, _ = load_or_train_generative(kind, asked, recipe=stated, vae=tiny)
    assert classifier.sizes.inputs == (3 if kind == "latents" else 784)
    assert predictions(classifier, tiny, IMAGES.images[FEW]).shape == (100,)
    other, _ = load_or_train_generative("vae", asked, recipe=recipe("vae", 2), early=True)
    with pytest.raises(CheckpointError, match="another variational autoencoder"):
        predictions(classifier, other, IMAGES.images[FEW])


def test_an_interrupted_training_goes_on_from_the_cache(
    tmp_path: Path, tiny: GenerativeCheckpoint
) -> None:
    request = Request(dataset="digits", seed=3, cache=tmp_path)
    titles: list[str] = []

    def run(at: int) -> GenerativeCheckpoint:
        def display(title: str):  # type: ignore[no-untyped-def]
            titles.append(title)
            return nullcontext(interrupting(at))

        return load_or_train_generative("vae", request, display, recipe=recipe("vae", 2))[0]

    with pytest.raises(Interruption):
        run(45)
    assert not list(tmp_path.glob("*.safetensors"))
    assert run(0).digest == tiny.digest
    assert [title.split()[0] for title in titles] == ["training", "going"]


def test_two_who_want_the_same_model_train_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainings: list[int] = []
    original = generative_training.train_generative

    def counted(*arguments: object, **more: object) -> dict[int, State]:
        trainings.append(1)
        return original(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(generative_training, "train_generative", counted)
    request = Request(dataset="digits", cache=tmp_path)
    found: list[str] = []

    def want() -> None:
        wanted = load_or_train_generative("autoencoder", request, recipe=recipe("autoencoder", 2))
        found.append(wanted[0].digest)

    workers = [threading.Thread(target=want) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(trainings) == 1
    assert len(found) == 3
    assert len(set(found)) == 1


def test_a_damaged_cached_file_is_trained_again(tmp_path: Path) -> None:
    request = Request(dataset="digits", cache=tmp_path)
    quick = recipe("vae", 1, None)
    first, _ = load_or_train_generative("vae", request, recipe=quick)
    Path(first.origin).write_bytes(b"cut short")
    with pytest.raises(CheckpointError):
        load_generative(first.origin)
    second, how = load_or_train_generative("vae", request, recipe=quick)
    assert how.endswith("trained now")
    assert first.digest == second.digest


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    request = Request(dataset="digits", cache=tmp_path / "file")
    with pytest.raises(InterpChecksError, match="cannot be written"):
        load_or_train_generative("vae", request, recipe=recipe("vae"))


def test_a_recipe_of_another_model_or_without_early_epoch_is_refused(asked: Request) -> None:
    for early, wrong in ((False, recipe("autoencoder")), (True, recipe("vae", 2, None))):
        with pytest.raises(InterpChecksError, match="recipe"):
            load_or_train_generative("vae", asked, early=early, recipe=wrong)


@pytest.mark.parametrize("numbers", [{"epochs": 0}, {"epochs": 2, "early": 2}])
def test_recipes_have_epochs_and_early_ones_before_the_last(numbers: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="epochs"):
        GenerativeRecipe("vae", **numbers)  # type: ignore[arg-type]


def test_latents_do_not_depend_on_who_else_is_in_the_batch(tiny: GenerativeCheckpoint) -> None:
    together, _ = latents(tiny, IMAGES.images[:20])
    alone, _ = latents(tiny, IMAGES.images[3:4])
    assert np.allclose(together[3:4], alone, atol=1e-5)
