"""Words for numbers and classes, shared by everything that prints a part of a claim."""

from __future__ import annotations

import json
import numbers
import operator
from collections.abc import Iterable, Sequence

from .errors import InterpChecksError

#: Names of classes. Digits are written bare ("class 8"), other names in quotes.
Classes = tuple[str, ...]


def listed(items: Sequence[object]) -> str:
    """``1``, ``1 and 5``, ``1, 2 and 5``."""
    words = [str(item) for item in items]
    if len(words) == 1:
        return words[0]
    return ", ".join(words[:-1]) + " and " + words[-1]


def class_names(classes: Iterable[object], *, empty: bool = False) -> Classes:
    """Class names as text, without repetitions, in the order given.

    Raises:
        InterpChecksError: there are none, and ``empty`` does not allow that.
    """
    names = tuple(dict.fromkeys(str(name) for name in classes))
    if not names and not empty:
        raise InterpChecksError("a claim about classes names no class", expected="at least one")
    return names


def is_bare(name: str) -> bool:
    """Whether a class name is written without quotes: a whole number as Python prints it."""
    return name.isascii() and name.isdigit() and (name == "0" or name[0] != "0")


def name_words(name: str) -> str:
    """A name as sentences have it: ``8``, ``"cat"``."""
    return name if is_bare(name) else json.dumps(name, ensure_ascii=False)


def class_words(classes: Sequence[str]) -> str:
    """``class 8``, ``classes 2 and 8``, ``class "cat"``."""
    words = [name_words(name) for name in classes]
    return f"{'class' if len(words) == 1 else 'classes'} {listed(words)}"


def number_words(count: int, singular: str, plural: str) -> str:
    """``one class``, ``2 classes``."""
    return f"one {singular}" if count == 1 else f"{count} {plural}"


def points_words(points: float) -> str:
    """``1 point``, ``2.5 points``: of percent."""
    return f"{percent_words(points, '')} {'point' if points == 1 else 'points'}"


def percentage(percent: float) -> float:
    """A percentage as claims keep it: from 0 to 100, rounded to 10 decimals.

    Raises:
        InterpChecksError: it is something else.
    """
    real = isinstance(percent, numbers.Real) and not isinstance(percent, bool)
    if not real or not 0 <= percent <= 100:
        raise InterpChecksError(
            f"{percent!r} is not a percentage", expected="a number from 0 to 100"
        )
    return round(float(percent), 10) + 0.0


def whole_number(number: int, *, smallest: int) -> int:
    """A count or an index.

    Raises:
        InterpChecksError: it is no whole number, or too small.
    """
    if isinstance(number, bool) or not hasattr(number, "__index__") or number < smallest:
        raise InterpChecksError(
            f"{number!r} is not a number to count with", expected=f"a whole number from {smallest}"
        )
    return operator.index(number)


def one_of(word: str, *words: str) -> str:
    """One of a few words.

    Raises:
        InterpChecksError: it is none of them.
    """
    if word not in words:
        raise InterpChecksError(f"{word!r} has no meaning here", expected=" or ".join(words))
    return word


def percent_words(percent: float, unit: str = " %") -> str:
    """``97.23 %``: the shortest decimal that reads back as the same number."""
    return format(percent, ".10f").rstrip("0").rstrip(".") + unit


def sets_in_words(sets: Sequence[tuple[int, ...]], most: int = 3) -> str:
    """``{5}, {2, 4} and 3 more``; the empty set is what the bias does alone."""
    shown = [
        "{" + ", ".join(map(str, members)) + "}" if members else "none" for members in sets[:most]
    ]
    rest = len(sets) - most
    return listed([*shown, f"{rest} more"] if rest > 0 else shown) if shown else "-"
