"""Where a run writes: refused before anything runs, if two of them are the same file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from interp_checks.files.writing import is_special

from .paths import path_for_people, path_of, report_paths

SUFFIXES = (".html", ".md", ".json", ".csv")


def check_outputs(config: pytest.Config) -> None:
    """Check every path that a run will write to.

    Raises:
        pytest.UsageError: a report has no suffix of ours, an output is a folder, two outputs
            are one file, or an output is a file that the run reads.
    """
    reports = report_paths(config)
    for path in reports:
        if path.suffix not in SUFFIXES and not is_step_summary(path):
            raise pytest.UsageError(
                f"--interp-report: {path_for_people(config, path)} has the suffix {path.suffix!r}; "
                f"expected one of {', '.join(SUFFIXES)}"
            )
        if path.is_dir():
            raise pytest.UsageError(
                f"--interp-report: {path_for_people(config, path)} is a folder; expected a file"
            )
    saved = saved_path(config)
    outputs = [("--interp-report", path) for path in reports]
    if saved is not None:
        if saved.is_dir():
            raise pytest.UsageError(
                f"--interp-save: {path_for_people(config, saved)} is a folder; expected a file"
            )
        outputs.append(("--interp-save", saved))
    xml = config.getoption("xmlpath", None)
    written = [("--junitxml", Path(xml))] if xml else []
    inputs = []
    for name in ("checkpoint", "baseline", "align"):
        path_given = path_of(config, f"interp_{name}")
        if path_given is not None:
            inputs.append((f"--interp-{name}", path_given))
    for option, path in outputs:
        # A run may be judged against what it then replaces: that is how a baseline is renewed.
        read = [
            given
            for given in inputs
            if (option, given[0]) != ("--interp-save", "--interp-baseline")
        ]
        for other, taken in (*written, *read):
            if _same(path, taken):
                if option == other == "--interp-report":
                    raise pytest.UsageError(
                        f"--interp-report: the same path twice: {path_for_people(config, path)}"
                    )
                raise pytest.UsageError(
                    f"{option}: {path_for_people(config, path)} is the file of {other}; "
                    "give each a path of its own"
                )
        written.append((option, path))
    if saved is not None and _holds_something_else(saved):
        raise pytest.UsageError(
            f"--interp-save: {path_for_people(config, saved)} is there, and it is no saved "
            "run; choose another name, or move it away"
        )
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if outputs and epoch and not (epoch.isascii() and epoch.isdecimal()):
        raise pytest.UsageError(
            f"SOURCE_DATE_EPOCH is no time: {epoch[:40]!r}; expected seconds since 1970"
        )


def saved_path(config: pytest.Config) -> Path | None:
    """The path of ``--interp-save``; ``.json`` is added to a name without a suffix."""
    path = path_of(config, "interp_save")
    if path is None:
        return None
    # A device or a pipe has the name that it has.
    return path if path.suffix or is_special(path) else path.with_suffix(".json")


def _holds_something_else(path: Path) -> bool:
    """Whether weights, an archive or the like are there, which no run may take the place of."""
    if is_special(path) or not path.exists() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        begins = file.read(16)
    binary = b"\x00" in begins or begins.startswith((b"PK", b"\x80"))
    return binary and begins != b"SQLite format 3\x00"


def is_step_summary(path: Path) -> bool:
    """Whether this is the file that GitHub shows on a workflow's page, to which one appends."""
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    return bool(summary) and path == Path(str(summary)).absolute()


def _same(first: Path, second: Path) -> bool:
    """Whether two paths name one file, be it by a link, or by another spelling."""
    real, also = (os.path.normcase(os.path.realpath(path)) for path in (first, second))
    if real == also:
        return True
    try:
        return first.samefile(second)
    except OSError:
        return False
