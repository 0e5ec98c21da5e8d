"""Laws of words as frequent as a text's tokens: counted by hand, told apart by text, refusals."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from hf_apt.cli.spelling.corpora import artificial_language
from hf_apt.data.artificial.registry import name_of
from hf_apt.data.artificial.unigrams import Unigrams
from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer
from hf_apt.data.tokens import write_tokens

WORDS = ("sun", "moon", "star", "comet")


def tokenised(folder: Path, documents: Sequence[str]) -> str:
    """The folder with `documents` as tokenised sequences of at most 8 tokens."""
    tokenizer = vocabulary_tokenizer((*SPECIAL_TOKENS, *WORDS))
    write_tokens(folder, documents, tokenizer, sequence_length=8, layout="first")
    return str(folder)


def test_shares_are_those_of_the_texts_tokens_without_special_ones(tmp_path: Path) -> None:
    texts = ["moon star moon", "moon sun star unheard", "moon"]
    language = Unigrams(tokens=tokenised(tmp_path / "text", texts))
    assert language.words == ("w00", "w01", "w02")
    np.testing.assert_allclose(language.unigrams(5), np.array([4, 2, 1]) / 7)
    shares = np.array([4, 2, 1]) / 7
    assert language.entropy(5) == pytest.approx(-5 * (shares * np.log(shares)).sum())


def test_documents_have_these_shares(tmp_path: Path) -> None:
    texts = ["moon moon moon star star sun"]
    language = Unigrams(tokens=tokenised(tmp_path / "text", texts))
    words = language.documents(range(2000), 10, seed=3)
    shares = np.bincount(words.ravel(), minlength=3) / words.size
    np.testing.assert_allclose(shares, [1 / 2, 1 / 3, 1 / 6], atol=4 * 0.5 / np.sqrt(words.size))


def test_it_is_spelled_and_told_from_that_of_another_text(tmp_path: Path) -> None:
    folder = tokenised(tmp_path / "text", ["moon moon star"])
    language = artificial_language(f"unigrams:tokens={folder}")
    assert language == Unigrams(tokens=folder)
    assert name_of(language) == f"unigrams:tokens={folder}"
    tokenised(tmp_path / "text", ["moon star"])
    assert Unigrams(tokens=folder) != language


def test_what_has_no_frequencies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nowhere holds no tokenised sequences"):
        Unigrams(tokens=str(tmp_path / "nowhere"))
    one = tokenised(tmp_path / "one", ["moon moon"])
    with pytest.raises(ValueError, match="has 1 different tokens: give one of at least two"):
        Unigrams(tokens=one)
