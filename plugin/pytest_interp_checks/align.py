"""Read the directions of a suite as their counterparts on the present subject."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from interp_checks.claims.claim import Claim
from interp_checks.comparing.alignment import aligned
from interp_checks.comparing.matching import Matching
from interp_checks.comparing.part_matching import PartsOf, match_parts
from interp_checks.comparing.saved_run import is_run
from interp_checks.errors import CheckpointError
from interp_checks.readouts.readout import Readout
from interp_checks.record.addresses import is_address, load_any_run
from interp_fixtures.plans.choose_plan import choose_plan, in_place_of_subject
from interp_fixtures.reference_files import SHIPPED, reference_readout
from interp_fixtures.resolve import resolve

from .baseline import matching_of
from .options import request_of
from .paths import path_of

_REFERENCE: pytest.StashKey[Readout] = pytest.StashKey()


def reference_of(config: pytest.Config) -> Readout:
    """The readout whose directions the suite speaks of, read once.

    Raises:
        InterpChecksError: the file cannot be used.
    """
    if _REFERENCE not in config.stash:
        chosen, request = path_of(config, "interp_align"), request_of(config)
        assert chosen is not None
        if config.getoption("interp_align") == "shipped":
            dataset = choose_plan(request).dataset
            # The suites that are shipped speak of MNIST.
            readout = reference_readout(dataset if dataset in SHIPPED else "mnist")
        elif is_run(chosen) or is_address(chosen):
            run = load_any_run(chosen)
            if not run.readouts:
                raise CheckpointError(f"{chosen}: the saved run has no subject to align with")
            readout = run.readouts[0]
        else:
            readout = resolve(in_place_of_subject(chosen, request)).readout
        config.stash[_REFERENCE] = replace(readout, gauge=request.gauge)
    return config.stash[_REFERENCE]


def read_as(stated: Claim, readout: Readout, config: pytest.Config) -> Claim:
    """A claim in the numbers of the readout's directions, if directions are aligned.

    Raises:
        NotJudgedError: a direction has no counterpart.
        InterpChecksError: the reference cannot be used, or has other classes.
    """
    if not config.getoption("interp_align"):
        return stated
    parts_of: PartsOf | None = None
    if config.getoption("interp_align_parts") == "vectors":
        parts_of = partial(match_parts, reference_of(config), readout)
    return aligned(stated, mapping_to(readout, config), parts_of)


def mapping_to(readout: Readout, config: pytest.Config) -> Matching:
    """Which directions of the readout those of the reference are.

    Raises:
        InterpChecksError: the reference cannot be used, or has other classes.
    """
    return matching_of(reference_of(config), readout, config)
