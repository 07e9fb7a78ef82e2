"""How figures look: texts, colours that stay apart for all eyes, places with a distance."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from drawn_figures import EXHIBITS, exhibits
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from interp_checks.report import figures as fig
from interp_checks.report.figures import palette
from interp_checks.report.figures.spreading import pushed_apart, spread

__all__ = ["exhibits"]  # fixture


# --- the look -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXHIBITS)
def test_every_text_is_within_the_figure_and_large_enough(
    exhibits: dict[str, fig.DescribedFigure], name: str
) -> None:
    figure = exhibits[name]
    assert figure.get_figwidth() <= 16 / 2.54 + 1e-9
    shown = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    ticks = {
        id(label)
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for label in axis.get_ticklabels()
    }
    for text in shown:
        assert text.get_fontsize() >= 7
        # Labels of ticks beyond the end of an axis are not drawn.
        if id(text) not in ticks:
            box = text.get_window_extent()
            assert min(box.x0, box.y0) > -1
            assert box.x1 < figure.bbox.x1 + 1
            assert box.y1 < figure.bbox.y1 + 1


@pytest.mark.parametrize("name", EXHIBITS)
def test_every_figure_says_in_words_what_it_shows(
    exhibits: dict[str, fig.DescribedFigure], name: str
) -> None:
    figure = exhibits[name]
    assert figure.title
    assert figure.alt.endswith(".")
    assert re.search(r"\d", figure.alt)


def linear(rgb: np.ndarray) -> np.ndarray:
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(linear_rgb: np.ndarray) -> np.ndarray:
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175],
         [0.0193339, 0.119192, 0.9503041]]
    )  # fmt: skip
    xyz = np.clip(linear_rgb, 0, 1) @ to_xyz.T / to_xyz.sum(axis=1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def ciede2000(first: np.ndarray, second: np.ndarray) -> float:
    """Sharma, Wu and Dalal (2005)."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    mean = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(mean**7 / (mean**7 + 25**7)))
    c1, c2 = math.hypot((1 + g) * a1, b1), math.hypot((1 + g) * a2, b2)
    h1, h2 = (
        math.degrees(math.atan2(b, (1 + g) * a)) % 360 for a, b in ((a1, b1), (a2, b2))
    )  # fmt: skip
    dh = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    hue = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(dh / 2))
    hm = (h1 + dh / 2) % 360 if c1 * c2 else h1 + h2
    lm, cm = (l1 + l2) / 2, (c1 + c2) / 2

    def cos(degrees: float) -> float:
        return math.cos(math.radians(degrees))

    t = 1 - 0.17 * cos(hm - 30) + 0.24 * cos(2 * hm) + 0.32 * cos(3 * hm + 6)
    t -= 0.2 * cos(4 * hm - 63)
    sl = 1 + 0.015 * (lm - 50) ** 2 / math.sqrt(20 + (lm - 50) ** 2)
    sc, sh = 1 + 0.045 * cm, 1 + 0.015 * cm * t
    turn = -2 * math.sqrt(cm**7 / (cm**7 + 25**7))
    turn *= math.sin(math.radians(60 * math.exp(-(((hm - 275) / 25) ** 2))))
    parts = (l2 - l1) / sl, (c2 - c1) / sc, hue / sh
    return math.sqrt(sum(part**2 for part in parts) + turn * parts[1] * parts[2])


#: What is left of linear RGB for the three kinds of dichromats (Machado et al., 2009).
EYES = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
               [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
               [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_distance_used_here_agrees_with_published_pairs(
    first: Any, second: Any, expected: float
) -> None:
    assert ciede2000(first, second) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("eyes", "least"), [("normal", 23), *((eye, 12.5) for eye in EYES)])
def test_class_colours_stay_apart_for_all_eyes(eyes: str, least: float) -> None:
    colours = linear(np.array([to_rgb(colour) for colour in palette.CLASS_COLOURS]))
    seen = lab(colours @ np.array(EYES[eyes]).T)
    distances = [
        ciede2000(seen[first], seen[second]) for first in range(10) for second in range(first)
    ]
    assert min(distances) > least


def contrast(first: Any, second: Any) -> float:
    weights = np.array([0.2126, 0.7152, 0.0722])
    bright, dark = sorted(
        (float(linear(np.array(to_rgb(c))) @ weights) for c in (first, second)), reverse=True
    )
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("paper", ["#ffffff", "#111111"])
def test_class_colours_and_their_names_can_be_read_on_any_paper(paper: str) -> None:
    for colour in palette.CLASS_COLOURS:
        assert contrast(colour, paper) >= 3
        assert contrast(colour, palette.text_colour(np.array(to_rgb(colour)))) >= 4.5


def test_more_classes_than_colours_differ_by_shape() -> None:
    looks = [(palette.class_colour(k), palette.class_marker(k)) for k in range(110)]
    assert len(set(looks)) == 110
    assert len({marker for _, marker in looks[:10]}) == 10


def test_amounts_grow_lighter_at_an_even_pace() -> None:
    lightness = lab(linear(palette.AMOUNTS(np.linspace(0, 1, 64))[:, :3]))[:, 0]
    steps = np.diff(lightness)
    assert (steps > 0).all()
    assert steps.max() < 2 * steps.min()


@pytest.mark.parametrize(("paper", "letters"), [("#ffffff", "#111111"), ("#111111", "#eeeeee")])
@pytest.mark.parametrize("end", [0.0, 1.0])
def test_signed_values_fade_into_the_paper_and_numbers_stay_readable(
    paper: str, letters: str, end: float
) -> None:
    shades = palette.SIGNED(np.linspace(0.5, end, 64))
    on_paper = shades[:, 3:] * shades[:, :3] + (1 - shades[:, 3:]) * np.array(to_rgb(paper))
    assert np.allclose(on_paper[0], to_rgb(paper), atol=0.01)
    away = np.abs(lab(linear(on_paper))[:, 0] - lab(linear(np.array(to_rgb(paper))))[0])
    assert (np.diff(away) > 0).all()
    for shade, seen in zip(shades, on_paper, strict=True):
        text = letters if shade[3] < 0.9 else palette.text_colour(shade)
        assert contrast(tuple(seen), text) >= 3


def test_both_ends_of_signed_values_are_equally_dark() -> None:
    ends = lab(linear(palette.SIGNED(np.array([0.0, 1.0]))[:, :3]))[:, 0]
    assert ends[0] == pytest.approx(ends[1], abs=1.5)


def test_spread_places_are_the_nearest_that_keep_their_distance() -> None:
    from scipy.optimize import minimize

    wanted = np.array([3.0, 0.0, 0.2, 3.1, 9.0])
    order = np.argsort(wanted)
    best = minimize(
        lambda places: ((places - wanted) ** 2).sum(),
        np.array([5.0, 1, 2, 6, 9]),
        constraints={"type": "ineq", "fun": lambda places: np.diff(places[order]) - 1},
    ).x
    assert np.allclose(spread(wanted, 1.0, -9, 19), best, atol=1e-3)
    assert np.allclose(spread(np.zeros(3), 5.0, 0, 1), [0, 0.5, 1])
    assert spread(np.array([]), 1, 0, 1).shape == (0,)


def test_boxes_are_pushed_apart() -> None:
    places = pushed_apart(np.random.default_rng(0).random((6, 2)) * 4, 2.0, 1.0)
    for first in range(6):
        for second in range(first):
            gap = np.abs(places[first] - places[second]) / [2.0, 1.0]
            assert gap.max() >= 1 - 1e-6
