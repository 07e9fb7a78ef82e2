"""The verbs of claims, for editors and type checkers; made by docs/make.py."""

from collections.abc import Callable
from typing import Any

from .target import Keeping

class Language:
    load: Callable[[], object]
    verbs: dict[str, Callable[..., Any]]
    claim_of: Callable[[Any, Any], Any] | None
    reader: Callable[[str, type], Any] | None
    def read(self, text: str, kind: type) -> Any: ...

LANGUAGE: Language

class WithVerbs:
    def keeps_accuracy_above(self, percent: float) -> Stated:
        """Accuracy stays above ``percent``."""
    def keeps_accuracy_below(self, percent: float) -> Stated:
        """Accuracy falls below ``percent``."""
    def keeps_recall_above(self, percent: float, *classes: object) -> Stated:
        """The recall of each of these classes stays above ``percent``."""
    def keeps_recall_below(self, percent: float, *classes: object) -> Stated:
        """The recall of each of these classes falls below ``percent``."""
    def kills(self, *classes: object) -> Stated:
        """The recall of these classes falls under 5 %."""
    def kills_only(self, *classes: object) -> Stated:
        """These classes are killed and no other is."""
    def kills_exactly(self, count: int) -> Stated:
        """So many classes are killed, whichever they are."""
    def kills_none(self) -> Stated:
        """No class is killed."""
    def leaves_alive(self, *classes: object) -> Stated:
        """The recall of these classes (none given: of every class) stays above 50 %."""
    def leaves_only_alive(self, *classes: object) -> Stated:
        """These classes stay above 50 % recall and all others fall below."""
    def spares(self, *classes: object) -> Stated:
        """The recall of these classes falls by less than 10 points."""
    def spares_the_rest(self) -> Stated:
        """Every class that the claim has not named before is spared."""
    def spares_every_class(self) -> Stated:
        """Every class is spared."""
    def costs_less_than(self, points: float, *classes: object) -> Stated:
        """Accuracy, or the recall of each of these classes, drops by less than ``points``."""
    def costs_more_than(self, points: float, *classes: object) -> Stated:
        """Accuracy, or the recall of each of these classes, drops by more than ``points``."""
    def sends(self, source: object, *targets: object) -> Stated:
        """More than half of the images of ``source`` are predicted as one of the targets."""
    def mistakes(self, source: object, *targets: object) -> Stated:
        """The targets are the commonest wrong predictions for images of ``source``."""
    def predicts_only(self, *classes: object) -> Stated:
        """Each of these classes, and no other, gets more than 1 % of the predictions."""
    def predicts_exactly(self, count: int) -> Stated:
        """So many classes get more than 1 % of the predictions each."""
    def predicts_the_same_as(self, other: Keeping, *, exactly: bool = False) -> Stated:
        """Fewer than 5 % of the images (``exactly``: none) get another prediction."""
    def revives(self, *classes: object, compared_with: Keeping) -> Stated:
        """These classes are dead under the other ablation and alive under this one."""

class Stated(WithVerbs):
    """A claim."""
