"""What was decided of a claim, before anybody asks what could make it mean less."""

from __future__ import annotations

from typing import NamedTuple

from interp_checks.ablations.ablation import Ablation
from interp_checks.statistics.threshold_check import Check, Outcome


class Decision(NamedTuple):
    """What was decided of a claim.

    Args:
        outcome: holds, fails or undecided.
        checks: the comparisons that it rests on.
        ablations: that were looked at.
        spread: what became of the draws, where it was decided on several; see
            :mod:`interp_checks.judging.draws`.
        draw: the draw whose comparisons are shown.
    """

    outcome: Outcome
    checks: tuple[Check, ...]
    ablations: tuple[Ablation, ...] = ()
    spread: str = ""
    draw: int = 0
