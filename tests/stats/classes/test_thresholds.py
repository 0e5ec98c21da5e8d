"""Thresholds: exact for two classes by enumeration, never worse than none."""

import numpy as np
import pytest

from hf_apt.stats.classes.macro_f1 import macro_f1
from hf_apt.stats.classes.thresholds import thresholded, tuned_thresholds


def drawn(seed: int, num: int = 40, num_classes: int = 3, bias: float = 1.5):
    """Logits of uneven classes in which the first is favoured."""
    rng = np.random.default_rng(seed)
    labels = np.minimum(rng.geometric(0.5, num) - 1, num_classes - 1)
    logits = rng.normal(size=(num, num_classes)) + 1.5 * np.eye(num_classes)[labels]
    logits[:, 0] += bias
    return logits, labels


def score(logits, labels, thresholds) -> float:
    return macro_f1(labels, thresholded(logits, thresholds), logits.shape[1])


@pytest.mark.parametrize("seed", range(4))
def test_of_two_classes_it_is_the_best_of_all(seed):
    logits, labels = drawn(seed, num_classes=2)
    margins = np.sort(logits[:, 0] - logits[:, 1])
    cuts = [margins[0] - 1, *(margins[1:] + margins[:-1]) / 2, margins[-1] + 1]
    best = max(score(logits, labels, np.array([cut, 0.0])) for cut in cuts)
    assert score(logits, labels, tuned_thresholds(logits, labels)) == pytest.approx(best)


@pytest.mark.parametrize("seed", [9, 10, 16, 24])  # one round over the classes is not enough
def test_no_single_threshold_can_be_bettered(seed):
    logits, labels = drawn(seed, num_classes=4)
    thresholds = tuned_thresholds(logits, labels)
    tuned = score(logits, labels, thresholds)
    assert tuned > score(logits, labels, np.zeros(4))
    for label in range(4):
        for change in np.linspace(-4, 4, 17):
            assert score(logits, labels, thresholds + change * np.eye(4)[label]) <= tuned + 1e-9


def test_where_all_is_right_nothing_moves():
    logits, labels = 9 * np.eye(3)[[0, 1, 2, 2]], np.array([0, 1, 2, 2])
    assert tuned_thresholds(logits, labels).tolist() == [0, 0, 0]


def test_a_planted_shift_is_taken_back():
    labels = np.arange(300) % 3
    logits = np.random.default_rng(0).normal(size=(300, 3)) * 0.1 + 2 * np.eye(3)[labels]
    thresholds = tuned_thresholds(logits + np.array([4.0, 0.0, 0.0]), labels)
    assert abs(thresholds.mean()) < 1e-12
    assert 2 < thresholds[0] - thresholds[1:].mean() < 6
    assert score(logits + np.array([4.0, 0.0, 0.0]), labels, thresholds) == 1


def test_equal_logits_are_not_cut_apart():
    logits, labels = np.zeros((6, 2)), np.array([0, 0, 0, 1, 1, 1])
    thresholds = tuned_thresholds(logits, labels)
    assert score(logits, labels, thresholds) == pytest.approx(1 / 3)


def test_what_does_not_fit_is_told_in_a_sentence():
    with pytest.raises(ValueError, match="3 rows of logits came with 2 labels"):
        tuned_thresholds(np.zeros((3, 2)), np.zeros(2, int))
