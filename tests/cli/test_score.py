"""Laws of `hf-apt score`: the figures of the functions, in 80 columns; a sentence for mistakes."""

import json

import pytest

from hf_apt.depths.likelihood.pseudo_likelihood import pseudo_log_likelihood
from hf_apt.studies.minimal_pairs import minimal_pairs


@pytest.fixture
def sentences(tmp_path):
    path = tmp_path / "sentences.txt"
    path.write_text("w1 w2 w3\n\nw4 [unused1] w5\n")
    return path


@pytest.fixture
def pairs(tmp_path):
    rows = [{"sentence_good": "w1 w2", "sentence_bad": f"w1 w{n}", "UID": "u"} for n in (3, 4, 5)]
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def test_sentences_are_scored_as_by_the_function(
    call, checkpoint, sentences, tiny_model, tokenizer, tmp_path
) -> None:
    output = tmp_path / "scores.json"
    code, out, error = call("score", checkpoint, sentences, "-o", output)
    assert code == 0, error
    texts = ["w1 w2 w3", "w4 [unused1] w5"]
    expected = pseudo_log_likelihood(tiny_model, tokenizer, texts)
    record = json.loads(output.read_text())
    assert [each["text"] for each in record["sentences"]] == texts
    for depth, at in enumerate(expected.mean_log_likelihood()):
        assert record["depths"][depth]["log_likelihood"]["value"] == pytest.approx(at.value)
        assert f"{at.value:.2f} ± {at.standard_error:.2f}" in out
    assert "unknown to the tokenizer" in out
    lines = [line for line in out.splitlines() if not line.startswith("scores:")]
    assert max(map(len, lines)) <= 80


def test_pairs_are_recognised_and_compared(call, checkpoint, pairs, tiny_model, tokenizer) -> None:
    code, out, error = call("score", checkpoint, pairs, "--kind", "within_word_l2r")
    assert code == 0, error
    for at in minimal_pairs(tiny_model, tokenizer, pairs, "within_word_l2r").overall():
        assert f"{at.value:.3f} ± {at.standard_error:.3f}" in out
    assert "3 pairs of 1 paradigms" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_column_of_a_table_is_scored(call, checkpoint, tmp_path) -> None:
    (tmp_path / "s.csv").write_text("number,line\n1,w1 w2\n")
    output = tmp_path / "words.csv"
    code, _, error = call(
        *("score", checkpoint, tmp_path / "s.csv", "--column", "line", "--level", "word"),
        *("--unit", "bits", "-o", output),
    )
    assert code == 0, error
    assert output.read_text().splitlines()[0] == "sentence,depth,index,word,surprisal"


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("w1\n", ["-o", "scores.txt"], "no .json or .csv file"),
        ("w1 " * 300, [], "sentence 1 ('w1 w1"),
        ("\n", [], "holds no sentence"),
    ],
)
def test_a_mistake_is_one_sentence(call, checkpoint, tmp_path, text, options, words) -> None:
    (tmp_path / "s.txt").write_text(text)
    code, _, error = call("score", checkpoint, tmp_path / "s.txt", *options)
    assert code == 2
    last = error.strip().splitlines()[-1]
    assert last.startswith("hf-apt: ")
    assert words in last
    assert "Traceback" not in error


def test_a_missing_file_and_masks_of_a_causal_model_are_refused(call, tmp_path, sentences) -> None:
    import transformers as hf

    code, _, error = call("score", "bert6-narrow-wikipedia", tmp_path / "no.txt")
    assert (code, "no.txt" in error) == (2, True)
    config = hf.GPT2Config(vocab_size=65, n_embd=8, n_layer=1, n_head=1)
    config.save_pretrained(tmp_path / "gpt")
    code, _, error = call("score", tmp_path / "gpt", sentences, "--kind", "original")
    assert (code, "leave out --kind" in error) == (2, True)
