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
from collections.abc import Callable

from interp_checks.ablations.fill import fill_named
from interp_checks.claims.claim import Claim
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.intervals import Change, Estimate, percent
from interp_checks.statistics.levels import corrected, marked
from interp_checks.statistics.threshold_check import Outcome
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
    alike = [draw for draw in range(draws) if outcomes[draw] == outcome] or list(range(draws))
    place = _deciding(decisions[alike[0]])
    numbers = [_number(decision, place) for decision in decisions]
    draw = sorted(alike, key=lambda draw: numbers[draw])[len(alike) // 2]
    shown = decisions[draw]
    words = [f"{each} on {outcomes.count(each)}" for each in Outcome if each in outcomes]
    spread = f"over {draws} draws of another image: {listed(words)}"
    check = shown.checks[place]
    if isinstance(check.estimate, Estimate | Change) and all(map(math.isfinite, numbers)):
        unit = " points" if isinstance(check.estimate, Change) else " %"
        low, high = (percent(end, 1) for end in (min(numbers), max(numbers)))
        spread += f"; {check.quantity} from {low} to {high}{unit}"
    return Decision(outcome, marked(shown.checks, confidence), shown.ablations, spread, draw)


def agrees(
    decide: Decide, readout: Readout, draws: int, confidence: float, outcome: Outcome
) -> bool:
    """Whether :func:`over_draws` comes to an outcome, found with as few draws as decide that.

    Raises:
        NotJudgedError: the readout cannot answer.
    """
    level = corrected(confidence, 2)
    counts = dict.fromkeys(Outcome, 0)
    for draw in range(draws):
        counts[decide(readout.drawn(draw), level).outcome] += 1
        most = max(counts[Outcome.HOLDS], counts[Outcome.FAILS])
        if 2 * most > draws:
            return 2 * counts[outcome] > draws and outcome != Outcome.UNDECIDED
        if 2 * counts[Outcome.UNDECIDED] >= draws:
            break
    return outcome == Outcome.UNDECIDED


def _deciding(decision: Decision) -> int:
    """The place of the comparison that a decision rests on."""
    checks = decision.checks
    telling = [place for place, check in enumerate(checks) if check.outcome == decision.outcome]
    main = [place for place in telling if not checks[place].condition]
    return (main or telling or [0])[0]


def _number(decision: Decision, place: int) -> float:
    """The number at a place among the comparisons; infinite where there is none."""
    if place >= len(decision.checks) or math.isnan(decision.checks[place].value):
        return math.inf
    return decision.checks[place].value
