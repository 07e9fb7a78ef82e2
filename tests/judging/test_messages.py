"""What a reader is told about a verdict, line by line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_readouts import ABLATED, diagonal, dictated, judged

from interp_checks import Claim, Readout, Verdict, dropping, judge, load_snapshot
from interp_checks.judging.chance import Chance
from interp_fixtures.reference_files import snapshot_file

#: Of a hundred images per class: class 0 is killed, class 1 is halved, class 2 keeps three.
IMAGES = {
    (0, 0, 4): 100,
    (1, 1, 1): 55,
    (1, 1, 3): 30,
    (1, 1, 4): 14,
    (1, 2, 0): 1,
    (2, 2, 2): 3,
    (2, 2, 3): 97,
    (3, 3, 3): 100,
    (4, 4, 4): 100,
}


def told(sentence: str, width: int = 79) -> list[str]:
    return judged(sentence, dictated(IMAGES)).message(width).split("\n")


@pytest.fixture(scope="module")
def mnist() -> Readout:
    return load_snapshot(snapshot_file("mnist"))


@pytest.fixture(scope="module")
def of_its_own() -> Readout:
    """Each class is read by its own direction; with nothing left, class 3 it is."""
    logits = 9 * np.eye(4)
    return diagonal([(k, tuple(logits[k]), 200) for k in range(4)], bias=(0, 0, 0, 1.0))


# --- line by line -------------------------------------------------------------------------------


def test_a_claim_that_fails() -> None:
    assert told(f"{ABLATED} kills classes 0 and 1") == [
        "claim     dropping directions 1 and 2 kills classes 0 and 1",
        "verdict   fails, at 95 % confidence",
        "measured  recall of class 1 is 55.0 % [42.1, 67.5; at 98.75 %] (55 of 100)",
        "claimed   below 5 %",
        "because   images of class 1 are predicted as class 1 (55.0 %), class 3 (30.0 %)",
        "          and class 4 (14.0 %)",
        "          images of class 0 are predicted as class 4 (100.0 %)",
        "          accuracy is 51.60 %; recall drops most for class 0 by 100.0 points,",
        "          class 2 by 97.0 points and class 1 by 44.0 points",
    ]


def test_a_claim_that_is_undecided_in_a_narrow_window() -> None:
    assert told(f"{ABLATED} kills class 2", width=50) == [
        "claim     dropping directions 1 and 2 kills class",
        "          2",
        "verdict   undecided, at 95 % confidence",
        "measured  recall of class 2 is 3.0 % [0.6, 8.5] (3",
        "          of 100)",
        "claimed   below 5 %",
        "because   images of class 2 are predicted as class",
        "          3 (97.0 %) and class 2 (3.0 %)",
        "          accuracy is 51.60 %; recall drops most",
        "          for class 0 by 100.0 points, class 2 by",
        "          97.0 points and class 1 by 44.0 points",
        "note      depends on the fill: fails with another",
        "          image's (over 20 draws of another image:",
        "          fails on 20; recall of class 2 from 16.0",
        "          to 27.0 %)",
        "try       about 360 more images of class 2 would",
        "          decide",
    ]


def test_a_quantified_claim_that_fails(of_its_own: Readout) -> None:
    verdict = judged("every direction, dropped alone, kills class 0", of_its_own)
    assert verdict.message().split("\n") == [
        "claim     every direction, dropped alone, kills class 0",
        "verdict   fails, at 95 % confidence",
        "measured  number of ablations that do so is 1 of 4 (all but 1)",
        "claimed   at least 4",
        "measured  dropping direction 2: recall of class 0 is 100.0 % [97.2, 100.0; at",
        "          99.375 %] (200 of 200)",
        "claimed   kills class 0",
        "          ... and 2 more like these",
    ]


def test_a_claim_that_holds_but_is_unspecific(mnist: Readout) -> None:
    claim = Claim.parse("keeping the first 9 directions keeps accuracy above 90 %")
    verdict = judge(claim, mnist, rotations=40)
    assert verdict.message().split("\n") == [
        "claim     keeping the first 9 directions keeps accuracy above 90 %",
        "verdict   holds, at 95 % confidence",
        "measured  accuracy is 97.65 % [97.33, 97.94] (9765 of 10000)",
        "claimed   above 90 %",
        "note      unspecific: holds for 40/40 random rotations as stated, 40/40 for",
        "          some k",
    ]
    specific = replace(verdict, chance=Chance(1, 40), notes=("one", "two"))
    assert specific.message().split("\n")[4:] == [
        "note      one",
        "note      two",
        "by chance holds for 1/40 random rotations",
    ]


def test_which_classes_are_predicted() -> None:
    lines = told(f"{ABLATED} predicts only classes 3 and 4")
    assert lines[2:6] == [
        "measured  share predicted as class 1 is 11.0 % [7.7, 15.1; at 99 %] (55 of 500)",
        "claimed   below 1 %",
        "because   most predictions are class 3 (45.4 %), class 4 (42.8 %) and class 1",
        "          (11.0 %)",
    ]


def test_nothing_lost_is_said_too(mnist: Readout) -> None:
    verdict = judge(Claim.parse("dropping direction 10 kills class 8"), mnist)
    assert verdict.context[-1] == "accuracy is 97.65 %, and no class loses more than 2 points"
    # The intact model has dropped nothing.
    assert judge(Claim.parse("recall of class 8 is below 50 %"), mnist).context == (
        "images of class 8 are predicted as class 8 (97.5 %), class 2 (0.8 %) and class 9 (0.5 %)",
    )


# --- length -------------------------------------------------------------------------------------

LONG = [
    "keeping the first 2 directions spares every class and leaves every class alive and keeps "
    "recall of classes 0, 1, 2, 3, 4, 5, 6, 7, 8 and 9 above 99 %",
    "keeping only direction 1 predicts only classes 0, 1, 2, 3, 4, 5, 6, 7, 8 and 9",
    "nearly every ablation kills classes 0, 1, 2, 3, 4, 5, 6, 7, 8 and 9",
    "dropping direction 5 kills classes 0, 1, 2, 3, 4, 5, 6, 7, 8 and 9 and revives classes 0, 1, "
    "2, 3, 4, 5, 6, 7, 8 and 9 compared with keeping the last 3 directions",
    "class 3 has the lowest recall",
    "class 5 is mostly mistaken for class 0",
]


@pytest.mark.parametrize("sentence", LONG)
# The fourth line of the context is one line long at 79 columns and at 50.
@pytest.mark.parametrize(("width", "most"), [(79, 26), (50, 39)])
def test_no_message_is_too_long_or_too_wide(
    sentence: str, width: int, most: int, mnist: Readout
) -> None:
    verdict = judge(Claim.parse(sentence), mnist, rotations=20)
    assert len(verdict.context) <= 3 + (verdict.context[-1:] == (NONE_DOES,))
    assert NONE_DOES not in verdict.context[:-1]
    verdict = replace(verdict, notes=("a note of some length " * 4,))
    lines = verdict.message(width).split("\n")
    assert max(map(len, lines)) <= width
    assert len(lines) < most
    assert all(line[:10].strip() in LABELS and line[10:].strip() for line in lines)


#: The last line of the context of a claim that nothing of its family does.
NONE_DOES = "no other ablation of this family does it"
LABELS = {"", "claim", "verdict", "measured", "claimed", "because", "note", "by chance", "try"}


# --- what to try --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "number"),
    [
        ("dropping direction 4 kills class 8", 5),
        ("dropping direction 5 kills class 3", 2),
        ("keeping the last 9 directions kills class 1", 7),
        ("keeping the first 9 directions keeps accuracy below 60 %", 2),
    ],
)
def test_what_is_told_to_try_holds(sentence: str, number: int, mnist: Readout) -> None:
    claim = Claim.parse(sentence)
    verdict = judge(claim, mnist)
    assert verdict.outcome == "fails"
    assert verdict.advice.startswith("it holds when ")
    ablation = verdict.advice.removeprefix("it holds when ")
    assert str(number) in ablation
    assert verdict.message().split("\n")[-1] == f"try       {verdict.advice}"
    assert judge(Claim.parse(f"{ablation} {claim.says[0]}"), mnist).outcome == "holds"


def test_when_nothing_of_the_family_does_it(mnist: Readout) -> None:
    verdict = judge(dropping(4).kills(2), mnist)
    assert verdict.advice == ""
    assert verdict.context[-1] == NONE_DOES
    lines = verdict.message().split("\n")
    assert lines[-1] == f"{'':10}{NONE_DOES}"
    assert lines[-2].startswith(" " * 10)
    assert not any(line.startswith("try") for line in lines)
    for k in range(1, 11):
        assert judge(dropping(k).kills(2), mnist).outcome != "holds"
    # Two directions are of no family, and facts and quantified claims have none to look in.
    for sentence in (
        "dropping directions 1 and 4 kills class 3",
        "accuracy is below 50 %",
        "some direction, dropped alone, kills class 2",
    ):
        verdict = judge(Claim.parse(sentence), mnist)
        assert (verdict.outcome, verdict.advice) == ("fails", "")
        assert NONE_DOES not in verdict.context


def test_a_direction_that_cannot_be_told_from_another_is_not_advised() -> None:
    logits = 9 * np.eye(5)
    readout = diagonal([(k, tuple(logits[k]), 200) for k in range(5)], bias=(0, 0, 0, 0, 1.0))
    claim = dropping(1).kills(1)
    verdict = judge(claim, readout)
    assert verdict.advice == "it holds when dropping direction 2"
    assert NONE_DOES not in verdict.context
    near = np.diag([6.0, 5.0, 4.9999, 3.0, 2.0])
    features = readout.logits @ np.linalg.inv(near)
    near_readout = replace(readout, weight=near, features=features - readout.bias / np.diag(near))
    np.testing.assert_allclose(near_readout.logits, readout.logits)
    verdict = judge(claim, near_readout)
    assert (verdict.advice, verdict.context[-1]) == ("", NONE_DOES)


def test_a_claim_that_holds_needs_no_advice(mnist: Readout) -> None:
    verdict = judge(dropping(5).kills(8), mnist)
    assert (verdict.advice, verdict.context) == ("", ())


# --- what is wrong ------------------------------------------------------------------------------


def undecided_twice() -> Verdict:
    images = {(0, 0, 0): 3, (0, 0, 4): 97, (1, 1, 1): 44, (1, 1, 4): 956}
    return judged(f"{ABLATED} kills classes 0 and 1", dictated(images))


def test_as_many_more_as_decide_the_whole_claim() -> None:
    verdict = undecided_twice()
    needed = [check.needed for check in verdict.checks if check.outcome == "undecided"]
    assert [words.partition(" more ")[2] for words in needed] == [
        f"images of class {name} would decide" for name in (0, 1)
    ]
    numbers = [words.removeprefix("about ").partition(" ")[0] for words in needed]
    assert int(numbers[1].replace(",", "")) > int(numbers[0].replace(",", ""))
    assert verdict.needed == (
        f"about {numbers[1]} more images of class 1 and {numbers[0]} more images of class 0 "
        "would decide"
    )
    assert verdict.as_dict()["needed"] == verdict.needed
    assert f"try       about {numbers[1]}" in verdict.message()


def test_the_class_that_decides_is_explained() -> None:
    verdict = judged(f"{ABLATED} kills classes 0, 2 and 1", dictated(IMAGES))
    assert verdict.measured.startswith("recall of class 1 is 55.0 %")
    assert any(line.startswith("images of class 1 ") for line in verdict.context)


def test_a_number_keeps_its_unit() -> None:
    assert not any(line.strip().startswith("%") for line in told(f"{ABLATED} kills class 2"))


def test_to_ablate_nothing_is_no_advice(mnist: Readout) -> None:
    verdict = judge(Claim.parse("keeping the first 2 directions spares every class"), mnist)
    assert verdict.advice != "it holds when keeping the first 10 directions"
