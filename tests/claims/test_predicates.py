"""Every predicate has all its parts, and one more is one more file, wherever it lies."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from claim_strategies import counts, names, steady, values_of
from hypothesis import given
from made_readouts import ABLATED, dictated

from interp_checks import Claim, ClaimSyntaxError, NotJudgedError, Outcome, dropping, judge
from interp_checks.ablations.verbs import LANGUAGE
from interp_checks.claims import language_tables as language
from interp_checks.claims.predicate import PREDICATES, Effect, Fact, Predicate
from interp_checks.claims.predicates.direction_sets import _OfASet
from interp_checks.claims.quantified import some_direction_dropped
from interp_checks.judging.chance import by_chance

every_predicate = pytest.mark.parametrize("predicate", PREDICATES, ids=lambda kind: kind.__name__)


@every_predicate
def test_examples_say_it_and_counterexamples_do_not_parse(predicate: type[Predicate]) -> None:
    assert len(predicate.examples) >= 2
    assert len(predicate.counterexamples) >= 2
    for sentence in predicate.examples:
        claim = Claim.parse(sentence)
        assert predicate in map(type, claim.says)
        assert Claim.parse(str(claim)) == claim
        assert (claim.condition is None) == issubclass(predicate, Fact)
    for sentence in predicate.counterexamples:
        with pytest.raises(ClaimSyntaxError):
            Claim.parse(sentence)


@every_predicate
def test_every_way_to_say_it_is_explained_and_has_a_rule(predicate: type[Predicate]) -> None:
    assert predicate.explained
    assert all("`" in said and means for said, means in predicate.explained)
    assert all(all(rule) for rule in predicate.rules)
    assert (predicate.__doc__ or "").strip()
    assert set(predicate.explained) <= {*language.effects(), *language.facts()}
    assert set(predicate.rules) <= set(language.rules())


@every_predicate
def test_any_value_comes_back_from_its_words(predicate: type[Predicate]) -> None:
    comes_back(predicate)


def comes_back(predicate: type[Predicate]) -> None:
    condition = None if issubclass(predicate, Fact) else dropping(5)

    @steady
    @given(values_of(predicate, names, counts))
    def there_and_back(value: Predicate) -> None:
        if not value.needs_named_classes:
            claim = Claim(condition, (value,))
            assert Claim.parse(str(claim)) == claim

    there_and_back()


# --- one from outside -----------------------------------------------------------------------------


@pytest.fixture
def mine() -> Iterator[type[Effect]]:
    """A verb that another package brings, as long as a test runs."""
    before, verbs = list(PREDICATES), dict(LANGUAGE.verbs)
    sys.modules.pop("kills_every_but", None)
    from kills_every_but import KillsEveryBut

    yield KillsEveryBut
    PREDICATES[:] = before
    LANGUAGE.verbs = verbs


def test_it_has_words(mine: type[Effect]) -> None:
    claim = Claim.parse("Dropping direction 5 kills every class but 3.")
    assert str(claim) == "dropping direction 5 kills every class but 3"
    assert claim == dropping(5).kills_every_class_but(3)
    assert "kills_every_class_but" in dir(some_direction_dropped)
    comes_back(mine)


def test_it_is_judged(mine: type[Effect]) -> None:
    def outcome(alive: int, others: int) -> Outcome:
        """Of 100 images of a class: right ones of class 0, and of each other class."""
        images = {(0, 0, 0): alive, (0, 0, 1): 100 - alive}
        for row in range(1, 5):
            images |= {(row, row, row): others, (row, row, 0): 100 - others}
        return judge(f"{ABLATED} kills every class but 0", dictated(images)).outcome

    assert [outcome(*pair) for pair in ((90, 0), (45, 0), (20, 0), (90, 4), (90, 50))] == [
        *(Outcome.HOLDS, Outcome.UNDECIDED, Outcome.FAILS, Outcome.UNDECIDED, Outcome.FAILS)
    ]


def test_it_has_a_rate_of_chance_and_a_place_in_other_claims(mine: type[Effect]) -> None:
    from interp_fixtures import reference_readout

    readout = reference_readout("digits")
    claim = Claim.parse("dropping direction 1 kills every class but 3")
    chance = by_chance(claim, readout, 20, anywhere=True)
    assert chance is not None
    assert chance.over == "some direction and class"
    assert 0 <= chance.count <= (chance.anywhere or 0) <= 20
    some = Claim.parse("some direction, dropped alone, kills every class but 3")
    assert judge(some, readout).outcome == Outcome.FAILS


def test_it_is_in_the_documents(mine: type[Effect]) -> None:
    assert mine.explained[0] in language.effects()
    assert mine.rules[0] in language.rules()
    assert "kills every class but 3" in language.language(search="every class but")


def test_words_of_its_own_are_expected_where_they_can_stand(mine: type[Effect]) -> None:
    with pytest.raises(ClaimSyntaxError, match="`but`"):
        Claim.parse("dropping direction 5 kills every class and 3")


def test_without_it_the_language_is_as_before() -> None:
    with pytest.raises(ClaimSyntaxError):
        Claim.parse("dropping direction 5 kills every class but 3")
    with pytest.raises(AttributeError, match="no attribute 'kills_every_class_but'"):
        dropping(5).kills_every_class_but(3)  # type: ignore[attr-defined]


@pytest.mark.parametrize("part", ["phrases", "rules", "explained", "examples", "counterexamples"])
def test_a_predicate_that_lacks_a_part_is_refused_by_name(part: str) -> None:
    parts = dict.fromkeys(("phrases", "rules", "explained", "examples", "counterexamples"), ())
    del parts[part]
    before = list(PREDICATES)
    methods = {name: lambda self, *_: "" for name in ("__str__", "checks", "ask")}
    with pytest.raises(TypeError, match=f"the predicate Lame .* lacks {part}$"):
        type("Lame", (Effect,), {**parts, **methods})
    assert before == PREDICATES


@pytest.mark.parametrize("method", ["__str__", "checks", "ask"])
def test_a_predicate_that_lacks_a_method_is_refused_by_name(method: str) -> None:
    parts = ("phrases", "rules", "explained", "examples", "counterexamples")
    methods = {name: lambda self, *_: "" for name in {"__str__", "checks", "ask"} - {method}}
    with pytest.raises(TypeError, match=f"the predicate Lame .* lacks {method}$"):
        type("Lame", (Effect,), {**dict.fromkeys(parts, ()), **methods})


def test_a_fact_says_why_it_has_no_rate_of_chance_or_measures_it() -> None:
    parts = ("phrases", "rules", "explained", "examples", "counterexamples")
    methods = {name: lambda self, *_: "" for name in ("__str__", "checks")}
    with pytest.raises(TypeError, match=r"lacks no_chance$"):
        type("Lame", (Fact,), {**dict.fromkeys(parts, ()), **methods})
    with pytest.raises(TypeError, match=r"lacks holds_along$"):
        type("Lame", (Fact,), {**dict.fromkeys(parts, ()), **methods, "no_chance": ""})
    # The same where what it shares with others says that a rate is measured.
    with pytest.raises(TypeError, match=r"lacks holds_along$"):
        type("Lame", (_OfASet,), {**dict.fromkeys(parts, ()), **methods})


def test_one_that_kills_says_what_it_is_of_another_class() -> None:
    parts = ("phrases", "rules", "explained", "examples", "counterexamples")
    methods = {name: lambda self, *_: "" for name in ("__str__", "checks", "ask")}
    with pytest.raises(TypeError, match=r"lacks killing$"):
        type("Lame", (Effect,), {**dict.fromkeys(parts, ()), **methods, "killed_classes": ()})


def test_a_rate_that_is_not_measured_says_why() -> None:
    fact = Claim.parse("direction 5 has the largest Shapley value for class 8").fact
    assert fact is not None
    with pytest.raises(NotJudgedError, match="every subset of every cut"):
        fact.holds_along(None, (5,))  # type: ignore[arg-type]
