"""Colours: one for each class, and maps for numbers.

A class has the same colour in every figure. The ten colours stay apart under normal vision and
under the three kinds of dichromacy (simulated as Machado, Oliveira and Fernandes, 2009, do it):
every pair is at least 12.5 apart in CIEDE2000, 23 for normal vision. On white and on #111111 each
has a contrast of 3:1 or more. Colours come in an order in which the first few are the farthest
apart.
"""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap, LinearSegmentedColormap, ListedColormap, to_rgba

from interp_checks.arrays import Array

CLASS_COLOURS = (
    "#00748c",
    "#c28b00",
    "#755d4a",
    "#03a888",
    "#de59ff",
    "#c40000",
    "#8995b0",
    "#741bff",
    "#ba0272",
    "#ff567b",
)

#: Shapes of points, the second thing that tells classes apart.
CLASS_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", "p", ">", "*")


def class_colour(position: int) -> str:
    """The colour of the class at this position; after ten, they begin again."""
    return CLASS_COLOURS[position % len(CLASS_COLOURS)]


def class_marker(position: int) -> str:
    """The point shape of a class, such that the first 110 pairs of colour and shape differ."""
    turn, place = divmod(position, len(CLASS_COLOURS))
    return CLASS_MARKERS[(place + turn) % len(CLASS_MARKERS)]


def luminance(colour: Array) -> Array:
    """Relative luminance (WCAG 2.2) of sRGB colours [..., 3 or 4] between 0 and 1."""
    values = np.asarray(colour, dtype=np.float64)[..., :3]
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]))


def contrast(first: Array, second: Array) -> Array:
    """Contrast (WCAG 2.2) of two opaque colours, from 1 to 21."""
    lights = luminance(first), luminance(second)
    brighter, darker = np.maximum(*lights), np.minimum(*lights)
    return np.asarray((brighter + 0.05) / (darker + 0.05))


def text_colour(background: Array) -> str:
    """Black or white, whichever can be read better on an opaque colour."""
    black, white = np.zeros(3), np.ones(3)
    return "#000000" if contrast(background, black) >= contrast(background, white) else "#ffffff"


def _without_the_darkest() -> Colormap:
    """Viridis, but for the end that could not be seen on dark paper."""
    return ListedColormap(colormaps["viridis"](np.linspace(0.12, 1, 256)), "amounts")


def _diverging() -> Colormap:
    """Blue and red that fade into whatever paper they are on, so that zero is the paper itself.

    Both ends have the same lightness (L* 45), and opacity is proportional to the value: lightness
    is a straight line between the paper's and the end's.
    """
    negative, positive = "#256fa8", "#c2403b"
    stops = [(0.0, negative, 1.0), (0.5, negative, 0.0), (0.5, positive, 0.0), (1.0, positive, 1.0)]
    return LinearSegmentedColormap.from_list(
        "signed", [(place, to_rgba(colour, alpha)) for place, colour, alpha in stops], N=511
    )


#: For amounts from 0 up: perceptually uniform, and lighter is more.
AMOUNTS = _without_the_darkest()
#: For signed values, centred at 0.
SIGNED = _diverging()
