"""Each output by itself: text that no format can carry, and places where nothing can be written."""

from __future__ import annotations

import csv
import errno
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp_checks.comparing.saved_run import load_run
from interp_checks.printable import encodable, one_line, printable

pytestmark = pytest.mark.slow

#: Names of classes, as files and spreadsheets bring them.
NAMES = (
    "sea\vgull",  # a line break within a cell
    "crow\x1b[2J\x1b[31m",  # clears the terminal
    "rook\u202egnirts",  # reads backwards from there
    "half\udc80",  # a file name that is no UTF-8
    "=HYPERLINK(1)",
    "a|b\nc",
    "$x^{",  # half a formula
    "\u200bjay\uffff\x00",
    "-1",
)
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\ud800-\udfff\uffff]")
CONFTEST = """
import numpy as np
import pytest
from interp_checks import Readout
{more}
NAMES = {names!r}

def pytest_configure():
    from interp_fixtures.thesis_figures import of_ablations, of_classifier, registry
    registry.REGISTRY[:] = [
        (item, function) for item, function in registry.REGISTRY if item in {items!r}
    ]

@pytest.fixture(scope="session")
def subject():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, len(NAMES), 600)
    weight = rng.normal(size=(len(NAMES), 4))
    features = np.linalg.pinv(weight)[:, labels].T * 3 + rng.normal(size=(600, 4)) * 0.3
    return Readout(features=features, labels=labels, weight=weight, class_names=NAMES)
"""
SUITE = """
from interp_checks import Claim
from interp_checks.claims import predicates
from pytest_interp_checks import claims
NAMES = {names!r}
test_a = claims(*(Claim.of(predicates.Is("above", 99, (name,))) for name in NAMES))
test_b = claims("dropping direction 1 keeps accuracy above 1 %")
"""
OPTIONS = ("-p", "no:cacheprovider", "--interp-rotations=0")
FILES = ("r.md", "r.json", "r.csv", "r.html")
WRITES = (*(f"--interp-report={name}" for name in FILES), "--junitxml=j.xml")


def project(
    pytester: pytest.Pytester, names: tuple[str, ...] = ("a", "b"), more: str = "", items: str = ""
) -> None:
    conftest = CONFTEST.format(names=names, more=more, items=tuple(items.split()))
    (pytester.path / "conftest.py").write_text(conftest, "utf-8")
    (pytester.path / "test_it.py").write_text(SUITE.format(names=names), "utf-8")


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=" ".join)
def test_text_that_no_format_can_carry(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    # T7 is a confusion matrix and T18 a table of recalls: figures with every name.
    project(pytester, NAMES, items="" if workers else "T1 T9 T18")
    result = pytester.runpytest_subprocess(
        *OPTIONS, *workers, *WRITES, "--interp-save=run.json", "-vv"
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    out = result.stdout.str()
    assert "INTERNALERROR" not in out
    result.stdout.fnmatch_lines(["run saved: run.json", *(f"report: {name}" for name in FILES)])
    start = out.index("interpretability claims")
    assert not RAW.search(out[start : out.index("short test summary")])
    for name in ("r.md", "r.csv", "r.html", "j.xml"):
        text = Path(name).read_text("utf-8")
        assert not RAW.search(text), name
        if name != "j.xml":  # which has sentences, where names are written as in JSON
            assert r"sea\x0bgull" in text.replace("\\\\", "\\"), name
    assert len(list(ElementTree.parse("j.xml").getroot().iter("testcase"))) == len(NAMES) + 1
    # In JSON every name is as it is, but for what UTF-8 cannot encode.
    (subject,) = json.loads(Path("r.json").read_text("utf-8"))["subjects"]
    assert subject["classes"] == [encodable(name) for name in NAMES]
    with Path("r.csv").open(newline="", encoding="utf-8") as file:
        classes = {row["class"] for row in csv.DictReader(file)}
    assert {"'=HYPERLINK(1)", "-1"} <= classes
    assert not any(name.startswith("=") for name in classes)
    # The readout comes back, and so does the comparison with it.
    assert len(load_run("run.json").claims()) == len(NAMES) + 1


@given(st.text())
def test_printable_text_is_printable(text: str) -> None:
    shown = printable(text)
    assert not RAW.search(shown)
    assert printable(shown) == shown
    shown.encode()
    assert encodable(text).encode().decode() == encodable(text)
    if not RAW.search(text):
        assert encodable(text) == text
    assert "\n" not in one_line(text)
    assert len(one_line(text)) <= 200


def test_names_that_people_have_are_left_alone() -> None:
    for name in ("é", "日本語", "👩‍👩‍👧", "نعم", "a\tb", "x\ny", "\U0001f426"):
        assert printable(name) == encodable(name) == name


#: What may be wrong with one output: which, the option for it, and what is said of it.
BAD = {
    "folder": ("--interp-report=file/below/r.md", "no report: file/below/r.md: *"),
    "link to nowhere": ("--interp-save=file/run.json", "nothing saved: file/run.json: *"),
    "figures": ("--interp-figures=file/figures", "no figures: file/figures: *"),
    "full": ("--interp-report=full.json", "no report: full.json: *No space left on device*"),
    "defect": ("--interp-report=defect.csv", "no report: defect.csv: ZeroDivisionError: *"),
}
#: A disk that is full for one file, and a defect of one format.
BREAKS = f"""
from pathlib import Path
write = Path.write_bytes
def full(self, text, *args, **more):
    if self.name.startswith(".full.json"):
        raise OSError({errno.ENOSPC}, "No space left on device")
    return write(self, text, *args, **more)
Path.write_bytes = full

from interp_checks.report import csv_table
rows = csv_table.csv_table
csv_table.csv_table = lambda report: rows(report) if {{defect}} else 1 / 0
"""


@pytest.mark.parametrize(("option", "said"), BAD.values(), ids=BAD)
def test_one_output_that_fails_costs_no_other(
    pytester: pytest.Pytester, option: str, said: str
) -> None:
    project(pytester, more=BREAKS.format(defect="defect" not in option), items="T1")
    Path("file").write_text("mine")
    others = [one for one in WRITES if "defect" not in option or "csv" not in one]
    saves = () if "--interp-save" in option else ("--interp-save=run.json",)
    # First of all: what comes after it must be written nevertheless.
    result = pytester.runpytest_subprocess(*OPTIONS, option, *others, *saves, "-k", "test_b")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1, deselected=2)
    result.stdout.fnmatch_lines([said])
    result.stdout.fnmatch_lines(["1 claim: holds 1"])
    assert "Traceback" not in result.stdout.str()
    for one in (*others, *saves):
        name = one.partition("=")[2]
        assert Path(name).stat().st_size > 100, name
    assert Path("file").read_text() == "mine"
    assert not [path for path in Path().iterdir() if path.suffix == ".part"]
    assert not Path("full.json").exists()


def test_a_summary_that_fails_costs_no_report(pytester: pytest.Pytester) -> None:
    more = "from pytest_interp_checks import summary\nsummary.claims_table = lambda *_: 1 / 0\n"
    project(pytester, more=more)
    result = pytester.runpytest_subprocess(*OPTIONS, *WRITES, "-k", "test_b")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["no summary of claims: ZeroDivisionError: *", "report: r.md"])
    assert "INTERNALERROR" not in result.stdout.str()


def test_failures_keep_their_exit_status(pytester: pytest.Pytester) -> None:
    project(pytester)
    Path("file").write_text("mine")
    pytester.makepyfile(test_zero="def test_0():\n    raise KeyboardInterrupt")
    result = pytester.runpytest_subprocess(*OPTIONS, "--interp-report=file/r.md")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["no report: file/r.md: *"])
