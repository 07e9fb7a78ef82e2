"""What the classes are called: as the user says, else as the model does, else as its data do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interp_checks.arrays import IntArray


def class_names_of(
    model: Any, batches: Any, classes: int, candidates: IntArray | None
) -> tuple[tuple[str, ...], str]:
    """Names of the classes, where a model or a data set has them, and where they are from.

    Args:
        model: whose ``config.id2label`` may name its classes, as in Hugging Face's libraries;
            names that these made up ("LABEL_0") are none.
        batches: a loader whose ``dataset.classes`` may do so, as in torchvision; also that of
            a ``Subset``.
        classes: K.
        candidates: which of the model's outputs are the classes; these are their names.

    Returns:
        K names, or none; and where they are from, in words, or what was not used.
    """
    if candidates is not None:
        return tuple(map(str, candidates)), "named by the numbers of the candidates"
    names = _of_config(getattr(getattr(model, "config", None), "id2label", None))
    if _fit(names, classes):
        return names, "named by the model's config.id2label"
    names = _of_data_set(batches)
    if _fit(names, classes):
        return names, "named by the data set's classes"
    if names:
        return (), f"numbered: the data set names {len(names)} classes, the model has {classes}"
    return (), ""


def _fit(names: Sequence[str], classes: int) -> bool:
    return len(names) == classes == len(set(names))


def _of_config(labels: Any) -> tuple[str, ...]:
    if not isinstance(labels, Mapping):
        return ()
    by_number = {str(number): str(name) for number, name in labels.items()}
    made_up = all(name == f"LABEL_{number}" for number, name in by_number.items())
    numbers = [str(number) for number in range(len(by_number))]
    if made_up or set(numbers) != set(by_number):
        return ()
    return tuple(by_number[number] for number in numbers)


def _of_data_set(batches: Any) -> tuple[str, ...]:
    """Of a loader's data set, or of the one that it is a subset of."""
    data = getattr(batches, "dataset", None)
    while data is not None:
        names = getattr(data, "classes", None)
        if isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names):
            return tuple(names)
        data = getattr(data, "dataset", None)
    return ()
