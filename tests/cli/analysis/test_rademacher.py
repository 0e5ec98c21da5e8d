"""Laws of `hf-apt rademacher`: the record of the function, mistakes told."""

import shutil

import pytest

from hf_apt.records.run import Run
from hf_apt.records.studies.study_files import read_study


@pytest.fixture
def text(documents, tmp_path):
    path = tmp_path / "task words.csv"
    path.write_text("\n".join(["text", *documents]))
    return path


def test_the_record_is_written_and_shown(call, checkpoint, text, tmp_path) -> None:
    options = ("--task", text, "--text", text, "--num-texts", 30, "--sequence-length", 16)
    code, out, error = call("rademacher", checkpoint, *options, "-o", tmp_path / "run")
    assert code == 0, error
    record = read_study(Run(tmp_path / "run"), "rademacher-task-words")
    assert record["config"]["num_texts"] == 30
    assert record["provenance"]["task"]["num_texts"] == 30
    value = record["results"]["depths"][-1]["complexity"]["value"]
    assert f"{value:.3g}" in out
    assert record["results"]["depths"][-1]["gap"] is None


def test_a_run_has_its_own_text_and_its_gap(call, checkpoint, tokens, text, tmp_path) -> None:
    run = tmp_path / "run"
    shutil.copytree(checkpoint, run / "checkpoint")
    for side in ("train", "validation"):
        shutil.copytree(tokens.folder, run / "tokens" / side)
    Run(run).write_json("config.json", {})
    options = ("--task", text, "--num-texts", 20, "--twins", 0, "--sequence-length", 16)
    code, out, error = call("rademacher", run, *options, "-o", tmp_path / "out")
    assert code == 0, error
    record = read_study(Run(tmp_path / "out"), "rademacher-task-words")
    assert record["results"]["depths"][-1]["gap"]["value"] == 0.0
    assert record["provenance"]["pretraining"]["num_texts"] == 20
    assert "gap" in out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "is no run's folder with its tokens: name text of its pre-training, --text"),
        (["--text", "no.txt"], "no.txt does not exist"),
    ],
)
def test_a_mistake_is_one_sentence(call, checkpoint, options, words, tmp_path) -> None:
    code, _, error = call("rademacher", checkpoint, *options, "-o", tmp_path / "run")
    assert code == 2
    last = error.strip().splitlines()[-1]
    assert last.startswith("hf-apt: ")
    assert words in last
