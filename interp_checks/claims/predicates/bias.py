"""What the bias does: which classes it favours, and which it holds back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from interp_checks.claims.predicate import Fact, OfClasses, Phrase, Rule
from interp_checks.statistics.threshold_check import Check
from interp_checks.wording import Classes, class_words, one_of

if TYPE_CHECKING:
    from interp_checks.claims.scene import Scene


@dataclass(frozen=True)
class Bias(OfClasses, Fact):
    """The bias of these classes is above (below) the mean bias; ``most``: they are the extreme."""

    phrases = (
        Phrase(
            '"the" "bias" "favours" classes [MOST]',
            lambda classes, most: Bias("favours", classes, most=most is not None),
        ),
        Phrase(
            '"the" "bias" "holds" "back" classes [MOST]',
            lambda classes, most: Bias("holds back", classes, most=most is not None),
        ),
    )
    rules = (
        Rule(
            "`the bias favours (holds back) …`",
            "a statement about the weights, without sampling",
            "as said",
            "–",
        ),
    )
    explained = (
        (
            "`the bias favours class 2`, `the bias holds back classes 0 and 6`",
            "above (below) the mean bias",
        ),
        ("`the bias favours classes 2 and 7 most`", "and above that of every other class"),
    )
    examples = ("the bias favours class 1", "the bias holds back classes 3 and 8 most")
    counterexamples = ("bias favours class 1", "the bias favours most class 1")
    no_chance = "it names no direction"

    verb: Literal["favours", "holds back"]
    classes: Classes
    most: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(self.verb, "favours", "holds back")

    def __str__(self) -> str:
        return f"the bias {self.verb} {class_words(self.classes)}{' most' if self.most else ''}"

    def checks(self, scene: Scene) -> list[Check]:
        """Above or below the mean of the biases: adding a constant to all changes nothing."""
        import numpy as np

        bias = scene.readout.bias
        centred = bias - bias.mean()
        # Equal biases differ from their mean by rounding.
        centred[np.abs(centred) <= 1e-12 * np.abs(bias).max()] = 0.0
        signed = centred if self.verb == "favours" else -centred
        rows = [scene.class_row(name) for name in self.classes]
        checks = []
        for row in rows:
            holds, expected = bool(signed[row] > 0), "positive" if signed is centred else "negative"
            if self.most:
                rest = np.delete(signed, rows)
                holds = holds and bool(signed[row] > rest.max(initial=-np.inf))
                expected += ", more than of every class not named"
            checks.append(
                Check.exact(
                    f"bias of {class_words((scene.classes[row],))} relative to the mean",
                    expected,
                    f"{centred[row]:+.2f}",
                    holds,
                )
            )
        return checks
