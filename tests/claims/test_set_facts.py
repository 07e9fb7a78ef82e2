"""Sentences about sets of directions: what they mean, and what becomes of those without meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from language_messages import COMMAND, END, message
from made_heads import EITHER, RIVAL, crossed, head
from made_readouts import outcome

from interp_checks import (
    Claim,
    ClaimSyntaxError,
    InterpChecksError,
    NotJudgedError,
    dropping,
    judge,
    keeping_first,
    keeping_only,
)
from interp_checks.claims.predicate import PREDICATES
from interp_checks.claims.predicates import (
    AreRedundant,
    FirstAreBest,
    HasLargestShapley,
    IsKillSet,
    IsSufficientSet,
    MoreRevives,
)
from interp_checks.claims.quantified import Quantified
from interp_checks.counting.lattice import Lattice

# --- sentences ----------------------------------------------------------------------------------

SENTENCES: dict[str, Any] = {
    "direction 5 is a minimal kill set of class 8": IsKillSet((5,), "8"),
    "directions 3 and 5 are a minimal kill set of class 8": IsKillSet((5, 3), "8"),
    "directions 1, 3 and 5 are the only minimal kill set of class 8":
        IsKillSet((1, 3, 5), "8", only=True),
    'direction 5 is the only minimal kill set of class "cat"': IsKillSet((5,), "cat", only=True),
    "direction 5 is a minimal sufficient set of class 8": IsSufficientSet((5,), "8"),
    "directions 1 and 5 are a minimal sufficient set of class 8": IsSufficientSet((1, 5), "8"),
    "directions 2 and 3 are redundant for class 1": AreRedundant((2, 3), "1"),
    "direction 5 has the largest Shapley value for class 8": HasLargestShapley(5, "8"),
    "direction 5 has the largest Shapley value for accuracy": HasLargestShapley(5),
    'direction 5 has the largest Shapley value for class "accuracy"':
        HasLargestShapley(5, "accuracy"),
    "the first direction is within 1 point of the best one": FirstAreBest(1, 1),
    "the first 4 directions are within 1 point of the best 4": FirstAreBest(4, 1),
    "the first 4 directions are within 2.5 points of the best 4": FirstAreBest(4, 2.5),
    "dropping more directions revives class 8": MoreRevives(("8",)),
    'dropping more directions revives classes 8 and "cat"': MoreRevives(("8", "cat")),
}  # fmt: skip
#: Other words for the same.
ALIKE = {
    "directions 5, 3, and 5 are a minimal kill set of class 08": IsKillSet((3, 5), "8"),
    "Direction 5 has the largest shapley VALUE for Accuracy.": HasLargestShapley(5),
    "the first 1 direction is within 1 points of the best 1": FirstAreBest(1, 1),
    "the first direction is within 1 points of the best 1": FirstAreBest(1, 1),
}
QUANTIFIED = {
    "some set of 2 directions, dropped together,": Quantified("some", "dropped", 2),
    "every set of 3 directions, dropped together,": Quantified("every", "dropped", 3),
    "nearly every set of 2 directions alone": Quantified("nearly every", "alone", 2),
    "every set of 2 directions dropped together": Quantified("every", "dropped", 2),
    "some set of 2 direction, dropped together": Quantified("some", "dropped", 2),
    "some set of 1 direction alone": Quantified("some", "alone"),
    "some set of 1 directions, dropped together,": Quantified("some", "dropped"),
}


def test_a_sentence_means_this_and_reads_back() -> None:
    for sentence, fact in SENTENCES.items():
        assert str(fact) == str(Claim.parse(sentence)) == sentence
        assert Claim.parse(sentence) == Claim.of(fact)
    for sentence, fact in ALIKE.items():
        assert Claim.parse(sentence) == Claim.of(fact)
    for words, condition in QUANTIFIED.items():
        claim = Claim.parse(f"{words} kills class 1")
        assert claim == condition.kills(1) == Claim.parse(str(claim))
    plainly = [str(condition) == words for words, condition in QUANTIFIED.items()]
    assert plainly == [True] * 3 + [False] * 4
    assert str(Quantified("some", "alone", 1)) == "some direction alone"


def test_every_kind_of_fact_is_compared() -> None:
    assert {type(fact) for fact in SENTENCES.values()} == {
        kind for kind in PREDICATES if kind.about_sets
    }


OF_SETS = "`a`, `redundant` or `the`"
ILLEGAL = [
    ("direction 5 ^are a minimal kill set of class 8", "are", "`has` or `is`"),
    ("directions 3 and 5 ^is a minimal kill set of class 8", "is", "`are`"),
    ("the first 4 direction ^are within 1 point of the best 4", "are", "`is`"),
    ("direction 5 is^", END, OF_SETS),
    ("directions 5 ^is a minimal kill set of class 8", "is", "`,` or `and`"),
    ("direction 5 is the ^minimal kill set of class 8", "minimal", "`only`"),
    ("direction 5 is the only minimal ^sufficient set of class 8", "sufficient", "`kill`"),
    ("direction 5 is a minimal ^killing set of class 8", "killing", "`kill` or `sufficient`"),
    ("direction 5 is a minimal kill set of ^classes 8 and 9", "classes", "`class`"),
    ("directions 3 and 4 ^have the largest Shapley value for class 3", "have", "`are`"),
    ("direction 3 has the largest Shapley value for ^classes 3 and 4", "classes",
     "`accuracy` or `class`"),
    ("direction 3 has the largest ^Banzhaf value for class 3", "Banzhaf", "`shapley`"),
    ("the first 4 directions are within 1 ^of the best 4", "of", "`point` or `points`"),
    ("the first 4 directions are within 1 point of the best^", END, "`one` or a whole number"),
    ("dropping more directions ^kills class 8", "kills", "`revives`"),
    ("some set ^kills class 1", "kills", "`of`"),
    ("some set of ^two directions alone kills class 1", "two", "a whole number"),
    ("some set of 2 directions, dropped ^alone, kills class 1", "alone,", "`together`"),
    ("some direction, dropped ^together, kills class 1", "together,", "`alone`"),
    ("direction 5 is a minimal kill set of class 8 ^and kills class 8", "and", END),
]  # fmt: skip


@pytest.mark.parametrize(("marked", "found", "expected"), ILLEGAL, ids=[row[0] for row in ILLEGAL])
def test_an_illegal_sentence_is_marked(marked: str, found: str, expected: str) -> None:
    place, sentence = marked.index("^"), marked.replace("^", "")
    assert message(sentence) == [
        "this claim does not parse:", f"  {sentence}", "  " + " " * place + "^",
        f"  found: {found}", f"  expected: {expected}", COMMAND,
    ]  # fmt: skip


MEANINGLESS = {
    "the first 4 directions are within 1 point of the best 3":
        "the first and the best are not as many (4 and 3)",
    "the first 4 directions are within 1 point of the best one":
        "the first and the best are not as many (4 and 1)",
    "the first 0 directions are within 1 point of the best 0": "0 is not a number to count with",
    "the first 4 directions are within 101 points of the best 4": "101.0 is not a percentage",
    "directions 2, 3 and 4 are redundant for class 1":
        "directions 2, 3 and 4: redundant with which?",
    "direction 2 is redundant for class 1": "direction 2: redundant with which?",
    "directions 2 and 2 are redundant for class 1": "direction 2: redundant with which?",
    "direction 0 is a minimal kill set of class 8": "0 is not a number to count with",
    "direction 0 has the largest Shapley value for accuracy": "0 is not a number to count with",
    "some set of 0 directions alone kills class 1": "0 is not a number to count with",
}  # fmt: skip


@pytest.mark.parametrize(("sentence", "found"), MEANINGLESS.items(), ids=MEANINGLESS)
def test_a_sentence_that_parses_and_says_nothing(sentence: str, found: str) -> None:
    with pytest.raises(ClaimSyntaxError) as caught:
        Claim.parse(sentence)
    assert caught.value.problem.startswith("this claim says nothing that could be judged: ")
    assert caught.value.found == found


def test_values() -> None:
    assert IsKillSet((5, 3, 5), 8).directions == (3, 5)  # type: ignore[arg-type]
    assert IsKillSet((np.int64(5),), 8) == IsKillSet((5,), "8")  # type: ignore[arg-type]
    assert Claim.of(IsKillSet((5, 3), "8")).ablations == (dropping(3, 5),)
    assert Claim.of(IsSufficientSet((5, 3), "8")).ablations == (keeping_only(3, 5),)
    redundant = (dropping(3), dropping(5), dropping(3, 5))
    assert Claim.of(AreRedundant((5, 3), "8")).ablations == redundant
    assert Claim.of(HasLargestShapley(3)).ablations == (dropping(3),)
    assert Claim.of(FirstAreBest(3, 1)).ablations == (keeping_first(3),)
    assert Claim.of(MoreRevives(("8", "8"))).ablations == ()
    wrong: list[Callable[[], object]] = [
        lambda: IsKillSet((), "8"),
        lambda: IsKillSet((1.5,), "8"),  # type: ignore[arg-type]
        lambda: IsSufficientSet((0,), "8"),
        lambda: AreRedundant((1, 2, 3), "8"),
        lambda: HasLargestShapley(0),
        lambda: FirstAreBest(1, -1),
        lambda: MoreRevives(()),
        lambda: Quantified("some", "alone", 0),
        lambda: Quantified("some", "ablation", 2),
        lambda: Claim(dropping(1), (IsKillSet((5,), "8"),)),
    ]
    for make in wrong:
        with pytest.raises(InterpChecksError):
            make()


# --- what cannot be judged ----------------------------------------------------------------------

NO_9 = ("there is no direction 9", "found: 4 directions")
REFUSED = {
    "direction 9 is a minimal kill set of class 0": NO_9,
    "directions 1 and 9 are a minimal sufficient set of class 0": NO_9,
    "directions 1 and 9 are redundant for class 0": NO_9,
    "direction 9 has the largest Shapley value for accuracy": NO_9,
    "the first 9 directions are within 1 point of the best 9": NO_9,
    "the first 4 directions are within 1 point of the best 4": ("there are too few other sets",),
    "some set of 5 directions alone kills class 0": ("found: 0 sets of 4 directions",),
}  # fmt: skip
ABOUT_A_CLASS = (
    "direction 1 is a minimal kill set of class {}",
    "direction 1 is the only minimal kill set of class {}",
    "direction 1 is a minimal sufficient set of class {}",
    "directions 1 and 2 are redundant for class {}",
    "direction 1 has the largest Shapley value for class {}",
    "dropping more directions revives classes 0 and {}",
)
ELEVEN = "directions 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 11 are a minimal {} set of class 0"
MANY = {
    "direction 1 is the only minimal kill set of class 0": (21, "found: 21 directions"),
    "dropping more directions revives class 0": (21, "expected: at most 20"),
    "the first 2 directions are within 9 points of the best 2": (21, "needs all subsets"),
    ELEVEN.format("kill"): (12, "each of the 2,048 parts of a set of 11 directions"),
    ELEVEN.format("sufficient"): (12, "expected: at most 10 directions"),
    "some set of 4 directions alone kills class 0": (21, "found: 5,985 sets of 21 directions"),
}


def refused(sentence: str, readout: Any, *words: str) -> None:
    with pytest.raises(NotJudgedError) as caught:
        judge(sentence, readout, rotations=2)
    assert all(some in str(caught.value) for some in words)


def test_what_does_not_exist_is_not_judged() -> None:
    for sentence, words in REFUSED.items():
        refused(sentence, crossed(EITHER), *words)
    for sentence in ABOUT_A_CLASS:
        refused(sentence.format(9), crossed(EITHER), "there is no class 9", "0, 1, 2 and 3")
        refused(sentence.format(1), crossed(EITHER), "no image belongs to class 1")
    alone = head(0, 3, 1, 60)
    refused("direction 1 has the largest Shapley value for accuracy", alone, "nothing to compare")
    refused("the first direction is within 1 point of the best one", alone, "too few other sets")


@pytest.mark.parametrize(("sentence", "many"), MANY.items(), ids=MANY)
def test_what_is_too_much_is_not_judged(sentence: str, many: tuple[int, str]) -> None:
    directions, words = many
    readout = head(1, directions, directions, 100 if directions == 12 else 30)
    readout.labels[0] = 0
    refused(sentence, readout, words)


EQUAL = (
    "direction 2 is a minimal kill set of class 0",
    "directions 1 and 2 are a minimal sufficient set of class 0",
    "directions 1 and 2 are redundant for class 0",
    "direction 3 has the largest Shapley value for class 0",
    "the first 2 directions are within 9 points of the best 2",
)


@pytest.mark.parametrize("sentence", EQUAL)
def test_directions_that_cannot_be_told_apart_are_not_judged(sentence: str) -> None:
    readout = crossed(EITHER, sigma=(5, 4, 4.001, 2))
    refused(sentence, readout, "direction 2 cannot be told from direction 3")


SPLIT = [
    ((5, 5, 3, 2), "directions 1 and 2 are a minimal kill set of class 0"),
    ((5, 5, 3, 2), "directions 1 and 2 are a minimal sufficient set of class 0"),
    ((5, 5, 3, 2), "the first 2 directions are within 1 point of the best 2"),
    ((5, 4, 4, 2), "direction 1 is the only minimal kill set of class 0"),
    ((5, 3, 4, 4), "dropping more directions revives class 0"),
]


@pytest.mark.parametrize(("sigma", "sentence"), SPLIT)
def test_sets_that_split_equal_directions_decide_nothing(
    sigma: tuple[float, ...], sentence: str
) -> None:
    readout = crossed([(true, along, 300) for true, along, _ in RIVAL], sigma=sigma)
    try:
        assert outcome(sentence, readout) == "undecided"
    except NotJudgedError as error:
        assert "cannot be told from" in error.problem  # noqa: PT017


def test_too_many_rivals_are_refused_before_anything_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def counted(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Lattice, "of", counted)
    words = "the first 9 directions are within 9 points of the best 9"
    refused(words, head(1, 18, 18, 30), "there are too many other sets", "found: 48,619")
