"""Accuracy by size: every subset in a loop, sampled subsets, and what does not fit."""

import math
from itertools import combinations

import numpy as np
import pytest
import torch

from hf_apt.models.committee import COMBINATIONS, combined
from hf_apt.studies.committee_curve import committee_curve

NUM_MEMBERS, NUM_TEXTS, NUM_CLASSES = 5, 23, 3


@pytest.fixture
def answers():
    """Members of different skill."""
    generator = np.random.default_rng(5)
    labels = generator.integers(0, NUM_CLASSES, NUM_TEXTS)
    logits = generator.normal(size=(NUM_MEMBERS, NUM_TEXTS, NUM_CLASSES))
    logits[:, range(NUM_TEXTS), labels] += np.linspace(0, 2, NUM_MEMBERS)[:, None]
    return logits, labels


def slow(logits, labels, combination):
    """(size, number, accuracies, losses) of every subset, text by text."""
    for size in range(1, NUM_MEMBERS + 1):
        accuracies, losses = [], []
        for members in combinations(range(NUM_MEMBERS), size):
            right, loss = 0, 0.0
            for text, label in enumerate(labels):
                one = torch.tensor(np.array([[logits[m][text]] for m in members]))
                row = combined(one, combination)[0].tolist()
                right += row.index(max(row)) == label
                loss += math.log(sum(math.exp(value) for value in row)) - row[label]
            accuracies.append(right / NUM_TEXTS)
            losses.append(loss / NUM_TEXTS)
        yield size, accuracies, losses


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_it_is_the_mean_over_every_subset(answers, combination):
    points = committee_curve(*answers, combination)
    assert [point.num_subsets for point in points] == [5, 10, 10, 5, 1]
    for point, (size, accuracies, losses) in zip(points, slow(*answers, combination), strict=True):
        assert point.size == size
        mean = sum(accuracies) / len(accuracies)
        assert point.accuracy == pytest.approx(mean)
        assert point.cross_entropy == pytest.approx(sum(losses) / len(losses))
        assert point.binomial_error == pytest.approx(math.sqrt(mean * (1 - mean) / NUM_TEXTS))
        if size < NUM_MEMBERS:
            square = sum((each - mean) ** 2 for each in accuracies) / (len(accuracies) - 1)
            assert point.subset_spread == pytest.approx(math.sqrt(square))
        else:
            assert math.isnan(point.subset_spread), "one subset has no spread"


def test_equal_members_gain_nothing_and_do_not_spread(answers):
    logits, labels = answers
    points = committee_curve(np.repeat(logits[:1], 4, axis=0), labels)
    assert len({round(point.accuracy, 9) for point in points}) == 1
    assert all(point.subset_spread == 0 for point in points[:-1])


def test_independent_members_gain():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, 400)
    logits = generator.normal(size=(7, 400, 4))
    logits[:, range(400), labels] += 0.7
    points = committee_curve(logits, labels)
    accuracies = [point.accuracy for point in points]
    assert accuracies == sorted(accuracies)
    assert accuracies[-1] > accuracies[0] + 5 * points[0].binomial_error
    losses = [point.cross_entropy for point in points]
    assert losses == sorted(losses, reverse=True), "Jensen, size by size"


def test_too_many_subsets_are_drawn_all_different_and_alike_for_a_seed(answers):
    logits, labels = answers
    points = committee_curve(logits, labels, max_subsets=7, seed=1)
    assert [point.num_subsets for point in points] == [5, 7, 7, 5, 1]
    assert repr(points) == repr(committee_curve(logits, labels, max_subsets=7, seed=1))
    assert repr(points) != repr(committee_curve(logits, labels, max_subsets=7, seed=3))
    # Nine different ones of ten: what is left out is one of the ten.
    all_of_two = [accuracies for _, accuracies, _ in slow(logits, labels, "mean_softmax")][1]
    nine = committee_curve(logits, labels, max_subsets=9)[1].accuracy
    assert any(nine == pytest.approx((sum(all_of_two) - one) / 9) for one in all_of_two)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"max_subsets": 0}, "at least 1 subset of each size, got 0"),
        ({"labels_I": np.zeros(4, int)}, "came with 4 labels"),
        ({"labels_I": np.full(NUM_TEXTS, NUM_CLASSES)}, "labels from 3 to 3 do not fit 3 classes"),
        ({"combination": "best"}, "no combination is called 'best'"),
    ],
)
def test_what_does_not_fit_is_refused(answers, change, sentence):
    given = {"logits_MIC": answers[0], "labels_I": answers[1]} | change
    with pytest.raises(ValueError, match=sentence):
        committee_curve(**given)
