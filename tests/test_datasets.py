"""Data sets: what is read, what is refused and how, and what a download leaves behind."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import http.server
import os
import socket
import struct
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from interp_checks.errors import DataError
from interp_fixtures import image_downloads
from interp_fixtures.datasets import DATASETS, ImageSet, images_available, load_images

DATA_ROOT = os.environ.get("INTERP_DATA")
real_data = pytest.mark.skipif(not DATA_ROOT, reason="INTERP_DATA names no folder of real data")

MNIST_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


# --- small made files -------------------------------------------------------------------------


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


# --- reading ----------------------------------------------------------------------------------


def test_mnist_is_read_byte_for_byte(tmp_path):
    pixels = write_mnist(tmp_path)
    loaded = load_images("mnist", "test", root=tmp_path)
    assert loaded.images.dtype == np.float32
    assert loaded.labels.dtype == np.int64
    np.testing.assert_array_equal(loaded.images, pixels.astype(np.float32) / np.float32(255))
    assert loaded.labels.tolist() == [7, 0, 9]
    assert loaded.class_names == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
    assert (loaded.name, loaded.split, len(loaded)) == ("mnist", "test", 3)
    assert loaded.source == f"found in {tmp_path}"


def test_mnist_parts_are_told_apart(tmp_path):
    write_mnist(tmp_path, "train", (1, 2))
    write_mnist(tmp_path, "test", (3, 4, 5))
    assert load_images("mnist", "train", root=tmp_path).labels.tolist() == [1, 2]
    assert load_images("mnist", "test", root=str(tmp_path)).labels.tolist() == [3, 4, 5]


def test_mnist_is_read_from_archives_without_writing_beside_them(tmp_path):
    write_mnist(tmp_path)
    plain = load_images("mnist", "test", root=tmp_path)
    raw = tmp_path / "MNIST" / "raw"
    for file in MNIST_FILES["test"]:
        (raw / f"{file}.gz").write_bytes(gzip.compress((raw / file).read_bytes()))
        (raw / file).unlink()
    before = sorted(raw.iterdir())
    packed = load_images("mnist", "test", root=tmp_path)
    assert packed.digest == plain.digest
    assert sorted(raw.iterdir()) == before


def test_mnist_ignores_what_an_old_torchvision_left(tmp_path):
    write_mnist(tmp_path)
    processed = tmp_path / "MNIST" / "processed"
    processed.mkdir()
    for file in ("training.pt", "test.pt"):
        (processed / file).write_bytes(b"half a pickle")
    assert load_images("mnist", "test", root=tmp_path).labels.tolist() == [7, 0, 9]


def test_a_tilde_in_the_root_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write_mnist(tmp_path / "data")
    assert load_images("mnist", "test", root="~/data").source == f"found in {tmp_path / 'data'}"


def test_usps_has_the_values_that_torchvision_gives(tmp_path):
    from PIL import Image
    from torchvision.datasets import USPS

    pixels = usps_pixels(5)
    write_usps(tmp_path, *(usps_line(k + 1, row) for k, row in enumerate(pixels)))
    loaded = load_images("usps", "test", root=tmp_path)
    theirs = USPS(tmp_path, train=False, download=False)
    assert loaded.labels.tolist() == [0, 1, 2, 3, 4] == theirs.targets
    for image, small in zip(loaded.images, theirs.data, strict=True):
        square = Image.fromarray(small.astype(np.float32) / np.float32(255))
        large = np.asarray(square.resize((28, 28), Image.Resampling.BILINEAR))
        np.testing.assert_array_equal(image, large)


@pytest.mark.parametrize(("value", "byte"), [(-1, 0), (1, 255), (0, 127), (-0.631, 47)])
def test_usps_pixels_become_bytes(tmp_path, value, byte):
    # (value + 1) / 2 × 255, rounded down; an even image stays even when it is enlarged.
    write_usps(tmp_path, usps_line(10, [value] * 256))
    loaded = load_images("usps", "test", root=tmp_path)
    np.testing.assert_allclose(loaded.images, byte / 255, atol=1e-6)
    assert loaded.labels.tolist() == [9]


def test_enlarging_is_bilinear(tmp_path):
    # A ramp from left to right: what lies between two pixels' middles lies on the line through
    # their values; outside the outermost middles the border pixel is kept.
    write_usps(tmp_path, usps_line(1, [column / 7.5 - 1 for column in range(16)] * 16))
    (image,) = load_images("usps", "test", root=tmp_path).images
    bytes_of_row = [int((np.float32(f"{c / 7.5 - 1:g}") + 1) / 2 * 255) for c in range(16)]
    middles = (np.arange(28) + 0.5) * 16 / 28 - 0.5
    row = np.interp(middles, np.arange(16), np.array(bytes_of_row) / 255)
    np.testing.assert_allclose(image, np.tile(row, (28, 1)), atol=1e-5)


def test_ardis_is_read(tmp_path):
    pixels = some_bytes(3, 28, 28)
    write_ardis(tmp_path, pixel_lines(pixels), one_hot_lines([9, 0, 3]))
    loaded = load_images("ardis", "test", root=tmp_path)
    np.testing.assert_array_equal(loaded.images, pixels.astype(np.float32) / np.float32(255))
    assert loaded.labels.tolist() == [9, 0, 3]
    assert (loaded.images.dtype, loaded.labels.dtype) == (np.float32, np.int64)
    assert loaded.source == f"found in {tmp_path}"


def test_digits_need_no_folder():
    train, test = load_images("digits", "train"), load_images("digits", "test")
    assert (len(train), len(test)) == (1198, 599)
    assert test.source == "embedded in scikit-learn"
    # scikit-learn's first ten images are 0 to 9 in this order.
    assert test.labels[:3].tolist() == [2, 5, 8]
    assert train.labels[:6].tolist() == [0, 1, 3, 4, 6, 7]
    for part in (train, test):
        assert part.images.shape[1:] == (28, 28)
        assert 0 <= part.images.min() < part.images.max() <= 1
        assert (np.bincount(part.labels, minlength=10) > 50).all()


def test_digits_are_enlarged_and_scaled():
    from sklearn.datasets import load_digits

    small = load_digits().images
    test = load_images("digits", "test")
    # Bilinear enlarging by 3.5 keeps the mean of an image up to its border.
    means = small[2::3].mean(axis=(1, 2)) / 16
    np.testing.assert_allclose(test.images.mean(axis=(1, 2)), means, atol=0.02)
    # The pixel at (4, 4) covers (1.29, 1.29) ± a third of the small image's pixels.
    at = 4.5 * 8 / 28 - 0.5
    low, part = int(at), at - int(at)
    corner = small[2, low : low + 2, low : low + 2] / 16
    by_hand = np.array([1 - part, part]) @ corner @ np.array([1 - part, part])
    assert test.images[0, 4, 4] == pytest.approx(by_hand, abs=1e-6)


# --- image sets -------------------------------------------------------------------------------


def image_set(labels: list[int], /, **changes: object) -> ImageSet:
    fields: dict[str, object] = {
        "name": "made",
        "split": "test",
        "images": some_bytes(len(labels), 28, 28).astype(np.float32) / np.float32(255),
        "labels": np.array(labels, dtype=np.int64),
        "class_names": ("zero", "one", "two"),
        "source": "made here",
    }
    return ImageSet(**(fields | changes))


def test_digest_is_over_images_and_labels_alone(tmp_path):
    made = image_set([0, 2, 1])
    by_hand = hashlib.sha256(made.images.tobytes() + made.labels.tobytes()).hexdigest()
    assert made.digest == by_hand == made.digest
    assert image_set([0, 2, 1], name="other", split="train", source="there").digest == by_hand
    assert image_set([0, 2, 2]).digest != by_hand
    assert image_set([0, 2, 1], images=made.images[::-1]).digest != by_hand
    assert image_set([0, 2, 1], images=made.images[::-1][::-1]).digest == by_hand


def test_digest_is_known():
    images = np.zeros((1, 28, 28), dtype=np.float32)
    images[0, 0, 0] = 1
    # sha256 of 00 00 80 3f, 3132 zero bytes, 02 and seven zero bytes.
    by_hand = hashlib.sha256(b"\x00\x00\x80\x3f" + bytes(3132) + b"\x02" + bytes(7)).hexdigest()
    assert image_set([2], images=images).digest == by_hand


def test_digest_does_not_depend_on_the_folder(tmp_path):
    digests = set()
    for folder in (tmp_path / "a", tmp_path / "b"):
        write_mnist(folder)
        digests.add(load_images("mnist", "test", root=folder).digest)
    assert len(digests) == 1


def test_loading_twice_gives_the_same():
    assert load_images("digits", "test").digest == load_images("digits", "test").digest
    assert load_images("digits", "test").digest != load_images("digits", "train").digest


def test_only_classes_keeps_and_relabels():
    made = image_set([0, 2, 1, 2, 0])
    kept = made.only_classes(["two", "zero"])
    assert kept.labels.tolist() == [1, 0, 0, 1]
    assert kept.class_names == ("two", "zero")
    np.testing.assert_array_equal(kept.images, made.images[[0, 1, 3, 4]])
    assert kept.source == "made here, only classes two, zero"
    assert kept.digest != made.digest
    assert made.only_classes("one").labels.tolist() == [0]


def test_only_classes_takes_numbers_for_digits():
    few = load_images("digits", "test").only_classes([8, "3"])
    assert few.class_names == ("8", "3")
    assert set(few.labels.tolist()) == {0, 1}


@pytest.mark.parametrize(
    ("names", "lines"),
    [
        (["one", "ten"], ["made: unknown class", "  found: ten"]),
        (["one", "one"], ["made: classes not given once each", "  found: one, one"]),
        ([], ["made: classes not given once each", "  found: no class"]),
    ],
)
def test_only_classes_refuses(names, lines):
    with pytest.raises(DataError) as caught:
        image_set([0, 1]).only_classes(names)
    assert str(caught.value).splitlines() == [*lines, "  expected: some of zero, one, two"]


def test_only_classes_refuses_to_leave_nothing():
    with pytest.raises(DataError, match="made test: no images"):
        image_set([0, 1]).only_classes(["two"])


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"images": np.zeros((2, 28, 28))}, "images of the wrong type or shape"),
        ({"images": np.zeros((2, 784), dtype=np.float32)}, "images of the wrong type or shape"),
        ({"labels": np.zeros(3, dtype=np.int64)}, "labels of the wrong type or shape"),
        ({"labels": np.zeros(2, dtype=np.int32)}, "labels of the wrong type or shape"),
        ({"labels": np.array([0, 3], dtype=np.int64)}, "a label has no class name"),
        ({"labels": np.array([-1, 0], dtype=np.int64)}, "a label has no class name"),
    ],
)
def test_image_sets_whose_arrays_do_not_fit_are_refused(changes, problem):
    with pytest.raises(DataError) as caught:
        image_set([0, 1], **changes)
    assert caught.value.problem == f"made test: {problem}"


def test_image_sets_can_be_keys_and_show_no_pixels():
    made = image_set([0, 1])
    assert {made: 1}[made] == 1
    assert made != image_set([0, 1])
    assert "array" not in repr(made)
    assert "made here" in repr(made)


# --- names, folders and missing files ---------------------------------------------------------


def test_unknown_names_are_refused():
    with pytest.raises(DataError) as caught:
        load_images("emnist", "test")
    assert str(caught.value).splitlines() == [
        "'emnist': no such data set",
        "  expected: one of mnist, usps, ardis, digits",
    ]
    with pytest.raises(DataError) as caught:
        load_images("digits", "validation")
    assert str(caught.value).splitlines() == [
        "'validation': no such part of digits",
        "  expected: one of train, test",
    ]
    with pytest.raises(DataError, match="'emnist': no such data set"):
        images_available("emnist", None)


@pytest.mark.parametrize("name", ["mnist", "usps", "ardis"])
@pytest.mark.parametrize("download", [False, True])
def test_without_a_root_the_ways_to_name_one_are_told(name, download):
    lines = refusal(name, None, download=download)
    assert lines[:2] == [f"{name}: no folder to read it from", "  found: no data root"]
    remedy = lines[-1]
    assert remedy.startswith("  what to do: ")
    assert "--interp-data-root DIR" in remedy
    assert "the ini key interp_data_root" in remedy
    assert "the environment variable INTERP_DATA" in remedy
    assert ("--interp-download" in remedy) == (name != "ardis")
    assert ("ARDIS_DATASET_IV.rar" in remedy) == (name == "ardis")


@pytest.mark.parametrize("name", ["mnist", "usps", "ardis"])
def test_a_missing_folder_is_named(name, tmp_path):
    lines = refusal(name, tmp_path / "nowhere")
    assert lines[0] == f"{tmp_path / 'nowhere'}: {name} test images are missing"
    assert lines[1] == "  found: no such folder"
    assert "--interp-data-root DIR" in lines[3]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("mnist", "MNIST/raw/t10k-labels-idx1-ubyte"),
        ("usps", "usps.t.bz2"),
        ("ardis", "ARDIS_IV/ARDIS_test_labels.csv"),
    ],
)
def test_a_missing_file_is_named(name, file, tmp_path):
    write_mnist(tmp_path)
    write_usps(tmp_path, usps_line(1, [0] * 256))
    write_ardis(tmp_path)
    load_images(name, "test", root=tmp_path)
    (tmp_path / file).unlink()
    lines = refusal(name, tmp_path)
    assert lines[0] == f"{tmp_path / file}: {name} test images are missing"
    assert lines[1] == "  found: no such file"
    assert lines[2].startswith("  expected: ")
    assert lines[2].endswith(str(tmp_path / file))
    assert lines[3].startswith("  what to do: ")


def test_ardis_is_not_downloaded(tmp_path):
    lines = refusal("ardis", tmp_path, download=True)
    assert "unpack that into ROOT/ARDIS_IV" in lines[-1]
    assert list(tmp_path.iterdir()) == []


def test_availability(tmp_path):
    assert images_available("digits", None)
    assert not any(images_available(name, None) for name in DATASETS if name != "digits")
    assert not any(images_available(name, tmp_path) for name in DATASETS if name != "digits")
    write_mnist(tmp_path, "test")
    assert not images_available("mnist", tmp_path)
    write_mnist(tmp_path, "train")
    assert images_available("mnist", tmp_path)
    packed = tmp_path / "MNIST" / "raw" / MNIST_FILES["test"][0]
    packed.rename(f"{packed}.gz")
    assert images_available("mnist", str(tmp_path))
    (tmp_path / "usps.bz2").touch()
    assert not images_available("usps", tmp_path)
    (tmp_path / "usps.t.bz2").touch()
    assert images_available("usps", tmp_path)
    write_ardis(tmp_path)
    assert not images_available("ardis", tmp_path)


# --- files that are not what they should be ---------------------------------------------------

FETCH_AGAIN = "  what to do: delete the file and fetch it again with --interp-download"
UNPACK_AGAIN = (
    "  what to do: delete the file and unpack ARDIS_DATASET_IV.rar, as its authors publish it, "
    "into the folder ARDIS_IV again"
)
GOOD_IMAGES = idx_images(some_bytes(3, 28, 28))


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (
            GOOD_IMAGES[:-100],
            [
                "truncated",
                "  found: 2268 bytes",
                "  expected: 2368 bytes (16 of header, then 3 images of 28×28)",
            ],
        ),
        (
            GOOD_IMAGES + b"\0",
            [
                "longer than its header says",
                "  found: 2369 bytes",
                "  expected: 2368 bytes (16 of header, then 3 images of 28×28)",
            ],
        ),
        (
            GOOD_IMAGES[:10],
            ["truncated", "  found: 10 bytes", "  expected: a header of 16 bytes and its data"],
        ),
        (b"", ["truncated", "  found: 0 bytes", "  expected: a header of 16 bytes and its data"]),
        (
            b"<!DOCTYPE html>\n<html></html>",
            [
                "wrong magic number",
                "  found: 0x3c21444f",
                "  expected: 0x00000803 (unsigned bytes in 3 dimension(s))",
            ],
        ),
        (
            idx_images(some_bytes(3, 27, 28)),
            ["wrong shape", "  found: images of 27×28", "  expected: images of 28×28"],
        ),
        (
            idx_images(some_bytes(0, 28, 28)),
            ["empty", "  found: a header that counts 0", "  expected: at least 1"],
        ),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_bad_mnist_images_are_refused(tmp_path, content, lines, packed):
    write_mnist(tmp_path)
    path = tmp_path / "MNIST" / "raw" / MNIST_FILES["test"][0]
    if packed:
        path.unlink()
        path, content = path.with_name(path.name + ".gz"), gzip.compress(content)
    path.write_bytes(content)
    assert refusal("mnist", tmp_path) == [f"{path}: {lines[0]}", *lines[1:], FETCH_AGAIN]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (
            idx_labels([7, 0, 9])[:-1],
            [
                "truncated",
                "  found: 10 bytes",
                "  expected: 11 bytes (8 of header, then 3 labels)",
            ],
        ),
        (
            GOOD_IMAGES,
            [
                "wrong magic number",
                "  found: 0x00000803",
                "  expected: 0x00000801 (unsigned bytes in 1 dimension(s))",
            ],
        ),
        (
            idx_labels([7, 10, 9]),
            [
                "a label is none of the ten classes",
                "  found: 10 in row 2",
                "  expected: whole numbers in 0..9",
            ],
        ),
    ],
)
def test_bad_mnist_labels_are_refused(tmp_path, content, lines):
    write_mnist(tmp_path)
    path = tmp_path / "MNIST" / "raw" / MNIST_FILES["test"][1]
    path.write_bytes(content)
    assert refusal("mnist", tmp_path) == [f"{path}: {lines[0]}", *lines[1:], FETCH_AGAIN]


def test_mnist_labels_and_images_must_agree(tmp_path):
    write_mnist(tmp_path)
    path = tmp_path / "MNIST" / "raw" / MNIST_FILES["test"][1]
    path.write_bytes(idx_labels([1, 2]))
    assert refusal("mnist", tmp_path) == [
        f"{path}: labels and images do not agree",
        "  found: 2 labels",
        "  expected: 3, one for each image in the file beside it",
        "  what to do: delete both files and fetch them again with --interp-download",
    ]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (gzip.compress(GOOD_IMAGES)[:-900], "Compressed file ended before"),
        (b"no archive", "Not a gzipped file"),
        (gzip.compress(GOOD_IMAGES)[:40] + b"\xff" * 2400, ""),
    ],
)
def test_bad_mnist_archives_are_refused(tmp_path, content, found):
    write_mnist(tmp_path)
    path = tmp_path / "MNIST" / "raw" / MNIST_FILES["test"][0]
    path.unlink()
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(content)
    lines = refusal("mnist", tmp_path)
    assert lines[0] == f"{packed}: cannot be read"
    assert lines[1].startswith(f"  found: {found}")
    assert lines[2:] == ["  expected: the idx file of MNIST's images", FETCH_AGAIN]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    write_mnist(tmp_path)
    path = tmp_path / "MNIST" / "raw" / MNIST_FILES["test"][0]
    path.chmod(0)
    lines = refusal("mnist", tmp_path)
    assert lines[0] == f"{path}: cannot be read"
    assert "Permission denied" in lines[1]


@pytest.mark.parametrize(
    ("lines", "problem", "found", "expected"),
    [
        (
            [usps_line(1, [0] * 256), usps_line(2, [0] * 255)],
            "not the expected lines of numbers",
            "511 numbers in line 2",
            "513 numbers in every line",
        ),
        (
            [usps_line(1, [0] * 128), usps_line(2, [0] * 128)],  # torchvision makes one image
            "not the expected lines of numbers",
            "257 numbers in line 1",
            "513 numbers in every line",
        ),
        (
            [usps_line(1, [0] * 256), usps_line("two", [0] * 256)],
            "not the expected lines of numbers",
            "'two', which is no number, in line 2",
            "513 numbers in every line",
        ),
        (
            [],
            "not the expected lines of numbers",
            "no numbers",
            "513 numbers in every line",
        ),
        (
            [usps_line(1, [0] * 256), usps_line(1, [0] * 99 + [1.5] + [0] * 156)],
            "a pixel is out of range",
            "1.5 in row 2, pixel 100",
            "numbers in -1..1",
        ),
        (
            [usps_line(0, [0] * 256)],
            "a label is none of the ten classes",
            "0 in row 1",
            "whole numbers in 1..10",
        ),
        (
            [usps_line(1, [0] * 256).replace(" 5:", " 6:")],
            "a line's pixels are not in order",
            "6 where 5 belongs, in row 1",
            "the pixels 1 to 256 in every line",
        ),
    ],
)
def test_bad_usps_lines_are_refused(tmp_path, lines, problem, found, expected):
    path = write_usps(tmp_path, *lines)
    assert refusal("usps", tmp_path) == [
        f"{path}: {problem}",
        f"  found: {found}",
        f"  expected: {expected}",
        FETCH_AGAIN,
    ]


@pytest.mark.parametrize(
    ("keep", "found"), [(slice(None, -50), "Compressed file ended"), (slice(5, None), "Invalid")]
)
def test_bad_usps_archives_are_refused(tmp_path, keep, found):
    path = write_usps(tmp_path, *(usps_line(1, row) for row in usps_pixels(4)))
    path.write_bytes(path.read_bytes()[keep])
    lines = refusal("usps", tmp_path)
    assert lines[0] == f"{path}: cannot be read"
    assert lines[1].startswith(f"  found: {found}")
    assert lines[2] == "  expected: a bz2 archive of lines 'label 1:value ... 256:value'"
    assert lines[3] == FETCH_AGAIN


def test_what_torchvision_raises_does_not_escape(tmp_path, monkeypatch):
    import torchvision.datasets

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("deep inside")

    monkeypatch.setattr(torchvision.datasets, "USPS", broken)
    monkeypatch.setattr(torchvision.datasets.mnist, "read_image_file", broken)
    write_mnist(tmp_path)
    path = write_usps(tmp_path, usps_line(1, [0] * 256))
    assert refusal("usps", tmp_path)[:2] == [f"{path}: cannot be read", "  found: deep inside"]
    assert refusal("mnist", tmp_path)[1] == "  found: deep inside"


def changed_pixel(text: str) -> list[str]:
    lines = pixel_lines(some_bytes(3, 28, 28))
    lines[1] = " ".join([*lines[1].split()[:4], text, *lines[1].split()[5:]]) + "\n"
    return lines


@pytest.mark.parametrize(
    ("image_lines", "problem", "found", "expected"),
    [
        (
            pixel_lines(some_bytes(3, 28, 27)),
            "not the expected lines of numbers",
            "756 numbers in line 1",
            "784 numbers in every line",
        ),
        (
            [*pixel_lines(some_bytes(3, 28, 28))[:2], "0.0 1.0 2.0"],
            "not the expected lines of numbers",
            "3 numbers in line 3",
            "784 numbers in every line",
        ),
        (
            changed_pixel("white"),
            "not the expected lines of numbers",
            "'white', which is no number, in line 2",
            "784 numbers in every line",
        ),
        (
            changed_pixel("1_0"),
            "not the expected lines of numbers",
            "text that is no number",
            "784 numbers in every line",
        ),
        (
            [],
            "not the expected lines of numbers",
            "no numbers",
            "784 numbers in every line",
        ),
        (
            changed_pixel("255.5"),
            "a pixel is out of range",
            "255.5 in row 2, pixel 5",
            "numbers in 0..255",
        ),
        (
            changed_pixel("-1"),
            "a pixel is out of range",
            "-1 in row 2, pixel 5",
            "numbers in 0..255",
        ),
        (
            changed_pixel("nan"),
            "a pixel is out of range",
            "nan in row 2, pixel 5",
            "numbers in 0..255",
        ),
    ],
)
def test_bad_ardis_images_are_refused(tmp_path, image_lines, problem, found, expected):
    path, _ = write_ardis(tmp_path, image_lines=image_lines)
    assert refusal("ardis", tmp_path) == [
        f"{path}: {problem}",
        f"  found: {found}",
        f"  expected: {expected}",
        UNPACK_AGAIN,
    ]


@pytest.mark.parametrize(
    ("second_line", "found"),
    [
        ("0 0 0 1 0 0 1 0 0 0\n", "0 0 0 1 0 0 1 0 0 0 in row 2"),
        ("0 0 0 0 0 0 0 0 0 0\n", "0 0 0 0 0 0 0 0 0 0 in row 2"),
        ("0 0 0.5 0 0 0.5 0 0 0 0\n", "0 0 0.5 0 0 0.5 0 0 0 0 in row 2"),
        ("1 0 -1 0 0 1 0 0 0 0\n", "1 0 -1 0 0 1 0 0 0 0 in row 2"),
    ],
)
def test_ardis_labels_that_are_not_one_hot_are_refused(tmp_path, second_line, found):
    good = one_hot_lines([1, 2, 3])
    _, path = write_ardis(tmp_path, label_lines=[good[0], second_line, good[2]])
    assert refusal("ardis", tmp_path) == [
        f"{path}: a label is not one-hot",
        f"  found: {found}",
        "  expected: a single 1 and nine 0 in every row",
        UNPACK_AGAIN,
    ]


@pytest.mark.parametrize(
    ("label_lines", "found"),
    [
        (["7\n", "0\n", "9\n"], "1 numbers in line 1"),
        (["seven\n"], "'seven', which is no number, in line 1"),
    ],
)
def test_ardis_labels_that_are_no_ten_numbers_are_refused(tmp_path, label_lines, found):
    _, path = write_ardis(tmp_path, label_lines=label_lines)
    assert refusal("ardis", tmp_path) == [
        f"{path}: not the expected lines of numbers",
        f"  found: {found}",
        "  expected: 10 numbers in every line",
        UNPACK_AGAIN,
    ]


def test_ardis_labels_and_images_must_agree(tmp_path):
    _, path = write_ardis(tmp_path, label_lines=one_hot_lines([1, 2, 3, 4]))
    lines = refusal("ardis", tmp_path)
    assert lines[0] == f"{path}: labels and images do not agree"
    assert lines[1:3] == [
        "  found: 4 labels",
        "  expected: 3, one for each image in the file beside it",
    ]
    assert "delete both files and unpack ARDIS_DATASET_IV.rar" in lines[3]


# --- downloads --------------------------------------------------------------------------------


class Shop:
    """A server on this machine that hands out what is in `files` and notes what was asked for."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.files: dict[str, bytes] = {}
        self.cut = 0  # how many bytes of each answer are promised and then not sent
        self.asked: list[str] = []


@pytest.fixture
def shop(monkeypatch) -> Iterator[Shop]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/")
            opened.asked.append(name)
            if name not in opened.files:
                self.send_error(404)
                return
            content = opened.files[name]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) - opened.cut])

        def log_message(self, *_: object) -> None:
            pass

    # Requests to this machine must not take the way through a proxy.
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    opened = Shop(f"http://127.0.0.1:{server.server_address[1]}/")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield opened
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def mnist_shop(shop, tmp_path, monkeypatch) -> Shop:
    from torchvision.datasets import MNIST

    made = tmp_path / "made"
    resources = []
    for split, labels in (("train", (1, 2)), ("test", (3, 4, 5))):
        write_mnist(made, split, labels)
        for file in MNIST_FILES[split]:
            packed = gzip.compress((made / "MNIST" / "raw" / file).read_bytes())
            shop.files[f"{file}.gz"] = packed
            resources.append((f"{file}.gz", hashlib.md5(packed).hexdigest()))
    monkeypatch.setattr(MNIST, "mirrors", [shop.address])
    monkeypatch.setattr(MNIST, "resources", resources)
    return shop


@pytest.fixture
def usps_shop(shop, monkeypatch) -> Shop:
    from torchvision.datasets import USPS

    splits = {}
    for split, file, count in (("train", "usps.bz2", 3), ("test", "usps.t.bz2", 2)):
        archive = usps_archive(*(usps_line(k + 1, row) for k, row in enumerate(usps_pixels(count))))
        shop.files[file] = archive
        splits[split] = [shop.address + file, file, hashlib.md5(archive).hexdigest()]
    monkeypatch.setattr(USPS, "split_list", splits)
    return shop


def files_below(root: Path) -> set[str]:
    """What a loader could take for data; the lock file is empty and hidden."""
    return {
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def test_mnist_is_downloaded_once(mnist_shop, tmp_path, capsys):
    root = tmp_path / "new" / "root"
    loaded = load_images("mnist", "test", root=root, download=True)
    assert loaded.labels.tolist() == [3, 4, 5]
    assert loaded.source == f"downloaded to {root}"
    assert files_below(root) == {
        f"MNIST/raw/{file}" for files in MNIST_FILES.values() for file in files
    }
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "100" in shown.err  # per cent, whether or not tqdm is installed

    mnist_shop.asked.clear()
    again = load_images("mnist", "train", root=root, download=True)
    assert again.labels.tolist() == [1, 2]
    assert again.source == f"found in {root}"
    assert mnist_shop.asked == []
    assert load_images("mnist", "test", root=root).digest == loaded.digest


def test_files_that_are_there_are_not_replaced(mnist_shop, tmp_path):
    root = tmp_path / "root"
    write_mnist(root, "train", (8, 8, 8, 8))
    load_images("mnist", "test", root=root, download=True, progress=False)
    assert load_images("mnist", "train", root=root).labels.tolist() == [8, 8, 8, 8]


def test_a_truncated_file_that_is_there_is_not_silently_replaced(mnist_shop, tmp_path):
    write_mnist(tmp_path)
    path = tmp_path / "MNIST" / "raw" / MNIST_FILES["test"][0]
    path.write_bytes(path.read_bytes()[:-1])
    lines = refusal("mnist", tmp_path, download=True)
    assert lines[0] == f"{path}: truncated"
    assert mnist_shop.asked == []
    path.unlink()
    write_mnist(tmp_path, "test", (3, 4, 5))
    path.unlink()
    loaded = load_images("mnist", "test", root=tmp_path, download=True, progress=False)
    assert loaded.labels.tolist() == [3, 4, 5]


def test_usps_is_downloaded_part_by_part(usps_shop, tmp_path, capsys):
    loaded = load_images("usps", "test", root=tmp_path, download=True)
    assert loaded.labels.tolist() == [0, 1]
    assert loaded.source == f"downloaded to {tmp_path}"
    assert files_below(tmp_path) == {"usps.t.bz2"}
    assert "100" in capsys.readouterr().err
    load_images("usps", "train", root=tmp_path, download=True)
    assert files_below(tmp_path) == {"usps.t.bz2", "usps.bz2"}


def test_progress_can_be_silenced_or_taken(usps_shop, tmp_path, capsys):
    load_images("usps", "test", root=tmp_path, download=True, progress=False)
    told: list[str] = []
    load_images("usps", "train", root=tmp_path, download=True, progress=told.append)
    assert told == [f"downloading usps to {tmp_path}", f"downloaded usps to {tmp_path}"]
    assert capsys.readouterr() == ("", "")


def nothing_to_fetch(shop: Shop) -> None:
    shop.files.clear()


def cut_short(shop: Shop) -> None:
    shop.cut = 7


def other_content(shop: Shop) -> None:
    for name in shop.files:
        shop.files[name] = b"<html>not here</html>"


@pytest.mark.parametrize(
    ("go_wrong", "cause"),
    [
        (nothing_to_fetch, "HTTP Error 404"),
        (cut_short, "File not found or corrupted"),
        (other_content, "File not found or corrupted"),
    ],
)
@pytest.mark.parametrize("name", ["mnist", "usps"])
def test_a_failed_download_leaves_nothing(
    name: str,
    go_wrong: Callable[[Shop], None],
    cause: str,
    mnist_shop: Shop,
    usps_shop: Shop,
    tmp_path: Path,
) -> None:
    root = tmp_path / "root"
    go_wrong(mnist_shop)
    lines = refusal(name, root, download=True, progress=False)
    assert mnist_shop.asked != []
    assert lines[0] == f"{root}: {name} could not be downloaded into this folder"
    assert lines[1].startswith("  found: ")
    assert cause in lines[1]
    assert "://" not in lines[1]
    assert lines[2].startswith("  expected: a network connection")
    assert "--interp-data-root DIR" in lines[3]
    assert len(lines) == 4
    assert files_below(root) == set()
    assert not images_available(name, root)
    assert not any(path.is_dir() for path in root.iterdir())


def test_when_a_later_file_fails_the_earlier_ones_do_not_stay(mnist_shop, tmp_path):
    root = tmp_path / "root"
    del mnist_shop.files["t10k-labels-idx1-ubyte.gz"]
    lines = refusal("mnist", root, split="train", download=True, progress=False)
    assert "Error downloading t10k-labels-idx1-ubyte.gz" in lines[1]
    assert files_below(root) == set()


def test_a_server_that_is_away_is_reported(mnist_shop, tmp_path, monkeypatch):
    from torchvision.datasets import MNIST

    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    monkeypatch.setattr(MNIST, "mirrors", [address])
    lines = refusal("mnist", tmp_path / "root", download=True, progress=False)
    assert "refused" in lines[1]


def test_a_server_that_falls_silent_is_given_up(mnist_shop, tmp_path, monkeypatch):
    from torchvision.datasets import MNIST

    monkeypatch.setattr(image_downloads, "_SECONDS_OF_SILENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        monkeypatch.setattr(MNIST, "mirrors", [address])
        lines = refusal("mnist", tmp_path / "root", download=True, progress=False)
    assert "timed out" in lines[1]
    assert socket.getdefaulttimeout() is None


def test_a_root_that_cannot_be_made_is_reported(mnist_shop, tmp_path):
    (tmp_path / "file").touch()
    lines = refusal("mnist", tmp_path / "file" / "root", download=True, progress=False)
    assert lines[0].startswith(f"{tmp_path / 'file' / 'root'}: mnist could not be downloaded")
    assert mnist_shop.asked == []


def test_an_interrupted_download_leaves_nothing(mnist_shop, tmp_path, monkeypatch):
    from torchvision.datasets import MNIST

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(MNIST, "_load_data", interrupted)
    root = tmp_path / "root"
    with pytest.raises(KeyboardInterrupt):
        load_images("mnist", "test", root=root, download=True, progress=False)
    assert files_below(root) == set()
    assert not any(path.is_dir() for path in root.iterdir())


def test_of_several_that_want_it_one_downloads(mnist_shop, tmp_path):
    root = tmp_path / "root"
    labels: list[list[int]] = []

    def load() -> None:
        loaded = load_images("mnist", "test", root=root, download=True, progress=True)
        labels.append(loaded.labels.tolist())

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert labels == [[3, 4, 5]] * 3
    assert mnist_shop.asked.count("t10k-images-idx3-ubyte.gz") <= 2  # one redirect check, one get


# --- importing --------------------------------------------------------------------------------

HEAVY = {"torch", "torchvision", "sklearn", "PIL", "pandas", "scipy"}


def modules_after(code: str) -> set[str]:
    printed = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return set(printed.split())


def test_importing_is_light():
    assert modules_after("import interp_fixtures.datasets") & HEAVY == set()


def test_the_test_of_light_importing_can_fail():
    code = "from interp_fixtures.datasets import load_images\nload_images('digits', 'test')"
    assert modules_after(code) & HEAVY >= {"sklearn", "PIL"}


# --- the real data ----------------------------------------------------------------------------


@real_data
@pytest.mark.parametrize(
    ("name", "split", "counts"),
    [
        ("mnist", "train", [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]),
        ("mnist", "test", [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]),
        ("usps", "train", [1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644]),
        ("usps", "test", [359, 264, 198, 166, 200, 160, 170, 147, 166, 177]),
        ("ardis", "train", [660] * 10),
        ("ardis", "test", [100] * 10),
    ],
)
def test_real_images(name, split, counts):
    loaded = load_images(name, split, root=DATA_ROOT)
    assert np.bincount(loaded.labels).tolist() == counts
    assert loaded.images.shape == (sum(counts), 28, 28)
    assert loaded.images.dtype == np.float32
    assert loaded.images.min() == 0
    assert 0.9 < loaded.images.max() <= 1
    # Ink is bright on a dark ground in all of them; USPS touches the border, but not the corners.
    assert loaded.images[:, :2, :2].mean() < 0.1 < loaded.images[:, 8:20, 8:20].mean()


@real_data
@pytest.mark.parametrize("split", ["train", "test"])
def test_real_mnist_is_what_torchvision_reads(split):
    from torchvision.datasets import MNIST

    theirs = MNIST(DATA_ROOT, train=split == "train", download=False)
    ours = load_images("mnist", split, root=DATA_ROOT)
    np.testing.assert_array_equal(np.rint(ours.images * 255), theirs.data.numpy())
    np.testing.assert_array_equal(ours.labels, theirs.targets.numpy())


@real_data
def test_real_data_are_available():
    assert all(images_available(name, DATA_ROOT) for name in DATASETS)
