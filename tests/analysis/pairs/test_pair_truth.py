"""Exact laws of pairs: closed forms of chains, independent words and copies."""

import numpy as np
import pytest

from hf_apt.analysis.pairs.pair_places import PairPlace
from hf_apt.analysis.pairs.pair_truth import MOST_WORDS, artificial_pair, known_truth, require_known
from hf_apt.data.artificial.bigram import Bigram
from hf_apt.data.artificial.dyck import Dyck
from hf_apt.data.artificial.flat_pairs import FlatPairs
from hf_apt.data.artificial.shuffle import Shuffle
from hf_apt.data.artificial.zipf import Zipf
from hf_apt.stats.pairs.pair_gap import mutual_information


def test_neighbours_in_a_chain_are_between_their_neighbours() -> None:
    language = Bigram(vocab_size=7, num_followers=2)
    words_T = language.documents(range(1), 9, 3)[0]
    steps_VV = language.transitions()
    expected_VV = steps_VV[words_T[3]][:, None] * steps_VV * steps_VV[:, words_T[6]]
    np.testing.assert_allclose(
        artificial_pair(language, words_T, 4, 5), expected_VV / expected_VV.sum(), atol=1e-12
    )
    np.testing.assert_allclose(
        artificial_pair(language, words_T, 5, 4).T, expected_VV / expected_VV.sum(), atol=1e-12
    )
    # A word that is shown between two makes them independent.
    assert mutual_information(artificial_pair(language, words_T, 3, 5)) == pytest.approx(0.0)


def test_independent_words_have_no_gap_and_copies_the_entropy_of_their_kind() -> None:
    independent, copies = Zipf(vocab_size=9), FlatPairs(kinds=6, max_distance=1, kind_exponent=1.0)
    row = [2, *(independent.documents(range(1), 8, 1)[0] + 5), 3]
    truth = known_truth(independent, row, PairPlace(0, 1, 3, 4))
    assert truth.gap == pytest.approx(0.0, abs=1e-12)
    assert truth.gain == pytest.approx(0.0, abs=1e-12)
    words_T = copies.documents(range(1), 8, 1)[0]
    truth = known_truth(copies, [2, *(words_T + 5), 3], PairPlace(0, 1, 3, 4))
    kinds_K = copies.kinds_K
    assert truth.gap == pytest.approx(-(kinds_K * np.log(kinds_K)).sum())
    assert truth.gain == pytest.approx(-np.log(kinds_K[words_T[2]]))
    assert truth.true == (words_T[2] + 5, words_T[3] + 5)
    log_AB = truth.restricted(np.array([truth.true[0]]), np.array([truth.true[1], 0]))
    np.testing.assert_allclose(np.exp(log_AB), [[1.0, 0.0]])


def test_a_language_without_exact_answers_is_refused() -> None:
    language = Shuffle(of=Bigram(vocab_size=5), window=2)
    with pytest.raises(NotImplementedError, match="no exact answer"):
        artificial_pair(language, language.documents(range(1), 6, 0)[0], 1, 2)


def test_a_document_that_was_cut_is_refused() -> None:
    language = Dyck(kinds=3)
    (words_T,) = language.documents(range(1), 14, 0)
    row = [2, *(words_T + 5), 3]
    assert known_truth(language, row, PairPlace(0, 2, 3, 5)).gap >= 0
    with pytest.raises(ValueError, match="no whole document of the language"):
        known_truth(language, [2, *([5] * 6), 3], PairPlace(0, 2, 3, 5))


def test_a_language_of_too_many_words_is_refused() -> None:
    language = Zipf(vocab_size=MOST_WORDS + 1)
    with pytest.raises(ValueError, match="the language has 2,001 words"):
        require_known(language, [[2, 5, 6, 3]])
    require_known(Zipf(vocab_size=MOST_WORDS), [[2, 5, 6, 3]])
