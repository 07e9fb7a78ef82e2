"""Ablations × images → counts. The only door to the kernels.

Counts are whole numbers, and the same with every engine; :mod:`interp_checks.counting.argmax` says
how ties are resolved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from interp_checks.ablations.ablation import Ablation, unique
from interp_checks.ablations.subsets import Subsets, all_members
from interp_checks.arrays import Array, IntArray
from interp_checks.errors import InterpChecksError

from .argmax import confusion
from .confusions import Confusions
from .engines import Engine, count, require_engine
from .head import Head
from .job import Counts, Job, Progress, available_threads

#: Confusion counts of all ablations of a sweep are kept up to so many bytes.
_KEPT_BYTES = 512 * 2**20
#: Counts of sweeps of at most so many ablations are kept, one by one.
_MOST_CACHED = 256
#: What is counted of each class (right, and right intact too) is kept up to so many.
_MOST_BYTES = 2**30


def sweep(
    readout: Head,
    ablations: Iterable[Ablation],
    *,
    engine: Engine = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
    confusions: bool = True,
) -> Confusions:
    """Count predictions under each ablation.

    Args:
        readout: features, labels, weight and bias.
        ablations: which directions stay, one set after another; repetitions are counted once.
            :func:`interp_checks.every_subset` gives all of them.
        engine: "numpy", "compiled" (numba), "torch" (on the graphics processor, if there is
            one), or whichever is done first. The counts are the same.
        threads: at most so many; the processors that this process may use when left out.
        progress: called with the images done and all images, now and then.
        confusions: whether confusion counts are wanted as well as recalls. Those of one ablation
            can still be had where they are not, and are then counted by themselves.

    Raises:
        NotJudgedError: an ablation names a direction that the head does not have.
        InterpChecksError: no such engine or number of threads, or more counts than memory.
    """
    threads = _threads(threads)
    require_engine(engine)
    every = ablations if isinstance(ablations, Subsets) else unique(ablations)
    classes = len(readout.class_names)
    _require_memory(len(every), classes)
    whole = confusions and 8 * len(every) * classes**2 <= _KEPT_BYTES
    with _few_blas_threads(readout):
        counts = _counted(readout, every, whole, engine, threads, progress)
    return Confusions(
        ablations=every,
        counts=counts.confusion,
        right=counts.right,
        both_right=counts.both,
        intact_counts=readout.intact_counts,
        class_names=readout.class_names,
        confidence=readout.confidence,
        count_again=lambda ablation: _confusion_of(readout, ablation),
    )


def count_right(
    head: Head,
    members: Array,
    *,
    engine: Engine = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
    subsets: bool = False,
) -> Counts:
    """Count right images of each class alone, not whole confusion matrices; see :func:`sweep`.

    Args:
        head: features, labels, weight and bias.
        members: [A, r], whether each direction stays under each ablation.
        engine: see :func:`sweep`.
        threads: see there.
        progress: see there.
        subsets: the ablations are all subsets, in the order of their numbers.
    """
    _require_memory(len(members), len(head.class_names))
    intact = head.predictions()
    with _few_blas_threads(head):
        job = Job(head.counted, members, intact, False, _threads(threads), progress, subsets)
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
def _few_blas_threads(head: Head) -> Iterator[None]:
    """One thread for small products: BLAS threads that wait for more work hinder the kernels."""
    if not head.is_small:
        yield
        return
    with _blas().limit(limits=1, user_api="blas"):
        yield


@cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _counted(
    head: Head,
    ablations: tuple[Ablation, ...] | Subsets,
    whole: bool,
    engine: Engine,
    threads: int,
    progress: Progress | None,
) -> Counts:
    """Counts of each ablation; what was counted before is not counted again."""
    intact = head.predictions()
    if isinstance(ablations, Subsets):
        _require(ablations, head)
        members = all_members(ablations.directions)
        return count(engine, Job(head.counted, members, intact, whole, threads, progress, True))
    together = _grouped(ablations)
    if len(together) != 1:
        return _each_group(head, ablations, together, whole, engine, threads, progress)
    target = ablations[0].target
    if target.inside:
        return _through_network(head, ablations, whole)
    seen = head.seen(target.cut, target.fill)
    members = np.stack([ablation.members(seen.directions) for ablation in ablations])
    if len(ablations) > _MOST_CACHED:
        return count(engine, Job(seen, members, intact, whole, threads, progress))
    cache = seen.known_counts
    keys = [(row.tobytes(), whole, engine) for row in members]
    counted = {key: cache.get(key) for key in keys}
    missing = {key: row for row, key in enumerate(keys) if counted[key] is None}
    if missing:
        uncounted = members[list(missing.values())]
        fresh = count(engine, Job(seen, uncounted, intact, whole, threads, progress))
        for row, key in enumerate(missing):
            counted[key] = cache.put(key, _row(fresh, row))
    counts = Counts.none(len(ablations), len(head.class_names), whole)
    for row, key in enumerate(keys):
        counts.right[row], counts.both[row] = counted[key].right, counted[key].both
        if counts.confusion is not None:
            counts.confusion[row] = counted[key].confusion
    return counts


def _grouped(ablations: tuple[Ablation, ...]) -> list[list[int]]:
    """Numbers of ablations that are counted together.

    Those of one view of the output layer, and those of a class of targets inside the network, which
    are faster run together.
    """
    groups: dict[object, list[int]] = {}
    for row, ablation in enumerate(ablations):
        target = ablation.target
        groups.setdefault(type(target) if target.inside else target, []).append(row)
    return list(groups.values())


def _each_group(
    head: Head,
    ablations: tuple[Ablation, ...],
    groups: list[list[int]],
    whole: bool,
    engine: Engine,
    threads: int,
    progress: Progress | None,
) -> Counts:
    """Counts of ablations of several targets."""
    counts = Counts.none(len(ablations), len(head.class_names), whole)
    for rows in groups:
        chosen = tuple(ablations[row] for row in rows)
        own = _counted(head, chosen, whole, engine, threads, progress)
        counts.right[rows], counts.both[rows] = own.right, own.both
        if counts.confusion is not None and own.confusion is not None:
            counts.confusion[rows] = own.confusion
    return counts


def _through_network(head: Head, ablations: tuple[Ablation, ...], whole: bool) -> Counts:
    """Counts of ablations inside the network."""
    labels, classes = head.labels, len(head.class_names)
    counts = Counts.none(len(ablations), classes, whole)
    was_right = head.predictions() == labels
    predictions = ablations[0].target.predict(head, ablations)
    for row, predicted in enumerate(predictions):
        hit = predicted == labels
        counts.right[row] = np.bincount(labels[hit], minlength=classes)
        counts.both[row] = np.bincount(labels[hit & was_right], minlength=classes)
        if counts.confusion is not None:
            counts.confusion[row] = confusion(labels, predicted, classes)
    return counts


def _row(counts: Counts, row: int) -> Counts:
    confused = None if counts.confusion is None else counts.confusion[row].copy()
    return Counts(confused, counts.right[row].copy(), counts.both[row].copy())


def _require(subsets: Subsets, head: Head) -> None:
    if subsets.directions != len(head.directions):
        raise InterpChecksError(
            f"these are the subsets of {subsets.directions} directions",
            found=f"a head with {len(head.directions)}",
            remedy="every_subset(len(readout.directions))",
        )


def _confusion_of(head: Head, ablation: Ablation) -> IntArray:
    return confusion(head.labels, predict(head, ablation), len(head.class_names))


def predict(head: Head, ablation: Ablation | None) -> IntArray:
    """The predicted class of each image under an ablation (None: intact), [N]."""
    if ablation is None:
        return head.predictions()
    return ablation.target.predict(head, [ablation])[0]
