"""Laws of minimal pairs: read as BLiMP's and BabyLM's files are, exact preferences, refusals."""

import json
from pathlib import Path

import pytest
import transformers as hf
from linear_models import linear_model

from hf_apt.depths.likelihood.pseudo_likelihood import pseudo_log_likelihood
from hf_apt.studies.minimal_pairs import MinimalPair, has_pairs, minimal_pairs, read_minimal_pairs


def row(good: str, bad: str, **more: str) -> dict[str, str]:
    return {"sentence_good": good, "sentence_bad": bad, **more}


def written(path: Path, *rows: dict) -> Path:
    path.write_text("".join(f"{json.dumps(each)}\n" for each in rows), encoding="utf-8")
    return path


def test_which_sentence_does_the_model_prefer(tokenizer) -> None:
    """A linear model says the same of a token wherever it stands: the order of words is a tie."""
    model = linear_model()
    words = [f"w{number}" for number in range(40)]
    likely_DS = pseudo_log_likelihood(model, tokenizer, words).log_likelihood_DS
    pairs = [
        MinimalPair(f"{good} w9", f"{bad} w9", "words")
        for good, bad in zip(words[::2], words[1::2], strict=True)
        if "w9" not in (good, bad)
    ]
    pairs.append(MinimalPair("w1 w2", "w2 w1", "order"))
    scores = minimal_pairs(model, tokenizer, pairs)
    by_paradigm = scores.accuracy()
    numbers = [(int(p.good.split()[0][1:]), int(p.bad.split()[0][1:])) for p in pairs[:-1]]
    for depth in range(4):
        right = [likely_DS[depth, good] > likely_DS[depth, bad] for good, bad in numbers]
        assert by_paradigm["words"][depth].value == pytest.approx(sum(right) / len(right))
        assert by_paradigm["order"][depth].value == 0.5


def test_a_causal_model_prefers_by_its_log_likelihood(tokenizer) -> None:
    config = hf.GPT2Config(vocab_size=65, n_embd=16, n_layer=1, n_head=2, n_positions=24)
    model = hf.GPT2LMHeadModel(config).eval()
    scores = minimal_pairs(model, tokenizer, [MinimalPair("w1 w2", "w1 w3")])
    assert scores.good.kind == "causal"
    assert scores.good.sentences[0].text == "w1 w2"
    assert scores.bad.sentences[0].text == "w1 w3"


def test_pairs_are_read_as_blimp_and_babylm_write_them(tmp_path) -> None:
    written(
        tmp_path / "a.jsonl",
        row("he is", "he are", UID="agreement", linguistics_term="x", field="syntax"),
        row("she is", "she are", linguistics_term="verbs"),
    )
    written(tmp_path / "hypernym.jsonl", row("a dog", "a log"))
    (tmp_path / "c.csv").write_text('sentence_good,sentence_bad,UID\n"a, b",c,commas\n')
    assert read_minimal_pairs(tmp_path) == [
        MinimalPair("he is", "he are", "agreement"),
        MinimalPair("she is", "she are", "verbs"),
        MinimalPair("a, b", "c", "commas"),
        MinimalPair("a dog", "a log", "hypernym"),
    ]
    assert has_pairs(tmp_path)
    assert has_pairs(tmp_path / "hypernym.jsonl")


def test_files_of_sentences_are_no_pairs(tmp_path) -> None:
    (tmp_path / "a.txt").write_text("a dog\n")
    assert not has_pairs(tmp_path / "a.txt")
    assert not has_pairs(written(tmp_path / "a.jsonl", {"text": "a dog"}))


@pytest.mark.parametrize(
    ("bad_row", "words"),
    [
        ({"sentence_good": "a"}, "line 2.*no column 'sentence_bad'"),
        (row("a", ""), "line 2 of .*no text in the column 'sentence_bad'"),
        (row("a", "a"), "line 2 of .*the same sentence twice"),
        ({**row("a", "b"), "sentence_good": 3}, "line 2 of .*'sentence_good'"),
    ],
)
def test_a_bad_row_is_named(tmp_path, bad_row, words) -> None:
    path = written(tmp_path / "a.jsonl", row("a", "b"), bad_row)
    with pytest.raises(ValueError, match=words):
        read_minimal_pairs(path)


def test_files_without_pairs_are_refused(tmp_path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    for path, words in ((tmp_path / "empty.jsonl", "no pair"), (tmp_path / "no.jsonl", "exist")):
        with pytest.raises(ValueError, match=words):
            read_minimal_pairs(path)
