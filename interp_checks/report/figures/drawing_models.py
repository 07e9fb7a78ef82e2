"""What models that draw make of images (T2, T3, T24)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from interp_checks.arrays import Array, FloatArray
from interp_checks.errors import DataError

from . import arguments
from .figure import DescribedFigure, styled
from .pictures import GAP, sheet, show
from .style import PAGE


@styled
def answers(inputs: Array, outputs: Array, mean: Array) -> DescribedFigure:
    """An autoencoder's answers below its inputs, and the training mean (T2).

    Args:
        inputs: [n, H, W], from 0 (paper) to 1 (ink).
        outputs: [n, H, W].
        mean: [H, W], of the training images.

    Raises:
        DataError: wrong shapes, or no images.
    """
    above = arguments.pictures("inputs", inputs)
    below = arguments.numbers("outputs", outputs, above.shape)
    average = arguments.numbers("mean", mean, above.shape[1:])
    figure = _rows({"input": above, "output": below}, "An autoencoder's answers", average)
    spread = float(np.abs(below - below.mean(axis=0)).mean())
    varies = float(np.abs(above - above.mean(axis=0)).mean())
    figure.alt = (
        f"{len(above)} inputs above the autoencoder's outputs, beside the mean training image. "
        f"Outputs differ from the training mean by {np.abs(below - average).mean():.3f} a pixel, "
        f"and from their own mean by {spread:.3f}, inputs by {varies:.3f}."
    )
    return figure


@styled
def reconstructions(inputs: Array, outputs: Mapping[str, Array]) -> DescribedFigure:
    """Inputs above what a model makes of them, one row for each state of the model (T3).

    Args:
        inputs: [n, H, W], from 0 (paper) to 1 (ink).
        outputs: of each state, such as "epoch 90", [n, H, W].

    Raises:
        DataError: wrong shapes, no images, or no outputs.
    """
    above = arguments.pictures("inputs", inputs)
    if not outputs:
        raise DataError("outputs: there are none", expected="at least one row of outputs")
    below = {
        name: arguments.numbers(f"outputs of {name}", images, above.shape)
        for name, images in outputs.items()
    }
    figure = _rows({"input": above, **below}, "Reconstructions")
    errors = [f"{name}: {((images - above) ** 2).mean():.4f}" for name, images in below.items()]
    figure.alt = (
        f"{len(above)} inputs above their reconstructions. "
        f"Mean squared difference of a pixel, {'; '.join(errors)}."
    )
    return figure


@styled
def strips(
    intact: Array, ablated: Array, class_names: Sequence[str], title: str
) -> DescribedFigure:
    """Decoded pictures of each class, intact beside ablated (T24).

    Args:
        intact: [K, n, H, W], from 0 (paper) to 1 (ink).
        ablated: [K, n, H, W], the same images after the ablation.
        class_names: K names.
        title: says what was ablated.

    Raises:
        DataError: wrong shapes, or no images.
    """
    names = arguments.names("strips: class names", class_names)
    before = arguments.numbers("intact", intact, [len(names), "n", "H", "W"])
    after = arguments.numbers("ablated", ablated, before.shape)
    classes, across, height, width = before.shape
    scale = (PAGE - 0.6) / (2 * across * (width + GAP))
    figure = DescribedFigure(
        title, height=classes * (height + GAP) * scale + 0.6, layout="constrained"
    )
    figure.suptitle(title)
    panels = figure.subplots(1, 2)
    for panel, images, heading in zip(panels, (before, after), ("intact", "ablated"), strict=True):
        flat = images.reshape(-1, height, width)
        show(panel, sheet(flat, classes, across), heading)
        panel.set_title(heading)
        _name_rows(panel, names, height)
    panels[1].set_yticks([])
    moved = np.abs(after - before).mean(axis=(1, 2, 3))
    most, least = int(moved.argmax()), int(moved.argmin())
    figure.alt = (
        f"{title}: {across} pictures of each of {classes} classes, intact beside ablated. A pixel "
        f"changes most in class {names[most]} ({moved[most]:.3f} on average), least in class "
        f"{names[least]} ({moved[least]:.3f})."
    )
    return figure


def _rows(
    rows: Mapping[str, FloatArray], title: str, mean: FloatArray | None = None
) -> DescribedFigure:
    """Named rows of images; at the right the mean, twice as large, if there is one."""
    across, height, width = next(iter(rows.values())).shape
    wide = across * (width + GAP)
    beside = 0.0 if mean is None else 2.2 * (height + GAP)
    scale = (PAGE - 0.6) / (wide + beside)
    figure = DescribedFigure(
        title, height=len(rows) * (height + GAP) * scale + 0.3, layout="constrained"
    )
    panels = figure.subplots(
        1, 1 if mean is None else 2, squeeze=False, width_ratios=[wide, beside][: 1 + (beside > 0)]
    )[0]
    show(panels[0], sheet(np.concatenate(list(rows.values())), len(rows), across), "rows")
    _name_rows(panels[0], tuple(rows), height)
    if mean is not None:
        show(panels[1], mean, "mean")
        panels[1].set_xlabel("training mean")
    return figure


def _name_rows(axes: Axes, names: Sequence[str], height: int) -> None:
    middles = [(height - 1) / 2 + number * (height + GAP) for number in range(len(names))]
    axes.set_yticks(middles, names)
    axes.tick_params(length=0)
