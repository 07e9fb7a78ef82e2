"""Judge one claim inside its test: verdict, evidence, and the outcome that pytest sees."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from interp_checks.claims.claim import Claim
from interp_checks.comparing.fates import Fate, Judged
from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.judging.judge import judge
from interp_checks.judging.verdict import Verdict
from interp_checks.printable import printable
from interp_checks.readouts.readout import Readout
from interp_checks.report.chance_words import anywhere_of
from interp_checks.report.evidence import EVIDENCE, PROPERTIES, evidence_of, name_of
from interp_checks.statistics.check import Outcome

from .baseline import alike, baseline_of
from .claims import MARKER
from .collected import RECORD
from .decisions import against_baseline, plain_decision
from .options import CONFIDENCE, UNDECIDED
from .outputs import needs_readouts
from .paths import shown


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
    return pytest.fail(printable(problem), pytrace=False)


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
        pytest.fail(printable(problem), pytrace=False)
    judged = Judged(
        claim,
        str(verdict.outcome) if verdict is not None else None,
        verdict.measured if verdict is not None else reason.splitlines()[0],
        verdict.as_dict()["checks"] if verdict is not None else (),
        verdict.confidence if verdict is not None else None,
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
        test=_test(request),
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
    _note_properties(request.node, evidence, fate)
    if request.config.getoption("interp_baseline"):
        known = baseline_of(request.config)
        assert known is not None
        where = shown(request.config, known.path)
        others = alike(stated, request.config) if fate is None else ""
        decision, message = against_baseline(evidence, verdict, fate, known, where, others)
    else:
        undecided = request.config.getoption(UNDECIDED)
        decision, message = plain_decision(evidence, verdict, undecided)
    evidence["decision"] = decision
    _carry_out(decision, printable(message))


def _note_properties(node: pytest.Item, evidence: dict[str, Any], fate: Fate | None) -> None:
    """What JUnit's XML shows of a claim; what an earlier attempt noted is replaced."""
    verdict = evidence["verdict"] or {}
    noted = {
        "claim": evidence["claim"],
        "source": evidence["source"] or "",
        "verdict": verdict.get("outcome", "not judged"),
        "measured": verdict.get("measured") or evidence["reason"].splitlines()[0],
        "chance": "/".join(map(str, verdict.get("chance") or ())),
        "anywhere": _anywhere(verdict),
        "remarks": "; ".join(verdict.get("remarks", ())),
        "subject": evidence["subject"]["description"],
    }
    if evidence["subject"]["warnings"]:
        noted["warnings"] = "; ".join(evidence["subject"]["warnings"])
    if fate is not None:
        noted["became"] = str(fate)
    others = [one for one in node.user_properties if one[0] not in PROPERTIES]
    node.user_properties[:] = [*others, *((name, printable(noted[name])) for name in noted)]


def _anywhere(verdict: dict[str, Any]) -> str:
    """The rate of chance for some directions and classes, and over which."""
    told = anywhere_of(verdict)
    return f"{told} for {verdict['chance_anywhere']['over']}" if told else ""


def _carry_out(decision: str, message: str) -> None:
    """Make pytest say what was decided of a test."""
    if decision == "failed":
        pytest.fail(message, pytrace=False)
    if decision == "skipped":
        raise pytest.skip.Exception(message, _use_item_location=True)
    if decision == "xfailed":
        # Like ``pytest.xfail``, without the traceback that it formats and never shows.
        raise pytest.xfail.Exception(message, pytrace=False)


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
    from .familywise import number_of_claims

    return number_of_claims(request.session)


#: The subjects whose readout this process has packed.
_PACKED: pytest.StashKey[set[str]] = pytest.StashKey()


def _packed_once(readout: Readout, subject: str, request: pytest.FixtureRequest) -> str:
    """The readout as text, with the first claim on a subject in this process; else nothing."""
    known = request.session.stash.setdefault(_PACKED, set())
    if subject in known or not needs_readouts(request.config):
        return ""
    from interp_checks.comparing.saved_run import packed

    text = ""
    # A verdict stands without it; whatever needs it says that it is missing.
    with suppress(Exception):
        text = packed(readout)
    # Not before: the test may be stopped while it packs.
    known.add(subject)
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
    from .baseline import became

    problem = ""
    try:
        confidence = request.config.getoption(CONFIDENCE) or readout.confidence
        node = request.node
        return became(stated, judged, _test(request), node.path, readout, node.config, confidence)
    except InterpChecksError as error:
        problem = str(error)
    return pytest.fail(printable(problem), pytrace=False)
