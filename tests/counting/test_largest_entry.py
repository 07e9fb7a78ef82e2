"""The largest entry of features, in half precision as in any other."""

from __future__ import annotations

import numpy as np
import pytest

from interp_checks import arrays
from interp_checks.arrays import largest_entry


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("place", [0, 17, 699])
@pytest.mark.parametrize("value", [9.5, -9.5])
def test_the_largest_entry_whatever_its_sign(
    kind: type, place: int, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "_BLOCK", 23)
    numbers = np.random.default_rng(0).uniform(-9, 9, 700).astype(kind)
    numbers[place] = value
    assert largest_entry(numbers.reshape(100, 7)) == 9.5
    assert largest_entry(np.zeros((4, 7), dtype=kind)) == 1.0
