"""The claim language: from a sentence to a value, or to a caret at the place where it leaves it.

The way back is ``str()`` of the value.
"""

from __future__ import annotations

from functools import cache
from typing import TypeVar

from lark import Lark, UnexpectedInput
from lark.exceptions import UnexpectedEOF, VisitError

from interp_checks.ablations.ablation import Ablation
from interp_checks.errors import ClaimSyntaxError, InterpChecksError
from interp_checks.wording import listed

from .building import Build
from .claim import Claim
from .grammar import GRAMMAR, with_whole_words


@cache
def _parser() -> Lark:
    return Lark(
        with_whole_words(GRAMMAR),
        parser="lalr",
        start=["claim", "ablation"],
        maybe_placeholders=True,
    )


Value = TypeVar("Value", Claim, Ablation)


def parse_claim(text: str) -> Claim:
    """Read a sentence; see :meth:`Claim.parse`."""
    return _parse(text, "claim", Claim)


def parse_ablation(text: str) -> Ablation:
    """Read the words of an ablation; see :meth:`Ablation.parse`."""
    return _parse(text, "ablation", Ablation)


def _parse(text: str, start: str, kind: type[Value]) -> Value:
    text = text.rstrip().removesuffix(".")
    try:
        value = Build().transform(_parser().parse(text, start=start))
    except UnexpectedInput as error:
        raise _explained(text, start, error) from None
    except VisitError as error:
        problem = error.orig_exc
        if isinstance(problem, ValueError):
            problem = InterpChecksError(
                "a name in quotes has an escape that JSON does not know", found=str(problem)
            )
        if not isinstance(problem, InterpChecksError):
            raise
        raise ClaimSyntaxError(
            f"this {start} says nothing that could be judged: {text!r}",
            found=problem.problem + (f" ({problem.found})" if problem.found else ""),
            expected=problem.expected,
            remedy=problem.remedy,
        ) from None
    assert isinstance(value, kind)
    return value


def _explained(text: str, start: str, error: UnexpectedInput) -> ClaimSyntaxError:
    """Say where a sentence leaves the language, and what could stand there."""
    place = error.pos_in_stream
    token = getattr(error, "token", None)
    at_end = isinstance(error, UnexpectedEOF) or getattr(token, "type", None) == "$END"
    if place is None or at_end:
        place = len(text.rstrip())
    line = " ".join(text[:place].split("\n")) + " ".join(text[place:].split("\n"))
    found = line[place:].split(" ")[0] if place < len(line) else "the end of the sentence"
    prefix = _parser().parse_interactive(text[:place], start=start)
    prefix.exhaust_lexer()
    accepted = prefix.accepts()
    return ClaimSyntaxError(
        f"this {start} does not parse:\n  {line}\n  {' ' * place}^",
        found=found,
        expected=_choices(accepted),
        remedy="the README has a table of the claim language",
    )


def _choices(terminals: set[str]) -> str:
    """Names of terminals as the words that a writer would type."""
    words: set[str] = set()
    patterns = {terminal.name: terminal.pattern for terminal in _parser().terminals}
    special = {
        "INT": "a whole number",
        "NUMBER": "a number",
        "QUOTED": 'a name in "quotes"',
        "$END": "the end of the sentence",
        "RELATION": "`above` or `below`",
        "COMPARATIVE": "`less` or `more`",
        "EXTREME": "`lowest` or `highest`",
        "EARLY": "`early`",
        "BACKWARD": "`backward`",
        "GATE_OR_KIND": "a gate (`input`, `forget`, ...), `input` or `recurrent`",
    }
    for name in terminals:
        if name in special:
            words.add(special[name])
        elif name in patterns:
            words.add("`" + patterns[name].value.removesuffix(r"\b") + "`")
    return listed(sorted(words)).replace(" and ", " or ") if words else "nothing more"
