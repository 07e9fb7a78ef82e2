"""Importing costs nothing, and judging a snapshot costs no torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import interp_checks
import interp_fixtures
from interp_checks import DataError, Readout, load_snapshot, save_snapshot
from interp_fixtures.reference_files import snapshot_file

ROOT = Path(__file__).parents[2]
HEAVY = ("numpy", "torch", "pandas", "rich", "scipy", "lark", "safetensors", "matplotlib")


def loaded_after(statements: str) -> set[str]:
    """Which of the heavy libraries a fresh interpreter has loaded after these statements."""
    script = (
        f"{statements}\nimport json, sys\n"
        f"print(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "statements",
    [
        "import interp_checks",
        "import interp_checks; dir(interp_checks); interp_checks.__all__",
        "from interp_checks import InterpChecksError, Claim, Ablation, dropping, Estimate",
        "from interp_checks import dropping; print(dropping(5).kills(8).spares_the_rest())",
    ],
)
def test_importing_loads_nothing_heavy(statements: str) -> None:
    assert loaded_after(statements) == set()


def test_a_verdict_is_plain_data_and_loads_nothing_heavy() -> None:
    assert loaded_after("from interp_checks import Outcome, Verdict") == set()


@pytest.mark.parametrize(
    "statements",
    [
        "import interp_fixtures",
        "import interp_fixtures; interp_fixtures.__all__; dir(interp_fixtures)",
    ],
)
def test_importing_the_fixtures_loads_nothing_heavy(statements: str) -> None:
    assert loaded_after(statements) == set()


def test_the_reference_readout_needs_no_torch() -> None:
    loaded = loaded_after("import interp_fixtures; interp_fixtures.reference_readout('digits')")
    assert loaded - {"scipy"} == {"numpy", "safetensors"}


@pytest.mark.parametrize(
    ("arguments", "dataset"), [((), "mnist"), (("mnist",), "mnist"), (("digits",), "digits")]
)
def test_the_reference_readout_is_the_shipped_snapshot(
    arguments: tuple[str, ...], dataset: str
) -> None:
    readout = interp_fixtures.reference_readout(*arguments)
    shipped = load_snapshot(snapshot_file(dataset))
    assert readout.provenance["dataset"] == dataset
    for name in ("features", "labels", "weight", "bias"):
        assert np.array_equal(getattr(readout, name), getattr(shipped, name))


def test_no_other_reference_is_shipped() -> None:
    with pytest.raises(DataError) as caught:
        interp_fixtures.reference_readout("cifar")
    assert str(caught.value).split("\n") == [
        "no reference is shipped for 'cifar'",
        "  expected: mnist or digits or usps or ardis",
    ]
    with pytest.raises(AttributeError, match="has no attribute 'reference_readuot'"):
        interp_fixtures.reference_readuot  # noqa: B018


def test_the_test_above_can_fail() -> None:
    assert loaded_after("import interp_checks, numpy") == {"numpy"}
    assert "numpy" in loaded_after("from interp_checks import Readout")
    assert loaded_after(
        "from interp_checks import Claim; Claim.parse('accuracy is above 9 %')"
    ) == {"lark"}


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    readout = Readout(rng.normal(size=(30, 4)), np.arange(30) % 3, rng.normal(size=(3, 4)))
    path = tmp_path_factory.mktemp("snapshots") / "a.safetensors"
    save_snapshot(readout, path)
    return path


@pytest.mark.parametrize(
    "sentence",
    [
        "dropping direction 1 kills class 0",
        "some direction, dropped alone, kills exactly one class",
        "class 0 has the lowest recall",
        "the first direction carries at least 9 % of the variance",
    ],
)
def test_judging_a_snapshot_loads_neither_torch_nor_pandas(snapshot: Path, sentence: str) -> None:
    loaded = loaded_after(
        "from interp_checks import *\n"
        f"readout = load_snapshot({str(snapshot)!r})\n"
        f"verdict = judge(Claim.parse({sentence!r}), readout)\n"
        "verdict.message(), verdict.as_dict(), verdict._repr_html_()"
    )
    assert loaded - {"numpy", "scipy", "lark", "safetensors"} == set()
    assert "numpy" in loaded


def test_a_table_loads_pandas(snapshot: Path) -> None:
    table = f"from interp_checks import *; load_snapshot({str(snapshot)!r}).dropping(1).table()"
    assert "pandas" in loaded_after(table)
    assert "torch" not in loaded_after(table)


@pytest.mark.parametrize("name", interp_checks.__all__)
def test_every_public_name_is_there(name: str) -> None:
    value = getattr(interp_checks, name)
    assert name in dir(interp_checks)
    assert getattr(interp_checks, name) is value
    assert (getattr(value, "__name__", name) == name) or name in ("Claim",)
    assert value.__doc__


def test_all_is_sorted_and_an_unknown_name_is_an_attribute_error() -> None:
    assert list(interp_checks.__all__) == sorted(set(interp_checks.__all__))
    with pytest.raises(AttributeError, match="has no attribute 'keeping_frist'"):
        interp_checks.keeping_frist  # noqa: B018
    with pytest.raises(ImportError):
        from interp_checks import keeping_frist  # noqa: F401


def test_names_for_the_type_checker_are_the_names_at_run_time() -> None:
    """The block under TYPE_CHECKING repeats every name, or an editor knows less than Python."""
    import ast

    tree = ast.parse(Path(interp_checks.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {
        alias.asname: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == interp_checks._HOMES
