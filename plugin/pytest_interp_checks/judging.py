"""Judge one claim inside its test: verdict, evidence, and the outcome that pytest sees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

import pytest

from interp_checks.claim import Claim
from interp_checks.comparison import Fate, Judged
from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.judgement import judge
from interp_checks.readout import Readout
from interp_checks.verdict import Outcome, Verdict

from .claims import MARKER, PLACE
from .evidence import EVIDENCE, evidence_of, name_of
from .options import CONFIDENCE, UNDECIDED
from .report import needs_readouts


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
    claim: Claim, references: tuple[str, ...], subject: Any, request: pytest.FixtureRequest
) -> None:
    """Judge a claim; pass, fail, skip or expect the failure accordingly."""
    marker = request.node.get_closest_marker(MARKER)
    source = marker.kwargs.get("source") if marker else None
    # A subject of a user's own is judged as it is, whatever the scope of its fixture.
    if claim.needs_images and getattr(subject, "reference", None) is not None:
        subject = request.getfixturevalue("subject_with_images")
    readout = readout_or_fail(subject)
    expected = getattr(subject, "reference", None) in references
    verdict: Verdict | None = None
    reason = ""
    mapping = problem = ""
    stated = claim
    try:
        _require_own_reference(marker, subject)
        if request.config.getoption("interp_align"):
            from .align import mapping_to, read_as

            mapping = str(mapping_to(readout, request.config))
            claim = read_as(stated, readout, request.config)
        verdict = _judge(claim, stated, readout, request)
    except NotJudgedError as error:
        reason = str(error)
    except InterpChecksError as error:
        problem = str(error)
    if problem:
        pytest.fail(problem, pytrace=False)
    judged = Judged(
        claim,
        str(verdict.outcome) if verdict is not None else None,
        verdict.measured if verdict is not None else reason.splitlines()[0],
    )
    fate, known_as = _fate(stated, judged, readout, request)
    name = name_of(request.node, str(stated), readout)
    evidence = evidence_of(
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
        stated=str(stated),
        mapping=mapping,
        fate=fate,
        name=name,
        known_as=known_as,
    )
    evidence["snapshot"] = _packed_once(readout, repr(evidence["subject"]), request)
    request.node.stash[EVIDENCE] = evidence
    request.node.user_properties += [
        ("claim", str(stated)),
        ("source", source or ""),
        ("verdict", str(verdict.outcome) if verdict is not None else "not judged"),
        ("measured", verdict.measured if verdict is not None else reason.splitlines()[0]),
        ("chance", str(verdict.chance) if verdict is not None and verdict.chance else ""),
        ("remarks", "; ".join(verdict.remarks) if verdict is not None else ""),
        ("subject", evidence["subject"]["description"]),
    ]
    if evidence["subject"]["warnings"]:
        request.node.user_properties.append(
            ("warnings", "; ".join(evidence["subject"]["warnings"]))
        )
    if fate is not None:
        request.node.user_properties.append(("became", str(fate)))
    if request.config.getoption("interp_baseline"):
        _against_baseline(stated, verdict, fate, request)
        return
    if verdict is None:
        raise pytest.skip.Exception(f"not judged: {reason}", _use_item_location=True)
    if expected:
        if verdict.outcome == Outcome.HOLDS:
            pytest.fail(
                f"{verdict.message()}\nThis claim is marked as not replicated on the shipped "
                "reference, and it holds there: take the mark off.",
                pytrace=False,
            )
        _expect_failure(f"not replicated ({verdict.outcome}): {verdict.measured}")
    if verdict.outcome == Outcome.FAILS:
        pytest.fail(verdict.message(), pytrace=False)
    if verdict.outcome == Outcome.UNDECIDED:
        decision = request.config.getoption(UNDECIDED)
        if decision == "fail":
            pytest.fail(verdict.message(), pytrace=False)
        if decision == "skip":
            raise pytest.skip.Exception(f"undecided: {verdict.measured}", _use_item_location=True)


def _require_own_reference(marker: pytest.Mark | None, subject: Any) -> None:
    """Refuse a claim about the directions of another shipped reference.

    Raises:
        NotJudgedError: it is.
    """
    found_on = marker.kwargs.get("found_on") if marker else None
    reference = getattr(subject, "reference", None)
    if found_on is not None and reference is not None and reference != found_on:
        raise NotJudgedError(
            f"this was found on the shipped {found_on} reference, not on the {reference} one",
            remedy=f"judge it on {found_on}, its images at --interp-data-root or INTERP_DATA",
        )


def _expect_failure(reason: str) -> NoReturn:
    """Like ``pytest.xfail``, without the traceback that it formats and never shows."""
    raise pytest.xfail.Exception(reason, pytrace=False)


def _judge(
    claim: Claim, stated: Claim, readout: Readout, request: pytest.FixtureRequest
) -> Verdict:
    """The verdict, corrected for the number of claims if that was asked for.

    Args:
        claim: in the numbers of the readout's directions.
        stated: in the words of the suite.
        readout: what it is judged on.
        request: of the test.

    Raises:
        NotJudgedError: the readout cannot answer.
    """
    option = request.config.getoption
    confidence = option(CONFIDENCE) or readout.confidence
    verdict = judge(claim, readout, confidence=confidence, rotations=option("interp_rotations"))
    if not option("interp_familywise") or verdict.outcome != Outcome.HOLDS:
        return verdict
    from .familywise import corrected

    holm = corrected(stated, readout, request, confidence)
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


#: The subjects whose readout this process has packed.
_PACKED: pytest.StashKey[set[str]] = pytest.StashKey()


def _packed_once(readout: Readout, subject: str, request: pytest.FixtureRequest) -> str:
    """The readout as text, with the first claim on a subject in this process; else nothing."""
    known = request.session.stash.setdefault(_PACKED, set())
    if subject in known or not needs_readouts(request.config):
        return ""
    known.add(subject)
    from interp_checks.runs import packed

    return packed(readout)


def _fate(
    stated: Claim, judged: Judged, readout: Readout, request: pytest.FixtureRequest
) -> tuple[Fate | None, str | None]:
    """What became of the claim since the baseline, if there is one and it has the claim.

    Returns:
        That, and the test by which the baseline knows it.
    """
    if not request.config.getoption("interp_baseline"):
        return None, None
    from .baseline import became

    problem = ""
    try:
        confidence = request.config.getoption(CONFIDENCE) or readout.confidence
        return became(stated, judged, request.node, readout, request.config, confidence)
    except InterpChecksError as error:
        problem = str(error)
    return pytest.fail(problem, pytrace=False)


def _against_baseline(
    claim: Claim, verdict: Verdict | None, fate: Fate | None, request: pytest.FixtureRequest
) -> None:
    """Pass what is still there; fail what is not, and what the baseline does not know."""
    path = request.config.getoption("interp_baseline")
    if fate is None:
        from .baseline import alike

        pytest.fail(
            f"claim     {claim}\nThis claim is not in the baseline {path}.\n"
            f"{alike(claim, request.config)}"
            "Save a new one with --interp-save, or take the claim out.",
            pytrace=False,
        )
    if fate.word == "not judged" or (fate.word == "still not" and verdict is None):
        raise pytest.skip.Exception(f"not judged: {fate.line}", _use_item_location=True)
    if fate.word == "still not":
        _expect_failure(f"did not hold in the baseline either: {fate.line}")
    if not fate.gone:
        return
    told = verdict.message() if verdict is not None else f"claim     {claim}"
    pytest.fail(f"{told}\nbecame    {fate}", pytrace=False)
