"""Points of many images in the plane or in space (T3, T13, T14)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D

from interp_checks.arrays import Array, FloatArray, IntArray
from interp_checks.errors import DataError
from interp_checks.report.embedding import neighbours_alike

from . import arguments
from .figure import DescribedFigure, styled
from .palette import class_colour, class_marker, text_colour
from .spreading import pushed_apart
from .style import INK, PAGE, SMALL

#: Square points; smaller ones are all round, for no shape could be seen.
_SHAPED = 4.0


@styled
def projection(
    points: Array, labels: Array, class_names: Sequence[str], shares: Sequence[float]
) -> DescribedFigure:
    """Points on their first 2 or 3 principal directions (T13).

    Args:
        points: [N, 2 or 3].
        labels: [N], class numbers from 0.
        class_names: K names.
        shares: of the variance, one for each axis.

    Raises:
        DataError: wrong shapes.
    """
    return projections([points], [labels], [""], class_names, [shares])


@styled
def projections(
    points: Sequence[Array],
    labels: Sequence[Array],
    titles: Sequence[str],
    class_names: Sequence[str],
    shares: Sequence[Sequence[float]],
) -> DescribedFigure:
    """Several projections beside each other, such as train and test (T13).

    Args:
        points: of each panel [N, 2 or 3].
        labels: of each panel [N].
        titles: of each panel.
        class_names: K names.
        shares: of each panel, of the variance that each axis carries.

    Raises:
        DataError: wrong shapes.
    """
    arguments.same_length("projections, labels, titles and shares", points, labels, titles, shares)
    names = arguments.names("projections: class names", class_names)
    solid = arguments.numbers(f"points {titles[0]}".strip(), points[0], ["N", "D"]).shape[1] == 3
    figure, panels = _panels("Projection on principal directions", len(points), solid)
    sentences, clouds = [], []
    for panel, title, cloud, truth, carried in zip(
        panels, titles, points, labels, shares, strict=True
    ):
        places = arguments.numbers(f"points {title}".strip(), cloud, ["N", 3 if solid else 2])
        classes = arguments.labels(f"labels {title}".strip(), truth, len(places), len(names))
        parts = arguments.numbers(f"shares {title}".strip(), carried, [places.shape[1]])
        if parts.min() < 0 or parts.sum() > 1 + 1e-9:
            raise DataError(
                f"shares {title}".strip() + ": these are no shares of one variance",
                found=", ".join(f"{part:g}" for part in parts),
            )
        _scatter(panel, places, classes)
        for axis, part, number in zip("xyz", parts, range(1, 4), strict=False):
            getattr(panel, f"set_{axis}label")(f"direction {number} ({part:.0%})")
        panel.set_title(title)
        clouds.append((panel, places, classes))
        sentences.append(
            f"{title}: ".removeprefix(": ")
            + f"{len(places):,} points; the axes carry {parts.sum():.1%} of the variance "
            + f"({', '.join(f'{part:.1%}' for part in parts)})."
        )
    _legend(figure, names, points)
    figure.draw_without_rendering()
    for panel, places, classes in clouds:
        _name_classes(panel, places, classes, names)
    figure.alt = f"Points of {len(names)} classes on {3 if solid else 2} directions. " + " ".join(
        sentences
    )
    return figure


@styled
def embeddings(
    points: Sequence[Array],
    labels: Sequence[Array],
    titles: Sequence[str],
    class_names: Sequence[str],
) -> DescribedFigure:
    """Maps beside each other, such as those of t-SNE for train and test (T3, T14).

    The name of a class stands at that of its points which is nearest to their median.

    Args:
        points: of each map [N, 2].
        labels: of each map [N], class numbers from 0.
        titles: of each map.
        class_names: K names.

    Raises:
        DataError: wrong shapes.
    """
    arguments.same_length("maps, labels and titles", points, labels, titles)
    names = arguments.names("maps: class names", class_names)
    figure, panels = _panels("t-SNE", len(points), solid=False)
    sentences, clouds = [], []
    for panel, title, cloud, truth in zip(panels, titles, points, labels, strict=True):
        places = arguments.numbers(f"points {title}", cloud, ["N", 2])
        classes = arguments.labels(f"labels {title}", truth, len(places), len(names))
        _scatter(panel, places, classes)
        panel.set_aspect("equal", adjustable="datalim")
        # Neither directions nor distances on the axes mean anything.
        panel.set(xticks=[], yticks=[], title=title)
        panel.spines[:].set(visible=True, linewidth=0.4)
        clouds.append((panel, places, classes))
        sentences.append(f"{title}: {len(places):,} points, {_alike(places, classes)}")
    _legend(figure, names, points)
    figure.draw_without_rendering()
    for panel, places, classes in clouds:
        _name_classes(panel, places, classes, names)
    figure.alt = f"Maps of {len(names)} classes. {'; '.join(sentences)}."
    return figure


def _panels(title: str, count: int, solid: bool) -> tuple[DescribedFigure, list[Any]]:
    """A figure with one panel, or rows of two."""
    columns = min(2, count)
    rows = -(-count // columns)
    side = 4.2 if columns == 1 else PAGE / 2
    height = rows * (side + 0.1) + 0.35
    if not solid:
        figure = DescribedFigure(title, height=height, layout="constrained")
        return figure, list(figure.subplots(rows, columns, squeeze=False).ravel()[:count])
    # A layout does not know how far the labels of axes in space reach.
    figure = DescribedFigure(title, height=height, layout="none")
    low, wide, high = 0.3 / height, 1 / columns, (height - 0.3) / height / rows
    panels = []
    for number in range(count):
        corner = (number % columns * wide, low + (rows - 1 - number // columns) * high)
        panels.append(figure.add_axes((*corner, wide, 0.94 * high), projection="3d"))
    return figure, panels


def _scatter(axes: Any, places: FloatArray, labels: IntArray) -> None:
    """All points, as one image where a format knows images."""
    size = _size(len(places))
    look: dict[str, Any] = {"s": size, "linewidths": 0, "rasterized": True}
    # Points moved to whole pixels may vanish.
    look["snap"] = False
    if axes.name == "3d":
        look["depthshade"] = False
    if size >= _SHAPED:
        for position in np.unique(labels).tolist():
            shape, colour = class_marker(position), class_colour(position)
            axes.scatter(*places[labels == position].T, marker=shape, color=colour, **look)
    else:
        # In no order, lest the last class hide all others.
        order = np.random.default_rng(0).permutation(len(places))
        colours = np.array([to_rgba(class_colour(k)) for k in range(int(labels.max()) + 1)])
        axes.scatter(*places[order].T, marker="o", color=colours[labels[order]], **look)
    if axes.name == "3d":
        axes.grid(False)
        for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
            axis.pane.set(alpha=None, facecolor="none", edgecolor=to_rgba(INK, 0.3))
            axis.set_ticklabels([])
            axis.labelpad = -10
        axes.view_init(elev=22, azim=-60)
        axes.set_box_aspect((1, 1, 1), zoom=0.95)


def _size(count: int) -> float:
    """The area of a point: the less, the more there are, so that they cover as much paper."""
    return float(np.clip(6000 / count, 1.0, 14))


def _name_classes(axes: Any, places: FloatArray, labels: IntArray, names: Sequence[str]) -> None:
    """Names in boxes of the class's colour, which can be read on any paper.

    Axes must have been drawn, for how they are placed decides which boxes overlap.
    """
    present = np.unique(labels)
    anchors = np.array([_middle(places[labels == position]) for position in present])
    if axes.name == "3d":
        seen = np.column_stack([anchors, np.ones(len(anchors))]) @ axes.get_proj().T
        anchors = seen[:, :2] / seen[:, 3:]
    pixels = axes.transData.transform(anchors)
    point = axes.get_figure().dpi / 72
    width = (0.68 * SMALL * max(len(names[position]) for position in present) + 6) * point
    moved = axes.transData.inverted().transform(pushed_apart(pixels, width, (SMALL + 6) * point))
    for position, (x, y) in zip(present, moved, strict=True):
        colour = class_colour(position)
        text = text_colour(np.array(to_rgba(colour)))
        # In space, too, names are written on the paper.
        (axes.text2D if axes.name == "3d" else axes.text)(
            x,
            y,
            names[position],
            color=text,
            fontsize=SMALL,
            fontweight="bold",
            ha="center",
            va="center",
            bbox={"boxstyle": "round,pad=0.25", "facecolor": colour, "edgecolor": text},
            transform=axes.transData,
            zorder=1000,
        )


def _middle(points: FloatArray) -> FloatArray:
    """The point nearest to the median, which itself may lie between two clusters."""
    away = ((points - np.median(points, axis=0)) ** 2).sum(axis=1)
    return np.asarray(points[int(away.argmin())])


def _legend(figure: DescribedFigure, names: Sequence[str], clouds: Sequence[Array]) -> None:
    """Shape, colour and name of each class, below everything."""
    shaped = any(_size(len(cloud)) >= _SHAPED for cloud in clouds)
    handles = [
        Line2D(
            [],
            [],
            linestyle="none",
            marker=class_marker(position) if shaped else "o",
            markersize=5,
            color=class_colour(position),
            label=name,
        )
        for position, name in enumerate(names)
    ]
    longest = max(map(len, names))
    across = max(1, min(len(names), int(PAGE * 72 / (SMALL * (0.64 * longest + 4)))))
    figure.legend(
        handles=handles,
        loc="outside lower center" if figure.get_layout_engine() else "lower center",
        ncols=across,
        handletextpad=0.1,
        columnspacing=1.0,
    )


def _alike(places: FloatArray, labels: IntArray) -> str:
    """How many points have their own class around them, in words."""
    near = min(10, len(places) - 1)
    if not near:
        return "one class"
    same = neighbours_alike(places, labels, near)
    return f"{same:.1%} of the {near} nearest neighbours of a point are of its class"
