"""The populations of benchmarks/planted_truth.py are what they say; a small run of it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interp_checks import Claim, Outcome, Readout
from interp_checks.claims import predicates
from interp_checks.discovery import candidates_of
from interp_checks.judging.decide import decide

pytestmark = [pytest.mark.slow, pytest.mark.long]

FILE = Path(__file__).parents[2] / "benchmarks" / "planted_truth.py"


def loaded() -> Any:
    spec = importlib.util.spec_from_file_location("planted_truth", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


PLANTED = loaded()


@pytest.fixture(scope="module")
def populations() -> list[Any]:
    return [PLANTED.planted(seed, 20_000) for seed in range(3)]


def test_some_directions_carry_a_class_alone(populations: list[Any]) -> None:
    kills = [
        claim
        for population in populations
        for claim in population.findings
        if isinstance(claim.says[0], predicates.Kills)
    ]
    assert len(kills) >= 3
    assert all(len(population.findings) > 5 for population in populations)


def test_what_is_true_is_what_many_images_decide(populations: list[Any]) -> None:
    """What a small sample suggests, true and false, is judged with hardly any error on all."""
    decided = {True: 0, False: 0}
    for population in populations:
        sample = population.sample(np.random.default_rng(0), 150)
        for claim in candidates_of(sample):
            outcome = decide(claim, population.readout, 1 - 1e-9)[0]
            if outcome != Outcome.UNDECIDED:
                assert population.is_true(claim) == (outcome == Outcome.HOLDS), str(claim)
                decided[outcome == Outcome.HOLDS] += 1
    assert min(decided.values()) > 20


def test_thresholds_are_not_met_at_the_threshold() -> None:
    """100 images of each class; dropping the direction leaves exactly 5 of one."""
    labels = np.repeat([0, 1], 100)
    features = np.array([[1.0, 0.5]] * 95 + [[1.0, -0.5]] * 5 + [[-1.0, 0.0]] * 100)
    readout = Readout(features, labels, np.array([[3.0, 0.0], [0.0, 1.0]]))
    # Without the first direction the second alone decides: class 1 above 0, else class 0.
    result = readout.dropping(1)
    assert result.counts[0].tolist() == [5, 95]
    assert not PLANTED.is_true(Claim.parse("dropping direction 1 kills class 0"), readout)
    assert PLANTED.is_true(
        Claim.parse("dropping direction 1 sends class 0 mostly to class 1"), readout
    )


def test_nothing_false_is_found_and_more_than_before(populations: list[Any]) -> None:
    found = PLANTED.tallies(populations, (400, 1500), 1)
    now = [found["now", size] for size in (400, 1500)]
    before = [found["before", size] for size in (400, 1500)]
    assert sum(tally.with_false for tally in now) == 0
    assert sum(tally.suites for tally in now) == 6
    for one, other in zip(now, before, strict=True):
        assert one.found > other.found
        assert one.claims >= one.found
    assert now[1].power > now[0].power
