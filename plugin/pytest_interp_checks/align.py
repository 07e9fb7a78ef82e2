"""Read the directions of a suite as their counterparts on the present subject."""

from __future__ import annotations

from pathlib import Path

import pytest

from interp_checks.alignment import aligned
from interp_checks.claim import Claim
from interp_checks.readout import Readout
from interp_checks.runs import load_run

from .baseline import matching_of
from .options import request_of

_REFERENCE: pytest.StashKey[Readout] = pytest.StashKey()


def reference_of(config: pytest.Config) -> Readout:
    """The readout whose directions the suite speaks of, read once.

    Raises:
        InterpChecksError: the file cannot be used.
    """
    from dataclasses import replace

    from interp_fixtures.resolve import resolve

    if _REFERENCE not in config.stash:
        chosen, request = config.getoption("interp_align"), request_of(config)
        if Path(chosen).suffix == ".json":
            found = load_run(Path(chosen).expanduser()).readouts[0]
        else:
            path = None if chosen == "shipped" else Path(chosen).expanduser()
            wanted = replace(request, checkpoint=path, seed=None, recipe=None, data_root=None)
            found = resolve(
                wanted if path is None else replace(wanted, data_root=request.data_root)
            ).readout
        config.stash[_REFERENCE] = replace(found, gauge=request.gauge)
    return config.stash[_REFERENCE]


def align(claim: Claim, readout: Readout, config: pytest.Config) -> tuple[Claim, str]:
    """The claim on the counterparts of its directions, and the mapping in words.

    Raises:
        NotJudgedError: a direction has no counterpart.
        InterpChecksError: the reference cannot be used.
    """
    matching = matching_of(reference_of(config), readout, config)
    return aligned(claim, matching), str(matching)
