"""On what share of checkpoints does a finding hold, with an interval for both levels of sampling.

There are two samples: checkpoints out of all that a recipe could give, and images out of all that
each could be judged on. Let p be the share of checkpoints of which a claim is true. Each is judged
on images, so its verdict may be wrong, "holds" where it is false or "fails" where it is true, each
with a probability of at most a: one minus the confidence of the verdict. So

    P(holds) <= p + (1 - p) a        and        P(fails) <= (1 - p) + p a,

whatever becomes of the rest, which is undecided. Checkpoints are independent, so the numbers that
hold and fail are binomial, and their exact lower ends (Clopper and Pearson) at half the error give

    p >= (low(holds) - a) / (1 - a)  and  p <= 1 - (low(fails) - a) / (1 - a).

Undecided checkpoints count for neither side, so they widen the interval and never bias it. Those
that could not be judged are left out, and are told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from interp_checks.statistics.intervals import CONFIDENCE, exact_interval, percent

from .record import Record


@dataclass(frozen=True)
class Prevalence:
    """On how many checkpoints a claim holds.

    Args:
        claim: the sentence.
        test: that judges it.
        source: of the finding; may be empty.
        of: the factors that these checkpoints have in common, in words; may be empty.
        holds: checkpoints on which it holds.
        fails: on which it fails.
        undecided: on which it is neither.
        not_judged: on which it could not be judged.
        error: of each verdict, at most: one minus its confidence.
        confidence: of the interval, two-sided.
    """

    claim: str
    test: str
    source: str
    of: str
    holds: int
    fails: int
    undecided: int
    not_judged: int
    error: float
    confidence: float = CONFIDENCE

    @property
    def judged(self) -> int:
        """Checkpoints with a verdict."""
        return self.holds + self.fails + self.undecided

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end of the share of all checkpoints of which it is true."""
        return share_interval(self.holds, self.fails, self.judged, self.error, self.confidence)

    def __str__(self) -> str:
        low, high = (percent(end, 0) for end in self.interval)
        told = f"{self.holds} of {self.judged} [{low}, {high} %]"
        if self.undecided:
            told += f", {self.undecided} undecided"
        return told + (f", {self.not_judged} not judged" if self.not_judged else "")


def share_interval(
    holds: int, fails: int, judged: int, error: float, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """An interval of the share of checkpoints of which a claim is true; see the module.

    Args:
        holds: checkpoints on which it holds.
        fails: on which it fails.
        judged: on which it was judged.
        error: of each verdict, at most.
        confidence: two-sided.
    """

    def share(lower: float) -> float:
        return max(0.0, (lower - error) / (1 - error))

    holding, _ = exact_interval(holds, judged, confidence)
    failing, _ = exact_interval(fails, judged, confidence)
    return share(holding), 1 - share(failing)


def prevalence(
    record: Record, *, by: Iterable[str] = (), name: str = "", words: str = ""
) -> list[Prevalence]:
    """How often each claim holds, the most prevalent first.

    A checkpoint that was judged twice on the same claim (another run of the same weights, images,
    gauge and fill) counts once, as it was judged last.

    Args:
        record: of many runs.
        by: factors to tell apart, such as ``recipe``.
        name: only runs of this name; all if empty.
        words: only claims with these words in the sentence, the test or the source.
    """
    found = []
    factors = tuple(by)
    for claim in record.claims(words):
        groups: dict[str, dict[object, dict[str, Any]]] = {}
        for row in record.verdicts(claim=claim["id"]):
            if name and row["name"] != name:
                continue
            told = {factor: _value(row, factor) for factor in factors}
            of = ", ".join(f"{factor}={value}" for factor, value in told.items())
            groups.setdefault(of, {})[checkpoint_of(row, row["subject_fill"])] = row
        for of, rows in groups.items():
            outcomes = [row["outcome"] for row in rows.values()]
            confidences = [row["confidence"] for row in rows.values() if row["confidence"]]
            found.append(
                Prevalence(
                    claim["claim"],
                    claim["test"],
                    claim["source"],
                    of,
                    outcomes.count("holds"),
                    outcomes.count("fails"),
                    outcomes.count("undecided"),
                    outcomes.count(None),
                    1 - min(confidences, default=CONFIDENCE),
                )
            )
    return sorted(found, key=lambda one: (-one.holds / max(1, one.judged), one.claim, one.of))


def _value(row: dict[str, Any], factor: str) -> object:
    """A factor of a study, or what the subject itself says."""
    own = row["factors"].get(factor)
    return own if own is not None else row.get({"fill": "subject_fill"}.get(factor, factor))


def checkpoint_of(row: Mapping[str, Any], fill: str) -> object:
    """What makes two subjects the same model, judged in the same way.

    Args:
        row: a verdict or a subject.
        fill: of the subject.
    """
    return row["checkpoint"] or row["head"], row["images"], row["gauge"], fill


def table(found: Iterable[Prevalence]) -> str:
    """A table in Markdown."""
    rows = ["| source | claim | of | holds | share | undecided | not judged |",
            "|---|---|---|--:|--:|--:|--:|"]  # fmt: skip
    for one in found:
        low, high = (percent(end, 0) for end in one.interval)
        claim = one.claim.replace("|", "\\|")
        rows.append(
            f"| {one.source} | {claim} | {one.of} | {one.holds} of {one.judged} | "
            f"{low} to {high} % | {one.undecided} | {one.not_judged} |"
        )
    return "\n".join(rows) + "\n"
