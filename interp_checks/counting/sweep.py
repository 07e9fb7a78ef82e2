"""Ablations × images → counts. The only door to the kernels.

Counts are whole numbers. Ties go to the lowest class, as ``argmax`` resolves them; logits that
differ by less than 1e-12 of their scale are tied. Float64 rounds a thousand times more finely
than that, so neither the order of summation nor the engine decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from interp_checks.ablations.ablation import Ablation, unique
from interp_checks.ablations.subsets import Subsets, all_members
from interp_checks.arrays import Array, FloatArray, IntArray
from interp_checks.errors import InterpChecksError
from interp_checks.readouts.readout import Readout

from .confusions import Confusions
from .engines import Counts, Engine, Job, Progress, available_threads, count, require_engine

#: Images per block, so that a block of logits stays in the processor's cache.
_BLOCK = 8192
#: Confusion counts of all ablations of a sweep are kept up to so many bytes.
_KEPT_BYTES = 512 * 2**20
#: Products of matrices with fewer multiplications than this gain nothing from threads.
_SMALL = 10**8
#: Counts of sweeps of at most so many ablations are remembered, one by one.
_REMEMBERED = 256
#: What is counted of each class (right, and right intact too) is kept up to so many.
_MOST_BYTES = 2**30


def sweep(
    readout: Readout,
    ablations: Iterable[Ablation],
    *,
    engine: Engine = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Confusions:
    """Count predictions under each ablation.

    Args:
        readout: features, labels and head.
        ablations: which directions stay, one set after another; repetitions are counted once.
            :func:`interp_checks.every_subset` gives all of them.
        engine: "numpy", "compiled" (numba), "torch" (on the graphics processor, if there is
            one), or whichever is done first. The counts are the same.
        threads: at most so many; the processors that this process may use when left out.
        progress: called with the images done and all images, now and then.

    Raises:
        NotJudgedError: an ablation names a direction that the head does not have.
        InterpChecksError: no such engine or number of threads, or more counts than memory.
    """
    threads = _threads(threads)
    require_engine(engine)
    asked = ablations if isinstance(ablations, Subsets) else unique(ablations)
    classes = len(readout.class_names)
    _require_memory(len(asked), classes)
    whole = 8 * len(asked) * classes**2 <= _KEPT_BYTES
    with _few_blas_threads(readout):
        counts = _counted(readout, asked, whole, engine, threads, progress)
    return Confusions(
        ablations=asked,
        counts=counts.confusion,
        right=counts.right,
        both_right=counts.both,
        intact_counts=confusion(readout.labels, predict(readout, None), classes),
        class_names=readout.class_names,
        confidence=readout.confidence,
        count_again=lambda ablation: _confusion_of(readout, ablation),
    )


def count_right(
    readout: Readout,
    members: Array,
    *,
    engine: Engine = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
    subsets: bool = False,
) -> Counts:
    """Count right images of each class alone, not whole confusion matrices; see :func:`sweep`.

    Args:
        readout: features, labels and head.
        members: [A, r], whether each direction stays under each ablation.
        engine: see :func:`sweep`.
        threads: see there.
        progress: see there.
        subsets: the ablations are all subsets, in the order of their numbers.
    """
    _require_memory(len(members), len(readout.class_names))
    intact = predict(readout, None)
    with _few_blas_threads(readout):
        job = Job(readout, members, intact, False, _threads(threads), progress, subsets)
        return count(engine, job)


def _require_memory(ablations: int, classes: int) -> None:
    size = 16 * ablations * classes
    if size > _MOST_BYTES:
        raise InterpChecksError(
            f"a sweep of {ablations:,} ablations of {classes:,} classes does not fit in memory",
            found=f"{size / 2**30:.1f} GiB of counts",
            expected=f"at most {_MOST_BYTES / 2**30:.0f} GiB",
            remedy="sweep fewer ablations at a time",
        )


def _threads(threads: int | None) -> int:
    if threads is None:
        return available_threads()
    if threads < 1:
        raise InterpChecksError(f"a sweep cannot use {threads} threads", expected="1 or more")
    return threads


@contextmanager
def _few_blas_threads(readout: Readout) -> Iterator[None]:
    """One thread for small products: BLAS threads that wait for more work hinder the kernels."""
    if len(readout) * readout.features.shape[1] * len(readout.class_names) > _SMALL:
        yield
        return
    with _blas().limit(limits=1, user_api="blas"):
        yield


@cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _counted(
    readout: Readout,
    asked: tuple[Ablation, ...] | Subsets,
    whole: bool,
    engine: Engine,
    threads: int,
    progress: Progress | None,
) -> Counts:
    """Counts of each ablation; what was counted before is not counted again."""
    intact = predict(readout, None)
    if not isinstance(asked, Subsets) and any(one.target is not None for one in asked):
        return _through_gates(readout, asked, whole, engine, threads, progress)
    if isinstance(asked, Subsets):
        _require(asked, readout)
        job = Job(readout, all_members(asked.directions), intact, whole, threads, progress, True)
        return count(engine, job)
    if not asked:
        return Counts.none(0, len(readout.class_names), whole)
    members = np.stack([ablation.members(len(readout.directions)) for ablation in asked])
    if len(asked) > _REMEMBERED:
        return count(engine, Job(readout, members, intact, whole, threads, progress))
    keys = [(row.tobytes(), whole, engine) for row in members]
    known = {key: readout._counts.get(key) for key in keys}
    missing = {key: row for row, key in enumerate(keys) if known[key] is None}
    if missing:
        wanted = members[list(missing.values())]
        fresh = count(engine, Job(readout, wanted, intact, whole, threads, progress))
        for row, key in enumerate(missing):
            known[key] = readout._counts.put(key, _row(fresh, row))
    counts = Counts.none(len(asked), len(readout.class_names), whole)
    for row, key in enumerate(keys):
        found = known[key]
        counts.right[row], counts.both[row] = found.right, found.both
        if counts.confusion is not None:
            counts.confusion[row] = found.confusion
    return counts


def _through_gates(
    readout: Readout,
    asked: tuple[Ablation, ...],
    whole: bool,
    engine: Engine,
    threads: int,
    progress: Progress | None,
) -> Counts:
    """Counts of ablations, some of which are inside a recurrent layer."""
    labels, classes = readout.labels, len(readout.class_names)
    inside = [row for row, one in enumerate(asked) if one.target is not None]
    outside = [row for row, one in enumerate(asked) if one.target is None]
    counts = Counts.none(len(asked), classes, whole)
    head = tuple(asked[row] for row in outside)
    found = _counted(readout, head, whole, engine, threads, progress)
    counts.right[outside], counts.both[outside] = found.right, found.both
    if counts.confusion is not None and found.confusion is not None:
        counts.confusion[outside] = found.confusion
    hidden = [asked[row] for row in inside]
    predictions = readout.needs_network(hidden[0]).predict(hidden)
    was_right = predict(readout, None) == labels
    for row, predicted in zip(inside, predictions, strict=True):
        hit = predicted == labels
        counts.right[row] = np.bincount(labels[hit], minlength=classes)
        counts.both[row] = np.bincount(labels[hit & was_right], minlength=classes)
        if counts.confusion is not None:
            counts.confusion[row] = confusion(labels, predicted, classes)
    return counts


def _row(counts: Counts, row: int) -> Counts:
    confused = None if counts.confusion is None else counts.confusion[row].copy()
    return Counts(confused, counts.right[row].copy(), counts.both[row].copy())


def _require(subsets: Subsets, readout: Readout) -> None:
    if subsets.directions != len(readout.directions):
        raise InterpChecksError(
            f"these are the subsets of {subsets.directions} directions",
            found=f"a head with {len(readout.directions)}",
            remedy="every_subset(len(readout.directions))",
        )


def _confusion_of(readout: Readout, ablation: Ablation) -> IntArray:
    return confusion(readout.labels, predict(readout, ablation), len(readout.class_names))


def predict(readout: Readout, ablation: Ablation | None) -> IntArray:
    """The predicted class of each image under an ablation (None: intact), [N]."""
    if ablation is not None and ablation.target is not None:
        return readout.needs_network(ablation).predict([ablation])[0]
    kept = None if ablation is None else ablation.kept(len(readout.directions))
    return readout._predictions.get_or(kept, lambda: _predicted(readout, kept))


def disagreements(readout: Readout, one: Ablation, other: Ablation) -> int:
    """How many images two ablations predict differently."""
    return int((predict(readout, one) != predict(readout, other)).sum())


def _predicted(readout: Readout, kept: tuple[int, ...] | None) -> IntArray:
    """Predictions when these directions stay; None for the weight as it is."""
    predicted = np.zeros(len(readout), dtype=np.int64)
    tie = readout.tie  # refuses logits that would overflow
    if kept is None and readout.weight.size * len(readout) > _SMALL:
        from .float32_head import intact_predictions

        return intact_predictions(readout)
    for start in range(0, len(readout), _BLOCK):
        block = slice(start, start + _BLOCK)
        if kept is None:
            predicted[block] = first_largest(intact_logits(readout, block), tie)
        else:
            predicted[block] = argmax_over(
                readout.coefficients_of(block),
                readout.directions.classes,
                readout.bias,
                kept,
                tie,
            )
    return predicted


def intact_logits(readout: Readout, images: slice | IntArray) -> FloatArray:
    """Logits of some images in float64, with nothing ablated, [K, n]."""
    logits: FloatArray = readout.weight @ readout.features[images].astype(np.float64).T
    logits += readout.bias[:, None]
    return logits


def argmax_over(
    coefficients: FloatArray,
    classes: FloatArray,
    bias: FloatArray,
    kept: Sequence[int],
    tie: float,
) -> IntArray:
    """The class with the largest logit when only some directions stay; the lowest on a tie.

    Args:
        coefficients: [..., r, N], one row per direction.
        classes: [..., K, r], one column per direction.
        bias: [K].
        kept: the directions that stay, from 1.
        tie: logits closer than this are equal.

    Returns:
        [..., N] class numbers in a small unsigned type.
    """
    columns = [index - 1 for index in kept]
    basis = np.ascontiguousarray(classes[..., columns])
    shape = (*coefficients.shape[:-2], coefficients.shape[-1])
    predicted = np.zeros(shape, dtype=np.min_scalar_type(max(len(bias) - 1, 1)))
    for start in range(0, shape[-1], _BLOCK):
        block = slice(start, start + _BLOCK)
        # take() gives a contiguous array, which fancy indexing between slices does not.
        logits = basis @ np.take(coefficients[..., block], columns, axis=-2)
        logits += bias[:, None]
        predicted[..., block] = first_largest(logits, tie)
    return predicted


def first_largest(logits: FloatArray, tie: float) -> IntArray:
    """The first row with the largest entry of each column, [..., K, N] to [..., N] in a small type.

    Counting the rows that come before the largest is several times faster than argmax along
    either axis at ten classes.
    """
    largest = logits.max(axis=-2) - tie
    before = np.ones(largest.shape, dtype=bool)
    # A small type is added to several times faster.
    found = np.zeros(largest.shape, dtype=np.min_scalar_type(logits.shape[-2]))
    for row in range(logits.shape[-2] - 1):
        before &= logits[..., row, :] < largest
        found += before
    return found


def confusion(labels: IntArray, predicted: IntArray, classes: int) -> IntArray:
    """Counts of true (rows) against predicted classes, [K, K]."""
    pairs = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return pairs.reshape(classes, classes).astype(np.int64)
