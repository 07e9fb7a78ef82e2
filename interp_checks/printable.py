"""Text that is safe to show: what would steer a terminal, a page or a reader's eye is spelt out.

Class names, paths and messages come from files and from other people's code. A vertical tab is
no XML, an escape sequence repaints the terminal, a mark of direction turns a sentence round, and
half of a surrogate pair cannot be written as UTF-8.
"""

from __future__ import annotations

import re
from typing import Any

#: Line feed and tab are left alone: whoever writes lines or cells deals with them.
_UNPRINTABLE = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks of direction
    "\u200b\u2060\ufeff"  # blanks without width, by which equal-looking names differ
    "\u2028\u2029"  # line ends that few programs know
    "\ud800-\udfff"  # halves of surrogate pairs
    "\ufdd0-\ufdef\ufffe\uffff"  # no characters at all, and not allowed in XML
    "]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")


def printable(text: str) -> str:
    r"""The text with each character that is not for showing as its escape: ``sea\x0bgull``."""
    return _UNPRINTABLE.sub(_escape, text)


def encodable(text: str) -> str:
    r"""The text with halves of surrogate pairs as their escapes: ``\udc80``; else unchanged.

    This is all that keeps a text from being encoded as UTF-8, and so from crossing to another
    process or into a file.
    """
    return _SURROGATES.sub(_escape, text)


def printable_values(value: Any) -> Any:
    """Lists and dictionaries with every text in them, keys included, made printable."""
    return _mapped(value, printable)


def encodable_values(value: Any) -> Any:
    """Lists and dictionaries with every text in them, keys included, made encodable."""
    return _mapped(value, encodable)


def one_line(text: str, longest: int = 200) -> str:
    """The first line of a text that says something, printable, cut short."""
    lines = (" ".join(printable(line).split()) for line in text.splitlines())
    line = next(filter(None, lines), "")
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def _mapped(value: Any, function: Any) -> Any:
    if isinstance(value, str):
        return function(value)
    if isinstance(value, dict):
        return {_mapped(key, function): _mapped(part, function) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_mapped(part, function) for part in value)
    return value


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
