"""A rule and the data sets that are simulated for it, and how often each outcome comes about."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from interp_checks import Claim, Estimate, NotJudgedError, Outcome, Readout
from interp_checks.claims.predicates import direction_sets, reviving
from interp_checks.judging import decide as deciding

CONFIDENCE = 0.95
Generator = np.random.Generator
#: Makes a readout of so many images per class.
Simulate = Callable[[Generator, int], Readout]


@dataclass(frozen=True)
class Row:
    """One rule.

    Args:
        name: of the row.
        claim: a sentence.
        just_false: data in which it is false, as near to true as can be.
        just_true: data in which it is true, and every comparison as near to false as can be.
        true: data in which it is clearly true.
        false: data in which it is clearly false: in one comparison, where there are several.
        at: where the boundary lies, in words.
        images: per class.
        before: whether wrong "fails" were corrected for before all of them were.
        beyond: words on why a rate may exceed one minus the confidence; empty if it may not.
        exact: a statement about the weights or these very images: nothing is sampled.
    """

    name: str
    claim: str
    just_false: Simulate | None = None
    just_true: Simulate | None = None
    true: Simulate | None = None
    false: Simulate | None = None
    at: str = ""
    images: int = 200
    before: bool = False
    beyond: str = ""
    exact: bool = False

    @property
    def parsed(self) -> Claim:
        return Claim.parse(self.claim)


@dataclass(frozen=True)
class Rates:
    """In how many data sets a claim holds, and fails; and failed before the correction."""

    holds: Estimate
    fails: Estimate
    failed: Estimate


def rates(row: Row, which: str, images: int, repeats: int, *, compare: bool = True) -> Rates:
    """Judge a claim on simulated data sets.

    Args:
        row: the rule.
        which: of its simulations, by name.
        images: per class.
        repeats: data sets.
        compare: judge each data set without the correction, too.
    """
    # A seed of each row's own, so that adding one changes no other.
    generator = np.random.default_rng(zlib.crc32(f"{row.name} {which} {images}".encode()))
    simulate: Simulate = getattr(row, which)
    claim = row.parsed
    now, then = [], []
    for _ in range(repeats):
        readout = simulate(generator, images)
        now.append(_outcome(claim, readout))
        if compare and not row.before:
            with as_it_was():
                then.append(_outcome(claim, readout))
    then = then or now
    return Rates(
        Estimate(now.count(Outcome.HOLDS), repeats),
        Estimate(now.count(Outcome.FAILS), repeats),
        Estimate(then.count(Outcome.FAILS), repeats),
    )


def _outcome(claim: Claim, readout: Readout) -> Outcome:
    try:
        return deciding.decide(claim, readout, CONFIDENCE).outcome
    except NotJudgedError:
        return Outcome.UNDECIDED


@contextmanager
def as_it_was() -> Iterator[None]:
    """Without the correction for the number of comparisons that could make a claim fail."""
    failing, searched, pair = deciding.failing, direction_sets.searched, reviving._OF_A_PAIR
    deciding.failing = lambda checks, _: tuple(checks)  # type: ignore[assignment]
    direction_sets.searched = lambda check, *_: check  # type: ignore[assignment]
    reviving._OF_A_PAIR = 1
    try:
        yield
    finally:
        deciding.failing, direction_sets.searched, reviving._OF_A_PAIR = failing, searched, pair
