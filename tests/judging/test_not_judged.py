"""What cannot be judged is said to be so; what can is judged at the confidence asked for."""

from __future__ import annotations

import numpy as np
import pytest
from claim_strategies import claims_of, steady
from hypothesis import given, settings
from hypothesis import strategies as st
from made_readouts import ABLATED, dictated, judged, outcome

from interp_checks import Claim, NotJudgedError, Readout, dropping, judge

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


@settings(steady, max_examples=250)
@given(claims_of(st.integers(0, 4).map(str), st.integers(1, 3)), st.integers(1, 60))
def test_any_claim_on_any_images_is_judged_or_said_not_to_be(claim: Claim, images: int) -> None:
    rng = np.random.default_rng(images)
    weight = rng.normal(size=(6, 1 + images % 5))
    features = rng.normal(size=(images, weight.shape[1]))
    readout = Readout(features, rng.integers(0, 6, images), weight, rng.normal(size=6))
    try:
        verdict = judge(claim, readout, rotations=2)
    except NotJudgedError as error:
        assert error.problem  # noqa: PT017
        return
    assert verdict.outcome in ("holds", "fails", "undecided")
    shown = verdict.message(width=10_000)
    deciding = [check for check in verdict.checks if check.outcome == verdict.outcome]
    assert sum(check.finding in shown for check in deciding) >= min(2, len(deciding))
    # Where more than two comparisons decided, see test_a_message_shows_what_decided.
    assert verdict.measured in shown
    assert verdict.as_dict()["claim"] == str(claim)
    assert str(verdict.outcome) in verdict._repr_html_()


def test_a_message_shows_what_decided() -> None:
    # Dead before and after: neither class is killed, for a condition that is not met.
    images = {(0, 2, 2): 100, (1, 2, 2): 100, (2, 2, 2): 9}
    words = f"{ABLATED} kills classes 0 and 1 and keeps accuracy above 90 %"
    verdict = judged(words, dictated(images))
    assert verdict.outcome == "fails"
    assert verdict.measured.startswith("accuracy is 4.3 %")
    assert verdict.measured in verdict.message(width=10_000)


RIVALS = "mostly mistaken for classes 1, 2, 3 and 4: there is no other class to be mistaken for"


@pytest.mark.parametrize("words", [
    f"{ABLATED} mistakes class 0 mostly for classes 1, 2, 3 and 4",
    "class 0 is mostly mistaken for classes 1, 2, 3 and 4",
])  # fmt: skip
def test_a_mistake_without_a_rival_is_not_judged(words: str) -> None:
    with pytest.raises(NotJudgedError) as caught:
        outcome(words, dictated(RIGHT))
    assert str(caught.value).split("\n") == [
        f"class 0 {RIVALS}",
        "  found: classes 0, 1, 2, 3 and 4",
    ]
    assert outcome(words.replace("1, 2, 3 and 4", "1, 2 and 3"), dictated(RIGHT)) == "undecided"
