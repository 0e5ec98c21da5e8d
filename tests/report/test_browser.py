"""The report page in a browser: it can be operated, says nothing to the console, fits a phone."""

from __future__ import annotations

from measured_trainings import STEPS, learnt, page_of
from page_browser import browser, needs_a_browser, rows_of_csv
from synthetic_runs import make_run

from hf_apt.records.shown_sentences import write_shown_sentences
from hf_apt.records.token_contexts import write_token_contexts
from hf_apt.report import write_report

__all__ = ["browser"]


@needs_a_browser
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


@needs_a_browser
def test_tokens_asked_a_few_times_have_no_error_and_odd_ones_stay_in_files(browser, tmp_path):
    run = make_run(tmp_path / "run", vocab_size=60, num_positions=1_500)
    support_V = run.counts("own_head").support()
    seldom = int(next(token for token in support_V.argsort()[::-1] if support_V[token] < 20))
    words = run.vocabulary()
    words[seldom] = "seldom"
    run.write_json("vocabulary.json", words)
    shown = [sentence(number) for number in range(5)]
    shown[0]["answers"] = [dict(answer) for answer in shown[0]["answers"]]
    for answer, token in zip(shown[0]["answers"], ("–", "±", "1 ± 2", "1,000", "+5"), strict=False):
        answer["token"] = token
    write_shown_sentences(run, {"num_asked": 40, "seed": 7, "sentences": shown})
    page = write_report(run).as_uri()

    def shown_values():
        script = "return [...document.querySelectorAll('.record .value')].map((v) => v.innerText)"
        return browser.execute_script(script)

    def file():
        return browser.execute_script("return document.querySelector('.record .csv a').download")

    browser.get(page)
    assert all("±" in value for value in shown_values())  # it begins with one asked often
    first = file()
    browser.get("about:blank")
    browser.get(page + "#token=seldom")
    hits = run.counts("own_head").hits()[:, seldom]
    assert shown_values() == [f"{each} of {support_V[seldom]}" for each in hits]
    assert file() == f"token-{seldom}-seldom-own-head.csv"
    assert first != file()
    browser.get("about:blank")
    browser.get(page + "#token=the")
    rows = rows_of_csv(browser, ".record table")
    answers = browser.execute_script(
        "return [...document.querySelectorAll('.record tbody tr:first-child .chip')]"
        ".map((chip) => [...chip.childNodes].map((part) => part.textContent).join(' '))"
    )
    assert len(answers) > 1
    assert rows[1][-1] == " ".join(" ".join(answers).split())
    header, *rows = rows_of_csv(browser, ".game table")
    at = header.index("answer")
    assert [row[at] for row in rows][:5] == ["–", "±", "1 ± 2", "1,000", "'+5"]
    assert browser.get_log("browser") == []


@needs_a_browser
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
    script("document.querySelector('.plot.wide .point').focus()")
    assert not script("return document.querySelector('#receipt').hidden")
    script("document.querySelector('#receipt button:last-child').click()")
    assert script("return document.querySelector('#receipt').hidden")

    # Every table has its CSV, and the figures of the first are those of the summary.
    unserved = (
        "return [...document.querySelectorAll('main table')].filter((table) =>"
        " !(table.closest('.scroll') ?? table).nextElementSibling?.matches('.csv')).length"
    )
    assert script(unserved) == 0

    def table_of(selector):
        return rows_of_csv(browser, selector)

    rows = table_of("#blocks table")
    assert len({len(row) for row in rows}) == 1
    assert rows[0][:3] == ["depth", "mean APT", "mean APT, standard error"]
    assert "APT(50) / upper half" in rows[0]
    assert [row[0] for row in rows[1:]][:2] == ["embeddings", "block 1"]
    assert float(rows[1][1]) == round(mean["value"], 3)
    assert float(rows[1][2]) == round(mean["standard_error"], 3)
    assert rows[1][3:5] == ["", ""]  # the embeddings grow over nothing
    (tenths, *_) = table_of("#frequency .heat")
    assert tenths[:2] == ["depth", "1st tenth (rarest)"]
    assert len(set(tenths)) == len(tenths) == 12

    # Their files have names of their own.
    names = script("return [...document.querySelectorAll('.csv a')].map((a) => a.download)")
    assert len(set(names)) == len(names)
    assert {name.rpartition(".")[2] for name in names} == {"csv", "json"}
    assert {"how-this-was-made-model.csv", "how-this-was-made-corpus.csv"} <= set(names)
    assert browser.get_log("browser") == []


@needs_a_browser
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


@needs_a_browser
def test_every_token_has_a_passport_with_an_address(browser, tmp_path):
    run = make_run(tmp_path / "run", vocab_size=60, num_positions=6_000)
    words = run.vocabulary()
    words[20], words[21], words[22] = "50%/a&b", "twice\n", "twice␊"
    run.write_json("vocabulary.json", words)
    held = [
        {"ids": [7, 20, 8], "pieces": ["the", " 50%/a&b", " of"]},
        {"ids": [20, 7], "pieces": ["50%/a&b", " the"]},
    ]
    write_token_contexts(run, {"stretches": held})
    page = write_report(run).as_uri()

    def script(text, *arguments):
        return browser.execute_script(text, *arguments)

    def shown(selector=".record h3"):
        return script("return document.querySelector(arguments[0]).textContent", selector)

    def is_in_view():
        place = script("return document.querySelector('#token').getBoundingClientRect().top")
        return abs(place) < 200

    def id_shown():
        return script(
            "return [...document.querySelectorAll('.record .facts dd')].at(-2).textContent"
        )

    # By text, without the tokenizer's mark, by id; one of two that look alike has its id.
    bare = next(word for word in words if word.startswith("##") and word[2:] not in words)
    for address, token in (
        ("#token=the", "the"),
        (f"#token={bare[2:].upper()}", bare),
        ("#token=50%25%2Fa%26b", "50%/a&b"),
        ("#token=50%/a&b", "50%/a&b"),
        ("#token-8", "of"),
        ("#token-21", "twice␊"),
        ("#token-22", "twice␊"),
    ):
        browser.get("about:blank")
        browser.get(page + address)
        assert shown() == token, address
        assert is_in_view(), address
        if token.startswith("twice"):
            assert id_shown() == address[-2:]
    links = {shown(".address a")}
    browser.get(page + "#token-21")
    links.add(shown(".address a"))
    assert len(links) == 2
    assert links & {"#token-21", "#token-22"}

    # An address of nothing says so.
    browser.get(page + "#token=nowhere")
    assert "No token" in shown("#matches")
    browser.get(page + "#token-4711")
    assert "4711" in shown("#matches")

    # The link is copied, and a token of a wrong answer leads to its own.
    browser.get(page + "#token-20")
    assert [row.text for row in browser.find_elements("css selector", ".contexts li")] == [
        "… the 50%/a&b of …",
        "… 50%/a&b the …",
    ]
    assert shown(".contexts mark") == "50%/a&b"
    links = "return document.querySelectorAll(`.confusion a[href='#token=the']`).length"
    assert script(links)
    button = browser.find_element("css selector", ".address button")
    button.send_keys("\n")
    assert button.text in ("Copied", "Press Ctrl+C")
    chip = browser.find_element("css selector", ".by-depth .chip")
    wanted, address = shown(".by-depth .chip bdi"), chip.get_dom_attribute("href")
    chip.click()
    assert shown() == wanted
    assert script("return location.hash") == address
    browser.back()
    assert shown() == "50%/a&b"
    assert browser.get_log("browser") == []


@needs_a_browser
def test_the_slider_shows_what_each_step_brought(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(page_of(learnt()).rendered(), encoding="utf-8")
    phone = {"width": 375, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    browser.get(page.as_uri())
    shown = browser.find_element("id", "step-shown")
    slider = browser.find_element("id", "step")
    assert "Learnt since step 20: 1\n<b>odd&" in shown.text
    slider.send_keys("\ue012")  # one to the left
    assert browser.find_element("id", "step-name").text == str(STEPS[1])
    assert "Learnt since step 10: 1\nof" in shown.text
    assert "never\n→\n<b>odd&\n25 %" in shown.text or "never → <b>odd& 25 %" in shown.text
    browser.execute_script("document.querySelector('input[data-key=depth]').click()")
    assert "Learnt since step 10: 0" in shown.text
    assert "embeddings" in shown.text
    slider.send_keys("\ue012")
    assert "Learnt by then: 0" in shown.text
    assert "Answers were not kept at this step" in shown.text
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert browser.get_log("browser") == []
    # A word's own address says when it is learnt.
    browser.get("about:blank")
    browser.get(page.as_uri() + "#token=OF")
    told = browser.find_element("id", "word-age").text
    assert " ".join(told.split()) == "of embeddings not learnt block 1 step 20"
    browser.find_element("id", "word").send_keys("fen")
    assert "No token like that" in browser.find_element("id", "word-age").text
    # Without a script the table says it.
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.get(page.as_uri())
    rows = browser.find_elements("css selector", ".walked tbody tr")
    assert ["of" in row.text for row in rows] == [False, True, False]
    assert not browser.find_element("id", "step").is_displayed()
