"""A figure that knows its title and says in words what it shows."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from matplotlib.figure import Figure

from .style import PAGE, look

P = ParamSpec("P")


class DescribedFigure(Figure):
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


def styled(function: Callable[P, DescribedFigure]) -> Callable[P, DescribedFigure]:
    """A function that makes a figure, in our look and with its layout settled for good."""

    @wraps(function)
    def make(*args: P.args, **kwargs: P.kwargs) -> DescribedFigure:
        with look():
            figure = function(*args, **kwargs)
            # Every pass moves things a little, and equal figures are to give equal bytes.
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
        return figure

    return make
