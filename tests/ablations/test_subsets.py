"""All subsets of directions as a sequence, and sweeps of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from claim_strategies import steady
from hypothesis import given
from hypothesis import strategies as st

from interp_checks import (
    Ablation,
    InterpChecksError,
    Readout,
    dropping,
    keeping_every_direction,
    keeping_first,
    keeping_last,
    keeping_no_direction,
    keeping_only,
    sweep,
)
from interp_checks.ablations.subsets import Subsets, every_subset, mask_of, members_of, sizes
from interp_checks.counting import sweep as sweeps


def bits(number: int) -> tuple[int, ...]:
    """The directions that a number stands for, read off its binary digits."""
    return tuple(place + 1 for place, digit in enumerate(reversed(f"{number:b}")) if digit == "1")


@pytest.mark.parametrize("directions", range(1, 11))
def test_each_number_is_its_set(directions: int) -> None:
    subsets = every_subset(directions)
    assert isinstance(subsets, Sequence)
    assert len(subsets) == 2**directions
    for number, ablation in enumerate(subsets):
        assert ablation == subsets[number]
        assert ablation.kept(directions) == bits(number) == members_of(number)
        assert subsets.index(ablation) == mask_of(bits(number)) == number
        assert ablation in subsets
    assert len(set(subsets)) == len({str(one) for one in subsets}) == len(subsets)
    assert sizes(directions).tolist() == [len(bits(number)) for number in range(2**directions)]


def test_the_largest_there_is() -> None:
    subsets = Subsets(20)
    assert len(subsets) == 1_048_576
    assert subsets[-1] == keeping_every_direction()
    assert subsets[1 << 19] == keeping_only(20)
    assert subsets.index(dropping(20)) == 2**19 - 1
    assert repr(subsets) == "Subsets(20)"


@pytest.mark.parametrize("directions", [-1, 0, 21, 1000])
def test_other_numbers_of_directions_are_refused(directions: int) -> None:
    with pytest.raises(InterpChecksError) as caught:
        Subsets(directions)
    assert str(caught.value).split("\n")[:3] == [
        "all subsets of the directions cannot be counted",
        f"  found: {directions} directions",
        "  expected: 1 to 20",
    ]


@given(st.integers(1, 12), st.data())
@steady
def test_an_ablation_is_found_however_it_is_said(directions: int, data: st.DataObject) -> None:
    subsets, every = Subsets(directions), range(1, directions + 1)
    kept = tuple(sorted(data.draw(st.sets(st.sampled_from(every)))))
    gone = tuple(one for one in every if one not in kept)
    said: list[Ablation] = [keeping_only(*kept)] if kept else [keeping_no_direction()]
    said += [dropping(*gone)] if gone else [keeping_every_direction()]
    if kept and kept == tuple(every[: len(kept)]):
        said.append(keeping_first(len(kept)))
    if kept and kept == tuple(every[-len(kept) :]):
        said.append(keeping_last(len(kept)))
    number = sum(2 ** (one - 1) for one in kept)
    for one in said:
        assert subsets.index(one) == number
        assert one in subsets
    # The shorter way to say it.
    assert len(subsets[number].indices) <= min(len(kept), len(gone))
    assert mask_of(kept) == number == mask_of((*kept, *kept))


def test_numbers_from_the_end_and_slices() -> None:
    subsets, listed = Subsets(4), list(Subsets(4))
    for number in range(-16, 16):
        assert subsets[number] == listed[number]
    assert subsets[np.int64(5)] == listed[5]
    for cut in [slice(None), slice(2, 9), slice(-3, None), slice(None, None, -5), slice(9, 2)]:
        assert list(subsets[cut]) == listed[cut]
    assert list(reversed(subsets)) == listed[::-1]
    for number in (16, -17, 10**9):
        with pytest.raises(IndexError):
            subsets[number]


def test_what_is_not_among_them() -> None:
    subsets = Subsets(4)
    assert dropping(5) not in subsets
    assert keeping_first(5) not in subsets
    assert "dropping direction 1" not in subsets
    assert 3 not in subsets
    with pytest.raises(ValueError, match="dropping direction 5 is not among the subsets of 4"):
        subsets.index(dropping(5))
    assert subsets.count(dropping(5)) == 0
    assert subsets.count(keeping_only(2, 3, 4)) == 1
    assert subsets.index(keeping_only(1, 2), 3, 4) == 3
    for window in [(4,), (0, 3)]:
        with pytest.raises(ValueError, match="keeping only directions 1 and 2 is not among"):
            subsets.index(keeping_only(1, 2), *window)


def made(classes: int = 4, hidden: int = 6, images: int = 200) -> Readout:
    rng = np.random.default_rng(0)
    return Readout(
        rng.normal(size=(images, hidden)),
        rng.integers(0, classes - 1, images),
        rng.normal(size=(classes, hidden)),
        rng.normal(size=classes),
    )


def told(error: InterpChecksError) -> list[str]:
    return [line.strip() for line in str(error).split("\n")]


@pytest.mark.parametrize("engine", ["numpy", "compiled", "torch", "auto"])
def test_a_sweep_of_them_answers_for_any_way_of_saying(engine: str) -> None:
    readout = made()
    found = sweep(readout, Subsets(4), engine=engine)
    for count in range(1, 4):
        for kept in combinations(range(1, 5), count):
            gone = [one for one in range(1, 5) if one not in kept]
            alone = sweep(made(), [keeping_only(*kept)], engine="numpy")
            for ablation in (keeping_only(*kept), dropping(*gone)):
                assert found[ablation].name == str(ablation)
                expected = alone[keeping_only(*kept)]
                assert found[ablation].counts.tolist() == expected.counts.tolist()
                assert found[ablation].both_right.tolist() == expected.both_right.tolist()


@pytest.mark.parametrize("engine", ["numpy", "compiled", "torch"])
@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("classes", [4, 34])
def test_counts_that_are_too_much_to_keep_are_counted_again(
    engine: str, listed: bool, classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    readout = made(classes, 4)
    asked: Sequence[Ablation] = list(Subsets(4)) if listed or classes > 4 else Subsets(4)
    whole = sweep(readout, asked, engine=engine)
    assert whole.counts is not None
    monkeypatch.setattr(sweeps, "_KEPT_BYTES", 8 * 16 * classes**2)
    assert sweep(replace(readout), asked, engine=engine).counts is not None
    monkeypatch.setattr(sweeps, "_KEPT_BYTES", 8 * 16 * classes**2 - 1)
    part = sweep(replace(readout), asked, engine=engine)
    assert part.counts is None
    assert part.right.tolist() == whole.right.tolist()
    assert part.both_right.tolist() == whole.both_right.tolist()
    for ablation in asked:
        assert part[ablation].counts.tolist() == whole[ablation].counts.tolist()
        assert part[ablation].both_right.tolist() == whole[ablation].both_right.tolist()
        assert str(part[ablation].accuracy) == str(whole[ablation].accuracy)
    # Classes without images have no recall.
    assert part.table().isna().any().any()
    assert part.table().equals(whole.table())
    assert part.intact.counts.tolist() == whole.intact.counts.tolist()


def test_subsets_of_another_number_of_directions_are_refused() -> None:
    for directions in (3, 5):
        with pytest.raises(InterpChecksError) as caught:
            sweep(made(), Subsets(directions))
        assert told(caught.value)[:2] == [
            f"these are the subsets of {directions} directions",
            "found: a head with 4",
        ]


def test_more_counts_than_memory_are_refused_before_anything_is_counted() -> None:
    rng = np.random.default_rng(0)
    readout = Readout(rng.normal(size=(9, 20)), np.arange(9), rng.normal(size=(200, 20)))
    with pytest.raises(InterpChecksError) as caught:
        sweep(readout, Subsets(20))
    assert told(caught.value) == [
        "a sweep of 1,048,576 ablations of 200 classes does not fit in memory",
        "found: 3.1 GiB of counts",
        "expected: at most 1 GiB",
        "what to do: sweep fewer ablations at a time",
    ]


@pytest.mark.parametrize("threads", [0, -1])
def test_a_sweep_needs_a_thread(threads: int) -> None:
    with pytest.raises(InterpChecksError) as caught:
        sweep(made(), Subsets(4), threads=threads)
    assert told(caught.value) == [
        f"a sweep cannot use {threads} threads",
        "expected: 1 or more",
    ]


@pytest.mark.parametrize("asked", [Subsets(4), (dropping(1),)])
def test_an_unknown_engine_is_refused(asked: Sequence[Ablation]) -> None:
    with pytest.raises(InterpChecksError) as caught:
        sweep(made(), asked, engine="numba")  # type: ignore[arg-type]
    assert told(caught.value) == [
        "there is no engine 'numba'",
        "expected: auto, numpy, compiled, torch",
    ]


def test_an_unknown_engine_is_refused_with_nothing_to_count() -> None:
    with pytest.raises(InterpChecksError):
        sweep(made(), [], engine="numba")  # type: ignore[arg-type]
