"""The look of all figures, set for as long as a figure is made or written, and then undone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import matplotlib

P = ParamSpec("P")
R = TypeVar("R")

#: Width of a printed page between its margins, in inches (16 cm).
PAGE = 16 / 2.54
#: Points; nothing is smaller.
SMALL, NORMAL, LARGE = 7.0, 8.0, 9.0
#: Stands for the colour of text and lines until a figure is written. No figure uses this very
#: colour otherwise.
INK = "#0b0c0d"

_SETTINGS: dict[str, Any] = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": False,
    "axes.labelcolor": INK,
    "axes.labelsize": NORMAL,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlesize": LARGE,
    "axes.titlepad": 5.0,
    "figure.facecolor": "none",
    "font.family": "sans-serif",
    # Matplotlib brings this font along; whatever replaces it in a browser is narrower.
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": NORMAL,
    "grid.color": INK,
    "hatch.color": INK,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "lines.color": INK,
    "patch.edgecolor": INK,
    "pdf.fonttype": 42,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "interp-checks",
    "text.color": INK,
    # A dollar sign in a name is a dollar sign.
    "text.parse_math": False,
    "xtick.color": INK,
    "xtick.labelcolor": INK,
    "xtick.labelsize": SMALL,
    "xtick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "ytick.color": INK,
    "ytick.labelcolor": INK,
    "ytick.labelsize": SMALL,
    "ytick.major.size": 2.5,
    "ytick.major.width": 0.6,
}
#: Settings of a program that shows figures, which are none of our business.
_OF_PROGRAMS = ("backend", "interactive", "keymap", "macosx", "tk", "toolbar", "webagg")

# Settings belong to the process, so that two threads may not change them at once.
_lock = threading.RLock()


@contextmanager
def look() -> Iterator[None]:
    """Our settings, whatever the user's are; afterwards those are back."""
    plain: dict[Any, Any] = {
        name: value
        for name, value in matplotlib.rcParamsDefault.items()
        if not name.startswith(_OF_PROGRAMS)
    }
    with _lock, matplotlib.rc_context(plain | _SETTINGS):
        yield


def styled(function: Callable[P, R]) -> Callable[P, R]:
    """A function that works in this look."""

    @wraps(function)
    def within(*args: P.args, **kwargs: P.kwargs) -> R:
        with look():
            return function(*args, **kwargs)

    return within
