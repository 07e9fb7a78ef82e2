"""The pytest plugin: options and hooks.

Loaded by every pytest run on the machine, so it imports nothing but pytest and the standard
library until a suite needs more.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from .claims import claims, not_replicated
from .collector import Collector, claims_collected
from .fixtures import classifier, directions, images, readout, subject, subject_with_images
from .items import needs_images, subject_fixture
from .marker import MARKER
from .options import CONFIDENCE, add_options, request_of, was_asked
from .paths import FOLDER, folder_of, remember_paths
from .terminal import SteadyTerminal

__all__ = [
    "claims",
    "classifier",
    "directions",
    "images",
    "not_replicated",
    "readout",
    "subject",
    "subject_with_images",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and ini keys; their names begin with interp."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and refuse a bad request before anything runs."""
    remember_paths(config)
    config.addinivalue_line(
        "markers",
        f"{MARKER}(source): a claim of the claim language, judged on the subject; `source` is "
        "where it was first stated",
    )
    if not _is_worker(config):
        config.pluginmanager.register(Collector(config), "interp-checks-collector")
        config.pluginmanager.register(SteadyTerminal(config), "interp-checks-terminal")
    confidence = config.getoption(CONFIDENCE)
    if confidence is not None and not 0 < confidence < 1:
        raise pytest.UsageError(
            f"--interp-confidence: {confidence} is not a probability; "
            "expected a number between 0 and 1, such as 0.95"
        )
    if config.getoption("interp_rotations") < 0:
        raise pytest.UsageError("--interp-rotations: expected a number from 0")
    for name in ("interp_baseline", "interp_align", "interp_save", "interp_figures"):
        if config.getoption(name) == "":
            raise pytest.UsageError(
                f"--{name.replace('_', '-')} is empty; an unset variable of the shell, perhaps?"
            )
    if _is_worker(config):
        return
    if any(config.getoption(f"interp_{name}") for name in ("report", "save")):
        from .output_paths import check_outputs

        check_outputs(config)
    if was_asked(config) and not _brings_subject(config):
        _prepare(config)
    if config.getoption("interp_baseline") or config.getoption("interp_align"):
        _prepare_comparison(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist which folder paths are relative to."""
    node.workerinput[FOLDER] = str(folder_of(node.config))


def _prepare(config: pytest.Config) -> None:
    """Check what was asked for, and train it now where progress can be seen.

    Workers of pytest-xdist then find the trained classifier in the cache.
    """
    from interp_checks.errors import InterpChecksError
    from interp_checks.optional_packages import packages_for
    from interp_fixtures.plans.choose_plan import choose_plan

    from .progress import terminal_progress

    # Where nothing will run, nothing is fetched or trained.
    idle = config.option.collectonly or config.option.help
    try:
        plan = choose_plan(request_of(config))
        with packages_for(plan.words):
            plan.check(fetch=not idle)
            if not idle:
                plan.train(terminal_progress(config))
    except InterpChecksError as error:
        raise pytest.UsageError(str(error)) from None


def _prepare_comparison(config: pytest.Config) -> None:
    """Read what the run is compared with, so that a bad file is one error."""
    from interp_checks.errors import InterpChecksError

    from .align import reference_of
    from .baseline import baseline_of

    try:
        baseline_of(config)
        if config.getoption("interp_align"):
            reference_of(config)
    except InterpChecksError as error:
        raise pytest.UsageError(str(error)) from None


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let ``-k T18`` find the claims of that source; keep account of every claim."""
    marker = item.get_closest_marker(MARKER)
    if marker is None:
        return
    if marker.kwargs.get("source"):
        item.extra_keyword_matches.add(marker.kwargs["source"])
    from .collected import is_claim, note

    if is_claim(item):
        note(item)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Check what INTERP_DATA or an ini key asked for, once it is known that claims need it.

    The same of the command line, where a conftest.py may make something else of it.
    """
    prepared = was_asked(config) and not _brings_subject(config)
    if _is_worker(config) or prepared or config.option.collectonly:
        return
    if any(_needs_default_subject(item) for item in items):
        _prepare(config)


def _brings_subject(config: pytest.Config) -> bool:
    """Whether a conftest.py that is loaded already has a subject of its own.

    What the command line says of a checkpoint is then for it.
    """
    plugins = config.pluginmanager.list_name_plugin()
    return any(
        hasattr(module, "subject") for name, module in plugins if str(name).endswith("conftest.py")
    )


def _needs_default_subject(item: pytest.Item) -> bool:
    """Whether an item is a claim on the subject that the command line asks for.

    A conftest.py may have put its own in the place of our fixture.
    """
    if item.get_closest_marker(MARKER) is None:
        return False
    fixture = subject_fixture(item)
    return fixture is not None and fixture.func.__module__ == f"{__name__}.fixtures"


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say what claims will be judged on, if the command line says so."""
    if not was_asked(config) or _brings_subject(config):
        return []
    from interp_fixtures.plans.choose_plan import choose_plan

    plan = choose_plan(request_of(config))
    return [f"interp-checks: {plan.words}", *(f"  {line}" for line in plan.assumed)]


def pytest_report_collectionfinish(
    config: pytest.Config, items: list[pytest.Item]
) -> str | list[str]:
    """Say what claims will be judged on, before the first one is."""
    count = sum(_needs_default_subject(item) for item in items)
    if not count:
        return []
    if was_asked(config):
        return _warnings(config)
    from interp_fixtures.plans.choose_plan import choose_plan

    claims = f"{count} claim{'' if count == 1 else 's'}"
    plan = choose_plan(request_of(config))
    lines = [f"interp-checks: {claims} to be judged on {plan.words}"]
    more = sum(_needs_default_subject(item) and needs_images(item) for item in items)
    if more and plan.lends_digits:
        lines.append(
            f"interp-checks: {more} of them need images, which are not at hand: judged on the "
            "shipped digits reference"
        )
    return lines


def _warnings(config: pytest.Config) -> list[str]:
    """What to read of a checkpoint or a model before any claim about it; loads it now."""
    given = config.getoption("interp_checkpoint") or config.getoption("interp_model")
    if config.option.collectonly or not given:
        return []
    from interp_checks.errors import InterpChecksError
    from interp_checks.report.subject import described

    from .fixtures import default_subject

    try:
        subject = described(default_subject(config))
    except InterpChecksError:
        return []  # told by the fixture, with the claims that need it
    notes = subject.notes if config.getoption("interp_model") else ()
    return [
        *(f"interp-checks: {line}" for line in notes),
        *(f"interp-checks: warning: {line}" for line in subject.warnings),
    ]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which claims were left to run, and number them.

    Tables then look the same in whatever order workers finish. It must be noted before
    pytest-xdist tells the controller that a worker has finished collecting.
    """
    if claims_collected():
        from .collected import finish

        finish(session)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put a claim's evidence on its report, which pytest-xdist sends to the controller."""
    report = yield
    if item.get_closest_marker(MARKER) is None:
        return report
    from .reporting import describe

    describe(item, report)
    return report
