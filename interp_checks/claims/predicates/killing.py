"""Which classes die: their recall falls to next to nothing; and which stay alive."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from interp_checks.claims.predicate import Effect, OfClasses, Phrase, Rule, verb
from interp_checks.statistics.threshold_check import Check, Outcome, either_of
from interp_checks.thresholds import ALIVE, DEAD
from interp_checks.wording import Classes, class_names, class_words, number_words, whole_number

if TYPE_CHECKING:
    from interp_checks.claims.sample import Cases, Demands
    from interp_checks.claims.scene import Scene


@dataclass(frozen=True)
class Kills(OfClasses, Effect):
    """The recall of these classes falls to next to nothing; ``only``: of no other class."""

    phrases = (
        Phrase('"kills" classes', lambda classes: Kills(classes)),
        Phrase('"kills" "only" classes', lambda classes: Kills(classes, only=True)),
    )
    rules = (
        Rule(
            "`kills class c`",
            "recall ≥ 5 %, or intact recall ≤ 50 %",
            "recall < 5 % and intact recall > 50 %",
            "two Clopper-Pearson intervals",
        ),
        Rule(
            "`kills only class c`",
            "the above, or another class has recall ≤ 5 % and intact recall ≥ 50 %",
            "the above, and each other class has recall > 5 % or intact recall < 50 %",
            "the same for every class",
        ),
    )
    explained = (
        ("`kills class 8`", "recall under 5 %, and above 50 % before"),
        ("`kills only class 8`", "and no other class is killed"),
    )
    examples = (
        "dropping direction 5 kills class 8",
        'keeping the first 2 directions kills only classes 1 and "cat"',
    )
    counterexamples = ("dropping direction 5 kills 8", "dropping direction 5 kills only")

    classes: Classes
    only: bool = False

    def __str__(self) -> str:
        return f"kills {'only ' if self.only else ''}{class_words(self.classes)}"

    @classmethod
    @verb
    def kills(cls, *classes: object) -> Kills:
        """The recall of these classes falls under 5 %."""
        return cls(cast("Classes", classes))

    @classmethod
    @verb
    def kills_only(cls, *classes: object) -> Kills:
        """These classes are killed and no other is."""
        return cls(cast("Classes", classes), only=True)

    @property
    def killed_classes(self) -> tuple[str, ...]:
        """Those that die."""
        return self.classes

    def killing(self, name: str, /) -> Kills:
        """The same of another class."""
        return replace(self, classes=(name,))

    def checks(self, scene: Scene) -> list[Check]:
        """Each class is dead, and lived before; ``only``: no other class is so."""
        checks = []
        for name in self.classes:
            checks += [scene.recall(name, "below", DEAD), scene.alive_before(name)]
        if self.only:
            checks += [_not_killed(name, scene) for name in scene.others(self.classes)]
        return checks

    def ask(self, demands: Demands, cases: Cases) -> None:
        """The same, without intervals."""
        demands.of_each(self.classes, cases.killed)
        if self.only:
            demands.of_others(self.classes, ~cases.killed)


def _not_killed(name: str, scene: Scene) -> Check:
    """A class is not killed if it is not dead, or was not alive."""
    return either_of(
        scene.recall(name, "above", DEAD),
        scene.alive_before(name, relation="below"),
        lambda level: _not_killed(name, scene.at(level)),
    )


@dataclass(frozen=True)
class KillsCount(Effect):
    """So many classes are killed, whichever they are."""

    phrases = (
        Phrase('"kills" "exactly" count_of_classes', lambda count: KillsCount(count)),
        Phrase('"kills" "no" "class"', lambda: KillsCount(0)),
    )
    rules = (
        Rule(
            "`kills exactly n classes`",
            "another number of classes is killed",
            "every class is decided and n are killed",
            "Clopper-Pearson at 1 − α/K (Bonferroni over K classes)",
        ),
    )
    explained = (("`kills exactly one class`, `kills no class`", "so many, whichever they are"),)
    examples = (
        "dropping direction 5 kills exactly one class",
        "dropping direction 9 kills no class",
    )
    counterexamples = (
        "dropping direction 5 kills exactly classes",
        "dropping direction 5 kills none",
    )
    finds_classes = True

    count: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", whole_number(self.count, smallest=0))

    def __str__(self) -> str:
        if self.count == 0:
            return "kills no class"
        return f"kills exactly {number_words(self.count, 'class', 'classes')}"

    @classmethod
    @verb
    def kills_exactly(cls, count: int) -> KillsCount:
        """So many classes are killed, whichever they are."""
        return cls(count)

    @classmethod
    @verb
    def kills_none(cls) -> KillsCount:
        """No class is killed."""
        return cls(0)

    def checks(self, scene: Scene) -> list[Check]:
        """Every class is decided, and so many are killed; these are no "other" classes."""
        from interp_checks.claims.scene import number_of

        killed = scene.killed()
        named = {name for name in killed if killed[name].outcome != Outcome.FAILS}
        scene.named |= named
        scene.unsettled += max(0, len(named) - self.count)

        def at(level: float) -> Check:
            return number_of("killed classes", self.count, scene.at(level).killed(), at)

        return [number_of("killed classes", self.count, killed, at)]

    def ask(self, demands: Demands, cases: Cases) -> None:
        """So many classes are killed; these are no "other" classes."""
        demands.always &= cases.killed.sum(axis=1) == self.count
        demands.killed = cases.killed


@dataclass(frozen=True)
class LeavesAlive(OfClasses, Effect):
    """These classes keep most of their recall; ``only``: and no other; no classes: every one."""

    phrases = (
        Phrase('"leaves" classes "alive"', lambda classes: LeavesAlive(classes)),
        Phrase('"leaves" "only" classes "alive"', lambda classes: LeavesAlive(classes, only=True)),
        Phrase('"leaves" "every" "class" "alive"', lambda: LeavesAlive()),
    )
    rules = (Rule("`leaves class c alive`", "recall ≤ 50 %", "recall > 50 %", "Clopper-Pearson"),)
    explained = (
        (
            "`leaves class 6 alive`, `leaves only classes 6 and 7 alive`",
            "recall above 50 % (all others below)",
        ),
        ("`leaves every class alive`", "recall of every class above 50 %"),
    )
    examples = (
        "keeping only direction 5 leaves class 8 alive",
        "dropping direction 10 leaves every class alive",
    )
    counterexamples = ("dropping direction 5 leaves class 8", "dropping direction 5 leaves alive")

    classes: Classes = ()
    only: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", class_names(self.classes, empty=not self.only))

    def __str__(self) -> str:
        if not self.classes:
            return "leaves every class alive"
        return f"leaves {'only ' if self.only else ''}{class_words(self.classes)} alive"

    @classmethod
    @verb
    def leaves_alive(cls, *classes: object) -> LeavesAlive:
        """The recall of these classes (none given: of every class) stays above 50 %."""
        return cls(cast("Classes", classes))

    @classmethod
    @verb
    def leaves_only_alive(cls, *classes: object) -> LeavesAlive:
        """These classes stay above 50 % recall and all others fall below."""
        return cls(cast("Classes", classes), only=True)

    def checks(self, scene: Scene) -> list[Check]:
        """Each class is above the threshold; ``only``: each other is below."""
        checks = [scene.recall(name, "above", ALIVE) for name in self.classes or scene.classes]
        if self.only:
            checks += [scene.recall(name, "below", ALIVE) for name in scene.others(self.classes)]
        return checks

    def ask(self, demands: Demands, cases: Cases) -> None:
        """The same, without intervals."""
        demands.of_each(self.classes, cases.alive)
        if self.only:
            demands.of_others(self.classes, ~cases.alive)
