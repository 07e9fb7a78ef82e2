"""Images of ink beside each other (T2, T3, T5, T7, T24)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from interp_checks.arrays import Array, FloatArray, IntArray
from interp_checks.errors import DataError
from interp_checks.statistics.intervals import percent

from . import arguments
from .figure import DescribedFigure, styled
from .style import INK, NORMAL, PAGE
from .themes import INK_IMAGE

#: Pixels between images.
GAP = 2


def sheet(images: FloatArray, rows: int, columns: int) -> FloatArray:
    """Images row by row on one sheet, with gaps; [height, width] of ink between 0 and 1."""
    _, height, width = images.shape
    paper = np.zeros((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP))
    for number, image in enumerate(images[: rows * columns]):
        top, left = (number // columns) * (height + GAP), (number % columns) * (width + GAP)
        paper[top : top + height, left : left + width] = np.clip(image, 0, 1)
    return paper


def show(axes: Axes, ink: FloatArray, name: str) -> None:
    """Draw a sheet of ink into axes, without axis lines.

    Args:
        axes: to draw into.
        ink: [height, width], from 0 (paper) to 1.
        name: unlike that of any other image of the figure.
    """
    rgba = np.empty((*ink.shape, 4), np.uint8)
    rgba[..., :3] = np.round(np.multiply(to_rgb(INK), 255))
    rgba[..., 3] = np.round(255 * np.clip(ink, 0, 1))
    # Pixels stay squares, in whatever size.
    axes.imshow(rgba, interpolation="none").set_gid(f"{INK_IMAGE}-{name}")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


@styled
def image_grid(images: Array, rows: int, columns: int, title: str = "Images") -> DescribedFigure:
    """The first rows × columns images (T5; T3's random samples).

    Args:
        images: [n, H, W], from 0 (paper) to 1 (ink).
        rows: of the grid.
        columns: of the grid.
        title: of the figure.

    Raises:
        DataError: there are no images, or no rows and columns.
    """
    pictures = arguments.pictures("images", images)
    if rows < 1 or columns < 1:
        raise DataError("images: a grid has rows and columns", found=f"{rows} and {columns}")
    rows = min(rows, math.ceil(len(pictures) / columns))
    ink = sheet(pictures, rows, columns)
    width = min(PAGE, 0.5 * columns)
    figure = DescribedFigure(title, height=width * ink.shape[0] / ink.shape[1], width=width)
    show(figure.add_axes((0, 0, 1, 1)), ink, "images")
    kept = pictures[: rows * columns]
    figure.alt = (
        f"{title}: {len(kept):,} images in {rows} rows of {columns}; "
        f"on average {kept.mean():.1%} ink."
    )
    return figure


@styled
def mistakes(
    images: Array,
    true: Array,
    predicted: Array,
    pairs: Sequence[tuple[int, int]],
    class_names: Sequence[str],
    most: int = 40,
) -> DescribedFigure:
    """Galleries of images of one class that were predicted as another (T7).

    Args:
        images: [n, H, W].
        true: [n], class numbers from 0.
        predicted: [n].
        pairs: of class numbers, true and predicted; a gallery each.
        class_names: K names.
        most: images shown of one pair.

    Raises:
        DataError: wrong shapes, no pair, or a class that does not exist.
    """
    pictures = arguments.pictures("images", images)
    names = arguments.names("mistakes: class names", class_names)
    is_true = arguments.labels("true", true, len(pictures), len(names))
    is_said = arguments.labels("predicted", predicted, len(pictures), len(names))
    chosen = np.asarray(pairs)
    if chosen.ndim != 2 or chosen.shape[1] != 2:
        raise DataError("pairs: a list of true and predicted class numbers", found=repr(pairs))
    arguments.labels("pairs", chosen.ravel(), "pairs", len(names))
    if most < 1:
        raise DataError("mistakes: at least one image of a pair must be shown", found=str(most))
    galleries: list[tuple[str, IntArray]] = [
        (
            f"{names[first]} as {names[second]}",
            np.flatnonzero((is_true == first) & (is_said == second)),
        )
        for first, second in chosen.tolist()
    ]
    return _galleries(pictures, galleries, most)


def _galleries(
    images: FloatArray, galleries: Sequence[tuple[str, IntArray]], most: int
) -> DescribedFigure:
    columns = min(2, len(galleries))
    across = 10 if columns == 2 else 20
    rows = math.ceil(len(galleries) / columns)
    needed = [max(1, math.ceil(min(len(members), most) / across)) for _, members in galleries]
    heights = [max(needed[row * columns : (row + 1) * columns]) for row in range(rows)]
    scale = (PAGE - 0.2 * columns) / columns / across
    figure = DescribedFigure(
        "Mistakes", height=sum(heights) * scale + 0.32 * rows, layout="constrained"
    )
    panels = figure.subplots(rows, columns, squeeze=False, height_ratios=heights).ravel()
    for number, (panel, (heading, members)) in enumerate(zip(panels, galleries, strict=False)):
        first = members[:most]
        number_of = f"{len(members):,} image{'s' * (len(members) != 1)}"
        more = "" if len(first) == len(members) else f", the first {len(first)} shown"
        panel.set_title(f"{heading} ({number_of}{more})", loc="left", fontsize=NORMAL, pad=3)
        height = heights[number // columns]
        show(panel, sheet(images[first], height, across), f"gallery-{number}")
        panel.set_anchor("NW")
        if not len(members):
            panel.text(0.0, 0.95, "no such mistake", va="top", transform=panel.transAxes)
    for panel in panels[len(galleries) :]:
        panel.set_axis_off()
    sentences = [f"{heading}: {len(members):,}" for heading, members in galleries]
    figure.alt = f"Images by mistake, true class as predicted class. {'; '.join(sentences)}."
    return figure


@styled
def low_rank_image(image: Array, rank: int) -> DescribedFigure:
    """An image beside its best approximation of a lower rank (T15).

    Args:
        image: [H, W], from 0 (paper) to 1 (ink).
        rank: of the approximation, from 1 to that of the image.

    Raises:
        DataError: an image without ink, or a rank that it does not have.
    """
    whole = arguments.numbers("image", image, ["H", "W"])
    left, values, right = np.linalg.svd(whole, full_matrices=False)
    full = int(np.linalg.matrix_rank(whole))
    if not 1 <= rank <= full:
        raise DataError(
            "image: there is no such approximation",
            found=f"rank {rank}",
            expected=f"1 to {full}, the rank of the image" if full else "an image with ink",
        )
    kept = float((values[:rank] ** 2).sum() / (values**2).sum())
    small = (left[:, :rank] * values[:rank]) @ right[:rank]
    figure = DescribedFigure("Low-rank approximation", height=PAGE / 2 + 0.1, layout="constrained")
    original, approximation = figure.subplots(1, 2)
    show(original, whole, "original")
    show(approximation, small, "approximation")
    original.set_title(f"original, rank {full}")
    approximation.set_title(f"rank {rank}: {percent(kept)} % of the variance")
    for axes in (original, approximation):
        axes.spines[:].set(visible=True, linewidth=0.4)
    figure.alt = (
        f"Left: an image of rank {full}. Right: its approximation of rank {rank}, which keeps "
        f"{percent(kept)} % of the variance, the sum of squared singular values."
    )
    return figure
