"""Facts about sets of directions: known answers, and the judge's own words put together."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from claim_strategies import steady
from hypothesis import given, settings
from hypothesis import strategies as st
from made_heads import (
    EITHER,
    LAME,
    RIVAL,
    THIRD,
    TWO_STEPS,
    Row,
    Set,
    ablated,
    crossed,
    head,
    heads,
    only,
    paired,
    subsets,
    together,
)  # fmt: skip
from made_readouts import diagonal, judged, outcome
from naive import predictions, shapley_by_orders

from interp_checks import Claim, Readout
from interp_checks.claims.predicates import (
    AreRedundant,
    FirstAreBest,
    HasLargestShapley,
    IsKillSet,
    IsSufficientSet,
)
from interp_checks.counting.lattice import Lattice
from interp_checks.counting.shapley_by_image import shapley_by_image
from interp_checks.judging.decide import decide, smallest_error

pytestmark = [pytest.mark.slow, pytest.mark.long]


def found(fact: object, readout: Readout) -> str:
    verdict = judged(str(fact), readout)
    assert verdict.message()
    assert verdict.as_dict()["outcome"] == verdict.outcome
    return str(verdict.outcome)


def parts(whole: Set) -> list[Set]:
    return [one for size in range(1, len(whole)) for one in combinations(whole, size)]


# --- known answers ------------------------------------------------------------------------------

KNOWN: list[tuple[tuple[Row, ...], str, str]] = [
    (EITHER, "directions 1 and 2 are a minimal kill set of class 0", "holds"),
    (EITHER, "directions 1 and 2 are the only minimal kill set of class 0", "holds"),
    (EITHER, "direction 1 is a minimal kill set of class 0", "fails"),
    (EITHER, "direction 1 is a minimal sufficient set of class 0", "holds"),
    (EITHER, "directions 1 and 2 are a minimal sufficient set of class 0", "fails"),
    # The bias is enough for class 3, so no direction is needed.
    (EITHER, "direction 4 is a minimal sufficient set of class 3", "fails"),
    (EITHER, "directions 1 and 2 are redundant for class 0", "holds"),
    (EITHER, "dropping more directions revives class 0", "fails"),
    (EITHER, "direction 1 has the largest Shapley value for class 0", "undecided"),
    (EITHER, "direction 3 has the largest Shapley value for class 0", "fails"),
    (EITHER, "the first direction is within 1 point of the best one", "undecided"),
    (EITHER, "the first 2 directions are within 2 points of the best 2", "undecided"),
    (EITHER, "the first 2 directions are within 9 points of the best 2", "holds"),
    (RIVAL, "direction 1 is a minimal kill set of class 0", "holds"),
    # The lowest of eight recalls, in one of three comparisons: (0.025 / 24) ** (1 / n) > 0.95
    # from n = 134 on.
    (RIVAL, "direction 1 is the only minimal kill set of class 0", "undecided"),
    (3 * RIVAL, "direction 1 is the only minimal kill set of class 0", "fails"),
    (RIVAL, "directions 1 and 2 are a minimal kill set of class 0", "fails"),
    (RIVAL, "direction 1 is a minimal sufficient set of class 0", "holds"),
    (RIVAL, "direction 3 is the only minimal kill set of class 2", "holds"),
    (RIVAL, "direction 3 has the largest Shapley value for class 2", "holds"),
    (RIVAL, "the first 2 directions are within 9 points of the best 2", "undecided"),
    (RIVAL, "the first 3 directions are within 9 points of the best 3", "holds"),
    (THIRD, "the first direction is within 30 points of the best one", "fails"),
    (LAME, "direction 3 is a minimal sufficient set of class 2", "fails"),
    (LAME, "dropping more directions revives class 1", "fails"),
    (TWO_STEPS, "dropping more directions revives class 0", "holds"),
]


@pytest.mark.parametrize(("rows", "sentence", "expected"), KNOWN)
def test_heads_made_for_it(rows: tuple[Row, ...], sentence: str, expected: str) -> None:
    assert outcome(sentence, crossed(rows)) == expected


# Two of 16 subsets are looked for, each one-sided at 2.5 % / 16: 1.5625e-3 ** (1 / n) > 0.95.
@pytest.mark.parametrize(("images", "expected"), [(126, "holds"), (125, "undecided")])
def test_a_revival_is_looked_for_among_all_subsets(images: int, expected: str) -> None:
    readout = crossed((true, along, images) for true, along, _ in RIVAL)
    assert outcome("dropping direction 1 kills class 0", readout) == "holds"
    assert outcome("dropping directions 1 and 3 leaves class 0 alive", readout) == "holds"
    verdict = judged("dropping more directions revives class 0", readout)
    assert verdict.outcome == expected
    # With either of the two it is the same.
    assert verdict.measured == "recall of class 0: 0.0 % without 2 and 100.0 % without 2 and 3"


# --- what the judge says of each part -----------------------------------------------------------


def all_say(sentences: list[str], readout: Readout, rest: list[str] | None = None) -> str:
    """What becomes of a claim that makes these comparisons, and one more: the worst of the rest.

    Each holds at the confidence of the claim, and fails as one of so many.
    """
    total = len(sentences) + (rest is not None)
    answers = []
    for words, among in [(words, 1) for words in sentences] + [
        (words, len(rest)) for words in rest or ()
    ]:
        said = outcome(words, readout)
        if said == "fails":
            error = (1 - readout.confidence) / total / among
            said = outcome(words, replace(readout, confidence=1 - error))
        answers.append(said)
    return together(*answers)


@settings(steady, max_examples=12)
@given(heads(rank=4), st.data())
def test_each_fact_is_what_its_parts_say(readout: Readout, data: st.DataObject) -> None:
    count = len(readout.directions)
    own = [name for name in readout.class_names if readout.support[int(name)]]
    name = data.draw(st.sampled_from(own))
    lives = f"keeps recall of class {name} above 5 %"
    dies = f"keeps recall of class {name} below 5 %"
    before = f"recall of class {name} is above 50 %"
    for whole in subsets(count)[1:]:
        kills = [f"{ablated(whole, count)} {dies}", before]
        every = [*kills, *(f"{ablated(part, count)} {lives}" for part in parts(whole))]
        assert found(IsKillSet(whole, name), readout) == all_say(every, readout)
        # Whatever keeps one of them does not kill.
        others = [one for one in subsets(count) if not set(whole) <= set(one)]
        rest = [f"{ablated(one, count)} {lives}" for one in others]
        only_set = IsKillSet(whole, name, only=True)
        assert found(only_set, readout) == all_say(every, readout, rest)
        costs = f"costs more than 10 points of recall of class {name}"
        spares = [f"{only(whole)} spares class {name}", before]
        spares += [f"{only(part)} {costs}" for part in ((), *parts(whole))]
        assert found(IsSufficientSet(whole, name), readout) == all_say(spares, readout)
        if len(whole) == 2:
            stay = [f"{ablated((one,), count)} spares class {name}" for one in whole]
            assert found(AreRedundant(whole, name), readout) == all_say([*kills, *stay], readout)


def revived(readout: Readout, name: str) -> str:
    """Every pair of a set and a larger one, as the judge says of each alone."""
    count = len(readout.directions)
    each = 1 - (1 - readout.confidence) / 2**count
    answers = []
    # That there is none is said of two sets: dead, alive before, and alive.
    for level in (each, 1 - (1 - readout.confidence) / 3):
        at_level = replace(readout, confidence=level)
        dead, alive = (
            {one: outcome(f"{ablated(one, count)} {words}", at_level) for one in subsets(count)}
            for words in (f"kills class {name}", f"leaves class {name} alive")
        )
        pairs = [(some, more) for some in dead for more in alive if some and set(some) < set(more)]
        answers.append([together(dead[some], alive[more]) for some, more in pairs])
    corrected, plain = answers
    if "holds" in corrected:
        return "holds"
    return "undecided" if set(plain) - {"fails"} else "fails"


@settings(steady, max_examples=25)
@given(heads(rank=4), st.data())
def test_more_revives_is_what_its_pairs_say(readout: Readout, data: st.DataObject) -> None:
    own = [name for name in readout.class_names if readout.support[int(name)]]
    name = data.draw(st.sampled_from(own))
    words = f"dropping more directions revives class {name}"
    assert outcome(words, readout) == revived(readout, name)


def test_few_images_leave_a_revival_open() -> None:
    # One of 6 without the first direction: under 5 % or above 50 %, who knows. Then all 6.
    readout = diagonal([(0, (9.0, 0.0), 1), (0, (9.0, 1.0), 5)], bias=(0.1, 0.0))
    verdict = judged("dropping more directions revives class 0", readout)
    assert verdict.outcome == revived(readout, "0") == "undecided"
    assert verdict.measured == "recall of class 0: 16.7 % without 1 and 100.0 % without 1 and 2"


def test_nothing_dropped_kills_nothing() -> None:
    # One of 4 before: under 5 % or above 50 %, who knows. Nothing brings the others back.
    readout = diagonal([(0, (9.0, 0.0), 1), (0, (-9.0, 0.0), 3)], bias=(0.0, 0.1))
    verdict = judged("dropping more directions revives class 0", readout)
    assert verdict.outcome == revived(readout, "0")


def test_a_revival_has_a_smallest_error_among_many_directions() -> None:
    readout, numbers = head(0, 15, 15, 2), np.arange(2**15)
    right = np.zeros((2**15, 15), dtype=int)
    # Without the first direction class 0 is dead, but for the second.
    right[(numbers & 1 > 0) | (numbers & 2 == 0), 0] = 400
    full = np.eye(15, dtype=int)[0] * 400
    vars(readout)["lattice"] = Lattice(right, right, full, full, readout.class_names, 0.95)
    readout.support[0] = 1
    claim = Claim.parse("dropping more directions revives class 0")
    assert decide(claim, readout, 0.95)[0] == "holds"
    assert 0 < smallest_error(claim, readout) < 0.05


# --- the first directions and the best ----------------------------------------------------------


@settings(steady, max_examples=60)
@given(heads(), st.integers(1, 4), st.sampled_from([0, 1, 5, 10, 25, 50]))
def test_the_first_are_compared_with_every_other_set(
    readout: Readout, size: int, points: int
) -> None:
    count = len(readout.directions)
    size = min(size, max(1, count - 1))
    if count < 2:
        return
    first = predictions(readout, tuple(range(1, size + 1))) == readout.labels
    ends = []
    rivals = list(combinations(range(1, count + 1), size))[1:]
    for rival in rivals:
        now = predictions(readout, rival) == readout.labels
        numbers = int((now & ~first).sum()), int((first & ~now).sum()), len(first)
        corrected = 1 - (1 - readout.confidence) / len(rivals)
        low, high = paired(*numbers, corrected)[0], paired(*numbers, readout.confidence)[1]
        ends.append("fails" if low >= points / 100 else "undecided" if high >= points / 100 else "")
    assert found(FirstAreBest(size, points), readout) == together(*ends)


def by_pattern(patterns: dict[tuple[int, ...], int]) -> Readout:
    """Images of the class of the bias, right when only direction k stays where there is a 1."""
    rows = [(3, tuple(2.0 * (not one) for one in ones), n) for ones, n in patterns.items()]
    return diagonal([(true, (*along, -9.0), n) for true, along, n in rows], bias=(0, 0, 0, 1.0))


def test_the_rival_that_is_shown_is_the_one_that_leaves_it_open() -> None:
    # Direction 2 is behind by one image of two; direction 3 by two of forty, which is less sure.
    readout = by_pattern({(1, 1, 1): 23, (1, 0, 1): 1, (1, 1, 0): 21, (0, 0, 1): 19})
    verdict = judged("the first direction is within 10 points of the best one", readout)
    assert verdict.outcome == "undecided"
    assert verdict.deciding.upper >= 0.1


# --- the largest Shapley value ------------------------------------------------------------------


@settings(steady, max_examples=20)
@given(heads(rank=4, images=60))
def test_shapley_values_of_images_are_those_of_the_lattice(readout: Readout) -> None:
    count = len(readout.directions)
    right = {kept: predictions(readout, kept) == readout.labels for kept in subsets(count)}
    values = shapley_by_image(readout, np.arange(len(readout))).values
    for image in range(0, len(readout), 9):

        def worth(players: frozenset[int], image: int = image) -> int:
            return int(right[tuple(sorted(player + 1 for player in players))][image])

        own = [float(value) for value in shapley_by_orders(worth, count)]
        np.testing.assert_allclose(values[:, image], own, atol=1e-12)
    shares = readout.lattice.shapley.astype(float)
    np.testing.assert_allclose(values.mean(axis=1), shares[:, -1], atol=1e-12)
    for row, total in enumerate(readout.support):
        if total:
            own_images = values[:, readout.labels == row].mean(axis=1)
            np.testing.assert_allclose(own_images, shares[:, row], atol=1e-12)


@pytest.mark.parametrize("confidence", [0.6, 0.95])
@pytest.mark.parametrize("seed", range(6))
def test_the_largest_is_found_by_empirical_bernstein_bounds(seed: int, confidence: float) -> None:
    readout = head(seed, 4, 4, 2500, confidence=confidence)
    values = shapley_by_image(readout, np.arange(2500)).values
    for own in range(4):
        verdict, answers = judged(str(HasLargestShapley(own + 1)), readout), []
        lower = {check.expected: check.lower for check in verdict.checks}
        for other in set(range(4)) - {own}:
            gaps = values[own] - values[other]
            # Maurer and Pontil (2009), theorem 4, of values between -1 and 1; to either side.
            # To say that one of three others leads is a search among them.
            logs = [math.log(2 * sides / (1 - confidence)) for sides in (2, 2 * 3)]
            ahead, behind = (
                math.sqrt(2 * np.var(gaps, ddof=1) * log / 2500) + 2 * 7 * log / (3 * 2499)
                for log in logs
            )
            mean = float(np.mean(gaps))
            answers.append("holds" if mean > ahead else "fails" if mean < -behind else "undecided")
            named = lower[f"above that of direction {other + 1}"]
            shown = ahead if mean > 0 else behind
            assert named == pytest.approx(max(-1, mean - shown))
        assert verdict.outcome == together(*answers)


@pytest.mark.parametrize("confidence", [0.95, 0.5])
def test_of_two_equals_neither_is_found_the_largest(confidence: float) -> None:
    """Each image needs one of two directions, at random."""
    rng = np.random.default_rng(0)
    rows = [(0, (9.0, 0, 0), 1), (1, (0, 9.0, 0), 1)]
    plain = diagonal(rows, bias=(0, 0, 1.0), confidence=confidence)
    held = []
    for share in (0.5, 0.5, 0.8):
        count = 0
        for _ in range(100):
            which = (rng.random(300) > share).astype(int)
            readout = replace(plain, features=plain.features[which], labels=which)
            count += (
                outcome("direction 1 has the largest Shapley value for accuracy", readout)
                == "holds"
            )
        held.append(count)
    assert held[0] + held[1] <= 200 * (1 - confidence)
    assert held[2] == 100
