"""Which directions an ablation keeps, and what it is called."""

from __future__ import annotations

import numpy as np
import pytest
from claim_strategies import ablations, steady
from hypothesis import given, settings
from hypothesis import strategies as st

from interp_checks import (
    Ablation,
    ClaimSyntaxError,
    InterpChecksError,
    NotJudgedError,
    dropping,
    keeping_every_direction,
    keeping_first,
    keeping_last,
    keeping_no_direction,
    keeping_only,
)
from interp_checks.ablations.ablation import FAMILIES, family_members, unique


@settings(steady, max_examples=300)
@given(ablations.filter(lambda ablation: ablation.numbers == ablation.indices), st.integers(1, 40))
def test_what_stays_is_what_set_arithmetic_says(ablation: Ablation, count: int) -> None:
    every, named = set(range(1, count + 1)), set(ablation.indices)
    if any(index > count for index in named):
        with pytest.raises(NotJudgedError):
            ablation.kept(count)
        return
    number = next(iter(ablation.indices), 0)
    stays = {
        "every": every,
        "none": set(),
        "first": {index for index in every if index <= number},
        "last": {index for index in every if index > count - number},
        "dropping": every - named,
        "only": every & named,
    }[ablation.kind]
    assert ablation.kept(count) == tuple(sorted(stays))


@settings(steady, max_examples=100)
@given(st.lists(st.integers(1, 12), min_size=1), st.integers(12, 20))
def test_dropping_and_keeping_only_are_complements(directions: list[int], count: int) -> None:
    dropped, kept = dropping(*directions).kept(count), keeping_only(*directions).kept(count)
    assert set(dropped) | set(kept) == set(range(1, count + 1))
    assert not set(dropped) & set(kept)


@pytest.mark.parametrize(
    ("ablation", "kept", "words", "label", "family"),
    [
        (keeping_every_direction(), (1, 2, 3, 4), "keeping every direction", "every", "sets"),
        (keeping_no_direction(), (), "keeping no direction", "none", "sets"),
        (keeping_first(1), (1,), "keeping the first direction", "first 1", "first"),
        (keeping_first(3), (1, 2, 3), "keeping the first 3 directions", "first 3", "first"),
        (keeping_last(1), (4,), "keeping the last direction", "last 1", "last"),
        (keeping_last(4), (1, 2, 3, 4), "keeping the last 4 directions", "last 4", "last"),
        (dropping(4), (1, 2, 3), "dropping direction 4", "all but 4", "dropping"),
        (dropping(4, 1), (2, 3), "dropping directions 1 and 4", "all but 1, 4", "sets"),
        (dropping(1, 2, 3, 4), (), "dropping directions 1, 2, 3 and 4", "all but 1, 2, 3, 4",
         "sets"),
        (keeping_only(2), (2,), "keeping only direction 2", "just 2", "only"),
        (keeping_only(3, 2, 3), (2, 3), "keeping only directions 2 and 3", "just 2, 3", "sets"),
    ],
    ids=str,
)  # fmt: skip
def test_each_kind_by_hand(
    ablation: Ablation, kept: tuple[int, ...], words: str, label: str, family: str
) -> None:
    assert ablation.kept(4) == kept
    assert str(ablation) == words
    assert ablation.label == label
    assert ablation.family == family
    assert family in FAMILIES
    assert Ablation.parse(words) == ablation


@pytest.mark.parametrize(
    ("ablation", "largest"),
    [(dropping(1, 5), 5), (keeping_only(7), 7), (keeping_first(5), 5), (keeping_last(6), 6)],
    ids=str,
)
def test_a_direction_that_does_not_exist_is_not_judged(ablation: Ablation, largest: int) -> None:
    with pytest.raises(NotJudgedError) as caught:
        ablation.kept(4)
    assert str(caught.value).split("\n") == [
        f"{ablation}: there is no direction {largest}",
        "  found: 4 directions",
        f"  expected: at least {largest}",
    ]


def test_order_and_repetition_do_not_matter() -> None:
    assert dropping(5, 1, 5) == dropping(1, 5)
    assert hash(dropping(5, 1, 5)) == hash(dropping(1, 5))
    assert dropping(1) != keeping_only(1)
    assert unique([dropping(2), dropping(1), dropping(2)]) == (dropping(2), dropping(1))


@pytest.mark.parametrize(
    ("kind", "indices"),
    [
        ("dropping", ()),
        ("only", ()),
        ("first", ()),
        ("last", (1, 2)),
        ("every", (1,)),
        ("none", (1,)),
        ("first", (1, 2)),
        ("middle", (1,)),
    ],
)
def test_what_is_no_ablation_is_refused(kind: str, indices: tuple[int, ...]) -> None:
    with pytest.raises(InterpChecksError) as caught:
        Ablation(kind, indices)  # type: ignore[arg-type]
    assert str(caught.value).split("\n") == [
        f"this is not an ablation: {kind!r} of {indices}",
        "  expected: directions and counts are whole numbers from 1",
    ]


@pytest.mark.parametrize("kind", ["dropping", "only", "first", "last"])
@pytest.mark.parametrize("index", [0, -2, True, np.True_, 1.0, 1.7, np.float64(2), "1"], ids=repr)
def test_what_is_no_number_of_directions_is_refused(kind: str, index: object) -> None:
    indices = (index,) if kind in ("first", "last") else (1, index)
    with pytest.raises(InterpChecksError) as caught:
        Ablation(kind, indices)  # type: ignore[arg-type]
    assert str(caught.value).split("\n") == [
        f"{index!r} is not a number to count with",
        "  expected: a whole number from 1",
    ]


def test_numbers_of_numpy_are_numbers() -> None:
    assert dropping(np.int64(5), np.uint8(1)) == dropping(1, 5)
    assert [type(index) for index in dropping(np.int64(5)).indices] == [int]


def test_an_ablation_is_frozen() -> None:
    with pytest.raises(AttributeError):
        dropping(5).kind = "only"  # type: ignore[misc]


def test_words_that_are_no_ablation_are_a_syntax_error() -> None:
    with pytest.raises(ClaimSyntaxError, match="this ablation does not parse"):
        Ablation.parse("droping direction 5")


def test_families_list_their_members() -> None:
    assert [str(member.label) for member in family_members("first", 3)] == [
        "first 3",
        "first 2",
        "first 1",
    ]
    assert family_members("last", 2) == (keeping_last(2), keeping_last(1))
    assert family_members("dropping", 2) == (dropping(1), dropping(2))
    assert family_members("only", 2) == (keeping_only(1), keeping_only(2))
    assert family_members("sets", 9) == ()
    for family in ("first", "last", "dropping", "only"):
        members = family_members(family, 5)
        assert len(set(members)) == 5
        assert {member.family for member in members} == {family}
