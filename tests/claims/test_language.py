"""Sentences to claims and back: what is in the language, and what is said of what is not."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from claim_strategies import ablations, claims, on_seeds, steady
from hypothesis import given, settings
from hypothesis import strategies as st
from language_messages import COMMAND, END, message

from interp_checks import Ablation, Claim, ClaimSyntaxError
from interp_checks import dropping as drop
from interp_checks import keeping_first as first
from interp_checks.ablations.verbs import LANGUAGE, WithVerbs
from interp_checks.claims import predicates
from interp_checks.claims.quantified import every_direction_alone as each_alone
from interp_checks.claims.quantified import nearly_every_ablation, some_direction_dropped

#: Where a sentence may begin, continue, and end.
STARTS = (
    "`accuracy`, `at`, `class`, `direction`, `directions`, `dropping`, `every`, `keeping`, `most`, "
    "`nearly`, `on`, `only`, `recall`, `replacing`, `some`, `the` or `weight`"
)
GONE = "`,`, `alone`, `dropped`, `of` or `replaced`"
PARTS = "`direction`, `directions`, `more`, `part`, `parts`, `principal`, `unit` or `units`"
GATE_HERE = "a gate (`input`, `forget`, ...), `input` or `recurrent`"
GATE = "`backward` or " + GATE_HERE
VERBS = (
    "`costs`, `keeps`, `kills`, `leaves`, `mistakes`, `predicts`, `revives`, `sends` or `spares`"
)
VERBS_OR_WITH = VERBS.replace(" or `spares`", ", `spares` or `with`")

VICTIMS = "`class`, `classes`, `exactly`, `no` or `only`"
NAME = 'a name in "quotes" or a whole number'


# --- there and back ---------------------------------------------------------------------------


@settings(steady, max_examples=400)
@given(claims | on_seeds)
def test_every_claim_reads_back_from_its_own_words(claim: Claim) -> None:
    assert Claim.parse(str(claim)) == claim


@settings(steady, max_examples=60)
@given(ablations)
def test_every_ablation_reads_back_from_its_own_words(ablation: Ablation) -> None:
    assert Ablation.parse(str(ablation)) == ablation


@settings(steady, max_examples=150)
@given(claims, st.data())
def test_case_and_white_space_do_not_matter(claim: Claim, data: st.DataObject) -> None:
    space = st.text(" \t\n", min_size=1, max_size=3)
    change = st.sampled_from([str.upper, str.lower, str.title])

    def changed(words: str) -> str:
        again = (data.draw(change)(word) for word in words.split(" "))
        return "".join(word + data.draw(space) for word in again)[:-1]

    # What stands in quotes is a name and keeps its case.
    parts = re.split(r'("(?:[^"\\]|\\.)*")', str(claim))
    text = "".join(part if part.startswith('"') else changed(part) for part in parts)
    assert Claim.parse(data.draw(space) + text + data.draw(space)) == claim


@settings(steady, max_examples=300)
@given(claims, st.data())
def test_a_damaged_sentence_parses_or_is_a_syntax_error(claim: Claim, data: st.DataObject) -> None:
    words = str(claim).split(" ")
    place = data.draw(st.integers(0, len(words) - 1))
    other = data.draw(st.sampled_from(["", words[-1], "and", "8", "8.5", '"', "class", "%", ","]))
    words[place : place + data.draw(st.integers(0, 2))] = [other]
    try:
        parsed: Claim | ClaimSyntaxError = Claim.parse(" ".join(words))
    except ClaimSyntaxError as error:
        parsed = error
    if isinstance(parsed, ClaimSyntaxError):
        assert parsed.problem.startswith("this claim ")
        assert parsed.found is not None
    else:
        assert Claim.parse(str(parsed)) == parsed


# --- what is in the language ------------------------------------------------------------------

LEGAL: list[tuple[str, Claim]] = [
    ("dropping direction 5 kills class 8", drop(5).kills(8)),
    ("dropping directions 1 and 5 kills classes 2 and 8", drop(5, 1).kills(2, 8)),
    ("dropping directions 9, 1 and 5 kills class 8", drop(1, 5, 9).kills(8)),
    ("dropping direction 05 kills class 8", drop(5).kills(8)),
    ('dropping direction 5 kills class "8"', drop(5).kills("8")),
    ("dropping direction 5 kills class 08", drop(5).kills(8)),
    ("dropping direction 5 kills classes 08, 8 and 008", drop(5).kills("8")),
    ("dropping direction 5 kills class 00", drop(5).kills(0)),
    ('dropping direction 5 kills class "08"', drop(5).kills("08")),
    ('dropping direction 5 kills classes "08" and 08', drop(5).kills("08", 8)),
    ('dropping direction 5 sends class "08" mostly to class 08', drop(5).sends("08", 8)),
    ('dropping direction 5 kills class "８"', drop(5).kills("８")),
    ("dropping directions 1, 2, and 3 kills class 8", drop(1, 2, 3).kills(8)),
    ("dropping directions 1, and 3 kills class 8", drop(1, 3).kills(8)),
    ("dropping direction 5 kills classes 1, 2, and 3", drop(5).kills(1, 2, 3)),
    ("dropping direction 5 kills classes 1, and 3 and kills class 4", drop(5).kills(1, 3).kills(4)),
    (
        "weight row 1 is nearly orthogonal to rows 2, 3, and 4",
        Claim(None, (predicates.RowOrthogonalTo(1, (2, 3, 4)),)),
    ),
    ("dropping direction 5 kills class 8.", drop(5).kills(8)),
    ("dropping direction 5 kills class 8 . \n", drop(5).kills(8)),
    ('dropping direction 5 kills class "cat."', drop(5).kills("cat.")),
    ('dropping direction 5 kills class "cat.".', drop(5).kills("cat.")),
    ("accuracy is above 97.5 %.", Claim(None, (predicates.Is("above", 97.5),))),
    (
        "dropping direction 5 keeps accuracy above 97.12345678901 %",
        drop(5).keeps_accuracy_above(97.123456789),
    ),
    ("dropping direction 5 keeps accuracy above 100 %", drop(5).keeps_accuracy_above(100)),
    ('dropping direction 5 kills class "a \\"b\\""', drop(5).kills('a "b"')),
    ('dropping direction 5 kills class "\\u732b"', drop(5).kills("猫")),
    ("dropping direction 5 kills classes 8 and 8", drop(5).kills(8)),
    ("dropping direction 5 kills exactly one class", drop(5).kills_exactly(1)),
    ("dropping direction 5 kills exactly 1 class", drop(5).kills_exactly(1)),
    ("dropping direction 5 kills exactly 0 classes", drop(5).kills_none()),
    ("keeping the first direction kills class 8", first(1).kills(8)),
    ("keeping the first 1 directions kills class 8", first(1).kills(8)),
    ("keeping the first 4 direction kills class 8", first(4).kills(8)),
    ("keeping the last 9 directions kills class 8", Ablation("last", (9,)).kills(8)),
    ("keeping every direction kills no class", Ablation("every").kills_none()),
    ("keeping no direction kills no class", Ablation("none").kills_none()),
    ("dropping direction 5 keeps accuracy above 90%", drop(5).keeps_accuracy_above(90)),
    ("dropping direction 5 keeps accuracy above 90.50 %", drop(5).keeps_accuracy_above(90.5)),
    ("dropping direction 5 costs less than 1 points of accuracy", drop(5).costs_less_than(1)),
    ("dropping direction 5 costs less than 2 point of accuracy", drop(5).costs_less_than(2)),
    *(
        (
            f"some direction{one} dropped alone{two} kills exactly one class",
            some_direction_dropped.kills_exactly(1),
        )
        for one in ("", ",")
        for two in ("", ",")
    ),
    ("every direction alone predicts exactly 2 classes", each_alone.predicts_exactly(2)),
    ("nearly every ablation spares every class", nearly_every_ablation.spares_every_class()),
    ("accuracy is above 97 %", Claim(None, (predicates.Is("above", 97),))),
    ("recall of every class is above 9 %", Claim(None, (predicates.Is("above", 9, every=True),))),
    ("class 5 has the lowest recall", Claim(None, (predicates.HasExtremeRecall("5"),))),
    (
        "class 9 is mostly mistaken for class 4",
        Claim(None, (predicates.IsMistakenFor("9", ("4",)),)),
    ),
    ("the bias favours class 2", Claim(None, (predicates.Bias("favours", ("2",)),))),
    (
        "the bias holds back classes 2 and 3 most",
        Claim(None, (predicates.Bias("holds back", ("2", "3"), most=True),)),
    ),
    (
        "the first direction carries about 50 % of the variance",
        Claim(None, (predicates.DirectionsCarry(1, "about", 50),)),
    ),
    (
        "the output layer has 1 principal directions",
        Claim(None, (predicates.PrincipalDirections(1),)),
    ),
    (
        "at most one direction keeps accuracy within 1 point",
        Claim(None, (predicates.DirectionsSuffice(1, 1),)),
    ),
    (
        "only weight row 4 is nearly orthogonal to no other row",
        Claim(None, (predicates.RowOrthogonalToNone(4, only=True),)),
    ),
]


@pytest.mark.parametrize(("sentence", "claim"), LEGAL, ids=[sentence for sentence, _ in LEGAL])
def test_a_legal_sentence_means_this(sentence: str, claim: Claim) -> None:
    assert Claim.parse(sentence) == claim
    assert Claim.parse(str(claim)) == claim


BUILT: dict[str, tuple[Callable[[WithVerbs], Claim], str]] = {
    "kills": (lambda a: a.kills(2, "cat"), 'kills classes 2 and "cat"'),
    "kills_only": (lambda a: a.kills_only(8), "kills only class 8"),
    "kills_exactly": (lambda a: a.kills_exactly(3), "kills exactly 3 classes"),
    "kills_none": (lambda a: a.kills_none(), "kills no class"),
    "spares": (lambda a: a.spares(1, 2, 3), "spares classes 1, 2 and 3"),
    "spares_the_rest": (
        lambda a: a.kills(8).spares_the_rest(),
        "kills class 8 and spares every other class",
    ),
    "spares_every_class": (lambda a: a.spares_every_class(), "spares every class"),
    "leaves_alive": (
        lambda a: a.leaves_alive(8).leaves_alive(),
        "leaves class 8 alive and leaves every class alive",
    ),
    "leaves_only_alive": (lambda a: a.leaves_only_alive(8), "leaves only class 8 alive"),
    "keeps_accuracy_above": (lambda a: a.keeps_accuracy_above(97.5), "keeps accuracy above 97.5 %"),
    "keeps_accuracy_below": (lambda a: a.keeps_accuracy_below(9), "keeps accuracy below 9 %"),
    "keeps_recall_above": (
        lambda a: a.keeps_recall_above(50, 6),
        "keeps recall of class 6 above 50 %",
    ),
    "keeps_recall_below": (
        lambda a: a.keeps_recall_below(50, 6, 7),
        "keeps recall of classes 6 and 7 below 50 %",
    ),
    "costs_less_than": (lambda a: a.costs_less_than(2), "costs less than 2 points of accuracy"),
    "costs_more_than": (
        lambda a: a.costs_more_than(1, 8),
        "costs more than 1 point of recall of class 8",
    ),
    "predicts_only": (lambda a: a.predicts_only(6, 7), "predicts only classes 6 and 7"),
    "predicts_exactly": (lambda a: a.predicts_exactly(1), "predicts exactly one class"),
    "sends": (lambda a: a.sends(8, 5, 3), "sends class 8 mostly to classes 5 and 3"),
    "mistakes": (lambda a: a.mistakes(8, 5), "mistakes class 8 mostly for class 5"),
    "revives": (
        lambda a: a.revives(0, compared_with=Ablation("last", (6,))),
        "revives class 0 compared with keeping the last 6 directions",
    ),
    "predicts_the_same_as": (
        lambda a: a.predicts_the_same_as(first(4)).predicts_the_same_as(first(3), exactly=True),
        "predicts the same as keeping the first 4 directions and "
        "predicts exactly the same as keeping the first 3 directions",
    ),
}


def test_the_table_of_builders_is_complete() -> None:
    assert set(BUILT) == set(LANGUAGE.verbs)


@pytest.mark.parametrize("method", sorted(BUILT))
@pytest.mark.parametrize("start", [drop(5), some_direction_dropped, drop(5).spares(0)], ids=str)
def test_a_method_says_what_its_sentence_says(method: str, start: WithVerbs) -> None:
    build, words = BUILT[method]
    joint = " and " if isinstance(start, Claim) else " "
    assert build(start) == Claim.parse(f"{start}{joint}{words}")
    assert str(build(start)) == f"{start}{joint}{words}"


# --- what is not --------------------------------------------------------------------------------

# The place where a sentence goes wrong is marked with ^ before the word at fault.
ILLEGAL = [
    ("^", END, STARTS),
    ("^kills class 8", "kills", STARTS),
    ("^droppingdirection 5 kills class 8", "droppingdirection", STARTS),
    ("dropping^", END, PARTS.replace("`unit` or", "`the`, `unit` or")),
    ("dropping direction^", END, "a whole number"),
    ("dropping direction ^1.5 kills class 8", "1.5", "a whole number"),
    ("dropping direction ^-1 kills class 8", "-1", "a whole number"),
    ("dropping direction 5 ^kill class 8", "kill", VERBS.replace("`mistakes`", "`mistakes`, `of`")),
    ("dropping direction 5 kills ^classs 8", "classs", VICTIMS),
    ("dropping direction 5 kills class ^cat", "cat", NAME),
    ('dropping direction 5 kills class ^"cat', '"cat', NAME),
    ("dropping direction 5 kills classes 8^", END, "`,` or `and`"),
    ("dropping direction 5 kills class 8 and^", END, VERBS),
    ("dropping direction 5 kills class 8 ^kills class 9", "kills", f"`and` or {END}"),
    ("dropping directions 5 ^kills class 8", "kills", "`,` or `and`"),
    ("dropping directions 1, 2 ^kills class 8", "kills", "`,` or `and`"),
    ("dropping directions 1, 2, ^or 3 kills class 8", "or", "`and` or a whole number"),
    ("dropping directions 1, 2,^", END, "`and` or a whole number"),
    ("dropping directions 1, 2, and^", END, "a whole number"),
    ("dropping directions 1, 2, and^, 3 kills class 8", ",", "a whole number"),
    ("dropping direction ^５ kills class 8", "５", "a whole number"),
    ("dropping direction 5 kills class ^８", "８", NAME),
    ("dropping direction 5 kills class 8^२", "२", f"`and` or {END}"),
    ("dropping direction 5 keeps accuracy above ^９０ %", "９０", "a number"),
    ("dropping direction 5 kills class 8^, and spares class 2", ",", f"`and` or {END}"),
    ("keeping the ^best 4 directions kills class 8", "best", "`first` or `last`"),
    ("keeping the first 4 directions keeps accuracy above 90^", END, "`%`"),
    ("dropping direction 5 keeps accuracy ^over 90 %", "over", "`above` or `below`"),
    ("dropping direction 5 keeps accuracy above ^.5 %", ".5", "a number"),
    ("dropping direction 5 costs ^fewer than 2 points of accuracy", "fewer", "`less` or `more`"),
    ("dropping direction 5 costs less than 2 points^", END, "`of`"),
    ("class 5 has the ^worst recall", "worst", "`lowest` or `highest`"),
    ("some direction ^falls alone kills class 8", "falls", GONE),
    ("dropping direction 5 of ^layer 1 input weights kills class 8", "layer", "`the`"),
    ("dropping direction 5 of the layer ^one input weights kills class 8", "one", "a whole number"),
    ("dropping direction 5 of the layer 1 ^front gate's input weights", "front", GATE),
    ("dropping direction 5 of the layer 1 backward ^gate's weights", "gate's", GATE_HERE),
    ("dropping direction 5 of the layer 1 forget gate's ^weights", "weights", GATE_HERE),
    ("dropping direction 5 of the layer 1 forget ^gates weights", "gates", "`gate's` or `weights`"),
    ("some direction, ^alone kills class 8", "alone", "`dropped` or `replaced`"),
    ("some direction dropped ^kills class 8", "kills", "`alone`"),
    ("some direction dropped alone,^, kills class 8", ",", VERBS),
    ("some direction alone^, kills class 8", ",", VERBS_OR_WITH),
    ("accuracy is above 97 % ^and class 5 has the lowest recall", "and", END),
    ("dropping\tdirection\n5 kills ^klass 8", "klass", VICTIMS),
]  # fmt: skip


@pytest.mark.parametrize("stops", ["..", ". .", "...", "!", ".?"])
def test_one_full_stop_is_enough(stops: str) -> None:
    message(f'dropping direction 5 kills class "cat"{stops}')
    message(f"dropping direction 5{stops}", Ablation.parse)
    assert Ablation.parse("dropping direction 5.") == drop(5)


@pytest.mark.parametrize(("marked", "found", "expected"), ILLEGAL, ids=[row[0] for row in ILLEGAL])
def test_an_illegal_sentence_is_marked_where_it_goes_wrong(
    marked: str, found: str, expected: str
) -> None:
    place, sentence = marked.index("^"), marked.replace("^", "")
    lines = message(sentence)
    assert lines == [
        "this claim does not parse:",
        "  " + sentence.replace("\n", " "),
        "  " + " " * place + "^",
        f"  found: {found}",
        f"  expected: {expected}",
        COMMAND,
    ]
