"""A page of the shipped reference in Chromium, and how it is read and used there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest
from hostile_pages import drawing, exhibit, mnist_report

from interp_checks import Readout
from interp_fixtures import reference_readout

pytest.importorskip("jinja2", reason="needs the package jinja2")
pytest.importorskip("selenium", reason="needs the package selenium")

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from interp_checks.report.page import SubsetCounts, page

__all__ = ["mnist_report"]  # fixture

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
DRIVER = shutil.which("chromedriver")

#: The marks of tests in Chromium.
IN_CHROMIUM = [
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.skipif(
        BROWSER is None or DRIVER is None, reason="needs chromium and chromedriver on PATH"
    ),
]


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
