"""Show a training's progress on the terminal, past pytest's capturing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from interp_fixtures.classifiers.trained import ProgressDisplay
    from interp_fixtures.classifiers.training import Progress


def terminal_progress(config: pytest.Config) -> ProgressDisplay:
    """A progress display for this run; silent in workers of pytest-xdist."""

    @contextmanager
    def display(title: str) -> Iterator[Progress | None]:
        if hasattr(config, "workerinput"):
            yield None
            return
        from interp_fixtures.progress import progress_bar

        with _uncaptured(config), progress_bar(title) as progress:
            yield progress

    return display


def _uncaptured(config: pytest.Config) -> AbstractContextManager[None]:
    from contextlib import nullcontext

    manager = config.pluginmanager.getplugin("capturemanager")
    if manager is None:
        return nullcontext()
    suspended: AbstractContextManager[None] = manager.global_and_fixture_disabled()
    return suspended
