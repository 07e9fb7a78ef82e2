"""What all tests share: ``pytester``, and the option that turns slow tests on."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow as well")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: turn on with --slow"))


@pytest.fixture(autouse=True)
def _as_on_a_fresh_machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inner pytest runs see no data folder, no cache of this user, and a known terminal."""
    if "pytester" not in request.fixturenames:
        return
    # A run within this process forgets what it imported first, and numpy and the classes that
    # evidence is made of must not be imported twice. (pytester sets HOME to a folder of its own.)
    import interp_checks.capture
    import interp_checks.language
    import interp_fixtures.features
    import interp_fixtures.resolve
    import pytest_interp_checks.judging
    import pytest_interp_checks.progress
    import pytest_interp_checks.summary
    import safetensors.numpy
    import scipy.special  # noqa: F401

    for name in ("INTERP_DATA", "XDG_CACHE_HOME", "NO_COLOR", "FORCE_COLOR", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
