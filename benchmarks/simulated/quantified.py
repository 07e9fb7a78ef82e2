"""Claims about some, every and nearly every direction, ablation or set of directions."""

from __future__ import annotations

import math

from interp_checks import Readout
from interp_checks.claims.quantified import Quantified
from interp_checks.thresholds import NEARLY_EVERY

from .row import Generator, Row, Simulate
from .scripted import CLASSES, labels_of, predictions, scripted

EDGE = 1e-9


def recalls(
    condition: Quantified,
    doing: int,
    value: float,
    other: float,
    before: float = 1.0,
) -> Simulate:
    """Class 8's recall under the first so many of the ablations, and under all others."""
    members = condition.members(CLASSES)
    count = doing if doing >= 0 else len(members) + 1 + doing

    def simulate(generator: Generator, images: int) -> Readout:
        labels = labels_of(images)
        ablated = {
            member: predictions(generator, labels, {8: value if place < count else other})
            for place, member in enumerate(members)
        }
        return scripted(labels, predictions(generator, labels, {8: before}), ablated)

    return simulate


def rows(condition: Quantified, words: str) -> Row:
    """Just too few do it (one more is at the boundary); just enough do, all at the boundary."""
    members = len(condition.members(CLASSES))
    needed = {"some": 1, "every": members, "nearly every": math.ceil(NEARLY_EVERY * members)}[
        condition.quantifier
    ]
    at, good, bad = 0.5, 0.0, 1.0
    # Those that do not do it are at the boundary; the others clearly do.
    just_false = recalls(condition, needed - 1, good, at)
    return Row(
        str(condition).rstrip(","),
        words,
        just_false,
        recalls(condition, needed, at - EDGE, bad),
        recalls(condition, needed, 0.35, bad),
        recalls(condition, needed - 1, good, 0.62),
        "recalls 50 %",
        images=100,
    )


def sentence(condition: Quantified) -> str:
    return f"{condition} keeps recall of class 8 below 50 %"


_CONDITIONS = (
    Quantified("some", "dropped"),
    Quantified("every", "dropped"),
    Quantified("nearly every", "dropped"),
    Quantified("some", "alone"),
    Quantified("every", "alone"),
    Quantified("nearly every", "alone"),
    Quantified("some", "ablation"),
    Quantified("every", "ablation"),
    Quantified("nearly every", "ablation"),
    Quantified("some", "dropped", 2),
    Quantified("every", "dropped", 2),
    Quantified("nearly every", "alone", 2),
)


def kills(condition: Quantified) -> Row:
    """Two comparisons an ablation: dead now, and alive before."""
    members = len(condition.members(CLASSES))
    needed = 1 if condition.quantifier == "some" else members
    return Row(
        f"{str(condition).rstrip(',')}, kills",
        f"{condition} kills class 8",
        recalls(condition, needed - 1, 0.0, 0.05),
        recalls(condition, needed, 0.05 - EDGE, 1.0, 0.5 + EDGE),
        recalls(condition, needed, 0.0, 1.0),
        recalls(condition, needed - 1, 0.0, 0.13),
        "recalls 5 %",
    )


def leading(for_class: str | None) -> Row:
    """All directions do the same, at the boundary: the one that looks strongest is picked."""
    condition = Quantified("the leading", "dropped", for_class=for_class)
    at = 0.5
    return Row(
        str(condition),
        sentence(condition),
        recalls(condition, 0, 0.0, at),
        recalls(condition, CLASSES, at - EDGE, 1.0),
        # One matters, and is told from the others.
        recalls(condition, 1, 0.35, 0.9),
        recalls(condition, 1, 0.62, 1.0),
        "recalls 50 %",
        images=100,
    )


ROWS = (
    *(rows(condition, sentence(condition)) for condition in _CONDITIONS),
    kills(Quantified("some", "dropped")),
    kills(Quantified("every", "dropped")),
    leading("8"),
    leading(None),
)
