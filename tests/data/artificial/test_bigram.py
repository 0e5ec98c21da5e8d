"""Laws of the chain of words: transitions, stationary words, entropy rate, and its samples."""

import numpy as np
import pytest

from hf_apt.data.artificial.bigram import Bigram
from hf_apt.data.artificial.evidence import evidence_of
from hf_apt.data.artificial.zipf import Zipf
from hf_apt.data.masking import Masking

CHAIN = Bigram(vocab_size=30, num_followers=5, follow=0.8, seed=3)


def test_rows_are_distributions_and_hold_the_followers() -> None:
    table = CHAIN.transitions()
    np.testing.assert_allclose(table.sum(axis=1), 1.0)
    expected = np.array([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]) * 60 / 137 * 0.8
    for word in range(30):
        row = 0.2 * Zipf(vocab_size=30).unigrams(1)
        for share, follower in zip(expected, CHAIN.followers_FV[:, word], strict=True):
            row[follower] += share
        np.testing.assert_allclose(table[word], row)


def test_steps_are_products_with_the_table() -> None:
    weights = np.random.default_rng(0).random((4, 30))
    np.testing.assert_allclose(CHAIN.forward(weights), weights @ CHAIN.transitions())
    np.testing.assert_allclose(CHAIN.backward(weights), weights @ CHAIN.transitions().T)


@pytest.mark.parametrize("follow", [0.0, 0.5, 0.99])
def test_the_stationary_words_stay(follow: float) -> None:
    chain = Bigram(vocab_size=20, follow=follow)
    np.testing.assert_allclose(
        chain.stationary_V @ chain.transitions(), chain.stationary_V, atol=1e-14
    )
    assert chain.stationary_V.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("followers", [1, 3, 12])
def test_the_entropy_rate_is_that_of_the_table(followers: int) -> None:
    """With 12 followers among 8 words, several are the same word."""
    chain = Bigram(vocab_size=8, num_followers=followers, follow=0.7, seed=1)
    table = chain.transitions()
    slow = -sum(
        chain.stationary_V[x] * table[x, y] * np.log(table[x, y])
        for x in range(8)
        for y in range(8)
    )
    assert chain.entropy_rate == pytest.approx(slow)


def test_without_followers_it_is_zipf() -> None:
    chain, words = Bigram(vocab_size=9, follow=0.0), Zipf(vocab_size=9)
    np.testing.assert_allclose(chain.unigrams(5), words.unigrams(5))
    assert chain.entropy(5) == pytest.approx(words.entropy(5))


def test_equal_followers_have_the_entropy_of_their_number() -> None:
    """Of 4 equally frequent followers that always come next the rate tends to ln 4."""
    chain = Bigram(vocab_size=512, num_followers=4, follow=1 - 1e-9, exponent=0.0, seed=6)
    assert len(np.unique(chain.followers_FV + 512 * np.arange(512))) <= 4 * 512
    assert chain.entropy_rate == pytest.approx(np.log(4), abs=0.02)


@pytest.mark.parametrize("num_documents", [100, 400, 1600])
def test_pairs_come_near_as_the_root_of_their_number(num_documents: int) -> None:
    """Total variation of neighbours within 1.5 times its bound for independent draws."""
    words = CHAIN.documents(range(num_documents), 33, seed=4)
    counts = np.zeros((30, 30))
    np.add.at(counts, (words[:, :-1].ravel(), words[:, 1:].ravel()), 1)
    exact = CHAIN.stationary_V[:, None] * CHAIN.transitions()
    distance = np.abs(counts / counts.sum() - exact).sum() / 2
    bound = np.sqrt(exact / counts.sum()).sum() / 2
    assert bound / 3 < distance < 1.5 * bound


def test_with_both_neighbours_shown_it_is_their_product() -> None:
    words = CHAIN.documents(range(3), 7, seed=5)
    asked = np.zeros(words.shape, bool)
    asked[:, 3] = True
    shown = np.where(asked, -1, words)
    law = Masking(vocab_size=40, mask_id=0, special_ids=(), masked_share=1.0, replaced_share=0.0)
    table = CHAIN.transitions()
    expected = table[words[:, 2]] * table[:, words[:, 4]].T
    np.testing.assert_allclose(
        CHAIN.posteriors(evidence_of(shown, law), asked),
        expected / expected.sum(axis=1, keepdims=True),
    )


def test_what_makes_no_chain_is_refused() -> None:
    with pytest.raises(ValueError, match="follow must be at least 0 and less than 1, got 1"):
        Bigram(follow=1)
    with pytest.raises(ValueError, match="num_followers must be a whole number"):
        Bigram(num_followers=0)
