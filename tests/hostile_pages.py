"""Reports to make pages of, one of them with names that could break out of their page."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest

from interp_checks import Readout

pytest.importorskip("jinja2", reason="needs the package jinja2")
from interp_checks.report.page import PageFigure

ROOT = Path(__file__).parents[1]
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
from hostile_pages import hostile_readout


@pytest.fixture(scope="session")
def subject():
    return hostile_readout()
"""
SUITE = """
from pytest_interp_checks import claims, not_replicated
from hostile_pages import HOSTILE

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
