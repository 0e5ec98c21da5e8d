"""Laws of options that a file gives: they are those that are typed, and a run leaves its own."""

import json
from pathlib import Path

import pytest
import yaml

TINY = {
    "steps": 4,
    "batch-size": 8,
    "hidden-size": 16,
    "num-heads": 2,
    "num-blocks": 2,
    "heads": "none",
    "untrained": False,
    "measure_sequences": 16,
    "sequence-length": 16,
    "vocab-size": 100,
    "learning-rate": "1e-3",
    "sentences": False,
}


@pytest.fixture(scope="module")
def texts(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "texts.jsonl"
    words = [" ".join(f"w{(3 * one + two) % 50}" for two in range(20)) for one in range(300)]
    path.write_text("".join(json.dumps({"text": each}) + "\n" for each in words))
    return path


def test_a_run_leaves_the_options_that_make_it_again(call, texts, tmp_path):
    options = tmp_path / "mine.yaml"
    options.write_text(yaml.safe_dump({"corpus": str(texts), **TINY}))
    first, second = tmp_path / "first", tmp_path / "second"
    code, _, error = call("run", "--config", str(options), "-o", str(first), "--steps", "5")
    assert code == 0, error
    kept = yaml.safe_load((first / "run.yaml").read_text())
    assert kept["steps"] == 5  # what is typed comes first
    assert kept["corpus"] == str(texts)
    assert "accumulation-steps" not in kept  # only what was given
    assert not {"config", "format"} & kept.keys()
    code, _, error = call("run", "--config", str(first / "run.yaml"), "-o", str(second))
    assert code == 0, error
    assert (first / "config.json").read_bytes() == (second / "config.json").read_bytes()
    by_depth = [
        json.loads((each / "summary.json").read_text())["readouts"] for each in (first, second)
    ]
    assert by_depth[0] == by_depth[1]
    assert json.loads((first / "config.json").read_text())["pretrain"]["learning_rate"] == 1e-3
    # A call that is refused leaves what is there.
    before = (first / "run.yaml").read_bytes()
    code, _, error = call("run", "--config", str(options), "-o", str(first), "--hidden-size", "32")
    assert code == 2
    assert (first / "run.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("stepz: 3", "--stepz, which hf-apt run does not know"),
        ("steps: [3]", "--steps must be one value, not [3]"),
        ("report-to: wandb", "--report-to must be a list, not 'wandb'"),
        ("steps: true", "--steps must be one value, not True"),
        ("untrained: 1", "--untrained must be true or false, not 1"),
        ("config: other.yaml", "--config, which hf-apt run does not know"),
        ("- steps", "must be lines such as `steps: 1000`"),
        ("steps: {", "is no YAML"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_says_something_else_is_refused(call, tmp_path, content, told):
    path = tmp_path / "run.yaml"
    if content is not None:
        path.write_text(content)
    code, _, error = call("run", "--config", str(path), "-o", str(tmp_path / "run"))
    assert code == 2
    assert told in error
    assert error.startswith("hf-apt: ")
    assert not (tmp_path / "run").exists()


def test_a_value_of_a_file_is_checked_like_one_that_is_typed(call, tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("steps: many\n")
    code, _, error = call("run", "--config", str(path), "-o", str(tmp_path / "run"))
    assert code == 2
    assert "Invalid value for '--steps'" in error
