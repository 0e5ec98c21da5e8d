"""The report page in a browser: it can be operated, says nothing to the console, fits a phone."""

from __future__ import annotations

import csv
import io
import shutil
from urllib.parse import unquote

import pytest
from synthetic_runs import make_run

from hf_apt.records.shown_sentences import write_shown_sentences
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


def sentence(number: int):
    answers = [{"token": "the", "probability": 0.5, "true_probability": 0.25, "true_rank": 2}] * 7
    around = {"before": f"sentence {number} is", "after": "here .", "true": "##odd"}
    return around | {"answers": answers, "ceiling": None}


@pytest.mark.skipif(not (BROWSER and DRIVER), reason="needs chromium and chromedriver")
def test_first_screen_game_receipts_and_csv(browser, tmp_path):
    run = make_run(tmp_path / "run", vocab_size=60, num_positions=6_000)
    shown = [sentence(number) for number in range(5)]
    write_shown_sentences(run, {"num_asked": 40, "seed": 7, "sentences": shown})
    page = write_report(run)
    desktop = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", desktop)
    browser.get(page.as_uri())

    def script(text, *arguments):
        return browser.execute_script(text, *arguments)

    # On the first screen: the question, the answer, the whole main chart.
    for selector in ("h1", ".lead", ".first .plot.wide", "nav a"):
        bottom = "return document.querySelector(arguments[0]).getBoundingClientRect().bottom"
        assert 0 < script(bottom, selector) < 900, selector

    # Every section is in the contents, and a link opens one that is folded.
    links = script("return [...document.querySelectorAll('nav a')].map((a) => a.hash.slice(1))")
    sections = script("return [...document.querySelectorAll('section')].map((s) => s.id)")
    assert links == sections
    assert not script("return document.querySelector('#treatment details').open")
    script("document.querySelector('nav a[href=\"#treatment\"]').click()")
    assert script(
        "return new Promise((r) => setTimeout(() => r("
        "document.querySelector('#treatment details').open), 50))"
    )

    # A guess by keyboard alone opens the answers, and is judged without the tokenizer's mark.
    box = browser.find_element("css selector", ".game li:nth-child(2) input")
    box.send_keys("Odd\n")
    details = "return document.querySelectorAll('.game details')[arguments[0]].open"
    assert [script(details, index) for index in range(3)] == [False, True, False]
    verdict = "return document.querySelectorAll('.game output')[arguments[0]].textContent"
    assert script(verdict, 1) == "Right."
    browser.find_element("css selector", ".game li:nth-child(3) input").send_keys("even\n")
    assert script(verdict, 2) == "It was ##odd."

    # Focus on a value gives its receipt, with the command; it can be copied and closed.
    mean = run.read_json("summary.json")["readouts"]["own_head"][0]["mean_apt"]["pooled"]
    script("document.querySelector('.plot.wide .point').focus()")
    said = script("return document.querySelector('#receipt span').textContent")
    for part in (f"{mean['value']:.4f} ± ", f"n = {mean['num']} tokens", "seed 0", "hf-apt run"):
        assert part in said, part
    button = browser.find_element("css selector", "#receipt button")
    button.send_keys("\n")
    assert button.text in ("Copied", "Press Ctrl+C")
    assert script("return String(getSelection())") == said
    button.send_keys("\ue00c")  # Escape
    assert script("return document.querySelector('#receipt').hidden")

    # Every table has its CSV, and the figures of the first are those of the summary.
    tables = "return [...document.querySelectorAll('main table')].length"
    assert script(tables) == script("return document.querySelectorAll('main .csv a').length")
    href = script(
        "const a = document.querySelector('#blocks .csv a'); a.dispatchEvent(new Event('focus'));"
        "return a.href"
    )
    assert href.startswith("data:text/csv;charset=utf-8,")
    rows = list(csv.reader(io.StringIO(unquote(href.partition(",")[2]))))
    assert len({len(row) for row in rows}) == 1
    assert rows[0][:3] == ["depth", "mean APT", "mean APT, standard error"]
    assert "APT(50) / upper half" in rows[0]
    assert [row[0] for row in rows[1:]][:2] == ["embeddings", "block 1"]
    assert float(rows[1][1]) == round(mean["value"], 3)
    assert float(rows[1][2]) == round(mean["standard_error"], 3)
    assert rows[1][3:5] == ["", ""]  # the embeddings grow over nothing
    assert browser.get_log("browser") == []


@pytest.mark.skipif(not (BROWSER and DRIVER), reason="needs chromium and chromedriver")
def test_the_page_says_all_of_it_without_a_script(browser, tmp_path):
    run = make_run(tmp_path / "run", vocab_size=60, num_positions=6_000)
    shown = [sentence(number) for number in range(5)]
    write_shown_sentences(run, {"num_asked": 40, "seed": 7, "sentences": shown})
    page = write_report(run)
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.get(page.as_uri())
    summary = browser.find_element("css selector", ".game summary")
    text = browser.find_element("css selector", ".game li")
    assert "##odd" not in text.text
    summary.send_keys("\n")
    assert "It was ##odd" in text.text
    assert not browser.find_element("css selector", ".guess").is_displayed()
