"""`hf-apt finetune`: a table per protocol, a record in the run's folder, one sentence on errors."""

import json
import shutil
import sys

import pytest

from hf_apt import cli

TINY = "--epochs=1 --sequence-length=16 --train-per-class=6 --test-per-class=3 --task".split()


@pytest.fixture
def call(monkeypatch, capsys):
    """The command line in this process: exit code, standard output, last line of the error."""

    def called(*arguments):
        monkeypatch.setattr(sys, "argv", ["hf-apt", "finetune", *map(str, arguments)])
        capsys.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err.rstrip().rpartition("\n")[2]

    return called


@pytest.fixture
def rows(tmp_path):
    lines = [{"text": f"w{i} w{i % 9} w{i % 7}", "label": "ab"[i % 2]} for i in range(40)]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    return file


def test_it_prints_the_tables_and_writes_the_record(call, checkpoint, rows, tmp_path):
    code, printed, _ = call(checkpoint, *TINY, rows, "-o", tmp_path / "run", "--untrained")
    assert code == 0
    assert printed.count("embeddings") == 4
    assert "12 training and 6 test texts of 2 classes; chance 0.500" in printed
    assert "Confidence by mean APT" in printed
    assert "slope of confidence on mean APT" in printed
    assert "Labels after tokens are replaced" in printed
    record = json.loads((tmp_path / "run" / "finetune" / "rows.json").read_text())
    assert record["config"]["finetune"]["num_epochs"] == 1
    assert list(record["models"]) == ["pretrained", "untrained"]
    assert (tmp_path / "run" / "finetune" / "rows" / "model.safetensors").exists()


def test_a_run_is_gone_on_with_in_its_own_folder(call, checkpoint, rows, tmp_path):
    run = tmp_path / "a-run"
    shutil.copytree(checkpoint, run / "checkpoint")
    code, printed, _ = call(run, *TINY, rows, "--epochs=0")
    assert code == 0
    assert printed.count("embeddings") == 1
    assert (run / "finetune" / "rows.json").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (["--task", "nowhere.csv"], "nowhere.csv does not exist"),
        (["--text-column", "body"], "no column 'body' for the text"),
        (["--train-per-class", "1", "--test-per-class", "90"], "90 are asked for"),
        (["--sequence-length", "4000"], "longer than the model's"),
        (["--entity-markers"], "only the task fewrel has entities"),
    ],
)
def test_what_can_be_mended_is_one_sentence(call, checkpoint, rows, tmp_path, change, sentence):
    code, _, last = call(checkpoint, *TINY, rows, "-o", tmp_path / "run", *change)
    assert code == 2
    assert last.startswith("hf-apt: ")
    assert sentence in last
    assert not (tmp_path / "run" / "finetune" / "rows.json").exists()


def test_a_missing_checkpoint_is_one_sentence(call, rows, tmp_path):
    code, _, last = call(tmp_path / "none", *TINY, rows)
    assert code == 2
    assert "there is no checkpoint folder" in last
