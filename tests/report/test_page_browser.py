"""The page of the shipped reference in a real browser: by mouse, by keyboard, small and dark."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest
from hostile_pages import HOSTILE, drawing, exhibit, hostile_readout, mnist_report

from interp_checks import Ablation, Readout, every_subset, keeping_only, sweep
from interp_checks.statistics.estimate import percent
from interp_fixtures import reference_readout

pytest.importorskip("jinja2", reason="needs the package jinja2")
pytest.importorskip("selenium", reason="needs the package selenium")

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from interp_checks.report.page import SubsetCounts, page

__all__ = ["mnist_report"]  # fixture

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.skipif(
        BROWSER is None or DRIVER is None, reason="needs chromium and chromedriver on PATH"
    ),
]

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


@pytest.fixture(scope="module")
def driver() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    # Containers have neither the rights for a sandbox nor much shared memory.
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield found
    found.quit()


@pytest.fixture(scope="module")
def readout() -> Readout:
    return reference_readout()


@pytest.fixture(scope="module")
def address(
    mnist_report: dict[str, Any], readout: Readout, tmp_path_factory: pytest.TempPathFactory
) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    circle = drawing('<circle r="4" fill="currentColor"/>', 100_000)
    shown = [exhibit(f"T{number}", circle) for number in range(1, 31)]
    path.write_text(page(mnist_report, [SubsetCounts.of(readout)], shown), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def browser(driver: webdriver.Chrome, address: str) -> Iterator[webdriver.Chrome]:
    """The page, loaded afresh; it must neither complain nor ask for anything."""
    seen(driver, 1280, "light")
    # Another page first: a change of the part after "#" alone would not load it again.
    driver.get("about:blank")
    for kind in ("browser", "performance"):
        driver.get_log(kind)  # type: ignore[no-untyped-call]
    opened(driver, address)
    yield driver
    assert driver.get_log("browser") == []  # type: ignore[no-untyped-call]
    assert requests(driver) == {address}


def opened(driver: webdriver.Chrome, address: str) -> None:
    driver.get(address)
    WebDriverWait(driver, 5).until(
        lambda found: found.find_element(By.CLASS_NAME, "explorer").is_displayed()
    )


def seen(driver: webdriver.Chrome, width: int, scheme: str) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


def requests(driver: webdriver.Chrome) -> set[str]:
    """Addresses that were asked for, without the part after "#"."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]  # type: ignore[no-untyped-call]
    return {
        message["params"]["request"]["url"].partition("#")[0]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
        and not message["params"]["request"]["url"].startswith(("data:", "about:"))
    }


def one(driver: webdriver.Chrome, selector: str) -> WebElement:
    return driver.find_element(By.CSS_SELECTOR, selector)


def texts(driver: webdriver.Chrome, selector: str) -> list[str]:
    script = (
        "return [...document.querySelectorAll(arguments[0])].filter((one) => one.checkVisibility())"
        ".map((one) => one.textContent.trim().replace(/\\s+/g, ' '))"
    )
    found: list[str] = driver.execute_script(script, selector)
    return found


def click(driver: webdriver.Chrome, selector: str) -> None:
    element = one(driver, selector)
    driver.execute_script("arguments[0].scrollIntoView({ block: 'center' })", element)
    element.click()


def press(driver: webdriver.Chrome, *keys: str) -> None:
    ActionChains(driver).send_keys(*keys).perform()


def tab_to(driver: webdriver.Chrome, selector: str, most: int = 140) -> None:
    """Press Tab until this has the focus, which must be seen."""
    for _ in range(most):
        press(driver, Keys.TAB)
        script = "return document.activeElement.matches(arguments[0])"
        if driver.execute_script(script, selector):
            width = "return parseFloat(getComputedStyle(document.activeElement).outlineWidth)"
            assert driver.execute_script(width) >= 2
            return
    raise AssertionError(f"{most} times Tab does not reach {selector}")


def counts_shown(driver: webdriver.Chrome, section: str) -> list[list[int]]:
    cells = texts(driver, f"{section} .matrix tbody td:not(.total) b")
    numbers = [0 if text == "·" else int(text) for text in cells]
    assert len(numbers) == 100
    return [numbers[start : start + 10] for start in range(0, 100, 10)]


def check_ablation(driver: webdriver.Chrome, readout: Readout, sentence: str) -> None:
    """The matrix beside the tables is that of the library."""
    result = sweep(readout, [Ablation.parse(sentence)])[Ablation.parse(sentence)]
    assert texts(driver, ".ablations .told h3") == [sentence]
    assert counts_shown(driver, ".ablations") == result.counts.tolist()
    right = result.accuracy
    assert texts(driver, ".ablations .told .accuracy") == [
        f"accuracy {100 * right.value:.2f} % ({right.count} of {right.total})"
    ]
    shares = texts(driver, ".ablations .matrix tbody td.right small")
    assert shares == [
        f"{100 * one.count / one.total:.0f}%" if 200 * one.count >= one.total else ""
        for one in (result.recall[digit] for digit in range(10))
    ]


def check_explorer(driver: webdriver.Chrome, readout: Readout, *kept: int) -> None:
    """All recalls, accuracy, matrix, sentence and address are those of this set."""
    result = readout.keeping_only(*kept)
    every = every_subset(10)
    sentence = str(every[every.index(keeping_only(*kept))])
    assert texts(driver, ".explorer .told h3") == [sentence]
    recalls = [result.recall[digit] for digit in range(10)]
    assert texts(driver, ".explorer .bars .of") == [
        f"{one.count} of {one.total}" for one in recalls
    ]
    assert texts(driver, ".explorer .bars .recall") == [
        f"{'✕ ' if one.value < 0.05 else ''}{percent(one.value, 1, [0.05])} %" for one in recalls
    ]
    assert counts_shown(driver, ".explorer") == result.counts.tolist()
    right = result.accuracy
    assert f"({right.count} of {right.total})" in texts(driver, ".explorer .told .accuracy")[0]
    part = "" if len(kept) == 10 else "keep1=" + ".".join(map(str, sorted(kept)))
    assert driver.current_url.partition("#")[2] == part


# by mouse


def test_first_paint(browser: webdriver.Chrome) -> None:
    script = (
        "return performance.getEntriesByType('paint')"
        ".find((one) => one.name === 'first-contentful-paint').startTime"
    )
    assert browser.execute_script(script) < 1000


def test_filters(browser: webdriver.Chrome, mnist_report: dict[str, Any]) -> None:
    claims = mnist_report["subjects"][0]["claims"]
    total = len(claims)

    def shown(fits: Callable[[dict[str, Any]], bool]) -> None:
        expected = [claim["claim"] for claim in claims if fits(claim)]
        assert texts(browser, ".claim .sentence") == expected
        assert texts(browser, "#shown") == [f"{len(expected)} of {total} claims shown"]

    shown(lambda claim: True)
    click(browser, ".chip.not-replicated")
    shown(lambda claim: claim["status"] == "not replicated")
    assert one(browser, ".chip.not-replicated").get_attribute("aria-pressed") == "true"
    one(browser, "#search").send_keys("8 Class")
    about = re.compile(r"(?=.*\bclass)(?=.*\b8)")
    shown(
        lambda claim: (
            claim["status"] == "not replicated" and about.match(claim["claim"]) is not None
        )
    )
    click(browser, ".chip.not-replicated")
    one(browser, "#search").clear()
    one(browser, "#search").send_keys("t18")
    shown(lambda claim: claim["source"] == "T18")
    one(browser, "#search").clear()
    one(browser, "#search").send_keys("py::test_the_others[")
    shown(lambda claim: "::test_the_others[" in claim["test"])
    one(browser, "#search").clear()
    one(browser, "#search").send_keys(" ")
    file = "suites/thesis/test_6_just_one.py"
    Select(one(browser, "#file")).select_by_visible_text(file)
    shown(lambda claim: claim["test"].startswith(file))
    Select(one(browser, "#status")).select_by_visible_text("not judged")
    shown(lambda claim: False)
    assert one(browser, "#nothing").is_displayed()
    assert texts(browser, ".group") == []
    click(browser, "#reset")
    shown(lambda claim: True)
    assert not one(browser, "#nothing").is_displayed()

    click(browser, ".claim summary")
    assert texts(browser, ".claim[open] .checks tbody td:nth-child(4)") == [
        check["measured"] for check in claims[0]["checks"]
    ]
    click(browser, "#unfold")
    assert len(texts(browser, ".claim[open]")) == total
    click(browser, "#fold")
    assert texts(browser, ".claim[open]") == []


def test_every_ablation(browser: webdriver.Chrome, readout: Readout) -> None:
    for row in ("all but 5", "first 4", "just 10", "all but 1, 5"):
        button = next(
            found for found in browser.find_elements(By.CSS_SELECTOR, ".pick") if found.text == row
        )
        browser.execute_script("arguments[0].scrollIntoView({ block: 'center' })", button)
        button.click()
        assert button.get_attribute("aria-pressed") == "true"
        check_ablation(browser, readout, str(button.get_attribute("title")))
        assert texts(browser, ".picked .pick") == [row]
    select = Select(one(browser, ".switch select"))
    select.select_by_visible_text("keeping the last 5 directions")
    check_ablation(browser, readout, "keeping the last 5 directions")
    assert texts(browser, ".picked .pick") == ["last 5"]
    click(browser, ".switch .next")
    check_ablation(browser, readout, "keeping the last 4 directions")
    click(browser, ".switch .previous")
    click(browser, ".switch .previous")
    check_ablation(browser, readout, "keeping the last 6 directions")
    # A row without its button, and all the way round.
    click(browser, "tr[data-row='1'] td")
    check_ablation(browser, readout, "keeping the first 10 directions")
    click(browser, ".switch .previous")
    assert texts(browser, ".ablations .told h3") == ["intact"]
    assert counts_shown(browser, ".ablations") == readout.intact.counts.tolist()
    click(browser, ".switch .previous")
    check_ablation(browser, readout, [option.text for option in select.options][-1])


def test_explorer(browser: webdriver.Chrome, readout: Readout, address: str) -> None:
    every = set(range(1, 11))
    check_explorer(browser, readout, *every)
    click(browser, ".direction input[value='5']")
    check_explorer(browser, readout, *(every - {5}))
    assert texts(browser, ".explorer .bars .dead th") == ["8"]
    click(browser, ".direction input[value='1']")
    check_explorer(browser, readout, *(every - {1, 5}))
    click(browser, ".explorer .invert")
    check_explorer(browser, readout, 1, 5)
    click(browser, ".direction input[value='1']")
    check_explorer(browser, readout, 5)
    for number in (2, 3, 7):
        click(browser, f".direction input[value='{number}']")
    check_explorer(browser, readout, 2, 3, 5, 7)
    # Half of them, and one more: where the words change.
    click(browser, ".direction input[value='9']")
    check_explorer(browser, readout, 2, 3, 5, 7, 9)
    click(browser, ".direction input[value='10']")
    check_explorer(browser, readout, 2, 3, 5, 7, 9, 10)
    click(browser, ".explorer .all")
    check_explorer(browser, readout, *every)
    click(browser, ".explorer .no")
    assert texts(browser, ".explorer .told h3") == ["keeping no direction"]
    assert sorted(texts(browser, ".explorer tfoot td:not(.total)"))[-1] == "10000"
    # The sets of the tables, and a link to a set.
    click(browser, ".set[data-dropping='3.5']")
    check_explorer(browser, readout, *(every - {3, 5}))
    click(browser, ".set[data-keeping='1.4']")
    check_explorer(browser, readout, 1, 4)
    browser.get("about:blank")
    opened(browser, address + "#keep1=2.4.10")
    check_explorer(browser, readout, 2, 4, 10)
    browser.execute_script("location.hash = '#keep1=1'")
    WebDriverWait(browser, 5).until(
        lambda found: texts(found, ".explorer .told h3") == ["keeping only direction 1"]
    )
    browser.execute_script("location.hash = '#claims'")
    assert texts(browser, ".explorer .told h3") == ["keeping only direction 1"]


# by keyboard


def test_by_keyboard_alone(
    browser: webdriver.Chrome, readout: Readout, mnist_report: dict[str, Any]
) -> None:
    claims = mnist_report["subjects"][0]["claims"]
    tab_to(browser, ".chip.holds")
    press(browser, Keys.SPACE)
    held = [claim["claim"] for claim in claims if claim["status"] == "holds"]
    assert texts(browser, ".claim .sentence") == held
    tab_to(browser, "#search")
    press(browser, "kills class 8")
    headline = "dropping direction 5 kills class 8 and spares every other class"
    assert headline in texts(browser, ".claim .sentence")
    tab_to(browser, "#status")
    press(browser, Keys.HOME)
    tab_to(browser, "#file")
    press(browser, Keys.END, Keys.HOME)
    assert len(texts(browser, ".claim .sentence")) > 2
    tab_to(browser, ".claim summary")
    press(browser, Keys.ENTER)
    assert len(texts(browser, ".claim[open] .checks")) == 1

    browser.refresh()
    tab_to(browser, "nav a[href='#ablations-1']")
    press(browser, Keys.ENTER)
    tab_to(browser, ".pick")
    press(browser, *[Keys.ARROW_DOWN] * 2)
    check_ablation(browser, readout, "keeping the first 9 directions")
    press(browser, Keys.ARROW_UP)
    tab_to(browser, ".switch select", 3)
    press(browser, Keys.ARROW_DOWN)
    check_ablation(browser, readout, "keeping the first 9 directions")
    tab_to(browser, ".switch .next", 3)
    press(browser, Keys.SPACE)
    check_ablation(browser, readout, "keeping the first 8 directions")
    press(browser, Keys.ENTER)
    check_ablation(browser, readout, "keeping the first 7 directions")

    every = set(range(1, 11))
    tab_to(browser, ".explorer .all")
    tab_to(browser, ".direction input[value='5']")
    press(browser, Keys.SPACE)
    check_explorer(browser, readout, *(every - {5}))
    press(browser, Keys.SPACE)
    check_explorer(browser, readout, *every)
    tab_to(browser, ".direction input[value='6']", 1)
    press(browser, Keys.SPACE)
    check_explorer(browser, readout, *(every - {6}))
    tab_to(browser, ".set[data-dropping='2']")
    press(browser, Keys.ENTER)
    check_explorer(browser, readout, *(every - {2}))


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
        "schema": "interp-checks report 1",
        "time": "2024-01-01T00:00:00Z",
        "versions": {"interp-checks": "0"},
        "options": {"familywise": False, "rotations": 0, "undecided": "fail"},
        "summary": dict.fromkeys(
            ("holds", "fails", "undecided", "not replicated", "not judged"), 0
        ),
        "subjects": [subject],
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
