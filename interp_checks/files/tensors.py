"""Safetensors files: read with clear errors, write the same bytes for the same contents."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from interp_checks.arrays import Array
from interp_checks.errors import CheckpointError

from .writing import replacing

#: Arrays of so many bytes are mapped instead of read.
_LARGE = 64 * 2**20
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
        raise CheckpointError(
            f"{culprit}: this file cannot be read as safetensors",
            found=f"{culprit.stat().st_size} bytes; {error}",
            expected="a whole .safetensors file of numbers",
            remedy="save it again; a download may have been cut short",
        ) from None


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
    """Write a safetensors file whose bytes depend on its contents alone."""
    from safetensors.numpy import save

    # safetensors writes memory as it lies, so a transposed or sliced array must be copied.
    whole = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    data = save(whole, metadata=dict(sorted(metadata.items())))
    with replacing(path) as temporary:
        temporary.write_bytes(_canonical(data))


def _canonical(data: bytes) -> bytes:
    """The same file with its header's entries in a fixed order.

    The writer keeps metadata in a hash map, so that equal files would differ in bytes.
    """
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    metadata = dict(sorted(header.pop("__metadata__", {}).items()))
    text = json.dumps({"__metadata__": metadata, **header}, separators=(",", ":"))
    padded = text.encode()
    padded += b" " * (-len(padded) % 8)
    return len(padded).to_bytes(8, "little") + padded + data[8 + size :]


def file_digest(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
