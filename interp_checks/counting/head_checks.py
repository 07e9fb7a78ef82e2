"""What makes a head: arrays that fit together, of finite numbers."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from interp_checks.ablations.fill import fill_named
from interp_checks.arrays import Array, FloatArray
from interp_checks.errors import InterpChecksError

#: Numbers that are looked at together.
_BLOCK = 2**22


class Parts(Protocol):
    """What a head is made of; see :class:`interp_checks.counting.head.Head`."""

    @property
    def features(self) -> Array:
        """[N, Z]."""

    @property
    def labels(self) -> Array:
        """[N]."""

    @property
    def weight(self) -> FloatArray:
        """[K, Z]."""

    @property
    def bias(self) -> Array:
        """[K]."""

    @property
    def rest(self) -> Array | None:
        """[N, K], or none."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """K names."""

    @property
    def part_names(self) -> tuple[str, ...]:
        """Z names, or none."""

    @property
    def confidence(self) -> float:
        """Of every interval."""

    @property
    def gauge(self) -> str:
        """Of the weight."""

    @property
    def fill(self) -> str:
        """What stands in the place of parts."""


def check_head(head: Parts) -> None:
    """Refuse arrays that make no head.

    Raises:
        InterpChecksError: see :class:`interp_checks.counting.head.Head`.
    """
    if not 0 < head.confidence < 1:
        raise InterpChecksError(
            f"readout: the confidence {head.confidence} is not a probability",
            expected="a number between 0 and 1, such as 0.95",
        )
    if head.gauge not in ("raw", "centred"):
        raise InterpChecksError(
            f"readout: there is no gauge {head.gauge!r}", expected="'raw' or 'centred'"
        )
    fill_named(head.fill)
    shapes = {
        "features [N, Z]": head.features.shape,
        "labels [N]": head.labels.shape,
        "weight [K, Z]": head.weight.shape,
        "bias [K]": head.bias.shape,
    }
    classes = len(head.class_names)
    if head.weight.ndim == 2 and len(head.weight) == 1 and classes == 2:
        raise _single_row(head.weight.shape)
    fits = (
        head.features.ndim == 2
        and head.weight.ndim == 2
        and head.labels.shape == head.features.shape[:1]
        and head.weight.shape == (classes, head.features.shape[1])
        and head.bias.shape == (classes,)
    )
    if not fits or not head.features.size or not head.weight.size:
        raise InterpChecksError(
            "readout: the arrays do not fit together",
            found=", ".join(f"{name} {shape}" for name, shape in shapes.items())
            + f", {classes} class names",
            expected="the same N, Z and K throughout, none of them zero",
        )
    _check_parts(head)
    for name in ("features", "weight", "bias", *(() if head.rest is None else ("rest",))):
        broken = _not_finite(getattr(head, name))
        if broken:
            raise InterpChecksError(
                f"readout: {name} has values that are not finite",
                found=f"{broken} of {getattr(head, name).size} are NaN or infinite",
                expected="finite numbers",
                remedy="a training that diverged gives such weights; train again",
            )
    if len(set(head.class_names)) < classes:
        raise InterpChecksError(
            "readout: two classes have the same name", found=", ".join(head.class_names)
        )
    whole = np.issubdtype(head.labels.dtype, np.integer)
    if classes == 1 and head.labels.dtype.kind in "iub" and head.labels.max() == 1:
        raise _single_row(head.weight.shape)
    if not whole or head.labels.min() < 0 or head.labels.max() >= classes:
        raise InterpChecksError(
            "readout: labels are not class numbers",
            found=f"{head.labels.dtype} from {head.labels.min()} to {head.labels.max()}",
            expected=f"whole numbers from 0 to {classes - 1}",
        )


def _not_finite(array: Array) -> int:
    """How many values are NaN or infinite, looked at a block at a time."""
    step = max(1, _BLOCK // max(1, array[:1].size))
    blocks = (array[start : start + step] for start in range(0, len(array), step))
    return sum(int(block.size - np.isfinite(block).sum()) for block in blocks)


def _check_parts(head: Parts) -> None:
    images, classes = len(head.features), len(head.class_names)
    if head.rest is not None and head.rest.shape != (images, classes):
        raise InterpChecksError(
            "readout: the rest does not fit",
            found=f"rest {head.rest.shape}",
            expected=f"{(images, classes)}, something for each image and class",
        )
    if head.part_names and len(head.part_names) != head.features.shape[1]:
        raise InterpChecksError(
            "readout: the names do not fit the parts",
            found=f"{len(head.part_names)} names, {head.features.shape[1]} parts",
            expected="a name for each part",
        )
    twice = [name for name in head.part_names if head.part_names.count(name) > 1]
    if twice:
        raise InterpChecksError(f"readout: two parts have the same name, {twice[0]!r}")


def _single_row(shape: tuple[int, ...]) -> InterpChecksError:
    """What libraries keep of a linear classifier of two classes is one row."""
    return InterpChecksError(
        "readout: two classes have one row of weights",
        found=f"weight {shape}",
        expected=f"weight {(2, *shape[1:])}, a row for each class",
        remedy="coef_ of two classes is the difference of their rows: give "
        "weight=np.vstack([-coef, coef]) / 2 and bias=np.r_[-intercept, intercept] / 2",
    )


def numbers(name: str, values: object) -> Array:
    """Values as an array of numbers."""
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.asarray(None)
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool):
        raise InterpChecksError(
            f"readout: {name} are not numbers",
            found=f"{type(values).__name__} that makes an array of {array.dtype}",
            expected="a rectangular array of numbers",
        )
    return array
