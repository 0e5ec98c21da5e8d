"""`hf-apt bench` from the command line: the record, and results for a model's repository."""

import hashlib
import json

import pytest
import yaml

from hf_apt.hub.bench_results import TASKS


@pytest.fixture
def data(tmp_path):
    """A benchmark of two passages of the tests' own words."""
    lines = [
        {"id": "a", "text": "w1 w2 w3", "asked": [[0, 2]]},
        {"id": "b", "text": "w1 w4 w5", "asked": [[0, 2], [6, 8]]},
    ]
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    folder = tmp_path / "data-set"
    (folder / "data").mkdir(parents=True)
    (folder / "data/test.jsonl").write_bytes(content)
    described = {"name": "small", "version": 2, "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "apt-bench.json").write_text(json.dumps(described))
    return folder


def test_it_writes_the_record_and_the_results_of_the_last_block(call, checkpoint, data, tmp_path):
    output = tmp_path / "out"
    command = ("bench", checkpoint, "--data", data, "-o", output, "--dataset", "owner/small")
    code, out, error = call(*command)
    assert code == 0, error
    assert "small 2: 3 words filled in" in out
    assert "unigram: always the word that is asked for most often" in " ".join(out.split())
    record = json.loads((output / "small.json").read_text())
    assert record["sha256"] == json.loads((data / "apt-bench.json").read_text())["sha256"]
    assert record["model"] == "checkpoint"
    assert len(record["depths"]) == 3
    entries = yaml.safe_load((output / ".eval_results/small.yaml").read_text())
    assert [entry["dataset"]["task_id"] for entry in entries] == list(TASKS)
    last = record["depths"][-1]["words"]
    assert [each["value"] for each in entries] == [
        last[figure]["value"] for figure in TASKS.values()
    ]
    assert {entry["dataset"]["id"] for entry in entries} == {"owner/small"}
    # Again, without results: those of before are not left behind.
    assert call("bench", checkpoint, "--data", data, "-o", output)[0] == 0
    assert not (output / ".eval_results/small.yaml").exists()


def test_json_is_the_record(call, checkpoint, data):
    code, out, error = call("bench", checkpoint, "--data", data, "--format", "json")
    assert code == 0, error
    record = json.loads(out)
    assert (record["num_words"], record["num_word_types"]) == (3, 2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--dataset", "owner/small"), "give -o FOLDER"),
        (("--dataset", "odd name"), "odd name"),
        (("--data", "nowhere"), "holds no benchmark"),
    ],
)
def test_mistakes_are_one_sentence(call, checkpoint, arguments, said):
    code, out, error = call("bench", checkpoint, *arguments)
    assert (code, out) == (2, "")
    assert error.startswith("hf-apt: ")
    assert said in error


def test_a_folder_of_something_else_is_left_alone(call, checkpoint, data, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/small.json").write_text("mine")
    code, _, error = call("bench", checkpoint, "--data", data, "-o", tmp_path / "mine")
    assert code == 2
    assert "nothing was written" in error
    assert (tmp_path / "mine/small.json").read_text() == "mine"
