"""A browser for the tests of pages, and what a page gives to save."""

from __future__ import annotations

import csv
import io
import shutil
from urllib.parse import unquote

import pytest

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
DRIVER = shutil.which("chromedriver")


@pytest.fixture
def browser(tmp_path):
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={tmp_path / 'profile'}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # Named, so that selenium looks for no driver of its own.
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


needs_a_browser = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="needs chromium and chromedriver"
)


def rows_of_csv(browser, selector):
    """The rows of the file that is offered below a table."""
    href = browser.execute_script(
        "const table = document.querySelector(arguments[0]);"
        "const a = (table.closest('.scroll') ?? table).nextElementSibling.querySelector('a');"
        "a.dispatchEvent(new Event('focus')); return a.href",
        selector,
    )
    assert href.startswith("data:text/csv;charset=utf-8,")
    return list(csv.reader(io.StringIO(unquote(href.partition(",")[2]))))
