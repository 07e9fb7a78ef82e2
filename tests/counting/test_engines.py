"""Every engine counts what weights put together again from their directions predict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from claim_strategies import steady
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from naive import Plain, masks, plain
from odd_heads import KINDS, dropped_each, made
from threadpoolctl import threadpool_limits

from interp_checks import (
    Ablation,
    Readout,
    dropping,
    keeping_every_direction,
    keeping_no_direction,
    keeping_only,
    load_snapshot,
    sweep,
)
from interp_checks.ablations.ablation import family_members
from interp_checks.ablations.subsets import Subsets
from interp_checks.counting import compiled_engine, job, torch_engine
from interp_checks.counting.kernels import ablations, all_subsets
from interp_fixtures.reference_files import snapshot_file

ENGINES = ("numpy", "compiled", "torch")


@pytest.fixture(autouse=True, scope="module")
def _one_thread_for_small_products() -> Iterator[None]:
    with threadpool_limits(1):
        yield


def check(
    readout: Readout, asked: Sequence[Ablation], expected: Plain, *engines: str, threads: int = 2
) -> None:
    for engine in engines or ENGINES:
        found = sweep(replace(readout), asked, engine=engine, threads=threads)
        for name, counts in zip(("counts", "right", "both_right"), expected[:3], strict=True):
            np.testing.assert_array_equal(getattr(found, name), counts, f"{name} of {engine}")


few = st.integers(1, 12)


def heads(classes: st.SearchStrategy[int], hidden: st.SearchStrategy[int]) -> st.SearchStrategy:
    images = st.integers(1, 300) | st.sampled_from([1, 127, 128, 129, 255, 256, 257])
    sizes = st.just(1.0) | st.integers(-30, 30).map(lambda power: 10.0**power)
    seeds = st.integers(0, 2**32 - 1)
    return st.builds(made, classes, hidden, images, st.sampled_from(KINDS), seeds, sizes)


def ablations_of(directions: int, data: st.DataObject) -> list[Ablation]:
    """All families, and sets said either way, some of them twice, in any order."""
    sets = data.draw(st.lists(st.sets(st.integers(1, directions), min_size=1), max_size=8))
    families = [family_members(name, directions) for name in ("first", "last", "dropping", "only")]
    listed = [keeping_every_direction(), keeping_no_direction(), *sum(families, ())]
    listed += [say(*one) for one in sets for say in (keeping_only, dropping)]
    listed = data.draw(st.permutations(listed))
    return listed[: data.draw(st.integers(1, len(listed)))] + listed[:3]


@settings(steady, max_examples=120)
@given(heads(few, few) | heads(st.integers(33, 60), st.integers(1, 40)), st.data())
def test_mixed_lists_are_counted_alike(readout: Readout, data: st.DataObject) -> None:
    directions = min(readout.weight.shape)
    asked = ablations_of(directions, data)
    expected = plain(readout, [one.kept(directions) for one in dict.fromkeys(asked)])
    assume(not expected.unsure.any())
    check(readout, asked, expected)


@settings(steady, max_examples=60)
@given(heads(few, st.integers(1, 8)))
def test_all_subsets_are_counted_alike(readout: Readout) -> None:
    directions = min(readout.weight.shape)
    expected = plain(readout, masks(directions))
    assume(not expected.unsure.any())
    check(readout, Subsets(directions), expected)


@pytest.mark.parametrize("engine", ["numpy", "compiled", "torch"])
@pytest.mark.parametrize("hidden", [1, 5])
def test_all_subsets_with_more_classes_than_are_counted_together(engine: str, hidden: int) -> None:
    readout = made(40, hidden, 200)
    check(readout, Subsets(hidden), plain(readout, masks(hidden)), engine)


@pytest.mark.parametrize("classes", [9, 10, 11, 20, 29, 32])
@pytest.mark.parametrize("kind", ["plain", "equal classes", "equal images"])
def test_all_subsets_around_the_classes_of_one_pass(classes: int, kind: str) -> None:
    readout = made(classes, 6, 300, kind)
    check(readout, Subsets(6), plain(readout, masks(6)), "compiled", "numpy")


@pytest.mark.parametrize("classes", [32, 33, 64])
@pytest.mark.parametrize("kind", ["plain", "equal classes", "one label", "one large image"])
def test_dropping_each_around_the_number_of_classes_counted_together(
    classes: int, kind: str
) -> None:
    readout = made(classes, 48, 500, kind)
    sets, asked = dropped_each(min(classes, 48))
    check(readout, asked, plain(readout, sets))


@pytest.mark.parametrize("at_once", [1, 127, 128, 129, 149, 150, 151])
@pytest.mark.parametrize("classes", [5, 40])
def test_blocks_and_progress(at_once: int, classes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    readout = made(classes, 5, 150, "equal images")
    sets, asked = dropped_each(5)
    expected = plain(readout, sets)
    monkeypatch.setattr(compiled_engine.Plan, "_bytes_per_image", lambda _: 8)
    for module in (job, torch_engine):
        monkeypatch.setattr(module, "BLOCK_BYTES", at_once * 8)
    check(readout, asked, expected)
    for engine in ENGINES:
        blocks = progress_of(readout, asked, engine)
        assert engine != "compiled" or blocks == -(-150 // at_once)


def progress_of(readout: Readout, asked: list[Ablation], engine: str) -> int:
    """How often a sweep tells of its progress, which only ever grows."""
    told: list[tuple[int, int]] = []
    sweep(replace(readout), asked, engine=engine, progress=lambda *now: told.append(now))
    assert told[-1] == (len(readout), len(readout))
    assert all(one < other for (one, _), (other, _) in pairwise(told))
    assert {total for _, total in told} == {len(readout)}
    return len(told)


@pytest.mark.parametrize("classes", [7, 33])
@pytest.mark.parametrize("kind", ["plain", "one label"])
def test_threads_change_nothing(classes: int, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    readout = made(classes, 9, 700, kind)
    directions, rng = min(classes, 9), np.random.default_rng(1)
    asked = [keeping_only(*(rng.permutation(directions)[: 1 + i % 6] + 1)) for i in range(300)]
    asked = list(dict.fromkeys([*asked, *dropped_each(directions)[1]]))
    expected = plain(readout, [one.kept(directions) for one in asked])
    every = plain(readout, masks(7))
    for module in (job, torch_engine):
        monkeypatch.setattr(module, "BLOCK_BYTES", 100_000)
    for threads in (1, 2, 3, 7):
        check(readout, asked, expected, "compiled", threads=threads)
        if directions == 7:
            check(readout, Subsets(7), every, "compiled", threads=threads)


def near_ties(classes: int, hidden: int, images: int, offset: float, seed: int) -> Readout:
    """Under some subset the two largest logits of an image differ by 1e-14 to 1e-6."""
    rng = np.random.default_rng(seed)
    weight = rng.normal(size=(classes, hidden))
    bias = rng.normal(size=classes) / 10 + offset
    u, s, vt = np.linalg.svd(weight, full_matrices=False)
    features = []
    for _ in range(images):
        along = rng.normal(size=len(s))
        kept = np.flatnonzero(rng.random(len(s)) < rng.choice([0.5, 0.9, 1.0]))
        logits = u[:, kept] @ along[kept] + bias
        one, other = rng.permutation(np.argsort(logits)[-2:])
        apart = u[one, kept] - u[other, kept]
        if (length := apart @ apart) > 1e-2:
            gap = 10 ** rng.uniform(-14, -6) * (np.abs(along).sum() + abs(offset))
            along[kept] += apart * (gap - logits[one] + logits[other]) / length
        features.append(vt.T @ (along / s))
    return Readout(np.array(features), rng.integers(0, classes, images), weight, bias)


@pytest.mark.parametrize(("classes", "hidden"), [(2, 3), (3, 3), (5, 8), (12, 8), (40, 6)])
@pytest.mark.parametrize("offset", [0.0, -30.0])
def test_near_ties(
    classes: int, hidden: int, offset: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled = settled_by(monkeypatch)
    readout = near_ties(classes, hidden, 1500, offset, seed=classes)
    directions = min(classes, hidden)
    sets = masks(directions)
    unsure = plain(readout, sets).unsure
    assert unsure.mean() < 0.1
    features, labels = readout.features[~unsure], readout.labels[~unsure]
    readout = Readout(features, labels, readout.weight, readout.bias)
    expected = plain(readout, sets)
    assert not expected.unsure.any()
    said = [keeping_only(*one) if one else keeping_no_direction() for one in sets]
    check(readout, said, expected)
    assert sum(settled) > 100
    if classes < 33:
        check(readout, Subsets(directions), expected, "compiled")


def settled_by(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many predictions each call of the compiled walk had to sum again in float64."""
    told: list[int] = []

    def noting(walk: Callable[..., int]) -> Callable[..., int]:
        def noted(*arguments: object) -> int:
            told.append(walk(*arguments))
            return told[-1]

        return noted

    monkeypatch.setattr(ablations, "walk", noting(ablations.walk))
    monkeypatch.setattr(all_subsets, "walk_pairs", noting(all_subsets.walk_pairs))
    return told


def test_every_subset_of_the_shipped_head(monkeypatch: pytest.MonkeyPatch) -> None:
    settled = settled_by(monkeypatch)
    readout = load_snapshot(snapshot_file("mnist"))
    expected = plain(readout, masks(10))
    check(readout, Subsets(10), expected, "compiled", "numpy")
    assert 0 < sum(settled) < 0.01 * 1024 * len(readout)


@pytest.mark.parametrize("bias", [0.0, 1.0])
def test_images_of_very_different_length(bias: float) -> None:
    """Every image has a unit of its own; one that is far shorter than the rest has none."""
    rng = np.random.default_rng(5)
    features = rng.normal(size=(600, 5)) * 10.0 ** rng.integers(-300, 1, size=(600, 1))
    features[::7] = 0
    labels = rng.integers(0, 4, 600)
    readout = Readout(features, labels, rng.normal(size=(4, 5)), bias * rng.normal(size=4))
    sets = Subsets(4)
    expected = sweep(readout, sets, engine="numpy").counts
    assert (sweep(readout, sets, engine="compiled").counts == expected).all()
    largest = Readout(features * 1e290, labels, readout.weight, readout.bias)
    expected = sweep(largest, sets, engine="numpy").counts
    assert (sweep(largest, sets, engine="compiled").counts == expected).all()
