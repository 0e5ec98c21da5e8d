"""Which depth is enough: known answers, and the interval on noise alone."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_rel

from hf_apt.stats.transfer.enough_depth import enough_depth

RISING = np.array([[0.50, 0.79, 0.80], [0.52, 0.81, 0.84]])


def test_the_first_depth_within_one_standard_error_of_the_best_is_enough():
    advice = enough_depth(RISING, 100)
    assert (advice.best, advice.enough, advice.earlier) == (2, 1, 1)
    assert advice.best_accuracy.value == pytest.approx(0.82)
    assert advice.best_accuracy.standard_error == pytest.approx(0.02)
    assert advice.enough_accuracy.value == pytest.approx(0.80)  # exactly 0.82 - 0.02
    assert enough_depth(RISING - [0, 0.001, 0], 100).enough == 2


def test_the_difference_is_paired_by_seed():
    falling = np.array([[0.2, 0.9, 0.7], [0.1, 0.6, 0.3], [0.3, 0.8, 0.5]])
    advice = enough_depth(falling, 100)
    paired = ttest_rel(falling[:, 1], falling[:, 2])
    assert advice.earlier_minus_last.value == pytest.approx(0.8 / 3)
    assert advice.earlier_minus_last.value / advice.earlier_minus_last.standard_error == (
        pytest.approx(paired.statistic)
    )
    interval = paired.confidence_interval(0.95)
    assert (advice.low, advice.high) == pytest.approx((interval.low, interval.high))
    assert advice.is_earlier_better
    assert not enough_depth(RISING, 100).is_earlier_better


def test_seeds_that_agree_by_chance_do_not_make_a_difference_certain():
    """Two seeds of 25 texts, one text better each: the least that 50 texts say of 0.04."""
    advice = enough_depth(np.array([[0.2, 0.50, 0.46], [0.2, 0.58, 0.54]]), 25)
    least = math.sqrt(0.04 * 0.96 / 50)
    assert advice.earlier_minus_last.value == pytest.approx(0.04)
    assert advice.earlier_minus_last.standard_error == pytest.approx(least)
    assert advice.high - 0.04 == pytest.approx(1.96 * least, rel=1e-4)
    assert not advice.is_earlier_better


def test_one_seed_has_a_binomial_error_and_no_interval():
    advice = enough_depth(np.array([[0.2, 0.5, 0.46]]), 25)
    assert advice.best_accuracy.standard_error == pytest.approx(0.1)
    assert (advice.best, advice.enough) == (1, 1)
    assert advice.earlier_minus_last.value == pytest.approx(0.04)
    assert math.isnan(advice.low)
    assert not advice.is_earlier_better


def test_equal_depths_take_the_first():
    advice = enough_depth(np.full((2, 4), 0.5), 10)
    assert (advice.best, advice.enough, advice.earlier) == (0, 0, 0)
    assert advice.earlier_minus_last.value == 0


def test_noise_alone_does_not_make_an_earlier_depth_better():
    """The largest of six noisy depths is too large; the choice by the other seeds is not."""
    rng = np.random.default_rng(0)
    draws = [enough_depth(0.5 + 0.02 * rng.normal(size=(4, 7)), 100) for _ in range(200)]
    differences = np.array([advice.earlier_minus_last.value for advice in draws])
    assert abs(differences.mean()) < 3 * differences.std() / 200**0.5
    assert np.mean([advice.is_earlier_better for advice in draws]) < 0.08


@pytest.mark.parametrize(
    ("accuracies", "sentence"),
    [
        (np.zeros((0, 3)), "a row for each seed"),
        (np.zeros((2, 1)), "at least two depths"),
        (np.array([[0.1, 70.0]]), "no share from 0 to 1"),
        (np.array([[0.1, np.nan]]), "no share from 0 to 1"),
    ],
)
def test_what_is_no_accuracy_is_told_in_a_sentence(accuracies, sentence):
    with pytest.raises(ValueError, match=sentence):
        enough_depth(accuracies, 10)
