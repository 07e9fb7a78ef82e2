"""Part of a run: it does not replace a whole one, and says what it leaves out."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest
from markdown_pages import Page
from saved_runs import HELD, OPTIONS, broken

from interp_checks import save_snapshot
from interp_checks.comparing.saved_run import load_run
from interp_fixtures import reference_readout

pytestmark = pytest.mark.slow

FIRST = ("accuracy is above 80 %", HELD)
SECOND = ("accuracy is above 99 %",)
SUITE = "from pytest_interp_checks import claims\ntest_x = claims{}\n"


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """Two files of claims; a whole run of them is saved in ``base.json``."""
    pytester.makepyfile(test_a=SUITE.format(FIRST), test_b=SUITE.format(f"({SECOND[0]!r})"))
    run(pytester, "--interp-save=base.json").assert_outcomes(passed=2, failed=1)
    return pytester


def run(
    pytester: pytest.Pytester, *options: str, on: str = "", cache: bool = False
) -> pytest.RunResult:
    subject = f"--interp-checkpoint={on}" if on else "--interp-dataset=digits"
    return pytester.runpytest_inprocess(*OPTIONS[2 * cache :], subject, *options)


def saved(path: str = "base.json") -> list[str]:
    return [claim["claim"] for claim, _ in load_run(path).claims()]


PARTS = {
    "-k": ("-k", "accuracy"),
    "-m": ("-m", "claim and not T1", "--deselect", f"test_a.py::test_x[{FIRST[0]}]"),
    "one test": (f"test_b.py::test_x[{SECOND[0]}]",),
    "one file": ("test_a.py",),
    "ignored": ("--ignore=test_a.py",),
}


@pytest.mark.parametrize("options", PARTS.values(), ids=PARTS)
def test_part_of_a_run_does_not_replace_the_whole(
    project: pytest.Pytester, options: tuple[str, ...]
) -> None:
    before = Path("base.json").read_bytes()
    result = run(project, *options, "--interp-save=base.json", "--interp-report=r.json")
    assert Path("base.json").read_bytes() == before
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["nothing saved: base.json holds * that this partial run left out, such as *"]
    )
    assert Path("r.json").is_file()  # only this output failed


@pytest.mark.parametrize("options", PARTS.values(), ids=PARTS)
def test_what_is_saved_elsewhere_knows_what_it_leaves_out(
    project: pytest.Pytester, options: tuple[str, ...]
) -> None:
    run(project, *options, "--interp-save=part.json")
    part = set(saved("part.json"))
    assert part < set(saved())
    result = run(project, "--interp-baseline=part.json", "-rs")
    if load_run("part.json").partial:
        # What held then holds still, what did not is still not, and nothing else fails.
        assert result.ret == pytest.ExitCode.OK
        result.stdout.fnmatch_lines(["SKIPPED * not in the baseline: part.json is a partial run*"])
        result.stdout.fnmatch_lines(["Against part.json (a partial run): *not in the baseline*"])
    else:  # all that there was to collect of the files that were asked for
        result.stdout.fnmatch_lines(["This claim is not in the baseline part.json."])


def test_last_failed(project: pytest.Pytester) -> None:
    run(project, cache=True)
    before = Path("base.json").read_bytes()
    result = run(project, "--lf", "--interp-save=base.json", cache=True)
    assert Path("base.json").read_bytes() == before
    result.stdout.fnmatch_lines(["nothing saved: base.json holds 2 claims *"])
    run(project, "--lf", "--interp-save=part.json", cache=True)
    assert load_run("part.json").partial
    # A run that has nothing to leave out is a whole one.
    project.makepyfile(test_b=SUITE.format("('accuracy is above 1 %')"))
    run(project, cache=True)
    result = run(project, "--lf", "--interp-save=base.json", cache=True)
    assert len(saved()) == 3
    assert not load_run("base.json").partial


def test_claims_that_are_gone_may_go(project: pytest.Pytester) -> None:
    project.makepyfile(test_a=SUITE.format(f"({FIRST[0]!r})"))
    Path("test_b.py").unlink()
    result = run(project, "--interp-save=base.json")
    assert result.ret == pytest.ExitCode.OK
    assert saved() == [FIRST[0]]


def test_a_fuller_run_replaces_part_of_one(project: pytest.Pytester) -> None:
    run(project, "-k", "accuracy", "--interp-save=part.json")
    run(project, "--interp-save=part.json").stdout.fnmatch_lines(["run saved: part.json"])
    assert len(saved("part.json")) == 3
    assert not load_run("part.json").partial


def test_a_worker_knows_what_is_left_out(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess(
        *OPTIONS, "--interp-dataset=digits", "-n", "2", "-k", "above", "--interp-save=base.json"
    )
    result.stdout.fnmatch_lines(
        ["1 more claim deselected", "nothing saved: base.json holds 1 claim *"]
    )


def test_what_the_baseline_has_and_this_run_does_not_get_to(project: pytest.Pytester) -> None:
    project.makeconftest(
        "import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_pyfunc_call(pyfuncitem):\n"
        "    if 'leaves' in pyfuncitem.name:\n        raise MemoryError('no memory left')\n"
    )
    result = run(
        project, "-k", "80 or leaves", "--interp-baseline=base.json", "--interp-report=r.md"
    )
    result.assert_outcomes(passed=1, failed=1, deselected=1)
    text = Path("r.md").read_text("utf-8")
    assert "**2 claims of the baseline not judged now:**" in text
    assert f"- {HELD} (error)" in text
    assert f"- {SECOND[0]} (deselected)" in text
    told = [line.strip() for line in result.outlines]
    assert any(line.endswith("(deselected)") for line in told)


def test_the_markdown_says_first_what_became_of_each_finding(project: pytest.Pytester) -> None:
    save_snapshot(broken(reference_readout("digits")), "broken.safetensors")
    result = run(
        project,
        "--interp-baseline=base.json",
        "--interp-report=r.md",
        "--interp-report=r.json",
        on="broken.safetensors",
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    report = json.loads(Path("r.json").read_text("utf-8"))
    claims = [claim for subject in report["subjects"] for claim in subject["claims"]]
    changed = [one for one in claims if one["became"][0] not in ("held", "still not")]
    changed.sort(key=lambda one: not one["gone"])
    assert any(one["gone"] for one in changed)
    text = Path("r.md").read_text("utf-8")
    first = text.partition("<details>")[0]
    assert first.index("### Since the baseline") < first.index("| claim |")
    for word, count in report["baseline"]["became"].items():
        assert f"{word} {count}" in first.partition("|")[0]
    fates = Page(text).tables[0]
    assert fates[0] == ["", "finding", "what became of it", "evidence"]
    assert [row[1:] for row in fates[1:]] == [
        [one["claim"], one["became"][0], one["became"][1].replace("\n", " ")] for one in changed
    ]
    assert [row[0] for row in fates[1:]] == ["❌" if one["gone"] else "🔁" for one in changed]


def test_the_markdown_says_that_nothing_changed(project: pytest.Pytester) -> None:
    run(project, "--interp-baseline=base.json", "--interp-report=r.md")
    first = Path("r.md").read_text("utf-8").partition("<details>")[0]
    assert "Against base.json: held 2, still not 1." in first
    assert "No finding has changed." in first
    assert "did not pass" not in first


def test_a_claim_that_a_whole_baseline_does_not_know(project: pytest.Pytester) -> None:
    project.makepyfile(test_b=SUITE.format("('accuracy is above 81 %')"))
    run(project, "--interp-baseline=base.json", "--interp-report=r.md").assert_outcomes(
        passed=2, failed=1
    )
    rows = Page(Path("r.md").read_text("utf-8")).tables[0]
    assert rows[1][:3] == ["❌", "accuracy is above 81 %", "not in the baseline"]


def test_a_baseline_of_a_claim_that_was_never_judged(project: pytest.Pytester) -> None:
    """Its subject could not be made then; it is no unknown claim."""
    project.makeconftest(
        "import pytest\n@pytest.fixture(scope='session')\ndef subject():\n    raise OSError('no')\n"
    )
    run(project, "--interp-save=none.json").assert_outcomes(errors=3)
    Path("conftest.py").unlink()
    result = run(project, "--interp-baseline=none.json")
    result.assert_outcomes(passed=2, xfailed=1)
    result.stdout.fnmatch_lines(["Against none.json: new 2, still not 1"])


TWICE = {
    "save and report": ("--interp-save=x.json", "--interp-report=x.json"),
    "suffix added": ("--interp-save=x", "--interp-report=./x.json"),
    "two reports": ("--interp-report=x.md", "--interp-report=sub/../x.md"),
    "a link": ("--interp-report=link.json", "--interp-save=x.json"),
    "absolute": ("--interp-report={here}/x.json", "--interp-save=x.json"),
    "the baseline": ("--interp-report=base.json", "--interp-baseline=base.json"),
    "junit": ("--interp-report=x.html", "--junitxml=x.html"),
    "the checkpoint": ("--interp-save=some.safetensors", "--interp-checkpoint=some.safetensors"),
    "a hard link": ("--interp-report=hard.json", "--interp-baseline=base.json"),
}


@pytest.mark.parametrize("options", TWICE.values(), ids=TWICE)
@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=" ".join)
def test_two_uses_of_one_path(
    project: pytest.Pytester, options: tuple[str, ...], workers: tuple[str, ...]
) -> None:
    Path("sub").mkdir()
    Path("link.json").symlink_to("x.json")
    os.link("base.json", "hard.json")
    save_snapshot(reference_readout("digits"), "some.safetensors")
    before = Path("base.json").read_bytes(), Path("some.safetensors").read_bytes()
    here = [option.format(here=project.path) for option in options]
    result = project.runpytest_inprocess(*OPTIONS, *here, *workers)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.re_match_lines(
        [r"ERROR: --interp-(save|report): .*(same path twice|is the file)"]
    )
    assert (Path("base.json").read_bytes(), Path("some.safetensors").read_bytes()) == before
    assert not Path("x.json").exists()


def test_a_baseline_may_be_renewed(project: pytest.Pytester) -> None:
    result = run(project, "--interp-baseline=base.json", "--interp-save=base.json")
    assert result.ret == pytest.ExitCode.OK
    assert len(saved()) == 3
