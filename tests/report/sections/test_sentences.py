"""The guessing game: a run's sentences, readable without script, and nothing for a run without."""

import pytest
from synthetic_runs import Page, make_run

from hf_apt.records.shown_sentences import write_shown_sentences
from hf_apt.report import write_report


def answer(token, probability, of_true, rank):
    return {
        "token": token,
        "probability": probability,
        "true_probability": of_true,
        "true_rank": rank,
    }


def sentence(*ranks, ceiling=None):
    answers = [answer("march" if rank == 1 else "<may>", 0.5, 0.5 / rank, rank) for rank in ranks]
    around = {"before": "it <began> in", "after": "of that year .", "true": "march"}
    return around | {"answers": answers, "ceiling": ceiling}


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path, vocab_size=60, num_positions=3_000, num_blocks=2)


@pytest.mark.parametrize(
    ("ranks", "said"),
    [
        ((9, 1, 1), "the model has it from block\xa01 on."),
        ((1, 1, 1), "the model has it at every depth."),
        ((9, 4, 7), "the model never has it; at best, at block\xa01, it is answer number 4."),
        ((9, 1, 2), "the model has it at block\xa01, and loses it later."),
    ],
)
def test_the_page_says_from_where_on_the_answer_is_right(run, ranks, said) -> None:
    write_shown_sentences(run, {"num_asked": 40, "seed": 7, "sentences": [sentence(*ranks)]})
    page = Page(write_report(run))
    assert said.replace("\xa0", " ") in page.text.replace("\xa0", " ")
    assert "of 40 held-out sentences" in page.text
    assert "drawn by seed 7" in page.text
    assert "it <began> in [MASK] of that year ." in " ".join(page.text.split())
    assert "<began>" not in page.source  # escaped
    opened = [tag for tag, _ in page.tags if tag in ("details", "summary")]
    assert opened  # the answers can be opened without a script
    assert "exact best" not in page.text


def test_the_ceiling_stands_below_the_blocks_where_it_is_known(run) -> None:
    ceiling = answer("april", 0.875, 0.0004, 3)
    shown = [sentence(2, 2, 1, ceiling=ceiling)]
    write_shown_sentences(run, {"num_asked": 40, "seed": 7, "sentences": shown})
    text = " ".join(Page(write_report(run)).text.split())
    assert "exact best april 0.875 under 0.001" in text


def test_a_run_without_sentences_has_no_such_section(run) -> None:
    page = Page(write_report(run))
    assert "Fill the gap" not in page.text
    assert 'id="sentences"' not in page.source
