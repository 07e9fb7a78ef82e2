"""How a run is named on a command line: a JSON file, a record, or one run of a record."""

from __future__ import annotations

import os
from pathlib import Path

from interp_checks.comparing.saved_run import SavedRun, is_run, load_run
from interp_checks.files.writing import is_special

from .record import Record
from .schema import is_record


def split_address(path: Path) -> tuple[Path, str]:
    """``runs.db@NAME`` as the record and the name; a file of that very name goes first."""
    if "@" not in path.name or path.exists():
        return path, ""
    file, _, which = path.name.partition("@")
    return path.with_name(file), which


def is_address(path: Path) -> bool:
    """Whether a path means a record: by what is there, else by its suffix."""
    file, _ = split_address(path)
    if is_special(file):
        return False
    return is_record(file) or (file.suffix in (".db", ".sqlite") and not is_run(file))


def load_any_run(path: str | os.PathLike[str]) -> SavedRun:
    """A run that was saved, be it in a JSON file or in a record (``runs.db``, ``runs.db@NAME``).

    Raises:
        CheckpointError: it is missing or damaged.
    """
    if not is_address(Path(path)):
        return load_run(path)
    file, which = split_address(Path(path))
    with Record(file) as record:
        return record.saved(which)
