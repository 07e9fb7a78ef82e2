"""The paths that options name, made absolute once: tests may change the folder, or HOME.

Loaded by every pytest run on the machine, so it imports nothing but pytest and the standard
library.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

_ONE = (
    "interp_checkpoint",
    "interp_data_root",
    "interp_cache_dir",
    "interp_save",
    "interp_baseline",
    "interp_record",
    "interp_align",
    "interp_figures",
)
_SEVERAL = "interp_report"
#: The environment variable that names the data folder where no option and no ini key does.
_DATA = "INTERP_DATA"
#: What the controller of pytest-xdist tells its workers.
FOLDER = "interp_folder"

_PATHS: pytest.StashKey[dict[str, list[Path]]] = pytest.StashKey()


def folder_of(config: pytest.Config) -> Path:
    """The folder that pytest was called in."""
    worker_input: dict[str, Any] = getattr(config, "workerinput", {})
    return Path(worker_input.get(FOLDER, config.invocation_params.dir))


def remember_paths(config: pytest.Config) -> None:
    """Make every path absolute now, before anything else can change what it means."""
    if _PATHS in config.stash:
        return
    folder = folder_of(config)
    named = {name: [config.getoption(name)] for name in _ONE}
    named[_SEVERAL] = config.getoption(_SEVERAL)
    named[_DATA] = [os.environ.get(_DATA)]
    config.stash[_PATHS] = {
        name: [folder / Path(value).expanduser() for value in values if value]
        for name, values in named.items()
    }


def path_of(config: pytest.Config, option: str) -> Path | None:
    """The path that an option names; None if it was not given."""
    remember_paths(config)
    return next(iter(config.stash[_PATHS][option]), None)


def data_folder(config: pytest.Config) -> Path | None:
    """The data folder that the environment names."""
    return path_of(config, _DATA)


def report_paths(config: pytest.Config) -> list[Path]:
    """Every path of ``--interp-report``."""
    remember_paths(config)
    return config.stash[_PATHS][_SEVERAL]


def path_for_people(config: pytest.Config, path: Path) -> str:
    """A path for people: relative to the folder that pytest was called in, if it is inside."""
    folder = folder_of(config)
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)
