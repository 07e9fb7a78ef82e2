"""Labels as loaders give them: the true class of each image. PyTorch is imported when called."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from interp_checks.arrays import IntArray
from interp_checks.errors import InterpChecksError


def class_numbers(labels: Any, classes: int, class_names: Sequence[str]) -> IntArray:
    """The true class of each image, from 0, [n].

    Args:
        labels: class numbers as a tensor, array or list, [n] or [n, 1], whole numbers or
            booleans; one-hot rows [n, K]; or the classes' names.
        classes: K, as many as the model has.
        class_names: K names, or none.

    Raises:
        InterpChecksError: they are none of these.
    """
    array = as_array(labels)
    if array.dtype.kind == "U" and array.ndim == 1:
        return _named(array, class_names)
    if array.dtype.kind not in "biuf" or array.ndim not in (1, 2) or not array.size:
        raise _no_classes(
            f"{type(labels).__name__} that makes an array of {array.dtype} {list(array.shape)}"
            + (": single images, not batches?" if array.ndim == 0 else ""),
            classes,
        )
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        ones = (array == 1).sum(axis=1)
        if array.shape[1] != classes or (ones != 1).any() or np.count_nonzero(array) != len(array):
            raise _no_classes(
                f"{array.dtype} {list(array.shape)}, "
                + (
                    f"rows of {array.shape[1]} for {classes} classes"
                    if array.shape[1] != classes
                    else "rows that are not a single 1 among zeros"
                ),
                classes,
                "labels that mix classes, or name several, have no true class to be counted by",
            )
        return np.asarray(array.argmax(axis=1), dtype=np.int64)
    if array.dtype.kind == "f" and not (np.isfinite(array) & (array == np.floor(array))).all():
        raise _no_classes(
            f"{array.dtype} such as {float(array[array != np.floor(array)][0]):.4g}", classes
        )
    low, high = int(array.min()), int(array.max())
    if low < 0 or high >= classes:
        remedy = (
            "leave out the images that have no class"
            if low < 0
            else "if the model has several heads, this may be another one's: name it, head="
        )
        raise _no_classes(f"{array.dtype} from {low} to {high}", classes, remedy)
    return np.asarray(array, dtype=np.int64)


def as_array(labels: Any) -> Any:
    """Labels of a batch as an array, of objects if they are no numbers or words."""
    import torch

    array = labels.detach().cpu() if isinstance(labels, torch.Tensor) else labels
    if isinstance(array, torch.Tensor):
        array = (array.float() if array.dtype == torch.bfloat16 else array).numpy()
    elif isinstance(array, (list, tuple)) and any(
        isinstance(label, torch.Tensor) for label in array
    ):
        array = [label.tolist() if isinstance(label, torch.Tensor) else label for label in array]
    try:
        return np.asarray(array)
    except ValueError:
        return np.asarray(None)


def _named(names: Any, class_names: Sequence[str]) -> IntArray:
    numbers = {name: number for number, name in enumerate(class_names)}
    unknown = [str(name) for name in names if str(name) not in numbers]
    if unknown:
        raise InterpChecksError(
            "labels name classes that there are not",
            found=textwrap.shorten(repr(unknown[0]), 80),
            expected=textwrap.shorten(", ".join(map(repr, class_names)), 200)
            or "class numbers, or class_names= that say which name is which class",
        )
    return np.array([numbers[str(name)] for name in names], dtype=np.int64)


def _no_classes(found: str, classes: int, remedy: str | None = None) -> InterpChecksError:
    return InterpChecksError(
        f"labels do not fit the {classes} classes of the model",
        found=found,
        expected=f"whole numbers [images] from 0 to {classes - 1}, or one-hot rows "
        f"[images, {classes}]",
        remedy=remedy,
    )
