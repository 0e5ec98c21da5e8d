"""The report page in a browser: it can be operated, says nothing to the console, fits a phone."""

from __future__ import annotations

import shutil

import pytest
from synthetic_runs import make_run

from hf_apt.report import write_report

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


@pytest.mark.skipif(not (BROWSER and DRIVER), reason="needs chromium and chromedriver")
def test_page_can_be_operated_and_fits_a_phone(browser, tmp_path):
    run = make_run(tmp_path / "run", vocab_size=120, num_positions=12_000)
    words = run.vocabulary()
    words[12] = "</script><b>odd&"
    run.write_json("vocabulary.json", words)
    page = write_report(run)
    # Chromium's window cannot be as narrow as a phone; its emulated screen can.
    phone = {"width": 375, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    browser.get(page.as_uri())

    def text(selector):
        script = "return document.querySelector(arguments[0]).innerText"
        return browser.execute_script(script, selector)

    def choose(key, value):
        radio = f"input[data-key={key}][value='{value}']"
        browser.execute_script("document.querySelector(arguments[0]).click()", radio)

    def fits():
        return browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")

    assert fits()

    # The token search.
    query = browser.find_element("id", "query")
    query.send_keys("odd&")
    assert text(".record h3") == words[12]
    assert text("#token-record").count("±") == 7
    query.clear()
    query.send_keys("the")
    assert text(".record h3") == "the"

    # One choice of depth moves every part that depends on it.
    assert "block 6" in text(".chosen").replace("\xa0", " ")
    examples = text("#cluster-examples")
    choose("depth", "1")
    assert "block 1" in text(".chosen").replace("\xa0", " ")
    assert "block 1" in text(".shown").replace("\xa0", " ")
    assert "depth 1" in text("#token-record")
    assert text("#cluster-examples") != examples
    cells = browser.find_element("css selector", ".confusion.narrow .cells")
    assert cells.get_dom_attribute("href") == "#cells-own_head-1"

    # Definition, threshold, readout.
    choose("definition", "row")
    choose("threshold", "0.3")
    assert "row, ≥ 0.3" in text(".chosen")
    choose("readout", "mlm_head")
    assert "MLM head" in text(".chosen")
    visible = browser.execute_script(
        "return [...document.querySelectorAll('[data-readout]')]"
        ".filter((part) => !part.hidden).map((part) => part.dataset.readout)"
    )
    assert set(visible) == {"mlm_head"}

    # By keyboard: the next readout is one arrow key away.
    checked = browser.find_element("css selector", "input[data-key=readout]:checked")
    checked.send_keys("\ue014")
    assert (
        browser.execute_script(
            "return document.querySelector('input[data-key=readout]:checked').value"
        )
        == "untrained"
    )
    assert "Tokens are listed for" in text("#clusters .elsewhere")

    # A chip leads to its token.
    chip = browser.find_element("css selector", "#cluster-examples .chip")
    wanted = chip.text
    browser.execute_script("arguments[0].click()", chip)
    assert text(".record h3") == wanted

    assert fits()
    assert browser.get_log("browser") == []
