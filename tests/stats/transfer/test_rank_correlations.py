"""Rank correlations against SciPy, partial ones against regression on ranks."""

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from hf_apt.stats.transfer.rank_correlations import partial_rank_correlations, rank_correlations


def draws(num=30, seed=0):
    rng = np.random.default_rng(seed)
    depth = rng.integers(0, 6, num).astype(float)
    outcome = depth + rng.normal(size=num)
    return np.stack([depth + rng.normal(size=num), rng.normal(size=num), -outcome]), outcome, depth


def test_they_are_spearmans():
    predictors, outcome, _ = draws()
    predictors[1] = predictors[1].round()  # with equal values
    expected = [spearmanr(row, outcome)[0] for row in predictors]
    assert rank_correlations(predictors, outcome) == pytest.approx(expected)
    assert rank_correlations(predictors, outcome)[2] == pytest.approx(-1)


def residual(values, given):
    ranks, of_given = rankdata(values), rankdata(given)
    return ranks - np.polyval(np.polyfit(of_given, ranks, 1), of_given)


def test_partial_ones_are_those_of_what_regression_on_ranks_leaves():
    predictors, outcome, depth = draws()
    left = residual(outcome, depth)
    expected = [np.corrcoef(residual(row, depth), left)[0, 1] for row in predictors]
    assert partial_rank_correlations(predictors, outcome, depth) == pytest.approx(expected)


def test_a_predictor_that_is_depth_with_noise_has_nothing_left_given_depth():
    rng = np.random.default_rng(1)
    depth = np.repeat(np.arange(7.0), 2000)
    outcome, noisy = depth + rng.normal(size=14_000), depth + rng.normal(size=14_000)
    assert rank_correlations(noisy[None], outcome)[0] > 0.7
    assert abs(partial_rank_correlations(noisy[None], outcome, depth)[0]) < 0.03


def test_what_is_constant_or_depth_itself_is_not_defined():
    predictors, outcome, depth = draws()
    assert np.isnan(rank_correlations(np.ones((1, 30)), outcome)).all()
    assert np.isnan(rank_correlations(predictors, np.ones(30))).all()
    assert np.isnan(rank_correlations(predictors[:, :2], outcome[:2])).all()
    assert np.isnan(partial_rank_correlations(depth[None] ** 3, outcome, depth)).all()
    predictors[0, 3] = np.nan
    assert np.isnan(rank_correlations(predictors, outcome)).tolist() == [True, False, False]
