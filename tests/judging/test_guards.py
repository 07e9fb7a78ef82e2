"""What could make a verdict mean less than it seems: vacuous, dead before, unspecific claims.

And that chance, which looks at the sample alone, agrees with verdicts that are decided.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from chance_oracle import random_readout
from claim_strategies import steady
from hypothesis import given, settings
from hypothesis import strategies as st
from made_readouts import ABLATED, diagonal, dictated, judged

from interp_checks import Ablation, Claim, NotJudgedError, Outcome, Readout, judge, load_snapshot
from interp_checks.judging.chance import Chance, by_chance
from interp_checks.judging.decide import decide
from interp_checks.judging.verdict import Verdict
from interp_fixtures.reference_files import snapshot_file

VACUOUS = "vacuous: with no direction left, the bias alone does the same"

# --- vacuous ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def biased() -> Readout:
    """Each class is read by its own direction; with nothing left, class 3 it is."""
    logits = 9 * np.eye(4)
    return diagonal([(k, tuple(logits[k]), 100) for k in range(4)], bias=(0, 0, 0, 1.0))


@pytest.mark.parametrize(
    "sentence",
    [
        "keeping only direction 4 predicts only class 3",
        "keeping only direction 4 kills classes 0, 1 and 2",
        "dropping direction 1 leaves class 3 alive",
        "dropping direction 1 sends class 0 mostly to class 3",
        "keeping only direction 4 predicts exactly the same as keeping no direction",
        "some direction, dropped alone, kills class 0",
        "every direction alone leaves class 3 alive",
    ],
)
def test_what_the_bias_alone_would_do_is_vacuous(sentence: str, biased: Readout) -> None:
    verdict = judged(sentence, biased)
    assert verdict.outcome == Outcome.HOLDS
    assert VACUOUS in verdict.notes
    # So it is, when judged with no direction left.
    said = Claim.parse(sentence).says
    assert decide(Claim(Ablation("none"), said), biased, 0.95)[0] == Outcome.HOLDS


@pytest.mark.parametrize(
    ("sentence", "outcome"),
    [
        ("dropping direction 1 kills class 0 and spares every other class", "holds"),
        ("dropping direction 1 kills only class 0", "holds"),
        ("keeping only direction 1 predicts only classes 0 and 3", "holds"),
        ("keeping only direction 1 leaves class 0 alive", "holds"),
        ("keeping the first 3 directions keeps accuracy above 90 %", "holds"),
        ("some direction alone leaves class 0 alive", "holds"),
        # The bias would do it, but what was asked for does not.
        ("dropping direction 2 kills class 0", "fails"),
        # It is about the bias, or about nothing that was ablated.
        ("keeping no direction predicts only class 3", "holds"),
        ("recall of class 3 is above 90 %", "holds"),
    ],
)
def test_what_the_bias_alone_does_not_do_is_not_vacuous(
    sentence: str, outcome: str, biased: Readout
) -> None:
    verdict = judged(sentence, biased)
    assert verdict.outcome == outcome
    assert VACUOUS not in verdict.notes


def test_another_bias_makes_the_same_claim_vacuous_or_not(biased: Readout) -> None:
    claim = Claim.parse("dropping direction 1 kills class 0")
    on_zero = replace(biased, bias=np.array([1.0, 0, 0, 0.5]))
    # Without direction 1, nothing but the bias speaks for class 0 against class 3.
    assert judge(claim, biased).notes[0] == VACUOUS
    assert judge(claim, on_zero).outcome == Outcome.FAILS
    assert VACUOUS not in judge(claim, on_zero).notes


# --- dead before, and no images -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "outcome"),
    [(0, "fails"), (38, "fails"), (39, "undecided"), (50, "undecided"), (56, "undecided")],
)
def test_what_was_dead_before_cannot_be_killed(right: int, outcome: str) -> None:
    readout = dictated({(0, 0, 1): right, (0, 2, 1): 100 - right})
    assert readout.ablated(Ablation.parse(ABLATED)).recall[0].count == 0
    verdict = judged(f"{ABLATED} kills class 0", readout)
    assert verdict.outcome == outcome
    assert verdict.deciding.condition
    assert verdict.deciding.quantity == "intact recall of class 0"
    assert verdict.deciding.expected == "above 50 %"


def test_what_was_alive_before_can_be_killed() -> None:
    alive = dictated({(0, 0, 1): 70, (0, 2, 1): 30})
    assert judged(f"{ABLATED} kills class 0", alive).outcome == Outcome.HOLDS


def test_what_was_dead_before_is_not_counted_as_killed() -> None:
    images = {(0, 0, 1): 200, (1, 2, 2): 200, **{(k, k, k): 200 for k in (2, 3, 4)}}
    for words, outcome in (
        ("kills exactly one class", "holds"),
        ("kills exactly 2 classes", "fails"),
        ("kills only class 0", "holds"),
        ("kills only classes 0 and 1", "fails"),
    ):
        assert judged(f"{ABLATED} {words}", dictated(images)).outcome == outcome, words


@pytest.mark.parametrize("words", ["kills class 4", "kills only class 0", "predicts only class 0"])
def test_a_claim_about_a_class_without_images(words: str) -> None:
    readout = dictated({(k, k, 0): 200 for k in range(4)})
    if words == "predicts only class 0":  # needs no image of any class in particular
        assert judged(f"{ABLATED} {words}", readout).outcome == Outcome.HOLDS
        return
    with pytest.raises(NotJudgedError, match="no image belongs to class 4"):
        judged(f"{ABLATED} {words}", readout)


# --- unspecific ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "total", "unspecific"),
    [(0, 200, False), (10, 200, False), (11, 200, True), (1, 20, False), (200, 200, True)],
)
def test_more_than_one_in_twenty_is_unspecific(count: int, total: int, unspecific: bool) -> None:
    claim = Claim.parse("dropping direction 1 kills class 1")
    checks = decide(claim, random_readout(), 0.95)[1]
    verdict = Verdict(claim, Outcome.HOLDS, checks, 0.95, Chance(count, total), ("a note",))
    assert verdict.unspecific is unspecific
    mark = f"unspecific: holds for {count}/{total} random rotations"
    assert verdict.remarks == ((mark, "a note") if unspecific else ("a note",))
    assert verdict.as_dict()["chance"] == [count, total]
    assert replace(verdict, chance=None).unspecific is False


def test_unspecific_claims_about_the_shipped_model() -> None:
    readout = load_snapshot(snapshot_file("mnist"))
    for sentence, unspecific in (
        ("keeping the first 9 directions keeps accuracy above 90 %", True),
        ("dropping direction 5 kills class 8 and spares every other class", False),
    ):
        verdict = judge(Claim.parse(sentence), readout, rotations=100)
        assert verdict.outcome == Outcome.HOLDS
        assert verdict.unspecific is unspecific


# --- agreement with the verdict -----------------------------------------------------------------

SENTENCES = """kills class A|kills only class A|kills no class|kills exactly one class
spares class A|kills exactly one class and spares every other class
kills class A and spares every other class
leaves class A alive|leaves only classes A and B alive|leaves every class alive|spares every class
keeps accuracy above P %|keeps accuracy below P %|keeps recall of classes A and B above P %
keeps recall of class A below P %|costs less than P points of accuracy|predicts only classes A and B
costs more than P points of accuracy|costs less than P points of recall of class A
costs more than P points of recall of class B|predicts only class A|predicts exactly 2 classes
predicts exactly 3 classes|sends class A mostly to class B|mistakes class A mostly for class B
revives class A compared with keeping only direction 2|predicts the same as keeping only direction 1
predicts exactly the same as dropping direction 4|predicts the same as keeping every direction"""
WORDS = SENTENCES.replace("\n", "|").split("|")
CONDITIONS = [
    *(f"{verb} direction {k}" for verb in ("dropping", "keeping only") for k in range(1, 5)),
    *(f"keeping the {end} {k} directions" for end in ("first", "last") for k in (2, 3)),
]


def unrotated(claim: Claim, readout: Readout) -> bool:
    """Whether the sample, not rotated at all, is on the claimed side."""
    with patch.object(np.linalg, "qr", lambda square: (np.eye(len(square)), np.eye(len(square)))):
        chance = by_chance(claim, replace(readout), 1)
    assert chance is not None
    return chance.count == 1


def test_a_decided_verdict_is_on_the_same_side_as_its_sample() -> None:
    seen: Counter[tuple[str, str]] = Counter()

    @settings(steady, max_examples=700)
    @given(
        st.sampled_from(CONDITIONS),
        st.sampled_from(WORDS),
        st.permutations("0123"),
        st.integers(0, 100),
        st.integers(0, 40),
    )
    def agree(condition: str, words: str, names: list[str], percent: int, seed: int) -> None:
        said = words.replace("A", names[0]).replace("B", names[1]).replace("P", str(percent))
        claim, readout = Claim.parse(f"{condition} {said}"), random_readout(seed)
        try:
            outcome = decide(claim, readout, 0.8)[0]
        except NotJudgedError:
            return
        if outcome != "undecided":
            seen[words, str(outcome)] += 1
            assert unrotated(claim, readout) == (outcome == "holds"), claim

    agree()
    for outcome in ("holds", "fails"):
        assert len([words for words in WORDS if seen[words, outcome]]) > len(WORDS) / 2


def test_a_loss_of_exactly_ten_points_is_not_spared() -> None:
    readout = dictated({(0, 0, 0): 2, (0, 0, 1): 1, (0, 1, 1): 7})
    assert readout.ablated(Ablation.parse(ABLATED)).loss(0).value == 0.1
    assert not unrotated(Claim.parse(f"{ABLATED} spares class 0"), readout)
