"""Laws of the ruler: terminal, page and card say where a model stands between floor and ceiling."""

import html
import re
from io import StringIO

import numpy as np
import pytest
from finished import change_summary, write_finished_run
from rich.console import Console
from synthetic_runs import Page, make_run

from hf_apt.cli.tables import ruler as printed
from hf_apt.data.planted.corpus import PlantedCorpus
from hf_apt.hub.card import checkpoint_card
from hf_apt.hub.card_options import CardOptions
from hf_apt.models.shapes import ModelShape
from hf_apt.records.references.ruler import ruler
from hf_apt.records.run_records import RunRecords
from hf_apt.report import write_report
from hf_apt.report.ruler_table import ruler_sentence, ruler_table
from hf_apt.runs.pipeline import run_all
from hf_apt.runs.recipes import RunConfig
from hf_apt.stats.apt import masked_accuracy
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.floors.floors import BAND, COPY, UNIFORM, UNIGRAM
from hf_apt.training.pretrain_config import PretrainConfig

SMALL = {"vocab_size": 60, "num_positions": 3_000, "num_blocks": 2, "readouts": ("own_head",)}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A run of a few steps on the planted language."""
    config = RunConfig(
        corpus=PlantedCorpus(num_documents=200, num_validation_documents=100),
        sequence_length=32,
        layout="first",
        shape=ModelShape(hidden_size=16, num_heads=2, num_blocks=1, dropout=0.0),
        pretrain=PretrainConfig(num_steps=2, batch_size=8, num_validation_sequences=8),
        head_kinds=(),
        untrained=False,
    )
    return run_all(config, tmp_path_factory.mktemp("planted") / "run")


def with_ruler(run):
    """A finished run of made-up counts, with its ruler."""
    counts = RunRecords(run).analysis("own_head").counts
    made = ruler(counts, vocab_size=counts.vocab_size, masking_rate=0.15)
    change_summary(run, ruler=made)
    return run


def text_of(tables) -> str:
    console = Console(width=80, record=True, file=StringIO())
    for table in tables:
        console.print(table)
    return console.export_text()


def test_on_the_planted_language_no_floor_is_above_the_exact_ceiling(planted) -> None:
    """The exact best predictor knows more than any guesser, and stands in the ruler as counted."""
    summary = planted.read_json("summary.json")
    bayes = planted.counts("bayes").at(0)
    best = masked_accuracy(bayes.hits(), bayes.support())
    figures = summary["readouts"]["bayes"][0]["masked_accuracy"]["pooled"]
    assert figures["value"] == best.value
    floors = {each["name"]: each["accuracy"]["pooled"] for each in summary["ruler"]["floors"]}
    assert 0 < floors[UNIFORM] < floors[UNIGRAM] < best.value
    modified, size = summary["masking"]["num_modified"], summary["ruler"]["vocab_size"]
    copied = modified["unchanged"] + modified["replaced"] / size
    assert floors[COPY] == pytest.approx(copied / sum(modified.values()))
    assert all(value < best.value for name, value in floors.items() if name != BAND)
    rows = {row[0]: row[1] for row in ruler_table(summary).rows}
    assert rows["the exact best predictor"].startswith(f"{best.value:.4f}")
    assert f"the exact best predictor reaches {best.value:.4f}" in ruler_sentence(summary)


def test_floors_are_of_the_vocabulary_that_can_be_asked_for(planted) -> None:
    size = len(planted.read_json("vocabulary.json"))
    made = planted.read_json("summary.json")["ruler"]
    assert made["vocab_size"] == size
    uniform = next(each for each in made["floors"] if each["name"] == UNIFORM)
    assert uniform["accuracy"]["masked"] == pytest.approx(1 / size)


def test_the_terminal_ends_with_the_ruler_in_80_columns(planted) -> None:
    summary = planted.read_json("summary.json")
    text = text_of(printed.tables(summary))
    assert "Is it normal?" in text
    assert "floor: unigram" in text
    assert "the exact best predictor " in text
    assert max(map(len, text.splitlines())) <= 80
    assert printed.footer(summary).endswith(ruler_sentence(summary))


def test_page_and_card_show_the_same_rows(tmp_path) -> None:
    run = with_ruler(make_run(tmp_path / "page", **SMALL))
    page = Page(write_report(run))
    table = ruler_table(RunRecords(run).summary)
    assert "Is it normal?" in page.text
    for row in table.rows:
        assert row[0].replace("\xa0", " ") in page.text.replace("\xa0", " ")
    carded = with_ruler(write_finished_run(tmp_path / "card"))
    text = checkpoint_card(carded, CardOptions(repo="owner/bert-6"))
    assert "## Is it normal?" in text
    summary = RunRecords(carded).summary
    for row in ruler_table(summary).rows:
        assert row[1] in html.unescape(text)


def test_runs_of_before_there_was_a_ruler_have_none(tmp_path) -> None:
    summary = RunRecords(write_finished_run(tmp_path / "run")).summary
    assert ruler_table(summary) is None
    assert ruler_sentence(summary) == printed.footer(summary) == ""
    assert printed.tables(summary) == []


def test_a_causal_model_has_no_copy_and_no_masked_model_beside_it() -> None:
    references_N = np.array([1, 1, 2])
    counts = DepthCounts.empty(1, 9)
    counts.update(references_N, references_N[None], np.zeros(3, int))
    made = ruler(counts, vocab_size=9, masking_rate=None)
    assert [each["name"] for each in made["floors"]] == [UNIFORM, UNIGRAM, BAND]
    assert made["models"] == []
    assert made["masking_rate"] is None


def test_receipts_stand_in_the_rows_and_columns_of_their_values(planted) -> None:
    source = write_report(planted).read_text(encoding="utf-8")
    section = source[source.index('<section id="ruler"') :]
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th>(.*?)</tr>", section, re.DOTALL)
    named = {name: cells for name, cells in rows}
    measured = next(cells for name, cells in named.items() if name.endswith("as measured here"))
    for cells, who in (
        (measured, "own head"),
        (named["the exact best predictor"], "exact ceiling"),
    ):
        told = re.findall(r'<td[^>]*title="(.*?)">(.*?)</td>', cells)
        figures = ("accuracy, ", "accuracy at [MASK], ", "mean APT, ")
        assert len(told) == 3
        for (said, cell), figure in zip(told, figures, strict=True):
            assert said.startswith(figure + who)
            assert f": {cell.split()[0]}" in said
    assert all("title=" not in cells for name, cells in rows if name.startswith("floor"))
