"""Claims about models that draw: their numbers, computed again by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from drawing_sentences import SENTENCES
from scipy.spatial.distance import cdist
from scipy.stats import binomtest, sem
from scipy.stats import t as student

from interp_checks import NotJudgedError, Outcome, Readout, judge
from interp_checks.errors import InterpChecksError
from interp_checks.statistics.means import Measured

IMAGES, ROWS, COLUMNS, LATENTS = 400, 3, 5, 2
rng = np.random.default_rng(7)
LABELS = np.arange(IMAGES) % 2
SHOWN = rng.random((IMAGES, ROWS, COLUMNS))


@dataclass
class Made:
    """Arrays of numbers, as :class:`interp_checks.drawing_models.drawings.Drawings` has them."""

    images: Any = field(default_factory=lambda: SHOWN)
    training_mean: Any = field(default_factory=lambda: np.full((ROWS, COLUMNS), 0.5))
    answers: Any = None
    early_answers: Any = None
    reconstructions: Any = None
    early_reconstructions: Any = None
    means: Any = None
    log_variances: Any = None
    right_on_generated: Any = None
    right_on_latents: Any = None


def readout(features: Any = None, **drawn: Any) -> Readout:
    points = rng.normal(size=(IMAGES, 4)) if features is None else features
    return Readout(
        points, LABELS[: len(points)], np.eye(2, points.shape[1]), drawings=Made(**drawn)
    )


# --- without drawings ---------------------------------------------------------------------------


@pytest.mark.parametrize("sentence", SENTENCES)
def test_without_drawings_nothing_is_judged(sentence: str) -> None:
    with pytest.raises(NotJudgedError) as caught:
        judge(sentence, replace(readout(), drawings=None))
    assert str(caught.value).split("\n") == [
        f"{sentence}: this needs images and what models that draw make of them",
        "  found: only the features that the classifier's output layer reads",
        "  what to do: point --interp-data-root or INTERP_DATA at the images",
    ]


def test_a_part_of_a_readout_has_no_drawings() -> None:
    with pytest.raises(NotJudgedError, match="needs images"):
        judge("the VAE's KL divergence is above 5 nats", readout().part(np.arange(10)))


# --- numbers by hand ----------------------------------------------------------------------------

#: At 95 %, as many images as could have been missed: 0.025 = exp(-UNSEEN).
UNSEEN = -float(np.log(0.025))


def surely_above(values: np.ndarray) -> float:
    """Student's lower bound for the mean of values and as many of the lowest as were missed."""
    weights = np.append(np.ones(len(values)), UNSEEN)
    every = np.append(values, values.min())
    middle = np.average(every, weights=weights)
    variance = np.average((every - middle) ** 2, weights=weights) / (weights.sum() - 1)
    return float(middle - student.ppf(0.975, len(values) - 1) * np.sqrt(variance))


def mean(values: np.ndarray) -> tuple[float, float, float]:
    """The mean of one number an image, and its interval."""
    return float(values.mean()), surely_above(values), -surely_above(-values)


def ratio(above: np.ndarray, below: np.ndarray) -> tuple[float, float, float]:
    """The ratio of two means; the ends by bisection of what is surely above zero."""
    value = float(above.mean() / below.mean())

    def first(sure: Callable[[float], bool], inside: float, outside: float) -> float:
        if not sure(outside):
            return outside
        for _ in range(100):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if sure(middle) else (middle, outside)
        return outside

    lower = first(lambda end: surely_above(above - end * below) > 0, value, 0.0)
    upper = first(lambda end: surely_above(end * below - above) > 0, value, 100.0)
    return value, lower, upper


def squares(images: np.ndarray, centre: np.ndarray) -> np.ndarray:
    found: np.ndarray = ((images - centre) ** 2).sum(axis=(1, 2))
    return found


def side(interval: tuple[float, float, float], relation: str, threshold: float) -> Outcome:
    _, low, high = interval
    if (low > threshold) if relation == "above" else (high < threshold):
        return Outcome.HOLDS
    if (high <= threshold) if relation == "above" else (low >= threshold):
        return Outcome.FAILS
    return Outcome.UNDECIDED


def agrees(
    sentence: str, made: Readout, by_hand: tuple[float, float, float], relation: str, limit: float
) -> Outcome:
    verdict = judge(sentence, made)
    (check,) = verdict.checks
    assert check.value == pytest.approx(by_hand[0], rel=1e-9)
    assert (check.lower, check.upper) == pytest.approx(by_hand[1:], rel=1e-9, abs=1e-12)
    assert verdict.outcome == side(by_hand, relation, limit)
    assert check.total == IMAGES
    assert verdict.chance is None
    assert not verdict.notes
    assert verdict.message().startswith("claim     the ")
    return verdict.outcome


def tuned(spread: float) -> np.ndarray:
    """Answers that vary by so much of what images do."""
    found: np.ndarray = SHOWN.mean(axis=0) + np.sqrt(spread) * (SHOWN - SHOWN.mean(axis=0))
    return found


@pytest.mark.parametrize("early", [False, True])
def test_the_same_answer(early: bool) -> None:
    name, words = ("early_answers", "early ") if early else ("answers", "")
    met = []
    noise = np.random.default_rng(0).normal(size=SHOWN.shape)
    # Half of the images spread widely, so that the interval is wide.
    heavy = noise * (rng.random(IMAGES) < 0.05)[:, None, None] * 0.29
    for answers in (np.full_like(SHOWN, 0.4), tuned(0.01), tuned(0.2), heavy):
        below = squares(SHOWN, SHOWN.mean(axis=0))
        by_hand = ratio(squares(answers, answers.mean(axis=0)), below)
        sentence = f"the {words}autoencoder answers the same whatever it is shown"
        other = "answers" if early else "early_answers"
        made = readout(**{name: answers, other: rng.random(SHOWN.shape)})
        met.append(agrees(sentence, made, by_hand, "below", 0.05))
    assert met[:3] == [Outcome.HOLDS, Outcome.HOLDS, Outcome.FAILS]
    assert Outcome.UNDECIDED in met


@pytest.mark.parametrize("early", [False, True])
def test_the_training_mean(early: bool) -> None:
    name, words = ("early_answers", "early ") if early else ("answers", "")
    centre = np.random.default_rng(1).random((ROWS, COLUMNS))
    met = []
    # The same image is no mean if it is another one; by itself, "the same" does hold there.
    for answers in (np.broadcast_to(centre, SHOWN.shape), np.full_like(SHOWN, 0.9), tuned(0.01)):
        by_hand = ratio(squares(answers, centre), squares(SHOWN, centre))
        made = readout(**{name: answers}, training_mean=centre)
        sentence = f"the {words}autoencoder's output is the training mean"
        met.append(agrees(sentence, made, by_hand, "below", 0.05))
    assert met[:2] == [Outcome.HOLDS, Outcome.FAILS]


DRAWERS = {
    "autoencoder": "answers",
    "early autoencoder": "early_answers",
    "VAE": "reconstructions",
    "early VAE": "early_reconstructions",
}


@pytest.mark.parametrize("drawer", DRAWERS)
@pytest.mark.parametrize("relation", ["above", "below"])
def test_squared_errors(drawer: str, relation: str) -> None:
    drawings = {name: rng.random(SHOWN.shape) for name in DRAWERS.values()}
    drawn = SHOWN + rng.normal(size=SHOWN.shape) * 0.1
    drawings[DRAWERS[drawer]] = drawn
    by_hand = mean(((drawn - SHOWN) ** 2).mean(axis=(1, 2)))
    made, met = readout(**drawings), set()
    for limit in (round(by_hand[0] * share, 6) for share in (0.5, 1.001, 2)):
        sentence = f"the {drawer}'s squared error is {relation} {limit}"
        met.add(agrees(sentence, made, by_hand, relation, limit))
    assert met == set(Outcome)


@pytest.mark.parametrize("relation", ["above", "below"])
def test_divergences(relation: str) -> None:
    means, logs = rng.normal(size=(IMAGES, LATENTS)) * 2, rng.normal(size=(IMAGES, LATENTS))
    # Of univariate Gaussians: log(1/s) + (s² + m²) / 2 - 1/2, one latent at a time.
    deviations = np.exp(logs / 2)
    each = np.log(1 / deviations) + (deviations**2 + means**2) / 2 - 0.5
    by_hand = mean(each.sum(axis=1))
    made, met = readout(means=means, log_variances=logs), set()
    for limit in (round(by_hand[0] * share, 6) for share in (0.5, 1.001, 2)):
        sentence = f"the VAE's KL divergence is {relation} {limit} nats"
        met.add(agrees(sentence, made, by_hand, relation, limit))
    assert met == set(Outcome)


def log_ratios(points: np.ndarray) -> list[float]:
    """Of the nearest stranger's to the nearest relative's distance, by scipy: means of 20 blocks.

    Images are dealt into blocks one after another, first those of class 0 and then of class 1.
    """
    order = np.concatenate([np.flatnonzero(k == LABELS) for k in (0, 1)])
    found = []
    for block in range(20):
        inside = order[block::20]
        between = cdist(points[inside], points[inside])
        np.fill_diagonal(between, np.inf)
        alike = LABELS[inside, None] == LABELS[inside]
        own = np.where(alike, between, np.inf).min(axis=1)
        other = np.where(alike, np.inf, between).min(axis=1)
        found.append(float(np.log(other / own).mean()))
    return found


@pytest.mark.parametrize("apart", [0.0, 0.3, 3.0, 30.0])
def test_gaps(apart: float) -> None:
    features = rng.normal(size=(IMAGES, 3)) + 3.0 * LABELS[:, None]
    latents = rng.normal(size=(IMAGES, LATENTS)) + apart * LABELS[:, None]
    differences = np.subtract(log_ratios(features), log_ratios(latents))
    middle, margin = differences.mean(), student.ppf(0.975, 19) * sem(differences)
    value, low, high = (float(np.exp(middle + sign * margin)) for sign in (0, -1, 1))
    sentence = "the VAE's latent space has fewer gaps than the classifier's"
    outcome = agrees(sentence, readout(features, means=latents), (value, low, high), "above", 1)
    if apart in (0.0, 30.0):
        assert outcome == (Outcome.FAILS if apart else Outcome.HOLDS)


def test_too_few_images_of_a_class_for_blocks_are_not_judged() -> None:
    few = Readout(np.eye(30), np.arange(30) // 19, np.eye(2, 30), drawings=Made(means=np.eye(30)))
    with pytest.raises(NotJudgedError, match="gaps between classes need more images") as caught:
        judge("the VAE's latent space has fewer gaps than the classifier's", few)
    assert caught.value.found == "11 images of the smallest class"


def test_where_a_few_images_carry_nearly_all_nothing_is_decided() -> None:
    errors = np.zeros((IMAGES, ROWS, COLUMNS))
    errors[:40] = 0.1
    sentence = "the VAE's squared error is below 0.5"
    drawn = {"images": np.zeros_like(errors), "reconstructions": errors}
    verdict = judge(sentence, readout(**drawn))
    assert verdict.outcome == Outcome.UNDECIDED
    assert verdict.measured.endswith("(400 images that count as 40, of at least 50)")
    assert verdict.needed == ""
    errors[:60] = 0.1
    assert judge(sentence, readout(**drawn)).outcome == Outcome.HOLDS


@pytest.mark.parametrize(
    ("seen", "name"),
    [("generated images", "right_on_generated"), ("latents", "right_on_latents")],
)
@pytest.mark.parametrize("right", [0, 340, 372, 399, 400])
def test_accuracies(seen: str, name: str, right: int) -> None:
    hits = np.arange(IMAGES) < right
    other = {"right_on_generated", "right_on_latents"} - {name}
    made = readout(**{name: hits, other.pop(): ~hits})
    found = binomtest(right, IMAGES).proportion_ci(0.95, method="exact")
    for percent in (50, 92.9, 93, 99, 99.5, 100):
        verdict = judge(f"the classifier on {seen} reaches {percent} %", made)
        assert verdict.outcome == side((0, found.low, found.high), "above", percent / 100)
        assert f"({right} of {IMAGES})" in verdict.measured


def test_an_undecided_verdict_says_how_many_images_would_decide() -> None:
    errors = np.random.default_rng(3).normal(size=SHOWN.shape) * 0.1
    drawn = SHOWN + errors
    value, _, high = mean((errors**2).mean(axis=(1, 2)))
    limit = round(value + (high - value) / 2, 6)
    verdict = judge(f"the VAE's squared error is below {limit}", readout(reconstructions=drawn))
    assert verdict.outcome == Outcome.UNDECIDED
    # Its width falls with the root of the number of images.
    needed = IMAGES * ((high - value) / (limit - value)) ** 2 - IMAGES
    told = verdict.message().partition("about ")[2].partition(" more images")[0]
    assert float(told.replace(",", "")) == pytest.approx(needed, rel=0.05)


def test_confidence_widens_the_interval() -> None:
    errors = np.random.default_rng(3).normal(size=SHOWN.shape) * 0.1
    value, _, high = mean((errors**2).mean(axis=(1, 2)))
    made = readout(reconstructions=SHOWN + errors)
    sentence = f"the VAE's squared error is below {round(value + 1.2 * (high - value), 6)}"
    assert judge(sentence, made).outcome == Outcome.HOLDS
    assert judge(sentence, made, confidence=0.999).outcome == Outcome.UNDECIDED


# --- the edges ----------------------------------------------------------------------------------


def test_of_one_image_nothing_is_known() -> None:
    made = readout(np.ones((1, 2)), means=np.full((1, 2), 9.0), log_variances=np.zeros((1, 2)))
    verdict = judge("the VAE's KL divergence is above 5 nats", made)
    assert verdict.outcome == Outcome.UNDECIDED
    assert "claim" in verdict.message()


@pytest.mark.parametrize(
    ("sentence", "drawn", "words"),
    [
        (
            "the VAE's squared error is below 1",
            {"reconstructions": SHOWN[:5]},
            "inputs and outputs do not fit each other",
        ),
        (
            "the autoencoder's output is the training mean",
            {"answers": SHOWN, "training_mean": np.zeros((2, 2))},
            "the training mean is no image of this size",
        ),
        (
            "the VAE's latent space has fewer gaps than the classifier's",
            {"means": np.zeros((3, 2))},
            "points and labels do not fit each other",
        ),
        (
            "the autoencoder answers the same whatever it is shown",
            {"images": np.zeros_like(SHOWN), "answers": SHOWN},
            "all inputs are the same image",
        ),
    ],
)
def test_drawings_that_do_not_fit_are_one_clear_error(
    sentence: str, drawn: dict[str, Any], words: str
) -> None:
    with pytest.raises(InterpChecksError) as caught:
        judge(sentence, readout(**drawn))
    assert caught.value.problem.startswith(words)


def test_a_measured_number_says_itself() -> None:
    assert str(Measured(0.01234567, 0.01, 0.0149, 40)) == "0.01235 [0.01, 0.0149] (40 images)"
