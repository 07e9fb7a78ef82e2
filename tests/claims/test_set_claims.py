"""Claims about sets of so many directions, on other checkpoints, and along random directions."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from chance_oracle import Cuts, Numbers
from claim_strategies import steady
from hypothesis import given, settings
from hypothesis import strategies as st
from made_heads import RIVAL, ablated, crossed, head, heads, only
from made_matchings import matching
from made_readouts import judged

from interp_checks import (
    Ablation,
    Claim,
    NotJudgedError,
    Readout,
    dropping,
    judge,
    keeping_no_direction,
    keeping_only,
)
from interp_checks.claims.predicates import AreRedundant, FirstAreBest, IsKillSet, IsSufficientSet
from interp_checks.claims.quantified import Quantified
from interp_checks.comparing.alignment import aligned
from interp_checks.judging.chance import Chance, by_chance

# --- some or every set of so many ---------------------------------------------------------------


def test_which_sets_a_quantifier_means() -> None:
    for size in range(2, 5):
        sets = list(combinations(range(1, 5), size))
        dropped = Quantified("some", "dropped", size).members(4)
        assert dropped == tuple(dropping(*one) for one in sets)
        alone = Quantified("every", "alone", size).members(4)
        assert alone == tuple(keeping_only(*one) for one in sets)


@settings(steady, max_examples=10)
@given(heads(rank=4), st.integers(1, 4), st.sampled_from(["kills class {}", "spares class {}"]))
def test_each_set_is_judged_with_the_right_correction(
    readout: Readout, size: int, words: str
) -> None:
    count = len(readout.directions)
    size = min(size, count)
    name = readout.class_names[int(readout.labels[0])]
    sets = list(combinations(range(1, count + 1), size))
    for quantifier, needed in (
        ("some", 1), ("nearly every", math.ceil(0.9 * len(sets))), ("every", len(sets)),
    ):  # fmt: skip
        level = 1 - (1 - readout.confidence) / (len(sets) - needed + 1)
        for over in ("dropped", "alone"):
            said = [ablated(one, count) if over == "dropped" else only(one) for one in sets]
            each = [
                judge(f"{one} {words.format(name)}", readout, confidence=level).outcome
                for one in said
            ]
            held, failed = each.count("holds"), each.count("fails")
            expected = "holds" if held >= needed else "undecided"
            expected = "fails" if len(sets) - failed < needed else expected
            claim = f"{Quantified(quantifier, over, size)} {words.format(name)}"  # type: ignore[arg-type]
            verdict = judged(claim, readout)
            assert verdict.outcome == expected
            assert verdict.checks[0].value == held


# --- another checkpoint's directions, and random ones -------------------------------------------


@pytest.mark.parametrize(("stated", "read_as"), {
    "directions 3 and 4 are a minimal kill set of class 8":
        "directions 3 and 6 are a minimal kill set of class 8",
    "direction 1 is the only minimal kill set of class 8":
        "direction 2 is the only minimal kill set of class 8",
    "directions 4 and 5 are a minimal sufficient set of class 8":
        "directions 4 and 6 are a minimal sufficient set of class 8",
    "directions 1 and 6 are redundant for class 8": "directions 2 and 5 are redundant for class 8",
    "direction 5 has the largest Shapley value for class 8":
        "direction 4 has the largest Shapley value for class 8",
    "the first 2 directions are within 1 point of the best 2":
        "the first 2 directions are within 1 point of the best 2",
    "dropping more directions revives class 8": "dropping more directions revives class 8",
}.items())  # fmt: skip
def test_on_a_checkpoint_with_other_places(stated: str, read_as: str) -> None:
    assert aligned(Claim.parse(stated), matching()) == Claim.parse(read_as)


def test_where_there_is_no_counterpart() -> None:
    gone = matching((2, 1, None, 6, 4, 5))
    for sentence in (
        "directions 3 and 4 are a minimal kill set of class 8",
        "directions 1 and 3 are redundant for class 8",
        "direction 3 has the largest Shapley value for class 8",
    ):
        with pytest.raises(NotJudgedError, match="direction 3 of the reference has no counterpart"):
            aligned(Claim.parse(sentence), gone)
    with pytest.raises(NotJudgedError, match="these are not the first directions any more"):
        aligned(Claim.of(FirstAreBest(4, 1)), matching())


def rate(sentence: str, readout: Readout) -> int:
    chance = by_chance(Claim.parse(sentence), readout, 30)
    assert chance is not None
    judged = judge(sentence, readout, rotations=30).chance
    assert judged == by_chance(Claim.parse(sentence), readout, 30, anywhere=True)
    assert judged is not None
    assert judged.count == chance.count
    return chance.count


def test_chance_of_one_direction_is_that_of_the_plain_claim() -> None:
    rates = []
    for seed in range(4):
        readout = head(seed, 4, 3, 200)
        for name in np.flatnonzero(readout.support):
            # Where the bias alone spares a class, no direction is needed.
            needs = readout.lattice.right[0, name] < 0.8 * readout.lattice.intact[name]
            for one in (1, 2, 3):
                kills = rate(f"dropping direction {one} kills class {name}", readout)
                for which in ("a", "the only"):
                    words = f"direction {one} is {which} minimal kill set of class {name}"
                    assert rate(words, readout) == kills
                spares = rate(f"keeping only direction {one} spares class {name}", readout)
                enough = rate(
                    f"direction {one} is a minimal sufficient set of class {name}", readout
                )
                assert enough == (spares if needs else 0)
                rates += [kills, enough]
            kills = rate(f"dropping directions 1 and 2 kills class {name}", readout)
            assert rate(f"directions 1 and 2 are redundant for class {name}", readout) <= kills
            assert (
                rate(f"directions 1 and 2 are a minimal kill set of class {name}", readout) <= kills
            )
    assert len({*rates} - {0, 30}) > 5


def by_hand(fact: object, cuts: Cuts, index: int) -> bool:
    """Whether a fact holds in the numbers of one cut."""

    def cut(ablation: Ablation) -> Numbers:
        return Numbers(cuts, index, cuts.predicted(ablation)[index])

    assert isinstance(fact, (IsKillSet, IsSufficientSet, AreRedundant))
    name, numbers = int(fact.name), fact.directions
    parts = [part for size in range(1, len(numbers)) for part in combinations(numbers, size)]

    def kills(*dropped: int) -> bool:
        return name in cut(dropping(*dropped)).killed

    if isinstance(fact, AreRedundant):
        each = [name in cut(dropping(one)).spared for one in numbers]
        return kills(*numbers) and all(each)
    if isinstance(fact, IsKillSet):
        return kills(*numbers) and not any(kills(*part) for part in parts)
    enough = [name in cut(keeping_only(*part)).spared for part in (numbers, *parts)]
    return enough[0] and not any(enough[1:]) and name not in cut(keeping_no_direction()).spared


def test_chance_of_sets_is_that_of_a_plain_loop() -> None:
    seen = set()
    for seed in range(3):
        readout = head(seed, 4, 4, 200)
        cuts = Cuts(readout, 20)
        for name in map(str, np.flatnonzero(readout.support)):
            sets = [one for size in (1, 2, 3) for one in combinations(range(1, 5), size)]
            asked: list[object] = [
                kind(one, name) for kind in (IsKillSet, IsSufficientSet) for one in sets
            ]
            asked += [AreRedundant(one, name) for one in combinations(range(1, 5), 2)]
            for fact in asked:
                count = sum(by_hand(fact, cuts, index) for index in range(20))
                assert by_chance(Claim.parse(str(fact)), readout, 20) == Chance(count, 20)
                seen.add((type(fact), count))
    for kind in (IsKillSet, IsSufficientSet, AreRedundant):
        assert len([count for one, count in seen if one is kind and count]) > 2


@pytest.mark.parametrize("sentence", [
    "direction 1 has the largest Shapley value for class 0",
    "the first 2 directions are within 1 point of the best 2",
    "dropping more directions revives class 0",
    "some set of 2 directions, dropped together, kills class 0",
])  # fmt: skip
def test_what_needs_every_subset_has_no_chance(sentence: str) -> None:
    assert by_chance(Claim.parse(sentence), crossed(RIVAL), 5) is None
    assert judge(sentence, crossed(RIVAL), rotations=5).chance is None
