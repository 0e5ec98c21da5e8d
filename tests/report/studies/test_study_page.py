"""A study on a page of its own, on a run's page, on its card, and beside another."""

from __future__ import annotations

import shutil

import pytest

from hf_apt.hub.sections.studies import section as card_section
from hf_apt.records.run import Run
from hf_apt.records.run_records import RunRecords
from hf_apt.records.studies.study_files import write_study
from hf_apt.report import write_report
from hf_apt.report.page_view import PageView
from hf_apt.report.sections.studies import section
from hf_apt.report.studies.study_comparison import compared_studies
from hf_apt.report.studies.study_page import study_page, write_study_page
from hf_apt.report.studies.study_tables import text_table
from tests.support.studies import a_study, an_estimate

LOOKS_AT_CHARTS = True


@pytest.fixture
def run(tmp_path, finished_run):
    folder = tmp_path / "run"
    shutil.copytree(finished_run.folder, folder)
    return Run(folder)


def test_a_column_has_as_many_decimals_as_its_smallest_error_needs():
    (table,) = a_study()["tables"]
    assert [row[1] for row in text_table(table).rows] == [
        "0.5000\xa0±\xa00.0100",
        "0.7000\xa0±\xa00.0001",
    ]
    assert text_table(table).rows[1][2:] == ["1,200", "yes"]


def test_cells_without_a_number_and_large_ones():
    rows = [["a", None, 1e9], ["b", 0.12345, 2.0]]
    shown = text_table({"title": "T", "header": ["", "x", "y"], "rows": rows}).rows
    assert shown == [["a", "–", "1e+09"], ["b", "0.123", "2.000"]]


def test_a_page_of_its_own_holds_question_answer_figure_and_table(tmp_path):
    path = write_study_page(Run(tmp_path), a_study())
    page = path.read_text(encoding="utf-8")
    assert path.name == "kernels-agnews.html"
    for text in (
        "Does the kernel solve the task?",
        "0.700\xa0±\xa00.010",
        "Accuracy by depth",
        "<svg",
    ):
        assert text in page
    assert study_page(a_study(figures=[])).chart is None
    assert "of the kernel. " in page
    assert "kernel.." not in page


def test_a_line_without_a_value_has_no_name_in_the_figure():
    assert "head</text>" not in str(study_page(a_study()).chart)
    assert "kernel</text>" in str(study_page(a_study()).chart)


def test_the_answer_leads_and_other_findings_follow_line_by_line():
    page = study_page(a_study()).rendered()
    assert '<p class="lead">The kernel reaches 0.700\xa0±\xa00.010.</p>' in page
    assert "<li>It is nearest at block 1.</li>" in page


def test_all_figures_have_their_caption():
    (figure,) = a_study()["figures"]
    page = study_page(a_study(figures=[figure, figure | {"title": "Else", "chance": None}]))
    assert (
        str(page.chart).count("Accuracy of the kernel by depth; bars are one standard error") == 1
    )
    assert page.caption == "Else; bars are one standard error over draws."


def test_a_run_shows_the_study_of_another_model_as_such(run):
    write_study(run, a_study())
    made = section(PageView(RunRecords(run)))
    assert made is not None
    (study,) = made.content["studies"]
    assert "another model" in study["other"]
    assert card_section(RunRecords(run)) is None
    assert "Kernels of fine-tuning: agnews" in write_report(run).read_text(encoding="utf-8")


def test_a_run_shows_the_study_of_its_own_model_on_page_and_card(run):
    model = RunRecords(run).summary["model"] or {}
    record = a_study() | {key: model.get(key) for key in ("weights", "model_config")}
    write_study(run, record | {"checkpoint": model["name"]})  # pyright: ignore
    made = section(PageView(RunRecords(run)))
    assert made is not None
    assert made.content["studies"][0]["other"] == ""
    card = card_section(RunRecords(run))
    assert card is not None
    assert card.table.rows[0][0] == "Kernels of fine-tuning: agnews"
    assert "0.700 ± 0.010" in card.table.rows[0][1]


def test_a_run_without_studies_has_no_section(run):
    assert section(PageView(RunRecords(run))) is None
    assert card_section(RunRecords(run)) is None


def test_what_a_study_says_is_text_on_the_page(tmp_path):
    page = study_page(a_study(findings=["<script>alert(1)</script>"])).rendered()
    assert "<script>alert(1)" not in page


def test_runs_stand_side_by_side_by_the_name_of_the_row():
    other = a_study()
    other["tables"][0]["rows"][0][1] = an_estimate(0.6)  # pyright: ignore
    (table,) = compared_studies({"a": a_study(), "b": other})
    assert table["header"] == ["depth", "run", "accuracy", "texts", "solved"]
    assert [row[:2] for row in table["rows"]] == [
        ["embeddings", "a"],
        ["embeddings", "b"],
        ["block 1", "a"],
        ["block 1", "b"],
    ]
    assert table["rows"][1][2] == an_estimate(0.6)


def test_other_studies_and_other_tables_are_not_compared():
    with pytest.raises(ValueError, match="different studies: anchors, kernels"):
        compared_studies({"a": a_study(), "b": a_study(study="anchors")})
    other = a_study(tables=[{"title": "Else", "header": ["a"], "rows": []}])
    with pytest.raises(ValueError, match="no table of the study kernels in common"):
        compared_studies({"a": a_study(), "b": other})
