"""The claims of the suites about the output layer."""

from __future__ import annotations

from pathlib import Path

import pytest

from interp_checks import Claim

SUITES = Path(__file__).parents[1] / "suites"


class Collected:
    """The claims of a folder of suites about the output layer."""

    def __init__(self) -> None:
        self.claims: set[Claim] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.claims = {
            item.callspec.params["claim"]
            for item in session.items
            if isinstance(item, pytest.Function)
            and item.get_closest_marker("claim")
            and not item.callspec.params["claim"].needs_images
        }


@pytest.fixture(scope="module")
def claims() -> list[Claim]:
    collected = Collected()
    arguments = ["--collect-only", "-qq", "-p", "no:cacheprovider", f"--rootdir={SUITES.parent}"]
    pytest.main([*arguments, str(SUITES)], plugins=[collected])
    assert len(collected.claims) >= 60
    return sorted(collected.claims, key=str)
