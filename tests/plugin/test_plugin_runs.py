"""Suites run like any pytest module: options, ids, locations, fixtures, overriding."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.slow

SUITE = """
from pytest_interp_checks import claims

test_dropped = claims(
    "dropping direction 5 kills class 8 and spares every other class",
    "dropping direction 4 kills class 2",
    source="T18",
)
test_kept = claims("keeping the first 5 directions keeps accuracy above 90 %", source="T16")

def test_eights_live_on_the_fifth_direction(readout):
    assert readout.dropping(5).recall[8].upper < 0.05
"""
IDS = [
    "test_suite.py::test_dropped[dropping direction 5 kills class 8 and spares every other class]",
    "test_suite.py::test_dropped[dropping direction 4 kills class 2]",
    "test_suite.py::test_kept[keeping the first 5 directions keeps accuracy above 90 %]",
    "test_suite.py::test_eights_live_on_the_fifth_direction",
]
OWN_SUBJECT = """
import pytest
from interp_checks import load_snapshot
from interp_fixtures.reference_files import snapshot_file

class Mine:
    description = "a model of mine"
    readout = load_snapshot(snapshot_file("digits"))

@pytest.fixture(scope="session")
def subject():
    return {subject}
"""

#: The first words of the counts of a single claim.
ONE = "1 claim"


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(test_suite=SUITE)
    return pytester


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)


def outcomes_by_id(result: pytest.RunResult, words: tuple[str, ...]) -> dict[str, str]:
    """What -v said about each test."""
    return {
        line.partition(f" {word}")[0]: word
        for line in result.outlines
        for word in words
        if line.startswith("test_") and f" {word} " in line
    }


def test_plain_run_and_locations(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    result = run(suite, "-vv")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    # The whole text before the outcome is the id: no " <- plugin/..." behind it.
    assert outcomes_by_id(result, ("PASSED", "FAILED")) == dict(
        zip(IDS, ["PASSED", "FAILED", "PASSED", "PASSED"], strict=True)
    )
    result.stdout.fnmatch_lines(
        ["interp-checks: 3 claims to be judged on the shipped mnist reference: *"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_location_of_what_was_skipped(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_suite=SUITE.replace("direction 4 kills", "direction 14 kills"))
    result = run(pytester, "-rs")
    skipped = [line for line in result.outlines if line.startswith("SKIPPED")]
    assert len(skipped) == 1
    assert skipped[0].startswith("SKIPPED [1] test_suite.py:3: not judged: ")
    assert "there is no direction 14" in skipped[0]


def test_location_of_an_undecided_claim_that_was_skipped(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        'from pytest_interp_checks import claims\n\ntest_a = claims("accuracy is above 97.7 %")'
    )
    result = run(pytester, "-rs", "--interp-undecided=skip")
    result.assert_outcomes(skipped=1)
    (skipped,) = [line for line in result.outlines if line.startswith("SKIPPED")]
    assert skipped.startswith(
        "SKIPPED [1] test_location_of_an_undecided_claim_that_was_skipped.py:3: undecided: "
    )


def test_without_claims_nothing_is_said(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_unrelated():\n    pass")
    result = run(pytester)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*interp-checks:*")
    result.stdout.no_fnmatch_line("*interpretability claims*")


@pytest.mark.parametrize(
    "arguments",
    [("-p", "no:xdist"), ("--import-mode=importlib",), ("--strict-markers", "-W", "error")],
    ids=" ".join,
)
def test_ways_to_run(suite: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    run(suite, *arguments).assert_outcomes(passed=3, failed=1)


def test_under_xdist(suite: pytest.Pytester) -> None:
    result = run(suite, "-n", "2")
    result.assert_outcomes(passed=3, failed=1)
    assert result.stdout.str().count("= interpretability claims =") == 1


def plans(result: pytest.RunResult) -> list[str]:
    """The lines that say, before the first one, what claims are judged on."""
    return [line for line in result.outlines if line.startswith("interp-checks: ")]


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["one process", "xdist"])
def test_plan_is_in_the_header_if_the_command_line_asks(
    suite: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    result = run(suite, "-k", "T16", "--interp-dataset=digits", *workers)
    result.assert_outcomes(failed=1)  # as it does on digits only
    plan = "interp-checks: the shipped digits reference: its snapshot, no images needed"
    assert plans(result) == [plan]
    header = result.outlines.index(plan)
    assert header < next(n for n, line in enumerate(result.outlines) if "rootdir: " in line)


def test_without_options_the_summary_says_it_under_xdist(suite: pytest.Pytester) -> None:
    # The controller, which writes the header, collects nothing, so it knows of no claims.
    result = run(suite, "-n", "1", "-k", "T16")
    result.stdout.fnmatch_lines(["*= interpretability claims =*", "shipped mnist reference *"])


def test_header_says_what_the_command_line_asks_without_any_claim(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile("def test_unrelated():\n    pass")
    result = run(pytester, "--interp-dataset=digits")
    result.assert_outcomes(passed=1)
    assert len(plans(result)) == 1
    result.stdout.no_fnmatch_line("*interpretability claims*")


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        (("-k", "T18"), [0, 1]),
        (("-k", "T16"), [2]),
        (("-k", "spares and direction"), [0]),
        (("-k", "not T18"), [2, 3]),
        (("-m", "claim"), [0, 1, 2]),
        (("-m", "not claim"), [3]),
        ((IDS[2],), [2]),
    ],
    ids=str,
)
def test_selection(suite: pytest.Pytester, arguments: tuple[str, ...], chosen: list[int]) -> None:
    result = run(suite, "--collect-only", "-q", *arguments)
    assert [line for line in result.outlines if "::" in line] == [IDS[index] for index in chosen]


def test_ids_are_the_sentences_and_stable(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_suite=SUITE.replace("direction 4", " DIRECTION   4"))
    for _ in range(2):
        result = run(suite, "--collect-only", "-q")
        assert [line for line in result.outlines if "::" in line] == IDS


def test_class_names_that_are_no_ascii_give_unique_ids(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from pytest_interp_checks import claims
        names = ("ä", "ö", "a[1]")
        test_names = claims(*[f'dropping direction 1 kills class "{name}"' for name in names])
        """
    )
    result = run(pytester, "--collect-only", "-q")
    assert len({line for line in result.outlines if "::" in line}) == 3


def test_last_failed_runs_only_what_failed(suite: pytest.Pytester) -> None:
    suite.runpytest_inprocess().assert_outcomes(passed=3, failed=1)
    result = suite.runpytest_inprocess("--lf", "-v")
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines([rf"{ONE}: fails 1$"])


def test_exitfirst_stops_and_shows_what_was_judged(suite: pytest.Pytester) -> None:
    result = run(suite, "-x")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["3 claims: holds 1, fails 1, not run 1"])


def test_marks_apply_to_claims(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from pytest_interp_checks import claims
        test_a = pytest.mark.skip(reason="not today")(claims("accuracy is above 1 %"))
        test_b = pytest.mark.xfail(strict=True)(claims("accuracy is above 99.9 %"))
        """
    )
    run(pytester).assert_outcomes(skipped=1, xfailed=1)


def test_claims_in_a_class(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    pytester.makepyfile(
        test_class="""
        from pytest_interp_checks import claims
        class TestClassifier:
            test_accuracy = claims("accuracy is above 1 %", "accuracy is above 99.9 %")
            class TestInner:
                test_source = claims("accuracy is above 2 %", source="T7")
        """
    )
    result = run(pytester, "-v")
    case = "test_class.py::TestClassifier::"
    assert outcomes_by_id(result, ("PASSED", "FAILED")) == {
        f"{case}test_accuracy[accuracy is above 1 %]": "PASSED",
        f"{case}test_accuracy[accuracy is above 99.9 %]": "FAILED",
        f"{case}TestInner::test_source[accuracy is above 2 %]": "PASSED",
    }
    result.stdout.fnmatch_lines(["3 claims: holds 2, fails 1"])
    run(pytester, "-k", "T7").assert_outcomes(passed=1, deselected=2)


@pytest.mark.parametrize(
    ("subject", "description"),
    [
        (
            "Mine.readout",
            "a subject of this suite's own: 599 images, 10 features, 10 classes",
        ),
        ("Mine()", "a model of mine"),
    ],
)
def test_own_subject(pytester: pytest.Pytester, subject: str, description: str) -> None:
    pytester.makeconftest(OWN_SUBJECT.format(subject=subject))
    pytester.makepyfile(
        """
        from pytest_interp_checks import claims
        test_a = claims("dropping direction 4 keeps recall of class 1 below 30 %")
        def test_b(readout, directions):
            assert len(readout) == 599
            assert len(directions) == 10
        """
    )
    result = run(pytester)
    result.assert_outcomes(passed=2)
    result.stdout.re_match_lines([rf"{re.escape(description)}$", rf"{ONE}: holds 1$"])
    # What the command line would be judged on is not what these claims are judged on.
    result.stdout.no_fnmatch_line("*shipped mnist reference*")


WRONG = [
    "the fixture `subject` returned something that claims cannot be judged on",
    "  found: int",
    "  expected: a Readout, or an object with a Readout as its `readout`",
    "  what to do: make one with interp_checks.readout_of(model, batches)",
]


@pytest.mark.parametrize(
    ("test", "outcome"),
    [
        ('test_a = claims("accuracy is above 1 %")', {"failed": 1}),
        ("def test_a(readout):\n    pass", {"errors": 1}),
    ],
    ids=["claim", "by hand"],
)
def test_wrong_subject_is_said_once(
    pytester: pytest.Pytester, test: str, outcome: dict[str, int]
) -> None:
    pytester.makeconftest(OWN_SUBJECT.format(subject="3"))
    pytester.makepyfile(f"from pytest_interp_checks import claims\n{test}")
    result = run(pytester)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(WRONG, consecutive=True)
    assert sum(line.startswith(WRONG[0]) for line in result.outlines) == 1
    result.assert_outcomes(**outcome)
    result.stdout.no_fnmatch_line("*.py:*: InterpChecksError")
    result.stdout.no_fnmatch_line("*Traceback*")


def test_fixtures_of_the_shipped_snapshot(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_readout(readout, directions):
            assert readout.features.shape == (10_000, 10)
            assert len(directions) == 10

        def test_classifier(classifier, readout):
            import numpy as np
            assert not classifier.training
            assert np.array_equal(classifier.head.weight.detach().numpy(), readout.weight)

        def test_images(images):
            raise AssertionError("there are none")
        """
    )
    # The model needs torch, which cannot be forgotten and imported again.
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-rs")
    result.assert_outcomes(passed=2, skipped=1)
    result.stdout.fnmatch_lines(
        ["SKIPPED * this needs images, and there is only a snapshot of the features*"]
    )
    assert "INTERP_DATA" in result.stdout.str()


def test_markers_and_options_are_documented(pytester: pytest.Pytester) -> None:
    run(pytester, "--markers").stdout.fnmatch_lines(["@pytest.mark.claim(source): a claim of *"])
    shown = run(pytester, "--help").stdout.str()
    for name in ("checkpoint", "dataset", "data-root", "download", "seed", "recipe", "undecided"):
        assert f"--interp-{name}" in shown
