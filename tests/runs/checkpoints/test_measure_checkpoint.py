"""One call measures what the command measures."""

import json

import pytest

import hf_apt

OPTIONS = hf_apt.TextOptions(
    sequence_length=24, measure=hf_apt.MeasureConfig(num_sequences=40, seed=3)
)


@pytest.fixture
def checkpoint(tiny_model, tokenizer, tmp_path):
    tiny_model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def text(documents, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(documents))
    return path


def test_it_is_what_the_command_does(checkpoint, text, tmp_path, call):
    run = hf_apt.measure_checkpoint(checkpoint, text, tmp_path / "run", options=OPTIONS)
    asked = ("--sequence-length=24", "--measure-sequences=40")
    code, _, error = call("measure", checkpoint, text, "-o", tmp_path / "other", *asked)
    assert code == 0, error
    one, other = (
        json.loads((tmp_path / name / "summary.json").read_text())["readouts"]
        for name in ("run", "other")
    )
    assert one.keys() == other.keys() == {"own_head"}
    assert one != other  # masks of another seed
    assert run.path("report.html").exists()
    before = run.path("counts/own_head.npz").stat().st_mtime_ns
    again = hf_apt.measure_checkpoint(checkpoint, text, tmp_path / "run", options=OPTIONS)
    assert again.path("counts/own_head.npz").stat().st_mtime_ns == before
    default = hf_apt.TextOptions(sequence_length=24, measure=hf_apt.MeasureConfig(num_sequences=40))
    run = hf_apt.measure_checkpoint(str(checkpoint), str(text), tmp_path / "third", options=default)
    assert json.loads(run.path("summary.json").read_text())["readouts"] == other


def test_what_is_missing_is_said_before_any_work(checkpoint, text, tmp_path):
    with pytest.raises(ValueError, match="there is no checkpoint folder"):
        hf_apt.measure_checkpoint(tmp_path / "none", text, tmp_path / "run")
    with pytest.raises(ValueError, match="does not exist"):
        hf_apt.measure_checkpoint(checkpoint, tmp_path / "none.txt", tmp_path / "run")
    assert not (tmp_path / "run").exists()
