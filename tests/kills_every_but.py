"""A verb from outside the package, in one file: ``kills every class but 3``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interp_checks.claims.predicate import Effect, Phrase, Rule, verb
from interp_checks.statistics.threshold_check import Check
from interp_checks.thresholds import ALIVE, DEAD
from interp_checks.wording import class_names, class_words

if TYPE_CHECKING:
    from interp_checks.claims.sample import Cases, Demands
    from interp_checks.claims.scene import Scene


@dataclass(frozen=True)
class KillsEveryBut(Effect):
    """One class stays alive, and all others die."""

    phrases = (Phrase('"kills" "every" "class" "but" name', lambda name: KillsEveryBut(name)),)
    rules = (
        Rule(
            "`kills every class but c`",
            "c has recall ≤ 50 %, or another class lives or never did",
            "c has recall > 50 %, each other class < 5 % (> 50 % intact)",
            "Clopper-Pearson (intersection-union)",
        ),
    )
    explained = (("`kills every class but 3`", "above 50 % for it, under 5 % for each other"),)
    examples = (
        "keeping only direction 1 kills every class but 3",
        "keeping no direction kills every class but 7",
    )
    counterexamples = (
        "keeping only direction 1 kills every class but",
        "keeping no direction kills all but 7",
    )

    name: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", class_names((self.name,))[0])

    def __str__(self) -> str:
        return f"kills every class but {class_words((self.name,)).removeprefix('class ')}"

    @classmethod
    @verb
    def kills_every_class_but(cls, name: object) -> KillsEveryBut:
        """This class stays alive, and all others die."""
        return cls(str(name))

    @property
    def named_classes(self) -> tuple[str, ...]:
        """The one that lives."""
        return (self.name,)

    def checks(self, scene: Scene) -> list[Check]:
        """It lives, and each other class is dead and was alive."""
        checks = [scene.recall(self.name, "above", ALIVE)]
        for name in scene.others((self.name,)):
            checks += [scene.recall(name, "below", DEAD), scene.alive_before(name)]
        return checks

    def ask(self, demands: Demands, cases: Cases) -> None:
        """The same, without intervals."""
        demands.of_each((self.name,), cases.alive)
        demands.of_others((self.name,), cases.killed)
