"""Reports: the same bytes every time, true to the library, written where they can be."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest
from reported_suites import COUNT, EPOCH, OPTIONS, SUITE, report, run, suite

from interp_checks import Ablation
from interp_fixtures import reference_readout

__all__ = ["report", "suite"]  # fixtures

REPORTS = ("r.md", "r.json", "r.csv", "saved.json")


def test_the_same_bytes_whoever_does_the_work(suite: pytest.Pytester) -> None:
    wanted = [f"--interp-report={name}" for name in REPORTS[:3]]
    told = [*wanted, "--interp-save=saved.json", "--junitxml=j.xml"]
    contents = []
    properties = []
    for workers in ((), (), ("-n", "0"), ("-n", "2")):
        if workers == ("-n", "2"):
            result = suite.runpytest_subprocess(*OPTIONS, *told, *workers)
        else:
            result = run(suite, *told, *workers)
        result.assert_outcomes(passed=3, failed=3, skipped=1, xfailed=1)
        result.stdout.fnmatch_lines([f"report: {name}" for name in REPORTS[:3]])
        result.stdout.fnmatch_lines(["run saved: saved.json"])
        contents.append([Path(name).read_bytes() for name in REPORTS])
        properties.append(
            {
                (case.attrib["name"], one.attrib["name"]): one.attrib["value"]
                for case in ElementTree.parse("j.xml").getroot().iter("testcase")
                for one in case.iter("property")
            }
        )
    for name, *one in zip(REPORTS, *contents, strict=True):
        assert len(set(one)) == 1, name
    assert len(json.loads(contents[0][1])["subjects"][0]["claims"]) == COUNT
    assert all(found == properties[0] for found in properties)
    assert len(properties[0]) == 8 * COUNT


def test_only_the_time_differs(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for epoch in (EPOCH, str(int(EPOCH) + 61)):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
        run(suite, "--interp-report=r.json", "--interp-report=r.md")
        found.append([Path(name).read_text("utf-8") for name in ("r.json", "r.md")])
    for one, other in zip(*found, strict=True):
        assert one != other
        assert one.replace("2023-11-14T22:13:20Z", "2023-11-14T22:14:21Z") == other


def test_junit_properties(suite: pytest.Pytester, report: dict[str, Any]) -> None:
    run(suite, "--junitxml=j.xml")
    cases = {
        case.attrib["name"]: {
            one.attrib["name"]: one.attrib["value"] for one in case.iter("property")
        }
        for case in ElementTree.parse("j.xml").getroot().iter("testcase")
    }
    claims = report["subjects"][0]["claims"]
    assert len(cases) == len(claims) == COUNT
    for claim in claims:
        noted = cases[claim["test"].partition("::")[2]]
        assert noted["claim"] == claim["claim"]
        assert noted["source"] == (claim["source"] or "")
        assert noted["verdict"] == (claim["outcome"] or "not judged")
        assert noted["measured"] == claim["measured"].splitlines()[0]
        assert noted["chance"] == ("/".join(map(str, claim["chance"])) if claim["chance"] else "")
        anywhere = claim["chance_anywhere"]
        assert bool(anywhere) == bool(claim["chance"]) == bool(noted["anywhere"])
        if anywhere:
            told = f"{anywhere['count']}/{claim['chance'][1]} for {anywhere['over']}"
            assert noted["anywhere"] == told


def test_the_json_says_what_the_run_said(report: dict[str, Any]) -> None:
    (subject,) = report["subjects"]
    assert [claim["status"] for claim in subject["claims"]] == [
        "holds", "fails", "undecided", "holds", "not judged", "fails", "not replicated", "holds",
    ]  # fmt: skip
    assert report["summary"] == {
        "holds": 3, "fails": 2, "undecided": 1, "not replicated": 1, "not judged": 1,
    }  # fmt: skip
    readout = reference_readout("digits")
    assert subject["provenance"] == readout.provenance
    assert subject["support"] == readout.support.tolist()
    assert [table["title"] for table in subject["tables"]] == [
        "Keeping the first k directions",
        "Keeping all directions except one",
        "Other sets of directions",
    ]
    for table in subject["tables"]:
        for row in table["rows"]:
            counts = readout.ablated(Ablation.parse(row["sentence"])).counts
            assert row["counts"] == counts.tolist()
            assert row["correct"] == counts.diagonal().tolist()
            assert row["predicted"] == counts.sum(axis=0).tolist()


def test_the_json_follows_its_schema(report: dict[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="needs the package jsonschema")
    path = Path(__file__).parents[2] / "docs" / "report.schema.json"
    if not path.is_file():
        pytest.skip("there is no docs/report.schema.json yet")
    schema = json.loads(path.read_text("utf-8"))
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    assert list(validator(schema).iter_errors(report)) == []
    assert schema["properties"]["schema"]["const"] == report["schema"]
    for broken in ({**report, "schema": "x"}, {**report, "summary": {"holds": "many"}}):
        assert list(validator(schema).iter_errors(broken))


def test_the_csv_has_the_numbers_of_the_library(suite: pytest.Pytester) -> None:
    run(suite, "--interp-report=r.csv")
    with Path("r.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    readout = reference_readout("digits")
    assert len(rows) == 10 * (1 + 10 + 10 + 1)
    assert len({(row["ablation"], row["class"]) for row in rows}) == len(rows)
    for row in rows:
        intact = row["ablation"] == "intact"
        result = readout.intact if intact else readout.ablated(Ablation.parse(row["ablation"]))
        recall = result.recall[row["class"]]
        assert (int(row["correct"]), int(row["images"])) == (recall.count, recall.total)
        assert float(row["recall"]) == recall.value
        assert (float(row["lower"]), float(row["upper"])) == recall.interval
        assert int(row["predicted"]) == result.share[row["class"]].count
        assert row["family"] == ("intact" if intact else Ablation.parse(row["ablation"]).family)


@pytest.mark.parametrize("name", ["r.txt", "r", "r.MD", "r.HTML", "r.htm"])
def test_bad_suffix(suite: pytest.Pytester, name: str) -> None:
    result = run(suite, f"--interp-report={name}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--interp-report: r* has the suffix * .html, .md, .json, .csv*"])
    assert not Path(name).exists()


def test_twice_and_a_folder(suite: pytest.Pytester) -> None:
    Path("x.md").mkdir()
    for options in (["--interp-report=x.md"], ["--interp-report=a.md", "--interp-report=a.md"]):
        result = run(suite, *options)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*--interp-report: *"])


def test_a_folder_that_cannot_be_made(suite: pytest.Pytester) -> None:
    Path("file").write_text("mine")
    result = run(suite, "-k", "test_kept", "--interp-report=file/below/r.md")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1, deselected=COUNT - 1)
    result.stdout.fnmatch_lines(["no report: file/below/r.md: this file cannot be written (*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert Path("file").read_text() == "mine"


def test_folders_are_made_and_files_replaced(suite: pytest.Pytester) -> None:
    Path("old.md").write_text("old")
    run(suite, "-k", "test_kept", "--interp-report=new/deep/r.csv", "--interp-report=old.md")
    assert Path("new/deep/r.csv").read_text().startswith("subject,family,ablation,class,images,")
    assert Path("old.md").read_text("utf-8").startswith("## Interpretability claims\n")
    assert sorted(os.listdir("new/deep")) == ["r.csv"]


def test_the_step_summary_is_appended_to(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path("step_summary_0123").resolve()  # GitHub's has no suffix
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    path.write_text("# before\n")
    for _ in range(2):
        run(suite, "-k", "test_kept", f"--interp-report={path}", "--interp-report=r.md")
    once = Path("r.md").read_text("utf-8")
    assert path.read_text("utf-8") == f"# before\n{once}{once}"
    assert once.count("<details>") == 2


def test_a_run_that_was_interrupted_says_so(suite: pytest.Pytester) -> None:
    """A report is the account of this run; that of another must not be taken for it."""
    run(suite, "--interp-report=r.json")
    suite.makepyfile(test_suite=SUITE + "\ndef test_0():\n    raise KeyboardInterrupt\n")
    result = suite.runpytest_subprocess(*OPTIONS, "--interp-report=r.json")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    report = json.loads(Path("r.json").read_text("utf-8"))
    assert report["cut_short"] == "interrupted"
    assert sum(report["summary"].values()) == COUNT


@pytest.mark.parametrize("when", ["yesterday", "١٢"])
def test_a_time_that_is_none(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", when)
    result = suite.runpytest_subprocess(*OPTIONS, "-k", "test_kept", "--interp-report=r.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: SOURCE_DATE_EPOCH is no time: *"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
