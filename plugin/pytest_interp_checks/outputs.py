"""What a run writes: each output on its own, so that none that fails takes another with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from interp_checks.comparing.places import path_in_repository
from interp_checks.comparing.saved_run import save_run
from interp_checks.errors import InterpChecksError
from interp_checks.files.writing import is_special, write_text
from interp_checks.printable import one_line, printable, printable_values
from interp_checks.record.addresses import is_address, split_address
from interp_checks.record.record import Record
from interp_checks.report.contents import Circumstances, json_text
from interp_checks.report.csv_table import csv_table
from interp_checks.report.markdown import markdown
from interp_fixtures.thesis_figures.replication import replication_table

from .ledger import Ledger
from .output_paths import is_step_summary, saved_path
from .paths import path_for_people, path_of, report_paths
from .report import commit_of, report_of


@dataclass
class Written:
    """What came of writing.

    Args:
        config: of the run.
        lines: one about each output.
        failed: whether something that was asked for is not there.
    """

    config: pytest.Config
    lines: list[str] = field(default_factory=list)
    failed: bool = False

    def attempt(self, what: str, path: Path | None, write: Callable[[], str]) -> None:
        """Write one output; whatever is wrong becomes a line."""
        try:
            self.lines.append(printable(write()))
        # A defect in one format must not cost the others.
        except Exception as error:
            self.failed = True
            problem, where = _problem(error), ""
            if path is not None:
                named = one_line(path_for_people(self.config, path))
                problem = problem.replace(one_line(str(path)), named)
                where = "" if problem.startswith(named) else f"{named}: "
            self.lines.append(f"{what}: {printable(where)}{problem}")


def _problem(error: Exception) -> str:
    if isinstance(error, InterpChecksError):
        detail = f" ({one_line(error.found)})" if error.found else ""
        return f"{one_line(error.problem)}{detail}"
    if isinstance(error, OSError):
        return one_line(error.strerror or str(error))
    return one_line(f"{type(error).__name__}: {error}")


def write_outputs(ledger: Ledger, config: pytest.Config, run: Circumstances) -> Written:
    """Write the saved run, then every report, then the figures; whatever was asked for."""
    written = Written(config)

    @cache
    def report() -> dict[str, Any]:
        return report_of(ledger, config, run)

    if config.getoption("interp_save"):
        written.attempt(
            "nothing saved", saved_path(config), lambda: _save(ledger, config, report())
        )
    for path in report_paths(config):
        written.attempt("no report", path, _writer(path, ledger, config, report))
    if config.getoption("interp_figures"):
        written.attempt(
            "no figures",
            path_of(config, "interp_figures"),
            lambda: _figures(ledger, config, report()),
        )
    return written


def _writer(
    path: Path, ledger: Ledger, config: pytest.Config, report: Callable[[], dict[str, Any]]
) -> Callable[[], str]:
    def write() -> str:
        text = _text(path.suffix, ledger, config, report())
        if is_step_summary(path):
            # GitHub shows this file on a workflow's page, and one appends to it.
            with path.open("a", encoding="utf-8") as file:
                file.write(text)
        else:
            write_text(path, text)
        return f"report: {path_for_people(config, path)}"

    return write


def _text(suffix: str, ledger: Ledger, config: pytest.Config, report: dict[str, Any]) -> str:
    """A report in the format of a suffix; all but JSON are made of printable text alone."""
    if suffix == ".json":
        return json_text(report)
    for_people: dict[str, Any] = printable_values(report)
    if suffix == ".csv":
        return csv_table(for_people)
    if suffix == ".html":
        from .html import html

        return html(ledger, config, for_people)
    return markdown(for_people, replication_table(for_people["subjects"]))


def _figures(ledger: Ledger, config: pytest.Config, report: dict[str, Any]) -> str:
    from .html import write_figures_of

    return write_figures_of(ledger, config, printable_values(report))


def _save(ledger: Ledger, config: pytest.Config, report: dict[str, Any]) -> str:
    """Save the run; returns a line about it.

    Raises:
        InterpChecksError: the run is no match for what is saved there, or the file cannot be
            written.
    """
    path = saved_path(config)
    assert path is not None
    if report["cut_short"]:
        raise InterpChecksError(f"the run was cut short ({report['cut_short']})")
    if is_address(path):
        return _record(path, ledger, config, report)
    lost = list(_not_covered(path, report, config))
    if lost:
        noun = "claim" if len(lost) == 1 else "claims"
        raise InterpChecksError(
            f"{path} holds {len(lost)} {noun} that this partial run left out, such as "
            f"{lost[0]!r}; save it to another file"
        )
    save_run(path, *_run_of(ledger, config, report))
    return f"run saved: {path_for_people(config, path)}{_partial(report)}"


def _record(path: Path, ledger: Ledger, config: pytest.Config, report: dict[str, Any]) -> str:
    """Add the run to a record; returns a line about it."""
    file, name = split_address(path)
    run, snapshots = _run_of(ledger, config, report)
    with Record(file, create=True) as record:
        added = record.add(run, snapshots, name=name)
        many = len(record)
    return (
        f"run {added.run} of {many} saved: {path_for_people(config, file)}"
        + (f" as {name}" if name else "")
        + _partial(report)
    )


def _run_of(
    ledger: Ledger, config: pytest.Config, report: dict[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """What is saved of a run: the report, with where it was made, and the packed readouts."""
    snapshots = [tables.snapshot for tables, _ in ledger.by_subject()]
    if not all(snapshots):
        raise InterpChecksError("the features of a subject could not be packed, or were lost")
    run = {**report, "commit": commit_of(config), "root": path_in_repository(config.rootpath)}
    return run, snapshots


def _partial(report: dict[str, Any]) -> str:
    if not report["selection"]["partial"]:
        return ""
    return " (a partial run: a baseline knows what it leaves out)"


def _not_covered(path: Path, report: dict[str, Any], config: pytest.Config) -> Iterator[str]:
    """The claims of a saved run that this run did not judge, though they are still there.

    A claim that is gone from a file that this run collected in full is no longer there, and so
    is every claim of a file that is gone.
    """
    if is_special(path):
        return  # a device or a pipe holds no run, and reading it may wait for ever
    try:
        saved = json.loads(path.read_text("utf-8"))["report"]
        claims = [claim for subject in saved["subjects"] for claim in subject["claims"]]
        before = [(str(claim["test"]), str(claim["claim"])) for claim in claims]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return  # nothing is there, or no saved run
    claims_now = [*report["without_subject"]]
    claims_now += [claim for subject in report["subjects"] for claim in subject["claims"]]
    now = {claim["test"] for claim in claims_now}
    left_out = {claim["test"] for claim in report["selection"]["deselected"]}
    files = {_file(test) for test in now | left_out}
    narrowed = bool(report["selection"]["narrowed_by"])
    for test, claim in before:
        whole = _file(test) in files and not narrowed
        there = not whole and (config.rootpath / _file(test)).is_file()
        if test not in now and (test in left_out or there):
            yield claim


def _file(test: str) -> str:
    return test.partition("::")[0]
