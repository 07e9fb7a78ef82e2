"""How each plain fact about the intact model is measured, and when it holds.

Facts about weights alone are exact: they hold or fail. Facts about images are judged on
intervals, like the predicates in :mod:`interp_checks.claims.rules`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from interp_checks.ablations.ablation import keeping_first
from interp_checks.ablations.directions import row_cosines
from interp_checks.arrays import FloatArray
from interp_checks.errors import NotJudgedError, TooFewImagesError
from interp_checks.judging.verdict import Check, Outcome
from interp_checks.statistics.estimate import Estimate, Lead, percent
from interp_checks.statistics.means import Measured, ratio_of
from interp_checks.statistics.sample_size import MOST, Needs
from interp_checks.thresholds import ABOUT, ORTHOGONAL, PRINCIPAL
from interp_checks.wording import class_words, listed, percent_words

from . import facts
from .drawing_facts import DRAWING_FACTS
from .rules import Scene, commonest_mistakes
from .set_facts import SET_FACTS

#: Below this nothing can be said about a ratio of variances.
_FEWEST_IMAGES = 30


def _is(fact: facts.Is, scene: Scene) -> list[Check]:
    names = scene.classes if fact.every else fact.classes
    threshold = fact.percent / 100
    if names:
        return [scene.recall(name, fact.relation, threshold) for name in names]
    return [scene.accuracy(fact.relation, threshold)]


def _extreme_recall(fact: facts.HasExtremeRecall, scene: Scene) -> list[Check]:
    """Against each other class, Fisher's exact test of two proportions, one-sided.

    The claim holds if every other class differs in the claimed sense; it fails if any one
    differs in the other sense.
    """
    scene.row(fact.name)
    own = scene.result.recall[fact.name]
    others = {name: scene.result.recall[name] for name in scene.others((fact.name,))}
    for name in others:
        scene.row(name)
    if not others:
        raise NotJudgedError("there is one class only, so none has the lowest recall")
    sign = 1 if fact.extreme == "lowest" else -1
    word = "below" if sign > 0 else "above"

    def against(name: str, level: float) -> Check:
        mine, other, tail = replace(own, confidence=level), others[name], (1 - level) / 2
        pair = (own.count, own.total, other.count, other.total)
        smaller, larger = _fisher(*pair), _fisher(*pair[2:], *pair[:2])
        wanted, opposite = (smaller, larger) if sign > 0 else (larger, smaller)
        outcome = Outcome.UNDECIDED
        if wanted < tail:
            outcome = Outcome.HOLDS
        elif opposite < tail:
            outcome = Outcome.FAILS
        return Check(
            outcome,
            f"recall of {class_words((fact.name,))}",
            f"{word} that of {class_words((name,))}",
            f"{mine.beside(other.value)}, against {percent(other.value, 1, [own.value])} % of "
            f"{class_words((name,))}",
            mine.value,
            mine.lower,
            mine.upper,
            mine.total,
            more=_more_to_order(own, other, tail),
            leans=sign * (own.value - other.value) < 0,
            confidence=level,
            again=partial(against, name),
            estimate=Lead(mine, replace(other, confidence=level), level),
        )

    ordered = sorted(others, key=lambda name: sign * others[name].value)
    return [against(name, scene.confidence) for name in ordered]


def _more_to_order(own: Estimate, other: Estimate, error: float) -> Callable[[], Needs]:
    """How many more images of each class would tell two recalls apart (normal approximation)."""

    def more() -> Needs:
        difference = own.value - other.value
        if not difference:
            return {"images of each class": None}
        variance = own.value * (1 - own.value) + other.value * (1 - other.value)
        total = round(variance * (_normal_quantile(1 - error) / difference) ** 2)
        needed = max(1, total - min(own.total, other.total))
        return {"images of each class": needed if needed <= MOST else None}

    return more


def _fisher(count: int, total: int, other_count: int, other_total: int) -> float:
    """One-sided p-value of Fisher's exact test that the first proportion is not smaller."""
    right, images = count + other_count, total + other_total
    lowest = max(0, right - other_total)

    def chosen(items: int, of: int) -> float:
        return math.lgamma(of + 1) - math.lgamma(items + 1) - math.lgamma(of - items + 1)

    whole = chosen(right, images)
    terms = (
        math.exp(chosen(k, total) + chosen(right - k, other_total) - whole)
        for k in range(lowest, count + 1)
    )
    return min(1.0, math.fsum(terms))


def _mistaken(fact: facts.IsMistakenFor, scene: Scene) -> list[Check]:
    return commonest_mistakes(scene, fact.source, fact.targets)


def _bias(fact: facts.Bias, scene: Scene) -> list[Check]:
    """Above or below the mean of the biases: a constant added to all of them changes nothing."""
    bias = scene.readout.bias
    centred = bias - bias.mean()
    # Equal biases differ from their mean by rounding.
    centred[np.abs(centred) <= 1e-12 * np.abs(bias).max()] = 0.0
    signed = centred if fact.verb == "favours" else -centred
    rows = []
    for name in fact.classes:
        if name not in scene.classes:
            scene.row(name)
        rows.append(scene.classes.index(name))
    checks = []
    for row in rows:
        holds, expected = bool(signed[row] > 0), "positive" if signed is centred else "negative"
        if fact.most:
            rest = np.delete(signed, rows)
            holds = holds and bool(signed[row] > rest.max(initial=-np.inf))
            expected += ", more than of every class not named"
        checks.append(
            Check.exact(
                f"bias of {class_words((scene.classes[row],))} relative to the mean",
                expected,
                f"{centred[row]:+.2f}",
                holds,
            )
        )
    return checks


def _directions_carry(fact: facts.DirectionsCarry, scene: Scene) -> list[Check]:
    """A ratio of means over images; see :mod:`interp_checks.statistics.means`."""
    readout = scene.readout
    if fact.count > len(readout.directions):
        keeping_first(fact.count).kept(len(readout.directions))
    coefficients = readout.coefficients
    squares = (coefficients - coefficients.mean(axis=1, keepdims=True)) ** 2
    part, whole = squares[: fact.count].sum(axis=0), squares.sum(axis=0)
    if len(whole) < _FEWEST_IMAGES:
        raise TooFewImagesError(
            "the variance of the logits needs more images",
            found=f"{len(whole)} images",
            expected=f"at least {_FEWEST_IMAGES}",
        )
    if not (whole > (1e-12 * np.abs(coefficients).max()) ** 2).any():
        raise TooFewImagesError("the logits do not vary over the images")
    measured = ratio_of(part, whole, scene.confidence, most=1.0)
    share, lower, upper = measured.value, measured.lower, measured.upper
    claimed = fact.percent / 100
    low, high = {
        "at least": (claimed, math.inf),
        "at most": (-math.inf, claimed),
        "about": (claimed - ABOUT, claimed + ABOUT),
    }[fact.relation]
    outcome = Outcome.UNDECIDED
    if low <= lower and upper <= high:
        outcome = Outcome.HOLDS
    elif upper < low or high < lower:
        outcome = Outcome.FAILS
    told = [percent(part, 1, (claimed, low, high)) for part in (share, lower, upper)]
    within = f" (within {100 * ABOUT:g} points)" if fact.relation == "about" else ""
    return [
        Check(
            outcome,
            "variance of the logits along the first "
            + ("direction" if fact.count == 1 else f"{fact.count} directions"),
            f"{fact.relation} {percent_words(fact.percent)}{within}",
            f"{told[0]} % [{told[1]}, {told[2]}] ({measured.images})",
            share,
            lower,
            upper,
            len(whole),
            leans=low <= share <= high,
            more=None if measured.too_few else _more_for_share(measured, (low, high)),
            confidence=scene.confidence,
        )
    ]


def _more_for_share(measured: Measured, bounds: tuple[float, float]) -> Callable[[], Needs]:
    """How many more images would shrink the interval until no bound lies inside it."""
    share, total = measured.value, measured.total

    def more() -> Needs:
        bound = min(filter(math.isfinite, bounds), key=lambda bound: abs(share - bound))
        distance = abs(share - bound)
        if not distance:
            return {"images": None}
        wanted = round(total * (measured.reach(bound) / distance) ** 2)
        return {"images": max(1, wanted - total) if wanted <= MOST else None}

    return more


def _normal_quantile(probability: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(probability)


def _principal(fact: facts.PrincipalDirections, scene: Scene) -> list[Check]:
    found = scene.readout.directions.principal(PRINCIPAL)
    energy = scene.readout.directions.energy[:found].sum()
    return [
        Check.exact(
            f"number of directions for {100 * PRINCIPAL:g} % of the squared singular values",
            f"exactly {fact.count}",
            f"{found} (they carry {percent(float(energy), 1, [PRINCIPAL])} %)",
            found == fact.count,
        )
    ]


def _cosines(scene: Scene) -> FloatArray:
    return row_cosines(scene.readout.gauged_weight)


def _cosine(scene: Scene, row: int, others: tuple[int, ...]) -> FloatArray:
    cosines = _cosines(scene)
    for number in (row, *others):
        if not 1 <= number <= len(cosines):
            raise NotJudgedError(
                f"there is no weight row {number}", found=f"{len(cosines)} hidden units"
            )
    return np.asarray(cosines[row - 1, [number - 1 for number in others]])


def _row_orthogonal_to(fact: facts.RowOrthogonalTo, scene: Scene) -> list[Check]:
    return [
        Check.exact(
            f"cosine of weight rows {fact.row} and {other}",
            f"within ±{ORTHOGONAL:g}",
            f"{cosine:+.4f}",
            bool(abs(cosine) < ORTHOGONAL),
        )
        for other, cosine in zip(fact.others, _cosine(scene, fact.row, fact.others), strict=True)
    ]


def _row_orthogonal_to_none(fact: facts.RowOrthogonalToNone, scene: Scene) -> list[Check]:
    _cosine(scene, fact.row, ())
    nearly = np.abs(_cosines(scene)) < ORTHOGONAL
    np.fill_diagonal(nearly, False)
    partners = [int(other) + 1 for other in nearly[fact.row - 1].nonzero()[0]]
    checks = [
        Check.exact(
            f"number of rows nearly orthogonal to weight row {fact.row}",
            "none",
            f"{len(partners)}" + (f" ({_rows(partners)})" if partners else ""),
            not partners,
        )
    ]
    if fact.only:
        alike = [int(row) + 1 for row in (~nearly.any(axis=1)).nonzero()[0] if row != fact.row - 1]
        checks.append(
            Check.exact(
                "number of other rows that are nearly orthogonal to no row",
                "none",
                f"{len(alike)}" + (f" ({_rows(alike)})" if alike else ""),
                not alike,
            )
        )
    return checks


def _rows(numbers: list[int]) -> str:
    return f"{'row' if len(numbers) == 1 else 'rows'} {listed(numbers)}"


def _pairs(scene: Scene) -> FloatArray:
    cosines = _cosines(scene)
    if len(cosines) < 2:
        raise NotJudgedError("there is one weight row only, so no pair of them")
    return np.asarray(cosines[np.triu_indices(len(cosines), 1)])


def _orthogonal_pairs(fact: facts.NearlyOrthogonalPairs, scene: Scene) -> list[Check]:
    nearly = np.abs(_pairs(scene)) < ORTHOGONAL
    return [
        Check.exact(
            "share of pairs of weight rows that are nearly orthogonal",
            f"at least {percent_words(fact.percent)}",
            f"{percent(float(nearly.mean()), 1, [fact.percent / 100])} % "
            f"({int(nearly.sum())} of {nearly.size})",
            bool(100 * int(nearly.sum()) >= fact.percent * nearly.size),
        )
    ]


def _oblique(_: facts.MostRowsOblique, scene: Scene) -> list[Check]:
    apart = _pairs(scene) < -1e-12
    return [
        Check.exact(
            "share of pairs of weight rows more than 90 degrees apart",
            "more than 50 %",
            f"{percent(float(apart.mean()), 1, [0.5])} % ({int(apart.sum())} of {apart.size})",
            bool(apart.mean() > 0.5),
        )
    ]


_RULES: dict[type, Callable[[Any, Scene], list[Check]]] = {
    facts.Is: _is,
    facts.HasExtremeRecall: _extreme_recall,
    facts.IsMistakenFor: _mistaken,
    facts.Bias: _bias,
    facts.DirectionsCarry: _directions_carry,
    facts.PrincipalDirections: _principal,
    facts.RowOrthogonalTo: _row_orthogonal_to,
    facts.RowOrthogonalToNone: _row_orthogonal_to_none,
    facts.NearlyOrthogonalPairs: _orthogonal_pairs,
    facts.MostRowsOblique: _oblique,
}


def checks_of_fact(fact: facts.Fact, scene: Scene) -> tuple[Check, ...]:
    """Measure a fact about the intact model.

    Raises:
        NotJudgedError: the readout has no such class, direction or row.
    """
    if isinstance(fact, SET_FACTS):
        from .set_rules import checks_of_set_fact

        return checks_of_set_fact(fact, scene)
    if isinstance(fact, DRAWING_FACTS):
        from .drawing_rules import checks_of_drawing_fact

        return checks_of_drawing_fact(fact, scene)
    return tuple(_RULES[type(fact)](fact, scene))
