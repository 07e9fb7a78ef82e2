"""Snapshots: a readout in one safetensors file, read with no model, no images and no torch."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import cast

import numpy as np

from interp_checks.ablations.directions import Gauge
from interp_checks.arrays import Array
from interp_checks.errors import CheckpointError, InterpChecksError
from interp_checks.files.tensors import read_tensors, write_tensors
from interp_checks.printable import encodable
from interp_checks.statistics.intervals import CONFIDENCE

from .readout import Readout

#: The metadata entry that marks a file as a snapshot.
FORMAT = "interp-checks snapshot 1"

_TENSORS = ("features", "labels", "weight", "bias")


def save_snapshot(readout: Readout, path: str | os.PathLike[str]) -> None:
    """Write a readout to a file; an interrupted write leaves what was there before.

    Features are stored as they are (float16, float32 or float64), weight and bias in float32 if
    that loses nothing, labels as small whole numbers.
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
    write_tensors(path, tensors, metadata)


def load_snapshot(path: str | os.PathLike[str], *, confidence: float | None = None) -> Readout:
    """Read what :func:`save_snapshot` wrote.

    Args:
        path: of the file.
        confidence: of all intervals; that of the readout that was saved when left out.

    Raises:
        CheckpointError: the file is missing, damaged, or no snapshot.
    """
    culprit = Path(path)
    tensors, metadata = read_tensors(culprit)
    missing = [name for name in _TENSORS if name not in tensors]
    if metadata.get("format") != FORMAT or missing:
        raise CheckpointError(
            f"{culprit}: this is not a snapshot",
            found=f"format {metadata.get('format', 'unnamed')!r}, tensors "
            + (", ".join(sorted(tensors)) or "none"),
            expected=f"format {FORMAT!r} with {', '.join(_TENSORS)}",
            remedy="make one with `interp-checks snapshot CHECKPOINT --out FILE`",
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
