"""The page of the shipped reference in a real browser: by mouse, by keyboard, small and dark."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest
from browsers import IN_CHROMIUM, address, browser, click, driver, one, opened, readout, texts
from hostile_pages import mnist_report

from interp_checks import Ablation, Readout, every_subset, keeping_only, replacing, sweep
from interp_checks.statistics.intervals import percent

pytest.importorskip("jinja2", reason="needs the package jinja2")
pytest.importorskip("selenium", reason="needs the package selenium")

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

__all__ = ["address", "browser", "driver", "mnist_report", "readout"]  # fixtures

pytestmark = IN_CHROMIUM


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


@pytest.mark.parametrize("fill", ["mean", "another"])
def test_another_fill_in_the_explorer(
    browser: webdriver.Chrome, readout: Readout, address: str, fill: str
) -> None:
    filled = readout.filled_with(fill)  # type: ignore[arg-type]
    click(browser, ".direction input[value='5']")
    Select(one(browser, ".explorer .fill select")).select_by_value(fill)
    (sentence,) = texts(browser, ".explorer .told h3")
    ablation = Ablation.parse(sentence)
    assert ablation == replacing(5, by=fill)
    assert counts_shown(browser, ".explorer") == filled.dropping(5).counts.tolist()
    click(browser, ".explorer .invert")
    (sentence,) = texts(browser, ".explorer .told h3")
    assert Ablation.parse(sentence) == keeping_only(5, fill=fill)
    assert counts_shown(browser, ".explorer") == filled.keeping_only(5).counts.tolist()
    kept = browser.execute_script("return location.hash")
    browser.get("about:blank")
    opened(browser, address + kept)
    assert texts(browser, ".explorer .told h3") == [sentence]
    Select(one(browser, ".explorer .fill select")).select_by_value("zero")
    assert "fill" not in browser.execute_script("return location.hash")


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
