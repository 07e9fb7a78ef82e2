"""The numbers around a claim that does not hold, and what its writer could try."""

from __future__ import annotations

from collections.abc import Sequence

from interp_checks.ablations.ablation import Ablation, family_members
from interp_checks.claims.claim import Claim
from interp_checks.claims.quantified import Quantified
from interp_checks.claims.scene import Scene
from interp_checks.counting.confusions import Result
from interp_checks.counting.identifiability import identifiable
from interp_checks.errors import NotJudgedError
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.intervals import percent
from interp_checks.statistics.threshold_check import Check, Outcome, all_of
from interp_checks.thresholds import ALIVE, DEAD, PREDICTED
from interp_checks.wording import class_words, listed

from .members import checks_of

#: Of larger families, no other member is tried.
_MANY = 100
#: Losses smaller than this share are not worth a line.
_WORTH_TELLING = 0.02


def context_of(
    claim: Claim, readout: Readout, checks: Sequence[Check], ablations: Sequence[Ablation]
) -> tuple[str, ...]:
    """Up to three lines: where the claim's classes went, what dropped, what is predicted.

    A claim about the part that matters most is first told which part that is.
    """
    condition, lines = claim.condition, []
    if isinstance(condition, Quantified) and condition.leading:
        lines.append(checks[0].finding)
        if len(ablations) != 1:
            return tuple(lines)
        (condition,) = ablations
    if isinstance(condition, Quantified) or any(predicate.about_sets for predicate in claim.says):
        return tuple(lines)
    result = readout.intact if condition is None else readout.ablated(condition)
    if any(predicate.about_predictions for predicate in claim.says):
        lines.append(_predicted(result))
    for name in _named(claim, readout, checks)[:2]:
        lines.append(_where_it_goes(result, name))
    if condition is not None:
        lines.append(_what_dropped(result))
    return tuple(line for line in lines if line)[:3]


def _named(claim: Claim, readout: Readout, checks: Sequence[Check]) -> list[str]:
    """The classes that a claim names, those first that keep it from holding."""
    names: dict[str, None] = {}
    for predicate in claim.says:
        names |= dict.fromkeys(predicate.told_classes)
    unmet = [check.quantity for check in checks if check.outcome != Outcome.HOLDS]
    classes = [name for name in names if name in readout.class_names]
    return sorted(classes, key=lambda name: f"recall of {class_words((name,))}" not in unmet)


def _where_it_goes(result: Result, name: str) -> str:
    row = result.counts[result.class_names.index(name)]
    total = int(row.sum())
    if not total:
        return ""
    order = sorted(range(len(row)), key=lambda column: (-row[column], column))
    shares = {
        class_words((result.class_names[column],)): row[column] / total
        for column in order[:3]
        if row[column]
    }
    goes = [f"{words} ({percent(share, 1, (DEAD, ALIVE))} %)" for words, share in shares.items()]
    return f"images of {class_words((name,))} are predicted as {listed(goes)}"


def _what_dropped(result: Result) -> str:
    losses = sorted(
        (
            (result.loss(name).value, name)
            for name in result.class_names
            if result.recall[name].total
        ),
        reverse=True,
    )
    drops = [
        f"{class_words((name,))} by {percent(loss, 1, [_WORTH_TELLING])} points"
        for loss, name in losses[:3]
        if loss > _WORTH_TELLING
    ]
    accuracy = f"accuracy is {percent(result.accuracy.value, 2)} %"
    if not drops:
        return f"{accuracy}, and no class loses more than {100 * _WORTH_TELLING:g} points"
    return f"{accuracy}; recall drops most for {listed(drops)}"


def _predicted(result: Result) -> str:
    shares = sorted((-result.share[name].value, name) for name in result.class_names)
    classes = [
        f"{class_words((name,))} ({percent(-share, 1, [PREDICTED])} %)"
        for share, name in shares[:4]
        if -share > PREDICTED
    ]
    return f"most predictions are {listed(classes)}"


def advice_on(claim: Claim, readout: Readout, confidence: float) -> tuple[str, str]:
    """An ablation of the same family that does what was claimed; or words that none does."""
    if not isinstance(claim.condition, Ablation):
        return "", ""
    condition = claim.condition
    parts = readout.directions_of(condition.target)
    if len(parts) > _MANY:
        return "", ""
    for member in family_members(condition.family, parts, condition.target):
        ablates = len(member.kept(parts)) < len(parts)
        if member == condition or not ablates or not identifiable(member, readout):
            continue
        try:
            checks = checks_of(claim.effects, Scene(readout, member, confidence))
        except NotJudgedError:
            return "", ""
        if all_of(check.outcome for check in checks) == Outcome.HOLDS:
            return f"it holds when {member}", ""
    return "", "" if condition.family == "sets" else "no other ablation of this family does it"
