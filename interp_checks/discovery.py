"""Mine a readout for claims that hold, and keep those that also hold on images not looked at.

Candidates are read off the numbers of one fifth of the images. Those that hold there, with little
confidence, are judged on the other four fifths, with Holm's correction for their number: the chance
that any false one is confirmed is at most one minus the confidence, whatever the search did, for
it saw none of the images that confirm. Of what is confirmed, only that is kept which also holds on
all images (so that a suite of it passes as it is), is not vacuous, does not depend on the gauge,
and does not hold by chance as it is stated. Leaving confirmed claims out adds no false one.

Much of what a claim needs is a share near 0 or 1, and the images that confirm decide whether it
can be told from its threshold. A search needs few images, and errs at no cost but a larger number
of candidates, so most images go to the confirming part (``benchmarks/planted_truth.py``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .ablations.ablation import family_members
from .ablations.target import OUTPUT_LAYER, Target
from .claims.claim import Claim
from .claims.predicate import Effect
from .claims.predicates.accuracy import HasExtremeRecall, Is
from .claims.predicates.killing import Kills, LeavesAlive
from .claims.predicates.leading_directions import DirectionsSuffice
from .claims.predicates.mistakes import IsMistakenFor, Sends
from .claims.predicates.predictions import PredictsOnly
from .claims.predicates.sparing import Spares
from .claims.scene import MOST_TOGETHER, counted_in_turn
from .counting.confusions import Result
from .counting.identifiability import identifiable
from .errors import NotJudgedError
from .judging.chance import ROTATIONS, Chance, by_chance
from .judging.decide import decide, smallest_error
from .judging.guards import notes_on
from .readouts.readout import Readout
from .statistics.intervals import Estimate
from .statistics.threshold_check import Outcome
from .thresholds import ALIVE, DEAD, MOSTLY, PREDICTED, SPARED, UNSPECIFIC

#: Seed of the split into two parts.
SEED = 0
#: The share of the images of each class that is searched.
SEARCHED = 0.2
#: Confidence at which a candidate must hold on the searched part: hardly more than that the
#: numbers are on the claimed side. More would leave out what the other images could confirm.
_LIKELY = 0.1
#: Points by which a floor lies under the lower bound that suggested it.
_ROOM = 2
#: Points of accuracy that leading directions may cost and still be enough.
_POINTS = 2
#: A claim names no more classes than these.
_MOST_NAMED = 12
#: Classes of which it is asked what they are mistaken for.
_MOST_MISTAKEN = 50
#: Families of ablations that are looked through; the last two for parts that have an order.
_FAMILIES = ("dropping", "only")
_OF_ORDERED = ("first", "last")


@dataclass(frozen=True)
class Finding:
    """A claim that was confirmed.

    Args:
        claim: what holds.
        error: the smallest error at which it holds on the images it was not found on.
        chance: under how many random rotations it would hold; None for a plain fact.
    """

    claim: Claim
    error: float
    chance: Chance | None


def discover(
    readout: Readout,
    rotations: int = ROTATIONS,
    *,
    gates: bool = False,
    inside: str = "",
    parts: Sequence[str] = ("direction",),
    fills: Sequence[str] = ("",),
) -> list[Finding]:
    """Find claims that hold, the strongest first.

    Strength: the error at which a claim still holds on the confirming part, then how seldom
    it would hold by chance.

    Args:
        readout: whose findings.
        rotations: random rotations for the rate of chance.
        gates: look for findings about the weights of every gate, and only these.
        inside: look for findings about the weights whose names fit this pattern ("encoder.*"), and
            only these.
        parts: what is dropped: "direction", "unit", "principal component", "part".
        fills: what stands in its place: "zero", "mean", "another"; "" is what the readout says.

    Raises:
        NotJudgedError: findings about gates are wanted, and there is no network at hand; or the
            readout has no such parts.
        InterpChecksError: there is no such cut or fill.
    """
    searched, confirming = search_and_confirm(readout)
    weights: Sequence[Target] = (OUTPUT_LAYER,)
    if gates:
        weights = readout.needs_network("findings about gates").targets
    if inside:
        weights = readout.needs_network(f"findings about {inside!r}").named(inside)
    targets = [
        replace(target, cut=cut, fill=fill) for target in weights for cut in parts for fill in fills
    ]
    for target in targets:
        readout.directions_of(target)  # refuses parts that there are not
    candidates = candidates_of(searched, targets)
    likely = [claim for claim in candidates if holds(claim, searched, _LIKELY)]
    findings = []
    for claim in confirmed(likely, confirming):
        if not holds(claim, readout, readout.confidence):
            continue
        if notes_on(claim, readout, readout.confidence, Outcome.HOLDS):
            continue
        chance = by_chance(claim, readout, rotations)
        if chance is not None and chance.share > UNSPECIFIC:
            continue
        if chance is not None:
            chance = by_chance(claim, readout, rotations, anywhere=True)
        findings.append(Finding(claim, smallest_error(claim, confirming), chance))
    return sorted(
        _without_implied(findings),
        key=lambda finding: (
            finding.error,
            finding.chance.share if finding.chance else 0.0,
            str(finding.claim),
        ),
    )


def _without_implied(findings: list[Finding]) -> list[Finding]:
    """Of "at most k directions ...", only the smallest k; of "above p %", only the highest p."""
    strongest: dict[object, Finding] = {}
    for finding in findings:
        key, strength = _strength(finding.claim)
        rival = strongest.get(key)
        if rival is None or strength > _strength(rival.claim)[1]:
            strongest[key] = finding
    return list(strongest.values())


def _strength(claim: Claim) -> tuple[object, float]:
    """Of claims with an equal first part, one with a larger number implies the others."""
    stronger = None if claim.fact is None else claim.fact.stronger
    return (claim, 0.0) if stronger is None else ((type(claim.fact), stronger[0]), stronger[1])


def confirmed(claims: Sequence[Claim], readout: Readout) -> list[Claim]:
    """Those of the claims that hold with Holm's correction for their number, in their order.

    The chance that any of them is false is at most one minus the readout's confidence (Holm,
    Scandinavian Journal of Statistics 6, 1979), if they were chosen without these images.
    """
    error = 1 - readout.confidence
    open_claims = dict.fromkeys(claims)
    held: set[Claim] = set()
    while open_claims:
        level = 1 - error / len(open_claims)
        now = [claim for claim in open_claims if holds(claim, readout, level)]
        if not now:
            break
        # All that hold at this level would have come one by one, at levels that only get easier.
        held |= set(now)
        open_claims = {claim: None for claim in open_claims if claim not in held}
    return [claim for claim in dict.fromkeys(claims) if claim in held]


def search_and_confirm(readout: Readout) -> tuple[Readout, Readout]:
    """Two disjoint parts, the first with a fifth of the images of every class; seeded.

    Of a class with two images or more, each part has at least one.
    """
    generator = np.random.default_rng(SEED)
    first = np.zeros(len(readout), dtype=bool)
    for row in range(len(readout.class_names)):
        own = generator.permutation(np.flatnonzero(readout.labels == row))
        searched = max(round(SEARCHED * len(own)), 1) if len(own) > 1 else 0
        first[own[:searched]] = True
    return readout.part(np.flatnonzero(first)), readout.part(np.flatnonzero(~first))


def holds(claim: Claim, readout: Readout, confidence: float) -> bool:
    """Whether a claim holds; what cannot be judged does not."""
    try:
        return decide(claim, readout, confidence).outcome == Outcome.HOLDS
    except NotJudgedError:
        return False


def candidates_of(readout: Readout, targets: Sequence[Target] = (OUTPUT_LAYER,)) -> Iterator[Claim]:
    """Claims that the numbers of a readout suggest about these weights, each once."""
    seen: dict[Claim, None] = {}
    if not all(target.inside for target in targets):
        seen |= dict.fromkeys(_plain_facts(readout))
    for target in targets:
        seen |= dict.fromkeys(suggested_by_ablations(readout, target))
    yield from seen


def _plain_facts(readout: Readout) -> Iterator[Claim]:
    intact = readout.intact
    for floor in _floors(intact.accuracy):
        yield Claim.of(Is("above", floor))
    lowest = min(intact.recall.values(), key=lambda recall: recall.lower)
    for floor in _floors(lowest):
        yield Claim.of(Is("above", floor, every=True))
    worst = min(intact.recall, key=lambda name: intact.recall[name].value)
    yield Claim.of(HasExtremeRecall(worst))
    mistakes = intact.counts - np.diag(intact.right)
    # Of very many classes, those that are mistaken for one other most often.
    often = np.argsort(-mistakes.max(axis=1), kind="stable")[:_MOST_MISTAKEN]
    for row in sorted(int(row) for row in often):
        if mistakes[row].max():
            target = readout.class_names[int(mistakes[row].argmax())]
            yield Claim.of(IsMistakenFor(readout.class_names[row], (target,)))
    for count in _enough_directions(readout):
        yield Claim.of(DirectionsSuffice(count, _POINTS))


def _enough_directions(readout: Readout) -> Iterator[int]:
    """How many leading directions may be enough: the fewest that seem to be, and a few more."""
    counts = range(1, len(readout.directions))
    if len(counts) <= MOST_TOGETHER:
        yield from counts
        return
    low, high, least = 1, len(counts), 100 * readout.intact.accuracy.value - _POINTS
    while low < high:
        middle = (low + high) // 2
        enough = 100 * readout.keeping_first(middle).accuracy.value > least
        low, high = (low, middle) if enough else (middle + 1, high)
    yield from range(low, min(low + 8, len(readout.directions)))


def _floors(share: Estimate) -> list[int]:
    """A few whole percents that a share may be above, the most cautious first.

    With room for other images to be a little worse; of those confirmed the highest is kept.
    """
    if not share.total:
        return []
    lower = math.floor(100 * share.lower)
    between = math.floor(50 * (share.lower + share.value))
    return [floor for floor in dict.fromkeys((lower - _ROOM, lower, between)) if floor > 0]


def suggested_by_ablations(readout: Readout, target: Target) -> Iterator[Claim]:
    """What each ablation of one part, or to the first or last k, seems to do."""
    parts = readout.directions_of(target)
    # "The last 9" of 10 directions is "all except the first" in other words.
    seen, telling = {tuple(range(1, len(parts) + 1))}, []
    for family in _FAMILIES + (_OF_ORDERED if target.parted.ordered else ()):
        for ablation in family_members(family, parts, target):
            kept = ablation.kept(parts)
            if kept not in seen and identifiable(ablation, readout):
                seen.add(kept)
                telling.append(ablation)
    for chunk in counted_in_turn(readout, telling):
        for ablation, result in chunk:
            for effects in _effects(result):
                yield Claim(ablation, effects)


def _effects(result: Result) -> Iterator[tuple[Effect, ...]]:
    """What an ablation seems to do, one claim after another."""
    names = result.class_names
    support = np.maximum(result.support, 1)
    before, after = result.intact_counts.diagonal() / support, result.right / support
    killed = [name for row, name in enumerate(names) if before[row] > ALIVE and after[row] < DEAD]
    spared = [name for row, name in enumerate(names) if before[row] - after[row] < SPARED]
    if 0 < len(killed) <= min(len(names) // 2, _MOST_NAMED):
        if len(killed) + len(spared) == len(names):
            yield Kills(tuple(killed)), Spares(scope="every other")
        else:
            yield (Kills(tuple(killed), only=True),)
    elif not killed and len(spared) == len(names):
        yield (Spares(scope="every"),)
    alive = [name for row, name in enumerate(names) if after[row] > ALIVE]
    if 0 < len(alive) < len(names) and len(alive) <= _MOST_NAMED:
        yield (LeavesAlive(tuple(alive), only=True),)
    if len(killed) > _MOST_NAMED and len(alive) > _MOST_NAMED:
        return
    for name in killed[:_MOST_NAMED]:
        row = names.index(name)
        target = int(result.counts[row].argmax())
        if target != row and result.counts[row, target] > MOSTLY * support[row]:
            yield (Sends(name, (names[target],)),)
    share = result.counts.sum(axis=0) / result.counts.sum()
    predicted = [name for row, name in enumerate(names) if share[row] > PREDICTED]
    if 0 < len(predicted) <= min(len(names) // 2, _MOST_NAMED):
        yield (PredictsOnly(tuple(predicted)),)
