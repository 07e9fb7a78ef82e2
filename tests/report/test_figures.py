"""Figures show the numbers they are given; on a page they keep to themselves; all can read them."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.text import Text
from PIL import Image

from interp_checks import DataError, InterpChecksError
from interp_checks.report import figures as fig
from interp_checks.report.figures import palette, style
from interp_checks.report.figures.spreading import pushed_apart, spread
from interp_checks.report.figures.themes import inked

NAMES = ["cat", "dog", "newt", "owl"]
COUNTS = np.array([[90, 10, 0, 0], [1, 999, 0, 0], [0, 3, 4, 1], [0, 0, 0, 0]])
RNG = np.random.default_rng(3)
IMAGES = RNG.random((30, 6, 5))
LABELS = np.arange(30) % 4
ROWS = RNG.normal(size=(5, 4))
BIAS = np.array([0.5, -1.25, 2.0, 0.0])
SPACE = RNG.normal(size=(60, 3)) + 4 * np.eye(4, 3)[np.arange(60) % 4]
CLOUD = np.arange(60) % 4
RECALL = np.array([[0.99, 0.049, 0.051, 1.0], [0.0, 0.5, 0.004, 0.996]])
WORTH = RNG.normal(size=(5, 5))

EXHIBITS = {
    "class-counts": lambda: fig.class_counts(LABELS, LABELS[:7], NAMES),
    "image-grid": lambda: fig.image_grid(IMAGES, 3, 4),
    "confusion": lambda: fig.confusion_matrices([COUNTS, COUNTS.T], ["one", "two"], NAMES),
    "mistakes": lambda: fig.mistakes(
        IMAGES, LABELS, (LABELS + 1) % 4, [(0, 1), (1, 2), (2, 2)], NAMES, most=5
    ),
    "weight-rows": lambda: fig.weight_rows(ROWS, BIAS, NAMES),
    "offset-rows": lambda: fig.weight_rows(ROWS, BIAS, NAMES, offset=3),
    "gramian": lambda: fig.gramian(ROWS),
    "positions": lambda: fig.relative_positions(ROWS, BIAS, [f"row {n}" for n in range(5)], "bias"),
    "values": lambda: fig.singular_values(np.array([4.0, 2, 1, 0.5])),
    "projection": lambda: fig.projection(SPACE[:, :2], CLOUD, NAMES, [0.5, 0.25]),
    "space": lambda: fig.projections(
        [SPACE, SPACE[:40]], [CLOUD, CLOUD[:40]], ["a", "b"], NAMES, [[0.5, 0.2, 0.1]] * 2
    ),
    "maps": lambda: fig.embeddings([SPACE[:, :2]] * 2, [CLOUD] * 2, ["train", "test"], NAMES),
    "low-rank": lambda: fig.low_rank_image(IMAGES[0], 2),
    "answers": lambda: fig.answers(IMAGES[:3], IMAGES[3:6], IMAGES.mean(0)),
    "reconstructions": lambda: fig.reconstructions(IMAGES[:3], {"epoch 9": IMAGES[3:6]}),
    "recall": lambda: fig.recall_table(["all", "none"], RECALL, NAMES, "Recall"),
    "shares": lambda: fig.predicted_shares(["all", "none"], RECALL, NAMES, "Predictions"),
    "movement": lambda: fig.mean_movement(RECALL * 7, ["all", "none"], NAMES),
    "accuracy": lambda: fig.accuracy_table(["layer 1", "layer 2"], RECALL, "Accuracy"),
    "shapley": lambda: fig.shapley_bars(WORTH, [*NAMES, "accuracy"]),
    "strips": lambda: fig.strips(
        IMAGES[:8].reshape(4, 2, 6, 5), IMAGES[8:16].reshape(4, 2, 6, 5), NAMES, "Without 5"
    ),
}


@pytest.fixture(scope="module")
def exhibits() -> dict[str, fig.DescribedFigure]:
    return {name: make() for name, make in EXHIBITS.items()}


@pytest.fixture(scope="module")
def svgs(exhibits: dict[str, fig.DescribedFigure]) -> dict[str, str]:
    return {name: fig.themed_svg(exhibit, name) for name, exhibit in exhibits.items()}


def texts(figure: fig.DescribedFigure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def cells(figure: fig.DescribedFigure, panel: int = 0) -> np.ma.MaskedArray:
    return figure.axes[panel].collections[0].get_array()


def ink(figure: fig.DescribedFigure, panel: int = 0) -> np.ndarray:
    """How much ink each pixel of the image has."""
    return np.asarray(figure.axes[panel].images[0].get_array())[..., 3] / 255


# --- numbers ------------------------------------------------------------------------------------


def test_bars_are_as_high_as_there_are_images() -> None:
    rng = np.random.default_rng(0)
    train, test = rng.integers(0, 3, 500), rng.integers(0, 4, 70)
    figure = fig.class_counts(train, test, NAMES)
    heights = [[bar.get_height() for bar in bars] for bars in figure.axes[0].containers]
    assert heights[0] == np.bincount(train, minlength=4).tolist()
    assert heights[1] == np.bincount(test, minlength=4).tolist()
    assert "train: 500 images, from 0 (owl) to" in figure.alt
    assert {str(count) for count in heights[0] + heights[1]} <= set(texts(figure))


def test_confusion_cells_are_shares_of_rows_and_zeros_are_blank() -> None:
    figure = fig.confusion_matrices([COUNTS], ["test"], NAMES)
    by_hand = [[0.9, 0.1, 0, 0], [0.001, 0.999, 0, 0], [0, 0.375, 0.5, 0.125], [0, 0, 0, 0]]
    assert np.allclose(cells(figure).data, by_hand)
    assert (cells(figure).mask == (COUNTS == 0)).all()
    assert {"90", "10", "1", "999", "3", "4"} <= set(texts(figure))
    assert figure.alt == (
        "Confusion matrix of 4 classes, test: 1,093 of 1,108 on the diagonal; "
        "the commonest mistake is cat as dog (10)."
    )
    # One in a thousand must not look like none.
    quad = figure.axes[0].collections[0]
    rare, none = quad.cmap(quad.norm([0.001, 0.0]))
    assert np.abs(rare - none).max() > 0.02
    perfect = fig.confusion_matrices([np.eye(4, dtype=int)], ["test"], NAMES)
    assert perfect.alt.endswith("4 of 4 on the diagonal; there is no mistake.")


def test_counts_that_do_not_fit_their_cells_are_left_out() -> None:
    table = np.full((40, 40), 12345)
    assert "12345" not in texts(fig.confusion_matrices([table], ["x"], [str(k) for k in range(40)]))


def test_galleries_hold_the_images_of_their_mistakes(
    exhibits: dict[str, fig.DescribedFigure],
) -> None:
    figure = exhibits["mistakes"]
    headings = [axes.get_title(loc="left") for axes in figure.axes]
    assert headings[:3] == [
        "cat as dog (8 images, the first 5 shown)",
        "dog as newt (8 images, the first 5 shown)",
        "newt as newt (0 images)",
    ]
    assert "no such mistake" in texts(figure)
    expected = np.clip(IMAGES[LABELS == 1][2], 0, 1)
    assert np.allclose(ink(figure, 1)[:6, 2 * 7 : 2 * 7 + 5], expected, atol=1 / 255)
    assert not ink(figure, 2).any()
    assert "cat as dog: 8; dog as newt: 8; newt as newt: 0" in figure.alt


def test_a_grid_has_the_images_row_by_row() -> None:
    figure = fig.image_grid(IMAGES, 2, 4)
    assert ink(figure).shape == (2 * 8 - 2, 4 * 7 - 2)
    assert np.allclose(ink(figure)[8:14, 7:12], IMAGES[5], atol=1 / 255)
    assert "8 images in 2 rows of 4" in figure.alt
    assert "2 images in 1 rows of 4" in fig.image_grid(IMAGES[:2], 9, 4).alt


def test_curves_are_the_rows_and_the_bias() -> None:
    plain, apart = (fig.weight_rows(ROWS, BIAS, NAMES, offset) for offset in (0, 3))
    curves = [line.get_ydata() for line in plain.axes[0].lines if len(line.get_xdata()) == 4]
    assert np.allclose(curves, [*ROWS, BIAS])
    moved = [line.get_ydata() for line in apart.axes[0].lines if len(line.get_xdata()) == 4]
    assert np.allclose(np.subtract(moved, curves), 3 * np.arange(5, -1, -1)[:, None])
    assert "highest for class newt (+2.00) and lowest for class dog (-1.25)" in plain.alt
    assert {"bias", "row 1", "row 5"} <= set(texts(plain))


def test_the_gramian_holds_cosines() -> None:
    rows = np.array([[2.0, 0], [0, 3], [-1, -1]])
    figure = fig.gramian(rows)
    half = -math.sqrt(0.5)
    assert np.allclose(cells(figure), [[1, 0, half], [0, 1, half], [half, half, 1]])
    assert {"0.00", "-0.71", "1.00"} <= set(texts(figure))
    assert "-0.00" not in texts(figure)
    assert "Of 3 pairs, 1 are nearly orthogonal" in figure.alt
    assert "2 are at more than 90°" in figure.alt


def test_vectors_stand_at_their_angle_and_in_their_length() -> None:
    rng = np.random.default_rng(1)
    vectors, reference = rng.normal(size=(6, 9)), rng.normal(size=9)
    figure = fig.relative_positions(vectors, reference, [f"row {n}" for n in range(6)], "bias")
    tips = [arrow._posA_posB[1] for arrow in figure.axes[0].patches]
    for (x, y), vector in zip(tips, vectors, strict=False):
        cosine = vector @ reference / math.sqrt((vector @ vector) * (reference @ reference))
        assert math.degrees(math.atan2(y, x)) == pytest.approx(math.degrees(math.acos(cosine)))
        assert math.hypot(x, y) == pytest.approx(math.sqrt(vector @ vector))
        assert f"{math.degrees(math.acos(cosine)):.0f}°" in figure.alt
    assert tips[6] == pytest.approx((math.sqrt(reference @ reference), 0.0))


def test_only_what_is_nearly_orthogonal_is_marked_so() -> None:
    vectors = np.array([[0.09, 1.0], [0.11, 1.0], [-1.0, 0.0]])
    figure = fig.relative_positions(vectors, np.array([2.0, 0]), ["a", "b", "c"], "r")
    assert {"a, 85° ⊥", "b, 84°", "c, 180°"} <= set(texts(figure))
    assert figure.alt.endswith("Nearly orthogonal: a.")


def test_singular_values_say_how_many_carry_95_percent() -> None:
    figure = fig.singular_values(np.array([4.0, 2, 1, 0.5]))
    above, below = figure.axes
    assert [bar.get_height() for bar in above.patches] == [4, 2, 1, 0.5]
    squares = np.array([16, 4, 1, 0.25])
    assert np.allclose(below.lines[0].get_ydata(), 100 * np.cumsum(squares) / 21.25)
    # 20 / 21.25 = 94.1 %, 21 / 21.25 = 98.8 %
    assert above.get_title() == "The first 3 of 4 carry 95% of the sum of squares"
    assert "The first 3 carry 98.8%" in figure.alt


def test_a_low_rank_image_is_the_truncated_decomposition() -> None:
    image = np.random.default_rng(5).random((6, 5))
    figure = fig.low_rank_image(image, 2)
    # By the eigenvectors of the Gram matrix, another way than the one under test.
    energies, vectors = np.linalg.eigh(image.T @ image)
    best = vectors[:, -2:]
    assert np.allclose(ink(figure), np.clip(image, 0, 1), atol=1 / 255)
    assert np.allclose(ink(figure, 1), np.clip(image @ best @ best.T, 0, 1), atol=1 / 255)
    kept = energies[-2:].sum() / energies.sum()
    assert figure.axes[0].get_title() == "original, rank 5"
    assert figure.axes[1].get_title() == f"rank 2: {100 * kept:.1f} % of the variance"
    assert f"{100 * kept:.1f} % of the variance" in figure.alt


@pytest.mark.parametrize("count", [60, 5000])
def test_points_are_where_they_are_and_in_the_colour_of_their_class(count: int) -> None:
    rng = np.random.default_rng(2)
    points, labels = rng.normal(size=(count, 2)), rng.integers(0, 4, count)
    figure = fig.projection(points, labels, NAMES, [0.5, 0.25])
    drawn = set()
    for cloud in figure.axes[0].collections:
        colours = np.broadcast_to(cloud.get_facecolor(), (len(cloud.get_offsets()), 4))
        drawn |= {
            (*place, *colour) for place, colour in zip(cloud.get_offsets(), colours, strict=True)
        }
        assert cloud.get_rasterized()
    assert drawn == {
        (*place, *to_rgba(palette.class_colour(label)))
        for place, label in zip(points, labels, strict=True)
    }
    assert figure.axes[0].get_xlabel() == "direction 1 (50%)"
    assert f"{count:,} points; the axes carry 75.0% of the variance" in figure.alt
    assert set(NAMES) <= set(texts(figure))


def test_three_columns_are_drawn_in_space(exhibits: dict[str, fig.DescribedFigure]) -> None:
    figure = exhibits["space"]
    assert [axes.name for axes in figure.axes] == ["3d", "3d"]
    offsets = [np.column_stack(cloud._offsets3d) for cloud in figure.axes[0].collections]
    assert np.allclose(np.sort(np.concatenate(offsets), axis=0), np.sort(SPACE, axis=0))
    assert "a: 60 points; the axes carry 80.0% of the variance (50.0%, 20.0%, 10.0%)" in figure.alt


def test_a_name_stands_at_a_point_of_its_class() -> None:
    places = np.array([[0.0, 0], [10, 0], [0, 10], [10, 10]]).repeat(25, axis=0)
    places += np.random.default_rng(0).normal(size=places.shape) / 10
    figure = fig.embeddings([places], [np.arange(100) // 25], ["train"], NAMES)
    named = {text.get_text(): text.get_position() for text in figure.axes[0].texts}
    for position, name in enumerate(NAMES):
        members = places[25 * position : 25 * position + 25]
        assert np.isclose(members, named[name]).all(axis=1).any()
        assert np.abs(named[name] - np.median(members, axis=0)).max() < 0.1
    assert "train: 100 points, 100.0% of the 10 nearest neighbours" in figure.alt


def test_answers_and_reconstructions_tell_how_far_off_they_are() -> None:
    same = np.full((3, 6, 5), 0.25)
    figure = fig.answers(IMAGES[:3], same, np.full((6, 5), 0.75))
    assert "differ from the training mean by 0.500 a pixel, and from their own mean by 0.000" in (
        figure.alt
    )
    assert np.allclose(ink(figure)[8:14, 7:12], 0.25, atol=1 / 255)
    assert np.allclose(ink(figure, 1), 0.75, atol=1 / 255)
    half = fig.reconstructions(same, {"epoch 1": same + 0.5, "epoch 2": same})
    assert "epoch 1: 0.2500; epoch 2: 0.0000" in half.alt
    assert {"input", "epoch 1", "epoch 2"} <= set(texts(half))


def test_dead_classes_are_marked_without_colour() -> None:
    figure = fig.recall_table(["all", "none"], RECALL, NAMES, "Recall")
    assert cells(figure).mask.tolist() == [[False, True, False, False], [True, False, True, False]]
    framed = {tuple(np.floor(patch.get_xy()).astype(int)) for patch in figure.axes[0].patches}
    assert framed == {(1, 0), (0, 1), (2, 1)}
    assert {"99", "4.9", "5.1", "100", "0", "50", "<1"} <= set(texts(figure))
    assert (
        "3 dead: dog under all (4.9 %), cat under none (0 %), newt under none (<1 %)" in figure.alt
    )
    assert fig.recall_table(["a"], RECALL[:1] + 0.0, NAMES, "R").alt.count("dead: dog") == 1


def test_shares_and_movements_are_the_numbers_given() -> None:
    shares = np.array([[0.5, 0.5, 0, 0], [0.02, 0.009, 0.971, 0]])
    figure = fig.predicted_shares(["x", "y"], shares, NAMES, "Predictions")
    assert np.array_equal(cells(figure).data, shares)
    assert (cells(figure).mask == (shares == 0)).all()
    assert "more than 1%: x: 2, y: 2." in figure.alt
    moved = fig.mean_movement(np.array([[0.0, 2.0], [12.5, 1.0]]), ["x", "y"], ["cat", "dog"])
    assert np.array_equal(cells(moved), [[0, 2], [12.5, 1]])
    assert "from 0 to 12: the farthest is class cat under y" in moved.alt


def test_shapley_bars_are_the_values(exhibits: dict[str, fig.DescribedFigure]) -> None:
    figure = exhibits["shapley"]
    for column, panel in enumerate(figure.axes[:5]):
        assert np.allclose([bar.get_height() for bar in panel.patches], WORTH[:, column])
    top = int(np.argmax(WORTH[:, 4]))
    assert f"accuracy: direction {top + 1} ({WORTH[top, 4]:+.2f})" in figure.alt


def test_strips_say_which_class_changes_most() -> None:
    before = np.zeros((2, 3, 4, 4))
    after = before.copy()
    after[1] = 0.5
    figure = fig.strips(before, after, ["cat", "dog"], "Without 5")
    assert "most in class dog (0.500 on average), least in class cat (0.000)" in figure.alt
    assert ink(figure, 1)[6:10, :4].mean() == pytest.approx(0.5, abs=1 / 255)
    assert not ink(figure, 0).any()


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


# --- on a page ----------------------------------------------------------------------------------


def test_ids_of_a_page_of_figures_are_unique_and_references_resolve(svgs: dict[str, str]) -> None:
    page = "".join(svgs.values())
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    used = set(re.findall(r"url\(#([^)]*)\)", page))
    used |= set(re.findall(r'href="#([^"]*)"', page))
    used |= {one for pair in re.findall(r'aria-labelledby="([^"]*)"', page) for one in pair.split()}
    assert used <= set(ids)
    assert len(used) > 100


@pytest.mark.parametrize("name", EXHIBITS)
def test_an_svg_takes_its_colours_from_the_page_and_nothing_from_elsewhere(
    svgs: dict[str, str], exhibits: dict[str, fig.DescribedFigure], name: str
) -> None:
    svg = svgs[name]
    root = ElementTree.fromstring(svg)
    assert "currentColor" in svg
    assert style.INK not in svg
    assert not {"width", "height"} & set(root.attrib)
    assert len(root.attrib["viewBox"].split()) == 4
    for reference in re.findall(r'href="([^"]*)"', svg):
        assert reference.startswith(("#", "data:image/png;base64,"))
    assert not re.search(r'https?://(?!www\.w3\.org/(2000/svg|1999/xlink)")', svg)
    # A style sheet would be that of the whole page.
    assert not re.search(r"<(style|script|metadata|\?xml|!DOCTYPE)", svg)
    assert root.attrib["role"] == "img"
    title, description = root[0], root[1]
    assert (title.tag.split("}")[1], title.text) == ("title", exhibits[name].title)
    assert (description.tag.split("}")[1], description.text) == ("desc", exhibits[name].alt)
    assert root.attrib["aria-labelledby"] == f"{title.attrib['id']} {description.attrib['id']}"
    families = set(re.findall(r"font: [^;]*?px ([^;\"]*)", svg))
    assert families <= {"'DejaVu Sans', sans-serif"}


def test_images_of_ink_are_masks_of_the_colour_of_the_page(svgs: dict[str, str]) -> None:
    import base64
    import io

    root = ElementTree.fromstring(svgs["image-grid"])
    space = {"s": "http://www.w3.org/2000/svg"}
    (mask,) = root.iterfind(".//s:mask", space)
    (sheet,) = root.iterfind(f".//s:rect[@mask='url(#{mask.attrib['id']})']", space)
    assert sheet.attrib["fill"] == "currentColor"
    data = mask[0].attrib["{http://www.w3.org/1999/xlink}href"]
    with Image.open(io.BytesIO(base64.b64decode(data.split(",")[1]))) as image:
        shown = np.asarray(image.convert("L")) / 255
    expected = ink(fig.image_grid(IMAGES, 3, 4))
    assert np.array_equal(shown, expected)


@pytest.mark.parametrize("name", ["confusion", "space", "maps", "mistakes", "positions"])
def test_equal_arrays_give_equal_text(svgs: dict[str, str], name: str) -> None:
    assert fig.themed_svg(EXHIBITS[name](), name) == svgs[name]


@pytest.mark.parametrize("ending", ["pdf", "svg"])
def test_equal_figures_give_equal_files(
    exhibits: dict[str, fig.DescribedFigure], ending: str, tmp_path: Path
) -> None:
    for name, figure in (("a", exhibits["values"]), ("b", EXHIBITS["values"]())):
        fig.save_figure(figure, tmp_path / f"{name}.{ending}")
    assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


@pytest.mark.parametrize("name", ["", "9", "a b", "a'", "ä", 'a"><script>'])
def test_what_is_no_id_is_no_name(exhibits: dict[str, fig.DescribedFigure], name: str) -> None:
    with pytest.raises(InterpChecksError, match="cannot begin the ids"):
        fig.themed_svg(exhibits["values"], name)


def test_words_of_the_user_cannot_become_markup() -> None:
    figure = fig.recall_table(["<b>&"], RECALL[:1], ["<i>", "]]>", '"', "&amp;"], "<script>")
    root = ElementTree.fromstring(fig.themed_svg(figure, "x"))
    assert root[0].text == "<script>"
    assert not [one for one in root.iter() if one.tag.split("}")[1] in ("b", "i", "script")]


def test_a_dollar_sign_is_no_formula() -> None:
    figure = fig.recall_table(["$x^2$"], RECALL[:1], ["$a", "b$", "$$", "\\"], "$\\frac$")
    told = set(ElementTree.fromstring(fig.themed_svg(figure, "x")).itertext())
    assert {"$x^2$", "$a", "b$", "$$", "\\", "$\\frac$"} <= told


def test_sixty_thousand_points_are_small() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 60_000)
    points = rng.normal(size=(10, 2))[labels] * 4 + rng.normal(size=(60_000, 2))
    figure = fig.embeddings([points], [labels], ["train"], [str(k) for k in range(10)])
    assert len(fig.themed_svg(figure, "x")) < 250_000


# --- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "dark"), [("positions", False), ("positions", True), ("image-grid", True)]
)
def test_a_file_has_its_paper_and_ink_that_can_be_seen(
    exhibits: dict[str, fig.DescribedFigure], name: str, dark: bool, tmp_path: Path
) -> None:
    fig.save_figure(exhibits[name], tmp_path / "a.png", dark=dark)
    with Image.open(tmp_path / "a.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    grey = pixels[np.ptp(pixels, axis=2) == 0][:, 0]
    # From the paper to the ink, and nothing in the ink of the other paper.
    assert (grey.min(), grey.max()) == ((17, 238) if dark else (17, 255))
    assert (grey == (238 if dark else 17)).sum() > 10
    assert name == "image-grid" or (pixels[0, 0] == (17 if dark else 255)).all()


def test_axes_in_space_are_in_ink_too(exhibits: dict[str, fig.DescribedFigure]) -> None:
    figure = exhibits["space"]
    axis = figure.axes[0].zaxis
    with inked(figure, "#eeeeee"):
        assert to_rgb(axis.line.get_color()) == to_rgb("#eeeeee")
        assert axis.pane.get_edgecolor() == to_rgba("#eeeeee", 0.3)
        assert to_rgb(axis.label.get_color()) == to_rgb("#eeeeee")
    assert to_rgb(axis.line.get_color()) == to_rgb(style.INK)


def test_writing_leaves_the_figure_as_it_was(
    exhibits: dict[str, fig.DescribedFigure], svgs: dict[str, str], tmp_path: Path
) -> None:
    figure = exhibits["mistakes"]
    for ending in ("pdf", "svg"):
        fig.save_figure(figure, tmp_path / f"a.{ending}", dark=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pdf", "a.svg"]
    assert fig.themed_svg(figure, "mistakes") == svgs["mistakes"]


def test_another_format_is_refused(
    exhibits: dict[str, fig.DescribedFigure], tmp_path: Path
) -> None:
    with pytest.raises(InterpChecksError, match=r"a\.gif: figures are not written in this format"):
        fig.save_figure(exhibits["values"], tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())


def test_settings_of_the_user_are_neither_used_nor_changed(svgs: dict[str, str]) -> None:
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.fonttype": "path"}):
        before = dict(matplotlib.rcParams)
        assert fig.themed_svg(EXHIBITS["values"](), "values") == svgs["values"]
        assert dict(matplotlib.rcParams) == before


def test_only_this_package_imports_matplotlib_and_never_pyplot() -> None:
    script = (
        "import sys, interp_checks; dir(interp_checks)\n"
        "assert 'matplotlib' not in sys.modules\n"
        "import interp_checks.report.embedding\n"
        "assert not {'matplotlib', 'openTSNE'} & set(sys.modules)\n"
        "from interp_checks.report.figures import singular_values, themed_svg\n"
        "themed_svg(singular_values([2.0, 1.0]), 'x')\n"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_without_matplotlib_there_is_one_clear_error() -> None:
    script = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from interp_checks import InterpChecksError\n"
        "try:\n    import interp_checks.report.figures\n"
        "except InterpChecksError as error:\n    print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], check=True, timeout=60, capture_output=True, text=True
    )
    assert "figures need matplotlib" in run.stdout
    assert "python -m pip install matplotlib" in run.stdout


# --- bad input ----------------------------------------------------------------------------------

HOLED = IMAGES.copy()
HOLED[0, 0, 0] = np.nan


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fig.class_counts([0, 4], [0], NAMES), "train labels: there is no such class"),
        (lambda: fig.class_counts([0], [], NAMES), "test labels: wrong shape"),
        (lambda: fig.class_counts([0.5], [0], NAMES), "train labels: these are no counts"),
        (lambda: fig.class_counts([0], [0], []), "class counts: class names: wrong number"),
        (lambda: fig.image_grid(IMAGES[:0], 2, 2), "images: wrong shape"),
        (lambda: fig.image_grid(IMAGES[0], 2, 2), "images: wrong shape"),
        (lambda: fig.image_grid(HOLED, 2, 2), "images: not all numbers are finite"),
        (lambda: fig.image_grid([["a"]], 2, 2), "images: not an array of numbers"),
        (lambda: fig.image_grid([[1], [1, 2]], 2, 2), "images: not an array of numbers"),
        (lambda: fig.image_grid(IMAGES, 0, 2), "images: a grid has rows and columns"),
        (lambda: fig.confusion_matrices([], [], NAMES), "confusion matrices and their titles"),
        (lambda: fig.confusion_matrices([COUNTS], ["a", "b"], NAMES), "differ in length"),
        (lambda: fig.confusion_matrices([-COUNTS], ["a"], NAMES), "these are no counts"),
        (lambda: fig.confusion_matrices([0 * COUNTS], ["a"], NAMES), "there are no images"),
        (lambda: fig.confusion_matrices([COUNTS[:3]], ["a"], NAMES), "wrong shape"),
        (lambda: fig.mistakes(IMAGES, LABELS, LABELS, [], NAMES), "pairs: a list"),
        (lambda: fig.mistakes(IMAGES, LABELS, LABELS, [(0, 4)], NAMES), "pairs: there is no such"),
        (lambda: fig.mistakes(IMAGES, LABELS[:9], LABELS, [(0, 1)], NAMES), "true: wrong shape"),
        (lambda: fig.mistakes(IMAGES, LABELS, LABELS, [(0, 1)], NAMES, 0), "at least one image"),
        (lambda: fig.weight_rows(ROWS, BIAS[:3], NAMES), "bias: wrong shape"),
        (lambda: fig.weight_rows(ROWS, BIAS, NAMES, -1), "the offset is a distance"),
        (lambda: fig.gramian(ROWS * 0), "row 1: a vector of zeros has no angle"),
        (lambda: fig.relative_positions(ROWS, BIAS, NAMES, "b"), "vectors: wrong shape"),
        (lambda: fig.relative_positions(ROWS[:4], 0 * BIAS, NAMES, "b"), "has no angle"),
        (lambda: fig.singular_values([1.0, 2.0]), "singular values: these are none"),
        (lambda: fig.singular_values([0.0]), "singular values: these are none"),
        (lambda: fig.projection(SPACE[:, :1], CLOUD, NAMES, [1]), "points: wrong shape"),
        (lambda: fig.projection(SPACE, CLOUD, NAMES, [0.5, 0.6, 0.1]), "no shares of one variance"),
        (lambda: fig.projections([], [], [], NAMES, []), "differ in length, or are empty"),
        (lambda: fig.projection([[1], [1, 2]], [0, 0], NAMES, [1, 0]), "points: not an array"),
        (lambda: fig.embeddings([SPACE], [CLOUD], ["a"], NAMES), "points a: wrong shape"),
        (lambda: fig.embeddings([SPACE[:, :2]], [CLOUD[:9]], ["a"], NAMES), "labels a: wrong"),
        (lambda: fig.low_rank_image(np.zeros((3, 3)), 1), "there is no such approximation"),
        (lambda: fig.low_rank_image(IMAGES[0], 6), "there is no such approximation"),
        (lambda: fig.answers(IMAGES, IMAGES[:3], IMAGES[0]), "outputs: wrong shape"),
        (lambda: fig.answers(IMAGES, IMAGES, IMAGES), "mean: wrong shape"),
        (lambda: fig.reconstructions(IMAGES, {}), "outputs: there are none"),
        (lambda: fig.recall_table(["a", "b"], RECALL + 1, NAMES, ""), "recall: a number out of"),
        (lambda: fig.recall_table([], RECALL, NAMES, ""), "recall: ablations: wrong number"),
        (lambda: fig.mean_movement(-RECALL, ["a", "b"], NAMES), "distances: a number out of"),
        (lambda: fig.shapley_bars(WORTH, NAMES), "Shapley values: wrong shape"),
        (lambda: fig.strips(IMAGES, IMAGES, NAMES, ""), "intact: wrong shape"),
    ],
)
def test_bad_input_gives_one_clear_error(call: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        call()
    assert message in str(caught.value)
