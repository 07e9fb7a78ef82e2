"""Arrays that figures can draw, or one clear error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from interp_checks.arrays import Array, FloatArray, IntArray
from interp_checks.errors import DataError


def numbers(name: str, values: object, shape: Sequence[int | str]) -> FloatArray:
    """Finite numbers as float64 of this shape.

    Args:
        name: what the error calls them.
        values: an array, or what numpy makes one of.
        shape: of each axis its length, or a name if any length from 1 up will do.

    Raises:
        DataError: they are not.
    """
    expected = f"numbers [{', '.join(map(str, shape))}]"
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "fiub":
            raise TypeError
        wide = array.astype(np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{name}: not an array of numbers", expected=expected) from None
    fits = wide.ndim == len(shape) and all(
        length == expected if isinstance(expected, int) else length > 0
        for length, expected in zip(wide.shape, shape, strict=True)
    )
    if not fits:
        given = f"shape [{', '.join(map(str, wide.shape))}]"
        raise DataError(f"{name}: wrong shape", found=given, expected=expected)
    if not np.isfinite(wide).all():
        raise DataError(
            f"{name}: not all numbers are finite",
            found=f"{int((~np.isfinite(wide)).sum())} of {wide.size} are infinite or not a number",
        )
    return wide


def counts(name: str, values: object, shape: Sequence[int | str]) -> IntArray:
    """Whole numbers from 0 up, as int64 of this shape.

    Raises:
        DataError: they are not.
    """
    wide = numbers(name, values, shape)
    if (wide < 0).any() or (wide != np.floor(wide)).any():
        raise DataError(f"{name}: these are no counts", expected="whole numbers from 0 up")
    return wide.astype(np.int64)


def labels(name: str, values: object, length: int | str, classes: int) -> IntArray:
    """Class numbers from 0 to one less than their number, int64 [length].

    Raises:
        DataError: they are not.
    """
    whole = counts(name, values, [length])
    if whole.max() >= classes:
        raise DataError(
            f"{name}: there is no such class",
            found=f"class number {whole.max()}",
            expected=f"0 to {classes - 1}, for there are {classes} class names",
        )
    return whole


def names(what: str, values: Sequence[object], length: int | None = None) -> tuple[str, ...]:
    """Names as text, as many as there should be.

    Raises:
        DataError: there are none, or another number of them.
    """
    labels = tuple(map(str, values))
    if not labels or (length is not None and len(labels) != length):
        raise DataError(
            f"{what}: wrong number of names",
            found=str(len(labels)),
            expected="at least one" if length is None else str(length),
        )
    return labels


def same_length(what: str, *parts: Sequence[object]) -> None:
    """Lists that go together.

    Raises:
        DataError: they are empty, or of different lengths.
    """
    lengths = [len(part) for part in parts]
    if not lengths[0] or len(set(lengths)) > 1:
        raise DataError(
            f"{what}: lists that go together differ in length, or are empty",
            found=", ".join(map(str, lengths)),
        )


def pictures(name: str, values: object) -> FloatArray:
    """Grey images [n, H, W], float64.

    Raises:
        DataError: they are not, or there are none.
    """
    return numbers(name, values, ["n", "H", "W"])


def listed(parts: Sequence[str], most: int = 5) -> str:
    """Words with commas; "and 7 more" at the end of long lists."""
    first = ", ".join(parts[:most])
    return first if len(parts) <= most else f"{first} and {len(parts) - most} more"


def row_shares(table: Array) -> FloatArray:
    """Each row divided by its sum; rows of zeros stay so."""
    wide = np.asarray(table, dtype=np.float64)
    sums = wide.sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(wide, sums, out=np.zeros_like(wide), where=sums > 0))
