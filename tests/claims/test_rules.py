"""Each predicate on readouts whose counts are dictated, around the count where it turns.

``dictated({(true, intact, ablated): images})`` predicts just that. Limits are computed by
hand in the comments: with none of n left, the exact upper bound is 1 - tail ** (1 / n).
"""

from __future__ import annotations

import pytest
from made_readouts import ABLATED, dictated, judged, outcome, scipy_interval, side

#: Every class predicted right, before and after.
RIGHT = {(k, k, k): 100 for k in range(5)}


def says(words: str, images: dict[tuple[int, int, int], int]) -> str:
    return outcome(f"{ABLATED} {words}", dictated(images))


def test_the_dictated_predictions_are_what_they_are_said_to_be() -> None:
    images = {
        (t, p, q): 1 + t + 2 * p + 3 * q for t in range(5) for p in range(5) for q in range(5)
    }
    readout = dictated(images)
    result = readout.dropping(1, 2)
    for true in range(5):
        for other in range(5):
            intact = sum(images[true, other, q] for q in range(5))
            ablated = sum(images[true, p, other] for p in range(5))
            assert result.intact_counts[true, other] == intact
            assert result.counts[true, other] == ablated
        assert result.both_right[true] == images[true, true, true]


# --- kills --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "expected"), [(72, "holds"), (71, "undecided"), (1, "undecided")]
)
def test_kills_needs_enough_images(images: int, expected: str) -> None:
    # 0.025 ** (1 / n) > 0.95 from n = 72 on
    assert says("kills class 0", {(0, 0, 1): images}) == expected


@pytest.mark.parametrize("left", range(41))
def test_kills_compares_the_whole_interval(left: int) -> None:
    expected = side(*scipy_interval(left, 300), "below", 0.05)
    if expected == "fails":
        # It is one of two comparisons.
        expected = side(*scipy_interval(left, 300, 0.975), "below", 0.05)
    assert says("kills class 0", {(0, 0, 0): left, (0, 0, 1): 300 - left}) == expected
    assert (expected == "holds") == (left <= 7)
    assert (expected == "fails") == (left >= 25)


@pytest.mark.parametrize(("alive", "expected"), [(0, "fails"), (50, "undecided"), (65, "holds")])
def test_what_was_dead_before_cannot_be_killed(alive: int, expected: str) -> None:
    assert expected == side(*scipy_interval(alive, 100), "above", 0.5)
    verdict = judged(
        f"{ABLATED} kills class 0", dictated({(0, 0, 1): alive, (0, 1, 1): 100 - alive})
    )
    assert verdict.outcome == expected
    if expected != "holds":
        assert verdict.measured.startswith(f"intact recall of class 0 is {alive}.0 %")
    assert [check.condition for check in verdict.checks] == [False, True]


def test_kills_names_several_classes_and_all_must_die() -> None:
    dead = {(0, 0, 2): 100, (1, 1, 2): 100}
    assert says("kills classes 0 and 1", dead) == "holds"
    assert says("kills classes 0 and 2", dead | {(2, 2, 2): 100}) == "fails"
    assert says("kills classes 0 and 2", dead | {(2, 2, 3): 10}) == "undecided"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "holds"),
        # Kills class 1 too: of six comparisons one fails at 99.17 %, 0.0042 ** (1 / n) > 0.95.
        ({(1, 1, 2): 107}, "fails"),
        ({(1, 1, 2): 106}, "undecided"),
        ({(1, 1, 1): 5, (1, 1, 2): 95}, "undecided"),
        ({(1, 1, 1): 12, (1, 1, 2): 88}, "holds"),  # 12 of 100: lower bound 6.4 %
        ({(1, 3, 2): 100}, "holds"),  # dead before, so not killed
        # Killed, and right before on 51, 49 or 39 of 100, or on 119 or 120 of 200: 120 is surely
        # more than half for one of six comparisons (at 99.17 %), 39 surely less (at 95 %).
        ({(1, 1, 2): 51, (1, 3, 2): 49}, "undecided"),
        ({(1, 1, 2): 119, (1, 3, 2): 81}, "undecided"),
        ({(1, 1, 2): 120, (1, 3, 2): 80}, "fails"),
        ({(1, 1, 2): 49, (1, 3, 2): 51}, "undecided"),
        ({(1, 1, 2): 39, (1, 3, 2): 61}, "holds"),
    ],
)
def test_kills_only(more: dict[tuple[int, int, int], int], expected: str) -> None:
    others = RIGHT if not more else {key: n for key, n in RIGHT.items() if key[0] != 1}
    images = {**others, **more, (0, 0, 0): 0, (0, 0, 4): 100}
    assert says("kills only class 0", images) == expected


# --- how many classes ---------------------------------------------------------------------------


@pytest.mark.parametrize(("images", "expected"), [(104, "holds"), (103, "undecided")])
def test_kills_exactly_corrects_for_looking_at_every_class(images: int, expected: str) -> None:
    # of five classes, each at 99 %: 0.005 ** (1 / n) > 0.95 from n = 104 on
    counts = {**RIGHT, (0, 0, 0): 0, (0, 0, 1): images}
    assert says("kills exactly one class", counts) == expected
    assert says("kills exactly 2 classes", counts) == "fails"


def test_kills_exactly_counts_by_hand() -> None:
    two = {**RIGHT, (0, 0, 0): 0, (0, 0, 2): 200, (1, 1, 1): 0, (1, 1, 2): 200}
    assert [says(f"kills exactly {n} classes", two) for n in range(4)] == [
        "fails",
        "fails",
        "holds",
        "fails",
    ]
    assert says("kills no class", RIGHT) == "holds"
    verdict = judged(f"{ABLATED} kills exactly 2 classes", dictated(two))
    assert verdict.measured == "number of killed classes is 2 (classes 0 and 1)"
    unsure = {**RIGHT, (0, 0, 0): 0, (0, 0, 2): 50}
    assert [says(f"kills exactly {n} classes", unsure) for n in range(3)] == [
        "undecided",
        "undecided",
        "fails",
    ]


def test_predicts_exactly_counts_the_classes_above_one_percent() -> None:
    # one class at 99 % of 500: 2 predictions of 500 are undecided, none are not predicted
    images = {(0, 0, 1): 497, (0, 0, 2): 500}
    assert says("predicts exactly 2 classes", images) == "holds"
    assert says("predicts exactly one class", images) == "fails"
    assert says("predicts exactly 3 classes", images) == "fails"
    assert says("predicts exactly 3 classes", images | {(0, 0, 3): 12}) == "undecided"
    # at 99 % each: 1 - 0.005 ** (1 / n) < 0.01 from n = 528 on, and at 95 % from 368 on
    assert says("predicts exactly one class", {(0, 0, 1): 528}) == "holds"
    assert says("predicts exactly one class", {(0, 0, 1): 527}) == "undecided"


def test_predicts_only() -> None:
    assert says("predicts only class 1", {(0, 0, 1): 368}) == "holds"
    assert says("predicts only class 1", {(0, 0, 1): 367}) == "undecided"
    both = {(0, 0, 1): 300, (2, 2, 3): 300}
    assert says("predicts only classes 1 and 3", both) == "holds"
    assert says("predicts only class 1", both) == "fails"
    assert says("predicts only classes 1, 3 and 4", both) == "fails"


# --- spares, costs: paired ----------------------------------------------------------------------


@pytest.mark.parametrize(("images", "expected"), [(42, "holds"), (41, "undecided")])
def test_spares_needs_enough_images(images: int, expected: str) -> None:
    # half of the error for each discordant share: 0.0125 ** (1 / n) > 0.9 from n = 42 on
    assert says("spares class 0", {(0, 0, 0): images}) == expected


@pytest.mark.parametrize(
    ("lost", "gained"),
    [(0, 0), (5, 0), (10, 0), (20, 0), (40, 0), (80, 0), (40, 40), (0, 60), (60, 20), (90, 10)],
)
@pytest.mark.parametrize(("words", "relation", "threshold"), [
    ("spares class 0", "below", 0.10),
    ("costs less than 20 points of recall of class 0", "below", 0.20),
    ("costs more than 20 points of recall of class 0", "above", 0.20),
])  # fmt: skip
def test_losses_are_paired(
    lost: int, gained: int, words: str, relation: str, threshold: float
) -> None:
    images = {(0, 0, 0): 100, (0, 0, 1): lost, (0, 1, 0): gained, (0, 2, 3): 200 - lost - gained}
    total = sum(images.values())
    one, two = scipy_interval(lost, total, 0.975), scipy_interval(gained, total, 0.975)
    assert says(words, images) == side(one[0] - two[1], one[1] - two[0], relation, threshold)


def test_costs_of_accuracy_is_over_all_classes() -> None:
    images = {**RIGHT, (0, 0, 1): 100}  # 100 of 600 lost: 16.7 points
    assert says("costs less than 25 points of accuracy", images) == "holds"
    assert says("costs more than 10 points of accuracy", images) == "holds"
    assert says("costs less than 10 points of accuracy", images) == "fails"
    assert says("costs less than 16 points of accuracy", images) == "undecided"
    assert says("costs less than 25 points of recall of class 0", images) == "fails"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("kills class 0 and spares every other class", "holds"),
        ("kills class 0 and spares every class", "fails"),
        ("kills exactly one class and spares every other class", "holds"),
        ("kills no class and spares every other class", "fails"),
        ("spares every class", "fails"),
        ("sends class 0 mostly to class 1 and spares every other class", "holds"),
        ("sends class 0 mostly to class 2 and spares every other class", "fails"),
        ("keeps recall of class 0 below 50 % and spares every other class", "holds"),
        ("keeps recall of class 2 above 50 % and spares every other class", "fails"),
        ("spares class 1 and spares every other class", "fails"),
        ("spares classes 1, 2, 3 and 4", "holds"),
    ],
)
def test_every_other_class_is_every_class_not_named(words: str, expected: str) -> None:
    assert says(words, {**RIGHT, (0, 0, 0): 0, (0, 0, 1): 150}) == expected


# --- recall and accuracy ------------------------------------------------------------------------


def test_leaves_alive() -> None:
    # 0.025 ** (1 / n) > 0.5 from n = 6 on
    assert says("leaves class 0 alive", {(0, 0, 0): 6}) == "holds"
    assert says("leaves class 0 alive", {(0, 0, 0): 5}) == "undecided"
    assert says("leaves class 0 alive", {(0, 0, 1): 6}) == "fails"
    assert says("leaves every class alive", RIGHT) == "holds"
    assert says("leaves every class alive", {**RIGHT, (3, 3, 4): 300}) == "fails"
    assert says("leaves only class 0 alive", RIGHT) == "fails"
    alone = {(0, 0, 0): 100} | {(k, k, 0): 100 for k in range(1, 5)}
    assert says("leaves only class 0 alive", alone) == "holds"
    assert says("leaves only classes 0 and 1 alive", alone) == "fails"
    assert says("leaves only class 0 alive", alone | {(2, 2, 2): 90}) == "undecided"


@pytest.mark.parametrize("right", [0, 30, 45, 50, 55, 70, 100])
@pytest.mark.parametrize("relation", ["above", "below"])
@pytest.mark.parametrize("what", ["accuracy", "recall of class 0", "recall of classes 0 and 1"])
def test_keeps(right: int, relation: str, what: str) -> None:
    images = {(k, k, q): n for k in (0, 1) for q, n in ((k, right), (4, 100 - right))}
    count, total = (2 * right, 200) if what == "accuracy" else (right, 100)
    expected = side(*scipy_interval(count, total), relation, 0.5)
    assert says(f"keeps {what} {relation} 50 %", images) == expected


def test_recall_is_no_accuracy_in_disguise() -> None:
    images = {(0, 0, 0): 1000, (1, 1, 0): 100}
    assert says("keeps accuracy above 80 %", images) == "holds"
    assert says("keeps recall of class 1 above 80 %", images) == "fails"
