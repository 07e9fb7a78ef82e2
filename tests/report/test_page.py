"""The report as one web page: whole, self-contained, true to the report, safe from its names."""

from __future__ import annotations

import base64
import copy
import json
import os
import re
import subprocess
import sys
import zlib
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest

from interp_checks import (
    InterpChecksError,
    Readout,
    dropping,
    every_subset,
    keeping_first,
    keeping_only,
    sweep,
)

pytest.importorskip("jinja2", reason="needs the package jinja2")

from interp_checks.report.page import PageFigure, SubsetCounts, page
from interp_checks.report.page.bar import Bar, bar_of
from interp_checks.report.page.build import replication_of
from interp_checks.statistics.estimate import percent

ROOT = Path(__file__).parents[2]
HOSTILE = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "'&amp; {{ 7 * 7 }} {% raw %}",
    "<!-- ]]> </style>",
    "zwölf & 𝟙",
)
VOID = {"meta", "link", "input", "br"}
URL = re.compile(r"https?://(?!www\.w3\.org/)", re.IGNORECASE)

CONFTEST = """
import pytest
from test_page import hostile_readout


@pytest.fixture(scope="session")
def subject():
    return hostile_readout()
"""
SUITE = """
from pytest_interp_checks import claims, not_replicated
from test_page import HOSTILE

import json

test_said = claims(
    "accuracy is above 10 %",
    "accuracy is above 99.5 %",
    "dropping direction 1 spares class " + json.dumps(HOSTILE[0]),
    "keeping the first 2 directions kills class " + json.dumps(HOSTILE[1]),
    "keeping only direction 4 predicts exactly 2 classes",
    "dropping directions 1 and 2 keeps accuracy above 20 %",
    "dropping direction 9 kills no class",
    source="T18",
)
test_sets = claims("some set of 2 directions, dropped together, kills exactly one class")
"""


def hostile_readout() -> Readout:
    random = np.random.default_rng(3)
    weight = random.normal(size=(5, 6))
    features = random.normal(size=(600, 6))
    labels = (features @ weight.T + random.normal(size=(600, 5)) * 0.3).argmax(axis=1)
    names = {"class_names": HOSTILE, "provenance": {"made <b>of": '"noise" & <i>more'}}
    return Readout(features, labels, weight, **names)  # type: ignore[arg-type]


class Parsed(HTMLParser):
    """Elements with their attributes and all text within; fails on tags out of balance."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self._open: list[tuple[str, dict[str, str], list[str]]] = []
        self.feed(text)
        self.close()
        assert [one[0] for one in self._open] == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = (tag, {name: value or "" for name, value in attrs}, [])
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}, []))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, _, texts in self._open:
            texts.append(data)

    def texts(self, tag: str, **attributes: str) -> list[str]:
        """The text of each element with these attributes (a class among others)."""
        return [
            " ".join("".join(texts).split())
            for found, given, texts in self.elements
            if found == tag
            and all(
                value in given.get(name.rstrip("_"), "").split()
                for name, value in attributes.items()
            )
        ]

    def count(self, tag: str) -> int:
        return sum(found == tag for found, _, _ in self.elements)


@pytest.fixture(scope="module")
def hostile() -> Readout:
    return hostile_readout()


@pytest.fixture
def report(pytester: pytest.Pytester) -> dict[str, Any]:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_suite=SUITE)
    pytester.runpytest_inprocess(
        "-p", "no:cacheprovider", "--interp-rotations=20", "--interp-report=r.json"
    )
    found: dict[str, Any] = json.loads(Path("r.json").read_text("utf-8"))
    assert [len(subject["claims"]) for subject in found["subjects"]] == [8]
    assert found["summary"]["not judged"] == 1
    return found


@pytest.fixture(scope="module")
def mnist_report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The suites about the output layer, judged on the shipped reference."""
    suites = ["suites/general", *sorted((ROOT / "suites" / "thesis").glob("test_[1-8]_*.py"))]
    path = tmp_path_factory.mktemp("report") / "report.json"
    options = ["-q", "-p", "no:cacheprovider", "--interp-rotations=20", "--interp-dataset=mnist"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *suites, *options, f"--interp-report={path}"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "INTERP_DATA"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert path.exists(), done.stdout + done.stderr
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def exhibit(item: str, svg: str = "", **more: str) -> PageFigure:
    said = {
        "topic": f"Topic {item}",
        "title": f"Figure {item}",
        "caption": "what is seen",
        "thesis": "8",
        "ours": "7",
    }
    more = {"replicates": "no", "missing": "" if svg else "no images", **said, **more}
    return PageFigure(item=item, svg=svg, **more)


def drawing(body: str, size: int = 0) -> str:
    """What matplotlib writes around a drawing."""
    return (
        '<?xml version="1.0" encoding="utf-8" standalone="no"?>\n<!DOCTYPE svg PUBLIC '
        '"-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">\n'
        '<svg xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9" '
        'xmlns="http://www.w3.org/2000/svg" version="1.1"><metadata>'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:a/></rdf:RDF></metadata>'
        f'{body}<path d="{"M0 0" * (size // 4)}"/></svg>'
    )


def data_of(text: str) -> dict[str, Any]:
    """What the page hands to its script."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text)
    assert found
    data: dict[str, Any] = json.loads(found.group(1))
    return data


def loads(parsed: Parsed, text: str) -> list[str]:
    """Everything that a browser would fetch, or a name that it would look up."""
    wanted = [
        given[name]
        for _, given, _ in parsed.elements
        for name in ("src", "srcset", "href", "xlink:href", "action", "data", "poster")
        if name in given and not given[name].startswith(("#", "data:"))
    ]
    return wanted + URL.findall(text) + re.findall(r"@import|url\((?!#)", text)


# what is shown


def test_a_whole_page_that_loads_nothing(report: dict[str, Any], hostile: Readout) -> None:
    figure = exhibit("T6", drawing("<g/>"))
    text = page(report, [SubsetCounts.of(hostile)], [figure], ["images: noise"])
    parsed = Parsed(text)
    assert text.startswith("<!doctype html>")
    assert loads(parsed, text) == []
    assert parsed.count("script") == 2
    assert parsed.count("style") == 1
    policy = next(given["content"] for _, given, _ in parsed.elements if "http-equiv" in given)
    assert policy.startswith("default-src 'none';")
    ids = [given["id"] for _, given, _ in parsed.elements if "id" in given]
    assert len(ids) == len(set(ids)) > 10
    inner = {given["href"][1:] for tag, given, _ in parsed.elements if tag == "a"}
    assert inner <= set(ids)
    assert "claims" in inner
    for tag, given, _ in parsed.elements:
        assert tag != "th" or given["scope"] in ("row", "col", "rowgroup")
    assert parsed.count("table") == parsed.count("caption") > 5
    assert "images: noise" in parsed.texts("li")


def test_hostile_names_stay_text(report: dict[str, Any], hostile: Readout) -> None:
    assert report["subjects"][0]["classes"] == list(HOSTILE)
    title = exhibit("<T1>", title=HOSTILE[1], missing=HOSTILE[0], caption=HOSTILE[2])
    text = page(report, [SubsetCounts.of(hostile)], [title], [HOSTILE[0]])
    parsed = Parsed(text)
    assert parsed.count("script") == 2
    assert parsed.count("img") == parsed.count("b:of") == 0
    assert not any(name.startswith("on") for _, given, _ in parsed.elements for name in given)
    for name in HOSTILE:
        # Two tables of recalls, one per family; two matrices, each way; and more.
        assert (parsed.texts("th", scope="col") + parsed.texts("th", scope="row")).count(name) > 6
    assert any('"noise" & <i>more' in code for code in parsed.texts("code"))
    assert data_of(text)["subjects"][0]["support"] == hostile.support.tolist()


def test_every_claim_tells_all(report: dict[str, Any], hostile: Readout) -> None:
    (subject,) = report["subjects"]
    subject["claims"][0]["became"] = ["weakened", "97 % before <now> 80 %"]
    subject["claims"][1]["judged_as"] = "dropping direction 7 & more"
    parsed = Parsed(page(report, [None]))
    bodies = parsed.texts("details", class_="claim")
    assert len(bodies) == len(subject["claims"])
    for body, claim in zip(bodies, subject["claims"], strict=True):
        told = [claim["claim"], claim["status"], claim["measured"], claim["needed"]]
        told += [claim["source"] or "", claim["test"], *claim["remarks"], *(claim["became"] or [])]
        told += [claim["judged_as"]]
        told += ["{}/{} by chance".format(*claim["chance"])] if claim["chance"] else []
        if claim["chance_anywhere"]:
            told += ["{count}/{0} anywhere".format(claim["chance"][1], **claim["chance_anywhere"])]
            told += [claim["chance_anywhere"]["over"]]
        for check in claim["checks"]:
            told += [check["quantity"], check["expected"], check["measured"], check["needed"]]
        for words in told:
            assert " ".join(words.split()) in body
    checks = [check for claim in subject["claims"] for check in claim["checks"]]
    drawn = [check for check in checks if check["lower"] is not None]
    assert len(parsed.texts("svg", class_="interval")) == len(drawn) > 5
    assert "unspecific" in bodies[0] or not subject["claims"][0]["chance"]
    assert parsed.texts("p", class_="counts") == ["1 weakened"]
    assert parsed.texts("h1") == [f"{report['summary']['holds']} of 8 claims hold"]
    chips = parsed.texts("button", class_="chip")
    counted = Counter(claim["status"] for claim in subject["claims"])
    assert [chip.split(maxsplit=1)[1] for chip in chips] == [
        f"{word} {counted[word]}" for word in report["summary"]
    ]


def test_recalls_and_matrices_are_the_librarys(report: dict[str, Any], hostile: Readout) -> None:
    parsed = Parsed(page(report, [SubsetCounts.of(hostile)]))
    ablations = (
        *(keeping_first(k) for k in (5, 4, 3, 2, 1)),
        *(dropping(k) for k in (1, 2, 3, 4, 5)),
        *(keeping_only(k) for k in (1, 2, 3, 4, 5)),
        dropping(1, 2),
    )
    confusions = sweep(hostile, ablations)
    results = [confusions.intact, *(confusions[one] for one in ablations)]
    expected = []
    for result in results:
        for name in HOSTILE:
            recall = result.recall[name]
            dead = "✕" if recall.value < 0.05 else ""
            expected.append(dead + percent(recall.count / recall.total, 1, (0.05, 0.5)))
    assert parsed.texts("td", class_="heat") == expected
    assert any(text.startswith("✕") for text in expected)
    rows = data_of(page(report, [None]))["subjects"][0]["rows"]
    assert [row["sentence"] for row in rows] == ["intact", *map(str, ablations)]
    for row, result in zip(rows, results, strict=True):
        assert row["counts"] == result.counts.tolist()
    options = parsed.texts("option")
    assert all(row["sentence"] in options for row in rows)


def test_shapley_values_and_sets(report: dict[str, Any], hostile: Readout) -> None:
    lattice = hostile.lattice
    parsed = Parsed(page(report, [SubsetCounts.of(hostile)]))
    for tag, given, _ in parsed.elements:
        if tag == "span" and given.get("class") == "diverging":
            assert re.fullmatch(r"--v:-?[01]\.\d{3}", given["style"])
    shown = [text for text in parsed.texts("td") if re.fullmatch(r"[+-]\d+\.\d|0\.0", text)]
    values = [float(100 * value) for row in lattice.shapley for value in row]
    assert len(shown) == len(values) == 30
    assert np.allclose([float(text) for text in shown], values, atol=0.051)
    dropped = [
        given["data-dropping"] for _, given, _ in parsed.elements if "data-dropping" in given
    ]
    assert dropped == [
        ".".join(map(str, one)) for name in HOSTILE for one in lattice.minimal_kill_sets(name)
    ]
    kept = [given["data-keeping"] for _, given, _ in parsed.elements if "data-keeping" in given]
    assert kept == [
        ".".join(map(str, one)) for name in HOSTILE for one in lattice.minimal_sufficient_sets(name)
    ] + [".".join(map(str, best.directions)) for best in lattice.best_sets()]


CHECK = {"lower": 0.1, "value": 0.2, "upper": 0.4, "expected": "below 5 %"}


@pytest.mark.parametrize(
    ("check", "drawn"),
    [
        ({}, Bar(10, 40, 20, asked=5, zero=None)),
        ({"expected": "above 97.5 %"}, Bar(10, 40, 20, asked=97.5, zero=None)),
        ({"expected": "below 0.05"}, Bar(10, 40, 20, asked=5, zero=None)),
        ({"expected": "about 50 % (within 5 points)"}, Bar(10, 40, 20, asked=50, zero=None)),
        ({"expected": "below that of class 3"}, Bar(10, 40, 20, asked=None, zero=None)),
        ({"expected": "above 90 degrees"}, Bar(10, 40, 20, asked=None, zero=None)),
        ({"expected": "at least 10"}, Bar(10, 40, 20, asked=None, zero=None)),
        (
            {"lower": -0.5, "expected": "below 10 points"},
            Bar(25, 70, 60, asked=55, zero=50),
        ),
        ({"upper": 1.2}, None),
        ({"lower": None}, None),
        ({"value": None}, None),
    ],
)
def test_bars(check: dict[str, Any], drawn: Bar | None) -> None:
    assert bar_of({**CHECK, **check}) == drawn


# counts of all subsets


@pytest.mark.parametrize("largest", [600, 70_000])
def test_packed_counts_come_back(hostile: Readout, largest: int) -> None:
    counts = sweep(hostile, every_subset(5)).counts
    assert counts is not None
    counts = counts.copy()
    counts[3, 1, 2] = largest
    packed = SubsetCounts(counts).packed()
    assert (packed["directions"], packed["width"]) == (5, 2 if largest == 600 else 4)
    raw = zlib.decompress(base64.b64decode(str(packed["data"])))
    for mask, row, column in np.ndindex(32, 5, 5):
        at = int(packed["width"]) * ((row * 5 + column) * 32 + mask)  # type: ignore[call-overload]
        found = int.from_bytes(raw[at : at + packed["width"]], "little")  # type: ignore[operator]
        assert found == counts[mask, row, column]


def test_row_numbers_are_bit_masks(hostile: Readout) -> None:
    lattice = SubsetCounts.of(hostile)
    assert lattice is not None
    for kept in ((), (1,), (2, 5), (1, 3, 4), (1, 2, 3, 4, 5)):
        if not kept:
            continue
        mask = sum(2 ** (direction - 1) for direction in kept)
        expected = hostile.keeping_only(*kept).counts
        assert (lattice.counts[mask] == expected).all()


def test_too_many_directions_or_classes_leave_the_explorer_out() -> None:
    random = np.random.default_rng(0)
    wide = Readout(random.normal(size=(60, 13)), np.arange(60) % 13, random.normal(size=(13, 13)))
    many = Readout(random.normal(size=(60, 3)), np.arange(60) % 51, random.normal(size=(51, 3)))
    assert SubsetCounts.of(wide) is None
    assert SubsetCounts.of(many) is None
    with pytest.raises(InterpChecksError, match="too large for a page"):
        SubsetCounts(np.zeros((2**13, 2, 2), dtype=np.int64))
    with pytest.raises(InterpChecksError, match="not the confusion counts of all subsets"):
        SubsetCounts(np.zeros((30, 2, 2), dtype=np.int64))


def test_counts_of_another_subject_are_refused(report: dict[str, Any], hostile: Readout) -> None:
    counts = SubsetCounts.of(hostile)
    assert counts is not None
    with pytest.raises(InterpChecksError, match="2 lattices"):
        page(report, [counts, None])
    other = counts.counts.copy()
    other[-1, 0, 0] += 1
    with pytest.raises(InterpChecksError, match="these counts are not of"):
        page(report, [SubsetCounts(other)])
    with pytest.raises(InterpChecksError, match="4 directions"):
        page(report, [SubsetCounts(counts.counts[16:])])


# other reports


def test_several_subjects(report: dict[str, Any], hostile: Readout) -> None:
    (one,) = report["subjects"]
    other = copy.deepcopy(one)
    other["description"] = "another <subject>"
    other["claims"] = other["claims"][:3]
    both = {**report, "subjects": [one, other]}
    text = page(both, [SubsetCounts.of(hostile), None])
    parsed = Parsed(text)
    assert len(parsed.texts("details", class_="claim")) == len(one["claims"]) + 3
    assert len(parsed.texts("section", class_="ablations")) == 2
    assert len(parsed.texts("section", class_="sets")) == 2
    assert len(parsed.texts("div", class_="explorer")) == 1
    ids = [given["id"] for _, given, _ in parsed.elements if "id" in given]
    assert len(ids) == len(set(ids))
    # Its claims, ablations and sets stand under its name.
    assert parsed.texts("p", class_="subject").count("another <subject>") == 3
    subjects = data_of(text)["subjects"]
    assert [subject["lattice"] is None for subject in subjects] == [False, True]


def test_what_is_not_there_is_left_out(report: dict[str, Any]) -> None:
    (subject,) = report["subjects"]
    subject |= {"claims": [], "tables": [], "lattice": None}
    report["summary"] = dict.fromkeys(report["summary"], 0)
    parsed = Parsed(page(report, [None]))
    assert parsed.texts("h1") == ["No claim was judged"]
    assert parsed.texts("p", class_="empty")[0] == "There are no claims in this report."
    assert parsed.texts("h2") == ["Claims"]
    report["subjects"] = []
    assert Parsed(page(report, [])).texts("h2") == ["Claims"]


def test_very_many_classes_have_no_matrices(report: dict[str, Any]) -> None:
    (subject,) = report["subjects"]
    for row in [subject["intact"], *(row for one in subject["tables"] for row in one["rows"])]:
        row["counts"] = None
    parsed = Parsed(page(report, [None]))
    assert parsed.texts("table", class_="matrix") == []
    assert len(parsed.texts("td", class_="heat")) == 5 * 17


def test_classes_without_images(report: dict[str, Any]) -> None:
    (subject,) = report["subjects"]
    subject["support"][2] = 0
    parsed = Parsed(page(report, [None]))
    assert parsed.texts("td", class_="none") == ["–"] * 17


# exhibits


def test_exhibits_in_order_with_names_of_their_own(report: dict[str, Any]) -> None:
    body = '<defs><path id="a"/></defs><use xlink:href="#a"/><g clip-path="url(#a)"/>'
    shown = [exhibit("T12", drawing(body)), exhibit("T2", drawing(body)), exhibit("T4")]
    text = page(report, [None], shown)
    parsed = Parsed(text)
    table = [row for row in parsed.texts("tr") if "Topic T" in row]
    assert [row.partition("Topic")[0] for row in table] == ["T2", "T4", "T12"]
    ids = [given["id"] for _, given, _ in parsed.elements if "id" in given]
    assert len(ids) == len(set(ids))
    for _, given, _ in parsed.elements:
        for name in ("xlink:href", "clip-path"):
            if name in given:
                assert given[name].strip("url()").removeprefix("#") in ids
    assert loads(parsed, text) == []
    assert "purl.org" not in text
    assert parsed.texts("p", class_="missing") == ["No figure: no images"]
    assert "exhibits" in ids
    assert "exhibits" not in page(report, [None]).partition("<body>")[2].partition("<script")[0]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("<script>alert(1)</script>", "a <script> element"),
        ('<g onclick="alert(1)"/>', "the attribute onclick"),
        ('<image href="picture.png"/>', "a link to picture.png"),
        ('<image xlink:href="//host/picture.png"/>', "a link to //host"),
        ("<style>@import 'other.css'</style>", "a <style> element"),
        ("<style>g { fill: url(other.svg#a) }</style>", "a <style> element"),
        ("<foreignObject/>", "a <foreignObject> element"),
        ("<g>", "mismatched tag"),
    ],
)
def test_drawings_that_are_refused(body: str, told: str) -> None:
    with pytest.raises(InterpChecksError) as caught:
        exhibit("T6", drawing(body))
    assert told in str(caught.value)
    assert "exhibit T6" in str(caught.value)


def test_other_words_are_refused() -> None:
    with pytest.raises(InterpChecksError, match="'perhaps' does not say whether"):
        exhibit("T6", replicates="perhaps")


def test_exhibits_of_an_item_agree_on_whether_it_replicates() -> None:
    two = [exhibit("T6", replicates="yes"), exhibit("T6", replicates="not measured")]
    with pytest.raises(InterpChecksError, match="the exhibits of T6 differ") as refused:
        replication_of(two)
    assert "found: not measured, yes" in str(refused.value)
    brief = replace(two[0], brief="92 %; claims: holds 1")
    (row,) = replication_of([brief, brief])
    assert (row.ours, row.replicates) == ("92 %; claims: holds 1", "yes")
    with pytest.raises(InterpChecksError, match="no <svg> element"):
        exhibit("T6", "a picture")


# size


def test_size_of_the_reference(mnist_report: dict[str, Any]) -> None:
    from interp_fixtures import reference_readout

    lattices = [SubsetCounts.of(reference_readout())]
    bare = page(mnist_report, lattices)
    assert len(bare.encode()) < 700_000
    figures = [exhibit(f"T{number}", drawing("", 130_000)) for number in range(1, 25)]
    full = page(mnist_report, lattices, figures)
    assert 3_000_000 < len(full.encode()) < 6_000_000
