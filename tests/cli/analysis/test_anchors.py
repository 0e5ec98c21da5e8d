"""Laws of `hf-apt anchors` and `hf-apt cls`: the record of the function, mistakes told."""

import json

import pytest

from hf_apt.records.run import Run
from hf_apt.records.studies.study_files import read_study


@pytest.fixture
def text(documents, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(documents[:30]))
    return path


def test_the_record_is_written_and_shown(call, checkpoint, text, tmp_path) -> None:
    run = tmp_path / "run"
    options = ("--text", text, "--max-texts", 25, "--sequence-length", 24, "-o", run)
    code, out, error = call(
        "anchors", checkpoint, *options, "--bulk", "minus_words", "--word", "w1", "--word", "w2"
    )
    assert code == 0, error
    record = read_study(Run(run), "anchors")
    assert record["config"]["words"] == ["w1", "w2"]
    assert record["provenance"]["num_texts"] == 25
    share = record["results"]["depths"][-1]["r_squared"]["affine"]["value"]
    assert f"{share:.3f}" in out
    assert record["findings"][0].split()[0] in out
    assert "bulk: all but 2 given words" in " ".join(out.split())
    assert (run / "studies").exists()


def test_it_is_printed_as_json(call, checkpoint, text, tmp_path) -> None:
    options = ("--text", text, "--twins", 0, "--format", "json", "-o", tmp_path / "run")
    code, out, error = call("anchors", checkpoint, *options)
    assert code == 0, error
    assert json.loads(out)["results"]["twins"] == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--text", "planted"], "planted"),
        (["--text", "no.txt"], "no.txt does not exist"),
        (["--bulk", "minus_words"], "words and the rule minus_words go together"),
    ],
)
def test_a_mistake_is_one_sentence(call, checkpoint, options, words, tmp_path) -> None:
    code, _, error = call("anchors", checkpoint, *options, "-o", tmp_path / "run")
    assert code == 2
    last = error.strip().splitlines()[-1]
    assert last.startswith("hf-apt: ")
    assert words in last
