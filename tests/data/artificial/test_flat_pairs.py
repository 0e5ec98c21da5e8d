"""Laws of flat pairs: the law of distances, words of one kind so far apart, crossing pairs."""

import numpy as np
import pytest

from hf_apt.data.artificial.exact_answers import exact_answers
from hf_apt.data.artificial.flat_pairs import FlatPairs
from hf_apt.data.masking import Masking

LANGUAGE = FlatPairs(kinds=6, max_distance=5, exponent=1.0)


def test_blocks_have_the_law_of_distances() -> None:
    """Whether a block is begun depends on those before it alone, so that Wald's equation holds."""
    distances, places = LANGUAGE.blocks(range(2000), 60, seed=1)
    begun = distances[places == 0]
    shares = np.bincount(begun, minlength=6)[1:] / len(begun)
    law = np.array([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]) * 60 / 137
    np.testing.assert_allclose(LANGUAGE.distances_D, law)
    assert (np.abs(shares - law) < 4 * np.sqrt(law * (1 - law) / len(begun))).all()


def test_words_that_close_are_of_the_kind_that_was_opened() -> None:
    words = LANGUAGE.documents(range(100), 60, seed=1)
    distances, places = LANGUAGE.blocks(range(100), 60, seed=1)
    rows, closing = (places >= distances).nonzero()
    assert (words[rows, closing] >= 6).all()
    opened = words[rows, closing - distances[rows, closing]]
    np.testing.assert_array_equal(words[rows, closing] - 6, opened)
    assert (words[places < distances] < 6).all()


def test_a_single_distance_is_found_at_once() -> None:
    """With one distance and one word masked, its partner says what it is."""
    language = FlatPairs(kinds=4, max_distance=1)
    words = language.documents(range(10), 8, seed=2)
    law = Masking(vocab_size=20, mask_id=0, special_ids=(), masked_share=1.0, replaced_share=0.0)
    for place in range(8):
        asked = np.zeros(words.shape, bool)
        asked[:, place] = True
        answers = exact_answers(language, np.where(asked, -1, words), asked, law)
        np.testing.assert_allclose(answers.probabilities_NV.max(axis=1), 1.0)
    assert language.entropy(8) == pytest.approx(4 * np.log(4))
    assert language.entropy(7) == pytest.approx(4 * np.log(4))


def test_long_documents_stay_within_floating_point() -> None:
    language = FlatPairs(kinds=1000)
    words = language.documents(range(2), 126, seed=0)
    asked = np.random.default_rng(0).random(words.shape) < 0.5
    law = Masking(vocab_size=3000, mask_id=0, special_ids=())
    answers = exact_answers(language, np.where(asked, -1, words), asked, law)
    np.testing.assert_allclose(answers.probabilities_NV.sum(axis=1), 1.0)


def test_what_makes_no_law_is_refused() -> None:
    with pytest.raises(ValueError, match="max_distance must be a whole number"):
        FlatPairs(max_distance=0)
    with pytest.raises(ValueError, match="exponent must be a finite number of at least 0"):
        FlatPairs(exponent=-0.5)
