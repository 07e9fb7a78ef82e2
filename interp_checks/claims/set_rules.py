"""How facts about sets of directions are measured, and when they hold.

A set is minimal if it does something and each of its parts does not: all of these comparisons
must hold, so none needs a correction to hold. Where the words say "some set", the search over
sets is corrected for their number; so is it where one of many sets could make a claim fail.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from interp_checks.ablations.ablation import (
    Ablation,
    dropping,
    keeping_first,
    keeping_no_direction,
    keeping_only,
)
from interp_checks.ablations.subsets import MOST_DIRECTIONS, mask_of, members_of, part_has, sizes
from interp_checks.arrays import Array, FloatArray
from interp_checks.counting.argmax import argmax_over
from interp_checks.counting.attribution import shapley_weights
from interp_checks.counting.identifiability import require_identifiable
from interp_checks.counting.lattice import Lattice, sets_in_words
from interp_checks.counting.sweep import predict
from interp_checks.errors import NotJudgedError, TooFewImagesError
from interp_checks.judging.verdict import Check, Outcome
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.estimate import Change, percent
from interp_checks.statistics.levels import corrected, reworded, searched
from interp_checks.thresholds import ALIVE, DEAD, SPARED
from interp_checks.wording import class_words, listed

from . import set_facts
from .rules import Scene

#: Each part of a set is looked at, so sets are at most so large.
_LARGEST_SET = 10
#: Shapley values of single images are computed for at most so many directions.
_MOST_BY_IMAGE = 12
#: Comparisons that a revival rests on: dead, alive before, and alive.
_OF_A_PAIR = 3
#: Sets of one size that are compared with the first directions.
_MOST_SETS = 20_000


def _under(scene: Scene, ablation: Ablation) -> Scene:
    require_identifiable(ablation, scene.readout)
    return Scene(scene.readout, ablation, scene.confidence)


def _recall_when(scene: Scene, ablation: Ablation, name: str, relation: str) -> Check:
    check = _under(scene, ablation).recall(name, relation, DEAD)
    return reworded(check, quantity=f"{check.quantity} when {ablation}")


def _loss_when(scene: Scene, ablation: Ablation, name: str, relation: str) -> Check:
    check = _under(scene, ablation).loss(name, relation, SPARED)
    return reworded(check, quantity=f"{check.quantity} when {ablation}")


def _parts(directions: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Proper parts of a set that are not empty, large ones first.

    Raises:
        NotJudgedError: there are too many.
    """
    if len(directions) > _LARGEST_SET:
        raise NotJudgedError(
            f"each of the {2 ** len(directions):,} parts of a set of {len(directions)} directions "
            "would have to be looked at",
            expected=f"at most {_LARGEST_SET} directions",
        )
    for size in range(len(directions) - 1, 0, -1):
        yield from combinations(directions, size)


def lattice_of(readout: Readout, confidence: float) -> Lattice:
    """All subsets of a readout's directions, with intervals at this confidence.

    Raises:
        NotJudgedError: there are too many directions, or two that cannot be told apart.
    """
    _require_all_identifiable(readout)
    if len(readout.directions) > MOST_DIRECTIONS:
        raise NotJudgedError(
            "this needs all subsets of the directions",
            found=f"{len(readout.directions)} directions",
            expected=f"at most {MOST_DIRECTIONS}",
        )
    return (
        readout.lattice
        if readout.lattice.confidence == confidence
        else replace(readout.lattice, confidence=confidence)
    )


def _require_all_identifiable(readout: Readout) -> None:
    """Every subset means something only if every direction can be told from its neighbour.

    Raises:
        NotJudgedError: two cannot be told apart.
    """
    for number in range(1, len(readout.directions)):
        require_identifiable(keeping_first(number), readout)


def _kill_set(fact: set_facts.IsKillSet, scene: Scene) -> list[Check]:
    checks = [
        _recall_when(scene, dropping(*fact.directions), fact.name, "below"),
        scene.alive_before(fact.name),
    ]
    for part in _parts(fact.directions):
        checks.append(_recall_when(scene, dropping(*part), fact.name, "above"))
    if fact.only:
        checks.append(_nothing_else_kills(fact, scene))
    return checks


def _nothing_else_kills(fact: set_facts.IsKillSet, scene: Scene) -> Check:
    """The lowest recall over all sets of directions that keep at least one of these."""
    lattice = lattice_of(scene.readout, scene.confidence)
    row = scene.row(fact.name)
    numbers = np.arange(len(lattice))
    keeps_one = (numbers & mask_of(fact.directions)) > 0
    mask = int(numbers[keeps_one][lattice.right[keeps_one, row].argmin()])
    which = "it" if len(fact.directions) == 1 else "one of them"
    sets = int(keeps_one.sum())
    lowest = Check.compare(
        f"lowest recall of {class_words((fact.name,))} over the {sets:,} sets that "
        f"keep {which} (here {sets_in_words([members_of(mask)])})",
        lattice.recall(fact.name, members_of(mask)),
        "above",
        DEAD,
        of=f"images of {class_words((fact.name,))}",
        among=int(keeps_one.sum()),
    )
    return searched(lowest, sets, scene.confidence)


def _sufficient_set(fact: set_facts.IsSufficientSet, scene: Scene) -> list[Check]:
    whole = keeping_only(*fact.directions)
    checks = [_loss_when(scene, whole, fact.name, "below"), scene.alive_before(fact.name)]
    for part in _parts(fact.directions):
        checks.append(_loss_when(scene, keeping_only(*part), fact.name, "above"))
    return [*checks, _loss_when(scene, keeping_no_direction(), fact.name, "above")]


def _redundant(fact: set_facts.AreRedundant, scene: Scene) -> list[Check]:
    one, other, both = fact.ablations
    return [
        _recall_when(scene, both, fact.name, "below"),
        scene.alive_before(fact.name),
        _loss_when(scene, one, fact.name, "below"),
        _loss_when(scene, other, fact.name, "below"),
    ]


def shapley_by_image(readout: Readout, images: Array) -> FloatArray:
    """Shapley values of the directions for single images being right, [r, n].

    Their means over the images of a class are the values for its recall.

    Raises:
        NotJudgedError: there are too many directions, or two that cannot be told apart.
    """
    width = len(readout.directions)
    if width > _MOST_BY_IMAGE:
        raise NotJudgedError(
            "Shapley values with an interval over images need every subset for every image",
            found=f"{width} directions",
            expected=f"at most {_MOST_BY_IMAGE}",
            remedy="interp_checks.sample_shapley samples them",
        )
    _require_all_identifiable(readout)
    labels = readout.labels[images]
    coefficients = np.take(readout.coefficients, images, axis=1)
    vectors, bias = readout.directions.classes, readout.bias
    weights = shapley_weights(width)
    values = np.zeros((width, len(labels)))
    for mask in range(1 << width):
        kept = members_of(mask)
        right = argmax_over(coefficients, vectors, bias, kept, readout.tie) == labels
        values += weights[mask][:, None] * right
    return values


def _largest_shapley(fact: set_facts.HasLargestShapley, scene: Scene) -> list[Check]:
    """Against each other direction, the mean difference over images.

    Its interval is the empirical Bernstein bound (Maurer and Pontil, 2009), which needs no
    normal approximation: the difference of two Shapley values of a game with values 0 and 1
    lies between -1 and 1.
    """
    readout, own = scene.readout, fact.direction - 1
    if fact.name is None:
        images, what = np.arange(len(readout)), "accuracy"
    else:
        scene.row(fact.name)
        what = class_words((fact.name,))
        images = np.flatnonzero(readout.labels == readout.class_names.index(fact.name))
    values = shapley_by_image(readout, images)
    if len(values) < 2:
        raise NotJudgedError(f"{fact}: there is nothing to compare with")
    if len(images) < 2:
        raise TooFewImagesError(f"{fact}: one image has no spread", expected="at least two")
    means = values.mean(axis=1)
    others = [other for other in np.argsort(-means, kind="stable") if other != own]

    def against(other: int, level: float) -> Check:
        differences = values[own] - values[other]
        lead = float(differences.mean())
        margin = _bernstein(differences, (1 - level) / 2)
        lower, upper = max(-1.0, lead - margin), min(1.0, lead + margin)
        outcome = Outcome.UNDECIDED
        if lead - margin > 0:
            outcome = Outcome.HOLDS
        elif lead + margin < 0:
            outcome = Outcome.FAILS
        return Check(
            outcome,
            f"Shapley value of direction {fact.direction} for {what}",
            f"above that of direction {other + 1}",
            f"{100 * means[own]:+.1f} points, against {100 * means[other]:+.1f} of direction "
            f"{other + 1} (difference {100 * lead:+.1f} [{100 * lower:+.1f}, "
            f"{100 * upper:+.1f}])",
            lead,
            lower,
            upper,
            len(images),
            leans=lead > 0,
            confidence=level,
            again=partial(against, other),
        )

    return [against(int(other), scene.confidence) for other in others]


def _bernstein(values: FloatArray, error: float) -> float:
    """How far the mean of values of range 2 can be from its expectation, one-sided."""
    images, log = len(values), math.log(2 / error)
    variance = float(values.var(ddof=1))
    return math.sqrt(2 * variance * log / images) + 2 * 7 * log / (3 * (images - 1))


def _first_are_best(fact: set_facts.FirstAreBest, scene: Scene) -> list[Check]:
    """The lead of every other set of this size over the first directions, paired."""
    readout, threshold = scene.readout, fact.points / 100
    keeping_first(fact.count).kept(len(readout.directions))
    others = math.comb(len(readout.directions), fact.count) - 1
    if not 0 < others <= _MOST_SETS:
        many = "many" if others else "few"
        raise NotJudgedError(
            f"{fact}: there are too {many} other sets",
            found=f"{others:,}",
            expected=f"1 to {_MOST_SETS:,}",
        )
    lattice = lattice_of(readout, scene.confidence)
    first = (1 << fact.count) - 1
    numbers = np.flatnonzero(sizes(lattice.directions) == fact.count)
    rivals = numbers[numbers != first]
    right = lattice.right.sum(axis=1)
    rivals = rivals[np.argsort(-right[rivals], kind="stable")]
    images, wrong = len(readout), len(readout) - int(right[first])
    before = predict(readout, keeping_first(fact.count)) == readout.labels
    each = corrected(scene.confidence, len(rivals))

    def lead_of(mask: int) -> Change:
        now = predict(readout, keeping_only(*members_of(mask))) == readout.labels
        gained, lost = int((now & ~before).sum()), int((before & ~now).sum())
        return Change(gained, lost, images, scene.confidence)

    outcome, shown = Outcome.HOLDS, int(rivals[0])
    for mask in rivals:
        lead = int(right[mask] - right[first])
        # With as many gains as there can be, the interval reaches furthest.
        most = min(wrong, (images + lead) // 2)
        if Change(most, most - lead, images, scene.confidence).upper < threshold:
            break
        change = lead_of(int(mask))
        if replace(change, confidence=each).lower >= threshold:
            outcome, shown = Outcome.FAILS, int(mask)
            break
        if change.upper >= threshold and outcome == Outcome.HOLDS:
            outcome, shown = Outcome.UNDECIDED, int(mask)
    change = lead_of(shown)
    if change.lower >= threshold:
        # It is one of many sets that were searched.
        change = replace(change, confidence=each)
    check = Check.compare(
        f"lead in accuracy of another set, {sets_in_words([members_of(shown)])}",
        change,
        "below",
        threshold,
        among=len(rivals),
    )
    ahead, lower, upper = (
        percent(part, 1, [threshold]) for part in (change.value, *change.interval)
    )
    told = (
        f"{ahead} points [{lower}, {upper}] ({change.lost} right "
        f"there alone, {change.gained} right with the first alone, of {images})"
    )
    return [replace(check, outcome=outcome, measured=told, again=None)]


def _more_revives(fact: set_facts.MoreRevives, scene: Scene) -> list[Check]:
    """Some set and a larger one: the class is dead without the first, alive without the second."""
    plain = lattice_of(scene.readout, scene.confidence)
    for name in fact.classes:
        scene.row(name)
    return [_revival(name, plain, scene.confidence) for name in fact.classes]


def _revival(name: str, plain: Lattice, level: float) -> Check:
    """Two sets are searched for among all; that there are none is said of the right two.

    These are dead, alive intact, and alive: three comparisons, each of which may err.
    """
    found = replace(plain, confidence=corrected(level, len(plain)))
    open_ = replace(plain, confidence=corrected(level, _OF_A_PAIR))
    pair = _witness(found.killed(name), found.alive(name))
    outcome = Outcome.HOLDS
    if pair is None:
        pair = _witness(~open_.surely_not_killed(name), ~open_.surely_not_alive(name))
        outcome = Outcome.UNDECIDED if pair is not None else Outcome.FAILS
    told = "no set of directions and larger one do so"
    if pair is not None:
        told = " and ".join(_told(plain, name, mask) for mask in pair)
    return Check(
        outcome,
        "",
        "dead under 5 % when some are dropped, above 50 % when more are",
        f"recall of {class_words((name,))}: {told}",
        again=partial(_revival, name, plain),
    )


def _told(lattice: Lattice, name: str, mask: int) -> str:
    gone = members_of(len(lattice) - 1 - mask)
    recall = lattice.recall(name, members_of(mask))
    return f"{percent(recall.value, 1, (DEAD, ALIVE))} % without {listed(gone)}"


def _witness(dead: Array, alive: Array) -> tuple[int, int] | None:
    """A set that stays while the class is dead, and a part of it that stays while it lives.

    The pair with the fewest directions dropped, then with the fewest dropped more.
    """
    numbers = np.arange(len(dead))
    stays = sizes(len(dead).bit_length() - 1)
    # With nothing dropped, nothing is dead.
    candidates = np.flatnonzero((dead & part_has(alive))[:-1])
    if not len(candidates):
        return None
    mask = int(candidates[stays[candidates].argmax()])
    parts = numbers[((numbers & ~mask) == 0) & (numbers != mask) & alive]
    return mask, int(parts[stays[parts].argmax()])


_RULES: dict[type, Callable[[Any, Scene], list[Check]]] = {
    set_facts.IsKillSet: _kill_set,
    set_facts.IsSufficientSet: _sufficient_set,
    set_facts.AreRedundant: _redundant,
    set_facts.HasLargestShapley: _largest_shapley,
    set_facts.FirstAreBest: _first_are_best,
    set_facts.MoreRevives: _more_revives,
}


def checks_of_set_fact(fact: set_facts.SetFact, scene: Scene) -> tuple[Check, ...]:
    """Measure a fact about sets of directions.

    Raises:
        NotJudgedError: the readout has no such class or direction, or too many directions.
    """
    return tuple(_RULES[type(fact)](fact, scene))
