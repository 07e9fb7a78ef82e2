"""Judge one claim inside its test: verdict, evidence, and the outcome that pytest sees."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from interp_checks.claims.claim import Claim
from interp_checks.comparing.fates import Fate, Judged
from interp_checks.comparing.saved_run import packed
from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.judging.judge import judge
from interp_checks.judging.verdict import Verdict
from interp_checks.optional_packages import MissingPackageError
from interp_checks.printable import printable
from interp_checks.readouts.readout import Readout
from interp_checks.report.evidence import Judgement, evidence_of
from interp_checks.report.subject import DescribedSubject, described
from interp_checks.statistics.threshold_check import Outcome

from .align import mapping_to, read_as
from .asked_view import as_asked
from .baseline import alike, baseline_of, became
from .collected import RECORD
from .decisions import Decision, against_baseline, plain_decision
from .familywise import corrected, number_of_claims
from .junit import note_judged
from .many import on_record
from .marker import EVIDENCE, MARKER
from .options import CONFIDENCE, UNDECIDED, needs_readouts
from .paths import path_for_people
from .subject_name import name_of


def described_or_fail(subject: Any, config: pytest.Config) -> DescribedSubject:
    """What is known of a subject; the test fails with one message if it has no readout."""
    problem = ""
    try:
        return as_asked(described(subject), config)
    except InterpChecksError as error:
        problem = str(error)
    return pytest.fail(printable(problem), pytrace=False)


def run_claim(
    stated: Claim, references: tuple[str, ...], subject: Any, request: pytest.FixtureRequest
) -> None:
    """Judge a claim; pass, fail, skip or expect the failure accordingly."""
    described = described_or_fail(subject, request.config)
    # A subject of a user's own is judged as it is, whatever the scope of its fixture.
    missing: MissingPackageError | None = None
    of_one = stated.seeds is None
    if stated.needs_images and of_one and described.reference is not None:
        try:
            with_images = request.getfixturevalue("subject_with_images")
            described = described_or_fail(with_images, request.config)
        except MissingPackageError as error:
            missing = error
    judgement = _judgement(stated, references, described, request, missing)
    evidence = evidence_of(judgement)
    evidence["snapshot"] = _packed_once(described.readout, repr(evidence["subject"]), request)
    request.node.stash[EVIDENCE] = evidence
    note_judged(request.node, evidence, judgement.fate)
    decision, message = _decision(judgement, evidence, request.config)
    evidence["decision"] = decision
    _carry_out(decision, printable(message))


def _judgement(
    stated: Claim,
    references: tuple[str, ...],
    subject: DescribedSubject,
    request: pytest.FixtureRequest,
    missing: MissingPackageError | None,
) -> Judgement:
    """The claim, judged; the test fails with one message where the run asks for what is wrong."""
    marker = request.node.get_closest_marker(MARKER)
    claim, readout = stated, subject.readout
    verdict: Verdict | None = None
    reason = mapping = problem = ""
    try:
        if missing is not None:
            raise missing
        _require_own_reference(marker, subject.reference)
        if request.config.getoption("interp_align") and stated.seeds is None:
            mapping = str(mapping_to(readout, request.config))
            claim = read_as(stated, readout, request.config)
        verdict = _judge(claim, stated, readout, request)
    except NotJudgedError as error:
        reason = str(error)
    except InterpChecksError as error:
        problem = str(error)
    if problem:
        pytest.fail(printable(problem), pytrace=False)
    judged = Judged(
        claim,
        str(verdict.outcome) if verdict is not None else None,
        verdict.measured if verdict is not None else reason.splitlines()[0],
        verdict.as_dict()["checks"] if verdict is not None else (),
        verdict.confidence if verdict is not None else None,
    )
    fate, known_as = _fate(stated, judged, readout, request)
    return Judgement(
        claim=claim,
        stated=str(stated),
        verdict=verdict,
        reason=reason,
        subject=subject,
        name=name_of(request.node, str(stated), readout),
        source=marker.kwargs.get("source") if marker else None,
        test=_test(request),
        expected_failure=subject.reference in references,
        corrected_for=_corrected_for(request),
        mapping=mapping,
        fate=fate,
        known_as=known_as,
    )


def _decision(judgement: Judgement, evidence: dict[str, Any], config: pytest.Config) -> Decision:
    """What becomes of the test, and the message that says why; the evidence may be changed."""
    verdict, fate = judgement.verdict, judgement.fate
    baseline = baseline_of(config)
    if baseline is None:
        return plain_decision(evidence, verdict, config.getoption(UNDECIDED))
    where = path_for_people(config, baseline.path)
    same_sentence = alike(judgement.stated, config) if fate is None else ""
    return against_baseline(evidence, verdict, fate, baseline, where, same_sentence)


def _carry_out(decision: str, message: str) -> None:
    """Make pytest say what was decided of a test."""
    if decision == "failed":
        pytest.fail(message, pytrace=False)
    if decision == "skipped":
        raise pytest.skip.Exception(message, _use_item_location=True)
    if decision == "xfailed":
        # Like ``pytest.xfail``, without the traceback that it formats and never shows.
        raise pytest.xfail.Exception(message, pytrace=False)


def _require_own_reference(marker: pytest.Mark | None, reference: str | None) -> None:
    """Refuse a claim about the directions of another shipped reference.

    Raises:
        NotJudgedError: it is.
    """
    found_on = marker.kwargs.get("found_on") if marker else None
    if found_on is not None and reference is not None and reference != found_on:
        raise NotJudgedError(
            f"this was found on the shipped {found_on} reference, not on the {reference} one",
            remedy=f"judge it on {found_on}, its images at --interp-data-root or INTERP_DATA",
        )


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
    if stated.seeds is not None and option("interp_record"):
        # Of many checkpoints, not of this subject: its directions are not aligned with anything.
        return on_record(stated, confidence, request.config)
    verdict = judge(claim, readout, confidence=confidence, rotations=option("interp_rotations"))
    if not option("interp_familywise") or verdict.outcome != Outcome.HOLDS:
        return verdict
    correction = corrected(stated, readout, request, confidence)
    part = (
        f"of {correction.among} claims; p = {correction.error:.1g}, "
        f"Holm allows {correction.allowed:.1g}"
    )
    if correction.holds:
        return replace(verdict, notes=(*verdict.notes, f"familywise: one {part}"))
    return replace(
        verdict,
        outcome=Outcome.UNDECIDED,
        notes=(*verdict.notes, f"familywise: holds by itself, but is one {part}"),
    )


def _corrected_for(request: pytest.FixtureRequest) -> int:
    """How many claims the confidence is corrected for; 0 if it is not."""
    if not request.config.getoption("interp_familywise"):
        return 0
    return number_of_claims(request.session)


#: The subjects whose readout this process has packed.
_PACKED: pytest.StashKey[set[str]] = pytest.StashKey()


def _packed_once(readout: Readout, subject: str, request: pytest.FixtureRequest) -> str:
    """The readout as text, with the first claim on a subject in this process; else nothing."""
    subjects = request.session.stash.setdefault(_PACKED, set())
    if subject in subjects or not needs_readouts(request.config):
        return ""
    text = ""
    # A verdict stands without it; whatever needs it says that it is missing.
    with suppress(Exception):
        text = packed(readout)
    # Not before: the test may be stopped while it packs.
    subjects.add(subject)
    return text


def _test(request: pytest.FixtureRequest) -> str:
    """The id of the test, the same in each of its repetitions."""
    record = request.node.stash.get(RECORD, None)
    return record["test"] if record is not None else str(request.node.nodeid)


def _fate(
    stated: Claim, judged: Judged, readout: Readout, request: pytest.FixtureRequest
) -> tuple[Fate | None, str | None]:
    """What became of the claim since the baseline, if there is one and it has the claim.

    Returns:
        That, and the test by which the baseline knows it.
    """
    if not request.config.getoption("interp_baseline"):
        return None, None
    problem = ""
    try:
        confidence = request.config.getoption(CONFIDENCE) or readout.confidence
        node = request.node
        return became(stated, judged, _test(request), node.path, readout, node.config, confidence)
    except InterpChecksError as error:
        problem = str(error)
    return pytest.fail(printable(problem), pytrace=False)
