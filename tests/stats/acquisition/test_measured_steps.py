"""Laws of the ages of a whole training: a known order on the planted language is recovered."""

import math

import numpy as np
import pytest

from hf_apt.data.planted import expected_word_frequencies, planted_language
from hf_apt.stats.acquisition.measured_steps import MeasuredSteps, ages, rank_agreement
from hf_apt.stats.estimates import spearman

STEPS = np.geomspace(10, 10_000, 20).round().astype(int)
DEPTHS = 3


def learner(num_positions: int = 60_000) -> tuple[MeasuredSteps, np.ndarray]:
    """A learner of the planted language's words, common ones first, each depth later than the last.

    What it is asked, and what it answers, is drawn; the order in which it learns is returned.
    """
    rng = np.random.default_rng(0)
    frequency_V = expected_word_frequencies(planted_language(), 64)
    frequency_V = frequency_V / frequency_V.sum()
    support_V = rng.poisson(frequency_V * num_positions)
    luck_V = rng.uniform(0.8, 1.25, len(support_V))
    middles_V = 20 * (frequency_V.max() / frequency_V) ** 0.9 * luck_V
    share_SDV = np.stack(
        [
            1 / (1 + (middles_V * 1.5 ** (DEPTHS - 1 - depth) / STEPS[:, None]) ** 3)
            for depth in range(DEPTHS)
        ],
        axis=1,
    )
    hits_SDV = rng.binomial(support_V, 0.7 * share_SDV)
    chance = math.log(len(support_V))
    sums_SDV = support_V * (chance - (chance - 0.8) * share_SDV)
    sums_SDV += rng.normal(0, 1, sums_SDV.shape) * np.sqrt(support_V)
    return MeasuredSteps(STEPS, hits_SDV, support_V, np.maximum(sums_SDV, 0)), middles_V


def test_when_is_a_word_learnt():
    """Both ages recover the planted order at every depth."""
    measured, middles_V = learner()
    found = ages(measured)
    assert found.surprisal_ages_DV is not None
    for depth in range(DEPTHS):
        for ages_V in (found.apt_ages_DV[depth], found.surprisal_ages_DV[depth]):
            known_V = ~np.isnan(ages_V)
            assert known_V.sum() > 60
            assert spearman(ages_V[known_V], middles_V[known_V]).value > 0.9
    shallow, _, deep = found.apt_ages_DV
    assert np.nanmean(np.log(shallow / deep)) == pytest.approx(2 * math.log(1.5), abs=0.15)


def test_the_order_of_depths_and_of_frequency_is_told():
    measured, _ = learner()
    found = ages(measured)
    for one in range(DEPTHS):
        assert found.order_between_depths[one][one].value == pytest.approx(1)
        for other in range(DEPTHS):
            mine, theirs = (
                found.order_between_depths[i][j].value for i, j in ((one, other), (other, one))
            )
            assert mine == pytest.approx(theirs)
            assert mine > 0.8
        assert found.order_with_support[one].value < -0.8


def test_rare_tokens_and_unknown_depths_have_no_figure():
    measured, _ = learner(3000)
    measured.hits_SDV[-1, 0] = -1
    found = ages(measured, min_support=50)
    rare_V = measured.support_V < 50
    assert 10 < rare_V.sum() < len(rare_V) - 10
    for figures in (found.apt_ages_DV, found.forgetting_DV, found.final_apt_DV):
        assert np.isnan(figures[:, rare_V]).all()
        assert np.isnan(figures[0]).all()
    assert np.isfinite(found.final_apt_DV[1:, ~rare_V]).all()
    assert found.order_with_support[0].num == 0


def test_without_cross_entropies_or_steps_enough_there_is_one_age():
    measured, _ = learner()
    few = MeasuredSteps(STEPS[:3], measured.hits_SDV[:3], measured.support_V, measured.hits_SDV[:3])
    assert ages(few).surprisal_ages_DV is None
    kept_none = MeasuredSteps(STEPS, measured.hits_SDV, measured.support_V, None)
    assert ages(kept_none).surprisal_ages_DV is None


def test_one_step_tells_no_age():
    measured, _ = learner()
    one = MeasuredSteps(STEPS[:1], measured.hits_SDV[:1], measured.support_V, None)
    with pytest.raises(ValueError, match="1 step tells no age"):
        ages(one)


def test_agreement_needs_three_tokens():
    nan = float("nan")
    found = rank_agreement(np.array([1, 2, nan, 4]), np.array([1, 2, 3, nan]))
    assert found.num == 2
    assert np.isnan(found.value)
