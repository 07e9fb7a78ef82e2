"""The plugin costs nothing where it is not used, and no torch where a snapshot is enough."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

SUITES = Path(__file__).parents[2] / "suites"
#: What must not be loaded because of us by a run that has no claims.
HEAVY = {
    *("torch", "numpy", "pandas", "rich", "scipy", "lark", "sklearn", "safetensors", "tabulate"),
    *("interp_checks", "interp_fixtures", "platformdirs", "filelock", "torchvision", "PIL"),
}
NOTE_MODULES = """
import json, sys

def pytest_unconfigure():
    with open("modules.json", "w") as file:
        json.dump(sorted(sys.modules), file)
"""
UNRELATED = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_unrelated(number, tmp_path):
    assert number < 3
"""


def modules(pytester: pytest.Pytester, *arguments: str) -> set[str]:
    """What a run in a process of its own has imported at its end."""
    pytester.makeconftest(NOTE_MODULES)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)
    assert result.ret == pytest.ExitCode.OK
    return set(json.loads((pytester.path / "modules.json").read_text()))


def packages(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def added_by_us(pytester: pytest.Pytester) -> set[str]:
    return modules(pytester) - modules(pytester, "-p", "no:interp_checks")


def test_unrelated_project(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(UNRELATED)
    added = added_by_us(pytester)
    assert not packages(added) & HEAVY
    assert packages(added) == {"pytest_interp_checks"}
    assert added <= {
        "pytest_interp_checks",
        *(
            f"pytest_interp_checks.{name}"
            for name in (
                *("claims", "collector", "fixtures", "items", "marker", "options", "paths"),
                "terminal",
            )
        ),
    }


def test_that_test_can_fail(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(UNRELATED)
    # A conftest that makes the plugin do what a suite makes it do.
    pytester.makepyfile(
        test_more="""
        import sys

        def test_imports():
            if "pytest_interp_checks" in sys.modules:
                import pytest_interp_checks.judging
        """
    )
    assert {"numpy", "interp_checks"} <= packages(added_by_us(pytester)) & HEAVY


def test_collecting_claims_needs_no_model(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        'from pytest_interp_checks import claims\ntest_a = claims("accuracy is above 90 %")'
    )
    loaded = packages(modules(pytester, "--collect-only", "-q"))
    assert "lark" in loaded
    assert not loaded & {"torch", "pandas", "sklearn", "torchvision"}


def test_output_layer_suites_need_no_model(pytester: pytest.Pytester) -> None:
    shutil.copytree(SUITES, pytester.path / "suites")
    # One random rotation imports what two hundred do.
    only = ("--ignore-glob=*test_9_*", "-q", "--interp-rotations=1")
    loaded = packages(modules(pytester, "suites", *only))
    assert {"numpy", "interp_checks", "interp_fixtures"} <= loaded
    assert not loaded & {"torch", "torchvision", "pandas", "sklearn", "PIL", "matplotlib"}
