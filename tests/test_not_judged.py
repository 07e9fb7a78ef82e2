"""What cannot be judged is said to be so; what can is judged at the confidence asked for."""

from __future__ import annotations

import numpy as np
import pytest
from made_readouts import ABLATED, dictated, outcome

from interp_checks import Claim, NotJudgedError, dropping, judge

#: Every class predicted right, before and after.
RIGHT = {(k, k, k): 100 for k in range(5)}


def says(words: str, images: dict[tuple[int, int, int], int]) -> str:
    return outcome(f"{ABLATED} {words}", dictated(images))


ABOUT_A_CLASS = [
    "kills class {}",
    "kills only class {}",
    "spares class {}",
    "leaves class {} alive",
    "keeps recall of class {} above 9 %",
    "costs less than 9 points of recall of class {}",
    "sends class {} mostly to class 0",
    "mistakes class {} mostly for class 0",
    "revives class {} compared with keeping no direction",
]


@pytest.mark.parametrize(
    "words", [*ABOUT_A_CLASS, "predicts only class {}", "sends class 0 mostly to class {}"]
)
def test_an_unknown_class_is_not_judged(words: str) -> None:
    with pytest.raises(NotJudgedError) as caught:
        says(words.format('"cat"'), RIGHT)
    assert str(caught.value).split("\n") == [
        'there is no class "cat"',
        "  found: classes 0, 1, 2, 3 and 4",
    ]


@pytest.mark.parametrize("words", [*ABOUT_A_CLASS, "kills exactly one class", "spares every class"])
def test_a_class_without_images_is_not_judged(words: str) -> None:
    images = {key: count for key, count in RIGHT.items() if key[0] != 3}
    with pytest.raises(NotJudgedError) as caught:
        says(words.format(3), images)
    assert str(caught.value).split("\n") == [
        "no image belongs to class 3",
        "  expected: at least one, to measure its recall",
    ]


def test_a_direction_that_does_not_exist_is_not_judged() -> None:
    for claim in (dropping(6).kills(0), dropping(5).revives(0, compared_with=dropping(6))):
        with pytest.raises(NotJudgedError, match="there is no direction 6"):
            judge(claim, dictated(RIGHT))


def test_a_claim_holds_only_if_all_it_says_holds() -> None:
    good, unsure, bad = "kills class 0", "leaves class 1 alive", "kills class 2"
    images = {(0, 0, 4): 100, (1, 1, 1): 5, (2, 2, 2): 100, (4, 4, 4): 9}
    assert [says(words, images) for words in (good, unsure, bad)] == ["holds", "undecided", "fails"]
    for words, expected in (
        (f"{good} and {good}", "holds"),
        (f"{good} and {unsure}", "undecided"),
        (f"{unsure} and {bad} and {good}", "fails"),
    ):
        assert says(words, images) == expected


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_the_confidence_asked_for_is_the_one_used(confidence: float) -> None:
    needed = int(np.ceil(np.log((1 - confidence) / 2) / np.log(0.95)))
    claim = Claim.parse(f"{ABLATED} kills class 0")
    for images, expected in ((needed, "holds"), (needed - 1, "undecided")):
        readout = dictated({(0, 0, 1): images})
        verdict = judge(claim, readout, confidence=confidence)
        assert (verdict.outcome, verdict.confidence) == (expected, confidence)
        assert (
            judge(claim, dictated({(0, 0, 1): images}, confidence=confidence)).outcome == expected
        )
