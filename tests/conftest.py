"""What all tests share: ``pytester``, and the option that turns slow tests on."""

from __future__ import annotations

import signal
import threading
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

# What tests share lies beside this file, and its assertions explain themselves as theirs do.
pytest.register_assert_rewrite(*(path.stem for path in Path(__file__).parent.glob("*.py")))

# Where the tests run in the background, these are ignored, and processes that are started inherit
# that; what signals do is tested.
if threading.current_thread() is threading.main_thread():
    for _name in ("SIGINT", "SIGHUP"):
        _number = getattr(signal, _name, None)
        if _number is not None and signal.getsignal(_number) == signal.SIG_IGN:
            signal.signal(
                _number, signal.default_int_handler if _name == "SIGINT" else signal.SIG_DFL
            )

_IMPORTED_ONCE = (
    "lark",
    "safetensors.numpy",
    "scipy.special",
    "interp_checks.capturing.capture",
    "interp_checks.counting.compiled_engine",
    "interp_checks.claims.parser",
    "interp_checks.networks.network",
    "interp_checks.networks.compiled_engine",
    "interp_fixtures.classifiers.features",
    "interp_fixtures.resolve",
    "pytest_interp_checks.judging",
    "pytest_interp_checks.progress",
    "pytest_interp_checks.summary",
)

# Where tests run decides none of them: with CI set, say, pytest's summary has lines of any width.
_NOT_ON_A_FRESH_MACHINE = (
    "BUILD_NUMBER",
    "CI",
    "FORCE_COLOR",
    "GITHUB_ACTIONS",
    "GITHUB_STEP_SUMMARY",
    "INTERP_DATA",
    "NO_COLOR",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD",
    "PYTEST_PLUGINS",
    "SOURCE_DATE_EPOCH",
    "XDG_CACHE_HOME",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow as well")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        # A warning in our own tests is a defect until someone says why it is not.
        item.add_marker(pytest.mark.filterwarnings("error"), append=False)
        item.add_marker(
            pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.*"), append=True
        )
        if config.getoption("--slow"):
            continue
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: turn on with --slow"))


@cache
def _load_all_of_numba() -> None:
    """What it imports with the first function it compiles; it cannot bear to import that twice."""
    import numba
    import numpy as np
    from numba.core.registry import cpu_target

    def total(values: np.ndarray) -> float:
        found = 0.0
        for value in values:
            found += value
        return found

    cpu_target.target_context.refresh()
    assert numba.njit(total)(np.ones(2)) == 2


@pytest.fixture(autouse=True)
def _as_on_a_fresh_machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inner pytest runs see no data folder, no cache of this user, and a known terminal."""
    if "pytester" not in request.fixturenames:
        return
    # A run within this process forgets what it imported first, and neither numpy nor the
    # classes that evidence is made of may be imported twice.
    for name in _IMPORTED_ONCE:
        import_module(name)
    _load_all_of_numba()
    request.getfixturevalue("pytester")  # gives a HOME, and takes PYTEST_ADDOPTS away
    for name in _NOT_ON_A_FRESH_MACHINE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    # At the end of a run it imports all of hypothesis, which takes a second.
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")
