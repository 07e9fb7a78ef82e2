"""A phrase of the claim language: its words as the grammar has them, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Phrase(NamedTuple):
    """One way to say something.

    Args:
        words: the right side of a rule of :mod:`interp_checks.claims.grammar`, with its keywords
            in double quotes.
        build: makes the value of what the words leave: names, numbers, ablations, in their order;
            None for an optional part in brackets that is left out.
    """

    words: str
    build: Callable[..., Any]


def count_in(parts: Sequence[Any]) -> int:
    """The number before "directions", if words leave one; a bare "direction" is one."""
    return int(parts[0]) if parts else 1
