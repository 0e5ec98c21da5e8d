"""`hf-apt smoothness`: a table, a record and a page; what can be mended is one sentence."""

import json

import pytest

from hf_apt.data.tasks.read_texts import write_read_texts
from hf_apt.data.tasks.task import open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.models.encoders import load_encoder

TINY = "--radius=0.01 --radius=0.1 --ascent-steps=2 --sequence-length=16 --max-texts=6".split()


@pytest.fixture
def classifier(checkpoint, tmp_path):
    load_encoder(str(checkpoint), label_names=("a", "b")).save(tmp_path / "classifier")
    return tmp_path / "classifier"


@pytest.fixture
def rows(tmp_path):
    lines = [{"text": f"w{i} w{i % 9} w{i % 7}", "label": "ab"[i % 2]} for i in range(40)]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    return file


def test_it_prints_a_table_and_leaves_record_and_page(call, classifier, rows, tmp_path):
    run = tmp_path / "run"
    task = "--task", rows, "--test-per-class", 5
    code, printed, _ = call("smoothness", classifier, *task, *TINY, "-o", run)
    assert code == 0
    assert max(map(len, printed.splitlines())) <= 300
    for part in ("Answers to perturbed texts", "0.01", "At a radius of 0.1", "6 texts"):
        assert part in printed
    record = json.loads((run / "studies/smoothness-rows.json").read_text())
    assert record["config"]["radii"] == [0.01, 0.1]
    assert "<svg" in (run / "studies/smoothness-rows.html").read_text()


def test_texts_may_be_any(call, classifier, tmp_path):
    text = tmp_path / "some.txt"
    text.write_text("w1 w2\nw3 w4\nw5\n")
    code, printed, _ = call("smoothness", classifier, "--text", text, *TINY, "-o", tmp_path / "run")
    assert code == 0
    assert "3 texts" in printed
    assert (tmp_path / "run/studies/smoothness-some.json").exists()


def test_what_can_be_mended_is_one_sentence(call, classifier, checkpoint, rows, tmp_path):
    for model, change, sentence in (
        (checkpoint, ["--task", rows], "is no classifier yet"),
        (classifier, ["--task", rows, "--radius=0"], "give finite numbers above 0"),
        (classifier, ["--task", "sotu"], "they do not belong together"),
        (classifier, ["--text", "planted"], "not the planted language"),
        (classifier, ["--task", rows, "--sequence-length=4000"], "longer than the"),
    ):
        code, _, error = call(
            "smoothness", model, "--test-per-class=5", *TINY[2:3], *change, "-o", tmp_path / "run"
        )
        last = error.rstrip().rpartition("\n")[2]
        assert code == 2, error
        assert last.startswith("hf-apt: ")
        assert sentence in last


def test_no_text_that_an_objective_read_is_asked_about(call, classifier, rows, tmp_path):
    task = TaskConfig(name=str(rows), test_per_class=5)
    write_read_texts(classifier, open_task(task).test.texts[:3])
    arguments = ("--task", rows, "--test-per-class=5", *TINY, "-o", tmp_path / "run")
    code, _, error = call("smoothness", classifier, *arguments)
    assert code == 2
    assert f"objectives of {classifier} read 3 of the 10 test texts" in error
