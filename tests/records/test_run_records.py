"""A run is read once: summary, page and card share what was formed of its counts."""

import pytest

from hf_apt.hub.card import card_files
from hf_apt.hub.card_options import CardOptions
from hf_apt.records.run import Run
from hf_apt.records.run_records import RunRecords
from hf_apt.report import write_report
from hf_apt.stats import readout_analysis


@pytest.fixture
def run(finished_run, tmp_path) -> Run:
    import shutil

    shutil.copytree(finished_run.folder, tmp_path / "run")
    return Run(tmp_path / "run")


@pytest.fixture
def formed(monkeypatch) -> dict[str, int]:
    """How many confusion tables and clusterings are formed from now on."""
    numbers = {"confusion": 0, "token_clusters": 0}

    def counted(name: str, form):
        def count(*arguments):
            numbers[name] += 1
            return form(*arguments)

        return count

    for name in numbers:
        form = getattr(readout_analysis, name)
        monkeypatch.setattr(readout_analysis, name, counted(name, form))
    return numbers


def test_tables_and_clusters_are_formed_once(run, formed):
    records = RunRecords(run)
    num_depths = records.analysis("own_head").counts.num_depths
    for _ in range(2):
        for depth in range(num_depths):
            records.analysis("own_head").table(depth)
            records.analysis("own_head").clusters(depth, 0.1, "mutual")
    assert formed == {"confusion": num_depths, "token_clusters": num_depths}


def test_a_page_of_records_forms_nothing_again(run, formed):
    records = RunRecords(run)
    first = write_report(run, records).read_bytes()
    once = dict(formed)
    assert write_report(run, records).read_bytes() == first
    assert formed == once
    assert once["confusion"] > 0


def test_a_card_forms_one_table_alone(run, formed):
    card_files(run, CardOptions(repo="a/b"))
    assert formed == {"confusion": 1, "token_clusters": 1}


def test_a_file_is_read_when_it_is_asked_for_and_once(run):
    records = RunRecords(run)
    summary = records.summary
    run.path("summary.json").unlink()
    assert records.summary is summary
    assert set(records.readouts) == set(summary["readouts"])
    with pytest.raises(ValueError, match="no finished hf_apt run: it has no summary.json"):
        _ = RunRecords(run).summary
    run.path("config.json").unlink(missing_ok=True)
    assert RunRecords(run).config == {}


def test_a_summary_of_a_later_version_is_one_sentence(run):
    later = run.read_json("summary.json") | {"schema": "hf_apt.summary/99"}
    run.write_json("summary.json", later)
    with pytest.raises(ValueError, match=r"summary.json is a record of the form .*/99"):
        _ = RunRecords(run).summary


def test_records_read_again_after_they_changed_are_new(run):
    before = RunRecords(run)
    assert before.tasks == {}
    record = {"schema": "hf_apt.block_accuracy/2", "task": "kinds", "models": {}}
    run.write_json("finetune/kinds.json", record)
    assert before.tasks == {}
    assert list(RunRecords(run).tasks) == ["kinds"]
