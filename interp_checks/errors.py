"""One base class for everything that is wrong with what a user handed in."""

from __future__ import annotations


class InterpChecksError(Exception):
    """Bad input, described so that its owner can mend it.

    Args:
        problem: what is wrong, beginning with the culprit (a file, a sentence, an option).
        found: what was there.
        expected: what should have been there.
        remedy: what to do about it.
    """

    def __init__(
        self,
        problem: str,
        *,
        found: str | None = None,
        expected: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(problem, found, expected, remedy)
        self.problem = problem
        self.found = found
        self.expected = expected
        self.remedy = remedy

    def __str__(self) -> str:
        lines = [self.problem]
        for name, text in (
            ("found", self.found),
            ("expected", self.expected),
            ("what to do", self.remedy),
        ):
            if text is not None:
                lines.append(f"  {name}: {text}")
        return "\n".join(lines)


class DataError(InterpChecksError):
    """A data set is missing, truncated, or of the wrong shape."""


class CheckpointError(InterpChecksError):
    """A checkpoint or snapshot file cannot be used."""


class ClaimSyntaxError(InterpChecksError):
    """A sentence is not in the claim language."""


class NotJudgedError(InterpChecksError):
    """The subject cannot answer this claim (it has no such class, direction, or images)."""


class TooFewImagesError(NotJudgedError):
    """Other images could answer this claim: the sample has none, or too few, of a kind."""
