"""Loops of single families of large heads count as numpy does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interp_checks import Readout, dropping, keeping_only, sweep
from interp_checks.ablations.ablation import family_members
from interp_checks.counting.compiled_engine import Plan
from interp_checks.counting.job import Counts, Job
from interp_checks.counting.large_heads import rows_by_family
from interp_checks.counting.sweep import count_right

FAMILIES = ("first", "last", "dropping", "only")


def members_of(readout: Readout, families: tuple[str, ...] = FAMILIES) -> np.ndarray:
    """All members of some families, and two that are in none."""
    parts = readout.directions
    ablations = [member for family in families for member in family_members(family, parts)]
    if len(parts) > 4:
        ablations += [dropping(2, 4), keeping_only(1, 3)]
    return np.stack([ablation.members(parts) for ablation in ablations])


def agree(readout: Readout, members: np.ndarray, threads: int = 2) -> None:
    expected = count_right(readout, members, engine="numpy")
    found = count_right(readout, members, engine="compiled", threads=threads)
    np.testing.assert_array_equal(found.right, expected.right)
    np.testing.assert_array_equal(found.both, expected.both)


def odd_head(seed: int, classes: int, width: int, images: int, kind: str) -> Readout:
    """A head with many classes in which one thing is odd."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(images, width))
    weight = rng.normal(size=(classes, width)) * 0.9 ** np.arange(width)
    bias = rng.normal(size=classes) * rng.choice([0, 0.1, 5])
    labels = rng.integers(0, classes - 1, images)
    if kind == "whole numbers":
        features = rng.integers(-2, 3, features.shape).astype(float)
        weight = np.zeros((classes, width))
        weight[np.arange(classes), np.arange(classes) % width] = 2.0 ** (np.arange(classes) % 3)
        bias = rng.integers(-2, 3, classes).astype(float)
    if kind == "equal classes":
        weight[classes // 2 :] = weight[: classes - classes // 2]
        bias[classes // 2 :] = bias[: classes - classes // 2]
    if kind == "nearly equal classes":
        weight[classes // 2 :] = weight[: classes - classes // 2] * (1 + 1e-15)
        bias[classes // 2 :] = bias[: classes - classes // 2]
    if kind == "directions that carry nothing":
        weight[:, width // 2 :] = 0
    if kind == "a bias that cancels":
        bias = -(weight @ features[0])
    if kind == "equal images":
        features[images // 3 :] = features[0]
    if kind == "right":
        labels = (features @ weight.T + bias).argmax(axis=1)
    if kind == "single":
        features = features.astype(np.float32)
    if kind == "half":
        features = features.astype(np.float16)
    return Readout(features, labels, weight, bias)


KINDS = (
    "plain", "whole numbers", "equal classes", "nearly equal classes", "right", "single", "half",
    "directions that carry nothing", "a bias that cancels", "equal images",
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10**6),
    st.integers(33, 70),
    st.integers(1, 40),
    st.integers(1, 90),
    st.sampled_from(KINDS),
    st.sampled_from([1, 2]),
)
def test_every_family_counts_as_numpy(
    seed: int, classes: int, width: int, images: int, kind: str, threads: int
) -> None:
    readout = odd_head(seed, classes, width, images, kind)
    agree(readout, members_of(readout), threads)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_alone_counts_as_numpy(kind: str, family: str) -> None:
    readout = odd_head(5, 75, 50, 300, kind)
    members = members_of(readout, (family,))
    agree(readout, members)
    if family != "dropping":
        counts = Counts.none(len(members), 75, confusion=False)
        plan = Plan(Job(readout, members, readout.predictions(), False, 1), counts)
        assert family in plan.families


@pytest.mark.parametrize("gauge", ["raw", "centred"])
@pytest.mark.parametrize("fill", ["zero", "mean", "another"])
def test_gauges_and_fills(gauge: str, fill: str) -> None:
    readout = odd_head(8, 40, 30, 200, "plain")
    readout = Readout(
        readout.features, readout.labels, readout.weight, readout.bias, gauge=gauge, fill=fill
    )  # type: ignore[arg-type]
    agree(readout, members_of(readout))


def test_confusion_counts_are_the_same_where_they_are_wanted() -> None:
    readout = odd_head(9, 40, 30, 300, "plain")
    ablations = [
        member for family in FAMILIES for member in family_members(family, readout.directions)
    ]
    whole = sweep(readout, ablations, engine="compiled")
    counted = sweep(readout, ablations, engine="compiled", confusions=False)
    assert counted.counts is None
    np.testing.assert_array_equal(whole.right, counted.right)
    for ablation in ablations[::11]:
        np.testing.assert_array_equal(whole[ablation].counts, counted[ablation].counts)


def test_families_are_told_by_what_stays() -> None:
    members = np.array(
        [[1, 0, 0, 0], [0, 0, 0, 1], [1, 1, 0, 0], [0, 0, 1, 1], [1, 1, 1, 1], [0, 1, 1, 0],
         [0, 0, 0, 0], [1, 0, 1, 0]], dtype=np.uint8,
    )  # fmt: skip
    found = {name: rows.tolist() for name, rows in rows_by_family(members, 1).items()}
    assert found == {
        "only": [0, -1, -1, 1], "first": [-1, 2, -1, 4], "last": [-1, -1, 3, -1],
    }  # fmt: skip
    # A few that keep one direction are the first, or the last, in other words.
    found = {name: rows.tolist() for name, rows in rows_by_family(members, 3).items()}
    assert found == {"first": [0, 2, -1, 4]}
    assert rows_by_family(members, 4) == {}
