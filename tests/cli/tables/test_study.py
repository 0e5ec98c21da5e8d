"""What the command of a study prints, and `hf-apt compare --study`."""

from __future__ import annotations

import json
import shutil

from hf_apt.cli.tables import study
from hf_apt.cli.tables.show import end_of_study
from hf_apt.ownership import mark
from hf_apt.records.run import Run
from hf_apt.records.studies.study_files import read_study, write_study
from tests.support.studies import a_study


def test_the_tables_and_below_them_findings_and_notes():
    (table,) = study.tables(a_study())
    assert table.title == "Accuracy by depth"
    assert [str(cell) for cell in table.columns[2].cells] == ["1,200", "1,200"]
    assert study.footer(a_study()).splitlines() == [
        "The kernel reaches 0.700 ± 0.010.",
        "It is nearest at block 1.",
        "accuracy: of the kernel.",
    ]


def test_a_study_without_a_run_gets_a_page_of_its_own(tmp_path, capsys):
    end_of_study(Run(tmp_path), a_study())
    said = capsys.readouterr().out
    assert f"record: {tmp_path}/studies/kernels-agnews.json" in said
    assert f"page: {tmp_path}/studies/kernels-agnews.html" in said
    assert read_study(Run(tmp_path), "kernels-agnews") == a_study()


def test_a_study_of_a_run_is_on_its_page(tmp_path, finished_run):
    folder = tmp_path / "run"
    shutil.copytree(finished_run.folder, folder)
    mark(folder, "run")
    end_of_study(Run(folder), a_study())
    assert "Kernels of fine-tuning" in (folder / "report.html").read_text(encoding="utf-8")
    assert not (folder / "studies" / "kernels-agnews.html").exists()


def test_runs_are_compared_by_a_study(tmp_path, call):
    for name in "ab":
        write_study(Run(tmp_path / name), a_study())
    code, said, _ = call(
        *("compare", tmp_path / "a", tmp_path / "b"),
        *("--study", "kernels-agnews", "-o", tmp_path / "both"),
    )
    assert code == 0
    assert "Accuracy by depth" in said
    written = json.loads((tmp_path / "both" / "compare-kernels-agnews.json").read_text())
    assert len(written["tables"][0]["rows"]) == 4
    code, _, error = call("compare", tmp_path / "a", tmp_path / "b", "--study", "anchors")
    assert code != 0
    assert "choose one of kernels-agnews" in error
