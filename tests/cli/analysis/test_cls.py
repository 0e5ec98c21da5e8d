"""Laws of `hf-apt cls`: the record of the function, mistakes told."""

import pytest

from hf_apt.records.run import Run
from hf_apt.records.studies.study_files import read_study


def test_the_record_is_written_and_shown(call, checkpoint, documents, tmp_path) -> None:
    text, run = tmp_path / "text.txt", tmp_path / "run"
    text.write_text("\n".join(documents[:20]))
    options = ("--text", text, "--sequence-length", 24, "-o", run)
    code, out, error = call("cls", checkpoint, *options)
    assert code == 0, error
    record = read_study(Run(run), "cls")
    assert record["results"]["num_blocks"] == 2
    assert "2 attention.output.LayerNorm" in out
    assert "…" not in out, "every number is whole in 80 columns"
    assert " ".join(record["findings"][0].split()[:4]) in " ".join(out.split())
    lines = [line for line in out.splitlines() if "record:" not in line and "page:" not in line]
    assert max(len(line) for line in lines if "Normalisations" not in line) <= 80


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--text", "planted"], "planted"),
        (["--text", "no.txt"], "no.txt does not exist"),
    ],
)
def test_a_mistake_is_one_sentence(call, checkpoint, options, words, tmp_path) -> None:
    code, _, error = call("cls", checkpoint, *options, "-o", tmp_path / "run")
    assert code == 2
    last = error.strip().splitlines()[-1]
    assert last.startswith("hf-apt: ")
    assert words in last
