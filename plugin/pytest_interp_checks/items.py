"""What pytest knows of a test, of which its types say nothing: parameters and fixtures.

Loaded by every pytest run on the machine, so it imports nothing but pytest.
"""

from __future__ import annotations

from typing import Any

import pytest


def parameters_of(item: pytest.Item) -> dict[str, Any]:
    """The values of a test's parameters by their names; empty if it has none."""
    parameters: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    return parameters


def needs_images(item: pytest.Item) -> bool:
    """Whether a test judges a claim that a network must be run for."""
    return bool(getattr(parameters_of(item).get("claim"), "needs_images", False))


def subject_fixture(item: pytest.Item) -> Any:
    """The definition of the fixture that gives a test its subject; None if there is none."""
    definitions = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    return next(reversed(definitions.get("subject", ())), None)
