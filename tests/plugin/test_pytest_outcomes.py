"""Every outcome that pytest knows, in every report: docs/reports.md has the same table."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest
from made_readouts import dictated
from markdown_it import MarkdownIt

from interp_checks import save_snapshot
from interp_checks.comparing.saved_run import load_run

DOCS = Path(__file__).parents[2] / "docs"
for _plugin in ("xdist", "pytest_timeout"):
    pytest.importorskip(_plugin)

#: 400 images of four classes (and one without any), 98 % right.
IMAGES = {(0, 0, 1): 100, (1, 1, 1): 100, (2, 2, 2): 100, (3, 3, 3): 92, (3, 0, 0): 8}

#: One claim for each outcome, told apart by its threshold: its kind, and how it ends.
#: Kind: pytest's word, the word of reports, the outcome of the verdict.
TABLE: dict[str, tuple[str, str, str | None]] = {
    "holds": ("passed", "holds", "holds"),
    "fails": ("failed", "fails", "fails"),
    "undecided": ("failed", "undecided", "undecided"),
    "not judged": ("skipped", "not judged", None),
    "marked skip": ("skipped", "skipped", None),
    "fixture skips": ("skipped", "skipped", None),
    "fixture raises": ("error", "error", None),
    "test raises": ("failed", "error", None),
    "teardown raises": ("error", "error", "holds"),
    "timed out": ("failed", "timed out", None),
    "expected and fails": ("xfailed", "expected failure", "fails"),
    "expected and not run": ("xfailed", "expected failure", None),
    "expected and holds": ("xpassed", "unexpectedly holds", "holds"),
    "strictly expected and holds": ("failed", "unexpectedly holds", "holds"),
    "nothing judges": ("passed", "not judged", None),
    "deselected": ("deselected", "deselected", None),
}
SENTENCES = {
    "fails": "accuracy is above 99.9 %",
    "undecided": "accuracy is above 98 %",
    "not judged": "recall of class 7 is above 1 %",
    "expected and fails": "accuracy is above 99.8 %",
}
for _number, _kind in enumerate(TABLE, start=1):
    SENTENCES.setdefault(_kind, f"accuracy is above {_number} %")
KINDS = {sentence: kind for kind, sentence in SENTENCES.items()}
assert len(KINDS) == len(TABLE)

MARKS = {
    "marked skip": 'skip(reason="not today")',
    "expected and fails": 'xfail(reason="known")',
    "expected and not run": 'xfail(run=False, reason="known")',
    "expected and holds": 'xfail(reason="known")',
    "strictly expected and holds": "xfail(strict=True)",
    "fixture raises": 'usefixtures("raises")',
    "fixture skips": 'usefixtures("skips")',
    "teardown raises": 'usefixtures("raises_at_the_end")',
    "timed out": 'timeout(0.3, method="signal")',
}
CONFTEST = """
import os, time
import pytest

def pytest_configure():
    # Other tests draw figures; they would take most of the time of these.
    from interp_fixtures.thesis_figures import all_figures, registry
    registry.REGISTRY.clear()

@pytest.fixture
def raises():
    raise RuntimeError("a fixture | broke")

@pytest.fixture
def raises_at_the_end():
    yield
    raise RuntimeError("the end broke")

@pytest.fixture
def skips():
    pytest.skip("no model today")

@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    name = pyfuncitem.originalname
    if name == "test_test_raises":
        raise MemoryError("no memory left")
    if name == "test_timed_out":
        time.sleep(5)
    if name == "test_nothing_judges":
        return True
    if name == "test_crashed":
        os._exit(3)
"""


def suite(sentences: dict[str, str]) -> str:
    lines = ["import pytest", "from pytest_interp_checks import claims"]
    for kind, sentence in sentences.items():
        made = f'claims("{sentence}")'
        if kind in MARKS:
            made = f"pytest.mark.{MARKS[kind]}({made})"
        lines.append(f"test_{kind.replace(' ', '_')} = {made}")
    return "\n".join(lines)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    save_snapshot(dictated(IMAGES), pytester.path / "made.safetensors")
    pytester.makeconftest(CONFTEST)
    return pytester


OPTIONS = ("-p", "no:cacheprovider", "--interp-rotations=0", "--interp-checkpoint=made.safetensors")
WRITES = (
    "--interp-report=r.md",
    "--interp-report=r.json",
    "--interp-report=r.csv",
    "--interp-report=r.html",
    "--interp-save=run.json",
    "--junitxml=j.xml",
)


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess(*OPTIONS, *options)


def report_in(path: str = "r.json") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
    schema = json.loads((DOCS / "report.schema.json").read_text("utf-8"))
    jsonschema.validate(found, schema)
    return found


def claims_in(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        *(claim for subject in report["subjects"] for claim in subject["claims"]),
        *report["without_subject"],
    ]


def rows_in(markdown: str) -> list[list[str]]:
    """The cells of every row of every table, as GitHub would show them."""
    renderer = MarkdownIt("commonmark", {"html": True}).enable("table")
    page = renderer.render(markdown)
    return [
        [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)]
        for row in re.findall(r"<tr>(.*?)</tr>", page, re.S)
    ]


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=" ".join)
def test_every_outcome_in_every_report(project: pytest.Pytester, workers: tuple[str, ...]) -> None:
    sentences, table = dict(SENTENCES), dict(TABLE)
    if workers == ("-n", "2"):
        sentences["crashed"] = "accuracy is above 50 %"
        table["crashed"] = ("failed", "crashed", None)
    kinds = {sentence: kind for kind, sentence in sentences.items()}
    project.makepyfile(test_suite=suite(sentences))
    deselect = ("--deselect", "test_suite.py::test_deselected")
    result = run(project, *workers, *deselect, *WRITES)
    assert result.ret == pytest.ExitCode.TESTS_FAILED

    # pytest's own account, from its own words.
    told = Counter(pytest_word for pytest_word, _, _ in table.values())
    # A test whose teardown raises counts twice for pytest: it passed, and there was an error.
    result.assert_outcomes(
        passed=told["passed"] + 1,
        failed=told["failed"],
        errors=told["error"],
        skipped=told["skipped"],
        xfailed=told["xfailed"],
        xpassed=told["xpassed"],
        deselected=0 if workers == ("-n", "2") else 1,
    )

    left = {kind: row for kind, row in table.items() if kind != "deselected"}
    words = Counter(status for _, status, _ in left.values())

    # JSON, and the saved run, which has the same rows.
    for report in (report_in(), json.loads(Path("run.json").read_text("utf-8"))["report"]):
        found = {kinds[claim["claim"]]: claim for claim in claims_in(report)}
        assert len(claims_in(report)) == len(left)
        assert {
            kind: (claim["pytest"], claim["status"], claim["outcome"])
            for kind, claim in found.items()
        } == left
        assert {word: count for word, count in report["summary"].items() if count} == words
        assert report["exit_status"] == 1
        assert report["selection"] == {
            "partial": True,
            "narrowed_by": [],
            "deselected": [
                {"test": found_test, "claim": SENTENCES["deselected"]}
                for found_test in [f"test_suite.py::test_deselected[{SENTENCES['deselected']}]"]
            ],
        }
    reasons = {kind: claim["measured"] for kind, claim in found.items()}
    assert reasons["marked skip"] == "not today"
    assert reasons["fixture skips"] == "no model today"
    assert reasons["fixture raises"] == "in its setup: RuntimeError: a fixture | broke"
    assert reasons["test raises"] == "MemoryError: no memory left"
    assert reasons["timed out"].startswith("Failed: Timeout (>0.3s) from pytest-timeout")
    assert found["teardown raises"]["remarks"][0] == "in its teardown: RuntimeError: the end broke"
    assert load_run("run.json").partial

    # Markdown: every row, the red ones before anything is unfolded.
    markdown = Path("r.md").read_text("utf-8")
    first, _, rest = markdown.partition("<details>")
    assert "deselected 1" in first
    assert "exit status is 1" in first
    shown = {row[1]: row[0].split(" ", 1)[1] for row in rows_in(rest) if len(row) == 6}
    for claim in found.values():
        assert shown[claim["claim"]] == claim["status"]
    at_once = {row[1] for row in rows_in(first) if len(row) == 6}
    red = {claim["claim"] for claim in found.values() if claim["pytest"] in ("failed", "error")}
    assert at_once == red
    assert SENTENCES["deselected"] not in markdown

    # HTML: every row once, with its word.
    page = Path("r.html").read_text("utf-8")
    on_page = re.findall(
        r'<details class="claim"[^>]*data-status="([^"]+)">.*?<span class="sentence">([^<]+)<',
        page,
        re.S,
    )
    assert Counter(status for status, _ in on_page) == words
    assert {kinds[sentence.strip()] for _, sentence in on_page} == set(left)
    assert "1 more claim deselected" in page

    # JUnit: the properties of every claim that ran, beside pytest's own elements.
    cases = {
        kinds[case.attrib["name"].partition("[")[2][:-1]]: {
            one.attrib["name"]: one.attrib["value"] for one in case.iter("property")
        }
        for case in ElementTree.parse("j.xml").getroot().iter("testcase")
    }
    assert set(cases) == set(left)
    for kind, (_, status, outcome) in left.items():
        assert cases[kind]["claim"] == sentences[kind]
        assert cases[kind]["verdict"] == (outcome or status)

    # CSV: recalls, which are of the subject, whatever became of single claims.
    assert len(Path("r.csv").read_text("utf-8").splitlines()) == 1 + 5  # classes

    # Terminal.
    counted = ", ".join(f"{word} {count}" for word, count in words.items())
    assert sorted(counted.split(", ")) == sorted(
        " ".join(result.stdout.str().split())
        .partition(f"{len(left)} claims: ")[2]
        .partition(" Were all")[0]
        .split(", ")
    )
    result.stdout.fnmatch_lines(["1 more claim deselected"])


def test_the_docs_have_the_same_table() -> None:
    text = (DOCS / "reports.md").read_text("utf-8")
    told = {}
    for line in text.splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if len(cells) == 8 and cells[1] in {row[0] for row in TABLE.values()}:
            told[cells[0]] = cells[1], cells[2]
    more = {"worker died": ("failed", "crashed"), "the run stopped": ("not run", "not run")}
    replicated = {
        "not replicated": ("xfailed", "not replicated"),
        "not replicated, and holds": ("failed", "unexpectedly holds"),
    }
    assert told == {
        **{kind: row[:2] for kind, row in TABLE.items()},
        **{kind: row for kind, row in (more | replicated).items() if row[0] != "not run"},
    }


STOPS = {
    "-x": (
        "def test_0():\n    assert False",
        ("-x", "-p", "no:xdist"),
        1,
        "stopping after 1 failures",
    ),
    "maxfail": (
        "def test_0():\n    assert False",
        ("--maxfail=1",),
        1,
        "stopping after 1 failures",
    ),
    "interrupt": ("def test_0():\n    raise KeyboardInterrupt", (), 2, "interrupted"),
    "exit": ("import pytest\ndef test_0():\n    pytest.exit('enough')", (), 2, "enough"),
}


@pytest.mark.parametrize(("text", "options", "status", "why"), STOPS.values(), ids=STOPS)
def test_a_run_that_stops(
    project: pytest.Pytester, text: str, options: tuple[str, ...], status: int, why: str
) -> None:
    claims = 'from pytest_interp_checks import claims\ntest_a = claims("accuracy is above {} %")'
    project.makepyfile(test_a=claims.format(1), test_b=text, test_c=claims.format(2))
    result = run(project, *options, *WRITES)
    assert result.ret == status
    report = report_in()
    assert [claim["status"] for claim in claims_in(report)] == ["holds", "not run"]
    assert report["cut_short"] == why
    assert report["exit_status"] == status
    assert "The run was cut short" in Path("r.md").read_text("utf-8").partition("<details>")[0]
    assert "The run was cut short" in Path("r.html").read_text("utf-8")
    assert not Path("run.json").exists()
    result.stdout.fnmatch_lines(["2 claims: holds 1, not run 1", "nothing saved: run.json: *"])


def test_a_run_that_stops_under_xdist(project: pytest.Pytester) -> None:
    many = ", ".join(f'"accuracy is above {number} %"' for number in range(1, 9))
    failing = 'test_a = claims("accuracy is above 99.9 %")'
    made = f"from pytest_interp_checks import claims\n{failing}\ntest_b = claims({many})"
    project.makepyfile(test_a=made)
    run(project, "-n", "1", "-x", "--interp-report=r.json")
    report = report_in()
    assert sum(report["summary"].values()) == len(claims_in(report)) == 9
    assert report["summary"]["not run"] >= 1
    assert report["cut_short"] == "stopping after 1 failures"


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=" ".join)
def test_what_cannot_be_collected_is_said(
    project: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    good = 'from pytest_interp_checks import claims\ntest_a = claims("accuracy is above 1 %")'
    skips = f"import pytest\npytest.skip('no torch here', allow_module_level=True)\n{good}"
    broken = good.replace("is above", "is bove")
    project.makepyfile(test_good=good, test_broken=broken, test_skipped=skips)
    result = run(project, *workers, "--continue-on-collection-errors", *WRITES)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    report = report_in()
    assert [(one["test"], one["outcome"]) for one in sorted(report["uncollected"], key=str)] == [
        ("test_broken.py", "failed"),
        ("test_skipped.py", "skipped"),
    ]
    assert {one["reason"] for one in report["uncollected"]} >= {"no torch here"}
    first = Path("r.md").read_text("utf-8").partition("<details>")[0]
    assert "test\\_broken.py was not collected" in first
    assert "test\\_skipped.py was skipped as a whole" in first
    result.stdout.fnmatch_lines(["test_broken.py: not collected, so its claims are unknown: *"])
    # Without that option nothing runs, and the report says so instead of staying away.
    if not workers:  # pytest-xdist goes on
        assert run(project, *WRITES).ret == pytest.ExitCode.INTERRUPTED
        report = report_in()
        assert report["cut_short"] == "1 error during collection"
        assert [claim["status"] for claim in claims_in(report)] == ["not run"]
    assert "test\\_broken.py was not collected" in Path("r.md").read_text("utf-8")
