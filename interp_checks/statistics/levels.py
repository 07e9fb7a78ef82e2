"""Two levels of confidence for one claim: at one its comparisons hold, at the other they fail.

A claim of m comparisons holds only if all of them do. Each is judged at the confidence of the
claim, and the error is no larger than that of one (intersection-union test). It fails as soon as
one of them does, which is a search among m: each fails at the error divided by m (Bonferroni).
So the error of a wrong "holds" and that of a wrong "fails" are both at most one minus the
confidence, however many comparisons a claim makes.

What is shown agrees with that: the interval of a number that speaks against the claim is the one
that decides whether the claim fails, and says its confidence where that is not the claim's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from .threshold_check import Check, Outcome

#: No confidence is nearer to one than this: float64 rounds what is.
_SUREST = 1 - 1e-15
#: An interval in words.
_INTERVAL = re.compile(r"\[([-+<]?[\d.]+, [-+<]?[\d.]+)\]")


def corrected(confidence: float, comparisons: int) -> float:
    """The confidence of one of so many comparisons, so that all together have this one."""
    return min(1 - (1 - confidence) / comparisons, max(confidence, _SUREST))


def failing(checks: Iterable[Check], confidence: float) -> tuple[Check, ...]:
    """Comparisons that must all hold, any of which fails only at the corrected confidence.

    Args:
        checks: at the confidence at which they hold.
        confidence: at which one of them alone would fail.
    """
    family = tuple(checks)
    comparisons = sum(check.comparisons for check in family if check.again is not None)
    level = corrected(confidence, max(1, comparisons))
    return tuple(_failing_at(check, level) for check in family)


def searched(check: Check, among: int, confidence: float) -> Check:
    """The worst of many comparisons, which stands for all of them; it fails as one of so many."""
    return replace(
        _failing_at(check, corrected(confidence, among)),
        again=lambda level: searched(check.at(level), among, level),
    )


def _failing_at(check: Check, level: float) -> Check:
    """The same comparison, which fails only where it does so at this confidence."""
    if check.outcome == Outcome.HOLDS or check.again is None or check.confidence == level:
        return check
    again = check.at(level)
    if again.outcome == Outcome.FAILS:
        return again
    if check.outcome == Outcome.UNDECIDED and check.leans:
        return check
    return replace(again, outcome=Outcome.UNDECIDED)


def reworded(check: Check, **words: Any) -> Check:
    """A comparison with other words, at every confidence."""
    again = None if check.again is None else lambda level: reworded(check.at(level), **words)
    return replace(check, **words, again=again)


def marked(checks: Sequence[Check], confidence: float) -> tuple[Check, ...]:
    """Comparisons whose intervals say their confidence where it is not this one."""
    return tuple(
        check
        if math.isnan(check.confidence) or math.isclose(check.confidence, confidence)
        else replace(check, measured=_with_level(check.measured, check.confidence))
        for check in checks
    )


def _with_level(measured: str, confidence: float) -> str:
    return _INTERVAL.sub(rf"[\1; at {level_words(confidence)} %]", measured, count=1)


def level_words(confidence: float) -> str:
    """A confidence in percent, with as many digits as tell it from 100: 99.5, 99.9995."""
    digits = max(1, math.ceil(-math.log10(100 * (1 - confidence))) + 2)
    text = f"{100 * confidence:.{digits}f}"
    return text.rstrip("0").rstrip(".")
