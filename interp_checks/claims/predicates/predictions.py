"""Which classes are predicted at all, and whether two ablations predict the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from interp_checks.ablations.ablation import Ablation
from interp_checks.claims.predicate import Effect, OfClasses, Phrase, Rule, Translation, verb
from interp_checks.errors import NotJudgedError
from interp_checks.statistics.threshold_check import Check
from interp_checks.thresholds import SAME
from interp_checks.wording import Classes, class_words, number_words, whole_number

if TYPE_CHECKING:
    from interp_checks.claims.sample import Cases, Demands
    from interp_checks.claims.scene import Scene


@dataclass(frozen=True)
class PredictsOnly(OfClasses, Effect):
    """These classes, each of them and no other, are still predicted."""

    phrases = (Phrase('"predicts" "only" classes', lambda classes: PredictsOnly(classes)),)
    rules = (
        Rule(
            "`predicts only classes …`",
            "one of them has a share ≤ 1 %, or another class ≥ 1 %",
            "all beyond",
            "Clopper-Pearson, all classes",
        ),
    )
    explained = (
        (
            "`predicts only classes 6 and 7`",
            "these get more than 1 % of all predictions each, no other does",
        ),
    )
    examples = (
        "keeping only direction 1 predicts only classes 6 and 7",
        'keeping no direction predicts only class "cat"',
    )
    counterexamples = (
        "keeping only direction 1 predicts classes 6 and 7",
        "keeping only direction 1 predicts only 6",
    )
    about_predictions = True

    classes: Classes

    def __str__(self) -> str:
        return f"predicts only {class_words(self.classes)}"

    @classmethod
    @verb
    def predicts_only(cls, *classes: object) -> PredictsOnly:
        """Each of these classes, and no other, gets more than 1 % of the predictions."""
        return cls(cast("Classes", classes))

    def checks(self, scene: Scene) -> list[Check]:
        """Each class has a share above the threshold, each other one below."""
        checks = [scene.share(name, "above") for name in self.classes]
        return checks + [scene.share(name, "below") for name in scene.others(self.classes)]

    def ask(self, demands: Demands, cases: Cases) -> None:
        """The same, without intervals."""
        demands.named.append((self.classes, cases.predicted))
        demands.of_others(self.classes, ~cases.predicted)


@dataclass(frozen=True)
class PredictsCount(Effect):
    """So many classes are still predicted, whichever they are."""

    phrases = (Phrase('"predicts" "exactly" count_of_classes', lambda count: PredictsCount(count)),)
    rules = (
        Rule(
            "`predicts exactly n classes`",
            "another number has a share > 1 %",
            "every class is decided and n are above",
            "Clopper-Pearson at 1 − α/K",
        ),
    )
    explained = (("`predicts exactly 2 classes`", "so many get more than 1 % each"),)
    examples = (
        "keeping only direction 1 predicts exactly 2 classes",
        "keeping no direction predicts exactly one class",
    )
    counterexamples = (
        "keeping only direction 1 predicts exactly 0 classes",
        "keeping only direction 1 predicts 2 classes",
    )
    about_predictions = True

    count: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", whole_number(self.count, smallest=1))

    def __str__(self) -> str:
        return f"predicts exactly {number_words(self.count, 'class', 'classes')}"

    @classmethod
    @verb
    def predicts_exactly(cls, count: int) -> PredictsCount:
        """So many classes get more than 1 % of the predictions each."""
        return cls(count)

    def checks(self, scene: Scene) -> list[Check]:
        """Every class is decided, and so many are predicted."""
        from interp_checks.claims.scene import number_of

        def at(level: float) -> Check:
            each = scene.at(level).each()
            shares = {name: scene.share(name, "above", each) for name in scene.classes}
            return number_of("predicted classes", self.count, shares, at)

        return [at(scene.confidence)]

    def ask(self, demands: Demands, cases: Cases) -> None:
        """The same, without intervals."""
        demands.always &= cases.predicted.sum(axis=1) == self.count


@dataclass(frozen=True)
class PredictsTheSame(Effect):
    """Nearly every image gets the same prediction; ``exactly``: every image in the sample."""

    phrases = (
        Phrase(
            '"predicts" "exactly" "the" "same" "as" ablation',
            lambda other: PredictsTheSame(other, exactly=True),
        ),
        Phrase('"predicts" "the" "same" "as" ablation', lambda other: PredictsTheSame(other)),
    )
    rules = (
        Rule(
            "`predicts the same as A`",
            "≥ 5 % of the images are predicted differently",
            "< 5 %",
            "Clopper-Pearson",
        ),
        Rule(
            "`predicts exactly the same as A`",
            "a statement about these images, without sampling",
            "none differs",
            "–",
        ),
    )
    explained = (
        (
            "`predicts the same as keeping the first 4 directions`",
            "fewer than 5 % of the images differ",
        ),
        ("`predicts exactly the same as keeping every direction`", "no image differs"),
    )
    examples = (
        "dropping direction 5 predicts the same as keeping the first 4 directions",
        "dropping direction 10 predicts exactly the same as keeping the first 9 directions",
    )
    counterexamples = (
        "dropping direction 5 predicts the same",
        "dropping direction 5 predicts the same as direction 4",
    )

    other: Ablation
    exactly: bool = False

    def __str__(self) -> str:
        return f"predicts {'exactly ' if self.exactly else ''}the same as {self.other}"

    @classmethod
    @verb
    def predicts_the_same_as(cls, other: Ablation, *, exactly: bool = False) -> PredictsTheSame:
        """Fewer than 5 % of the images (``exactly``: none) get another prediction."""
        return cls(other, exactly)

    @property
    def ablations(self) -> tuple[Ablation, ...]:
        """The one that it is compared with."""
        return (self.other,)

    @property
    def same_as(self) -> tuple[Ablation, ...]:
        """The one that it is compared with."""
        return (self.other,)

    def translated(self, translation: Translation, /) -> PredictsTheSame:
        """See :meth:`Predicate.translated`."""
        return replace(self, other=translation.of_ablation(self.other))

    def checks(self, scene: Scene) -> list[Check]:
        """The share of images that are predicted differently."""
        if scene.ablation is None:
            raise NotJudgedError(f"{self}: nothing is ablated")
        return [scene.differing(self.other, exactly=self.exactly)]

    def ask(self, demands: Demands, cases: Cases) -> None:
        """The same, without intervals."""
        differing = cases.differing(self.other)
        demands.always &= differing == 0 if self.exactly else differing < SAME
