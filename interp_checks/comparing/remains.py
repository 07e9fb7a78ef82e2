"""A claim on two checkpoints: what decided it, what moved, and what is left of a killing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interp_checks.ablations.ablation import Ablation
from interp_checks.claims.claim import Claim
from interp_checks.claims.predicates.killing import Kills
from interp_checks.claims.scene import Scene
from interp_checks.errors import NotJudgedError, TooFewImagesError
from interp_checks.judging.decide import decide
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.intervals import percent
from interp_checks.statistics.threshold_check import Check, Outcome
from interp_checks.thresholds import DEAD, SPARED
from interp_checks.wording import class_words, listed, number_words

from .moves import Moves


@dataclass(frozen=True)
class Decided:
    """A claim on a readout: its outcome (None: not judged, and why) and its comparisons."""

    outcome: Outcome | None
    checks: tuple[Check, ...] = ()
    reason: str = ""
    few_images: bool = False


#: A claim that cannot even be read on a readout.
NOT_JUDGED = Decided(None)


def decided(claim: Claim, readout: Readout, confidence: float) -> Decided:
    """How a claim ends on a readout, or why it cannot be judged there."""
    try:
        decision = decide(claim, readout, confidence)
        return Decided(decision.outcome, decision.checks)
    except NotJudgedError as error:
        few = isinstance(error, TooFewImagesError)
        return Decided(None, (), error.problem, few)


def evidence(moves: Moves) -> str:
    """What moved past its threshold, inside what counts it."""
    whole = [pair for pair in moves.pairs() if pair[1].outcome != Outcome.HOLDS]
    if whole and whole[0][1].tally:
        return told_of(whole)
    inside = [pair for pair in whole if pair[1].parts]
    return joined(told_of(inside) if inside else "", told_of(moves.shown))


def told_of(pairs: Sequence[tuple[Check, Check]]) -> str:
    """One of some comparisons, as it is and as it was, and how many more there are.

    The first, but the point of a claim before its preconditions.
    """
    if not pairs:
        return "nothing that was measured before"
    old, new = min(pairs, key=lambda pair: pair[1].condition)
    rest = len(pairs) - 1
    more = f" (and {number_words(rest, 'more', 'more')})" if rest else ""
    was = f", was {old.measured}" if old.measured != new.measured else ""
    return f"{new.finding}{was}{more}"


def joined(*parts: str) -> str:
    """Parts of a line of evidence, without the empty ones."""
    return "; ".join(part for part in parts if part)


def moved_to(claim: Claim, old: Readout, closest: Claim, new: Readout, confidence: float) -> str:
    """Another class that the same ablation kills now, for a claim that one is killed.

    All other classes are looked at, so each at the confidence corrected for their number; and
    one of which it is not known that it lived before is no news.
    """
    kills = [predicate for predicate in closest.says if predicate.killed_classes]
    if len(kills) != 1 or len(kills[0].killed_classes) != 1:
        return ""
    others = [name for name in new.class_names if name not in kills[0].killed_classes]
    each = 1 - (1 - confidence) / max(1, len(others))
    for name in others:
        says = tuple(
            predicate.killing(name) if predicate is kills[0] else predicate
            for predicate in closest.says
        )
        if decided(Claim(closest.condition, says), new, each).outcome != Outcome.HOLDS:
            continue
        before = Claim(claim.condition, (Kills((name,)),))
        if decided(before, old, confidence).outcome == Outcome.FAILS:
            return f"now {closest.condition} kills {class_words((name,))}"
    return ""


def weakened(claim: Claim, new: Readout, confidence: float, moves: Moves) -> str:
    """What is left of a killing: the class still dies, or still loses, but the rest is gone."""
    killed = tuple(name for predicate in claim.says for name in predicate.killed_classes)
    if not killed or not isinstance(claim.condition, Ablation):
        return ""
    named = Kills(killed)
    try:
        scene = Scene(new, claim.condition, confidence)
        losses = [scene.loss(name, "above", SPARED) for name in named.classes]
        recalls = {name: scene.recall(name, "below", DEAD) for name in named.classes}
    except NotJudgedError:
        return ""
    dying = decided(Claim(claim.condition, (named,)), new, confidence).outcome == Outcome.HOLDS
    if dying:
        return f"still {named}, but {evidence(moves)}"
    if any(check.outcome != Outcome.HOLDS for check in losses):
        return ""
    living = [name for name, check in recalls.items() if check.outcome != Outcome.HOLDS]
    about = {recalls[name].quantity for name in living}
    if not living:
        return ""
    labels = [
        f"recall of {class_words((name,))} is {percent(scene.result.recall[name].value)} % and was "
        f"{percent(scene.result.loss(name).value + scene.result.recall[name].value)} % intact"
        for name in living
    ]
    rest = [pair for pair in moves.shown if pair[1].quantity not in about]
    return joined(told_of(rest) if rest else "", listed(labels))
