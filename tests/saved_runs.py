"""A suite, its saved run on the shipped digits reference, and a broken classifier."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest

from interp_checks import Readout
from interp_fixtures.command import main

HELD = "dropping direction 4 leaves only classes 0, 2, 3, 4, 5, 6, 7, 8 and 9 alive"
CLAIMS = {
    "held": "accuracy is above 80 %",
    "named": HELD,
    "still not": "accuracy is above 99 %",
    "not judged": "dropping direction 14 kills class 8",
}
OPTIONS = ("-p", "no:cacheprovider", "--interp-rotations=0")


def suite(pytester: pytest.Pytester, sentences: Iterable[str] = CLAIMS.values()) -> None:
    listed = ", ".join(map(repr, sentences))
    pytester.makepyfile(
        test_suite=f"from pytest_interp_checks import claims\ntest_x = claims({listed})\n"
    )


def run(pytester: pytest.Pytester, *options: str, on: str = "") -> pytest.RunResult:
    subject = f"--interp-checkpoint={on}" if on else "--interp-dataset=digits"
    return pytester.runpytest_inprocess(*OPTIONS, subject, *options)


@pytest.fixture
def saved(pytester: pytest.Pytester) -> pytest.Pytester:
    """A suite and ``base.json``, the saved run of it on the shipped digits reference."""
    suite(pytester)
    result = run(pytester, "--interp-save=base")
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["run saved: base.json"])
    return pytester


def broken(readout: Readout) -> Readout:
    """Another function: direction 4 and 6 exchange what they do on the hidden side."""
    directions = readout.directions
    hidden = directions.hidden.copy()
    hidden[:, [3, 5]] = hidden[:, [5, 3]]
    return replace(readout, weight=directions.classes * directions.singular_values @ hidden.T)


def compared(*files: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    status = main(["compare", *files])
    told = capsys.readouterr()
    return status, told.out, told.err
