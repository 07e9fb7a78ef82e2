"""The rate of chance for some directions and classes, against trying all of them one by one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, permutations, product

import numpy as np
import pytest
from chance_oracle import HEADLINE, Cuts, Numbers, goes_most, random_readout, spares_but
from claim_strategies import steady
from hypothesis import given, settings
from hypothesis import strategies as st

from interp_checks import Ablation, Claim, GateWeights, judge
from interp_checks.ablations.ablation import dropping
from interp_checks.claims import predicates
from interp_checks.claims.predicate import PREDICATES, Effect
from interp_checks.claims.sample import Demands
from interp_checks.judging import chance as chance_module
from interp_checks.judging.chance import Chance, by_chance
from interp_checks.judging.relabelling import _can_be_matched, by_any
from interp_checks.judging.stand_ins import family_size, over_words, stand_ins_of
from interp_fixtures import reference_readout

Meaning = Callable[..., bool]

# A sentence with a direction (or k) and classes left open, and how it is read.
# fmt: off
OPEN: dict[str, Meaning] = {
    "dropping direction {i} kills class {a} and spares every other class":
        lambda n, a: a in n.killed and spares_but(n, a),
    "dropping direction {i} kills only classes {a} and {b}":
        lambda n, a, b: sorted(n.killed) == sorted((a, b)),
    "dropping direction {i} kills exactly one class and spares every other class":
        lambda n: len(n.killed) == 1 and spares_but(n, *n.killed),
    "dropping direction {i} predicts exactly 3 classes": lambda n: len(n.predicted) == 3,
    "keeping only direction {i} leaves only classes {a} and {b} alive":
        lambda n, a, b: n.alive == sorted((a, b)),
    "keeping the first {i} directions predicts only classes {a}, {b} and {c}":
        lambda n, a, b, c: n.predicted == sorted((a, b, c)),
    "dropping direction {i} sends class {a} mostly to class {b}":
        lambda n, a, b: 2 * n.goes(a)[b] > n.of[a],
    "keeping the last {i} directions sends class {a} mostly to classes {b} and {c} and kills class "
    "{d}": lambda n, a, b, c, d: 2 * (n.goes(a)[b] + n.goes(a)[c]) > n.of[a] and d in n.killed,
    "keeping the last {i} directions mistakes class {a} mostly for class {b} and spares class {c}":
        lambda n, a, b, c: goes_most(n, a, b) and c in n.spared,
    "dropping direction {i} leaves class {a} alive and costs more than 10 points of recall of "
    "class {b}": lambda n, a, b: a in n.alive and b not in n.spared
        and 10 * (n.before[b] - n.right[b]) > n.of[b],
    "keeping the first {i} directions keeps recall of classes {a} and {b} above 60 %":
        lambda n, a, b: all(5 * n.right[k] > 3 * n.of[k] for k in (a, b)),
    "dropping direction {i} kills class {a} and leaves only classes {b} and {c} alive and spares "
    "every other class": lambda n, a, b, c: a in n.killed and n.alive == sorted((b, c))
        and spares_but(n, a, b, c),
}
# fmt: on


def tried(sentence: str, meaning: Meaning, cuts: Cuts, width: int) -> tuple[int, int]:
    """As stated with the first direction and classes, and for any of them, by trying each."""
    names = [letter for letter in "abcd" if f"{{{letter}}}" in sentence]
    numbers = range(1, width + 1 if "direction {i}" in sentence else width)
    ways = list(permutations(range(cuts.classes), len(names)))
    stated = anywhere = 0
    for rotation in range(len(cuts.cuts)):
        held = {}
        for i in numbers:
            filled = sentence.format(i=i, **dict(zip(names, ways[0], strict=True)))
            condition = Claim.parse(filled).condition
            assert isinstance(condition, Ablation)
            now = Numbers(cuts, rotation, cuts.predicted(condition)[rotation])
            held |= {(i, way): meaning(now, *way) for way in ways}
        stated += held[1, ways[0]]
        anywhere += any(held.values())
    return stated, anywhere


@pytest.mark.parametrize("seed", range(3))
def test_the_count_is_that_of_trying_every_direction_and_class(seed: int) -> None:
    readout = random_readout(seed, 200, 4, 5)
    cuts = Cuts(readout, 15)
    seen = set()
    for sentence, meaning in OPEN.items():
        expected = tried(sentence, meaning, cuts, 4)
        claim = Claim.parse(sentence.format(i=1, a=0, b=1, c=2, d=3))
        chance = by_chance(claim, readout, 15, anywhere=True)
        assert chance is not None
        assert (chance.count, chance.anywhere) == expected, sentence
        seen.add(chance.anywhere)
    # Not all of them are certain, nor all impossible.
    assert len(seen) > 3


@pytest.mark.parametrize("seed", range(3))
def test_two_ablations_are_both_free(seed: int) -> None:
    readout = random_readout(seed, 200, 4, 5)
    cuts = Cuts(readout, 15)
    same = revived = 0
    for row in range(15):
        pairs = product(range(1, 5), range(1, 4))
        same += any(
            20 * int((one != other).sum()) < len(one)
            for i, k in pairs
            if set(range(1, 5)) - {i} != set(range(1, k + 1))
            for one, other in [
                (
                    cuts.predicted(Ablation("dropping", (i,)))[row],
                    cuts.predicted(Ablation("first", (k,)))[row],
                )
            ]
        )
        lasts = [Numbers(cuts, row, cuts.predicted(Ablation("last", (k,)))[row]) for k in (1, 2, 3)]
        revived += any(
            name in one.alive and other.dead[name]
            for one, other in product(lasts, lasts)
            for name in range(4)
        )
    for sentence, expected, over in (
        ("dropping direction 1 predicts the same as keeping the first 2 directions", same,
         "some directions"),
        ("keeping the last 3 directions revives class 0 compared with keeping the last 2 "
         "directions", revived, "some k and class"),
    ):  # fmt: skip
        chance = by_chance(Claim.parse(sentence), readout, 15, anywhere=True)
        assert chance is not None
        assert (chance.anywhere, chance.over) == (expected, over)


def headline_rates(rotations: int) -> tuple[Chance | None, list[int]]:
    """The headline as stated, for any direction, and for any direction and class."""
    readout = reference_readout("mnist")
    cuts = Cuts(readout, rotations)
    held = np.zeros((rotations, 10, 10), dtype=bool)
    for i in range(1, 11):
        for row, now in enumerate(cuts.predicted(dropping(i))):
            numbers = Numbers(cuts, row, now)
            for name in numbers.killed:
                held[row, i - 1, name] = spares_but(numbers, name)
    chance = by_chance(Claim.parse(HEADLINE), readout, rotations, anywhere=True)
    each = [held[:, 4, 8], held[:, :, 8].any(axis=1), held.any(axis=(1, 2))]
    return chance, [int(one.sum()) for one in each]


def test_the_headline_as_stated_and_for_some_direction_and_class() -> None:
    chance, (stated, of_eight, any_class) = headline_rates(200)
    assert chance == Chance(stated, 200, any_class, "some direction and class")
    assert (stated, of_eight, any_class) == (1, 3, 42)


@pytest.mark.slow
def test_the_headline_under_a_thousand_rotations() -> None:
    chance, (stated, of_eight, any_class) = headline_rates(1000)
    assert chance == Chance(stated, 1000, any_class, "some direction and class")
    assert (stated, of_eight, any_class) == (4, 11, 200)


def test_sets_of_directions_and_classes() -> None:
    readout = random_readout(2, 300, 5, 6)
    cuts = Cuts(readout, 20)
    expected = 0
    for row in range(20):
        killed = {
            dropped: set(Numbers(cuts, row, cuts.predicted(dropping(*dropped))[row]).killed)
            for size in (1, 2)
            for dropped in combinations(range(1, 6), size)
        }
        expected += any(
            killed[one, other] - killed[one,] - killed[other,]
            for one, other in combinations(range(1, 6), 2)
        )
    claim = Claim.parse("directions 2 and 3 are a minimal kill set of class 1")
    chance = by_chance(claim, readout, 20, anywhere=True)
    assert chance is not None
    assert (chance.anywhere, chance.over) == (expected, "some set of 2 directions and class")


# --- matching -----------------------------------------------------------------------------------


@settings(steady, max_examples=60)
@given(st.data())
def test_hall_finds_what_trying_every_assignment_finds(data: st.DataObject) -> None:
    classes = data.draw(st.integers(2, 5))
    sizes = data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=3))
    sizes = [max(0, classes - sum(sizes)), *sizes]
    if sum(sizes) != classes:
        return
    masks = st.lists(st.booleans(), min_size=classes, max_size=classes)
    places = [np.array([data.draw(masks) for _ in range(3)]) for _ in sizes]
    owner = [place for place, size in enumerate(sizes) for _ in range(size)]
    expected = [
        any(
            all(places[place][case, row] for place, row in zip(owner, rows, strict=True))
            for rows in permutations(range(classes))
        )
        for case in range(3)
    ]
    assert _can_be_matched(places, sizes).tolist() == expected


def test_more_names_than_classes_cannot_be_put_in() -> None:
    some = np.ones((2, 3), dtype=bool)
    demands = Demands(2, some[:, 0], [(("a", "b", "c", "d"), some)])
    assert not by_any(demands, np.ones(3, dtype=int)).any()


def test_a_class_without_images_is_put_in_for_none_whose_recall_is_asked() -> None:
    low = np.array([[True, False]])
    demands = Demands(1, np.array([True]), [(("a",), low)], measured={"a"})
    assert by_any(demands, np.array([5, 5])).all()
    assert not by_any(demands, np.array([0, 5])).any()


# --- around it ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ablation", "size"),
    [("dropping direction 5", 10), ("keeping only directions 1 and 2", 45),
     ("keeping the first 3 directions", 9), ("keeping the last 10 directions", 10),
     ("keeping no direction", 1)],
)  # fmt: skip
def test_families(ablation: str, size: int) -> None:
    one = Ablation.parse(ablation)
    family = stand_ins_of(one, 10)
    assert len(family) == len(set(family)) == family_size(one, 10) == size
    assert one in family
    assert {other.kind for other in family} == {one.kind}


def test_what_is_free_in_words() -> None:
    for sentences, classes, words in (
        (["dropping direction 5"], 1, "some direction and class"),
        (["dropping directions 5 and 6"], 2, "some set of 2 directions and classes"),
        (["keeping the first 4 directions"], 0, "some k"),
        (["dropping direction 5", "keeping the first 4 directions"], 0, "some directions"),
        (["keeping the last 4 directions", "keeping no direction"], 1, "some k and class"),
    ):
        assert over_words([Ablation.parse(one) for one in sentences], classes) == words


@pytest.mark.parametrize(
    "say",
    [
        "kills class 1",
        "spares every class",
        "sends class 0 mostly to class 1",
        "keeps accuracy above 60 %",
        "predicts the same as keeping the first 3 directions",
    ],
)
def test_never_fewer_than_as_stated(say: str) -> None:
    sentence = f"dropping direction 2 {say}"
    for seed in range(4):
        readout = random_readout(seed, 150, 4, 6)
        chance = by_chance(Claim.parse(sentence), readout, 20, anywhere=True)
        assert chance is not None
        assert chance.anywhere is not None
        assert chance.count <= chance.anywhere <= chance.total == 20
        assert by_chance(Claim.parse(sentence), readout, 20) == Chance(chance.count, 20)


def test_what_would_take_too_long_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    readout = random_readout(0, 200, 4, 6)
    limit = 10 * 200 * 4 * 4
    monkeypatch.setattr(chance_module, "_TOO_MUCH", limit)
    claim = Claim.parse("dropping direction 1 kills class 0")
    verdict = judge(claim, readout, rotations=10)
    assert verdict.chance is not None
    assert verdict.chance.anywhere is None
    assert "not measured for some direction and class" in verdict.message(200)
    assert verdict.as_dict()["chance_anywhere"] == {"count": None, "over": verdict.chance.over}


def test_words_and_values() -> None:
    chance = Chance(1, 200, 39, "some direction and class")
    assert str(chance) == "1/200 as stated, 39/200 for some direction and class"
    assert chance.share == 1 / 200
    assert str(Chance(1, 200)) == "1/200"


def test_every_predicate_is_tried() -> None:
    open_claims = [Claim.parse(one.format(i=1, a=0, b=1, c=2, d=3)) for one in OPEN]
    tried_here = {type(say) for claim in open_claims for say in claim.says}
    # The two that compare with another ablation have a test of their own.
    effects = {kind for kind in PREDICATES if issubclass(kind, Effect)}
    assert tried_here == effects - {predicates.PredictsTheSame, predicates.Revives}


def test_gates_are_counted_too_where_that_is_affordable(monkeypatch: pytest.MonkeyPatch) -> None:
    from gate_chance_oracle import Loop
    from torch import nn

    target = GateWeights(1, "new", "input")
    loop = Loop(nn.GRU, target, 2, 6)
    expected = 0
    for row in range(6):
        kept = [tuple(k for k in range(1, loop.width + 1) if k != i) for i in range(1, 6)]
        expected += any(
            loop.kills(loop.predicted(numbers)[row], name) for numbers in kept for name in range(4)
        )
    claim = Claim.parse(f"dropping direction 1 of {target} kills class 1")
    chance = by_chance(claim, loop.readout, 6, anywhere=True)
    assert chance is not None
    assert chance.anywhere == expected
    monkeypatch.setattr(chance_module, "_TOO_MUCH_INSIDE_ANYWHERE", 0)
    again = by_chance(claim, loop.readout, 6, anywhere=True)
    assert again == Chance(chance.count, 6, None, "some direction and class")
