"""What the page's tables and charts can be saved as, and the table of all tokens, in a browser."""

from __future__ import annotations

import base64
import io
import json
import re
from urllib.parse import unquote

import numpy as np
import pytest
from page_browser import browser, needs_a_browser, rows_of_csv
from PIL import Image
from synthetic_runs import make_run

from hf_apt.report import write_report

__all__ = ["browser"]

SAVED = """
const [selector, done] = arguments;
const made = URL.createObjectURL;
URL.createObjectURL = (blob) => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result);
  reader.readAsDataURL(blob);
  return made.call(URL, blob);
};
document.querySelector(selector).click();
"""
"""Clicks, and gives the file that is saved as a data address."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(
        tmp_path_factory.mktemp("saved") / "run",
        vocab_size=60,
        num_positions=3_000,
        num_blocks=1,
        readouts=("own_head",),
    )


@pytest.fixture(scope="module")
def page(run):
    return write_report(run)


def json_of(browser, label):
    """What the link with this label saves as JSON."""
    href = browser.execute_script(
        "const a = document.querySelector(`.csv a[aria-label='${arguments[0]} as JSON']`);"
        "a.dispatchEvent(new Event('focus')); return a.href",
        label,
    )
    assert href.startswith("data:application/json;charset=utf-8,")
    return json.loads(unquote(href.partition(",")[2]))


def is_shown(browser, text):
    """That a receipt is shown with this text."""
    receipt = browser.find_element("id", "receipt")
    return receipt.is_displayed() and text in receipt.text.replace("\xa0", " ")


@needs_a_browser
def test_charts_and_tables_are_saved_with_their_numbers_and_pictures(browser, run, page):
    browser.get(page.as_uri())
    browser.set_script_timeout(60)
    depths = run.read_json("summary.json")["readouts"]["own_head"]

    # A chart: its numbers in full.
    saved = json_of(browser, "Mean APT by depth, one line for each readout")
    assert saved["columns"] == ["readout", "depth", "mean APT", "standard error", "n"]
    assert "hf-apt run" in saved["made"]
    for row, depth in zip(saved["rows"], depths, strict=True):
        mean = depth["mean_apt"]["pooled"]
        assert row[2:] == pytest.approx([mean["value"], mean["standard_error"], mean["num"]], 1e-4)
    shares = json_of(browser, "Share of kept tokens with a strong match, own head")["rows"]
    known = {(each["definition"], each["threshold"]) for each in depths[0]["clusters"]}
    assert {(row[0], row[1]) for row in shares} == {key for key in known if key[0] != "weak"}

    # A table: the same as in its CSV, numbers as numbers.
    saved = json_of(browser, "Per-block table, Own head")
    header, *rows = rows_of_csv(browser, "#blocks table")
    assert saved["columns"] == header
    texts = [["" if cell is None else cell for cell in row] for row in saved["rows"]]
    assert [[str(cell) for cell in row] for row in texts] == rows
    assert isinstance(saved["rows"][0][1], float)

    # Every chart has a picture; that of the first is in the page's colours.
    charts = browser.execute_script(
        "return [...document.querySelectorAll('svg[aria-label]:not(.narrow)')].length"
    )
    assert browser.execute_script("return document.querySelectorAll('.csv .link').length") == charts
    for selector in (".first .csv .link", ".confusions .csv .link"):
        address = browser.execute_async_script(SAVED, selector)
        image = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))
        assert image.format == "PNG"
        assert image.width >= 1600
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
        assert (pixels == (0xFC, 0xFC, 0xFA)).all(axis=1).mean() > 0.1  # the paper
        if selector.startswith(".first"):  # squares of confusions are paler
            accent = (47, 91, 183)
            assert (np.abs(pixels.astype(int) - accent).max(axis=1) < 4).sum() > 100
    assert browser.get_log("browser") == []

    # A name of digits stays a name.
    page_of_digits = page.with_name("digits.html")
    text, times = re.subn(
        r'(data-table=" readout[^"\n]*\n)own head', r"\g<1>001", page.read_text("utf-8")
    )
    assert times
    page_of_digits.write_text(text, "utf-8")
    browser.get(page_of_digits.as_uri())
    assert json_of(browser, "Mean APT by depth, one line for each readout")["rows"][0][0] == "001"
    browser.execute_script(
        "document.querySelector('#blocks table tbody tr').children[0].textContent = '001'"
    )
    assert json_of(browser, "Per-block table, Own head")["rows"][0][0] == "001"


@needs_a_browser
def test_the_table_of_all_tokens_is_sorted_by_any_column_and_by_keyboard(browser, run, page):
    browser.get(page.as_uri())
    summary = browser.find_element("css selector", ".all-tokens summary")
    summary.send_keys("\n")
    counts = run.counts("own_head")
    hits_DV, support_V, frequency_V = (
        counts.hits(),
        counts.support(),
        np.load(run.path("frequency.npy")),
    )
    words = run.vocabulary()

    def column(index):
        script = (
            "return [...document.querySelectorAll('.sortable tbody tr')]"
            ".map((row) => row.cells[arguments[0]].textContent)"
        )
        return browser.execute_script(script, index)

    def sort_by(name):
        for button in browser.find_elements("css selector", ".sortable thead button"):
            if button.text.replace("\xa0", " ").startswith(name):
                button.send_keys("\n")
                return
        raise AssertionError(name)

    def is_sorted():
        script = "return document.querySelector('.sortable [aria-sort]').getAttribute('aria-sort')"
        return browser.execute_script(script)

    asked = np.flatnonzero(support_V)
    by_support = asked[np.argsort(-support_V[asked], kind="stable")]
    assert column(0) == [words[token] for token in by_support[:50]]
    assert is_sorted() == "descending"
    sort_by("in the training corpus")
    expected = sorted(by_support, key=lambda token: -frequency_V[token])[:50]
    assert column(0) == [words[token] for token in expected]
    sort_by("in the training corpus")
    assert is_sorted() == "ascending"
    assert browser.execute_script("return document.activeElement.textContent").startswith("in the")
    sort_by("APT, block 1")
    apt_V = hits_DV[1] / np.maximum(support_V, 1)
    expected = sorted(by_support, key=lambda token: -apt_V[token])[:50]
    assert column(0) == [words[token] for token in expected]
    sort_by("taken for")
    given = [text for text in column(2) if text != "–"]
    assert is_sorted() == "ascending"
    assert len(given) > 3
    row_of = {word: row for row, word in enumerate(words)}
    matrix = counts.at(1).matrix().toarray()
    np.fill_diagonal(matrix, 0)
    for word, answer in zip(column(0), column(2), strict=True):
        if answer != "–":
            row = matrix[row_of[word]]
            assert row[row_of[answer]] == row.max() > 1

    # All rows are saved, in the order that is shown, with what was asked often enough alone.
    least = browser.find_element("css selector", ".all-tokens input")
    browser.execute_script(
        "arguments[0].value = 30; arguments[0].dispatchEvent(new Event('input'))", least
    )
    saved = json_of(browser, "All tokens")
    assert saved["columns"][:3] == ["id", "token", "asked"]
    assert {row[0] for row in saved["rows"]} == set(np.flatnonzero(support_V >= 30).tolist())
    at = saved["columns"].index("APT, block 1")
    for row in saved["rows"]:
        assert row[at] == pytest.approx(apt_V[row[0]], abs=1e-5)
    assert browser.get_log("browser") == []


@needs_a_browser
def test_squares_of_a_confusion_picture_say_their_counts(browser, run, page):
    phone = {"width": 390, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    browser.get(page.as_uri())
    matrix = run.counts("own_head").at(1).matrix()
    support_V = run.counts("own_head").support()
    words = run.vocabulary()
    picture = browser.find_element("css selector", ".confusion.narrow")
    saved = json_of(browser, "Confusions, own head")
    tokens = [words.index(name) for name in saved["columns"][1:-2]]
    for row, token in zip(saved["rows"], tokens, strict=True):
        assert row[1:-2] == matrix[[token]][:, tokens].toarray().ravel().tolist()
        assert sum(row[1:-1]) == row[-1] == support_V[token]
    picture.send_keys("\ue014")  # to the right
    asked, answer = tokens[:2]
    said = f"“{words[asked]}” was answered by “{words[answer]}”: {matrix[asked, answer]:,} of"
    assert is_shown(browser, said)
    assert is_shown(browser, f" of {support_V[asked]:,}")
    assert is_shown(browser, "After block 1, own head")
    browser.find_element("css selector", ".counts summary").send_keys("\n")
    from selenium.webdriver.support.ui import WebDriverWait

    cells = WebDriverWait(browser, 20).until(  # the table is filled after it was opened
        lambda shown: shown.execute_script(
            "return [...(document.querySelector('#confusion-counts tbody tr')?.cells ?? [])]"
            ".map((cell) => cell.textContent)"
        )
    )
    assert cells[0] == words[asked]
    assert cells[-1] == f"{support_V[asked]:,}"

    # Values of a token and bars of clusters can be focused; the page fits with all of it open.
    browser.execute_script("document.querySelector('.record .value').focus()")
    assert is_shown(browser, "APT of “")
    browser.execute_script(
        "for (const part of document.querySelectorAll('details')) part.open = true"
    )
    bar = browser.find_elements("css selector", ".plot.sizes rect")
    if bar:
        browser.execute_script("arguments[0].focus()", bar[0])
        assert is_shown(browser, "clusters of ")
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert browser.get_log("browser") == []
