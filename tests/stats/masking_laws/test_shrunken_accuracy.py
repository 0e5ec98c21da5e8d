"""Laws of an accuracy drawn to that of all tokens."""

import numpy as np
import pytest

from hf_apt.stats.masking_laws.shrunken_accuracy import shrunken_accuracy


def test_it_is_the_accuracy_with_positions_added_that_all_tokens_answer_alike() -> None:
    hits_V, asked_V = np.array([0, 4, 90, 0]), np.array([0, 20, 100, 5])
    expected = [
        (hits + 8 * 94 / 125) / (asked + 8) for hits, asked in zip(hits_V, asked_V, strict=True)
    ]
    np.testing.assert_allclose(shrunken_accuracy(hits_V, asked_V, prior=8), expected, rtol=1e-12)


def test_a_token_never_asked_is_as_all_are_and_much_asked_ones_are_left_alone() -> None:
    accuracy_V = shrunken_accuracy(np.array([0, 2e9, 6e9]), np.array([0, 8e9, 8e9]), prior=10)
    np.testing.assert_allclose(accuracy_V, [0.5, 0.25, 0.75], atol=1e-8)


def test_nothing_asked_is_0_for_all() -> None:
    assert shrunken_accuracy(np.zeros(3), np.zeros(3), prior=1).tolist() == [0, 0, 0]


def test_a_prior_of_0_is_refused() -> None:
    with pytest.raises(ValueError, match="prior must be above 0, got 0"):
        shrunken_accuracy(np.zeros(3), np.zeros(3), prior=0)
