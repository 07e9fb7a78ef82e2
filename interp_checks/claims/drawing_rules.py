"""How each fact about models that draw is measured, and when it holds."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from interp_checks.arrays import Array
from interp_checks.drawing_models.drawings import Drawings
from interp_checks.drawing_models.gaps import blocks_for, compare_gaps, gaps
from interp_checks.drawing_models.measures import (
    distance_to_mean,
    kl,
    output_variation,
    reconstruction_error,
)
from interp_checks.errors import NotJudgedError
from interp_checks.judging.verdict import Check, Outcome
from interp_checks.statistics.estimate import Estimate
from interp_checks.statistics.means import Measured, mean_of
from interp_checks.statistics.sample_size import MOST, Needs
from interp_checks.thresholds import SAME_DRAWING
from interp_checks.wording import percent_words

from . import drawing_facts as facts
from .rules import Scene

#: What each model's drawings are called among :class:`Drawings`.
_DRAWN: dict[facts.Drawer, str] = {
    "autoencoder": "answers",
    "early autoencoder": "early_answers",
    "VAE": "reconstructions",
    "early VAE": "early_reconstructions",
}


def _answers_the_same(fact: facts.AnswersTheSame, drawings: Drawings, scene: Scene) -> Check:
    answers = drawings.early_answers if fact.early else drawings.answers
    measured = output_variation(drawings.images, answers, scene.confidence)
    quantity = "variance between outputs, relative to that between inputs,"
    return compare_measured(quantity, measured, "below", SAME_DRAWING)


def _answers_the_mean(fact: facts.AnswersTheMean, drawings: Drawings, scene: Scene) -> Check:
    answers = drawings.early_answers if fact.early else drawings.answers
    measured = distance_to_mean(drawings.images, answers, drawings.training_mean, scene.confidence)
    quantity = "squared distance of outputs to the training mean, relative to that of inputs,"
    return compare_measured(quantity, measured, "below", SAME_DRAWING)


def _squared_error(fact: facts.SquaredError, drawings: Drawings, scene: Scene) -> Check:
    drawn: Array = getattr(drawings, _DRAWN[fact.drawer])
    error = reconstruction_error(drawings.images, drawn, scene.confidence).mean_squared
    return compare_measured("mean squared error of a pixel", error, fact.relation, fact.value)


def _divergence(fact: facts.Divergence, drawings: Drawings, scene: Scene) -> Check:
    measured = mean_of(kl(drawings.means, drawings.log_variances), scene.confidence)
    quantity = "mean KL divergence in nats"
    return compare_measured(quantity, measured, fact.relation, fact.nats)


def _fewer_gaps(_: facts.FewerGaps, drawings: Drawings, scene: Scene) -> Check:
    labels, confidence = scene.readout.labels, scene.confidence
    blocks = blocks_for(labels)
    of_features = gaps(scene.readout.features, labels, confidence, blocks=blocks)
    of_latents = gaps(drawings.means, labels, confidence, blocks=blocks)
    measured = compare_gaps(of_features, of_latents)
    quantity = (
        f"width of gaps in the features ({of_features.ratio.value:.2f}), relative to that in "
        f"the latents ({of_latents.ratio.value:.2f}),"
    )
    return compare_measured(quantity, measured, "above", 1.0)


def _reaches(fact: facts.Reaches, drawings: Drawings, scene: Scene) -> Check:
    on_images = fact.seen == "generated images"
    right = drawings.right_on_generated if on_images else drawings.right_on_latents
    accuracy = Estimate(int(np.sum(right)), len(right), scene.confidence)
    return Check.compare(f"accuracy on {fact.seen}", accuracy, "above", fact.percent / 100)


_RULES: dict[type, Callable[[Any, Drawings, Scene], Check]] = {
    facts.AnswersTheSame: _answers_the_same,
    facts.AnswersTheMean: _answers_the_mean,
    facts.SquaredError: _squared_error,
    facts.Divergence: _divergence,
    facts.FewerGaps: _fewer_gaps,
    facts.Reaches: _reaches,
}


def checks_of_drawing_fact(fact: facts.DrawingFact, scene: Scene) -> tuple[Check, ...]:
    """Measure a fact about models that draw.

    Raises:
        NotJudgedError: there are no such models at hand.
    """
    drawings = scene.readout.drawings
    if drawings is None:
        raise NotJudgedError(
            f"{fact}: this needs images and what models that draw make of them",
            found="only the features that the classifier's output layer reads",
            remedy="point --interp-data-root or INTERP_DATA at the images",
        )
    return (_RULES[type(fact)](fact, drawings, scene),)


def compare_measured(quantity: str, measured: Measured, relation: str, threshold: float) -> Check:
    """Compare a measured number's interval with a threshold; undecided while on both sides."""
    if relation == "below":
        holds, fails = measured.upper < threshold, measured.lower >= threshold
        leans = measured.value < threshold
    else:
        holds, fails = measured.lower > threshold, measured.upper <= threshold
        leans = measured.value > threshold
    return Check(
        Outcome.HOLDS if holds else Outcome.FAILS if fails else Outcome.UNDECIDED,
        quantity,
        f"{relation} {percent_words(threshold, '')}",
        measured.beside(threshold),
        measured.value,
        measured.lower,
        measured.upper,
        measured.total,
        more=None if measured.too_few else partial(_more, measured, threshold),
        leans=leans,
        confidence=measured.confidence,
    )


def _more(measured: Measured, threshold: float) -> Needs:
    """How many more images make the interval narrow enough: its width falls with their root."""
    away = abs(measured.value - threshold)
    reach = measured.reach(threshold)
    if away == 0 or not math.isfinite(reach):
        return {"images": None}
    needed = math.ceil(measured.total * ((reach / away) ** 2 - 1)) + 1
    return {"images": needed if needed <= MOST else None}
