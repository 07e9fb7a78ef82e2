"""Where hidden states go under an ablation: against scikit-learn, numpy, and swapped weights."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from claim_strategies import steady
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from swapped_weights import swapped

from interp_checks import (
    Ablation,
    GateWeights,
    NotJudgedError,
    Readout,
    dropping,
    keeping_every_direction,
    keeping_first,
    keeping_no_direction,
    keeping_only,
)
from interp_checks.ablations.directions import Directions
from interp_checks.counting.sweep import predict
from interp_checks.errors import DataError
from interp_checks.networks.hidden_state import AffineMap, ablated_features, class_movement
from interp_fixtures.classifiers.checkpoints import Checkpoint, load_checkpoint
from interp_fixtures.drawing_models.checkpoints import load_or_train_generative
from interp_fixtures.drawing_models.files import GenerativeCheckpoint
from interp_fixtures.drawing_models.reading import decoded, latents
from interp_fixtures.images.datasets import ImageSet, load_images
from interp_fixtures.reference_files import checkpoint_file
from interp_fixtures.request import Request
from interp_fixtures.thesis_figures.hidden_state import (
    ClassifierPictures,
    EncoderPictures,
    movements,
)

rng = np.random.default_rng(5)


# --- the affine map -----------------------------------------------------------------------------


@pytest.mark.parametrize(("images", "inputs", "outputs"), [(50, 4, 3), (50, 1, 1), (7, 6, 9)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_map_is_that_of_linear_regression(
    images: int, inputs: int, outputs: int, dtype: Any
) -> None:
    first = (rng.normal(size=(images, inputs)) + 100).astype(dtype)
    second = np.sin(first @ rng.normal(size=(inputs, outputs))).astype(dtype)
    seen = AffineMap.fit(first, second)
    other = LinearRegression().fit(first.astype(float), second.astype(float))
    np.testing.assert_allclose(seen.matrix, other.coef_.T, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(seen.offset, other.intercept_, rtol=1e-6, atol=1e-6)
    unseen = rng.normal(size=(30, inputs)) + 100
    np.testing.assert_allclose(seen(unseen), other.predict(unseen), atol=1e-7)
    assert seen(unseen).dtype == np.float64
    scored = r2_score(second, other.predict(first), multioutput="variance_weighted")
    assert seen.r_squared(first, second) == pytest.approx(scored, abs=1e-9)
    truth = rng.normal(size=(30, outputs))
    scored = r2_score(truth, other.predict(unseen), multioutput="variance_weighted")
    assert seen.r_squared(unseen, truth) == pytest.approx(scored, rel=1e-6)
    assert scored < 0


def test_the_share_that_is_explained_is_of_all_components_together() -> None:
    """A component that varies little counts little, whether it is explained or not."""
    inputs = rng.normal(size=(500, 1))
    wide, narrow = 10 * inputs, rng.normal(size=(500, 1))
    outputs = np.hstack([wide, narrow])
    found = AffineMap.fit(inputs, outputs).r_squared(inputs, outputs)
    assert found == pytest.approx(100 / 101, abs=0.01)
    uniform = r2_score(outputs, AffineMap.fit(inputs, outputs)(inputs))
    assert uniform == pytest.approx(0.5, abs=0.02)


def test_an_affine_map_is_learned_exactly() -> None:
    true = AffineMap(rng.normal(size=(3, 2)), rng.normal(size=2))
    inputs = rng.normal(size=(20, 3))
    learned = AffineMap.fit(inputs, true(inputs))
    np.testing.assert_allclose(learned.matrix, true.matrix)
    np.testing.assert_allclose(learned.offset, true.offset)
    assert learned.r_squared(inputs, true(inputs)) == pytest.approx(1)


def test_of_inputs_that_say_the_same_twice_the_smallest_map_is_taken() -> None:
    one = rng.normal(size=(40, 2))
    twice, outputs = np.hstack([one, one]), one @ rng.normal(size=(2, 2))
    learned = AffineMap.fit(twice, outputs)
    np.testing.assert_allclose(learned.matrix[:2], learned.matrix[2:])
    np.testing.assert_allclose(learned(twice), outputs, atol=1e-12)


POINTS = np.arange(12.0).reshape(6, 2) ** 2
UNFIT = [
    (POINTS, POINTS[:5]),
    (POINTS[:, 0], POINTS),
    (POINTS, POINTS[:, 0]),
    (POINTS[:1], POINTS[:1]),
    (POINTS[:0], POINTS[:0]),
    (POINTS[None], POINTS),
]


@pytest.mark.parametrize("pair", UNFIT)
def test_points_that_do_not_belong_together_are_refused(pair: tuple[Any, Any]) -> None:
    learned = AffineMap.fit(POINTS, POINTS)
    labels = np.zeros(len(pair[0]), int)
    for ask in (
        lambda: AffineMap.fit(*pair),
        lambda: learned.r_squared(*pair),
        lambda: class_movement(*pair, labels, 2),
    ):
        with pytest.raises(DataError, match="points of two spaces do not belong together") as told:
            ask()
        assert told.value.found == f"{list(pair[0].shape)} and {list(pair[1].shape)}"


def test_outputs_without_variance_explain_nothing() -> None:
    learned = AffineMap.fit(POINTS, np.ones((6, 3)))
    np.testing.assert_allclose(learned(POINTS), 1, atol=1e-9)
    with pytest.raises(DataError, match="all outputs are the same point"):
        learned.r_squared(POINTS, np.ones((6, 3)))


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_points_that_are_nowhere_are_refused(place: int, value: float) -> None:
    pair = [POINTS.copy(), POINTS.copy()]
    pair[place][2, 1] = value
    labels = np.zeros(6, int)
    for ask in (lambda: AffineMap.fit(*pair), lambda: class_movement(*pair, labels, 1)):
        with pytest.raises(DataError, match="points have values that are not finite") as told:
            ask()
        assert told.value.found == "1 are NaN or infinite"


@pytest.mark.parametrize("rows", [POINTS[:, :1], POINTS[0]])
def test_inputs_of_another_width_are_refused(rows: Any) -> None:
    with pytest.raises(DataError, match="an affine map got inputs of another width"):
        AffineMap.fit(POINTS, POINTS)(rows)


# --- features without directions ----------------------------------------------------------------


@st.composite
def heads(draw: st.DrawFn) -> tuple[Readout, tuple[int, ...]]:
    classes, width = draw(st.integers(2, 5)), draw(st.integers(2, 6))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    features = generator.normal(size=(30, width)) * 2
    weight = generator.normal(size=(classes, width))
    labels = generator.integers(0, classes, 30)
    readout = Readout(features, labels, weight, generator.normal(size=classes))
    numbers = st.integers(1, min(classes, width))
    return readout, tuple(sorted(draw(st.sets(numbers))))


@steady
@given(heads())
def test_the_head_makes_of_ablated_features_what_the_ablated_head_makes(
    drawn: tuple[Readout, tuple[int, ...]],
) -> None:
    readout, kept = drawn
    left, values, right = np.linalg.svd(readout.weight, full_matrices=False)
    assume(np.diff(values).max() < -1e-3)
    stay = [number - 1 for number in kept]
    weight = (left[:, stay] * values[stay]) @ right[stay]
    there = ablated_features(readout.features, readout.directions, kept)
    logits = there @ readout.weight.T
    np.testing.assert_allclose(logits, readout.features @ weight.T, atol=1e-9)
    ablation = keeping_only(*kept) if kept else keeping_no_direction()
    ahead = np.sort(logits + readout.bias, axis=1)
    assume((ahead[:, -1] - ahead[:, -2]).min() > 1e-9)
    np.testing.assert_array_equal(
        (logits + readout.bias).argmax(axis=1), predict(readout, ablation)
    )
    # What the head does not read stays.
    basis = np.linalg.svd(readout.weight)[2][len(values) :]
    np.testing.assert_allclose(there @ basis.T, readout.features @ basis.T, atol=1e-9)
    # And doing it twice is doing it once.
    np.testing.assert_allclose(ablated_features(there, readout.directions, kept), there, atol=1e-9)


def test_features_are_left_as_they_are() -> None:
    features = rng.normal(size=(5, 4)).astype(np.float32)
    before = features.copy()
    directions = Directions.of(rng.normal(size=(3, 4)))
    np.testing.assert_array_equal(ablated_features(features, directions, (1, 2, 3)), features)
    assert np.abs(ablated_features(features, directions, ()) - features).max() > 0.01
    np.testing.assert_array_equal(features, before)


# --- how far classes move -----------------------------------------------------------------------


def test_movements_by_hand() -> None:
    intact = np.array([[0.0, 0], [0, 2], [4, 1], [4, 1], [9, 9]])
    labels = np.array([0, 0, 1, 1, 3])
    # Means (0, 1), (4, 1) and (9, 9); their centre is (13/3, 11/3).
    far = [(13 / 3) ** 2 + (8 / 3) ** 2, (1 / 3) ** 2 + (8 / 3) ** 2, (14 / 3) ** 2 + (16 / 3) ** 2]
    scale = np.sqrt(sum(far) / 3)
    ablated = intact + np.array([[3.0, 0], [3, 8], [0, 0], [0, -2], [0, 0]])
    moved = class_movement(intact, ablated, labels, 5)
    # Classes 2 and 4 have no images.
    np.testing.assert_allclose(moved, np.array([5, 1, np.nan, 0, np.nan]) / scale)
    np.testing.assert_allclose(class_movement(7 * intact, 7 * ablated, labels, 5), moved)
    np.testing.assert_allclose(class_movement(intact + 99, ablated + 99, labels, 5), moved)


@pytest.mark.parametrize(
    "labels", [[0] * 5, [0] * 7, [0, 1, 2, 0, 1, 2], [0, -1, 0, 0, 0, 0], [0.0] * 6, [[0] * 6]]
)
def test_labels_that_do_not_fit_are_refused(labels: Any) -> None:
    with pytest.raises(DataError, match="labels do not fit the points") as told:
        class_movement(POINTS, POINTS, np.array(labels), 2)
    assert told.value.expected == "[6], whole numbers from 0 to 1"


def test_a_class_does_not_move_into_another_space() -> None:
    with pytest.raises(DataError, match="of different widths"):
        class_movement(POINTS, POINTS[:, :1], np.zeros(6, int), 1)


def test_classes_that_are_nowhere_apart_have_no_scale() -> None:
    for labels in ([0, 0, 0, 0], [0, 1, 0, 1]):
        with pytest.raises(DataError, match="all classes have the same mean"):
            class_movement(np.ones((4, 2)), np.zeros((4, 2)), np.array(labels), 2)


# --- pictures of the shipped models of digits ---------------------------------------------------


@cache
def images() -> ImageSet:
    return load_images("digits", "test")


@cache
def vae() -> GenerativeCheckpoint:
    return load_or_train_generative("vae", Request(dataset="digits"))[0]


@cache
def classifier() -> Checkpoint:
    return load_checkpoint(checkpoint_file("digits"))


@cache
def encoder() -> EncoderPictures:
    return EncoderPictures(vae(), images().images, images().labels)


@cache
def pictures() -> ClassifierPictures:
    training = load_images("digits", "train")
    directions = Directions.of(classifier().tensors["head.weight"])
    return ClassifierPictures(
        classifier(), vae(), training.images, images().images, images().labels, directions
    )


def test_an_encoder_with_every_direction_is_intact() -> None:
    found = encoder()
    np.testing.assert_array_equal(found.intact, latents(vae(), images().images)[0])
    assert found.targets
    for target in found.targets[::3]:
        whole = found.latents(keeping_every_direction().of(target))
        np.testing.assert_allclose(whole, found.intact, atol=1e-4)


ABLATIONS = [
    (dropping(1), lambda count: tuple(range(2, count + 1))),
    (keeping_first(3), lambda _: (1, 2, 3)),
    (keeping_no_direction(), lambda _: ()),
]


@pytest.mark.parametrize(("ablation", "stays"), ABLATIONS, ids=("dropping", "first", "none"))
def test_an_ablated_encoder_is_one_with_swapped_weights(ablation: Ablation, stays: Any) -> None:
    found = encoder()
    for target in (found.targets[0], found.targets[5]):
        count = len(found.reference.directions(target))
        before = found.intact.copy()
        there = found.latents(ablation.of(target))
        with torch.no_grad():
            gaussians = swapped(vae().vae(), target, stays(count)).encode(  # type: ignore[operator]
                torch.from_numpy(images().images)
            )
        np.testing.assert_allclose(there, gaussians.mean.numpy(), atol=1e-4)
        assert np.abs(there - found.intact).max() > 1e-3
        np.testing.assert_array_equal(found.intact, before)


@pytest.mark.parametrize(("ablation", "stays"), ABLATIONS, ids=("dropping", "first", "none"))
def test_an_ablated_classifier_is_one_with_swapped_weights(ablation: Ablation, stays: Any) -> None:
    found = pictures()
    for target in (GateWeights(1, "input", "input"), GateWeights(2, "cell", "recurrent")):
        count = len(found.reference.directions(target))
        with torch.no_grad():
            features = swapped(classifier().model(), target, stays(count)).features(  # type: ignore[operator]
                torch.from_numpy(images().images)
            )
        expected = features.double().numpy() @ found.map.matrix + found.map.offset
        there = found.latents(ablation.of(target))
        np.testing.assert_allclose(there, expected, atol=1e-3)


def test_the_output_layer_is_ablated_in_the_hidden_state() -> None:
    found = pictures()
    with torch.no_grad():
        features = classifier().model().features(torch.from_numpy(images().images)).numpy()
    np.testing.assert_allclose(found.features, features, atol=1e-6)
    directions = Directions.of(classifier().tensors["head.weight"])
    count = len(directions)
    for ablation, stays in ABLATIONS:
        there = found.map(ablated_features(found.features, directions, stays(count)))
        np.testing.assert_array_equal(found.latents(ablation), there)
    np.testing.assert_allclose(found.latents(keeping_every_direction()), found.intact, atol=1e-9)


def test_the_map_is_learned_on_training_images_and_measured_on_others() -> None:
    found, training = pictures(), load_images("digits", "train").images
    with torch.no_grad():
        seen = classifier().model().features(torch.from_numpy(training)).double().numpy()
    there = latents(vae(), training)[0]
    other = LinearRegression().fit(seen, there)
    np.testing.assert_allclose(found.map.matrix, other.coef_.T, rtol=1e-4, atol=1e-5)
    unseen = latents(vae(), images().images)[0]
    scored = r2_score(unseen, other.predict(found.features), multioutput="variance_weighted")
    assert found.r_squared == pytest.approx(scored, abs=1e-5)
    assert 0 < found.r_squared < 1


@pytest.mark.parametrize("make", [encoder, pictures])
def test_strips_show_the_first_images_of_each_class(make: Any) -> None:
    found = make()
    ablation = dropping(1).of(GateWeights(1, "cell", "input"))
    strip = found.strip(ablation, 3)
    rows, columns = images().images.shape[1:]
    there = found.latents(ablation)
    for shown in (strip.images, strip.intact, strip.ablated):
        assert shown.shape == (10, 3, rows, columns)
    for label in range(10):
        first = np.flatnonzero(images().labels == label)[:3]
        np.testing.assert_array_equal(strip.images[label], images().images[first])
        np.testing.assert_allclose(
            strip.intact[label], decoded(vae(), found.intact[first]), atol=1e-6
        )
        np.testing.assert_allclose(strip.ablated[label], decoded(vae(), there[first]), atol=1e-6)
    moved = class_movement(found.intact, there, images().labels, 10)
    np.testing.assert_array_equal(strip.moved, moved)
    every = keeping_every_direction().of(ablation.target)
    np.testing.assert_allclose(movements(found, (every, ablation))[1], moved)
    np.testing.assert_allclose(movements(found, (every, ablation))[0], 0, atol=1e-3)


def test_an_encoder_has_no_output_layer() -> None:
    with pytest.raises(NotJudgedError, match="an encoder has no output layer"):
        encoder().latents(dropping(1))
    with pytest.raises(NotJudgedError, match="there is no direction 999"):
        encoder().latents(dropping(999).of(encoder().targets[0]))
    with pytest.raises(NotJudgedError, match="there is no direction 11"):
        pictures().latents(dropping(11))


def test_strips_of_classes_with_few_images() -> None:
    few = np.r_[0:30]
    found = EncoderPictures(vae(), images().images[few], images().labels[few])
    counts = np.bincount(found.labels, minlength=10)
    assert 0 < counts.min() < 4
    strip = found.strip(dropping(1).of(GateWeights(1, "cell", "input")), 4)
    assert len(strip.images) == 10
