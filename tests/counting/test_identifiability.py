"""Which directions can be told apart, how far they could turn, and what the gauge changes."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from claim_strategies import steady
from hypothesis import given, settings
from hypothesis import strategies as st
from made_readouts import judged
from scipy.linalg import null_space, subspace_angles

from interp_checks import Claim, Directions, NotJudgedError, Readout, judge
from interp_checks.thresholds import MOVED, TURNED

seeds = st.integers(0, 2**32 - 1)


def weight_with(
    values: list[float], classes: int | None = None, hidden: int | None = None
) -> np.ndarray:
    """A weight [K, Z] with these singular values."""
    rng, rank = np.random.default_rng(0), len(values)
    left = np.linalg.qr(rng.normal(size=(classes or rank, rank)))[0]
    right = np.linalg.qr(rng.normal(size=(hidden or rank, rank)))[0]
    return np.asarray(left @ np.diag(values) @ right.T)


def readout_with(values: list[float]) -> Readout:
    """All images are right, with nothing ablated; no bias."""
    weight = weight_with(values)
    wanted = np.repeat(np.eye(len(values)), 300, axis=0)
    labels = np.repeat(np.arange(len(values)), 300)
    return Readout(np.linalg.solve(weight, wanted.T).T, labels, weight)


# --- separation and turn ------------------------------------------------------------------------


@settings(steady, max_examples=150)
@given(
    st.lists(st.sampled_from([0.0, 0.0, 1e-9, 0.5, 1.0, 1.001, 2.0, 7.5]), min_size=1, max_size=6),
    st.data(),
)
def test_separation_by_brute_force(values: list[float], data: st.DataObject) -> None:
    values = sorted(values, reverse=True)
    directions = Directions(np.eye(len(values)), np.array(values), np.eye(len(values)))
    every = set(range(1, len(values) + 1))
    kept = tuple(sorted(data.draw(st.sets(st.sampled_from(sorted(every))))))
    gone = every - set(kept)
    gaps = [
        abs(values[i - 1] - values[j - 1]) / values[0]
        for i in kept
        for j in gone
        if values[i - 1] or values[j - 1]
    ]
    separation = directions.separation(kept)
    assert separation == pytest.approx(min(gaps, default=math.inf), rel=1e-12)
    assert directions.separation(tuple(gone)) == separation
    for moved in (MOVED, 0.05):
        turn = directions.turn(kept, moved)
        if not gaps:
            assert turn == 0
            continue
        room = min(gaps) - moved
        sine = math.sqrt(2 * min(len(kept), len(gone))) * moved / room if room > 0 else 1.0
        assert turn == pytest.approx(math.degrees(math.asin(min(1.0, sine))))
    if gaps:
        stays, goes = directions.nearest_split(kept)
        assert (stays in kept, goes in gone) == (True, True)
        nearest = min(abs(values[i - 1] - values[j - 1]) for i in kept for j in gone)
        assert abs(values[stays - 1] - values[goes - 1]) == nearest


def turned(weight: np.ndarray, change: np.ndarray, kept: tuple[int, ...]) -> float:
    """The largest principal angle between old and new spans, on either side, in degrees."""
    old, new = Directions.of(weight), Directions.of(weight + change)
    columns = [index - 1 for index in kept]
    return max(
        math.degrees(subspace_angles(one[:, columns], other[:, columns]).max())
        for one, other in ((old.hidden, new.hidden), (old.classes, new.classes))
    )


def adversarial(directions: Directions, kept: tuple[int, ...], norm: float) -> np.ndarray:
    """A change of the weight that turns the nearest pair of directions into each other."""
    stays, goes = (index - 1 for index in directions.nearest_split(kept))
    v, u = directions.classes, directions.hidden
    return norm * (np.outer(v[:, stays], u[:, goes]) + np.outer(v[:, goes], u[:, stays]))


@pytest.mark.parametrize("moved", [MOVED, 0.02])
def test_no_change_of_a_square_weight_turns_a_span_further_than_the_bound(moved: float) -> None:
    rng = np.random.default_rng(1)
    bounded, ratios = 0, []
    for _ in range(150):
        size = int(rng.integers(2, 7))
        weight = rng.normal(size=(size, size)) * 10.0 ** rng.integers(-3, 4)
        directions = Directions.of(weight)
        norm = moved * directions.singular_values[0]
        sets = [kept for m in range(1, size) for kept in combinations(range(1, size + 1), m)]
        kept = sets[rng.integers(len(sets))]
        bound = directions.turn(kept, moved)
        noise = rng.normal(size=weight.shape)
        spiteful = adversarial(directions, kept, norm)
        changes = [norm * noise / np.linalg.norm(noise, 2), spiteful, -spiteful]
        for change in changes:
            assert np.linalg.norm(change, 2) == pytest.approx(norm)
            assert turned(weight, change, kept) <= bound + 1e-4
        if bound < 90:
            bounded += 1
            ratios.append(bound / max(turned(weight, change, kept) for change in changes))
    assert bounded > 50
    # Some change comes near: the bound is not so wide that it says nothing.
    assert np.median(ratios) < 3


def test_a_wide_gap_lets_nothing_turn_and_a_narrow_one_all() -> None:
    directions = Directions.of(weight_with([3.0, 2.0, 1.999, 1.0]))
    assert directions.turn((1,)) < 1
    assert directions.turn((1, 2, 3)) < 1
    assert directions.turn((2,)) == directions.turn((1, 3, 4)) == 90
    assert directions.turn(()) == directions.turn((1, 2, 3, 4)) == 0
    turns = [directions.turn((1,), moved) for moved in (1e-6, 1e-4, 1e-2, 0.1, 0.5)]
    assert turns == sorted(turns)
    assert turns[-1] == 90


def test_the_table_of_directions() -> None:
    directions = Directions.of(weight_with([4.0, 2.0, 1.999, 0.0]))
    table = directions.table()
    assert list(table.columns) == ["singular value", "energy", "relative gap", "turn"]
    assert (table.index.name, list(table.index)) == ("direction", [1, 2, 3, 4])
    np.testing.assert_allclose(table["singular value"], [4, 2, 1.999, 0], atol=1e-12)
    np.testing.assert_allclose(
        table["energy"], np.array([16, 4, 3.996001, 0]) / 23.996001, atol=1e-12
    )
    np.testing.assert_allclose(table["relative gap"], [0.5, 0.00025, 0.00025, 1.999 / 4], rtol=1e-6)
    wedin = [
        math.degrees(math.asin(math.sqrt(2) * 0.001 / (gap - 0.001))) for gap in (0.5, 1.999 / 4)
    ]
    np.testing.assert_allclose(table["turn"], [wedin[0], 90, 90, wedin[1]])
    assert "relative gap" in directions._repr_html_()


# --- refused, and judged ------------------------------------------------------------------------

NEAR = [5.0, 4.0, 3.0005, 3.0, 1.0]


@pytest.mark.parametrize(
    ("ablation", "pair", "turn"),
    [
        ("dropping direction 3", (4, 3), 90),
        ("keeping only direction 4", (4, 3), 90),
        ("keeping the first 3 directions", (3, 4), 90),
        ("dropping directions 1 and 4", (3, 4), 90),
    ],
)
def test_directions_that_cannot_be_told_apart_are_refused(
    ablation: str, pair: tuple[int, int], turn: int
) -> None:
    with pytest.raises(NotJudgedError) as caught:
        judged(f"{ablation} spares class 1", readout_with(NEAR))
    low, high = sorted(pair)
    values = {3: "3.001", 4: "3"}
    assert str(caught.value).split("\n") == [
        f"{ablation}: direction {low} cannot be told from direction {high}",
        f"  found: singular values {values[low]} and {values[high]}; if the weight moved by 0.1 % "
        f"the span could turn by up to {turn} degrees",
        "  expected: at most 45 degrees",
        f'  what to do: claim them together: "directions {low} and {high}"',
    ]


def test_the_pair_together_is_judged_and_so_is_what_does_not_split_it() -> None:
    readout = readout_with(NEAR)
    for ablation in (
        "dropping directions 3 and 4",
        "keeping only directions 3 and 4",
        "keeping the first 2 directions",
        "keeping the first 4 directions",
        "dropping direction 1",
        "keeping every direction",
    ):
        assert judged(f"{ablation} keeps accuracy above 1 %", readout).outcome == "holds"


def test_every_ablation_that_a_claim_names_must_be_identifiable() -> None:
    readout = readout_with(NEAR)
    for sentence in (
        "dropping direction 1 revives class 0 compared with dropping direction 3",
        "dropping direction 1 predicts the same as keeping the last 2 directions",
        "the first 3 directions carry at least 1 % of the variance",
    ):
        with pytest.raises(NotJudgedError, match="direction 3 cannot be told from direction 4"):
            judged(sentence, readout)
    assert judged("the first 4 directions carry at least 1 % of the variance", readout)


def test_the_line_is_at_45_degrees() -> None:
    """Two directions of a pair: the sine is sqrt(2) × 0.001 / (gap - 0.001)."""
    limit = math.sqrt(2) * MOVED / math.sin(math.radians(TURNED)) + MOVED
    assert limit == pytest.approx(0.003)
    for gap, refused in ((limit * 0.99, True), (limit * 1.01, False)):
        readout = readout_with([1.0, 0.5, 0.5 - gap, 0.1])
        if refused:
            with pytest.raises(NotJudgedError):
                judged("dropping direction 2 spares class 0", readout)
        else:
            assert judged("dropping direction 2 spares class 0", readout).outcome != "undecided"


def test_members_that_cannot_be_told_apart_leave_a_quantified_claim_undecided() -> None:
    readout = readout_with(NEAR)
    # What each of them does alone is a matter of which is which.
    every = judged("every direction alone keeps accuracy above 0.1 %", readout)
    assert every.outcome == "undecided"
    assert every.checks[0].measured == "3 of 5 (just 1; just 2; just 5), 2 undecided"
    told = [check.measured for check in every.checks[1:] if check.outcome == "undecided"]
    assert told == [
        f"keeping only direction {k}: cannot be told from its neighbour" for k in (3, 4)
    ]
    # That no image is lost whichever of them is dropped is not.
    dropped = judged("every direction, dropped alone, keeps accuracy above 1 %", readout)
    assert dropped.outcome == "holds"
    assert dropped.checks[0].measured.startswith("5 of 5")
    # One is enough for "some", and three that do not are enough against "every".
    assert (
        judged("some direction, dropped alone, keeps accuracy above 1 %", readout).outcome
        == "holds"
    )
    assert (
        judged("every direction, dropped alone, keeps accuracy below 1 %", readout).outcome
        == "fails"
    )


# --- gauge --------------------------------------------------------------------------------------


@settings(steady, max_examples=40)
@given(seeds)
def test_the_centred_gauge_does_not_see_what_no_prediction_sees(seed: int) -> None:
    rng = np.random.default_rng(seed)
    features, weight = rng.normal(size=(200, 6)), rng.normal(size=(4, 6))
    shifted = weight + rng.normal(size=6) * 3
    labels = rng.integers(0, 4, 200)
    one, other = (Readout(features, labels, w, gauge="centred") for w in (weight, shifted))
    np.testing.assert_allclose(
        one.directions.singular_values, other.directions.singular_values, atol=1e-9
    )
    for k in (1, 2, 3):
        np.testing.assert_allclose(
            one.directions.weight((k,)), other.directions.weight((k,)), atol=1e-6
        )
    raw, raw_shifted = replace(one, gauge="raw"), replace(other, gauge="raw")
    assert not np.allclose(
        raw.directions.singular_values, raw_shifted.directions.singular_values, rtol=1e-3
    )
    for readout in (other, raw, raw_shifted):
        np.testing.assert_array_equal(readout.intact.counts, one.intact.counts)
        np.testing.assert_array_equal(
            readout.ablated(Claim.parse("keeping every direction spares class 0").condition).counts,
            one.intact.counts,
        )


def test_a_verdict_that_depends_on_the_gauge_says_so() -> None:
    rng = np.random.default_rng(0)
    features, weight = rng.normal(size=(800, 6)), rng.normal(size=(4, 6))
    readout = Readout(features, (features @ weight.T).argmax(axis=1), weight)
    unread = null_space(weight)[:, 0]
    shifted = replace(readout, weight=weight + 100 * unread)
    claim = Claim.parse("dropping direction 1 spares every class")
    raw, centred = judge(claim, shifted), judge(claim, shifted.other_gauge)
    # Raw, direction 1 is what was added to every class.
    assert (raw.outcome, centred.outcome) == ("holds", "fails")
    assert raw.notes == ("depends on the gauge: fails with the centred weight",)
    assert centred.notes == ("depends on the gauge: holds with the raw weight",)
    for sentence in ("keeping every direction spares every class", "accuracy is above 90 %"):
        assert judged(sentence, shifted).notes == ()
    carried = judged("the first direction carries at least 90 % of the variance", shifted)
    assert (carried.outcome, carried.notes) == ("holds", raw.notes)


def test_a_verdict_that_the_other_gauge_refuses_says_so() -> None:
    """Centred, directions 1 and 2 are equally strong; raw, one of them is stronger."""
    sides = np.linalg.qr(np.concatenate([np.ones((4, 1)), np.eye(4)[:, :3]], axis=1))[0][:, 1:]
    weight = sides * [2.0, 2.0, 1.0]
    features = np.random.default_rng(0).normal(size=(200, 3))
    labels = (features @ weight.T).argmax(axis=1)
    readout = Readout(features, labels, weight + np.array([3.0, 0, 0]))
    np.testing.assert_allclose(readout.directions.singular_values, [math.sqrt(40), 2, 1])
    np.testing.assert_allclose(readout.other_gauge.directions.singular_values, [2, 2, 1])
    claim = "dropping direction 1 keeps accuracy above 1 %"
    verdict = judged(claim, readout)
    assert verdict.outcome == "holds"
    assert verdict.notes[-1] == "depends on the gauge: not judged with the centred weight"
    with pytest.raises(NotJudgedError, match="direction 1 cannot be told from direction 2"):
        judged(claim, readout.other_gauge)


# --- what is wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 20), (20, 3)], ids=str)
def test_no_change_of_an_oblong_weight_turns_a_span_further_than_the_bound(
    shape: tuple[int, int],
) -> None:
    """A weak direction that stays turns into what no direction reads (or writes)."""
    weight = weight_with([3.0, 2.0, 0.01], *shape)
    directions = Directions.of(weight)
    hidden, classes = directions.hidden[:, 2], directions.classes[:, 2]
    if shape[0] < shape[1]:
        hidden = null_space(directions.hidden.T)[:, 0]
    else:
        classes = null_space(directions.classes.T)[:, 0]
    change = MOVED * 3.0 * np.outer(classes, hidden)
    assert turned(weight, change, (2, 3)) <= directions.turn((2, 3)) + 1e-4
