"""Counts against a plain computation that shares no code with the library."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import scipy.linalg
from claim_strategies import steady
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from interp_checks import (
    Ablation,
    Confusions,
    NotJudgedError,
    Readout,
    dropping,
    keeping_every_direction,
    keeping_first,
    keeping_no_direction,
    keeping_only,
    sweep,
)
from interp_checks.ablations.ablation import family_members
from interp_checks.counting.argmax import BLOCK
from interp_checks.counting.by_image import differing
from interp_checks.counting.sweep import predict

#: Logits closer than this could be told apart differently by another order of summation.
MARGIN = 1e-9


@st.composite
def readouts(draw: st.DrawFn) -> Readout:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    images, classes, hidden = (draw(st.integers(1, 12)) for _ in range(3))
    images = draw(st.sampled_from([images, 40]))
    features = rng.normal(size=(images, hidden))
    if draw(st.booleans()):
        features = features.astype(np.float32)
    return Readout(
        features,
        rng.integers(0, classes, images),
        rng.normal(size=(classes, hidden)) * draw(st.sampled_from([1e-3, 1.0, 50.0])),
        rng.normal(size=classes),
    )


def plain_logits(readout: Readout, kept: list[int]) -> np.ndarray:
    """h W_Sᵀ + b with W_S = Σ σᵢ vᵢ uᵢᵀ over the directions that stay, one after another."""
    weight = np.asarray(readout.weight)
    u, s, vt = scipy.linalg.svd(weight.T, full_matrices=True, lapack_driver="gesvd")
    rebuilt = np.zeros_like(weight)
    for index in kept:
        rebuilt += s[index - 1] * np.outer(vt[index - 1], u[:, index - 1])
    return readout.features.astype(float) @ rebuilt.T + readout.bias


def clear(logits: np.ndarray) -> bool:
    if logits.shape[1] == 1:
        return True
    best = np.sort(logits, axis=1)
    return bool((best[:, -1] - best[:, -2] > MARGIN).all())


def plain_predictions(logits: np.ndarray) -> list[int]:
    return [max(range(len(row)), key=lambda column: row[column]) for row in logits.tolist()]


def compared(readout: Readout, ablations: list[Ablation], kept: list[list[int]]) -> bool:
    """Compare the counts; False, and nothing compared, where a tie is too close to call."""
    rank, classes = min(readout.weight.shape), len(readout.class_names)
    intact = readout.features.astype(float) @ readout.weight.T + readout.bias
    every = [plain_logits(readout, directions) for directions in kept]
    if not (clear(intact) and all(clear(logits) for logits in every)):
        return False
    confusions = sweep(readout, ablations)
    before = plain_predictions(intact)
    for ablation, directions, logits in zip(ablations, kept, every, strict=True):
        assert ablation.kept(rank) == tuple(directions)
        after = plain_predictions(logits)
        counts = [[0] * classes for _ in range(classes)]
        old = [[0] * classes for _ in range(classes)]
        both, lost, gained = [0] * classes, [0] * classes, [0] * classes
        for true, then, now in zip(readout.labels.tolist(), before, after, strict=True):
            counts[true][now] += 1
            old[true][then] += 1
            both[true] += then == true == now
            lost[true] += then == true != now
            gained[true] += then != true == now
        result = confusions[ablation]
        assert result.counts.tolist() == counts
        assert result.intact_counts.tolist() == old
        assert result.both_right.tolist() == both
        assert predict(readout, ablation).tolist() == after
        for row, name in enumerate(readout.class_names):
            change = result.loss(name)
            assert (change.lost, change.gained) == (lost[row], gained[row])
            assert change.total == sum(counts[row])
        change = result.loss()
        assert (change.lost, change.gained) == (sum(lost), sum(gained))
        assert change.total == len(readout)
    return True


slow_data = settings(steady, max_examples=120, suppress_health_check=[HealthCheck.filter_too_much])


@slow_data
@given(readouts())
def test_every_family_counts_as_plain_numpy_does(readout: Readout) -> None:
    rank = min(readout.weight.shape)
    every = list(range(1, rank + 1))
    ablations, kept = [keeping_every_direction(), keeping_no_direction()], [every, []]
    for index in every:
        ablations += [family_members(family, rank)[rank - index] for family in ("first", "last")]
        kept += [every[:index], every[rank - index :]]
        ablations += [family_members(family, rank)[index - 1] for family in ("dropping", "only")]
        kept += [[other for other in every if other != index], [index]]
    assume(compared(readout, ablations, kept))


@slow_data
@given(readouts(), st.data())
def test_any_set_counts_as_plain_numpy_does(readout: Readout, data: st.DataObject) -> None:
    rank = min(readout.weight.shape)
    some = data.draw(st.sets(st.integers(1, rank), min_size=1))
    left = [index for index in range(1, rank + 1) if index not in some]
    ablations = [keeping_only(*some), dropping(*some)]
    assume(compared(readout, ablations, [sorted(some), left]))


@slow_data
@given(readouts())
def test_keeping_every_direction_is_intact(readout: Readout) -> None:
    assume(clear(np.asarray(readout.logits)))
    every = readout.ablated(keeping_every_direction())
    np.testing.assert_array_equal(every.counts, readout.intact.counts)
    change = every.loss()
    assert (change.lost, change.gained) == (0, 0)


def made(images: int = 300, classes: int = 4, hidden: int = 6, seed: int = 0) -> Readout:
    rng = np.random.default_rng(seed)
    return Readout(
        rng.normal(size=(images, hidden)),
        rng.integers(0, classes, images),
        rng.normal(size=(classes, hidden)),
        rng.normal(size=classes),
    )


def test_many_images_are_counted_across_blocks() -> None:
    readout = made(images=2 * BLOCK + 17)
    assert compared(readout, [dropping(1), keeping_only(2, 3)], [[2, 3, 4], [2, 3]])


def test_the_order_of_asking_changes_nothing() -> None:
    ablations = [dropping(1), keeping_only(1), keeping_first(2), keeping_every_direction()]
    expected = {ablation: sweep(made(), [ablation])[ablation].counts for ablation in ablations}
    for order in permutations(ablations):
        fresh = made()
        together = sweep(fresh, order)
        for ablation in ablations:
            np.testing.assert_array_equal(together[ablation].counts, expected[ablation])
            np.testing.assert_array_equal(fresh.ablated(ablation).counts, expected[ablation])


def test_repetitions_are_counted_once_and_order_is_kept() -> None:
    confusions = sweep(made(), iter([dropping(2), dropping(1), dropping(2)]))
    assert list(confusions) == [dropping(2), dropping(1)]
    assert len(confusions) == 2
    assert confusions.counts.shape == (2, 4, 4)


def test_ties_go_to_the_lowest_class() -> None:
    weight = np.diag([3.0, 2.0, 1.0])
    readout = Readout(np.array([[0.0, 1.0, 2.0], [0, 0, 0]]), [1, 2], weight, [0.5, 0.5, 0.5])
    assert readout.logits.tolist() == [[0.5, 2.5, 2.5], [0.5, 0.5, 0.5]]
    assert predict(readout, keeping_every_direction()).tolist() == [1, 0]
    assert predict(readout, keeping_no_direction()).tolist() == [0, 0]
    assert predict(readout, dropping(2)).tolist() == [2, 0]
    assert readout.intact.counts.tolist() == [[0, 0, 0], [0, 1, 0], [1, 0, 0]]


# Directions 1, 2 and 3 read classes 0, 1 and 2. A tie is 1e-12 of what the directions can give to
# one image (the root of their number times the largest singular value times the length of the
# longest features), plus the largest bias.
LONGEST = 3**0.5 * 4 * (1 / 4**2 + 1 / 2**2) ** 0.5


@pytest.mark.parametrize(
    ("bias", "tie"),
    [(0.0, 1e-12 * LONGEST), (10.0, 1e-12 * (LONGEST + 10)), (-10.0, 1e-12 * (LONGEST + 10))],
)
@pytest.mark.parametrize("ablation", [None, keeping_every_direction(), dropping(3)], ids=str)
def test_logits_closer_than_a_tie_go_to_the_lowest_class(
    bias: float, tie: float, ablation: Ablation | None
) -> None:
    sigma = np.array([4.0, 2.0, 1.0])
    logits = np.array([[1, 1 + 0.9 * tie, 0], [1, 1 + 1.1 * tie, 0], [1 + 0.9 * tie, 1, 0]])
    readout = Readout(logits / sigma, [0, 1, 0], np.diag(sigma), [bias] * 3)
    assert readout.tie == pytest.approx(tie, rel=1e-9)
    result = readout.intact if ablation is None else readout.ablated(ablation)
    assert result.counts.tolist() == [[2, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_a_tie_is_with_the_largest_and_not_with_the_next() -> None:
    sigma = np.array([4.0, 2.0, 1.0])
    tie = 1e-12 * 3**0.5 * 4 * (1 / 4**2 + 1 / 2**2 + 1) ** 0.5
    logits = [[1, 1 + 0.8 * tie, 1 + 1.6 * tie], [1, 1 + 0.7 * tie, 1 + 0.97 * tie]]
    features = np.array(logits) / sigma
    readout = Readout(features, [0, 0], np.diag(sigma))
    assert readout.tie == pytest.approx(tie, rel=1e-9)
    assert predict(readout, keeping_every_direction()).tolist() == [1, 0]
    assert readout.intact.counts[0].tolist() == [1, 1, 0]
    # One large image coarsens the scale of all.
    coarse = Readout(np.vstack([features, [9.0, 0, 0]]), [0, 0, 0], np.diag(sigma))
    assert predict(coarse, keeping_every_direction()).tolist() == [0, 0, 0]


def test_a_class_without_images_has_an_empty_row() -> None:
    readout = Readout(np.eye(3)[[0, 0, 1]], [0, 0, 1], np.diag([3.0, 2.0, 1.0]))
    result = readout.dropping(1)
    assert result.counts.tolist() == [[2, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert result.recall["2"].total == 0
    assert result.recall["2"].interval == (0.0, 1.0)
    assert str(result.loss(2)) == "no images"
    assert readout.support.tolist() == [2, 1, 0]


def test_images_that_two_ablations_predict_differently() -> None:
    readout = Readout(np.eye(3), [0, 1, 2], np.diag([3.0, 2.0, 1.0]), [0.0, 0.1, 0.2])
    assert predict(readout, dropping(1)).tolist() == [2, 1, 2]
    assert predict(readout, dropping(2)).tolist() == [0, 2, 2]
    assert differing(readout, dropping(1), dropping(2)).sum() == 2
    assert differing(readout, dropping(1), dropping(1)).sum() == 0


def test_a_direction_that_does_not_exist_is_not_judged() -> None:
    with pytest.raises(NotJudgedError, match="dropping direction 5: there is no direction 5"):
        sweep(made(), [dropping(1), dropping(5)])


def test_an_ablation_that_was_not_swept_is_missed_by_name() -> None:
    confusions: Confusions = sweep(made(), [dropping(1)])
    with pytest.raises(KeyError, match="dropping direction 2"):
        confusions[dropping(2)]


def test_equal_classes_tie_with_every_direction_kept_as_they_do_intact() -> None:
    weight = np.random.default_rng(0).normal(size=(4, 6))
    weight[3] = weight[0]
    features = np.random.default_rng(1).normal(size=(300, 6))
    readout = Readout(features, np.zeros(300, dtype=int), weight)
    assert readout.intact.share["3"].count == 0
    assert readout.ablated(keeping_every_direction()).share["3"].count == 0
