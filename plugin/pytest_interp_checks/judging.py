"""Judge one claim inside its test: verdict, evidence, and the outcome that pytest sees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from interp_checks.claim import Claim
from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.judgement import judge
from interp_checks.readout import Readout
from interp_checks.verdict import Outcome, Verdict

from .claims import MARKER, PLACE
from .evidence import EVIDENCE, evidence_of
from .options import CONFIDENCE, UNDECIDED


def readout_from(subject: Any) -> Readout:
    """The readout of whatever the ``subject`` fixture returned.

    Raises:
        InterpChecksError: it is no readout and has none.
    """
    found = getattr(subject, "readout", subject)
    if not isinstance(found, Readout):
        raise InterpChecksError(
            "the fixture `subject` returned something that claims cannot be judged on",
            found=type(subject).__name__,
            expected="a Readout, or an object with a Readout as its `readout`",
            remedy="make one with interp_checks.readout_of(model, batches)",
        )
    return found


def readout_or_fail(subject: Any) -> Readout:
    """The readout of a subject; the test fails with one message if it has none."""
    problem = ""
    try:
        return readout_from(subject)
    except InterpChecksError as error:
        problem = str(error)
    return pytest.fail(problem, pytrace=False)


def run_claim(
    claim: Claim, reference: str | None, subject: Any, request: pytest.FixtureRequest
) -> None:
    """Judge a claim; pass, fail, skip or expect the failure accordingly."""
    marker = request.node.get_closest_marker(MARKER)
    source = marker.kwargs.get("source") if marker else None
    readout = readout_or_fail(subject)
    expected = reference is not None and getattr(subject, "reference", None) == reference
    verdict: Verdict | None = None
    reason = ""
    try:
        verdict = _judge(claim, readout, request)
    except NotJudgedError as error:
        reason = str(error)
    request.node.stash[EVIDENCE] = evidence_of(
        claim,
        verdict,
        reason,
        subject,
        readout,
        source=source,
        place=request.node.stash.get(PLACE, 0),
        nodeid=request.node.nodeid,
        expected_failure=expected,
        among=_corrected_for(request),
    )
    request.node.user_properties += [
        ("claim", str(claim)),
        ("source", source or ""),
        ("verdict", str(verdict.outcome) if verdict else "not judged"),
        ("measured", verdict.measured if verdict else reason.splitlines()[0]),
        ("chance", str(verdict.chance) if verdict and verdict.chance else ""),
        ("remarks", "; ".join(verdict.remarks) if verdict else ""),
    ]
    if verdict is None:
        raise pytest.skip.Exception(f"not judged: {reason}", _use_item_location=True)
    if expected:
        if verdict.outcome == Outcome.HOLDS:
            pytest.fail(
                f"{verdict.message()}\nThis claim is marked as not replicated on the shipped "
                "reference, and it holds there: take the mark off.",
                pytrace=False,
            )
        pytest.xfail(f"not replicated ({verdict.outcome}): {verdict.measured}")
    if verdict.outcome == Outcome.FAILS:
        pytest.fail(verdict.message(), pytrace=False)
    if verdict.outcome == Outcome.UNDECIDED:
        decision = request.config.getoption(UNDECIDED)
        if decision == "fail":
            pytest.fail(verdict.message(), pytrace=False)
        if decision == "skip":
            raise pytest.skip.Exception(f"undecided: {verdict.measured}", _use_item_location=True)


def _judge(claim: Claim, readout: Readout, request: pytest.FixtureRequest) -> Verdict:
    """The verdict, corrected for the number of claims if that was asked for.

    Raises:
        NotJudgedError: the readout cannot answer.
    """
    option = request.config.getoption
    confidence = option(CONFIDENCE) or readout.confidence
    verdict = judge(claim, readout, confidence=confidence, rotations=option("interp_rotations"))
    if not option("interp_familywise") or verdict.outcome != Outcome.HOLDS:
        return verdict
    from .familywise import corrected

    holm = corrected(claim, readout, request, confidence)
    told = f"of {holm.among} claims; p = {holm.error:.1g}, Holm allows {holm.allowed:.1g}"
    if holm.holds:
        return replace(verdict, notes=(*verdict.notes, f"familywise: one {told}"))
    return replace(
        verdict,
        outcome=Outcome.UNDECIDED,
        notes=(*verdict.notes, f"familywise: holds by itself, but is one {told}"),
    )


def _corrected_for(request: pytest.FixtureRequest) -> int:
    """How many claims the confidence is corrected for; 0 if it is not."""
    if not request.config.getoption("interp_familywise"):
        return 0
    from .familywise import collected_claims

    return len(collected_claims(request.session))
