"""The summary of whole runs on terminals of several widths, colours and encodings."""

from __future__ import annotations

import re

import pytest

from interp_fixtures.reference_files import snapshot_file

SENTENCES = (
    "dropping direction 5 kills class 8 and spares every other class",
    "keeping only direction 1 predicts only classes 6 and 7",
    "dropping direction 12 kills class 7",
    "accuracy is above 90 %",
)
SUITE = f"from pytest_interp_checks import claims\ntest_a = claims(*{SENTENCES})"


@pytest.mark.parametrize("columns", [40, 80, 140])
def test_columns_of_a_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    pytester.makepyfile(SUITE)
    option = f"--interp-checkpoint={snapshot_file('digits')}"
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--tb=no", option)
    start = next(n for n, line in enumerate(result.outlines) if "interpretability claims" in line)
    end = next(n for n, line in enumerate(result.outlines) if "short test summary" in line)
    assert max(map(len, result.outlines[start:end])) == columns
    compact = any(line.endswith("dead lowest recalls") for line in result.outlines)
    assert compact == (columns == 40)


@pytest.mark.parametrize(
    ("option", "variables", "coloured"),
    [
        ("--color=yes", {}, True),
        ("--color=no", {}, False),
        ("--color=auto", {}, False),
        ("--color=auto", {"FORCE_COLOR": "1"}, True),
        ("--color=auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colours_of_a_run(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    option: str,
    variables: dict[str, str],
    coloured: bool,
) -> None:
    monkeypatch.delenv("PY_COLORS")  # which pytester sets
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    pytester.makepyfile(
        'from pytest_interp_checks import claims\ntest_a = claims("accuracy is above 1 %")'
    )
    checkpoint = f"--interp-checkpoint={snapshot_file('digits')}"
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", option, checkpoint)
    summary = result.stdout.str().partition("interpretability claims")[2]
    counts = next(line for line in summary.splitlines() if " claim: " in line)
    assert ("\x1b[32mholds 1" in counts) == coloured
    assert ("\x1b" in summary) == coloured


def test_a_terminal_of_ascii_only(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii:strict")
    monkeypatch.setenv("PYTHONUTF8", "0")
    pytester.makeconftest(
        """
        import pytest
        from interp_checks import Readout
        @pytest.fixture(scope="session")
        def subject():
            return Readout([[1.0, 0], [0, 1]], [0, 1], [[2.0, 0], [0, 1]], class_names=("ä", "b"))
        """
    )
    pytester.makepyfile(
        "from pytest_interp_checks import claims\n"
        'test_a = claims(\'dropping direction 1 kills class "ä"\', "accuracy is above 1 %")'
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-vv")
    result.assert_outcomes(passed=1, failed=1)
    text = result.stdout.str()
    assert "INTERNALERROR" not in text
    assert text.isascii()
    assert re.search(r"^intact\W+100\W+100\W+100\.00\b", text, re.MULTILINE)
    # The rule under the heads is drawn with what ASCII has.
    assert re.search(r"^-[-+]+$", text, re.MULTILINE)
