"""Labels that are not class numbers, and which class each of them is."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from interp_checks.arrays import IntArray
from interp_checks.errors import InterpChecksError

from .labels import as_array

#: The class of each label; or a sequence whose i-th entry is the label of class i.
LabelMap = Mapping[Any, int] | Sequence[Any]


def numbers_by_label(label_map: LabelMap | Any, classes: int) -> dict[Any, int]:
    """The class of each label, from 0.

    Args:
        label_map: see :data:`LabelMap`; a sequence may also be an array or tensor.
        classes: K.

    Raises:
        InterpChecksError: a class is not one of the model's, or two have the same label.
    """
    if isinstance(label_map, Mapping):
        made = {_plain(label): number for label, number in label_map.items()}
    else:
        given = label_map.tolist() if hasattr(label_map, "tolist") else label_map
        if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
            raise _no_map(type(label_map).__name__, classes)
        labels = [_plain(label) for label in given]
        if len(labels) != classes:
            raise _no_map(f"{len(labels)} labels", classes)
        made = {label: number for number, label in enumerate(labels)}
        if len(made) < len(labels):
            raise _no_map("the same label for two classes", classes)
    for label, number in made.items():
        whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
        if not whole or not 0 <= number < classes:
            raise _no_map(f"class {number!r} for label {label!r}", classes)
    return {label: int(number) for label, number in made.items()}


def mapped_classes(labels: Any, by_label: Mapping[Any, int]) -> IntArray:
    """The true class of each image, from 0, [n].

    Args:
        labels: as a loader gives them, [n] or [n, 1].
        by_label: the class of each label.

    Raises:
        InterpChecksError: a label has no class.
    """
    array = as_array(labels)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or not array.size:
        raise InterpChecksError(
            "labels do not fit the label_map",
            found=f"{type(labels).__name__} that makes an array of {array.dtype} "
            f"{list(array.shape)}",
            expected="one label for each image, [images]",
        )
    given = array.tolist()
    unknown = list(dict.fromkeys(label for label in given if label not in by_label))
    if unknown:
        raise InterpChecksError(
            "the label_map does not say which class a label is",
            found=textwrap.shorten(", ".join(map(repr, unknown)), 120),
            expected=textwrap.shorten(", ".join(map(repr, by_label)), 200),
            remedy="add these labels to the label_map, or leave their images out",
        )
    return np.array([by_label[label] for label in given], dtype=np.int64)


def _plain(label: Any) -> Any:
    """A label as Python has it: 3 and np.int64(3) and a tensor of 3 are the same."""
    return label.item() if hasattr(label, "item") else label


def _no_map(found: str, classes: int) -> InterpChecksError:
    return InterpChecksError(
        f"the label_map does not fit the {classes} classes of the model",
        found=found,
        expected=f"classes from 0 to {classes - 1} by label, or {classes} different labels in the "
        "order of the classes",
    )
