"""Models that draw: autoencoders, and a classifier of what they draw (T2 to T4)."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from interp_checks.claims.predicate import Fact, Phrase, Rule
from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.statistics.intervals import Estimate
from interp_checks.statistics.threshold_check import Check, compare_measured
from interp_checks.thresholds import SAME_DRAWING
from interp_checks.wording import one_of, percent_words, percentage

if TYPE_CHECKING:
    from interp_checks.claims.scene import Scene
    from interp_checks.drawing_models.drawings import Drawings

Relation = Literal["above", "below"]
#: The early ones are those after a few epochs of training, where the last ones are kept too.
Drawer = Literal["autoencoder", "early autoencoder", "VAE", "early VAE"]
Seen = Literal["generated images", "latents"]

#: What each model's drawings are called among :class:`Drawings`.
_DRAWINGS: dict[Drawer, str] = {
    "autoencoder": "answers",
    "early autoencoder": "early_answers",
    "VAE": "reconstructions",
    "early VAE": "early_reconstructions",
}
_RATIO = "interval of a ratio of means over images, with unseen images; not exact"
_MEAN = "interval of a mean over images, with unseen images; not exact"


class _OfDrawings(Fact, abstract=True):
    """About what models that draw make of the images."""

    no_chance = "it names no direction"
    needs_images = True

    def _drawings(self, scene: Scene) -> Drawings:
        drawings = scene.readout.drawings
        if drawings is None:
            raise NotJudgedError(
                f"{self}: this needs images and what models that draw make of them",
                found="only the features that the classifier's output layer reads",
                remedy="point --interp-data-root or INTERP_DATA at the images",
            )
        return drawings


@dataclass(frozen=True)
class AnswersTheSame(_OfDrawings):
    """The autoencoder's output does not depend on its input (Figure 5.1)."""

    phrases = (
        Phrase(
            '"the" [EARLY] "autoencoder" "answers" "the" "same" _whatever',
            lambda early: AnswersTheSame(early=early is not None),
        ),
    )
    rules = (
        Rule(
            "`the autoencoder answers the same …`",
            "outputs vary by ≥ 5 % of what inputs do",
            "< 5 %",
            _RATIO,
        ),
    )
    explained = (
        (
            "`the autoencoder answers the same whatever it is shown`",
            "its outputs vary by less than 5 % of what inputs do; also `the early autoencoder`",
        ),
    )
    examples = (
        "the autoencoder answers the same whatever it is shown",
        "the early autoencoder answers the same whatever it is shown",
    )
    counterexamples = (
        "the autoencoder answers the same",
        "the VAE answers the same whatever it is shown",
    )

    early: bool = False

    def __str__(self) -> str:
        return f"the {_autoencoder(self.early)} answers the same whatever it is shown"

    def checks(self, scene: Scene) -> list[Check]:
        """How much outputs vary, beside how much inputs do."""
        from interp_checks.drawing_models.measures import output_variation

        drawings = self._drawings(scene)
        answers = drawings.early_answers if self.early else drawings.answers
        measured = output_variation(drawings.images, answers, scene.confidence)
        quantity = "variance between outputs, relative to that between inputs,"
        return [compare_measured(quantity, measured, "below", SAME_DRAWING)]


@dataclass(frozen=True)
class AnswersTheMean(_OfDrawings):
    """The autoencoder's output is the mean of the training images (Figure 5.1)."""

    phrases = (
        Phrase(
            '"the" [EARLY] "autoencoder\'s" "output" "is" _the_mean',
            lambda early: AnswersTheMean(early=early is not None),
        ),
    )
    rules = (
        Rule(
            "`… output is the training mean`",
            "outputs are ≥ 5 % as far from it as inputs",
            "< 5 %",
            _RATIO,
        ),
    )
    explained = (
        (
            "`the autoencoder's output is the training mean`",
            "outputs are nearer to it than 5 % of what inputs are",
        ),
    )
    examples = (
        "the autoencoder's output is the training mean",
        "the early autoencoder's output is the training mean",
    )
    counterexamples = (
        "the autoencoder's output is the mean",
        "the VAE's output is the training mean",
    )

    early: bool = False

    def __str__(self) -> str:
        return f"the {_autoencoder(self.early)}'s output is the training mean"

    def checks(self, scene: Scene) -> list[Check]:
        """How far outputs are from the mean, beside how far inputs are."""
        from interp_checks.drawing_models.measures import distance_to_mean

        drawings = self._drawings(scene)
        answers = drawings.early_answers if self.early else drawings.answers
        measured = distance_to_mean(
            drawings.images, answers, drawings.training_mean, scene.confidence
        )
        quantity = "squared distance of outputs to the training mean, relative to that of inputs,"
        return [compare_measured(quantity, measured, "below", SAME_DRAWING)]


@dataclass(frozen=True)
class SquaredError(_OfDrawings):
    """The mean squared difference of pixels between images and what is drawn of them."""

    phrases = (
        Phrase(
            '"the" [EARLY] drawer "squared" "error" "is" relation NUMBER',
            lambda early, drawer, relation, value: SquaredError(
                _drawer(early, drawer), relation.lower(), float(value)
            ),
        ),
    )
    rules = (
        Rule(
            "`… squared error is below (above) …`",
            "on the other side, or at the bound",
            "beyond",
            _MEAN,
        ),
    )
    explained = (
        (
            "`the VAE's squared error is below 0.015`",
            "of a pixel; also `the early VAE's`, `the autoencoder's`, and `above`",
        ),
    )
    examples = (
        "the VAE's squared error is below 0.05",
        "the early autoencoder's squared error is above 0.01",
    )
    counterexamples = (
        "the VAE's squared error is 0.05",
        "the VAE's squared error is below 5 %",
    )

    drawer: Drawer
    relation: Relation
    value: float

    def __post_init__(self) -> None:
        one_of(self.drawer, *get_args(Drawer))
        one_of(self.relation, "above", "below")
        object.__setattr__(self, "value", _amount(self.value))

    def __str__(self) -> str:
        return f"the {self.drawer}'s squared error is {self.relation} {_words(self.value)}"

    def checks(self, scene: Scene) -> list[Check]:
        """The mean over pixels and images."""
        from interp_checks.drawing_models.measures import reconstruction_error

        drawings = self._drawings(scene)
        drawn = getattr(drawings, _DRAWINGS[self.drawer])
        error = reconstruction_error(drawings.images, drawn, scene.confidence).mean_squared
        return [compare_measured("mean squared error of a pixel", error, self.relation, self.value)]


@dataclass(frozen=True)
class Divergence(_OfDrawings):
    """The mean Kullback-Leibler divergence of the VAE's Gaussians from the standard normal."""

    phrases = (
        Phrase(
            '"the" "vae\'s" "kl" "divergence" "is" relation NUMBER "nats"',
            lambda relation, nats: Divergence(relation.lower(), float(nats)),
        ),
    )
    rules = (
        Rule(
            "`… KL divergence is above (below) …`",
            "on the other side, or at the bound",
            "beyond",
            _MEAN,
        ),
    )
    explained = (("`the VAE's KL divergence is above 5 nats`", "mean over images; also `below`"),)
    examples = (
        "the VAE's KL divergence is above 10 nats",
        "the VAE's KL divergence is below 25.5 nats",
    )
    counterexamples = (
        "the VAE's KL divergence is above 10",
        "the autoencoder's KL divergence is above 10 nats",
    )

    relation: Relation
    nats: float

    def __post_init__(self) -> None:
        one_of(self.relation, "above", "below")
        object.__setattr__(self, "nats", _amount(self.nats))

    def __str__(self) -> str:
        return f"the VAE's KL divergence is {self.relation} {_words(self.nats)} nats"

    def checks(self, scene: Scene) -> list[Check]:
        """The mean over images."""
        from interp_checks.drawing_models.measures import kl
        from interp_checks.statistics.means import mean_of

        drawings = self._drawings(scene)
        measured = mean_of(kl(drawings.means, drawings.log_variances), scene.confidence)
        return [compare_measured("mean KL divergence in nats", measured, self.relation, self.nats)]


@dataclass(frozen=True)
class FewerGaps(_OfDrawings):
    """Classes lie closer together in the VAE's latents than in the classifier's features."""

    phrases = (
        Phrase('"the" "vae\'s" "latent" "space" "has" "fewer" "gaps" _than', lambda: FewerGaps()),
    )
    rules = (
        Rule(
            "`the VAE's latent space has fewer gaps …`",
            "the ratio of nearest stranger to nearest relative is as large in the latents",
            "larger in the classifier's features",
            "paired, over blocks of images: Student's interval of the mean log ratio",
        ),
    )
    explained = (
        (
            "`the VAE's latent space has fewer gaps than the classifier's`",
            "nearest strangers are nearer, compared with nearest relatives",
        ),
    )
    examples = (
        "the VAE's latent space has fewer gaps than the classifier's",
        "The VAE's latent space has fewer gaps than the classifier's.",
    )
    counterexamples = (
        "the VAE's latent space has fewer gaps",
        "the VAE's latent space has more gaps than the classifier's",
    )

    def __str__(self) -> str:
        return "the VAE's latent space has fewer gaps than the classifier's"

    def checks(self, scene: Scene) -> list[Check]:
        """The width of gaps in the features, beside that in the latents."""
        from interp_checks.drawing_models.gaps import gaps_in_blocks

        drawings = self._drawings(scene)
        readout = scene.readout
        of_features, of_latents, measured = gaps_in_blocks(
            readout.features, drawings.means, readout.labels, scene.confidence
        )
        quantity = (
            f"width of gaps in the features ({of_features.ratio.value:.2f}), relative to that in "
            f"the latents ({of_latents.ratio.value:.2f}),"
        )
        return [compare_measured(quantity, measured, "above", 1.0)]


@dataclass(frozen=True)
class Reaches(_OfDrawings):
    """A classifier of what the VAE draws, or of its latents, is at least so accurate (T4)."""

    phrases = (
        Phrase(
            '"the" "classifier" "on" seen "reaches" _percent',
            lambda seen, percent: Reaches(seen, float(percent)),
        ),
    )
    rules = (Rule("`the classifier on … reaches p %`", "accuracy ≤ p", "> p", "Clopper-Pearson"),)
    explained = (
        (
            "`the classifier on generated images reaches 92.9 %`",
            "its accuracy is above; also `on latents`",
        ),
    )
    examples = (
        "the classifier on generated images reaches 92.9 %",
        "the classifier on latents reaches 95 %",
    )
    counterexamples = (
        "the classifier reaches 95 %",
        "the classifier on images reaches 95 %",
    )

    seen: Seen
    percent: float

    def __post_init__(self) -> None:
        one_of(self.seen, *get_args(Seen))
        object.__setattr__(self, "percent", percentage(self.percent))

    def __str__(self) -> str:
        return f"the classifier on {self.seen} reaches {percent_words(self.percent)}"

    def checks(self, scene: Scene) -> list[Check]:
        """The accuracy of that classifier."""
        drawings = self._drawings(scene)
        on_images = self.seen == "generated images"
        right = drawings.right_on_generated if on_images else drawings.right_on_latents
        accuracy = Estimate(int(right.sum()), len(right), scene.confidence)
        return [Check.compare(f"accuracy on {self.seen}", accuracy, "above", self.percent / 100)]


def _autoencoder(early: bool) -> str:
    return "early autoencoder" if early else "autoencoder"


def _drawer(early: Any, drawer: str) -> Drawer:
    which = f"early {drawer}" if early else drawer
    return next(drawer for drawer in get_args(Drawer) if drawer == which)


def _amount(value: float) -> float:
    """A number that is not negative, as claims keep it: rounded to 10 decimals."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not 0 <= value < math.inf:
        raise InterpChecksError(
            f"{value!r} cannot be compared with", expected="a finite number from 0"
        )
    return round(float(value), 10) + 0.0


def _words(value: float) -> str:
    return percent_words(value, "")
