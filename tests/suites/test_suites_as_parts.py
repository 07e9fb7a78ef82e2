"""The suites about the output layer, with its singular directions given as parts of one's own."""

from __future__ import annotations

import pytest
from made_readouts import directions_as_parts
from suite_claims import claims

from interp_checks import Claim
from interp_checks.judging.decide import decide
from interp_fixtures import reference_readout

__all__ = ["claims"]  # fixture


def as_parts(claim: Claim) -> Claim | None:
    """The same about parts called "1", "2", ...; None where only directions can be spoken of."""
    sentence = str(claim)
    if claim.condition is None or "ablation" in sentence:
        return None
    return Claim.parse(sentence.replace("direction", "part"))


@pytest.mark.slow
def test_directions_given_as_parts_get_every_verdict_again(claims: list[Claim]) -> None:
    readout = reference_readout("mnist")
    given = directions_as_parts(readout)
    compared = 0
    for claim in claims:
        other = as_parts(claim)
        if other is None:
            continue
        expected = decide(claim, readout, 0.95)
        found = decide(other, given, 0.95)
        assert found.outcome == expected.outcome, str(claim)
        said = [check.measured.replace("part", "direction") for check in found.checks]
        assert said == [check.measured for check in expected.checks], str(claim)
        compared += 1
    assert compared > 80
