"""Laws of shuffling: windows keep their words, and their order is a fresh one."""

import numpy as np
import pytest

from hf_apt.data.artificial.bigram import Bigram
from hf_apt.data.artificial.planted_words import PlantedWords
from hf_apt.data.artificial.shuffle import Shuffle

CHAIN = Bigram(vocab_size=50)


@pytest.mark.parametrize("window", [2, 5, 8, 21, 100])
def test_every_window_keeps_its_words(window: int) -> None:
    before = CHAIN.documents(range(40), 21, seed=3)
    after = Shuffle(of=CHAIN, window=window).documents(range(40), 21, seed=3)
    assert (after != before).any()
    for start in range(0, 21, window):
        part = slice(start, start + window)
        np.testing.assert_array_equal(np.sort(after[:, part]), np.sort(before[:, part]))


def test_every_order_is_as_likely() -> None:
    """Of a window of 3 words each of the 6 orders, within four standard errors."""
    language = Shuffle(of=Places(), window=3)
    words = language.documents(range(6000), 3, seed=1)
    _, counts = np.unique(words, axis=0, return_counts=True)
    assert len(counts) == 6
    assert (np.abs(counts - 1000) < 4 * (6000 * 5 / 36) ** 0.5).all()


def test_the_planted_language_can_be_shuffled() -> None:
    planted = PlantedWords()
    before = planted.documents(range(5, 9), 30, seed=2)
    after = Shuffle(of=planted, window=30).documents(range(5, 9), 30, seed=2)
    np.testing.assert_array_equal(np.sort(after), np.sort(before))
    np.testing.assert_array_equal(Shuffle(of=planted).unigrams(30), planted.unigrams(30))


def test_a_window_of_one_word_is_refused() -> None:
    with pytest.raises(ValueError, match="window must be a whole number of at least 2, got 1"):
        Shuffle(of=CHAIN, window=1)


class Places(PlantedWords):
    """A language whose every word is its position."""

    def documents(self, numbers: range, length: int, seed: int) -> np.ndarray:
        return np.tile(np.arange(length), (len(numbers), 1))
