"""Snapshots: a readout in one safetensors file, read with no model, no images and no torch."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from interp_checks.ablations.directions import Gauge
from interp_checks.arrays import Array
from interp_checks.errors import CheckpointError, InterpChecksError
from interp_checks.files.tensors import contents_digest, read_tensors, write_tensors
from interp_checks.printable import encodable
from interp_checks.statistics.intervals import CONFIDENCE

from .readout import Readout

#: The metadata entry that marks a file as a snapshot.
FORMAT = "interp-checks snapshot 1"

#: Images whose features are rounded at a time.
_ROWS = 4096

_TENSORS = ("features", "labels", "weight", "bias")


def save_snapshot(readout: Readout, path: str | os.PathLike[str]) -> None:
    """Write a readout to a file; an interrupted write leaves what was there before.

    Features are stored as they are (float16, float32 or float64), weight and bias in float32 if
    that loses nothing, labels as small whole numbers. Features that are mapped from a file are
    written a block at a time. ``docs/snapshots.md`` has the format.
    """
    tensors: dict[str, Array] = {
        "features": np.ascontiguousarray(readout.features),
        "labels": readout.labels.astype(np.min_scalar_type(len(readout.class_names) - 1)),
        "weight": _narrowed(readout.weight),
        "bias": _narrowed(readout.bias),
        **({} if readout.rest is None else {"rest": _narrowed(readout.rest)}),
    }
    metadata = {
        "format": FORMAT,
        "gauge": readout.gauge,
        **({} if readout.fill == "zero" else {"fill": readout.fill}),
        **({"part_names": _listed(readout.part_names)} if readout.part_names else {}),
        "confidence": repr(readout.confidence),
        "class_names": _listed(readout.class_names),
        **{
            encodable(f"provenance.{topic}"): encodable(text)
            for topic, text in readout.provenance.items()
        },
    }
    metadata["sha256"] = contents_digest(tensors)
    write_tensors(path, tensors, metadata)


def in_half_precision(readout: Readout) -> Readout:
    """The same readout with features rounded to float16, half the size of float32.

    Rounding moves features by up to one part in 2,048, and predictions where two classes are close.
    What it did is measured and said in the provenance, under "features".

    Raises:
        InterpChecksError: a feature is too large for float16 (above 65,504).
    """
    largest = max(float(readout.features.max()), -float(readout.features.min()))
    limit = float(np.finfo(np.float16).max)
    if largest > limit:
        raise InterpChecksError(
            "the features are too large for float16",
            found=f"up to {largest:.4g}",
            expected=f"at most {limit:.0f}",
            remedy="keep them as they are: leave float16 out",
        )
    # A block at a time: they may be mapped from a file that is larger than the memory.
    rounded = np.empty(readout.features.shape, dtype=np.float16)
    for start in range(0, len(readout), _ROWS):
        rounded[start : start + _ROWS] = readout.features[start : start + _ROWS]
    before = readout.predictions()
    narrow = replace(readout, features=rounded, network=None, drawings=None)
    differing = int((narrow.predictions() != before).sum())
    words = (
        f"rounded from {readout.features.dtype} to float16: {differing:,} of {len(readout):,} "
        "intact predictions are others"
    )
    return replace(narrow, provenance={**readout.provenance, "features": words})


def load_snapshot(path: str | os.PathLike[str], *, confidence: float | None = None) -> Readout:
    """Read what :func:`save_snapshot` wrote, or another tool did (``docs/snapshots.md``).

    Features of 64 MiB or more stay on disk, and the system reads what is looked at. The checksum is
    compared, which reads the file once, a block at a time.

    Args:
        path: of the file.
        confidence: of all intervals; that of the readout that was saved when left out.

    Raises:
        CheckpointError: the file is missing, damaged, altered, no snapshot, or of a later version.
    """
    culprit = Path(path)
    tensors, metadata = read_tensors(culprit)
    _require_known(metadata.get("format", ""), culprit)
    missing = [name for name in _TENSORS if name not in tensors]
    if metadata.get("format") != FORMAT or missing:
        raise CheckpointError(
            f"{culprit}: this is not a snapshot",
            found=f"format {metadata.get('format', 'unnamed')!r}, tensors "
            + (", ".join(sorted(tensors)) or "none"),
            expected=f"format {FORMAT!r} with {', '.join(_TENSORS)}",
            remedy="make one with `interp-checks snapshot CHECKPOINT --out FILE`",
        )
    noted = metadata.get("sha256")
    if noted is not None and noted != contents_digest(tensors):
        raise CheckpointError(
            f"{culprit}: the snapshot is damaged",
            found="numbers that do not agree with the checksum that was written with them",
            remedy="copy or download it again, or make it again",
        )
    try:
        return Readout(
            features=tensors["features"],
            labels=tensors["labels"],
            weight=tensors["weight"],
            bias=tensors["bias"],
            class_names=_names(metadata, "class_names"),
            part_names=_names(metadata, "part_names") if "part_names" in metadata else (),
            rest=tensors.get("rest"),
            gauge=cast("Gauge", metadata.get("gauge", "raw")),
            fill=metadata.get("fill", "zero"),
            provenance={
                name.removeprefix("provenance."): text
                for name, text in metadata.items()
                if name.startswith("provenance.")
            },
            confidence=float(metadata.get("confidence", CONFIDENCE))
            if confidence is None
            else confidence,
        )
    except (ValueError, InterpChecksError) as error:
        raise CheckpointError(
            f"{culprit}: the snapshot is damaged", found=str(error).replace("\n ", ";")
        ) from None


def _require_known(version: str, culprit: Path) -> None:
    """Refuse a snapshot that a later version of this project wrote.

    Raises:
        CheckpointError: it is one.
    """
    kind, _, number = version.rpartition(" ")
    if kind == FORMAT.rpartition(" ")[0] and version != FORMAT and number.isdecimal():
        raise CheckpointError(
            f"{culprit}: this snapshot was written by a later version of interp-checks",
            found=f"format {version!r}",
            expected=f"format {FORMAT!r}, which is the newest that this version reads",
            remedy="pip install --upgrade interp-checks, or make the snapshot with this version",
        )


def _listed(names: tuple[str, ...]) -> str:
    # As in any JSON, half of a surrogate pair is written as its escape, and comes back.
    return encodable(json.dumps(list(names), ensure_ascii=False))


def _names(metadata: dict[str, str], key: str) -> tuple[str, ...]:
    names = json.loads(metadata.get(key, "null"))
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{key} {metadata.get(key)} are not a JSON list of texts")
    return tuple(names)


def _narrowed(array: Array) -> Array:
    single = array.astype(np.float32)
    return single if (single == array).all() else array
