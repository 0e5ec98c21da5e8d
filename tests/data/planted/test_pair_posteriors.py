"""The exact law of two words against enumeration, and its marginals against the law of one."""

import itertools

import numpy as np
import pytest
from planted_enumeration import document_probability, miniature

from hf_apt.data.planted import planted_language, sample_documents
from hf_apt.data.planted.bayes import exact_posteriors
from hf_apt.data.planted.pair_posteriors import exact_pair_posteriors


def test_they_equal_enumeration() -> None:
    language = miniature(1)
    words = sample_documents(language, 3, 4, seed=1).words
    vocabulary = range(language.num_words)
    for first, second in itertools.combinations(range(4), 2):
        at = np.full(3, first), np.full(3, second)
        joint_BVV = exact_pair_posteriors(language, words, *at)
        for row, joint_VV in zip(words, joint_BVV, strict=True):
            expected_VV = np.empty(joint_VV.shape)
            for one, other in itertools.product(vocabulary, vocabulary):
                document = row.copy()
                document[[first, second]] = one, other
                expected_VV[one, other] = document_probability(language, document)
            np.testing.assert_allclose(joint_VV, expected_VV / expected_VV.sum(), atol=1e-12)


def test_a_row_is_the_law_of_one_word_where_the_other_is_shown() -> None:
    language = planted_language()
    words = sample_documents(language, 4, 30, seed=3).words
    first, second = np.array([0, 5, 12, 28]), np.array([1, 13, 20, 29])
    joint_BVV = exact_pair_posteriors(language, words, first, second)
    asked = np.zeros(words.shape, bool)
    asked[np.arange(4), second] = True
    expected_BV = exact_posteriors(language, words, asked)
    rows_BV = joint_BVV[np.arange(4), words[np.arange(4), first]]
    np.testing.assert_allclose(
        rows_BV / rows_BV.sum(axis=1, keepdims=True), expected_BV, atol=1e-12
    )


@pytest.mark.parametrize(("first", "second"), [(2, 2), (3, 1), (-1, 2), (1, 5)])
def test_positions_that_are_no_pair_are_refused(first: int, second: int) -> None:
    language = miniature()
    words = sample_documents(language, 1, 5, seed=0).words
    with pytest.raises(ValueError, match="two of the 5 of a document"):
        exact_pair_posteriors(language, words, np.array([first]), np.array([second]))


def test_what_the_language_cannot_say_is_refused() -> None:
    language = miniature()
    words = sample_documents(language, 2, 6, seed=0).words
    words[1, :2] = language.words.index("the")
    at = np.array([4, 4]), np.array([5, 5])
    with pytest.raises(ValueError, match="document 1 is no text of the planted language"):
        exact_pair_posteriors(language, words, *at)
