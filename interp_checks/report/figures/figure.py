"""A figure that knows its title and says in words what it shows."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from matplotlib.figure import Figure

from .style import PAGE, look

P = ParamSpec("P")


class Exhibit(Figure):
    """A matplotlib figure with words for those who do not see it.

    Args:
        title: a few words, such as "Confusion matrix".
        height: inches.
        width: inches; that of a page.

    Attributes:
        title: as above.
        alt: one or more sentences on what the picture shows, with numbers.
    """

    def __init__(self, title: str, height: float, width: float = PAGE, **kwargs: Any) -> None:
        super().__init__(figsize=(width, height), **kwargs)
        self.title = title
        self.alt = ""


def drawing(function: Callable[P, Exhibit]) -> Callable[P, Exhibit]:
    """A function that draws an exhibit, in our look and with its layout settled for good."""

    @wraps(function)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Exhibit:
        with look():
            exhibit = function(*args, **kwargs)
            # Every pass moves things a little, and equal figures are to give equal bytes.
            exhibit.draw_without_rendering()
            exhibit.set_layout_engine("none")
        return exhibit

    return drawn
