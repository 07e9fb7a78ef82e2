"""Claims about the part that matters most, known by its role and not by its number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from claim_strategies import steady
from hypothesis import given, settings
from hypothesis import strategies as st
from made_heads import head
from made_readouts import judged, outcome
from naive import interval

from interp_checks import (
    Claim,
    InterpChecksError,
    NotJudgedError,
    Readout,
    direction_that_matters_most,
    dropping,
    judge,
    keeping_only,
)
from interp_checks.claims.quantified import Quantified
from interp_checks.judging.leading import _Rivals
from interp_checks.statistics.intervals import exact_ends, exact_interval


def right_without(readout: Readout, number: int | None, name: str | None) -> np.ndarray:
    """Which images (of a class) are right with one direction dropped: the definition, in numpy."""
    left, values, hidden = np.linalg.svd(readout.weight, full_matrices=False)
    stays = np.ones(len(values), dtype=bool)
    if number is not None:
        stays[number - 1] = False
    weight = (left * (values * stays)) @ hidden
    logits = readout.features.astype(float) @ weight.T + readout.bias
    of_class = np.ones(len(readout), dtype=bool)
    if name is not None:
        of_class = readout.labels == readout.class_names.index(name)
    return (logits.argmax(axis=1) == readout.labels)[of_class]


def not_beaten(readout: Readout, name: str | None, confidence: float) -> set[int]:
    """Directions of which no rival's absence costs surely more, pair by pair."""
    count = len(readout.directions)
    right = {number: right_without(readout, number, name) for number in range(1, count + 1)}
    error = (1 - confidence) / max(1, count - 1) / 2
    best = min(right, key=lambda number: (right[number].sum(), number))
    left = {best}
    for number, own in right.items():
        lost = int((own & ~right[best]).sum())
        gained = int((~own & right[best]).sum())
        low = interval(lost, len(own), 1 - error)[0] - interval(gained, len(own), 1 - error)[1]
        if low <= 0:
            left.add(number)
    return left


@settings(steady, max_examples=60)
@given(st.integers(0, 10**6), st.integers(3, 7), st.integers(20, 600), st.booleans())
def test_those_that_could_lead_are_those_that_no_other_surely_beats(
    seed: int, classes: int, images: int, of_class: bool
) -> None:
    readout = head(seed, classes, classes + 1, images)
    names = [name for name, many in zip(readout.class_names, readout.support, strict=True) if many]
    name = names[0] if of_class else None
    condition = direction_that_matters_most(name)
    dropped = condition.members(readout.directions)
    rivals = _Rivals(condition, dropped, readout, 0.95)
    found = {place + 1 for place in rivals.that_could_lead()}
    assert found == not_beaten(readout, name, 0.95)
    for place in range(len(dropped)):
        count = int(right_without(readout, place + 1, name).sum())
        assert rivals.least[place] == rivals.most[place] == count


@settings(steady, max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from([60, 400]))
def test_it_holds_or_fails_for_all_that_could_lead(seed: int, images: int) -> None:
    readout = head(seed, 5, 6, images)
    name = readout.class_names[int(readout.support.argmax())]
    for said in (
        f"kills class {name}",
        "keeps accuracy above 70 %",
        "costs more than 5 points of accuracy",
    ):
        verdict = judged(
            f"dropping the direction that matters most for class {name} {said}", readout
        )
        each = {
            str(judge(f"dropping direction {number} {said}", readout, confidence=0.975).outcome)
            for number in not_beaten(readout, name, 0.975)
        }
        assert str(verdict.outcome) == (each.pop() if len(each) == 1 else "undecided")


def two_alike(images: int) -> Readout:
    """Two directions carry a class each; the classes are alike in every other way."""
    weight = np.diag([2.0, 1.5, 1.0])
    labels = np.repeat([0, 1, 2], images)
    return Readout(9 * np.eye(3)[labels], labels, weight, (0.0, 0.0, 0.1))


def test_of_two_that_matter_alike_neither_is_the_one() -> None:
    readout = two_alike(300)
    (identified, *each) = judged(
        "dropping the direction that matters most kills class 0", readout
    ).checks
    assert identified.measured.startswith("one of 2, by accuracy without it: direction 1 (66.7 %)")
    assert [str(check.outcome) for check in each] == ["holds", "fails"]
    assert outcome("dropping the direction that matters most kills class 0", readout) == "undecided"
    # What is so for every one of them is so for the one that matters.
    for said, expected in (
        ("kills exactly 1 class", "holds"),
        ("keeps accuracy above 50 %", "holds"),
        ("keeps accuracy above 80 %", "fails"),
    ):
        assert outcome(f"dropping the direction that matters most {said}", readout) == expected


def test_for_a_class_its_own_direction_matters() -> None:
    readout = two_alike(300)
    for name in "01":
        number = int(name) + 1
        verdict = judged(
            f"dropping the direction that matters most for class {name} kills class {name} and "
            "spares every other class",
            readout,
        )
        assert str(verdict.outcome) == "holds"
        assert verdict.ablations == (dropping(number),)
        assert (
            verdict.checks[0].measured
            == f"direction {number}; without it recall of class {name} is 0.0 %"
        )
        alone = judged(
            f"keeping only the direction that matters most for class {name} "
            f"leaves only class {name} alive",
            readout,
        )
        assert alone.ablations == (keeping_only(number),)


def test_what_it_is_is_told_first_where_the_claim_fails() -> None:
    verdict = judged(
        "dropping the direction that matters most for class 0 kills class 1", two_alike(300)
    )
    assert str(verdict.outcome) == "fails"
    assert verdict.context[0] == (
        "the direction that matters most for class 0 is direction 1; "
        "without it recall of class 0 is 0.0 %"
    )
    assert "class 0" in verdict.context[1] or "class 1" in verdict.context[1]


def near_twins(carried: float) -> Readout:
    """The first direction carries class 0; the last two nearly coincide and carry ``carried``."""
    weight = np.diag([3.0, 1.0, 1.0, 0.3])
    labels = np.repeat([0, 1, 2, 3], 200)
    features = np.zeros((800, 4))
    features[labels == 0, 0] = 9
    features[labels == 1, 1] = carried
    features[labels == 2, 2] = carried
    return Readout(features, labels, weight, (0.0, 0.2, 0.2, 0.1))


def test_directions_that_nearly_coincide_are_compared_by_their_bounds() -> None:
    readout = near_twins(0.05)
    # Whichever vector of their plane goes, class 0 stays.
    verdict = judged("dropping the direction that matters most for class 0 kills class 0", readout)
    assert str(verdict.outcome) == "holds"
    assert verdict.ablations == (dropping(1),)
    verdict = judged("dropping the direction that matters most for class 1 kills class 1", readout)
    assert str(verdict.outcome) == "undecided"
    assert "one of 4, by recall of class 1 without it: direction 2 (0.0 to " in verdict.context[0]


@pytest.mark.parametrize("between", [0, 1, 7, 40, 200])
def test_ends_of_all_counts_at_once_are_those_of_each(between: int) -> None:
    total, shared = 200, 1 - 0.0125
    low, high = exact_ends(total, shared)
    for count in (0, between, total):
        assert (low[count], high[count]) == pytest.approx(exact_interval(count, total, shared))


def test_a_class_that_is_missing_or_a_direction_that_is() -> None:
    readout = two_alike(30)
    for sentence, problem in (
        (
            "dropping the direction that matters most for class 9 kills class 0",
            "there is no class 9",
        ),
        ("dropping the direction of the first 20 that matters most kills class 0", "no first 20"),
        ("some direction of the last 4, dropped alone, kills class 0", "no last 4 directions"),
    ):
        with pytest.raises(NotJudgedError, match=problem):
            judged(sentence, readout)
    few = replace(readout, labels=np.where(readout.labels == 2, 1, readout.labels))
    with pytest.raises(NotJudgedError, match="no image belongs to class 2"):
        judged("dropping the direction that matters most for class 2 kills class 0", few)


def test_only_parts_among_some_are_looked_at() -> None:
    readout = two_alike(300)
    for among, expected in (("first 1", "holds"), ("last 2", "fails")):
        sentence = f"some direction of the {among}, dropped alone, kills class 0"
        assert outcome(sentence, readout) == expected
    members = Claim.parse("every set of 2 directions of the last 3 alone spares class 0").condition
    assert isinstance(members, Quantified)
    assert [member.indices for member in members.members(5)] == [(3, 4), (3, 5), (4, 5)]
    units = Claim.parse("some unit of the first 2, dropped alone, kills class 0").condition
    assert isinstance(units, Quantified)
    assert [member.indices for member in units.members(5)] == [(1,), (2,)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"over": "ablation"}, "a single part"),
        ({"over": "dropped", "size": 2}, "a single part"),
        ({"over": "dropped", "among": ("first", 0)}, "not a number to count with"),
        ({"over": "dropped", "among": ("middle", 3)}, "first"),
        ({"quantifier": "some", "over": "dropped", "for_class": "8"}, "no class for which"),
        ({"quantifier": "some", "over": "ablation", "among": ("first", 3)}, "among"),
        ({"quantifier": "some", "over": "dropped", "size": 3, "among": ("first", 2)}, "at least 3"),
    ],
)
def test_what_has_no_meaning_is_refused(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(InterpChecksError, match=words):
        Quantified(**{"quantifier": "the leading", **arguments})  # type: ignore[arg-type]


def test_other_ways_to_say_it_become_one() -> None:
    said = direction_that_matters_most("cat").kills("cat")
    assert str(
        said
    ) == "dropping the direction that matters most for class cat kills class cat" or (
        str(said) == 'dropping the direction that matters most for class "cat" kills class "cat"'
    )
    for sentence in (
        'the direction that matters most for class "cat", dropped alone, kills class "cat"',
        'dropping the direction that matters most for class "cat" kills class "cat"',
    ):
        assert Claim.parse(sentence) == said
    beside = (
        "keeping only the direction that matters most with the means of the others kills class 8"
    )
    assert str(Claim.parse(beside)) == beside
