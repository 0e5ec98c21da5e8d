"""Laws of `hf-apt similarity`: the matrix of the function in 80 columns, mistakes told."""

import json
import re

import pytest

from hf_apt.data.corpora import open_corpus
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.depths.similarity.state_similarity import state_similarity


@pytest.fixture
def text(documents, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(documents))
    return path


def test_the_matrix_is_that_of_the_function(
    call, checkpoint, text, tiny_model, tokenizer, tmp_path
) -> None:
    page, record = tmp_path / "m.html", tmp_path / "m.json"
    options = ("--text", text, "--max-texts", 50, "--sequence-length", 16)
    code, out, error = call("similarity", checkpoint, *options, "-o", record)
    assert code == 0, error
    source = CorpusSource(name=str(text), paragraphs=False, validation_share=1.0)
    texts = list(open_corpus(source).validation)[:50]
    expected = state_similarity(tiny_model, tokenizer, texts, sequence_length=16)
    assert json.loads(record.read_text())["cka"] == pytest.approx(expected.cka_DE, abs=1e-6)
    for value in expected.cka_DE.ravel():
        assert f"{value:.2f}" in out
    lines = [line for line in out.splitlines() if not line.startswith("matrix:")]
    assert max(map(len, lines)) <= 80
    code, out, error = call(
        "similarity", checkpoint, checkpoint, *options, "--things", "texts", "--plain", "-o", page
    )
    assert code == 0, error
    assert "plain, of the states of 50 texts" in " ".join(out.split())
    assert re.search(r"standard error over texts: \d[\d.e-]* at most", out)
    assert page.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--text", "planted"], "planted"),
        (["--text", "no.txt"], "no.txt does not exist"),
        (["-o", "matrix.png"], "an ending other than"),
    ],
)
def test_a_mistake_is_one_sentence(call, checkpoint, options, words) -> None:
    code, _, error = call("similarity", checkpoint, *options)
    assert code == 2
    last = error.strip().splitlines()[-1]
    assert last.startswith("hf-apt: ")
    assert words in last
