"""One verdict out of several draws of what stands in the place of parts that are left out.

Another image's coefficients are drawn at random, and one draw could be an unlucky one. So a claim
is judged on every draw by itself, at half the error, and holds if it holds on more than half of
them.

That keeps the error: a false claim is expected to hold on at most ``error / 2`` of the draws,
however they depend on each other, so that it holds on half of them or more with a probability of
at most ``error`` (Markov's inequality; Meinshausen, Meier and Bühlmann, 2009, for the median of
p-values). The same goes for a true claim that fails.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from interp_checks.ablations.fill import fill_named
from interp_checks.claims.claim import Claim
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.intervals import Change, percent
from interp_checks.statistics.levels import corrected, marked
from interp_checks.statistics.threshold_check import Check, Outcome
from interp_checks.wording import listed

from .decision import Decision

#: What is decided of a readout at a confidence.
Decide = Callable[[Readout, float], Decision]


def fills_of(claim: Claim, readout: Readout) -> set[str]:
    """What stands in the place of what a claim leaves out, by name; empty if that is nothing."""
    fills = {target.fill or readout.fill for target in claim.all_targets}
    about_sets = any(predicate.about_sets for predicate in claim.says)
    if about_sets or (claim.fact and claim.fact.judged_ablations(len(readout.directions))):
        fills.add(readout.fill)
    return fills


def draws_of(claim: Claim, readout: Readout) -> int:
    """On how many draws a claim is judged."""
    return max((fill_named(fill).draws for fill in fills_of(claim, readout)), default=1)


def over_draws(decide: Decide, readout: Readout, draws: int, confidence: float) -> Decision:
    """Put together what is decided on each of several draws.

    Raises:
        NotJudgedError: the readout cannot answer.
    """
    level = corrected(confidence, 2)
    decisions = [decide(readout.drawn(draw), level) for draw in range(draws)]
    outcomes = [decision.outcome for decision in decisions]
    outcome = Outcome.of(
        2 * outcomes.count(Outcome.HOLDS) > draws, 2 * outcomes.count(Outcome.FAILS) > draws
    )
    alike = [number for number, each in enumerate(outcomes) if each == outcome]
    draw = _typical(decisions, alike or range(draws))
    shown = decisions[draw]
    checks = marked(shown.checks, confidence)
    return Decision(outcome, checks, shown.ablations, _spread(decisions), draw)


def _typical(decisions: Sequence[Decision], among: Sequence[int]) -> int:
    """The number of the one in the middle, by the numbers that some of them rest on."""
    ranked = sorted(among, key=lambda draw: _number(decisions[draw].checks))
    return ranked[len(ranked) // 2]


def _number(checks: Sequence[Check]) -> float:
    """The number that a decision rests on; infinite where it rests on none."""
    numbers = [check.value for check in _main(checks) if not math.isnan(check.value)]
    return numbers[0] if numbers else math.inf


def _main(checks: Sequence[Check]) -> list[Check]:
    """Comparisons that are the point of a claim."""
    return [check for check in checks if not check.condition] or list(checks)


def _spread(decisions: Sequence[Decision]) -> str:
    """On how many draws a claim holds, and how far the number that it rests on moves."""
    outcomes = [decision.outcome for decision in decisions]
    words = [f"{each} on {outcomes.count(each)}" for each in Outcome if each in outcomes]
    said = f"over {len(decisions)} draws of another image: {listed(words)}"
    first = _main(decisions[0].checks)[0]
    numbers = [_number(decision.checks) for decision in decisions]
    if first.estimate is None or not all(map(math.isfinite, numbers)):
        return said
    unit = " points" if isinstance(first.estimate, Change) else " %"
    low, high = (percent(end, 1) for end in (min(numbers), max(numbers)))
    return f"{said}; {first.quantity} from {low} to {high}{unit}"
