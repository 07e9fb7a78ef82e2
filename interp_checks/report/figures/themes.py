"""Give the ink of a figure a colour, for as long as it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import Collection
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from interp_checks.arrays import Array

from .style import INK

#: Images of ink on nothing carry an id that begins so.
INK_IMAGE = "ink"

_INK = to_rgb(INK)


@contextmanager
def inked(figure: Figure, colour: str, image_colour: str | None = None) -> Iterator[None]:
    """Everything that is drawn in ink gets this colour, and its own back afterwards.

    Args:
        figure: any figure.
        colour: of text, lines and faces.
        image_colour: of images in ink, if it is another.
    """
    # Ticks come into being when they are drawn first.
    figure.draw_without_rendering()
    with ExitStack() as undo:
        for artist in _artists(figure):
            for get, put in _colours(artist):
                _swap(get(), put, colour, undo)
            if isinstance(artist, AxesImage) and is_ink(artist):
                _swap_image(artist, image_colour or colour, undo)
        yield


def is_ink(image: AxesImage) -> bool:
    """Whether an image is drawn in ink, its opacity saying how much."""
    return (image.get_gid() or "").startswith(INK_IMAGE)


def _artists(figure: Figure) -> Iterator[Artist]:
    """All artists, also those that axes in space do not tell of."""
    yield from figure.findobj()
    solid: list[Any] = [axes for axes in figure.axes if axes.name == "3d"]
    for axes in solid:
        for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
            yield axis.pane
            yield axis.line


def _colours(artist: Artist) -> Iterator[tuple[Callable[[], Any], Callable[[Any], object]]]:
    """How to read and to set each colour of an artist."""
    if isinstance(artist, Text):
        yield artist.get_color, artist.set_color
    elif isinstance(artist, Line2D):
        yield artist.get_color, artist.set_color
        yield artist.get_markeredgecolor, artist.set_markeredgecolor
        yield artist.get_markerfacecolor, artist.set_markerfacecolor
    elif isinstance(artist, Patch | Collection):
        yield artist.get_edgecolor, artist.set_edgecolor
        yield artist.get_facecolor, artist.set_facecolor


def _swap(old: Any, put: Callable[[Any], object], colour: str, undo: ExitStack) -> None:
    new = _replaced(old, colour)
    if new is not None:
        put(new)
        undo.callback(put, old)


def _replaced(old: Any, colour: str) -> Any:
    """The colour, or the array of colours, with ink replaced; None if there is no ink in it."""
    if isinstance(old, str) and old in ("none", "auto"):
        return None
    if isinstance(old, np.ndarray) and old.ndim == 2:
        where = (np.abs(old[:, :3] - _INK) < 1e-6).all(axis=1)
        if not where.any():
            return None
        new = old.copy()
        new[where, :3] = to_rgb(colour)
        return new
    rgba = to_rgba(old)
    if np.abs(np.subtract(rgba[:3], _INK)).max() > 1e-6 or rgba[3] == 0:
        return None
    return to_rgba(colour, rgba[3])


def _swap_image(image: AxesImage, colour: str, undo: ExitStack) -> None:
    old: Array = np.asarray(image.get_array())
    new = old.copy()
    new[..., :3] = np.round(np.multiply(to_rgb(colour), 255))
    image.set_data(new)
    undo.callback(image.set_data, old)
