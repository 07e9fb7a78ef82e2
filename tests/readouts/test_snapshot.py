"""Snapshot files: every bit comes back, and what is damaged is said to be."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

import interp_checks.files.tensors
from interp_checks import (
    CheckpointError,
    InterpChecksError,
    Readout,
    in_half_precision,
    load_snapshot,
    readout_of,
    save_snapshot,
)
from interp_checks.files.tensors import file_digest, write_tensors
from interp_checks.files.writing import replacing

FORMAT = "interp-checks snapshot 1"
TENSORS = {
    "features": np.ones((2, 3), dtype=np.float32),
    "labels": np.array([0, 1], dtype=np.uint8),
    "weight": np.ones((2, 3), dtype=np.float32),
    "bias": np.zeros(2, dtype=np.float32),
}
METADATA = {"format": FORMAT, "class_names": '["0", "1"]'}


def made(dtype: type = np.float32, classes: int = 4, **more: object) -> Readout:
    rng = np.random.default_rng(0)
    return Readout(
        rng.normal(size=(50, 6)).astype(dtype),
        rng.integers(0, classes, 50),
        rng.normal(size=(classes, 6)).astype(dtype),
        rng.normal(size=classes).astype(dtype),
        **more,  # type: ignore[arg-type]
    )


def message(path: Path) -> list[str]:
    with pytest.raises(CheckpointError) as caught:
        load_snapshot(path)
    return str(caught.value).split("\n")


# --- there and back -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("classes", [1, 4, 256, 257])
def test_every_bit_comes_back(tmp_path: Path, dtype: type, classes: int) -> None:
    readout = made(dtype, classes, provenance={"images": "MNIST, 50 of them", "": "é 猫"})
    save_snapshot(readout, tmp_path / "a.safetensors")
    again = load_snapshot(tmp_path / "a.safetensors", confidence=0.8)
    assert again.features.dtype == dtype
    for name in ("features", "labels", "weight", "bias", "logits"):
        one, two = getattr(readout, name), getattr(again, name)
        assert one.dtype == two.dtype
        assert one.tobytes() == two.tobytes()
    assert again.class_names == readout.class_names
    assert again.provenance == readout.provenance
    assert (readout.confidence, again.confidence) == (0.95, 0.8)
    np.testing.assert_array_equal(again.intact.counts, readout.intact.counts)


@pytest.mark.parametrize("gauge", ["raw", "centred"])
def test_the_gauge_comes_back(tmp_path: Path, gauge: str) -> None:
    readout = made(gauge=gauge)
    save_snapshot(readout, tmp_path / "a")
    again = load_snapshot(tmp_path / "a")
    assert again.gauge == gauge
    np.testing.assert_array_equal(
        again.directions.singular_values, readout.directions.singular_values
    )
    np.testing.assert_array_equal(again.dropping(1).counts, readout.dropping(1).counts)
    # It is kept with the snapshot and not baked into the weight.
    np.testing.assert_array_equal(again.weight, made().weight)


def test_a_snapshot_without_a_gauge_is_raw(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "a", METADATA)
    assert load_snapshot(tmp_path / "a").gauge == "raw"


def test_a_snapshot_with_an_unknown_gauge_is_damaged(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "a", {**METADATA, "gauge": "foo"})
    lines = message(tmp_path / "a")
    assert lines[0] == f"{tmp_path / 'a'}: the snapshot is damaged"
    assert "'foo'" in lines[1]


def test_class_names_come_back_whatever_is_in_them(tmp_path: Path) -> None:
    names = ('say "hi"', "back\\slash", "猫\n", "")
    save_snapshot(made(class_names=names), tmp_path / "a")
    assert load_snapshot(tmp_path / "a").class_names == names


def test_features_come_back_whatever_their_layout(tmp_path: Path) -> None:
    wide = np.random.default_rng(0).normal(size=(50, 12))
    for features in (wide[:, ::2], wide[:6].T.copy().T[:, :6], np.asfortranarray(wide)):
        count, width = features.shape
        readout = Readout(features, np.arange(2 * count)[::2] % 4, np.ones((4, width)))
        save_snapshot(readout, tmp_path / "a")
        np.testing.assert_array_equal(load_snapshot(tmp_path / "a").features, features)


@pytest.mark.parametrize("layout", ["transposed", "sliced", "transposed, single precision"])
def test_weights_come_back_whatever_their_layout(tmp_path: Path, layout: str) -> None:
    wide = np.random.default_rng(0).normal(size=(6, 4))
    weight = {
        "transposed": wide.T,
        "sliced": wide[:4, ::2],
        "transposed, single precision": wide.astype(np.float32).T,
    }[layout]
    readout = Readout(np.ones((8, weight.shape[1])), np.arange(8) % 4, weight)
    save_snapshot(readout, tmp_path / "a")
    np.testing.assert_array_equal(load_snapshot(tmp_path / "a").weight, weight)


def test_the_same_readout_is_the_same_file(tmp_path: Path) -> None:
    topics = {f"topic {number}": str(number) for number in range(20)}
    digests = set()
    for turn in range(5):
        order = sorted(topics, reverse=turn % 2 == 1)
        provenance = {topic: topics[topic] for topic in order}
        save_snapshot(made(provenance=provenance), tmp_path / f"{turn}")
        digests.add(file_digest(tmp_path / f"{turn}"))
        # A snapshot of a snapshot is the snapshot.
        save_snapshot(load_snapshot(tmp_path / f"{turn}"), tmp_path / "again")
        digests.add(file_digest(tmp_path / "again"))
    assert len(digests) == 1


def test_single_precision_is_stored_as_such(tmp_path: Path) -> None:
    save_snapshot(made(), tmp_path / "a")
    floats, header = 50 * 6 + 4 * 6 + 4, 600
    assert 4 * floats + 50 < (tmp_path / "a").stat().st_size < 4 * floats + 50 + header


# --- what is damaged ----------------------------------------------------------------------------


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    assert message(tmp_path / "none") == [
        f"{tmp_path / 'none'}: there is no such file",
        "  found: nothing",
        "  what to do: check the path",
    ]
    assert message(tmp_path)[1] == "  found: a folder"


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 100, 400, -200, -1])
def test_a_truncated_file_is_said_to_be_unreadable(tmp_path: Path, length: int) -> None:
    save_snapshot(made(), tmp_path / "a")
    whole = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(whole[:length])
    lines = message(tmp_path / "a")
    assert lines[0] == f"{tmp_path / 'a'}: this file cannot be read as safetensors"
    assert lines[1].startswith(f"  found: {len(whole[:length])} bytes; ")
    assert lines[2:] == [
        "  expected: a whole .safetensors file of numbers",
        "  what to do: save it again; a download may have been cut short",
    ]


@pytest.mark.parametrize("content", [b"not a snapshot at all", b"\xff" * 64, b"PK\x03\x04" * 9])
def test_another_kind_of_file_is_said_to_be_unreadable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert message(tmp_path / "a")[0].endswith("cannot be read as safetensors")


@pytest.mark.parametrize(
    ("metadata", "without", "found"),
    [
        ({}, (), "format 'unnamed', tensors bias, features, labels, weight"),
        ({"format": "pt"}, (), "format 'pt', tensors bias, features, labels, weight"),
        (METADATA, ("bias",), f"format {FORMAT!r}, tensors features, labels, weight"),
        (METADATA, tuple(TENSORS), f"format {FORMAT!r}, tensors none"),
    ],
)
def test_another_safetensors_file_is_no_snapshot(
    tmp_path: Path, metadata: dict[str, str], without: tuple[str, ...], found: str
) -> None:
    tensors = {name: array for name, array in TENSORS.items() if name not in without}
    save_file(tensors, tmp_path / "a", metadata)
    assert message(tmp_path / "a") == [
        f"{tmp_path / 'a'}: this is not a snapshot",
        f"  found: {found}",
        f"  expected: format {FORMAT!r} with features, labels, weight, bias",
        "  what to do: make one with `interp-checks snapshot CHECKPOINT --out FILE`",
    ]


@pytest.mark.parametrize(
    ("metadata", "tensors", "found"),
    [
        ({"class_names": '["0", "1"'}, {}, "delimiter"),
        ({"class_names": '["0", "0"]'}, {}, "two classes have the same name"),
        ({"class_names": '["0", "1", "2"]'}, {}, "3 class names"),
        ({}, {"bias": np.zeros(3, np.float32)}, "bias [K] (3,)"),
        ({}, {"labels": np.array([0, 2], np.uint8)}, "labels are not class numbers"),
        ({}, {"features": np.full((2, 3), np.nan, np.float32)}, "not finite"),
    ],
)
def test_a_snapshot_with_wrong_contents_is_damaged(
    tmp_path: Path, metadata: dict[str, str], tensors: dict[str, np.ndarray], found: str
) -> None:
    save_file({**TENSORS, **tensors}, tmp_path / "a", {**METADATA, **metadata})
    lines = message(tmp_path / "a")
    assert lines[0] == f"{tmp_path / 'a'}: the snapshot is damaged"
    assert len(lines) == 2
    assert found in lines[1]


def test_a_snapshot_without_class_names_is_damaged(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "a", {"format": FORMAT})
    assert "class_names" in message(tmp_path / "a")[1]


@pytest.mark.parametrize("names", ["5", "null", '{"0": 1, "1": 2}', '"01"', "[[0], [1]]"])
def test_class_names_that_are_no_list_of_names_are_damage(tmp_path: Path, names: str) -> None:
    save_file(TENSORS, tmp_path / "a", {"format": FORMAT, "class_names": names})
    assert message(tmp_path / "a")[0].endswith("the snapshot is damaged")


def test_provenance_is_text_once_it_is_in_a_readout(tmp_path: Path) -> None:
    save_snapshot(made(provenance={"images": 50}), tmp_path / "a")
    assert load_snapshot(tmp_path / "a").provenance == {"images": "50"}


# --- writing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt),
        (OSError(28, "No space left on device"), InterpChecksError),
    ],
)
def test_an_interrupted_write_leaves_the_old_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    told: type[BaseException],
) -> None:
    path = tmp_path / "a.safetensors"
    save_snapshot(made(), path)
    before = path.read_bytes()

    blocks, seen = interp_checks.files.tensors._blocks, []

    def broken_off(array: np.ndarray) -> Iterator[memoryview]:
        seen.append(array)
        for block in blocks(array):
            yield block
            if len(seen) > len(TENSORS) + 2:  # all were read for the checksum, and two written
                raise error

    monkeypatch.setattr(interp_checks.files.tensors, "_blocks", broken_off)
    with pytest.raises(told):
        save_snapshot(made(classes=7), path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.safetensors"]


def test_nothing_is_left_where_there_was_nothing(tmp_path: Path) -> None:
    def broken_off() -> None:
        with replacing(tmp_path / "new" / "a") as temporary:
            temporary.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken_off()
    assert list((tmp_path / "new").iterdir()) == []


def test_folders_are_made_and_others_may_read(tmp_path: Path) -> None:
    path = tmp_path / "some" / "where" / "a.safetensors"
    save_snapshot(made(), str(path))
    save_snapshot(made(), path)
    assert path.stat().st_mode & 0o400
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert path.stat().st_mode == plain.stat().st_mode


def test_the_header_is_in_a_fixed_order(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a", TENSORS, {"b": "2", "a": "1", "c": "3"})
    data = (tmp_path / "a").read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    assert next(iter(header)) == "__metadata__"
    assert list(header["__metadata__"]) == ["a", "b", "c"]
    assert size % 8 == 0


def test_a_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    digest: Callable[[Path], str] = interp_checks.files.tensors.file_digest
    assert digest(tmp_path / "a").startswith("ba7816bf8f01cfea")


@pytest.mark.parametrize("kind", ["<f2", "<f4"])
def test_large_features_are_mapped_and_give_the_same_counts(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(0)
    readout = Readout(
        generator.standard_normal((300, 6)).astype(kind),
        generator.integers(0, 4, 300),
        generator.standard_normal((4, 6)),
    )
    save_snapshot(readout, tmp_path / "large.safetensors")
    monkeypatch.setattr("interp_checks.files.tensors._LARGE", 300 * 6 * 2)
    mapped = load_snapshot(tmp_path / "large.safetensors")
    assert isinstance(mapped.features.base, np.memmap)
    assert not mapped.features.flags.writeable
    assert mapped.features.dtype == np.dtype(kind)
    np.testing.assert_array_equal(mapped.features, readout.features)
    np.testing.assert_array_equal(mapped.dropping(1).counts, readout.dropping(1).counts)


# --- checks on load -----------------------------------------------------------------------------


@pytest.mark.parametrize("large", [False, True])
def test_altered_and_cut_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    """Whatever single byte of the numbers changes, and wherever the file ends."""
    if large:
        monkeypatch.setattr(interp_checks.files.tensors, "_LARGE", 1)
    path = tmp_path / "a.safetensors"
    save_snapshot(made(), path)
    whole = path.read_bytes()
    begin = 8 + int.from_bytes(whole[:8], "little")
    rng = np.random.default_rng(0)
    for place in rng.integers(begin, len(whole), 40):
        altered = bytearray(whole)
        altered[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(altered)
        assert message(path)[0].endswith(": the snapshot is damaged")
    for end in rng.integers(0, len(whole), 40):
        path.write_bytes(whole[:end])
        assert "cannot be read as safetensors" in message(path)[0]
    path.write_bytes(whole)
    assert len(load_snapshot(path)) == 50


def test_a_snapshot_of_a_later_version_says_so(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "a", {**METADATA, "format": "interp-checks snapshot 12"})
    assert message(tmp_path / "a")[0].endswith("was written by a later version of interp-checks")


def test_a_snapshot_without_a_checksum_is_read(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "a", METADATA)
    assert len(load_snapshot(tmp_path / "a")) == 2


def test_large_snapshots_are_written_and_read_without_lying_in_memory(tmp_path: Path) -> None:
    """128 MiB of features: neither writing, checking nor judging takes half of that."""
    path, copy = tmp_path / "features", tmp_path / "a.safetensors"
    rows = np.memmap(path, np.float32, "w+", shape=(2**18, 128))
    for start in range(0, 2**18, 2**14):
        rows[start : start + 2**14] = np.random.default_rng(start).normal(size=(2**14, 128))
    weight = np.random.default_rng(0).normal(size=(4, 128))
    readout = Readout(rows, np.arange(2**18) % 4, weight)
    tracemalloc.start()
    save_snapshot(readout, copy)
    again = load_snapshot(copy)
    assert isinstance(again.features.base, np.memmap)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 64 * 2**20
    np.testing.assert_array_equal(again.features[::1001], rows[::1001])


# --- half precision -----------------------------------------------------------------------------


def test_half_precision_says_what_it_changed(tmp_path: Path) -> None:
    readout = made()
    narrow = in_half_precision(readout)
    save_snapshot(narrow, tmp_path / "a")
    again = load_snapshot(tmp_path / "a")
    assert again.features.dtype == np.float16
    np.testing.assert_array_equal(again.features, readout.features.astype(np.float16))
    differing = (again.predictions() != readout.predictions()).sum()
    assert again.provenance["features"] == (
        f"rounded from float32 to float16: {differing} of 50 intact predictions are others"
    )
    near = Readout([[1.0], [1.0001]], [0, 1], [[1.0], [-1.0]], [0.0, 2.0001])
    assert "1 of 2 intact" in in_half_precision(near).provenance["features"]
    with pytest.raises(InterpChecksError, match="too large for float16"):
        in_half_precision(Readout([[1e5]], [0], [[1.0]]))


def test_features_can_go_to_a_file_while_the_model_runs(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.ReLU(), torch.nn.Linear(7, 3))
    batches = [(torch.randn(40, 5), torch.arange(40) % 3) for _ in range(4)]
    kept = readout_of(model, batches)
    filed = readout_of(model, batches, features_file=tmp_path / "features")
    assert isinstance(filed.features.base, np.memmap)
    np.testing.assert_array_equal(filed.features, kept.features)
    save_snapshot(filed, tmp_path / "a.safetensors")
    np.testing.assert_array_equal(
        load_snapshot(tmp_path / "a.safetensors").dropping(1).counts, kept.dropping(1).counts
    )
