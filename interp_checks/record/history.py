"""How a finding has fared from run to run, and since when it is as it is.

A word may flip though nothing changed: "holds" turns into "undecided" when a number lies near its
threshold. So a run begins a new stretch where a test says that its number differs from that of the
run with which the stretch before it began, at the error of the record divided by the number of
such comparisons (Bonferroni). Shares are compared by Fisher's exact test, losses and leads by
intervals that lie apart. The tests take the images of two runs as independent; those of the same
images they can only miss, for the images that both get right make the numbers more alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interp_checks.statistics.intervals import Estimate, estimate_of, percent
from interp_checks.statistics.tests import fisher

from .record import Record

#: Of all comparisons of a claim together, that a stretch begins where nothing changed.
ERROR = 0.05
_BARS = "▁▂▃▄▅▆▇█"
#: Where these signs cannot be printed: tenths.
_PLAIN = "0123456789"
#: More runs than this are shown as the latest ones.
_SHOWN = 40


@dataclass(frozen=True)
class Point:
    """One claim in one run.

    Args:
        run: number of the run.
        name: of the run; may be empty.
        commit: of the suites' checkout; None if it is not known.
        time: when it was judged, UTC.
        outcome: holds, fails or undecided; None if it was not judged.
        status: as reports call it.
        quantity: what the number is of; None without one.
        value: the number, as a fraction; None without one.
        lower: lower end of its interval.
        upper: upper end.
        counts: behind it; None without any.
    """

    run: int
    name: str
    commit: str | None
    time: str
    outcome: str | None
    status: str
    quantity: str | None
    value: float | None
    lower: float | None
    upper: float | None
    counts: tuple[int, ...] | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Point:
        """A row of :meth:`Record.verdicts`."""
        own = {name: row[name] for name in cls.__dataclass_fields__ if name != "counts"}
        return cls(**own, counts=tuple(row["counts"]) if row["counts"] else None)

    @property
    def when(self) -> str:
        """``run 12 (main, 2026-11-26, 1a2b3c4)``."""
        told = [self.name, self.time[:10], (self.commit or "")[:7]]
        return f"run {self.run} ({', '.join(filter(None, told))})"

    @property
    def number(self) -> str:
        """``97.1 % [96.0, 98.0]``, the loss in points, or what else was measured; empty without."""
        if self.value is None:
            return ""

        def told(value: float) -> str:
            return f"{value:.4g}" if self.counts is None else percent(value, 1)

        unit = "" if self.counts is None else " points" if len(self.counts) > 2 else " %"
        if self.lower is None or self.upper is None:
            return f"{told(self.value)}{unit}"
        return f"{told(self.value)}{unit} [{told(self.lower)}, {told(self.upper)}]"


@dataclass(frozen=True)
class Line:
    """One claim over all runs of a record that judged it on one data set, in order.

    Args:
        claim: the sentence.
        test: that judges it.
        source: of the finding; may be empty.
        dataset: what the subjects call it; may be empty.
        points: one for each run and subject.
    """

    claim: str
    test: str
    source: str
    dataset: str
    points: tuple[Point, ...]

    @property
    def stretches(self) -> list[tuple[Point, ...]]:
        """Runs that do not differ from the first of them, one stretch after the other."""
        judged = [point for point in self.points if point.outcome is not None]
        error = ERROR / max(1, len(judged) - 1)
        found: list[list[Point]] = []
        for point in judged:
            if found and not differ(found[-1][0], point, error):
                found[-1].append(point)
            else:
                found.append([point])
        return [tuple(stretch) for stretch in found]

    @property
    def told(self) -> str:
        """``holds since run 3 (...); fails before (2 runs)``."""
        stretches = self.stretches
        if not stretches:
            return f"never judged in {_runs(len(self.points))}"
        last = self.points[-1]
        now, begun = stretches[-1], stretches[-1][0]
        words = last.status if last.outcome is None else _word(now)
        if len(stretches) == 1:
            return f"{words} in all {_runs(len(now))}" if len(now) > 1 else f"{words}, in one run"
        before = stretches[-2]
        if before[-1].outcome == now[-1].outcome:
            # The finding is what it was, though its number is another.
            number = before[-1].number
            return f"still {words}; its number is another since {begun.when}, before: {number}"
        return (
            f"{words} since {begun.when}, {_runs(len(now))}; before, {_word(before)}: "
            f"{before[-1].number or before[-1].outcome}"
        )

    def sparkline(self, *, plain: bool = False) -> str:
        """One sign for each run, the number as a height; a dot where there is none.

        Shares are between 0 and 100 %, other numbers between 0 and the largest of them.
        """
        signs = _PLAIN if plain else _BARS
        largest = max((point.value or 0.0 for point in self.points), default=0.0)
        whole = max(1.0, largest)

        def sign(value: float | None) -> str:
            if value is None:
                return "." if plain else "·"
            return signs[int(min(max(value / whole, 0.0), 0.999999) * len(signs))]

        return "".join(sign(point.value) for point in self.points[-_SHOWN:])

    def lines(self, *, plain: bool = False) -> list[str]:
        """The claim and its history, for people."""
        on = f" ({self.dataset})" if self.dataset else ""
        told = [f"{self.claim}{on}", f"    {self.told}"]
        last = next((point for point in reversed(self.points) if point.value is not None), None)
        if last is not None:
            told.append(f"    {last.quantity} {self.sparkline(plain=plain)} {last.number}")
        return told


def differ(before: Point, after: Point, error: float) -> bool:
    """Whether a test says that the numbers of two runs differ.

    Without counts on both sides, or where the numbers are of other things, whether the outcomes do:
    what is said about weights or about these very images has no sampling error.

    Args:
        before: the one run.
        after: the other.
        error: probability that it says so of equal ones.
    """
    if before.counts is None or after.counts is None or before.quantity != after.quantity:
        return before.outcome != after.outcome
    if len(before.counts) != len(after.counts):
        return True
    if len(before.counts) == 2:
        (right, images), (right_now, images_now) = before.counts, after.counts
        if not images or not images_now:
            return False
        below = fisher(right, images, right_now, images_now)
        above = fisher(right_now, images_now, right, images)
        return 2 * min(below, above) <= error
    one, other = (estimate_of(point.counts or (), 1 - error / 2) for point in (before, after))
    assert not isinstance(one, Estimate)
    return one.lower > other.upper or other.lower > one.upper


def history(record: Record, words: str = "") -> list[Line]:
    """Every claim of a record over its runs.

    Args:
        record: to look in.
        words: only claims with these words in the sentence, the test or the source.
    """
    found = []
    for claim in record.claims(words):
        by_dataset: dict[str, list[Point]] = {}
        for row in record.verdicts(claim=claim["id"]):
            by_dataset.setdefault(row["dataset"] or "", []).append(Point.of(row))
        found += [
            Line(claim["claim"], claim["test"], claim["source"], dataset, tuple(points))
            for dataset, points in by_dataset.items()
        ]
    return found


def markdown(lines: Sequence[Line]) -> str:
    """A table of claims: how each stands, since when, and its numbers over time."""
    rows = ["| claim | stands | over time | now |", "|---|---|---|---|"]
    for line in lines:
        last = line.points[-1]
        claim = line.claim + (f" ({line.dataset})" if line.dataset else "")
        cells = (claim, line.told, f"`{line.sparkline()}`", last.number or last.status)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def _runs(many: int) -> str:
    return "one run" if many == 1 else f"{many} runs"


def _word(stretch: Sequence[Point]) -> str:
    """What a stretch is called: its last outcome, with what else it was called on the way."""
    last = stretch[-1].outcome or ""
    others = dict.fromkeys(point.outcome or "" for point in stretch if point.outcome != last)
    return f"{last} (also {' and '.join(others)})" if others else last
