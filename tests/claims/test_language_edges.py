"""Claims at the edge of the language: values without words, and words without a value."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from language_messages import message

from interp_checks import (
    Ablation,
    Claim,
    ClaimSyntaxError,
    InterpChecksError,
    dropping,
    keeping_first,
    keeping_last,
    keeping_only,
)
from interp_checks.claims import predicates
from interp_checks.claims.grammar import grammar
from interp_checks.claims.predicate import Fact
from interp_checks.claims.quantified import (
    Quantified,
    every_direction_alone,
    every_direction_dropped,
)


def test_an_ablation_that_does_not_parse_is_called_an_ablation() -> None:
    assert message("dropping direction 5 kills class 8", Ablation.parse) == [
        "this ablation does not parse:",
        "  dropping direction 5 kills class 8",
        "                       ^",
        "  found: kills",
        "  expected: `of` or the end of the sentence",
        "  what to do: `interp-checks language` prints the claim language",
    ]


ZEROS = [
    "dropping direction 0 kills class 8",
    "dropping directions 1 and 0 kills class 8",
    "keeping only direction 0 kills class 8",
    "keeping the first 0 directions kills class 8",
    "keeping the last 0 directions kills class 8",
    "dropping direction 5 predicts exactly 0 classes",
    "dropping direction 5 predicts the same as keeping the first 0 directions",
    "the first 0 directions carry at least 0 % of the variance",
    "the output layer has 0 principal directions",
    "at most 0 directions keep accuracy within 2 points",
    "weight row 0 is nearly orthogonal to row 1",
    "weight row 1 is nearly orthogonal to row 0",
    "weight row 1 is nearly orthogonal to rows 2 and 0",
    "weight row 0 is nearly orthogonal to no other row",
    "only weight row 0 is nearly orthogonal to no other row",
]


@pytest.mark.parametrize("sentence", ZEROS)
def test_a_sentence_that_counts_from_0_says_so(sentence: str) -> None:
    assert message(sentence) == [
        f"this claim says nothing that could be judged: {sentence!r}",
        "  found: 0 is not a number to count with",
        "  expected: a whole number from 1",
    ]


def test_an_ablation_that_counts_from_0_is_called_an_ablation() -> None:
    assert message("keeping the first 0 directions", Ablation.parse) == [
        "this ablation says nothing that could be judged: 'keeping the first 0 directions'",
        "  found: 0 is not a number to count with",
        "  expected: a whole number from 1",
    ]


@pytest.mark.parametrize("sentence", [
    "accuracy is above 100.1 %",
    "dropping direction 5 keeps recall of class 8 below 100.1 %",
    "dropping direction 5 costs less than 100.1 points of accuracy",
    "the first direction carries about 100.1 % of the variance",
    "at most 2 directions keep accuracy within 100.1 points",
    "at least 100.1 % of the pairs of weight rows are nearly orthogonal",
])  # fmt: skip
def test_a_sentence_with_more_than_everything_says_so(sentence: str) -> None:
    assert message(sentence) == [
        f"this claim says nothing that could be judged: {sentence!r}",
        "  found: 100.1 is not a percentage",
        "  expected: a number from 0 to 100",
    ]


@pytest.mark.parametrize("words", [
    "dropping direction 5 sends class 3 mostly to",
    "dropping direction 5 mistakes class 3 mostly for",
    "class 3 is mostly mistaken for",
])  # fmt: skip
@pytest.mark.parametrize("targets", ["class 3", "classes 1 and 3", "class 03", 'class "3"'])
def test_a_sentence_with_a_class_on_both_sides_says_so(words: str, targets: str) -> None:
    sentence = f"{words} {targets}"
    assert message(sentence) == [
        f"this claim says nothing that could be judged: {sentence!r}",
        "  found: class 3 stands on both sides",
        "  expected: other classes than the one that is mistaken or sent",
    ]
    Claim.parse(f"{words} class 4")


@pytest.mark.parametrize("kind", [predicates.Sends, predicates.Mistakes, predicates.IsMistakenFor])
def test_a_class_on_both_sides_is_refused(kind: Callable[..., object]) -> None:
    for source, targets in (("3", ("3",)), (3, ("1", "3")), ("cat", ("dog", "cat"))):
        with pytest.raises(InterpChecksError, match="stands on both sides"):
            kind(source, targets)
    kind("3", ("03",))


@pytest.mark.parametrize(
    "before",
    [
        "",
        "keeps accuracy above 9 % and ",
        "leaves every class alive and ",
        "spares every class and ",
    ],
)
def test_every_other_class_needs_a_class_before_it(before: str) -> None:
    sentence = f"dropping direction 5 {before}spares every other class"
    assert message(sentence) == [
        f"this claim says nothing that could be judged: {sentence!r}",
        "  found: spares every other class: other than which?",
        "  what to do: name a class before, or write `spares every class`",
    ]


@pytest.mark.parametrize(
    "before",
    [
        "kills class 8",
        "kills no class",
        "kills exactly 2 classes",
        "spares class 3",
        "leaves class 3 alive",
        "keeps recall of class 3 above 9 %",
        "costs less than 2 points of recall of class 3",
        "predicts only class 3",
        "sends class 3 mostly to class 4",
        "mistakes class 3 mostly for class 4",
        "revives class 3 compared with keeping no direction",
    ],
)
def test_every_other_class_may_follow_a_class(before: str) -> None:
    claim = Claim.parse(f"dropping direction 5 {before} and spares every other class")
    assert claim.says[-1] == predicates.Spares(scope="every other")


def test_a_claim_must_be_one_fact_or_an_ablation_with_predicates() -> None:
    fact, say = predicates.Is("above", 97), predicates.Kills(("8",))
    for condition, said, problem in (
        (dropping(5), (), "a claim must say something"),
        (None, (), "a claim must say something"),
        (None, (say,), "a claim without an ablation states exactly one fact"),
        (None, (fact, fact), "a claim without an ablation states exactly one fact"),
        (dropping(5), (fact,), "a plain fact cannot follow an ablation"),
        (dropping(5), (say, fact), "a plain fact cannot follow an ablation"),
    ):
        with pytest.raises(InterpChecksError) as caught:
            Claim(condition, said)
        assert caught.value.problem == problem


def test_a_claim_about_classes_must_name_one() -> None:
    for build in (dropping(5).kills, dropping(5).spares, dropping(5).predicts_only):
        with pytest.raises(InterpChecksError, match="names no class"):
            build()
    with pytest.raises(InterpChecksError, match="names no class"):
        dropping(5).sends(8)


def test_class_names_are_numbers_or_text_alike() -> None:
    assert dropping(5).kills(8) == dropping(5).kills("8") == dropping(5).kills(np.int64(8))
    assert dropping(5).kills(8, "8", 8) == dropping(5).kills(8)
    assert str(dropping(5).kills("08", -1)) == 'dropping direction 5 kills classes "08" and "-1"'
    assert dropping(5).kills(8) != dropping(5).kills(8).spares_the_rest()
    assert len({dropping(5).kills(8), Claim.parse("DROPPING direction 5 kills class 8")}) == 1


def test_a_claim_names_its_ablations_in_order() -> None:
    claim = (
        dropping(5)
        .kills(8)
        .revives(0, compared_with=keeping_last(6))
        .predicts_the_same_as(keeping_first(4))
        .predicts_the_same_as(dropping(5))
    )
    assert claim.ablations == (dropping(5), keeping_last(6), keeping_first(4))
    assert every_direction_alone.predicts_exactly(2).ablations == ()
    assert Claim.parse("accuracy is above 97 %").ablations == ()


def test_the_quantifiers_have_names_and_words() -> None:
    assert str(every_direction_dropped) == "every direction, dropped alone,"
    assert Quantified("every", "dropped") == every_direction_dropped


def test_every_keyword_of_the_grammar_is_a_whole_word() -> None:
    """Gluing two keywords together must not parse: "keepsaccuracy" is no sentence."""
    sentence = "dropping direction 5 keeps accuracy above 90 %"
    for left, right in (("dropping", "direction"), ("keeps", "accuracy")):
        message(sentence.replace(f"{left} {right}", left + right))
    assert "_KEEPS" in grammar()
    assert '"keeps"' not in grammar()


# --- defects, each described in its reason ------------------------------------------------------


@pytest.mark.parametrize("name", ['"c\\qt"', '"a\nb"', '"a\tb"', '"\\u12"'], ids=repr)
def test_a_name_with_a_bad_escape_is_a_syntax_error(name: str) -> None:
    with pytest.raises(ClaimSyntaxError):
        Claim.parse(f"dropping direction 5 kills class {name}")


def test_a_sentence_that_breaks_off_after_a_space_ends_there() -> None:
    assert "  found: the end of the sentence" in message("dropping direction 5 kills ")


PERCENTAGES: list[Callable[[Any], Any]] = [
    lambda percent: predicates.Keeps("above", percent),
    lambda percent: predicates.Keeps("below", percent, ("8",)),
    lambda percent: predicates.Costs("less", percent),
    lambda percent: predicates.Is("above", percent),
    lambda percent: predicates.Is("below", percent, every=True),
    lambda percent: predicates.DirectionsCarry(1, "about", percent),
    lambda percent: predicates.DirectionsSuffice(2, percent),
    lambda percent: predicates.NearlyOrthogonalPairs(percent),
]


def number_in(value: Any) -> float:
    found = value.points if hasattr(value, "points") else value.percent
    assert type(found) is float
    return found


def as_claim(value: Any) -> Claim:
    return Claim(None if isinstance(value, Fact) else dropping(5), (value,))


@pytest.mark.parametrize(
    "percent",
    [
        -3.0,
        -1e-13,
        100.00000001,
        math.nextafter(100, 101),
        101,
        math.nan,
        math.inf,
        -math.inf,
        True,
    ],
    ids=repr,
)
@pytest.mark.parametrize("build", PERCENTAGES)
def test_what_is_no_percentage_is_refused_at_once(build: Callable, percent: float) -> None:
    with pytest.raises(InterpChecksError) as caught:
        build(percent)
    assert str(caught.value).split("\n") == [
        f"{percent!r} is not a percentage",
        "  expected: a number from 0 to 100",
    ]


@pytest.mark.parametrize(
    ("percent", "kept"),
    [
        (100 * 0.07, 7.0),
        (7.00000000004, 7.0),
        (7.00000000006, 7.0000000001),
        (97.1234567890123456, 97.123456789),
        (1e-13, 0.0),
        (1e-10, 1e-10),
        (-0.0, 0.0),
        (0, 0.0),
        (math.nextafter(100, 0), 100.0),
        (100, 100.0),
        (np.float64(2.5), 2.5),
        (np.int64(3), 3.0),
    ],
    ids=repr,
)
@pytest.mark.parametrize("build", PERCENTAGES)
def test_a_percentage_is_kept_to_ten_decimals(build: Callable, percent: float, kept: float) -> None:
    value = build(percent)
    assert number_in(value) == kept
    assert math.copysign(1, number_in(value)) == 1
    assert value == build(kept)
    assert Claim.parse(str(as_claim(value))) == as_claim(value)


@pytest.mark.parametrize("percent", ["90", None, np.True_], ids=repr)
def test_what_is_no_number_is_no_percentage(percent: object) -> None:
    with pytest.raises(InterpChecksError):  # noqa: PT012
        try:
            predicates.Is("above", percent)  # type: ignore[arg-type]
        except TypeError as error:
            pytest.fail(str(error))


def test_what_is_written_with_more_decimals_can_be_printed() -> None:
    claim = Claim.parse("accuracy is above 97.1234567890123456 %")
    assert str(claim) == "accuracy is above 97.123456789 %"
    assert Claim.parse(str(claim)) == claim


COUNTS: dict[str, tuple[Callable[[Any], Any], int]] = {
    "dropping": (lambda count: dropping(1, count).indices[-1], 1),
    "keeping only": (lambda count: keeping_only(count).indices[0], 1),
    "keeping first": (lambda count: keeping_first(count).indices[0], 1),
    "keeping last": (lambda count: keeping_last(count).indices[0], 1),
    "kills": (lambda count: predicates.KillsCount(count).count, 0),
    "predicts": (lambda count: predicates.PredictsCount(count).count, 1),
    "carry": (lambda count: predicates.DirectionsCarry(count, "about", 9).count, 1),
    "principal": (lambda count: predicates.PrincipalDirections(count).count, 1),
    "suffice": (lambda count: predicates.DirectionsSuffice(count, 9).count, 1),
    "row": (lambda count: predicates.RowOrthogonalTo(count, (99,)).row, 1),
    "other row": (lambda count: predicates.RowOrthogonalTo(99, (98, count)).others[-1], 1),
    "row to none": (lambda count: predicates.RowOrthogonalToNone(count).row, 1),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_and_indices_are_whole_numbers(name: str) -> None:
    build, smallest = COUNTS[name]
    for count in (smallest, 7, np.int64(7), np.uint8(9)):
        assert build(count) == count
        assert type(build(count)) is int
    for wrong in (smallest - 1, -5, True, False, np.True_, 1.0, 1.7, np.float64(2), "2", None):
        with pytest.raises(InterpChecksError) as caught:
            build(wrong)
        assert str(caught.value).split("\n") == [
            f"{wrong!r} is not a number to count with",
            f"  expected: a whole number from {smallest}",
        ]


REFUSED: dict[str, Callable[[], object]] = {
    "spares every class: this names no class of its own": lambda: predicates.Spares(
        ("8",), scope="every"
    ),
    "spares every other class: this names no class of its own": lambda: predicates.Spares(
        ("8",), scope="every other"
    ),
    "recall of every class: this names no class of its own": lambda: predicates.Is(
        "above", 9, classes=("8",), every=True
    ),
    "'some' has no meaning here": lambda: predicates.Spares(scope="some"),  # type: ignore[arg-type]
    "'over' has no meaning here": lambda: predicates.Keeps("over", 90),  # type: ignore[arg-type]
    "'fewer' has no meaning here": lambda: predicates.Costs("fewer", 9),  # type: ignore[arg-type]
    "'under' has no meaning here": lambda: predicates.Is("under", 9),  # type: ignore[arg-type]
    "'worst' has no meaning here": lambda: predicates.HasExtremeRecall("8", "worst"),  # type: ignore[arg-type]
    "'likes' has no meaning here": lambda: predicates.Bias("likes", ("8",)),  # type: ignore[arg-type]
    "'above' has no meaning here": lambda: predicates.DirectionsCarry(1, "above", 9),  # type: ignore[arg-type]
    "weight row 4 is compared with []": lambda: predicates.RowOrthogonalTo(4, ()),
    "weight row 4 is compared with [4]": lambda: predicates.RowOrthogonalTo(4, (4,)),
    "weight row 4 is compared with [3, 4]": lambda: predicates.RowOrthogonalTo(4, (3, 4)),
}


@pytest.mark.parametrize("problem", REFUSED)
def test_a_value_that_its_words_would_not_say_is_refused(problem: str) -> None:
    with pytest.raises(InterpChecksError) as caught:
        REFUSED[problem]()
    assert caught.value.problem == problem


@pytest.mark.parametrize("build", [
    lambda: predicates.Spares(),
    lambda: predicates.Kills(()),
    lambda: predicates.LeavesAlive(only=True),
    lambda: predicates.PredictsOnly(()),
    lambda: predicates.Sends("8", ()),
    lambda: predicates.Mistakes("8", ()),
    lambda: predicates.Revives((), dropping(5)),
    lambda: predicates.IsMistakenFor("8", ()),
    lambda: predicates.Bias("favours", ()),
])  # fmt: skip
def test_a_value_about_classes_names_one(build: Callable[[], object]) -> None:
    with pytest.raises(InterpChecksError, match="a claim about classes names no class"):
        build()


@pytest.mark.parametrize(("quantifier", "over"), [
    ("few", "dropped"), ("some", "sideways"), ("nearly every", "nothing"),
])  # fmt: skip
def test_a_quantifier_that_the_language_lacks_is_refused(quantifier: str, over: str) -> None:
    with pytest.raises(InterpChecksError):
        Quantified(quantifier, over)  # type: ignore[arg-type]


def test_a_class_name_of_many_digits_is_a_name() -> None:
    claim = dropping(5).kills("9" * 5000)
    assert Claim.parse(str(claim)) == claim
