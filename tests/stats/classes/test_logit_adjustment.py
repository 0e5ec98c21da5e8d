"""Adjusted logits are those of equally frequent classes, by Bayes' rule."""

import numpy as np
import pytest

from hf_apt.stats.classes.logit_adjustment import logit_adjusted


def test_right_probabilities_become_those_of_even_classes():
    likelihoods = np.array([[0.5, 0.2, 0.1], [0.1, 0.3, 0.4]])  # p(x | y)
    counts = np.array([80, 15, 5])
    posteriors = likelihoods * counts
    logits = np.log(posteriors / posteriors.sum(axis=1, keepdims=True))
    assert logits.argmax(axis=1).tolist() == [0, 0]
    adjusted = logit_adjusted(logits, counts)
    shares = np.exp(adjusted) / np.exp(adjusted).sum(axis=1, keepdims=True)
    assert shares == pytest.approx(likelihoods / likelihoods.sum(axis=1, keepdims=True))
    assert adjusted.argmax(axis=1).tolist() == [0, 2]


def test_known_answers():
    logits = np.array([[1.0, 2.0]], np.float32)
    assert logit_adjusted(logits, [3, 1], tau=0).tolist() == logits.tolist()
    even = logit_adjusted(logits, [5, 5])
    assert even - logits == pytest.approx(np.full((1, 2), np.log(2)))
    assert even.dtype == np.float32
    twice = logit_adjusted(logits, [3, 1], tau=2.0)
    assert twice[0, 1] - twice[0, 0] == pytest.approx(1 + 2 * np.log(3))


def test_what_does_not_fit_is_told_in_a_sentence():
    with pytest.raises(ValueError, match="counts of 3 classes came with logits of 2"):
        logit_adjusted(np.zeros((1, 2)), [1, 2, 3])
    with pytest.raises(ValueError, match="class 1 has 0 training texts: its logit cannot be"):
        logit_adjusted(np.zeros((1, 2)), [1, 0])
