"""Holm's correction over all collected claims (Holm, Scandinavian Journal of Statistics 6, 1979).

Every process of a run collects the same claims, so every one computes the same correction.
Claims judged on another subject than the one at hand count towards the number of claims, as
if they were the least certain ones, which keeps the correction valid.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from interp_checks.claims.claim import Claim
from interp_checks.errors import NotJudgedError
from interp_checks.judging.decide import smallest_error
from interp_checks.readouts.readout import Readout

from .align import read_as
from .collected import RECORD, is_claim


@dataclass(frozen=True)
class Corrected:
    """What Holm's procedure says of one claim.

    Args:
        error: the smallest error at which the claim holds by itself (its p-value).
        allowed: the error that the procedure allows it.
        holds: whether it still holds.
        among: how many claims there are.
    """

    error: float
    allowed: float
    holds: bool
    among: int


def holm(errors: list[float], level: float, among: int) -> list[Corrected]:
    """Holm's step-down procedure.

    Args:
        errors: p-values of the claims at hand.
        level: the familywise error, one minus the confidence.
        among: all claims; those beyond ``errors`` are taken to be the least certain.
    """
    order = sorted(range(len(errors)), key=lambda index: errors[index])
    results: dict[int, Corrected] = {}
    holds, allowed = True, 0.0
    for rank, index in enumerate(order):
        if holds:
            # Once one claim fails, no less certain one can hold: the bound stays where it was.
            allowed = level / (among - rank)
            holds = errors[index] <= allowed
        results[index] = Corrected(errors[index], allowed, holds, among)
    return [results[index] for index in range(len(errors))]


#: By fixture and readout, which is kept so that no other takes its place in memory.
_Results = dict[tuple[int, int, bool], tuple[Readout, dict[Claim, Corrected]]]
_RESULTS: pytest.StashKey[_Results] = pytest.StashKey()


def corrected(
    claim: Claim, readout: Readout, request: pytest.FixtureRequest, confidence: float
) -> Corrected:
    """The correction of one claim, in the suite's words, among all that were collected."""
    known = request.session.stash.setdefault(_RESULTS, {})
    mine = _subject_of(request.node)
    key = id(mine), id(readout), claim.needs_images
    if key not in known:
        collected = collected_claims(request.session)
        own = dict.fromkeys(claim_of(item) for item in collected if _subject_of(item) is mine)
        if getattr(request.getfixturevalue("subject"), "reference", None) is not None:
            # Claims that need images may be judged on another reference than the rest.
            own = {one: None for one in own if one.needs_images == claim.needs_images}
        errors = []
        for one in own:
            try:
                errors.append(smallest_error(read_as(one, readout, request.config), readout))
            except NotJudgedError:
                errors.append(1.0)
        results = holm(errors, 1 - confidence, number_of_claims(request.session))
        known[key] = readout, dict(zip(own, results, strict=True))
    return known[key][1][claim]


def collected_claims(session: pytest.Session) -> list[pytest.Item]:
    """Every claim that this session will judge."""
    return [item for item in session.items if is_claim(item)]


def number_of_claims(session: pytest.Session) -> int:
    """How many claims this session will judge, each counted once however often it is repeated."""
    return len({item.stash[RECORD]["test"] for item in collected_claims(session)})


def claim_of(item: pytest.Item) -> Claim:
    """The claim that a collected item judges."""
    assert isinstance(item, pytest.Function)
    claim = item.callspec.params["claim"]
    assert isinstance(claim, Claim)
    return claim


def _subject_of(item: pytest.Item) -> object:
    fixtures = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    return fixtures["subject"][-1] if fixtures.get("subject") else None
