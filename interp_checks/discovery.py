"""Mine a readout for claims that hold, and keep those that also hold on images not looked at.

Candidates are read off the numbers of one half of the images. A candidate is kept if it holds
on that half, holds on the other half at a confidence corrected for the number of candidates
(Bonferroni), holds on all images, is not vacuous, and does not hold by chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from . import facts
from .ablation import Ablation, family_members
from .chance import ROTATIONS, Chance, by_chance
from .claim import Claim
from .confusions import Result
from .errors import NotJudgedError
from .gate_weights import GateWeights
from .guards import notes_on
from .identifiability import identifiable
from .judgement import decide, smallest_error
from .readout import Readout
from .thresholds import ALIVE, DEAD, MOSTLY, PREDICTED, SPARED, UNSPECIFIC
from .verdict import Outcome

#: Seed of the split into halves.
SEED = 0
#: Points by which a floor lies under the lower bound that suggested it.
_ROOM = 2
_FAMILIES = ("dropping", "only", "first", "last")


@dataclass(frozen=True)
class Finding:
    """A claim that was confirmed.

    Args:
        claim: what holds.
        error: the smallest error at which it holds on the half it was not found on.
        chance: under how many random rotations it would hold; None for a plain fact.
    """

    claim: Claim
    error: float
    chance: Chance | None


def discover(readout: Readout, rotations: int = ROTATIONS, *, gates: bool = False) -> list[Finding]:
    """Find claims that hold, the strongest first.

    Strength: the error at which a claim still holds on the confirming half, then how seldom
    it would hold by chance.

    Args:
        readout: whose findings.
        rotations: random rotations for the rate of chance.
        gates: look for findings about the weights of every gate, and only these.

    Raises:
        NotJudgedError: findings about gates are wanted, and there is no network at hand.
    """
    searched, confirming = halves(readout)
    targets: tuple[GateWeights | None, ...] = (None,)
    if gates:
        targets = readout.needs_network("findings about gates").targets
    candidates = _candidates(searched, targets)
    found = [claim for claim in candidates if _holds(claim, searched, 0.95)]
    corrected = 1 - (1 - readout.confidence) / max(1, len(found))
    findings = []
    for claim in found:
        if not _holds(claim, confirming, corrected) or not _holds(
            claim, readout, readout.confidence
        ):
            continue
        if notes_on(claim, readout, readout.confidence, Outcome.HOLDS):
            continue
        chance = by_chance(claim, readout, rotations)
        if chance is not None and chance.share > UNSPECIFIC:
            continue
        findings.append(Finding(claim, smallest_error(claim, confirming), chance))
    return sorted(
        _without_implied(findings),
        key=lambda one: (one.error, one.chance.share if one.chance else 0.0, str(one.claim)),
    )


def _without_implied(findings: list[Finding]) -> list[Finding]:
    """Of "at most k directions ...", only the smallest k: it implies the others."""
    counts = [
        say.count
        for finding in findings
        for say in finding.claim.says
        if isinstance(say, facts.DirectionsSuffice)
    ]
    return [
        finding
        for finding in findings
        if not isinstance(finding.claim.says[0], facts.DirectionsSuffice)
        or finding.claim.says[0].count == min(counts)
    ]


def halves(readout: Readout) -> tuple[Readout, Readout]:
    """Two disjoint halves, each with half of the images of every class; seeded."""
    generator = np.random.default_rng(SEED)
    first = np.zeros(len(readout), dtype=bool)
    for row in range(len(readout.class_names)):
        own = generator.permutation(np.flatnonzero(readout.labels == row))
        first[own[: len(own) // 2]] = True
    return readout.part(np.flatnonzero(first)), readout.part(np.flatnonzero(~first))


def _holds(claim: Claim, readout: Readout, confidence: float) -> bool:
    try:
        return decide(claim, readout, confidence)[0] == Outcome.HOLDS
    except NotJudgedError:
        return False


def _candidates(readout: Readout, targets: Sequence[GateWeights | None]) -> Iterator[Claim]:
    """Claims that the numbers of a readout suggest about these weights, each once."""
    seen: dict[Claim, None] = {}
    for target in targets:
        if target is None:
            seen |= dict.fromkeys(_plain_facts(readout))
        seen |= dict.fromkeys(_of_ablations(readout, target))
    yield from seen


def _plain_facts(readout: Readout) -> Iterator[Claim]:
    intact = readout.intact
    # Whole percents, with room for the confirming half to be a little worse.
    floor = math.floor(100 * intact.accuracy.lower) - _ROOM
    if floor > 0:
        yield Claim.of(facts.Is("above", floor))
    lowest = min(intact.recall.values(), key=lambda recall: recall.lower)
    floor = math.floor(100 * lowest.lower) - _ROOM
    if floor > 0:
        yield Claim.of(facts.Is("above", floor, every=True))
    worst = min(intact.recall, key=lambda name: intact.recall[name].value)
    yield Claim.of(facts.HasExtremeRecall(worst))
    for row, name in enumerate(readout.class_names):
        mistakes = np.delete(intact.counts[row], row)
        if mistakes.size and mistakes.max():
            columns = [column for column in range(len(readout.class_names)) if column != row]
            target = readout.class_names[columns[int(mistakes.argmax())]]
            yield Claim.of(facts.IsMistakenFor(name, (target,)))
    for count in range(1, len(readout.directions)):
        yield Claim.of(facts.DirectionsSuffice(count, 2))


def _of_ablations(readout: Readout, target: GateWeights | None) -> Iterator[Claim]:
    count = len(readout.directions_of(target))
    # "The last 9" of 10 directions is "all except the first" in other words.
    seen = {tuple(range(1, count + 1))}
    for family in _FAMILIES:
        for ablation in family_members(family, count, target):
            kept = ablation.kept(count)
            if kept not in seen and identifiable(ablation, readout):
                seen.add(kept)
                yield from _of_one(ablation, readout.ablated(ablation))


def _of_one(ablation: Ablation, result: Result) -> Iterator[Claim]:
    names = result.class_names
    support = np.maximum(result.counts.sum(axis=1), 1)
    before, after = result.intact_counts.diagonal() / support, result.counts.diagonal() / support
    killed = [name for row, name in enumerate(names) if before[row] > ALIVE and after[row] < DEAD]
    spared = [name for row, name in enumerate(names) if before[row] - after[row] < SPARED]
    if 0 < len(killed) <= len(names) // 2:
        kills = ablation.kills(*killed)
        if len(killed) + len(spared) == len(names):
            yield kills.spares_the_rest()
        else:
            yield ablation.kills_only(*killed)
    elif not killed and len(spared) == len(names):
        yield ablation.spares_every_class()
    alive = [name for row, name in enumerate(names) if after[row] > ALIVE]
    if 0 < len(alive) < len(names):
        yield ablation.leaves_only_alive(*alive)
    for name in killed:
        row = names.index(name)
        target = int(result.counts[row].argmax())
        if target != row and result.counts[row, target] > MOSTLY * support[row]:
            yield ablation.sends(name, names[target])
    share = result.counts.sum(axis=0) / result.counts.sum()
    predicted = [name for row, name in enumerate(names) if share[row] > PREDICTED]
    if 0 < len(predicted) <= len(names) // 2:
        yield ablation.predicts_only(*predicted)


_TITLES = {
    None: ("test_plain_facts", "The classifier as it is."),
    "dropping": ("test_all_except_one", "What dropping one direction does."),
    "only": ("test_just_one", "What one direction does alone."),
    "first": ("test_first_directions", "What the leading directions do."),
    "last": ("test_last_directions", "What the trailing directions do."),
}


def suite_of(findings: list[Finding], description: str) -> str:
    """A ready suite: a pytest module with the findings of each family, the strongest first."""
    groups: dict[str | None, list[Finding]] = {}
    for finding in findings:
        condition = finding.claim.condition
        family = condition.family if isinstance(condition, Ablation) else None
        groups.setdefault(family, []).append(finding)
    lines = [
        f'"""Findings on {description}.'.replace("\\", "/"),
        "",
        "Found on one half of the images, confirmed on the other. After each claim: the smallest",
        "error at which it holds there, and under how many random rotations it would hold too.",
        '"""',
        "",
        "from pytest_interp_checks import claims",
    ]
    for family, (name, title) in _TITLES.items():
        if family not in groups:
            continue
        lines += ["", f"# {title}", f"{name} = claims("]
        for finding in groups[family]:
            chance = f", by chance {finding.chance}" if finding.chance else ""
            sentence = str(finding.claim)
            quoted = repr(sentence) if '"' in sentence else f'"{sentence}"'
            lines.append(f"    {quoted},  # {finding.error:.0e}{chance}")
        lines.append(")")
    return "\n".join(lines) + "\n"
