"""Divergence and flips of answers against numbers written out."""

import math

import numpy as np
import pytest

from hf_apt.stats.smoothness.moved_answers import divergences, flips, moved_answers


def test_known_answers():
    first, second = np.log([[0.9, 0.1], [0.2, 0.8]]), np.log([[0.5, 0.5], [0.7, 0.3]])
    divergence_N = divergences(first, second)
    by_hand = [
        sum((p - q) * math.log(p / q) for p, q in pairs)
        for pairs in ([(0.9, 0.5), (0.1, 0.5)], [(0.2, 0.7), (0.8, 0.3)])
    ]
    assert divergence_N.tolist() == pytest.approx(by_hand)
    assert divergence_N[0] == pytest.approx(0.8788898309)
    np.testing.assert_allclose(divergences(second, first + 3), divergence_N)
    figures = moved_answers(divergence_N, flips(first, second))
    assert figures.divergence.value == pytest.approx(sum(by_hand) / 2)
    error = np.std(by_hand, ddof=1) / math.sqrt(2)
    assert figures.divergence.standard_error == pytest.approx(error)
    assert figures.largest == pytest.approx(max(by_hand))
    assert (figures.flip_rate.value, figures.flip_rate.num) == (0.5, 2)


def test_large_logits_do_not_overflow():
    divergence_N = divergences(np.array([[1e4, 0.0]]), np.array([[0.0, 1e4]]))
    assert divergence_N.tolist() == [2e4]


def test_numbers_have_squared_differences_and_no_flips():
    first, second = np.array([[1.0], [2.0]]), np.array([[3.0], [2.0]])
    assert divergences(first, second).tolist() == [4.0, 0.0]
    assert flips(first, second) is None
    assert math.isnan(moved_answers(divergences(first, second), None).flip_rate.value)


def test_nothing_is_refused():
    with pytest.raises(ValueError, match="there is no answer yet: give logits"):
        moved_answers(np.zeros(0), None)
