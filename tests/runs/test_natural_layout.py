"""Laws of the layout that a text asks for: most documents are read whole, or all are joined."""

import json

import pytest

from hf_apt.data.corpus_source import CorpusSource
from hf_apt.runs.natural_layout import LOOK, layout_of, natural_layout


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([13] * 10, "first"),  # with [CLS] and [SEP] 15 of 16
        ([14] * 10, "packed"),  # no shorter than a sequence
        ([5] * 6 + [100] * 5, "first"),
        ([5] * 5 + [100] * 6, "packed"),
        ([0] * 50 + [100], "packed"),  # documents without a token do not count
        ([0] * 50 + [5], "first"),
        ([0], "packed"),
        ([], "packed"),
        ([5] * LOOK + [100] * 5000, "first"),  # what comes after the look says nothing
    ],
)
def test_the_median_decides(tokenizer, lengths, expected) -> None:
    texts = (" ".join(["w1"] * length) for length in lengths)
    assert layout_of(texts, tokenizer, 16) == expected


def test_no_more_documents_are_read_than_are_looked_at(tokenizer) -> None:
    texts = iter(["w1"] * (LOOK + 5))
    layout_of(texts, tokenizer, 16)
    assert len(list(texts)) == 5


@pytest.mark.parametrize("share", [0.5, 1.0])
@pytest.mark.parametrize(("length", "expected"), [(5, "first"), (50, "packed")])
def test_a_corpus_is_looked_at_by_its_tokenizer(tmp_path, tokenizer, share, length, expected):
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    texts = [" ".join(f"w{(n + k) % 60}" for k in range(length)) for n in range(60)]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    source = CorpusSource(name=str(path), validation_share=share)
    assert natural_layout(source, str(tmp_path / "tokenizer"), 16) == expected
