"""Figures: the numbers they show."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from drawn_figures import (
    BIAS,
    CLOUD,
    COUNTS,
    IMAGES,
    LABELS,
    NAMES,
    RECALL,
    ROWS,
    SPACE,
    WORTH,
    exhibits,
    ink,
)
from matplotlib.colors import to_rgba
from matplotlib.text import Text

from interp_checks import DataError
from interp_checks.report import figures as fig
from interp_checks.report.figures import palette

__all__ = ["exhibits"]  # fixture


def texts(figure: fig.DescribedFigure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def cells(figure: fig.DescribedFigure, panel: int = 0) -> np.ma.MaskedArray:
    return figure.axes[panel].collections[0].get_array()


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
