"""What a claim can say about models that draw (T2 to T4). Frozen values, like says."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Literal, get_args

from interp_checks.errors import InterpChecksError
from interp_checks.wording import one_of, percent_words, percentage

from .says import Relation

#: The early ones are those after a few epochs of training, where the last ones are kept too.
Drawer = Literal["autoencoder", "early autoencoder", "VAE", "early VAE"]
Seen = Literal["generated images", "latents"]


@dataclass(frozen=True)
class AnswersTheSame:
    """The autoencoder's output does not depend on its input (Figure 5.1)."""

    early: bool = False

    def __str__(self) -> str:
        return f"the {_autoencoder(self.early)} answers the same whatever it is shown"


@dataclass(frozen=True)
class AnswersTheMean:
    """The autoencoder's output is the mean of the training images (Figure 5.1)."""

    early: bool = False

    def __str__(self) -> str:
        return f"the {_autoencoder(self.early)}'s output is the training mean"


@dataclass(frozen=True)
class SquaredError:
    """The mean squared difference of pixels between images and what is drawn of them."""

    drawer: Drawer
    relation: Relation
    value: float

    def __post_init__(self) -> None:
        one_of(self.drawer, *get_args(Drawer))
        one_of(self.relation, "above", "below")
        object.__setattr__(self, "value", _amount(self.value))

    def __str__(self) -> str:
        return f"the {self.drawer}'s squared error is {self.relation} {_words(self.value)}"


@dataclass(frozen=True)
class Divergence:
    """The mean Kullback-Leibler divergence of the VAE's Gaussians from the standard normal."""

    relation: Relation
    nats: float

    def __post_init__(self) -> None:
        one_of(self.relation, "above", "below")
        object.__setattr__(self, "nats", _amount(self.nats))

    def __str__(self) -> str:
        return f"the VAE's KL divergence is {self.relation} {_words(self.nats)} nats"


@dataclass(frozen=True)
class FewerGaps:
    """Classes lie closer together in the VAE's latents than in the classifier's features."""

    def __str__(self) -> str:
        return "the VAE's latent space has fewer gaps than the classifier's"


@dataclass(frozen=True)
class Reaches:
    """A classifier of what the VAE draws, or of its latents, is at least so accurate (T4)."""

    seen: Seen
    percent: float

    def __post_init__(self) -> None:
        one_of(self.seen, *get_args(Seen))
        object.__setattr__(self, "percent", percentage(self.percent))

    def __str__(self) -> str:
        return f"the classifier on {self.seen} reaches {percent_words(self.percent)}"


def _autoencoder(early: bool) -> str:
    return "early autoencoder" if early else "autoencoder"


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


#: Anything a claim can say about models that draw.
DrawingFact = AnswersTheSame | AnswersTheMean | SquaredError | Divergence | FewerGaps | Reaches
#: The same, to ask whether something is one.
DRAWING_FACTS = get_args(DrawingFact)
