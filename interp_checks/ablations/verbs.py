"""The verbs of the claim language as methods: ``dropping(5).kills(8).spares_the_rest()``."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from interp_checks.claims.claim import Claim, Condition
    from interp_checks.claims.says import Say

    from .ablation import Ablation


class Saying:
    """Mixed into whatever a claim can begin with, and into the claim itself.

    Every method returns a new :class:`~interp_checks.Claim` that says one thing more.
    Class names may be given as numbers or text. Percentages and points are in percent.
    """

    def _say(self, say: Say) -> Claim:
        from interp_checks.claims.claim import Claim

        if isinstance(self, Claim):
            return Claim(self.condition, (*self.says, say))
        return Claim(cast("Condition", self), (say,))

    def kills(self, *classes: object) -> Claim:
        """The recall of these classes falls under 5 %."""
        from interp_checks.claims.says import Kills

        return self._say(Kills(cast("tuple[str, ...]", classes)))

    def kills_only(self, *classes: object) -> Claim:
        """These classes are killed and no other is."""
        from interp_checks.claims.says import Kills

        return self._say(Kills(cast("tuple[str, ...]", classes), only=True))

    def kills_exactly(self, count: int) -> Claim:
        """So many classes are killed, whichever they are."""
        from interp_checks.claims.says import KillsCount

        return self._say(KillsCount(count))

    def kills_none(self) -> Claim:
        """No class is killed."""
        return self.kills_exactly(0)

    def spares(self, *classes: object) -> Claim:
        """The recall of these classes falls by less than 10 points."""
        from interp_checks.claims.says import Spares

        return self._say(Spares(cast("tuple[str, ...]", classes)))

    def spares_the_rest(self) -> Claim:
        """Every class that the claim has not named before is spared."""
        from interp_checks.claims.says import Spares

        return self._say(Spares(scope="every other"))

    def spares_every_class(self) -> Claim:
        """Every class is spared."""
        from interp_checks.claims.says import Spares

        return self._say(Spares(scope="every"))

    def leaves_alive(self, *classes: object) -> Claim:
        """The recall of these classes (none given: of every class) stays above 50 %."""
        from interp_checks.claims.says import LeavesAlive

        return self._say(LeavesAlive(cast("tuple[str, ...]", classes)))

    def leaves_only_alive(self, *classes: object) -> Claim:
        """These classes stay above 50 % recall and all others fall below."""
        from interp_checks.claims.says import LeavesAlive

        return self._say(LeavesAlive(cast("tuple[str, ...]", classes), only=True))

    def keeps_accuracy_above(self, percent: float) -> Claim:
        """Accuracy stays above ``percent``."""
        from interp_checks.claims.says import Keeps

        return self._say(Keeps("above", percent))

    def keeps_accuracy_below(self, percent: float) -> Claim:
        """Accuracy falls below ``percent``."""
        from interp_checks.claims.says import Keeps

        return self._say(Keeps("below", percent))

    def keeps_recall_above(self, percent: float, *classes: object) -> Claim:
        """The recall of each of these classes stays above ``percent``."""
        from interp_checks.claims.says import Keeps

        return self._say(Keeps("above", percent, cast("tuple[str, ...]", classes)))

    def keeps_recall_below(self, percent: float, *classes: object) -> Claim:
        """The recall of each of these classes falls below ``percent``."""
        from interp_checks.claims.says import Keeps

        return self._say(Keeps("below", percent, cast("tuple[str, ...]", classes)))

    def costs_less_than(self, points: float, *classes: object) -> Claim:
        """Accuracy, or the recall of each of these classes, drops by less than ``points``."""
        from interp_checks.claims.says import Costs

        return self._say(Costs("less", points, cast("tuple[str, ...]", classes)))

    def costs_more_than(self, points: float, *classes: object) -> Claim:
        """Accuracy, or the recall of each of these classes, drops by more than ``points``."""
        from interp_checks.claims.says import Costs

        return self._say(Costs("more", points, cast("tuple[str, ...]", classes)))

    def predicts_only(self, *classes: object) -> Claim:
        """Each of these classes, and no other, gets more than 1 % of the predictions."""
        from interp_checks.claims.says import PredictsOnly

        return self._say(PredictsOnly(cast("tuple[str, ...]", classes)))

    def predicts_exactly(self, count: int) -> Claim:
        """So many classes get more than 1 % of the predictions each."""
        from interp_checks.claims.says import PredictsCount

        return self._say(PredictsCount(count))

    def sends(self, source: object, *targets: object) -> Claim:
        """More than half of the images of ``source`` are predicted as one of the targets."""
        from interp_checks.claims.says import Sends

        return self._say(Sends(cast(str, source), cast("tuple[str, ...]", targets)))

    def mistakes(self, source: object, *targets: object) -> Claim:
        """The targets are the commonest wrong predictions for images of ``source``."""
        from interp_checks.claims.says import Mistakes

        return self._say(Mistakes(cast(str, source), cast("tuple[str, ...]", targets)))

    def revives(self, *classes: object, compared_with: Ablation) -> Claim:
        """These classes are dead under the other ablation and alive under this one."""
        from interp_checks.claims.says import Revives

        return self._say(Revives(cast("tuple[str, ...]", classes), compared_with))

    def predicts_the_same_as(self, other: Ablation, *, exactly: bool = False) -> Claim:
        """Fewer than 5 % of the images (``exactly``: none) get another prediction."""
        from interp_checks.claims.says import PredictsTheSame

        return self._say(PredictsTheSame(other, exactly))
