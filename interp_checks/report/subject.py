"""What claims are judged on, as far as a report is concerned: a readout and words about it.

A suite brings a subject of its own: a readout, or any object that has one. What else such an
object may have is known here alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from interp_checks.errors import InterpChecksError
from interp_checks.judging.guessing import near_chance
from interp_checks.readouts.readout import Readout


@dataclass(frozen=True)
class DescribedSubject:
    """A readout, and what is known of where it came from.

    Args:
        readout: what claims are judged on.
        description: one line; None if the subject has none.
        reference: the data set whose shipped reference this is; None for any other subject.
        notes: further lines worth showing.
        assumed: lines about what is taken for granted of a checkpoint.
        own_warnings: lines to read before any claim, of those that brought the subject.
    """

    readout: Readout
    description: str | None = None
    reference: str | None = None
    notes: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    own_warnings: tuple[str, ...] = ()

    @property
    def warnings(self) -> list[str]:
        """What to read of a subject before believing any claim about it."""
        return [line for line in (near_chance(self.readout), *self.own_warnings) if line]


def described(subject: Any) -> DescribedSubject:
    """What is known of the object that a ``subject`` fixture returned.

    Raises:
        InterpChecksError: it is no readout and has none.
    """
    readout = getattr(subject, "readout", subject)
    if not isinstance(readout, Readout):
        raise InterpChecksError(
            "the fixture `subject` returned something that claims cannot be judged on",
            found=type(subject).__name__,
            expected="a Readout, or an object with a Readout as its `readout`",
            remedy="make one with interp_checks.readout_of(model, batches)",
        )
    description = getattr(subject, "description", None)
    return DescribedSubject(
        readout,
        description=None if description is None else str(description),
        reference=reference_of(subject),
        notes=tuple(map(str, getattr(subject, "notes", ()))),
        assumed=tuple(map(str, getattr(subject, "assumed", ()))),
        own_warnings=tuple(map(str, getattr(subject, "warnings", ()))),
    )


def reference_of(subject: Any) -> str | None:
    """The data set whose shipped reference a subject is; None for any other subject."""
    reference: str | None = getattr(subject, "reference", None)
    return reference
