"""Laws of independent words: Zipf's law, its samples, and refusals."""

import numpy as np
import pytest

from hf_apt.data.artificial.zipf import Zipf, numbered_words


def test_shares_fall_by_rank() -> None:
    shares = Zipf(vocab_size=3, exponent=1.0).unigrams(10)
    np.testing.assert_allclose(shares, np.array([6, 3, 2]) / 11)
    np.testing.assert_allclose(Zipf(vocab_size=4, exponent=0.0).unigrams(1), 0.25)


@pytest.mark.parametrize("num_documents", [100, 400, 1600])
def test_unigrams_come_near_as_the_root_of_their_number(num_documents: int) -> None:
    """The expected total variation of N draws is at most half the sum of sqrt(p (1 - p) / N)."""
    language = Zipf(vocab_size=50, exponent=1.0)
    words = language.documents(range(num_documents), 32, seed=2)
    shares = np.bincount(words.ravel(), minlength=50) / words.size
    exact = language.unigrams(32)
    distance = np.abs(shares - exact).sum() / 2
    bound = np.sqrt(exact * (1 - exact) / words.size).sum() / 2
    assert bound / 3 < distance < 1.5 * bound


def test_words_are_of_one_width() -> None:
    assert numbered_words("w", 3) == ("w00", "w01", "w02")
    assert numbered_words("o", 101)[-1] == "o100"


def test_what_makes_no_law_is_refused() -> None:
    with pytest.raises(ValueError, match="vocab_size must be a whole number of at least 2, got 1"):
        Zipf(vocab_size=1)
    with pytest.raises(ValueError, match="exponent must be a finite number of at least 0, got -1"):
        Zipf(exponent=-1)
