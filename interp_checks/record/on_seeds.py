"""Claims about many checkpoints: "on at least 80 % of seeds, ...", judged on a record of them.

A checkpoint that was judged on the sentence counts as it was judged; one that was not is judged
now, on the head that the record keeps. The claim holds if the interval of the share of all
checkpoints (:mod:`interp_checks.record.prevalence`) lies above what is claimed, and fails if it
lies below.
"""

from __future__ import annotations

from functools import partial

from interp_checks.claims.claim import Claim
from interp_checks.errors import NotJudgedError
from interp_checks.judging.judge import judge
from interp_checks.judging.verdict import Verdict
from interp_checks.statistics.intervals import percent
from interp_checks.statistics.threshold_check import Check, Outcome
from interp_checks.wording import percent_words

from .prevalence import Prevalence, checkpoint_of, share_interval
from .record import Record


def judge_on_record(claim: Claim, record: Record, confidence: float, name: str = "") -> Verdict:
    """Judge a claim about a share of the checkpoints of a record.

    Args:
        claim: with a share of seeds.
        record: of runs; each different checkpoint counts once.
        confidence: of the interval of the share, and of each verdict that is made now.
        name: only runs of this name, as of a study; all if empty.

    Raises:
        NotJudgedError: no checkpoint of the record can answer.
    """
    assert claim.seeds is not None
    counted = _counted(claim.of_one, record, confidence, name)
    if not counted.judged:
        raise NotJudgedError(
            "no checkpoint of the record can answer this",
            found=f"{counted.not_judged} checkpoints of {record.path.name}"
            + (f" in runs named {name!r}" if name else ""),
        )
    check = _check(counted, claim.seeds, confidence)
    notes: tuple[str, ...] = ()
    if counted.not_judged:
        notes = (f"{counted.not_judged} more checkpoints could not be judged",)
    return Verdict(claim, check.outcome, (check,), confidence, notes=notes)


def _check(counted: Prevalence, claimed: float, level: float) -> Check:
    """Compare the share of checkpoints with what is claimed."""
    low, high = share_interval(counted.holds, counted.fails, counted.judged, counted.error, level)
    share = claimed / 100
    value = counted.holds / counted.judged
    measured = (
        f"{percent(value, 1, [share])} % [{percent(low, 1, [share])}, {percent(high, 1, [share])}] "
        f"({counted.holds} of {counted.judged}"
    )
    measured += f", {counted.undecided} undecided)" if counted.undecided else ")"
    return Check(
        Outcome.of(low >= share, high < share),
        "share of checkpoints on which it holds",
        f"at least {percent_words(claimed, '')} %",
        measured,
        value,
        low,
        high,
        counted.judged,
        leans=value >= share,
        confidence=level,
        again=partial(_check, counted, claimed),
    )


def _counted(claim: Claim, record: Record, confidence: float, name: str) -> Prevalence:
    """On how many checkpoints of a record a claim about one of them holds."""
    sentence = str(claim)
    outcomes: dict[object, str | None] = {}
    confidences = [confidence]
    for known in record.claims(sentence):
        if known["claim"] != sentence:
            continue
        for row in record.verdicts(claim=known["id"]):
            if name in ("", row["name"]):
                outcomes[checkpoint_of(row, row["subject_fill"])] = row["outcome"]
                confidences += [row["confidence"]] if row["confidence"] else []
    for subject in record.subjects(name):
        key = checkpoint_of(subject, subject["fill"])
        if key not in outcomes:
            try:
                readout = record.readout_of(subject)
                verdict = judge(claim, readout, confidence=confidence, rotations=0)
                outcomes[key] = str(verdict.outcome)
            except NotJudgedError:
                outcomes[key] = None
    ended = list(outcomes.values())
    return Prevalence(
        sentence,
        "",
        "",
        "",
        ended.count("holds"),
        ended.count("fails"),
        ended.count("undecided"),
        ended.count(None),
        1 - min(confidences),
    )
