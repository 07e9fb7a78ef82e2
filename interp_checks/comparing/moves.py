"""Whether what a claim is about has moved past its threshold between two runs.

A finding that held is taken as it was, comparison by comparison, and only what is shown to have
moved is put in: a number that was on the one side of its threshold and is on the other now, if
a test of the difference says that chance does not do that. If the claim is false then, the
finding is gone. So a finding of which nothing has changed is called gone with a probability of at
most the error that the tests share (Bonferroni over all comparisons of a claim).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist

from interp_checks.statistics.differences import paired_error, unpaired_error
from interp_checks.statistics.intervals import Change, Estimate, Lead
from interp_checks.statistics.threshold_check import Check, Outcome

#: The checks of a claim on the old and on the new readout, at another confidence.
Again = Callable[[float], tuple[Sequence[Check], Sequence[Check]]]

#: Nearer to one a confidence is not told from one.
_SUREST = 1 - 1e-15


@dataclass
class Moves:
    """How the comparisons that a claim rests on moved between two runs.

    Args:
        old: of the run in which it held.
        new: of the later run.
        error: that all tests together may make.
        same_images: whether both runs saw the same images, so that numbers are paired.
        confidence: of the intervals.
        again: judges both anew at another confidence; None where only numbers were saved.
    """

    old: Sequence[Check]
    new: Sequence[Check]
    error: float
    same_images: bool
    confidence: float
    again: Again | None = None
    #: Comparisons that moved past their threshold beyond chance: as they were, as they are.
    shown: list[tuple[Check, Check]] = field(default_factory=list, init=False)
    #: Comparisons that ended otherwise and that nothing that was kept can test.
    untested: list[tuple[Check, Check]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._pairs = paired_checks(_top(self.old), _top(self.new))
        leaves = sum(1 for check in _top(self.old) for _ in _leaves(check))
        self._each = self.error / max(1, leaves)
        self._retold: dict[int, tuple[Check, Check]] | None = None
        states = [] if self._pairs is None else [self._state(*pair) for pair in self._pairs]
        #: Whether the claim is false once what is shown to have moved is put in.
        self.gone = bool(self.shown) and False in states

    @property
    def comparable(self) -> bool:
        """Whether both runs made the same comparisons."""
        return self._pairs is not None

    def pairs(self) -> list[tuple[Check, Check]]:
        """Each comparison at the top, as it was and as it is."""
        return self._pairs or []

    def _state(self, old: Check, new: Check) -> bool | None:
        """Whether a comparison holds, as far as is shown; None if that is open."""
        pairs = paired_checks(old.parts, new.parts)
        if not old.parts or not new.parts or pairs is None:
            return self._leaf(old, new)
        least, most = old.wanted or (len(pairs), len(pairs))
        states = [self._state(*pair) for pair in pairs]
        sure, possible = states.count(True), len(states) - states.count(False)
        if possible < least or sure > most:
            return False
        return True if least <= sure and possible <= most else None

    def _leaf(self, old: Check, new: Check) -> bool | None:
        if old.outcome == Outcome.UNDECIDED:
            return None if new.outcome == Outcome.UNDECIDED else _side(new)
        if _side(old) == _side(new) or not self._beyond_chance(old, new):
            return _side(old)
        self.shown.append((old, new))
        return _side(new)

    def _beyond_chance(self, old: Check, new: Check) -> bool:
        """Whether the difference of a number between the runs is beyond chance."""
        before, after = old.estimate, new.estimate
        exact = not old.sampled and not new.sampled
        if exact and (before is None or self.same_images):
            return True
        if isinstance(before, (Estimate, Change)) and type(before) is type(after):
            assert isinstance(after, (Estimate, Change))
            searched = max(old.among, new.among)
            if self.same_images and searched == 1 and old.values and new.values:
                return paired_error(old.values(), new.values()) <= self._each
            return searched * unpaired_error(before, after) <= self._each
        if isinstance(before, Lead) and isinstance(after, Lead):
            sure = min(_SUREST, 1 - self._each)
            return _apart(
                replace(before, confidence=sure).interval, replace(after, confidence=sure).interval
            )
        if self.again is not None:
            return self._apart_when_judged_again(old, new)
        if math.isfinite(old.upper - old.lower) and math.isfinite(new.upper - new.lower):
            return self._apart_by_intervals(old, new)
        self.untested.append((old, new))
        return False

    def _apart_when_judged_again(self, old: Check, new: Check) -> bool:
        """Whether the intervals at the error of one test are apart; or the outcomes differ there.

        Of each interval only the end that faces the other counts, so that two intervals of this
        confidence make one error of that size.
        """
        assert self.again is not None
        if self._retold is None:
            sure = min(_SUREST, 1 - self._each)
            retold = self.again(sure)
            self._retold = {
                id(was): pair
                for checks, judged in zip((self.old, self.new), retold, strict=True)
                for was, pair in _alike(checks, judged)
            }
        if id(old) not in self._retold or id(new) not in self._retold:
            self.untested.append((old, new))
            return False
        before, now = self._retold[id(old)][1], self._retold[id(new)][1]
        if math.isfinite(before.upper - before.lower) and math.isfinite(now.upper - now.lower):
            return _apart((before.lower, before.upper), (now.lower, now.upper))
        return {before.outcome, now.outcome} == {Outcome.HOLDS, Outcome.FAILS}

    def _apart_by_intervals(self, old: Check, new: Check) -> bool:
        """The normal approximation, from the ends of the intervals that face each other."""
        normal = NormalDist()
        scale = normal.inv_cdf(0.5 + self.confidence / 2)
        difference = new.value - old.value
        facing = (
            (old.upper - old.value, new.value - new.lower)
            if difference > 0
            else (old.value - old.lower, new.upper - new.value)
        )
        spread = math.hypot(*facing) / scale
        return abs(difference) > spread * normal.inv_cdf(1 - self._each)


def _top(checks: Sequence[Check]) -> Sequence[Check]:
    """The comparisons that must all hold; what a tally counts is inside it."""
    return checks[:1] if checks and checks[0].tally else checks


def _leaves(check: Check) -> Iterator[Check]:
    """The comparisons of one number with one threshold that a comparison is made of."""
    if not check.parts:
        yield check
    for part in check.parts:
        yield from _leaves(part)


def _side(check: Check) -> bool:
    """On which side of its threshold the number is, in the sample."""
    return check.leans if check.outcome == Outcome.UNDECIDED else check.outcome == Outcome.HOLDS


def _apart(old: tuple[float, float], new: tuple[float, float]) -> bool:
    return old[1] < new[0] or new[1] < old[0]


def _alike(
    checks: Sequence[Check], judged: Sequence[Check]
) -> list[tuple[Check, tuple[Check, Check]]]:
    """Each comparison of one number beside the same at another confidence."""
    ours = [leaf for check in _top(checks) for leaf in _leaves(check)]
    theirs = [leaf for check in _top(judged) for leaf in _leaves(check)]
    if len(ours) != len(theirs):
        return []
    return [(own, (own, counterpart)) for own, counterpart in zip(ours, theirs, strict=True)]


def paired_checks(old: Sequence[Check], new: Sequence[Check]) -> list[tuple[Check, Check]] | None:
    """Which comparison of one run is which of another; None if they made other ones.

    By their words where these are unique, since some rules put the closest rival first; what is
    left (words may name directions that have other numbers now) in order.
    """
    if len(old) != len(new):
        return None
    words = [[(check.quantity, check.expected) for check in checks] for checks in (old, new)]
    place = {
        key: number
        for number, key in enumerate(words[1])
        if key[0] and words[0].count(key) == words[1].count(key) == 1
    }
    left = iter([number for number in range(len(new)) if number not in set(place.values())])
    return [
        (check, new[place[key] if key in place else next(left)])
        for check, key in zip(old, words[0], strict=True)
    ]
