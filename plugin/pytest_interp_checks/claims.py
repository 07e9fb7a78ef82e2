"""``claims()``: sentences in, an ordinary parametrised test function out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

import pytest

from .marker import MARKER

if TYPE_CHECKING:
    from interp_checks.ablations.verbs import Stated
    from interp_checks.claims.claim import Claim


@dataclass(frozen=True)
class NotReplicated:
    """A claim that is known not to hold on the shipped references of some data sets."""

    claim: str | Stated
    references: tuple[str, ...] = ("mnist",)


def not_replicated(
    claim: str | Stated, *, reference: str | tuple[str, ...] = "mnist"
) -> NotReplicated:
    """Mark a finding that does not hold on the shipped reference checkpoint.

    There it is an expected failure, with the measured number as its reason, and an error
    should it hold after all. On every other checkpoint it is judged like any claim.

    Args:
        claim: the finding.
        reference: the data set of the shipped reference; or several.
    """
    return NotReplicated(claim, (reference,) if isinstance(reference, str) else reference)


def claims(
    *sentences: str | Stated | NotReplicated,
    source: str | None = None,
    found_on: str | None = None,
) -> Any:
    """Make a test function that judges each sentence as a case of its own.

    Assign it to a name that pytest collects: ``test_headline = claims("dropping direction 5
    kills class 8")``.

    Args:
        sentences: of the claim language, or Claim values, or either in ``not_replicated()``.
        source: where the claims were first stated; ``-k`` finds them by it.
        found_on: the data set on whose shipped reference the claims were found: they are not
            judged on another shipped reference, whose directions are other ones.

    Raises:
        pytest.Collector.CollectError: a sentence does not parse, or stands there twice.
    """
    from interp_checks.claims.claim import Claim
    from interp_checks.errors import ClaimSyntaxError

    caller = sys._getframe(1)
    where = f"{caller.f_code.co_filename}:{caller.f_lineno}"
    problems: list[str] = []
    cases: dict[str, Any] = {}
    for sentence in sentences:
        marked = sentence if isinstance(sentence, NotReplicated) else None
        stated = sentence.claim if isinstance(sentence, NotReplicated) else sentence
        if not isinstance(stated, (str, Claim)):
            problems.append(f"this is neither a sentence nor a Claim: {stated!r}")
            continue
        try:
            claim = stated if isinstance(stated, Claim) else Claim.parse(stated)
        except ClaimSyntaxError as error:
            problems.append(str(error))
            continue
        if str(claim) in cases:
            problems.append(f"this claim stands there twice: {claim}")
        references = marked.references if marked else ()
        cases[str(claim)] = pytest.param(claim, references, id=str(claim))
    if not sentences:
        problems.append("claims() was given no sentence")
    if problems:
        raise pytest.Collector.CollectError("\n".join([f"{where}: bad claims", *problems]))
    parametrized = pytest.mark.parametrize(("claim", "references"), list(cases.values()))
    marker = getattr(pytest.mark, MARKER)(source=source, found_on=found_on)
    test_function = marker(
        parametrized(_located(_judged, caller.f_code.co_filename, caller.f_lineno))
    )
    # In the body of a class it must not be taken for a method.
    return staticmethod(test_function) if "__qualname__" in caller.f_locals else test_function


def _judged(
    claim: Claim, references: tuple[str, ...], subject: Any, request: pytest.FixtureRequest
) -> None:
    """Judge one claim and turn its verdict into a test outcome."""
    from .judging import run_claim

    run_claim(claim, references, subject, request)


def _located(function: Callable[..., None], filename: str, line: int) -> FunctionType:
    """A copy of a function that says it was written where ``claims()`` was called.

    Otherwise every claim would be reported as a test in this file.
    """
    code: CodeType = function.__code__.replace(co_filename=filename, co_firstlineno=line)
    return FunctionType(code, function.__globals__, function.__name__)
