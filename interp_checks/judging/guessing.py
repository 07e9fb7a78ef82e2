"""Is the intact model better than guessing? Where it is not, no claim about it means much."""

from __future__ import annotations

from interp_checks.counting.confusions import Result
from interp_checks.readouts.readout import Readout
from interp_checks.thresholds import NEAR_CHANCE


def guessing(intact: Result) -> float:
    """The accuracy of whoever always names the class that has the most images."""
    images = intact.intact_counts.sum(axis=1)
    return float(images.max() / images.sum())


def skill(accuracy: float, intact: Result) -> float:
    """How far an accuracy goes from guessing (0) to being always right (1).

    It is 1 where all images belong to one class: guessing cannot be told from knowing.
    """
    guess = guessing(intact)
    return 1.0 if guess == 1 else (accuracy - guess) / (1 - guess)


def is_near_chance(intact: Result) -> bool:
    """Whether the interval of the accuracy reaches down to a tenth of the way from guessing.

    The threshold is :data:`~interp_checks.thresholds.NEAR_CHANCE`: 19 % for ten classes of equal
    size, 55 % for two.
    """
    return skill(intact.accuracy.lower, intact) < NEAR_CHANCE


def near_chance(readout: Readout) -> str:
    """A warning about a readout whose intact accuracy is near chance; "" for any other."""
    intact = readout.intact
    if not is_near_chance(intact):
        return ""
    return (
        f"near chance: intact accuracy is {intact.accuracy}, and always guessing the largest "
        f"class gives {100 * guessing(intact):.1f} %. Before believing any claim, check that "
        "inputs, labels and the order of the classes are those the model was trained with"
    )
