"""Laws of a run's folder while it is written."""

import json
from pathlib import Path

import pytest

from hf_apt.ownership import MARKER
from hf_apt.records.run import Run
from hf_apt.records.run_folder import require_run_folder, writing_run


def test_a_new_folder_is_made_and_marked(tmp_path: Path) -> None:
    run = Run(tmp_path / "runs" / "new")
    with writing_run(run), writing_run(run):
        assert json.loads(run.path(MARKER).read_text()) == {"kind": "run"}
    assert [path.name for path in run.folder.iterdir()] == [MARKER]


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", ".git"])
def test_a_folder_of_the_users_is_refused_and_left_as_it_was(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"model_type": "bert"}')
    with pytest.raises(ValueError, match="files that are not hf_apt's"), writing_run(Run(tmp_path)):
        raise AssertionError("the block began")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_run_from_before_there_were_markers_is_taken_and_marked(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"corpus": {}, "pretrain": {}, "measure": {}}')
    require_run_folder(Run(tmp_path))
    assert not (tmp_path / MARKER).exists()
    with writing_run(Run(tmp_path)):
        assert (tmp_path / MARKER).exists()
