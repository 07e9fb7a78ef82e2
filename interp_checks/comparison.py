"""Two checkpoints: what became of each finding, and which recalls have changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ._arrays import Array
from .ablation import FAMILIES, Ablation, dropping, family_members, keeping_only, unique
from .alignment import aligned
from .claim import Claim
from .errors import NotJudgedError
from .estimate import Change, Estimate, percent
from .judgement import decide
from .matching import Matching, match_directions
from .readout import Readout
from .rules import Scene, summary
from .says import Kills
from .sweeps import predict
from .thresholds import COUNTERPART, SPARED
from .verdict import Outcome
from .wording import class_words, listed

Word = Literal[
    "held",
    "re-indexed",
    "rotated within a subspace",
    "moved to another class",
    "weakened",
    "vanished",
    "no counterpart",
    "new",
    "still not",
    "not judged",
]

#: Changes of recall that a summary names.
SHOWN = 10

#: The words that mean that a finding is still there, or never was.
KEPT: tuple[Word, ...] = ("held", "re-indexed", "rotated within a subspace", "new", "still not")


@dataclass(frozen=True)
class Fate:
    """What became of a finding: one word, and one line of evidence."""

    word: Word
    line: str

    def __str__(self) -> str:
        return f"{self.word}: {self.line}" if self.line else self.word

    @property
    def gone(self) -> bool:
        """Whether something that held does not any more."""
        return self.word not in (*KEPT, "not judged")


@dataclass(frozen=True)
class Judged:
    """How a claim was judged on one checkpoint.

    Args:
        claim: in the numbers of that checkpoint's directions.
        outcome: None if it was not judged.
        measured: what decided it.
    """

    claim: Claim
    outcome: str | None
    measured: str

    @classmethod
    def of_entry(cls, entry: Mapping[str, Any]) -> Judged:
        """What a saved run says of a claim.

        Raises:
            ClaimSyntaxError: its words are not of the claim language.
        """
        told = entry.get("judged_as", entry["claim"])
        return cls(Claim.parse(told), entry["outcome"], entry["measured"])


def fate_between(
    before: Judged,
    old: Readout,
    after: Judged,
    new: Readout,
    matching: Callable[[], Matching],
    confidence: float,
) -> Fate:
    """What became of a claim between two runs that may have read its directions as others.

    Args:
        before: in the first run.
        old: what it was judged on there.
        after: in the second run.
        new: what it was judged on there.
        matching: of the directions of these two; asked for where it is needed.
        confidence: of each verdict that is made again.

    Raises:
        InterpChecksError: the two models have other classes.
    """
    if before.outcome is None or before.claim.needs_images:
        return fate_by_outcomes(before.outcome, after.outcome, after.measured)
    now = after.claim if after.outcome is not None else None
    return fate_of(before.claim, old, new, matching(), confidence, now=now)


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
) -> Fate:
    """What became of a claim between two checkpoints.

    Tried in this order: the claim as it stands (held), on the counterparts of its directions
    (re-indexed), on all directions that cannot be told from these (rotated within a subspace),
    with another class killed instead (moved), in part (weakened). What is left has vanished,
    or its direction has no counterpart.

    Args:
        claim: in the numbers of the old directions.
        old: the readout before.
        new: the readout now.
        matching: of their directions.
        confidence: of each verdict.
        now: the claim as it is judged on the new one, where that is another; None if it could
            not be judged there.
    """
    own = claim if now == _AS_IT_STANDS else now
    assert not isinstance(own, str)
    before = _outcome(claim, old, confidence)
    after = None if own is None else _outcome(own, new, confidence)
    where = _where(claim, matching)
    measured = "" if own is None else _measured(own, new, confidence)
    told = _joined(measured, where)
    if before != Outcome.HOLDS:
        if after == Outcome.HOLDS:
            return Fate("new", f"{_said(before)} before, holds now")
        if after is None and before is not None:
            return Fate("not judged", f"{_said(before)} before, and the new model cannot answer")
        return Fate("still not", f"{_said(before)} before, {_said(after)} now")
    if after == Outcome.HOLDS:
        return Fate("held", where or measured)
    translated = _translated(claim, matching)
    if (
        translated is not None
        and translated != own
        and _outcome(translated, new, confidence) == Outcome.HOLDS
    ):
        return Fate("re-indexed", where or f"holds as: {translated}")
    grouped = _on_groups(claim, matching)
    if grouped is not None and _outcome(grouped, new, confidence) == Outcome.HOLDS:
        return Fate("rotated within a subspace", _joined(f"holds when {grouped.condition}", where))
    if translated is None and _numbers(claim):
        # Whatever the direction of the same number does now is another story.
        return Fate("no counterpart", where)
    if after is None:
        return Fate("vanished", "cannot be judged now")
    closest = translated or own or claim
    moved = _moved(closest, new, confidence)
    if moved:
        return Fate("moved to another class", _joined(moved, where))
    weakened = _weakened(closest, new, confidence)
    if weakened:
        return Fate("weakened", _joined(weakened, where))
    if after == Outcome.UNDECIDED:
        return Fate("weakened", f"undecided now: {told}")
    return Fate("vanished", f"{_said(after)} now: {told}")


def fate_by_outcomes(before: str | None, after: str | None, measured: str) -> Fate:
    """What became of a claim that a saved run cannot judge again, for it kept no network.

    Args:
        before: the outcome that was saved; None for not judged.
        after: the outcome now; None for not judged.
        measured: what decides it now.
    """
    was, now = before or "not judged", after or "not judged"
    if after == Outcome.HOLDS:
        if before == Outcome.HOLDS:
            return Fate("held", measured)
        return Fate("new", f"{was} before, holds now")
    if after is None and before is not None:
        return Fate("not judged", f"{was} before, and cannot be judged now")
    if before != Outcome.HOLDS:
        return Fate("still not", f"{was} before, {now} now")
    if after == Outcome.UNDECIDED:
        return Fate("weakened", f"undecided now: {measured}")
    return Fate("vanished", f"{now} now: {measured}")


def outcome_of(claim: Claim, readout: Readout, confidence: float) -> tuple[str | None, str]:
    """The outcome of a claim (None: not judged), and what decides it."""
    found = _outcome(claim, readout, confidence)
    return (str(found) if found else None), _measured(claim, readout, confidence)


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _outcome(claim: Claim, readout: Readout, confidence: float) -> Outcome | None:
    try:
        return decide(claim, readout, confidence)[0]
    except NotJudgedError:
        return None


def _measured(claim: Claim, readout: Readout, confidence: float) -> str:
    """What decides a claim now."""
    try:
        outcome, checks = decide(claim, readout, confidence)
    except NotJudgedError:
        return ""
    return summary(checks, outcome)


def _said(outcome: Outcome | None) -> str:
    return str(outcome) if outcome else "not judged"


def _numbers(claim: Claim) -> tuple[int, ...]:
    """The directions of the output layer that a claim names one by one."""
    condition = claim.condition
    if claim.targets:
        return ()
    if isinstance(condition, Ablation) and condition.kind in ("dropping", "only"):
        return condition.indices
    named: tuple[int, ...] = getattr(claim.says[0], "directions", ())
    return named if condition is None else ()


def _where(claim: Claim, matching: Matching) -> str:
    """Where the named directions are now."""
    numbers = [number for number in _numbers(claim) if number <= len(matching.matches)]
    return ", ".join(str(matching[number]) for number in numbers)


def _translated(claim: Claim, matching: Matching) -> Claim | None:
    try:
        return aligned(claim, matching)
    except (NotJudgedError, KeyError):
        return None


def _on_groups(claim: Claim, matching: Matching) -> Claim | None:
    """The claim about all directions that cannot be told from the counterparts."""
    if not isinstance(claim.condition, Ablation) or claim.targets:
        return None
    numbers = [number for number in _numbers(claim) if number <= len(matching.matches)]
    same = all(matching[number].subspace >= COUNTERPART for number in numbers)
    group = {member for number in numbers for member in matching[number].group}
    if not same or len(group) <= len(numbers):
        return None
    make = dropping if claim.condition.kind == "dropping" else keeping_only
    return Claim(make(*sorted(group)), claim.says)


def _moved(claim: Claim, new: Readout, confidence: float) -> str:
    """Another class that the same ablation kills, for a claim that one is killed."""
    kills = [say for say in claim.says if isinstance(say, Kills)]
    if len(kills) != 1 or len(kills[0].classes) != 1:
        return ""
    for name in new.class_names:
        if name in kills[0].classes:
            continue
        instead = replace(kills[0], classes=(name,))
        says = tuple(instead if say is kills[0] else say for say in claim.says)
        if _outcome(Claim(claim.condition, says), new, confidence) == Outcome.HOLDS:
            return f"now {claim.condition} kills {class_words((name,))}"
    return ""


def _weakened(claim: Claim, new: Readout, confidence: float) -> str:
    """What is left of a killing: the class still loses, but it does not die."""
    if not isinstance(claim.condition, Ablation):
        return ""
    for say in claim.says:
        if not isinstance(say, Kills):
            continue
        try:
            scene = Scene(new, claim.condition, confidence)
            losses = {name: scene.loss(name, "above", SPARED) for name in say.classes}
        except NotJudgedError:
            return ""
        left = [name for name, check in losses.items() if check.outcome == Outcome.HOLDS]
        if len(left) == len(losses):
            told = [
                f"recall of {class_words((name,))} is "
                f"{percent(scene.result.recall[name].value)} % and was "
                f"{percent(scene.result.loss(name).value + scene.result.recall[name].value)} % "
                "intact"
                for name in left
            ]
            return listed(told)
    return ""


@dataclass(frozen=True)
class RecallChange:
    """How the recall of one class under one ablation differs between two checkpoints.

    Args:
        ablation: None for the intact model.
        name: the class.
        old: recall before.
        new: recall now.
        lower: lower end of the interval of new minus old.
        upper: upper end.
        paired: whether both saw the same images.
    """

    ablation: Ablation | None
    name: str
    old: float
    new: float
    lower: float
    upper: float
    paired: bool

    @property
    def alarming(self) -> bool:
        """Whether the interval excludes zero."""
        return self.lower > 0 or self.upper < 0

    def __str__(self) -> str:
        where = "intact" if self.ablation is None else str(self.ablation)
        return (
            f"{where}: recall of {class_words((self.name,))} from {percent(self.old)} to "
            f"{percent(self.new)} % (change {percent(self.lower)} to {percent(self.upper)} points)"
        )


def same_images(old: Readout, new: Readout) -> bool:
    """Whether two readouts saw the same images in the same order, as far as is known."""
    noted = [readout.provenance.get("images_sha256") for readout in (old, new)]
    return (
        noted[0] is not None
        and noted[0] == noted[1]
        and len(old) == len(new)
        and bool(
            (np.array(old.class_names)[old.labels] == np.array(new.class_names)[new.labels]).all()
        )
    )


def recall_changes(
    old: Readout, new: Readout, ablations: Iterable[Ablation], confidence: float
) -> list[RecallChange]:
    """The change of every class's recall under every ablation, the intact model first.

    On the same images the changes are paired (exact intervals of the two discordant shares);
    otherwise the two recalls have intervals of their own. All intervals together have the
    confidence (Bonferroni over ablations and classes), so that noise raises no alarm.
    """
    conditions: Sequence[Ablation | None] = (None, *ablations)
    names = [name for name in old.class_names if name in new.class_names]
    each = 1 - (1 - confidence) / (len(conditions) * max(1, len(names)))
    paired = same_images(old, new)
    changes = []
    for ablation in conditions:
        then, now = _right(old, ablation), _right(new, ablation)
        for name in names:
            one = old.labels == old.class_names.index(name)
            other = new.labels == new.class_names.index(name)
            if not one.any() or not other.any():
                continue
            before = Estimate(int(then[one].sum()), int(one.sum()), 1 - (1 - each) / 2)
            after = Estimate(int(now[other].sum()), int(other.sum()), 1 - (1 - each) / 2)
            if paired:
                gained = int((now & ~then)[one].sum())
                lost = int((then & ~now)[one].sum())
                # A loss of the old against the new is a gain.
                low, high = Change(gained, lost, before.total, each).interval
            else:
                low, high = after.lower - before.upper, after.upper - before.lower
            changes.append(
                RecallChange(ablation, name, before.value, after.value, low, high, paired)
            )
    return changes


def _right(readout: Readout, ablation: Ablation | None) -> Array:
    """Which images are predicted right, [N]."""
    return np.asarray(predict(readout, ablation) == readout.labels)


def compare(
    claims: Iterable[Claim], old: Readout, new: Readout, confidence: float
) -> tuple[Matching, dict[Claim, Fate], list[RecallChange]]:
    """Everything that two checkpoints are compared by.

    Args:
        claims: whose fate is asked.
        old: the readout before.
        new: the readout now.
        confidence: of each verdict, and of all changes of recall together.

    Returns:
        The matching of directions, what became of each claim, and the change of every recall
        under every one-parameter ablation.

    Raises:
        InterpChecksError: the two models have other classes.
    """
    matching = match_directions(old, new)
    fates = {claim: fate_of(claim, old, new, matching, confidence) for claim in claims}
    count = min(len(old.directions), len(new.directions))
    ablations = unique(member for name in FAMILIES for member in family_members(name, count))
    return matching, fates, recall_changes(old, new, ablations, confidence)


def change_lines(changes: list[RecallChange]) -> list[str]:
    """How many recalls changed beyond chance, and the first of them."""
    alarming = [change for change in changes if change.alarming]
    paired = all(change.paired for change in changes)
    kind = "the same images, paired" if paired else "other images, unpaired"
    lines = [
        f"{len(alarming)} of {len(changes)} recalls changed beyond chance ({kind}, corrected for "
        "their number)"
    ]
    lines += [f"  {change}" for change in alarming[:SHOWN]]
    if len(alarming) > SHOWN:
        lines.append(f"  ... and {len(alarming) - SHOWN} more")
    return lines
