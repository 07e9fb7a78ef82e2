"""What became of a claim: holds, fails or undecided, and the numbers that decided it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interp_checks.ablations.ablation import Ablation
from interp_checks.claims.claim import Claim
from interp_checks.statistics.sample_size import needs_in_words
from interp_checks.statistics.threshold_check import Check, Outcome, open_needs
from interp_checks.thresholds import UNSPECIFIC

if TYPE_CHECKING:
    from .chance import Chance

#: Comparisons that a message shows in full.
_SHOWN = 2


@dataclass(frozen=True, repr=False)
class Verdict:
    """The judgement of one claim on one subject.

    Args:
        claim: what was judged.
        outcome: holds, fails or undecided.
        checks: every comparison made, in the order of the claim's words.
        confidence: two-sided, of every interval.
        chance: how often the claim would hold under random directions, where it was asked.
        notes: warnings: vacuous, or dependent on the gauge.
        context: the numbers nearest to the claim, for one that does not hold.
        advice: what to try next, for one that does not hold.
        ablations: that were looked at.
    """

    claim: Claim
    outcome: Outcome
    checks: tuple[Check, ...]
    confidence: float
    chance: Chance | None = None
    notes: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    advice: str = ""
    ablations: tuple[Ablation, ...] = ()

    def __bool__(self) -> bool:
        """Whether the claim holds, so that ``assert judge(...)`` means what it says."""
        return self.outcome == Outcome.HOLDS

    def __str__(self) -> str:
        return self.message()

    def __repr__(self) -> str:
        return f"<Verdict: {self.outcome}: {self.claim}>"

    @property
    def deciding(self) -> Check:
        """The comparison to show when there is room for one."""
        candidates = [check for check in self.checks if check.outcome == self.outcome]
        main = [check for check in candidates if not check.condition]
        return (main or candidates or list(self.checks))[0]

    @property
    def measured(self) -> str:
        """One line: the deciding number."""
        return self.deciding.finding

    @property
    def needed(self) -> str:
        """What would decide an undecided claim, in words; empty for a decided one."""
        if self.outcome != Outcome.UNDECIDED:
            return ""
        first = self.checks[0]
        quantified = self.outcome == first.outcome and first.tally
        if quantified and first.more is not None:
            return needs_in_words(first.more())
        return needs_in_words(open_needs(self.checks))

    @property
    def unspecific(self) -> bool:
        """Whether random directions would do as well as those that are stated."""
        return self.chance is not None and self.chance.share > UNSPECIFIC

    @property
    def remarks(self) -> tuple[str, ...]:
        """All warnings, with that about chance."""
        if self.chance is None or not self.unspecific or self.outcome != Outcome.HOLDS:
            return self.notes
        return (f"unspecific: holds for {self.chance.words}", *self.notes)

    def message(self, width: int = 79) -> str:
        """Why the claim does not hold (or does), in at most a screenful."""
        lines = (
            textwrap.fill(
                # A number keeps its unit on its line.
                text.replace(" %", "\u00a0%"),
                width,
                initial_indent=label.ljust(10),
                subsequent_indent=" " * 10,
            )
            for label, text in self._lines()
        )
        return "\n".join(lines).replace("\u00a0", " ")

    def _lines(self) -> list[tuple[str, str]]:
        percent = f"{100 * self.confidence:g} %"
        lines = [("claim", str(self.claim))]
        lines += [("verdict", f"{self.outcome}, at {percent} confidence")]
        telling = [check for check in self.checks if check.outcome == self.outcome]
        telling.sort(key=lambda check: check.condition)
        telling = telling or [self.deciding]
        for check in telling[:_SHOWN]:
            lines += [("measured", check.finding), ("claimed", check.expected)]
        if len(telling) > _SHOWN:
            lines.append(("", f"... and {len(telling) - _SHOWN} more like these"))
        lines += [
            ("because" if not number else "", text) for number, text in enumerate(self.context[:4])
        ]
        lines += [("note", remark) for remark in self.remarks]
        if self.chance is not None and not (self.unspecific and self.outcome == Outcome.HOLDS):
            lines.append(("by chance", f"holds for {self.chance.words}"))
        if self.needed or self.advice:
            lines.append(("try", self.needed or self.advice))
        return lines

    def as_dict(self) -> dict[str, Any]:
        """Exact builtin types, ready for JSON."""
        return {
            "claim": str(self.claim),
            "outcome": self.outcome.value,
            "measured": self.measured,
            "needed": self.needed,
            "confidence": float(self.confidence),
            "chance": [self.chance.count, self.chance.total] if self.chance else None,
            "chance_anywhere": (
                {"count": self.chance.anywhere, "over": self.chance.over}
                if self.chance and self.chance.over
                else None
            ),
            "remarks": list(self.remarks),
            # All else can be judged again on the readout that a saved run keeps.
            "checks": [check.as_dict(parts=self.claim.needs_images) for check in self.checks],
        }

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p><strong>{self.outcome}</strong> {escape(str(self.claim))}<br>" + (
            f"{escape(self.measured)}</p>"
        )
