"""The page as it looks in a browser: contrast, small screens, no script, hostile names."""

from __future__ import annotations

import json
from pathlib import Path

import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest
from browsers import (
    IN_CHROMIUM,
    address,
    browser,
    click,
    driver,
    mnist_report,
    one,
    opened,
    readout,
    seen,
    texts,
)
from hostile_pages import HOSTILE, hostile_readout

from interp_checks import keeping_only, sweep

pytest.importorskip("jinja2", reason="needs the package jinja2")
pytest.importorskip("selenium", reason="needs the package selenium")

from selenium import webdriver
from selenium.webdriver.common.by import By

from interp_checks.report.page import SubsetCounts, page

__all__ = ["address", "browser", "driver", "mnist_report", "readout"]  # fixtures

pytestmark = IN_CHROMIUM

#: Contrast of all text that is visible, with what lies behind it: the lowest, and where.
CONTRAST = """
const canvas = document.createElement("canvas");
canvas.width = canvas.height = 1;
const context = canvas.getContext("2d", { willReadFrequently: true });
const known = new Map();
function pixel(colour) {
  if (!known.has(colour)) {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    known.set(colour, [...context.getImageData(0, 0, 1, 1).data]);
  }
  return known.get(colour);
}
function luminance([red, green, blue]) {
  const [r, g, b] = [red, green, blue].map((part) => part / 255).map(
    (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function behind(element) {
  for (let at = element; at; at = at.parentElement) {
    const found = pixel(getComputedStyle(at).backgroundColor);
    if (found[3] === 255) return found;
  }
  return [255, 255, 255, 255];
}
const lowest = { ratio: 99, where: "", count: 0 };
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
  if (element.closest("svg, script, noscript")) continue;
  const [one, other] = [luminance(pixel(getComputedStyle(element).color)),
    luminance(behind(element))];
  const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  lowest.count += 1;
  const where = element.outerHTML.slice(0, 200);
  if (ratio < lowest.ratio) Object.assign(lowest, { ratio, where });
}
return lowest;
"""

#: Every step of both colour scales: lightness must move one way, and text stay readable.
SCALES = """
const cells = [document.querySelector("td.heat"),
  document.querySelector(".matrix tbody td.right"),
  document.querySelector(".matrix tbody td:not(.right, .total)")];
const steps = [];
for (const cell of cells) {
  const before = cell.style.cssText;
  cell.style.transition = "none";
  const found = [];
  for (let step = 0; step <= 100; step += 1) {
    cell.style.setProperty("--d", step / 100);
    const { backgroundColor, color } = getComputedStyle(cell);
    const [background, text] = [backgroundColor, color].map((one) => luminance(pixel(one)));
    const [dark, light] = [background, text].sort((one, other) => one - other);
    found.push([background, (light + 0.05) / (dark + 0.05)]);
  }
  cell.style.cssText = before;
  steps.push(found);
}
return steps;
"""


# as it looks


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_readable(browser: webdriver.Chrome, scheme: str) -> None:
    seen(browser, 1280, scheme)
    background = "return getComputedStyle(document.body).backgroundColor"
    dark = browser.execute_script(background) == "rgb(21, 23, 27)"
    assert dark == (scheme == "dark")
    for number in (1, 2, 3):
        click(browser, f".group:nth-of-type({number}) .claim summary")
    click(browser, ".direction input[value='2']")
    still = "* { transition: none !important }"
    browser.execute_script("document.querySelector('style').append(arguments[0])", still)
    lowest = browser.execute_script(CONTRAST)
    assert lowest["count"] > 1000
    assert lowest["ratio"] >= 4.5, lowest["where"]
    helpers = CONTRAST.partition("const lowest")[0]
    for steps in browser.execute_script(helpers + SCALES):
        lightness = [step[0] for step in steps]
        assert lightness == sorted(lightness, reverse=scheme == "light")
        assert len(set(lightness)) > 90
        assert min(step[1] for step in steps) >= 4.5
    # The button turns to the other one.
    click(browser, "#theme")
    assert (browser.execute_script(background) == "rgb(21, 23, 27)") != dark


def test_small_screen(browser: webdriver.Chrome) -> None:
    seen(browser, 390, "light")
    width = "return document.documentElement.scrollWidth"
    assert browser.execute_script(width) <= 390
    click(browser, "#unfold")
    click(browser, ".provenance summary")
    assert browser.execute_script(width) <= 390
    tables = (
        "return [...document.querySelectorAll('table')]"
        ".every((one) => one.closest('.scroll') || one.scrollWidth <= 390)"
    )
    assert browser.execute_script(tables)
    seen(browser, 1280, "light")
    assert browser.execute_script(width) <= 1280


def test_without_a_script(browser: webdriver.Chrome, address: str) -> None:
    disabled = {"value": True}
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", disabled)
    try:
        browser.get("about:blank")
        browser.get(address)
        assert len(browser.find_elements(By.CSS_SELECTOR, ".claim summary")) > 80
        summary = one(browser, ".claim summary")
        summary.click()
        assert one(browser, ".claim[open] .checks").is_displayed()
        assert one(browser, ".recalls").is_displayed()
        assert one(browser, ".ablations .matrix").is_displayed()
        assert not one(browser, ".filters").is_displayed()
        assert not one(browser, ".explorer").is_displayed()
        assert one(browser, ".sets noscript p").is_displayed()
        assert not one(browser, ".pick").is_enabled()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_hostile_names(driver: webdriver.Chrome, tmp_path: Path) -> None:
    readout = hostile_readout()
    lattice = SubsetCounts.of(readout)
    confusions = sweep(readout, [keeping_only(2)])
    row = {
        "family": "only",
        "label": "<i>just</i> 2",
        "sentence": "<b>keeping only direction 2",
    }
    rows = [
        {
            **(row if result.name != "intact" else dict.fromkeys(row, "intact")),
            "target": None,
            "correct": result.counts.diagonal().tolist(),
            "predicted": result.counts.sum(axis=0).tolist(),
            "counts": result.counts.tolist(),
        }
        for result in (confusions.intact, confusions[keeping_only(2)])
    ]
    subject = {
        "name": "",
        "warnings": [],
        "fill": "zero",
        "description": HOSTILE[0],
        "provenance": {},
        "notes": [HOSTILE[1]],
        "classes": list(HOSTILE),
        "support": readout.support.tolist(),
        "intact": rows[0],
        "confidence": 0.95,
        "gauge": "raw",
        "directions": [{"singular_value": 1.0, "energy": 0.2, "separation": 1, "turn": 1}] * 5,
        "tables": [{"title": HOSTILE[2], "rows": rows[1:]}],
        "lattice": None,
        "claims": [],
    }
    report = {
        "schema": "interp-checks report 2",
        "time": "2024-01-01T00:00:00Z",
        "versions": {"interp-checks": "0"},
        "options": {"familywise": False, "rotations": 0, "undecided": "fail"},
        "exit_status": 0,
        "cut_short": "",
        "summary": dict.fromkeys(
            ("holds", "fails", "undecided", "not replicated", "not judged"), 0
        ),
        "selection": {"partial": False, "narrowed_by": [], "deselected": []},
        "uncollected": [],
        "baseline": None,
        "subjects": [subject],
        "without_subject": [],
    }
    schema = Path(__file__).parents[2] / "docs" / "report.schema.json"
    jsonschema = pytest.importorskip("jsonschema", reason="needs the package jsonschema")
    jsonschema.validate(report, json.loads(schema.read_text("utf-8")))
    path = tmp_path / "hostile.html"
    path.write_text(page(report, [lattice]), encoding="utf-8")
    driver.get_log("browser")  # type: ignore[no-untyped-call]
    opened(driver, path.as_uri())
    assert texts(driver, ".explorer .bars tbody th") == [" ".join(name.split()) for name in HOSTILE]
    click(driver, ".switch .next")
    assert texts(driver, ".ablations .told h3") == ["<b>keeping only direction 2"]
    click(driver, ".direction input[value='2']")
    assert texts(driver, ".explorer .told h3") == ["dropping direction 2"]
    assert driver.find_elements(By.TAG_NAME, "img") == []
    assert driver.get_log("browser") == []  # type: ignore[no-untyped-call]
