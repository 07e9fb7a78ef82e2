"""Read the directions of a suite as their counterparts on the present subject."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from interp_checks.claims.claim import Claim
from interp_checks.comparing.alignment import aligned
from interp_checks.comparing.matching import Matching
from interp_checks.comparing.saved_run import is_run, load_run
from interp_checks.errors import CheckpointError
from interp_checks.files.tensors import read_tensors
from interp_checks.readouts.readout import Readout
from interp_fixtures import reference_readout
from interp_fixtures.reference_files import SHIPPED

from .baseline import matching_of
from .options import request_of
from .paths import path_of

if TYPE_CHECKING:
    from interp_fixtures.request import Request

_REFERENCE: pytest.StashKey[Readout] = pytest.StashKey()


def reference_of(config: pytest.Config) -> Readout:
    """The readout whose directions the suite speaks of, read once.

    Raises:
        InterpChecksError: the file cannot be used.
    """
    from interp_fixtures.resolve import resolve

    if _REFERENCE not in config.stash:
        chosen, request = path_of(config, "interp_align"), request_of(config)
        assert chosen is not None
        if config.getoption("interp_align") == "shipped":
            dataset = _dataset_of(request)
            # The suites that are shipped speak of MNIST.
            found = reference_readout(dataset if dataset in SHIPPED else "mnist")
        elif is_run(chosen):
            run = load_run(chosen)
            if not run.readouts:
                raise CheckpointError(f"{chosen}: the saved run has no subject to align with")
            found = run.readouts[0]
        else:
            found = resolve(_asked_of(chosen, request)).readout
        config.stash[_REFERENCE] = replace(found, gauge=request.gauge)
    return config.stash[_REFERENCE]


def _asked_of(path: Path, request: Request) -> Request:
    """The reference in the place of the subject; what its file says of itself counts."""
    noted = read_tensors(path)[1] if path.suffix == ".safetensors" else {}
    snapshot = "format" in noted
    return replace(
        request,
        checkpoint=path,
        seed=None,
        recipe=None,
        weights=None,
        normalisation=None if snapshot or "normalisation" in noted else request.normalisation,
        classes=None if snapshot or "class_names" in noted else request.classes,
    )


def _dataset_of(request: Request) -> str:
    """The data set of what is judged, as far as it is known before it is loaded."""
    if request.dataset is not None or request.checkpoint is None:
        return request.dataset or "mnist"
    if request.checkpoint.suffix != ".safetensors":
        return "mnist"
    metadata = read_tensors(request.checkpoint)[1]
    return metadata.get("dataset", metadata.get("provenance.dataset", "mnist"))


def read_as(stated: Claim, readout: Readout, config: pytest.Config) -> Claim:
    """A claim in the numbers of the readout's directions, if directions are aligned.

    Raises:
        NotJudgedError: a direction has no counterpart.
        InterpChecksError: the reference cannot be used, or has other classes.
    """
    if not config.getoption("interp_align"):
        return stated
    return aligned(stated, mapping_to(readout, config))


def mapping_to(readout: Readout, config: pytest.Config) -> Matching:
    """Which directions of the readout those of the reference are.

    Raises:
        InterpChecksError: the reference cannot be used, or has other classes.
    """
    return matching_of(reference_of(config), readout, config)
