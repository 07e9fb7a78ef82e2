"""Small files of images as their authors publish them, and what loading refuses."""

from __future__ import annotations

import bz2
import struct
from pathlib import Path

import numpy as np
import pytest

from interp_checks.errors import DataError
from interp_fixtures.images.datasets import load_images

MNIST_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def some_bytes(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (count, height, width), dtype=np.uint8)


def idx_images(images: np.ndarray) -> bytes:
    return struct.pack(">4I", 0x803, *images.shape) + images.astype(np.uint8).tobytes()


def idx_labels(labels: list[int]) -> bytes:
    return struct.pack(">2I", 0x801, len(labels)) + bytes(labels)


def write_mnist(root: Path, split: str = "test", labels: tuple[int, ...] = (7, 0, 9)) -> np.ndarray:
    """Write one part of an MNIST and return its pixels, 0..255."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    images = some_bytes(len(labels), 28, 28)
    (raw / MNIST_FILES[split][0]).write_bytes(idx_images(images))
    (raw / MNIST_FILES[split][1]).write_bytes(idx_labels(list(labels)))
    return images


def usps_line(label: int | str, pixels: list[float]) -> str:
    return f"{label} " + " ".join(f"{n}:{value:g}" for n, value in enumerate(pixels, 1)) + " \n"


def usps_archive(*lines: str) -> bytes:
    return bz2.compress("".join(lines).encode())


def usps_pixels(count: int) -> np.ndarray:
    return np.random.default_rng(4).integers(-1000, 1001, (count, 256)) / 1000


def write_usps(root: Path, *lines: str) -> Path:
    path = root / "usps.t.bz2"
    path.write_bytes(usps_archive(*lines))
    return path


def one_hot_lines(labels: list[int]) -> list[str]:
    # As the authors write them: padded with blanks, and lines that end in CR LF.
    return ["".join(f"{int(label == k):10d}" for k in range(10)) + "\r\n" for label in labels]


def pixel_lines(images: np.ndarray) -> list[str]:
    return [" ".join(f"{value:.10f}" for value in image.ravel()) + "\r\n" for image in images]


def write_ardis(
    root: Path, image_lines: list[str] | None = None, label_lines: list[str] | None = None
) -> tuple[Path, Path]:
    """Write a test part of three images, with the given lines in place of good ones."""
    folder = root / "ARDIS_IV"
    folder.mkdir()
    images, labels = folder / "ARDIS_test_2828.csv", folder / "ARDIS_test_labels.csv"
    if image_lines is None:
        image_lines = pixel_lines(some_bytes(3, 28, 28))
    if label_lines is None:
        label_lines = one_hot_lines([4, 4, 1])
    images.write_bytes("".join(image_lines).encode())
    labels.write_bytes("".join(label_lines).encode())
    return images, labels


def refusal(name: str, root: Path | None, split: str = "test", **options: bool) -> list[str]:
    """The lines of the error that loading raises; nothing below it is shown to the user."""
    with pytest.raises(DataError) as caught:
        load_images(name, split, root=root, **options)
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    return str(error).splitlines()


FETCH_AGAIN = "  what to do: delete the file and fetch it again with --interp-download"
