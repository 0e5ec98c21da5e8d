"""A training goes on with the files that its objectives began with."""

import json
from dataclasses import replace

import pytest
from small_artificial_runs import small_artificial_run

from hf_apt.data.artificial.zipf import Zipf
from hf_apt.runs.pipeline import begun, pretrain_run
from hf_apt.runs.starting import objective_files as module
from hf_apt.runs.starting.objective_files import (
    NAME,
    keep_objective_files,
    objective_files,
    require_objective_files,
)
from hf_apt.training.objectives.graph_pairs import GraphPairs
from hf_apt.training.objectives.r_drop import RDrop
from hf_apt.training.objectives.rademacher import Rademacher


@pytest.fixture
def links(tmp_path):
    path = tmp_path / "links.csv"
    path.write_text("text,linked\nw0001 w0002,w0003 w0004\nw0002 w0001,w0004 w0003\n")
    return path


def test_files_are_told_by_their_contents_alone(links, tmp_path) -> None:
    def found() -> dict:
        objectives = [GraphPairs(weight=0.1, links=str(links)), RDrop(weight=1.0)]
        return objective_files([*objectives, Rademacher(weight=1.0, texts="task:planted")])

    before = found()
    assert list(before) == ["graph_pairs links"]
    links.touch()
    assert found() == before
    links.write_text(links.read_text().replace("w0004", "w0005"))
    assert found() != before


def test_a_folder_that_is_called_as_a_task_is_not_read(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("planted", "sotu", "fewrel"):
        (tmp_path / name).mkdir()  # as where a run was written, without any text
        assert objective_files([Rademacher(weight=1.0, texts=f"task:{name}")]) == {}
    assert objective_files([Rademacher(weight=1.0, texts="sotu")]) == {}
    labels = GraphPairs(weight=1.0, graph="labels", texts="planted")
    assert objective_files([labels]) == {}
    (tmp_path / "planted/some.txt").write_text("w0001 w0002\n")
    assert list(objective_files([Rademacher(weight=1.0, texts="planted")])) == ["rademacher texts"]


def test_what_is_not_there_is_told_and_nothing_is_read(links, monkeypatch) -> None:
    monkeypatch.setattr(module, "files_fingerprint", None)
    there = GraphPairs(weight=0.1, links=str(links))
    require_objective_files([there, Rademacher(weight=1.0, texts="some/hub_data")])
    with pytest.raises(ValueError, match=r"the texts of graph_pairs: there is no table none\.csv"):
        require_objective_files([replace(there, texts="none.csv")])
    with pytest.raises(ValueError, match="the links of graph_pairs: there is no table sotu"):
        require_objective_files([replace(there, links="sotu")])
    with pytest.raises(ValueError, match=r"the texts of rademacher: no file matches 'no\*'"):
        require_objective_files([Rademacher(weight=1.0, texts="task:no*")])


def test_a_file_may_be_called_as_a_setting(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run:seed=x.txt").write_text("w0001 w0002\n")
    named = [Rademacher(weight=1.0, texts="run:seed=x.txt")]
    assert list(objective_files(named)) == ["rademacher texts"]


def test_nothing_is_written_where_no_file_is_read(tmp_path) -> None:
    keep_objective_files([RDrop(weight=1.0)], tmp_path / "training", writes=True)
    assert not (tmp_path / "training").exists()


def test_a_training_with_another_graph_is_refused(links, tmp_path) -> None:
    objective = GraphPairs(weight=0.1, links=str(links), num_anchors=1)
    config = small_artificial_run(Zipf(vocab_size=30), objectives=(objective,))
    with begun(config, tmp_path / "run") as run:
        pretrain_run(config, run)
        assert list(json.loads(run.path(f"training/{NAME}").read_text())) == ["graph_pairs links"]
        run.path("training.json").unlink()
        links.write_text(links.read_text().replace("w0004", "w0005"))
        with pytest.raises(ValueError, match="the links of graph_pairs are others than"):
            pretrain_run(config, run)
