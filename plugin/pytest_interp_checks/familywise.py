"""Holm's correction over all collected claims.

Every process of a run collects the same claims, so every one computes the same correction.
Claims judged on another subject than the one at hand count towards the number of claims, as
if they were the least certain ones, which keeps the correction valid.
"""

from __future__ import annotations

import pytest

from interp_checks.claims.claim import Claim
from interp_checks.errors import NotJudgedError
from interp_checks.judging.decide import smallest_error
from interp_checks.readouts.readout import Readout
from interp_checks.report.subject import reference_of
from interp_checks.statistics.holm import Corrected, holm

from .align import read_as
from .collected import RECORD, is_claim
from .items import parameters_of, subject_fixture

#: By fixture and readout, which is kept so that no other takes its place in memory.
_Results = dict[tuple[int, int, bool], tuple[Readout, dict[Claim, Corrected]]]
_RESULTS: pytest.StashKey[_Results] = pytest.StashKey()


def corrected(
    claim: Claim, readout: Readout, request: pytest.FixtureRequest, confidence: float
) -> Corrected:
    """The correction of one claim, in the suite's words, among all that were collected."""
    results_by_key = request.session.stash.setdefault(_RESULTS, {})
    mine = subject_fixture(request.node)
    key = id(mine), id(readout), claim.needs_images
    if key not in results_by_key:
        collected = collected_claims(request.session)
        own = dict.fromkeys(claim_of(item) for item in collected if subject_fixture(item) is mine)
        if reference_of(request.getfixturevalue("subject")) is not None:
            # Claims that need images may be judged on another reference than the rest.
            own = {other: None for other in own if other.needs_images == claim.needs_images}
        errors = []
        for other in own:
            try:
                errors.append(smallest_error(read_as(other, readout, request.config), readout))
            except NotJudgedError:
                errors.append(1.0)
        results = holm(errors, 1 - confidence, number_of_claims(request.session))
        results_by_key[key] = readout, dict(zip(own, results, strict=True))
    return results_by_key[key][1][claim]


def collected_claims(session: pytest.Session) -> list[pytest.Item]:
    """Every claim that this session will judge."""
    return [item for item in session.items if is_claim(item)]


def number_of_claims(session: pytest.Session) -> int:
    """How many claims this session will judge, each counted once however often it is repeated."""
    return len({item.stash[RECORD]["test"] for item in collected_claims(session)})


def claim_of(item: pytest.Item) -> Claim:
    """The claim that a collected item judges."""
    claim = parameters_of(item)["claim"]
    assert isinstance(claim, Claim)
    return claim
