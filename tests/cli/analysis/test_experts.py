"""Laws of `hf-apt experts`: the record and page are left, mistakes are one sentence."""

import json

import pytest


@pytest.fixture
def text(documents, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(documents))
    return path


QUICK = ("--sequence-length", 24, "--steps", 3, "--orders", 1, "--min-support", 2, "--no-controls")


def test_the_answer_is_printed_and_kept(call, checkpoint, text, tmp_path) -> None:
    folder = tmp_path / "out"
    options = ("--text", text, "--block", 1, "--part", 2, "--part", 1, *QUICK, "-o", folder)
    code, out, error = call("experts", checkpoint, *options)
    assert code == 0, error
    record = json.loads((folder / "studies/experts-heads-block1.json").read_text())
    assert record["results"]["names"] == ["head 2", "head 1"]
    said = " ".join(out.split())
    for finding in record["findings"]:
        assert finding in said
    assert list(folder.rglob("*.html"))


def test_a_dry_run_says_what_it_takes_and_leaves_nothing(call, checkpoint, text, tmp_path) -> None:
    task = tmp_path / "task.jsonl"
    lines = text.read_text().splitlines()
    rows = [{"text": line, "label": "yes" if len(line) > 60 else "no"} for line in lines]
    task.write_text("\n".join(map(json.dumps, rows)))
    folder = tmp_path / "out"
    tuned = ("--task", task, "--train-per-class", 8, "--test-per-class", 4, "--epochs", 2)
    options = ("--text", text, *tuned, "--dry-run", *QUICK, "-o", folder)
    code, out, error = call("experts", checkpoint, *options)
    assert code == 0, error
    assert "up to 8 more for the greedy order" in error
    assert "14 trainings of 2 steps" in error
    assert not out
    assert not folder.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--epochs", "3"], "3 epochs of fine-tuning are asked for and no task"),
        (["--finetune-rate", "0"], "learning_rate must be a finite number above 0"),
        (["--text", "planted"], "planted"),
        (["--text", "no.txt"], "no.txt does not exist"),
        (["--block", "9"], "the blocks 1 to 2, not 9"),
        (["--part", "1", "--part", "9"], "the heads 1 to 2, not 9"),
        (["--part", "1"], "part 1 alone"),
    ],
)
def test_a_mistake_is_one_sentence(call, checkpoint, text, tmp_path, options, words) -> None:
    given = options if "--text" in options else ["--text", text, *options]
    code, _, error = call("experts", checkpoint, *given, *QUICK, "-o", tmp_path / "out")
    assert code == 2
    last = error.strip().splitlines()[-1]
    assert last.startswith("hf-apt: ")
    assert words in last
