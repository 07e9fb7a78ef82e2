"""Safetensors files: read with clear errors, write the same bytes for the same contents."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from interp_checks.arrays import Array
from interp_checks.errors import CheckpointError, InterpChecksError

from .writing import replacing

#: Arrays of so many bytes are mapped instead of read.
_LARGE = 64 * 2**20
#: Bytes that are written or read at a time.
_BLOCK = 2**24
#: Types of numbers that files have, signed and unsigned ones alike.
_WRITTEN = ("F64", "F32", "F16", "U64", "U32", "U16", "U8", "BOOL")
#: How a Git LFS pointer begins (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md).
_POINTER = b"version https://git-lfs.github.com/spec/"
#: What safetensors calls the kinds of numbers that are mapped.
_KINDS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1"}


def read_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays and the metadata of a safetensors file.

    Numbers in bfloat16, which numpy does not know, become float32. Large arrays are not read
    but mapped, read-only: the system loads what is looked at.

    Raises:
        CheckpointError: the file is missing, a folder, or not a safetensors file.
    """
    from safetensors import SafetensorError, safe_open

    culprit = existing_file(path)
    try:
        with safe_open(str(culprit), framework="numpy") as file:
            metadata = dict(file.metadata() or {})
            names = list(file.keys())
            narrow = {name for name in names if file.get_slice(name).get_dtype() == "BF16"}
            arrays = _widened(culprit.read_bytes(), narrow) if narrow else {}
            arrays |= {name: _mapped(culprit, name) for name in names if _is_large(file, name)}
            return {
                name: arrays[name] if name in arrays else file.get_tensor(name) for name in names
            }, metadata
    except (SafetensorError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise _no_safetensors(culprit, error) from None


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """The metadata of a safetensors file, none of whose arrays are read.

    Raises:
        CheckpointError: the file is missing, a folder, or not a safetensors file.
    """
    from safetensors import SafetensorError, safe_open

    culprit = existing_file(path)
    try:
        with safe_open(str(culprit), framework="numpy") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, TypeError, ValueError) as error:
        raise _no_safetensors(culprit, error) from None


def _no_safetensors(culprit: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{culprit}: this file cannot be read as safetensors",
        found=f"{culprit.stat().st_size} bytes; {error}",
        expected="a whole .safetensors file of numbers",
        remedy="save it again; a download may have been cut short",
    )


def _is_large(file: Any, name: str) -> bool:
    """Whether an array is better mapped than read."""
    tensor = file.get_slice(name)
    kind = _KINDS.get(tensor.get_dtype())
    return kind is not None and math.prod(tensor.get_shape()) * np.dtype(kind).itemsize >= _LARGE


def _mapped(path: Path, name: str) -> Array:
    """An array of the file, in place."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(size))[name]
    start, _ = entry["data_offsets"]
    kind = _KINDS[entry["dtype"]]
    return np.memmap(path, kind, "r", offset=8 + size + start, shape=tuple(entry["shape"]))


def _widened(data: bytes, names: set[str]) -> dict[str, Array]:
    """Tensors in bfloat16 as float32, of which it is the upper half."""
    from safetensors import deserialize

    return {
        name: (np.frombuffer(tensor["data"], dtype="<u2").astype(np.uint32) << 16)
        .view(np.float32)
        .reshape(tensor["shape"])
        for name, tensor in deserialize(data)
        if name in names
    }


def existing_file(path: str | os.PathLike[str]) -> Path:
    """The path, if it is a file.

    Raises:
        CheckpointError: it is not, or a Git LFS pointer stands in its place.
    """
    culprit = Path(path)
    if not culprit.is_file():
        raise CheckpointError(
            f"{culprit}: there is no such file",
            found="a folder" if culprit.is_dir() else "nothing",
            remedy="check the path",
        )
    if _is_pointer(culprit):
        raise CheckpointError(
            f"{culprit}: this is a Git LFS pointer, not the file itself",
            found=f"{culprit.stat().st_size} bytes of text that say where the file is kept",
            remedy="run `git lfs pull` in its repository, or download the file itself",
        )
    return culprit


def _is_pointer(path: Path) -> bool:
    """Whether Git LFS has put a few lines of text in the place of the file."""
    try:
        with path.open("rb") as file:
            return file.read(len(_POINTER)) == _POINTER
    except OSError:
        return False


def write_tensors(
    path: str | os.PathLike[str], tensors: Mapping[str, Array], metadata: Mapping[str, str]
) -> None:
    """Write a safetensors file whose bytes depend on its contents alone.

    Arrays are written a block at a time, so that one that is mapped from another file never lies in
    memory as a whole. The library's own writer takes all of them at once, and keeps metadata in an
    order of its own (https://github.com/huggingface/safetensors#format has the format).
    """
    # As the library does it: the widest numbers first, so that all are aligned.
    ordered = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    end = 0
    for name in ordered:
        start, end = end, end + tensors[name].nbytes
        header[name] = {
            "dtype": _kind_of(tensors[name], name),
            "shape": list(tensors[name].shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in ordered:
            for block in _blocks(tensors[name]):
                file.write(block)


def contents_digest(tensors: Mapping[str, Array]) -> str:
    """SHA-256 of arrays: their names, types, shapes and numbers, read a block at a time."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        shape = ",".join(map(str, tensors[name].shape))
        digest.update(f"{name} {_kind_of(tensors[name], name)} {shape}\n".encode())
        for block in _blocks(tensors[name]):
            digest.update(block)
    return digest.hexdigest()


def _kind_of(array: Array, name: str) -> str:
    """What safetensors calls the type of an array's numbers.

    Raises:
        InterpChecksError: it has none.
    """
    kind = (
        "BOOL" if array.dtype == bool else f"{array.dtype.kind.upper()}{array.dtype.itemsize * 8}"
    )
    if kind.replace("I", "U") not in _WRITTEN:
        raise InterpChecksError(
            f"{name} cannot be written to a safetensors file",
            found=f"numbers of type {array.dtype}",
            expected="floating-point or whole numbers of at most 64 bits",
        )
    return kind


def _blocks(array: Array) -> Iterator[memoryview]:
    """The bytes of an array in the order of its elements, little end first."""
    rows = array.reshape(1) if array.ndim == 0 else array
    step = max(1, _BLOCK // max(1, rows[:1].nbytes))
    for start in range(0, len(rows), step):
        block = np.ascontiguousarray(rows[start : start + step])
        yield block.astype(block.dtype.newbyteorder("<"), copy=False).data.cast("B")


def file_digest(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
