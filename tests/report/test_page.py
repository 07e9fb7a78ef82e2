"""The report as one web page: whole, self-contained, true to the report, safe from its names."""

from __future__ import annotations

import base64
import copy
import re
import zlib
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest
from hostile_pages import (
    HOSTILE,
    Parsed,
    data_of,
    drawing,
    exhibit,
    hostile,
    loads,
    mnist_report,
    report,
)

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
from interp_checks.report.page import SubsetCounts, page
from interp_checks.report.page.bar import Bar, bar_of
from interp_checks.report.page.build import replication_of
from interp_checks.statistics.intervals import percent

__all__ = ["hostile", "mnist_report", "report"]  # fixtures


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
    packed: Any = SubsetCounts(counts).packed()
    assert (packed["directions"], packed["width"]) == (5, 2 if largest == 600 else 4)
    raw = zlib.decompress(base64.b64decode(packed["data"]["zero"]))
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
        for fill in ("mean", "another"):
            expected = hostile.filled_with(fill).keeping_only(*kept).counts  # type: ignore[arg-type]
            assert (lattice.others[fill][mask] == expected).all()
    assert lattice.fills == ("zero", "mean", "another")
    with pytest.raises(InterpChecksError, match="not of the same subsets"):
        SubsetCounts(lattice.counts, others={"mean": lattice.counts[:4]})


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


@pytest.mark.slow
def test_size_of_the_reference(mnist_report: dict[str, Any]) -> None:
    from interp_fixtures import reference_readout

    lattices = [SubsetCounts.of(reference_readout())]
    bare = page(mnist_report, lattices)
    assert len(bare.encode()) < 700_000
    figures = [exhibit(f"T{number}", drawing("", 130_000)) for number in range(1, 25)]
    full = page(mnist_report, lattices, figures)
    assert 3_000_000 < len(full.encode()) < 6_000_000
