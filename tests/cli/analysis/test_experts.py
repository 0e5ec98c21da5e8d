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


@pytest.mark.parametrize(
    ("options", "words"),
    [
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
