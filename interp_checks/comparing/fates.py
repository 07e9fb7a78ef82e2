"""Two checkpoints: what became of each finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from interp_checks.ablations.ablation import (
    FAMILIES,
    Ablation,
    family_members,
    unique,
)
from interp_checks.claims.claim import Claim
from interp_checks.claims.scene import summary
from interp_checks.errors import NotJudgedError
from interp_checks.judging.decide import decide
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.intervals import CONFIDENCE
from interp_checks.statistics.threshold_check import Check, Outcome, saved_checks

from .alignment import aligned
from .matching import Matching, match_directions
from .moves import Moves
from .recall_changes import SHOWN as SHOWN
from .recall_changes import RecallChange as RecallChange
from .recall_changes import change_lines as change_lines
from .recall_changes import recall_changes as recall_changes
from .recall_changes import same_images as same_images
from .recall_changes import with_fill_of
from .remains import NOT_JUDGED, decided, evidence, joined, moved_to, told_of, weakened

Word = Literal[
    "held",
    "re-indexed",
    "rotated within a subspace",
    "held with less certainty",
    "in doubt",
    "moved to another class",
    "weakened",
    "vanished",
    "no counterpart",
    "new",
    "still not",
    "not judged",
]
#: Everything that can have become of a finding.
WORDS: tuple[Word, ...] = get_args(Word)

#: The words that mean that a finding is still there, may well be, or never was.
KEPT: tuple[Word, ...] = (
    "held",
    "re-indexed",
    "rotated within a subspace",
    "held with less certainty",
    "in doubt",
    "new",
    "still not",
)

Checks = tuple[Check, ...]


@dataclass(frozen=True)
class Fate:
    """What became of a finding: one word, and one line of evidence."""

    word: Word
    line: str

    def __str__(self) -> str:
        return f"{self.word}: {self.line}" if self.line else self.word

    @property
    def gone(self) -> bool:
        """Whether something that held is shown not to hold any more."""
        return self.word not in (*KEPT, "not judged")


@dataclass(frozen=True)
class Judged:
    """How a claim was judged on one checkpoint.

    Args:
        claim: in the numbers of that checkpoint's directions.
        outcome: None if it was not judged.
        measured: what decided it.
        checks: the comparisons it rests on, as a saved run keeps them.
        confidence: of their intervals; None if it was not judged.
    """

    claim: Claim
    outcome: str | None
    measured: str
    checks: Sequence[Mapping[str, Any]] = ()
    confidence: float | None = None

    @classmethod
    def of_entry(cls, entry: Mapping[str, Any]) -> Judged:
        """What a saved run says of a claim.

        Raises:
            ClaimSyntaxError: its words are not of the claim language.
        """
        sentence = entry.get("judged_as", entry["claim"])
        checks, confidence = entry.get("checks", ()), entry.get("confidence")
        return cls(Claim.parse(sentence), entry["outcome"], entry["measured"], checks, confidence)


def fate_between(
    before: Judged,
    old: Readout,
    after: Judged,
    new: Readout,
    matching: Callable[[], Matching],
    confidence: float,
    among: int = 1,
) -> Fate:
    """What became of a claim between two runs that may have read its directions as others.

    Args:
        before: in the first run.
        old: what it was judged on there.
        after: in the second run.
        new: what it was judged on there.
        matching: of the directions of these two; asked for where it is needed.
        confidence: of each verdict that is made again, and of all differences together.
        among: claims that are compared, for which the tests of differences are corrected.

    Raises:
        InterpChecksError: the two models have other classes.
    """
    # What is said of many checkpoints is judged on a record, which is not at hand.
    of_many = before.claim.seeds is not None
    if before.outcome is None or before.claim.needs_images or of_many:
        return fate_by_outcomes(before, after, (1 - confidence) / among)
    now = after.claim if after.outcome is not None else None
    return fate_of(before.claim, old, new, matching(), confidence, now=now, among=among)


#: The claim reads the same on both checkpoints.
_AS_IT_STANDS: Literal["as it stands"] = "as it stands"


def fate_of(
    claim: Claim,
    old: Readout,
    new: Readout,
    matching: Matching,
    confidence: float,
    *,
    now: Claim | Literal["as it stands"] | None = _AS_IT_STANDS,
    among: int = 1,
) -> Fate:
    """What became of a claim between two checkpoints.

    Tried in this order: the claim as it stands (held), on the counterparts of its directions
    (re-indexed), on all directions that cannot be told from these (rotated within a subspace).
    If it holds in none of these ways, tests of the differences say whether what it is about
    has moved past its threshold. If that is not shown, the finding is held with less certainty
    (undecided now) or in doubt (it fails now). If it is, another class may be killed instead
    (moved), a part may be left (weakened), its direction may be like none of the new ones (no
    counterpart); else it has vanished.

    Args:
        claim: in the numbers of the old directions.
        old: the readout before.
        new: the readout now.
        matching: of their directions.
        confidence: of each verdict, and of all differences together.
        now: the claim as it is judged on the new one, where that is another; None if it could
            not be judged there.
        among: claims that are compared, for which the tests of differences are corrected: that
            any of them is gone though nothing has changed has a probability of at most one
            minus the confidence.
    """
    old = with_fill_of(new, old)
    own = claim if now == _AS_IT_STANDS else now
    assert not isinstance(own, str)
    before = decided(claim, old, confidence)
    after = NOT_JUDGED if own is None else decided(own, new, confidence)
    where = _where(claim, matching)
    if before.outcome != Outcome.HOLDS:
        if after.outcome == Outcome.HOLDS:
            return Fate("new", f"{_said(before.outcome)} before, holds now")
        if after.outcome is None and before.outcome is not None:
            return Fate(
                "not judged", f"{_said(before.outcome)} before, and the new model cannot answer"
            )
        return Fate("still not", f"{_said(before.outcome)} before, {_said(after.outcome)} now")
    if after.outcome == Outcome.HOLDS:
        return Fate("held", where or summary(after.checks, Outcome.HOLDS))
    readings = [] if own is None else [own]
    translated = _translated(claim, matching)
    if translated is not None and translated != own:
        readings.append(translated)
        if decided(translated, new, confidence).outcome == Outcome.HOLDS:
            return Fate("re-indexed", where or f"holds as: {translated}")
    grouped = _on_groups(claim, matching)
    if grouped is not None and decided(grouped, new, confidence).outcome == Outcome.HOLDS:
        return Fate("rotated within a subspace", joined(f"holds when {grouped.condition}", where))
    moves: Moves | None = None
    closest, outcome = claim, Outcome.UNDECIDED
    for reading in readings:
        judged = decided(reading, new, confidence)
        if judged.outcome is None:
            continue
        closest, outcome = reading, judged.outcome
        moves = _moves(
            claim, reading, (old, new), (before.checks, judged.checks), confidence, among
        )
        if not moves.gone:
            return _not_shown(judged.outcome, moves, where)
    unmatched = translated is None and any(
        matching[number].new is None and matching[number].matchable for number in _numbers(claim)
    )
    if moves is None:
        refused = decided(own or claim, new, confidence)
        if refused.few_images:
            return Fate("not judged", f"holds before, and cannot be judged now: {refused.reason}")
        if unmatched:
            return Fate("no counterpart", where)
        return Fate("vanished", joined("cannot be judged now", refused.reason))
    if unmatched:
        # Whatever the direction of the same number does now is another story.
        return Fate("no counterpart", where)
    elsewhere = moved_to(claim, old, closest, new, confidence)
    if elsewhere:
        return Fate("moved to another class", joined(elsewhere, where))
    left = weakened(closest, new, confidence, moves)
    if left:
        return Fate("weakened", joined(left, where))
    return Fate("vanished", joined(f"{outcome} now: {evidence(moves)}", where))


def fate_by_outcomes(before: Judged, after: Judged, error: float = 1 - CONFIDENCE) -> Fate:
    """What became of a claim that a saved run cannot judge again, for it kept no network.

    The numbers that were saved are compared, as if the images had been others.

    Args:
        before: how it was judged in the first run.
        after: how it was judged in the second.
        error: that the tests of the differences of this claim may make.
    """
    was, now = before.outcome or "not judged", after.outcome or "not judged"
    if after.outcome == Outcome.HOLDS:
        if before.outcome == Outcome.HOLDS:
            return Fate("held", after.measured)
        return Fate("new", f"{was} before, holds now")
    if after.outcome is None and before.outcome is not None:
        return Fate("not judged", f"{was} before, and cannot be judged now")
    if before.outcome != Outcome.HOLDS:
        return Fate("still not", f"{was} before, {now} now")
    confidences = [judged.confidence or CONFIDENCE for judged in (before, after)]
    moves = Moves(
        saved_checks(before.checks, confidences[0]),
        saved_checks(after.checks, confidences[1]),
        error,
        same_images=False,
        # The wider intervals of the two count as the narrower.
        confidence=min(confidences),
    )
    if moves.gone:
        return Fate("vanished", f"{now} now: {evidence(moves)}")
    if not moves.pairs():
        what = "the runs keep no numbers that could be compared"
        word: Word = "in doubt" if now == Outcome.FAILS else "held with less certainty"
        return Fate(word, f"{now} now: {after.measured}; {what}")
    return _not_shown(Outcome(now), moves, "")


def _moves(
    claim: Claim,
    reading: Claim,
    readouts: tuple[Readout, Readout],
    checks: tuple[Checks, Checks],
    confidence: float,
    among: int,
) -> Moves:
    """How the numbers that a claim rests on moved, if it is read so on the new readout."""
    old, new = readouts
    return Moves(
        *checks,
        error=(1 - confidence) / among,
        same_images=same_images(old, new),
        confidence=confidence,
        again=lambda sure: (decide(claim, old, sure).checks, decide(reading, new, sure).checks),
    )


def _not_shown(outcome: Outcome, moves: Moves, where: str) -> Fate:
    """A finding that does not hold now, while no change past its threshold is shown."""
    pairs = [pair for pair in moves.pairs() if pair[1].outcome == outcome]
    words = f"{outcome} now: {told_of(pairs)}"
    if not moves.comparable:
        why = "the two runs compare other numbers"
    elif moves.untested:
        why = "too little is known of these numbers to test the difference"
    else:
        why = "no change past its threshold is shown"
    word: Word = "in doubt" if outcome == Outcome.FAILS else "held with less certainty"
    return Fate(word, joined(words, why, where))


def _said(outcome: Outcome | None) -> str:
    return str(outcome) if outcome else "not judged"


def _numbers(claim: Claim) -> tuple[int, ...]:
    """The directions of the output layer that a claim names one by one."""
    condition = claim.condition
    if claim.targets:
        return ()
    if isinstance(condition, Ablation) and condition.kind in ("dropping", "only"):
        return condition.numbers if condition.target.cut == "direction" else ()
    return () if claim.fact is None else claim.fact.numbered_directions


def _where(claim: Claim, matching: Matching) -> str:
    """Where the named directions are now."""
    return ", ".join(str(matching[number]) for number in _known_numbers(claim, matching))


def _known_numbers(claim: Claim, matching: Matching) -> list[int]:
    """Those of the named directions that the old model has."""
    return [number for number in _numbers(claim) if number <= len(matching.matches)]


def _translated(claim: Claim, matching: Matching) -> Claim | None:
    try:
        return aligned(claim, matching)
    except (NotJudgedError, KeyError):
        return None


def _on_groups(claim: Claim, matching: Matching) -> Claim | None:
    """The claim about all directions that cannot be told from the counterparts."""
    if not isinstance(claim.condition, Ablation) or not _numbers(claim):
        return None
    numbers = _known_numbers(claim, matching)
    same = all(matching[number].same_subspace for number in numbers)
    group = {member for number in numbers for member in matching[number].group}
    if not same or len(group) <= len(numbers):
        return None
    return Claim(replace(claim.condition, indices=tuple(sorted(group))), claim.says)


def compare(
    claims: Iterable[Claim], old: Readout, new: Readout, confidence: float
) -> tuple[Matching, dict[Claim, Fate], list[RecallChange]]:
    """Everything that two checkpoints are compared by.

    Args:
        claims: whose fate is asked.
        old: the readout before.
        new: the readout now.
        confidence: of each verdict, of all differences that make a finding gone together, and
            of all changes of recall together.

    Returns:
        The matching of directions, what became of each claim, and the change of every recall
        under every one-parameter ablation.

    Raises:
        InterpChecksError: the two models have other classes.
    """
    distinct = tuple(dict.fromkeys(claims))
    matching = match_directions(old, new)
    fates = {
        claim: fate_of(claim, old, new, matching, confidence, among=max(1, len(distinct)))
        for claim in distinct
    }
    count = min(len(old.directions), len(new.directions))
    ablations = unique(member for name in FAMILIES for member in family_members(name, count))
    return matching, fates, recall_changes(old, new, ablations, confidence)
