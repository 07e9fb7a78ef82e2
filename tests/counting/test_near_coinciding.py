"""Bounds on what dropping any direction of a span does, against directions drawn from it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interp_checks import Readout, judge
from interp_checks.counting.near_coinciding import NearCoinciding, spans
from interp_checks.statistics.threshold_check import Outcome


def head_with_equal_values(seed: int, values: list[float], classes: int, images: int) -> Readout:
    """A head with these singular values, most of whose images are right."""
    rng = np.random.default_rng(seed)
    hidden = np.linalg.qr(rng.normal(size=(len(values) + 2, len(values))))[0]
    left = np.linalg.qr(rng.normal(size=(classes, len(values))))[0]
    weight = left * values @ hidden.T
    features = rng.normal(size=(images, len(values) + 2)) + 1
    bias = rng.normal(size=classes) / 10
    labels = (features @ weight.T + bias).argmax(axis=1)
    wrong = rng.random(images) < 0.2
    labels[wrong] = rng.integers(0, classes, wrong.sum())
    return Readout(features, labels, weight, bias)


def right_without(readout: Readout, unit: np.ndarray) -> np.ndarray:
    """Which images are right when a unit vector of the features' space is taken from the weight."""
    weight = readout.weight - np.outer(readout.weight @ unit, unit)
    return (readout.features @ weight.T + readout.bias).argmax(axis=1) == readout.labels


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 10**6),
    st.lists(st.sampled_from([3.0, 2.0, 2.0, 2.001, 1.0, 0.0]), min_size=2, max_size=5),
    st.integers(5, 9),
    st.data(),
)
def test_no_direction_of_the_span_lies_outside_the_bounds(
    seed: int, values: list[float], classes: int, data: st.DataObject
) -> None:
    values = sorted(values, reverse=True)
    readout = head_with_equal_values(seed, values, classes, 60)
    first = data.draw(st.integers(1, len(values)))
    last = data.draw(st.integers(first, len(values)))
    bounds = NearCoinciding(readout).bounds(first, last)
    span = readout.directions.hidden[:, first - 1 : last]
    rng = np.random.default_rng(seed)
    mixes = [*np.eye(span.shape[1]), *rng.normal(size=(60, span.shape[1]))]
    was_right = readout.predictions() == readout.labels
    for mix in mixes:
        right = right_without(readout, span @ (mix / np.linalg.norm(mix)))
        counts = np.bincount(readout.labels[right], minlength=classes)
        both = np.bincount(readout.labels[right & was_right], minlength=classes)
        assert (bounds.least <= counts).all()
        assert (counts <= bounds.most).all()
        assert (bounds.both_least <= both).all()
        assert (both <= bounds.both_most).all()


def test_bounds_of_two_directions_are_tight() -> None:
    """Turned through all angles of a plane, each image is wrong somewhere iff the bound says so."""
    readout = head_with_equal_values(5, [3.0, 2.0, 2.0], 3, 80)
    span = readout.directions.hidden[:, 1:]
    angles = np.linspace(0, np.pi, 2001)
    right = [
        right_without(readout, span @ np.array([np.cos(angle), np.sin(angle)])) for angle in angles
    ]
    bounds = NearCoinciding(readout).bounds(2, 3)
    always = np.bincount(readout.labels[np.all(right, axis=0)], minlength=3)
    assert (bounds.least == always).all()


def test_large_heads_are_bounded_alike_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    readout = head_with_equal_values(7, [3.0, 2.0, 2.0, 1.0], 8, 300)
    whole = NearCoinciding(readout).bounds(2, 3)
    monkeypatch.setattr("interp_checks.counting.near_coinciding._MOST_BYTES", 0)
    monkeypatch.setattr("interp_checks.counting.near_coinciding._BLOCK", 70)
    pieces = NearCoinciding(readout).bounds(2, 3)
    for name in ("least", "most", "both_least", "both_most"):
        assert (getattr(whole, name) == getattr(pieces, name)).all()


def test_spans_hold_every_direction_that_is_near() -> None:
    readout = head_with_equal_values(1, [5.0, 2.0, 2.0, 1.999, 1.0], 6, 10)
    found = list(spans(readout.directions, [2, 3, 4]))
    assert found == [(2, 4, [2, 3, 4])]


#: The last three cannot be told apart.
VALUES = [3.0, 2.6, 2.2, 1.8, 1.4, 1.0, 0.6, 0.3, 0.3, 0.3]

# --- claims --------------------------------------------------------------------------------------


def test_a_claim_about_every_direction_does_not_depend_on_their_numbers() -> None:
    readout = head_with_equal_values(11, VALUES, 15, 4000)
    every = judge("every direction, dropped alone, keeps accuracy above 15 %", readout)
    assert every.outcome == Outcome.HOLDS
    (last,) = [check for check in every.checks if check.measured.startswith("dropping direction 9")]
    assert "whichever of directions 8 to 10 it is, accuracy is" in last.measured
    # Where it depends on which is which, it stays open.
    open_still = judge("some direction, dropped alone, keeps accuracy above 82 %", readout)
    assert open_still.outcome == Outcome.UNDECIDED
    none = judge("some direction, dropped alone, keeps accuracy above 99 %", readout)
    assert none.outcome == Outcome.FAILS


def test_a_claim_that_asks_for_more_than_recalls_stays_undecided() -> None:
    readout = head_with_equal_values(11, VALUES, 15, 4000)
    verdict = judge("some direction, dropped alone, predicts exactly 2 classes", readout)
    assert verdict.outcome == Outcome.UNDECIDED
    told = [check.measured for check in verdict.checks if check.outcome == Outcome.UNDECIDED]
    assert told[1:] == [
        f"dropping direction {number}: cannot be told from its neighbour" for number in (8, 9, 10)
    ]
