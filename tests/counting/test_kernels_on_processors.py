"""The kernels count as numpy does, however they are compiled, and prove it where they are used."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from naive import masks, plain
from odd_heads import made
from processors import PROCESSORS, needs_features
from try_kernels import narrow_conversions

from interp_checks import InterpChecksError, Readout, every_subset, sweep
from interp_checks.counting import compiled_engine as compiled
from interp_checks.counting import proof
from interp_checks.counting.engines import ENGINES
from interp_checks.counting.kernels import ablations, all_subsets, single_drops
from interp_checks.counting.sweep import predict

TRY = Path(__file__).parents[1] / "try_kernels.py"


@pytest.mark.slow
@pytest.mark.parametrize("processor", PROCESSORS)
def test_kernels_compiled_as_for_other_processors_count_as_numpy(
    processor: str, tmp_path: Path
) -> None:
    settings = PROCESSORS[processor]
    if not needs_features(settings.get("NUMBA_CPU_FEATURES", "")):
        pytest.skip(f"this processor cannot run code for {processor}")
    environment = {name: value for name, value in os.environ.items() if "NUMBA" not in name}
    environment |= settings | {"NUMBA_CACHE_DIR": str(tmp_path)}
    tried = subprocess.run(
        [sys.executable, str(TRY), processor],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert tried.returncode == 0, tried.stdout + tried.stderr
    found = re.search(r"(\d+) sweeps agree", tried.stdout)
    assert found, tried.stdout
    assert int(found[1]) >= (20 if processor == "interpreted" else 100)


def smallest(bias: float = -4.0) -> Readout:
    """A bias and a share that cancel: in units of the logit each is out of 16 bits."""
    return Readout(np.ones((1, 2)), np.zeros(1, int), np.diag([8.0, 0.5]), np.array([bias, 0]))


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "auto"])
def test_a_bias_that_cancels_a_share(engine: Any) -> None:
    readout = smallest()
    found = sweep(readout, every_subset(2), engine=engine)
    np.testing.assert_array_equal(found.counts, plain(readout, masks(2)).counts)


SCALES = (1e-250, 1e-45, 1e3, 1e150)


@pytest.mark.parametrize("classes", [3, 40])
@pytest.mark.parametrize("features", SCALES)
@pytest.mark.parametrize("weight", SCALES)
@pytest.mark.parametrize("bias", [0.0, 1.0, 1e200])
def test_engines_agree_at_any_scale(
    classes: int, features: float, weight: float, bias: float
) -> None:
    generator = np.random.default_rng(7)
    readout = Readout(
        generator.normal(size=(60, 3)) * features,
        generator.integers(0, classes, 60),
        generator.normal(size=(classes, 3)) * weight,
        generator.normal(size=classes) * bias,
    )
    # Dropping each direction alone, and mixed ablations, go through loops of their own.
    counts = [
        sweep(readout, every_subset(3), engine=engine).counts for engine in ("numpy", "compiled")
    ]
    mixed = [
        sweep(readout, list(every_subset(3))[::-1], engine=engine).counts
        for engine in ("numpy", "compiled", "torch")
    ]
    np.testing.assert_array_equal(*counts)
    np.testing.assert_array_equal(mixed[0], counts[0][::-1])
    np.testing.assert_array_equal(mixed[1], mixed[0])
    np.testing.assert_array_equal(mixed[2], mixed[0])
    single = readout.float32.predictions(readout.features, readout.tie, readout._predict_exactly)
    np.testing.assert_array_equal(single, predict(readout, None))


@pytest.mark.parametrize("scale", [2.0**-700, 2.0**-300, 2.0**300, 2.0**700])
def test_the_scale_of_a_head_does_not_matter(scale: float) -> None:
    readout = made(5, 4, 100)
    scaled = Readout(readout.features, readout.labels, readout.weight * scale, readout.bias * scale)
    for engine in ("numpy", "compiled"):
        np.testing.assert_array_equal(
            sweep(scaled, every_subset(4), engine=engine).counts,  # type: ignore[arg-type]
            sweep(readout, every_subset(4), engine="numpy").counts,
        )
    np.testing.assert_allclose(scaled.directions.energy, readout.directions.energy)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("features", "weight", "bias"), [(1e200, 1e200, 0.0), (1.0, 1.7e308, 0.0), (1.0, 1.0, 1.7e308)]
)
def test_logits_that_overflow_are_refused(
    engine: Any, features: float, weight: float, bias: float
) -> None:
    readout = Readout(
        np.full((4, 3), features), np.arange(4) % 3, np.full((3, 3), weight), np.full(3, bias)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InterpChecksError, match="logits are too large for float64"):
            sweep(readout, every_subset(3), engine=engine)


@pytest.mark.slow
def test_no_loop_turns_floating_point_into_few_bits(tmp_path: Path) -> None:
    tried = subprocess.run(
        [sys.executable, str(TRY), "conversions"],
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert tried.returncode == 0, tried.stdout + tried.stderr


def test_the_search_for_conversions_finds_one() -> None:
    import numba

    def cut(value: float) -> np.int16:
        return np.int16(value)

    loop = numba.njit(cut)
    loop(3.0)
    assert narrow_conversions(loop)


@pytest.fixture
def unproven(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has used no compiled code."""
    monkeypatch.setattr(proof, "_PROVEN", {})


def broken(loop: Callable[..., int], position: int) -> Callable[..., int]:
    """A loop that miscounts one image."""

    def count(*arguments: Any) -> int:
        settled = loop(*arguments)
        arguments[position][0, 0] += 1
        return settled

    return count


@pytest.mark.usefixtures("unproven")
@pytest.mark.parametrize(
    ("module", "name", "classes", "subsets"),
    [
        (all_subsets, "walk_pairs", 4, True),
        (ablations, "walk", 4, False),
        (ablations, "walk", 40, False),
        (single_drops, "drop_each", 40, False),
    ],
)
def test_numpy_takes_over_from_a_loop_that_miscounts(
    module: Any, name: str, classes: int, subsets: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    readout = made(classes, 4, 50)
    asked = every_subset(4) if subsets else list(every_subset(4))
    expected = sweep(readout, asked, engine="numpy")
    # Both counts of right images are last, and the second of them is tampered with.
    monkeypatch.setattr(module, name, broken(getattr(module, name), -2))
    with pytest.warns(proof.CompiledCodeWarning, match=f"{name}.*Please report") as warned:
        found = sweep(readout, asked, engine="compiled")
    np.testing.assert_array_equal(found.counts, expected.counts)
    np.testing.assert_array_equal(found.right, expected.right)
    assert len(warned) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = sweep(made(classes, 4, 60), asked, engine="compiled")
    assert again.counts.sum() == 60 * len(asked)


@pytest.mark.usefixtures("unproven")
def test_each_loop_proves_itself_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    agrees = compiled._agrees
    monkeypatch.setattr(compiled, "_agrees", lambda trial: tried.append(trial) or agrees(trial))
    for _ in range(3):
        sweep(made(4, 5, 50), every_subset(4), engine="compiled")
        sweep(made(40, 5, 50), list(every_subset(4)), engine="compiled")
    assert len(tried) == 3
    assert set(proof._PROVEN.values()) == {True}


@pytest.mark.parametrize("classes", [11, 40])
def test_the_head_for_proofs_is_a_hard_one(classes: int) -> None:
    readout = proof.small_head(classes)
    counts = sweep(readout, every_subset(4), engine="numpy").counts
    np.testing.assert_array_equal(counts, plain(readout, masks(4)).counts)
    assert (readout.support == 0).any()
    assert readout.support.max() > 128
    assert (counts.sum(axis=(0, 1)) > 0).sum() > 8
    # In a unit in which no logit of a subset exceeds 16 bits, shares of some images do.
    shares = readout.directions.classes[:, :, None] * readout.coefficients
    bias = readout.bias[:, None]
    above = bias + np.maximum(shares, 0).sum(axis=1)
    below = bias + np.minimum(shares, 0).sum(axis=1)
    unit = all_subsets.LARGEST / np.maximum(above, -below).max(axis=0)
    assert (np.abs(shares * unit).max(axis=(0, 1)) > 2**15).mean() > 0.2
