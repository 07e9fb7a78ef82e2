"""The simulated data sets of benchmarks/calibration.py are what they say."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).parents[1] / "benchmarks" / "calibration.py"


def loaded() -> Any:
    spec = importlib.util.spec_from_file_location("calibration", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


CALIBRATION = loaded()
RULES = CALIBRATION.RULES


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_a_true_claim_holds_on_many_images_and_a_false_one_seldom(rule: Any) -> None:
    assert CALIBRATION.rate_of_holds(rule, 5000, rule.true_at, 3).count == 3
    assert CALIBRATION.rate_of_holds(rule, 200, rule.false_at, 20).count <= 4
