"""Laws of a training's steps on the page: every word once, at its age, and means as measured."""

import json
import re

import numpy as np
import pytest
from measured_trainings import AT_LAST, STEPS, SUPPORT, learnt, page_of, training_of

from hf_apt.report.acquisition import Acquisition
from hf_apt.report.results.comparison_page import comparison_page
from hf_apt.report.results.curves import depths_by_step
from hf_apt.report.results.steps import learnt_at, means_by_step, steps_content
from hf_apt.stats.acquisition.measured_steps import MeasuredSteps, ages
from hf_apt.stats.acquisition.step_confusions import TakenFor
from hf_apt.stats.apt import mean_apt

LOOKS_AT_CHARTS = True


def test_every_word_is_learnt_once_at_its_age() -> None:
    made = learnt()
    assert [learnt_at(training_of(made), step, 1) for step in STEPS] == [[0], [1], [2]]
    assert [learnt_at(training_of(made), step, 0) for step in STEPS] == [[], [], []]


def test_the_script_reads_what_was_measured() -> None:
    made = learnt()
    content = steps_content(
        training_of(made), means_by_step(made.measured), ["embeddings", "block 1"]
    )
    script = content["script"]
    words = script["words"]
    assert [[words[token] for token in cell[1][1:]] for cell in script["learnt"]] == [
        ["the"],
        ["of"],
        ["<b>odd&"],
    ]
    assert script["taken"][0] is None
    ((token, answer, share),) = script["taken"][1][1]
    assert (words[token], words[answer], share) == ("never", "<b>odd&", 25)
    mean = mean_apt(np.array(AT_LAST[1]), SUPPORT)
    said = f"{mean.value:.3f} ± {mean.standard_error:.3f}"
    assert script["means"][1][1].replace("\xa0", " ") == said
    ages = {words[token]: steps for token, *steps in script["ages"]}
    assert list(ages.items()) == [
        ("never", [-1, -1]),
        ("the", [-1, 0]),
        ("of", [-1, 1]),
        ("<b>odd&", [-1, 2]),
    ]
    rows = content["rows"]
    assert rows[1]["mean"].replace("\xa0", " ") == said
    assert [row["words"] for row in rows] == [["the"], ["of"], ["<b>odd&"]]
    assert rows[1]["taken"] == ["never → <b>odd& 25\xa0%"]


@pytest.mark.parametrize("confusions", [True, False])
def test_the_page_holds_chart_slider_and_table(confusions) -> None:
    page = page_of(learnt(confusions=confusions)).rendered()
    mean = mean_apt(np.array(AT_LAST[2]), SUPPORT)
    receipt = f"mean APT, block\xa01, step 50: {mean.value:.4f} ± {mean.standard_error:.4f}"
    assert receipt in page
    assert "When tokens are learnt in training" in page
    assert "&lt;b&gt;odd&amp;" in page
    assert "<b>odd" not in page
    (data,) = re.findall(r'id="step-data">(.*?)</script>', page)
    assert json.loads(data)["steps"] == list(STEPS)


def test_depths_without_answers_have_no_mean() -> None:
    page = page_of(learnt(missing=True))
    assert page.steps is not None
    assert [means[0] for means in page.steps["script"]["means"]] == ["–"] * 3
    assert "embeddings, step" not in page.rendered()


def test_many_steps_leave_the_page_below_a_megabyte() -> None:
    num_steps, num_depths, vocab = 150, 13, 4000
    support_V = np.full(vocab, 20)
    age_V = np.arange(vocab) % num_steps
    hits_SV = np.where(age_V <= np.arange(num_steps)[:, None], 20, 0)
    measured = MeasuredSteps(
        np.arange(num_steps),
        np.repeat(hits_SV[:, None], num_depths, axis=1),
        support_V,
        None,
    )
    pairs = [[TakenFor(token, token + 1, 0.5) for token in range(10)]] * num_depths
    made = Acquisition(
        name="t",
        words=tuple(f"word{token}" for token in range(vocab)),
        min_support=5,
        measured=measured,
        ages=ages(measured, min_support=5),
        confusions=(pairs,) * num_steps,
    )
    assert len(page_of(made).rendered().encode()) < 1_000_000


def compared(size):
    """A comparison of two runs whose names matplotlib would take for something else."""
    curve = [{"value": 0.25, "standard_error": 0.125, "num": 7}] * 2
    runs = [
        {"name": name, "mean_apt_by_depth": curve, "pretrained": None, "untrained": None}
        for name in ("/home/me/_first", "runs/cost $1 or $2")
    ]
    return {"task": "t", "chance": 0.5, "runs": runs, "mean_apt_positions": size}


def test_receipts_of_runs_say_what_their_errors_are_over() -> None:
    page = comparison_page(compared(1000), [], [])
    assert (
        "(standard error over stretches of the text), n = 7 tokens expected of 1,000" in page.chart
    )
    assert "over tokens" not in page.chart
    assert "over stretches of the text" in page.caption
    page = comparison_page(compared(None), [], [])
    assert "(standard error over tokens), n = 7 tokens<" in page.chart
    assert "over tokens" in page.caption
    assert page.receipts_end == "hf-apt compare _first 'runs/cost $1 or $2' --task t"


def test_every_run_is_named_in_the_legend() -> None:
    chart = str(comparison_page(compared(None), [], []).chart)
    texts = [text.strip("\u200b") for text in re.findall(r"<text[^>]*>([^<]*)</text>", chart)]
    for name in ("_first", "cost $1 or $2"):
        assert texts.count(name) == 2  # wide and narrow


def test_bars_of_depths_stand_side_by_side() -> None:
    made = learnt()
    means_SD = means_by_step(made.measured)
    curves = [list(means_S) for means_S in zip(*means_SD, strict=True)]
    chart = str(depths_by_step(curves, STEPS, ["embeddings", "block 1"]))
    wide = chart[: chart.index("</svg>")]
    at = re.findall(r'cx="([\d.]+)"[^>]*><title>mean APT, (.*?), step (\d+):', wide)
    assert len(at) == 2 * len(STEPS)
    places = {(label, step): float(x) for x, label, step in at}
    gaps = [places["block 1", str(step)] - places["embeddings", str(step)] for step in STEPS]
    assert 5 < min(gaps) <= max(gaps) < 40
    assert max(gaps) - min(gaps) < 0.3
