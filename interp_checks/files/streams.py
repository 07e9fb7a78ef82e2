"""Text streams that never break what is being done: a closed pipe, a full disk, an ASCII locale."""

from __future__ import annotations

import codecs
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from rich.console import Console


class SteadyStream:
    r"""A stream on which writing never raises.

    Signs that its encoding has not are written as escapes (``\xe4``), so that two names stay
    two. What nobody can read any more is dropped.

    Args:
        stream: what is written to; None, as where there is no standard output, takes nothing.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        #: What went wrong, unless the reader just closed the pipe, having read enough.
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        """Write as much of the text as can be; its length, as if it were all."""
        for encoding in (None, encoding_of(self._stream), "ascii"):
            encodable = (
                text.encode(encoding, "backslashreplace").decode(encoding) if encoding else text
            )
            try:
                if self._stream is not None:
                    self._stream.write(encodable)
                break
            except UnicodeEncodeError:
                continue
            except (OSError, ValueError) as error:  # ValueError: it is closed
                self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Hand on what is buffered."""
        if self._stream is not None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._give_up(error)

    def _give_up(self, error: OSError | ValueError) -> None:
        """Drop what follows, and what is buffered, on which the interpreter would fail at exit."""
        if isinstance(error, OSError) and not isinstance(error, ConnectionError):
            self.failure = self.failure or error
        with suppress(AttributeError, OSError, ValueError):
            number = self._stream.fileno()  # type: ignore[union-attr]
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, number)
            os.close(nowhere)
            self._stream.flush()  # type: ignore[union-attr]
        self._stream = None

    def isatty(self) -> bool:
        """Whether this is a terminal."""
        try:
            return bool(self._stream is not None and self._stream.isatty())
        except (AttributeError, OSError, ValueError):  # what a notebook or an editor puts there
            return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def encoding_of(stream: object) -> str:
    """The encoding of a stream; UTF-8 where it has none, as what is no file has not."""
    name = getattr(stream, "encoding", None)
    try:
        return codecs.lookup(name).name  # type: ignore[arg-type]
    except (LookupError, TypeError):
        return "utf-8"


def console_on(stream: object, **options: Any) -> Console:
    """A console of rich that writes to this stream and nowhere else.

    Left alone, rich hands what is printed to IPython's display where it finds itself in a
    notebook, whatever stream it was given.

    Args:
        stream: what is written to.
        options: of :class:`rich.console.Console`.
    """
    from rich.console import Console

    return Console(file=cast(TextIO, stream), force_jupyter=False, **options)
