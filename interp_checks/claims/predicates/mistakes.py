"""Where the images of a class go."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, cast

from interp_checks.claims.predicate import Effect, Fact, Phrase, Predicate, Rule, verb
from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.statistics.intervals import Estimate
from interp_checks.statistics.sample_size import Needs, more_images
from interp_checks.statistics.threshold_check import Check
from interp_checks.thresholds import MOSTLY
from interp_checks.wording import Classes, class_names, class_words, listed

if TYPE_CHECKING:
    from interp_checks.arrays import Array
    from interp_checks.claims.sample import Cases, Demands
    from interp_checks.claims.scene import Scene


@dataclass(frozen=True)
class _FromTo(Predicate, abstract=True):
    """A class whose images go to others."""

    source: str
    targets: Classes

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", class_names((self.source,))[0])
        object.__setattr__(self, "targets", class_names(self.targets))
        if self.source in self.targets:
            raise InterpChecksError(
                f"{class_words((self.source,))} stands on both sides",
                expected="other classes than the one that is mistaken or sent",
            )

    @property
    def named_classes(self) -> tuple[str, ...]:
        """The one whose images go elsewhere."""
        return (self.source,)


@dataclass(frozen=True)
class Sends(_FromTo, Effect):
    """Most images of one class are predicted as one of the target classes."""

    phrases = (
        Phrase(
            '"sends" _class "mostly" "to" classes', lambda source, targets: Sends(source, targets)
        ),
    )
    rules = (
        Rule(
            "`sends class c mostly to …`",
            "≤ 50 % of c's images are predicted so",
            "> 50 %",
            "Clopper-Pearson",
        ),
    )
    explained = (
        ("`sends class 8 mostly to class 5`", "more than half of its images are predicted so"),
    )
    examples = (
        "keeping the first 4 directions sends class 8 mostly to class 5",
        "dropping direction 5 sends class 8 mostly to classes 2 and 3",
    )
    counterexamples = (
        "dropping direction 5 sends class 8 to class 5",
        "dropping direction 5 sends class 8 mostly to class 8",
    )

    def __str__(self) -> str:
        return f"sends {class_words((self.source,))} mostly to {class_words(self.targets)}"

    @classmethod
    @verb
    def sends(cls, source: object, *targets: object) -> Sends:
        """More than half of the images of ``source`` are predicted as one of the targets."""
        return cls(cast("str", source), cast("Classes", targets))

    def checks(self, scene: Scene) -> list[Check]:
        """The share of the images that go to the targets."""
        row = scene.row(self.source)
        columns = [scene.classes.index(name) for name in self.targets if name in scene.classes]
        if len(columns) < len(self.targets):
            for name in self.targets:
                scene.row(name)
        sent = scene.result.counts[row]
        share = Estimate(int(sent[columns].sum()), int(sent.sum()), scene.confidence)
        words = class_words((self.source,))
        return [
            Check.compare(
                f"share of {words} predicted as {class_words(self.targets)}",
                share,
                "above",
                MOSTLY,
                of=f"images of {words}",
                values=scene.each_predicted_as(self.targets, self.source),
            )
        ]

    def ask(self, demands: Demands, cases: Cases) -> None:
        """The same, without intervals."""

        def goes(source: int, targets: list[int]) -> Array:
            met: Array = cases.sent(source, targets) > MOSTLY
            return met

        demands.of_images(self.source, self.targets, goes)


@dataclass(frozen=True)
class Mistakes(_FromTo, Effect):
    """The target classes are the commonest wrong predictions for the images of one class."""

    phrases = (
        Phrase(
            '"mistakes" _class "mostly" "for" classes',
            lambda source, targets: Mistakes(source, targets),
        ),
    )
    rules = (
        Rule(
            "`mistakes class c mostly for …`",
            "some other class is at least as common a mistake",
            "each target beats each other class",
            "exact sign test: of the images of c that go to either of two classes, the share of "
            "the target against ½",
        ),
    )
    explained = (
        ("`mistakes class 9 mostly for class 4`", "the commonest wrong prediction for it"),
    )
    examples = (
        "keeping the first 4 directions mistakes class 8 mostly for class 5",
        "dropping direction 5 mistakes class 8 mostly for classes 2 and 3",
    )
    counterexamples = (
        "dropping direction 5 mistakes class 8 for class 5",
        "dropping direction 5 mistakes class 8 mostly for class 8",
    )

    def __str__(self) -> str:
        return f"mistakes {class_words((self.source,))} mostly for {class_words(self.targets)}"

    @classmethod
    @verb
    def mistakes(cls, source: object, *targets: object) -> Mistakes:
        """The targets are the commonest wrong predictions for images of ``source``."""
        return cls(cast("str", source), cast("Classes", targets))

    def checks(self, scene: Scene) -> list[Check]:
        """Each target beats each class that is none."""
        return _commonest_mistakes(scene, self.source, self.targets)

    def ask(self, demands: Demands, cases: Cases) -> None:
        """The same, without intervals."""
        demands.of_images(self.source, self.targets, cases.mostly_mistaken)


@dataclass(frozen=True)
class IsMistakenFor(_FromTo, Fact):
    """The target classes are the commonest wrong predictions for the images of one class."""

    phrases = (
        Phrase(
            '_class "is" "mostly" "mistaken" "for" classes',
            lambda source, targets: IsMistakenFor(source, targets),
        ),
    )
    rules = (
        Rule(
            "`class c is mostly mistaken for …`",
            "some other class is at least as common a mistake",
            "each target beats each other class",
            "the same sign test",
        ),
    )
    explained = (
        ("`class 9 is mostly mistaken for class 4`", "the commonest wrong prediction for it"),
    )
    examples = (
        "class 9 is mostly mistaken for class 4",
        "class 2 is mostly mistaken for classes 3 and 7",
    )
    counterexamples = (
        "class 9 is mistaken for class 4",
        "class 9 is mostly mistaken for class 9",
    )
    no_chance = "it names no direction"

    def __str__(self) -> str:
        source, targets = class_words((self.source,)), class_words(self.targets)
        return f"{source} is mostly mistaken for {targets}"

    def checks(self, scene: Scene) -> list[Check]:
        """Each target beats each class that is none."""
        return _commonest_mistakes(scene, self.source, self.targets)


def _commonest_mistakes(scene: Scene, source: str, targets: Classes) -> list[Check]:
    """Each target must be a commoner wrong prediction than each class that is no target.

    Of the images that go to either of two classes, the share that goes to the target is
    compared with one half: the exact sign test.
    """
    row = scene.result.counts[scene.row(source)]
    images = int(row.sum())
    for name in targets:
        scene.row(name)
    rivals = scene.others((source, *targets))
    if not rivals:
        raise NotJudgedError(
            f"{class_words((source,))} mostly mistaken for {class_words(targets)}: "
            "there is no other class to be mistaken for",
            found=f"classes {listed(scene.classes)}",
        )

    def against(target: str, rival: str, level: float) -> Check:
        count, other = (int(row[scene.classes.index(name)]) for name in (target, rival))
        share = Estimate(count, count + other, level)
        mistaken = f"{class_words((source,))} mistaken for {class_words((target,))}"
        rival_words = class_words((rival,))
        values = scene.each_rather(target, rival, source)
        return replace(
            Check.compare("", share, "above", 0.5, values=values),
            quantity=f"number of images of {mistaken}",
            expected=f"more than for {rival_words}",
            measured=f"{count}, against {other} for {rival_words}",
            more=_more_mistakes(share, source, images),
            again=partial(against, target, rival),
        )

    checks = [against(target, rival, scene.confidence) for target in targets for rival in rivals]
    # The closest rival tells most.
    return sorted(checks, key=lambda check: 0.5 if math.isnan(check.value) else check.value)


def _more_mistakes(share: Estimate, source: str, images: int) -> Callable[[], Needs]:
    """How many more images of a class give enough of two kinds of mistakes to tell them apart."""

    def more() -> Needs:
        if not share.total:
            return {}
        mistakes = more_images(share, 0.5)
        needed = None if mistakes is None else round(mistakes * images / share.total)
        return {f"images of {class_words((source,))}": needed}

    return more
