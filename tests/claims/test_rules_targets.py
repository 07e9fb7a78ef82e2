"""Predicates about where images go, and how two ablations compare."""

from __future__ import annotations

import pytest
from made_readouts import ABLATED, dictated, judged, outcome, scipy_interval, side
from scipy.stats import binomtest

#: Every class predicted right, before and after.
RIGHT = {(k, k, k): 100 for k in range(5)}


def says(words: str, images: dict[tuple[int, int, int], int]) -> str:
    return outcome(f"{ABLATED} {words}", dictated(images))


# --- where images go ----------------------------------------------------------------------------


def test_sends_adds_up_its_targets() -> None:
    images = {(0, 0, 1): 40, (0, 0, 2): 40, (0, 0, 3): 20}
    assert says("sends class 0 mostly to classes 1 and 2", images) == "holds"
    assert says("sends class 0 mostly to class 1", images) == "undecided"
    assert says("sends class 0 mostly to class 3", images) == "fails"
    assert says("sends class 0 mostly to class 4", images) == "fails"


@pytest.mark.parametrize(
    ("one", "two"), [(5, 0), (6, 0), (20, 8), (21, 8), (8, 30), (15, 15), (0, 0)]
)
def test_mistakes_is_the_exact_sign_test(one: int, two: int) -> None:
    images = {(0, 0, 0): 50, (0, 0, 1): one, (0, 0, 2): two} | {(k, k, k): 9 for k in (1, 2, 3, 4)}
    # against classes 3 and 4, which nothing is mistaken for, 6 : 0 suffices
    rivals = [(one, two), (one, 0)]
    greater = [binomtest(a, a + b).pvalue if a + b else 1 for a, b in rivals]
    sides = [
        "undecided" if p >= 0.05 else "holds" if a > b else "fails"
        for p, (a, b) in zip(greater, rivals, strict=True)
    ]
    expected = "fails" if "fails" in sides else "undecided" if "undecided" in sides else "holds"
    assert says("mistakes class 0 mostly for class 1", images) == expected


def test_mistakes_names_several_targets_and_the_closest_rival_first() -> None:
    images = RIGHT | {(0, 0, 1): 40, (0, 0, 2): 30, (0, 0, 3): 10, (0, 0, 4): 1}
    verdict = judged(f"{ABLATED} mistakes class 0 mostly for classes 1 and 2", dictated(images))
    assert verdict.outcome == "holds"
    assert len(verdict.checks) == 4
    assert (
        verdict.measured
        == "number of images of class 0 mistaken for class 2 is 30, against 10 for class 3"
    )
    assert says("mistakes class 0 mostly for classes 1 and 3", images) == "fails"


# --- compared with another ablation -------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [(1, 0, "holds"), (1, 1, "fails"), (0, 0, "fails"), (0, 1, "fails")],
)
def test_revives_is_dead_there_and_alive_here(before: int, after: int, expected: str) -> None:
    words = "revives class 0 compared with keeping every direction"
    assert says(words, {(0, before, after): 100}) == expected
    assert says(words, {(0, before, after): 20}) == (
        "undecided" if expected == "holds" else expected
    )


@pytest.mark.parametrize(("differ", "total"), [(0, 72), (0, 71), (10, 300), (40, 300), (3, 300)])
def test_predicts_the_same(differ: int, total: int) -> None:
    images = {(0, 1, 1): total - differ, (0, 1, 2): differ}
    expected = side(*scipy_interval(differ, total), "below", 0.05)
    assert says("predicts the same as keeping every direction", images) == expected
    exactly = "fails" if differ else "holds"
    assert says("predicts exactly the same as keeping every direction", images) == exactly
