"""Laws of ages by surprisal: exact sigmoids, noise, and curves that have no age."""

import math

import numpy as np
import pytest

from hf_apt.stats.acquisition.surprisal_ages import surprisal_ages

VOCAB = 1000
CHANCE = math.log(VOCAB)
STEPS = np.geomspace(10, 10_000, 25).round().astype(int)


def sigmoids(middles, *, low=0.0, high=CHANCE, width=0.1, noise=0.0):
    """Surprisal that falls around each of `middles`, in steps."""
    x = np.log10(STEPS)[:, None]
    curves = low + (high - low) / (1 + np.exp((x - np.log10(middles)) / width))
    return curves + np.random.default_rng(0).normal(0, noise, curves.shape)


def test_a_sigmoid_from_chance_to_nothing_has_its_middle():
    middles = np.geomspace(40, 2500, 30)
    found = surprisal_ages(sigmoids(middles), STEPS, VOCAB)
    assert found == pytest.approx(middles, rel=0.05)


def test_half_way_is_between_chance_and_the_least_surprisal():
    """A token that starts far below chance crosses that level later than its own middle."""
    middles = np.array([300.0])
    found = surprisal_ages(sigmoids(middles, low=1, high=5), STEPS, VOCAB)[0]
    half = (math.log(VOCAB) + 1) / 2
    expected = 10 ** (math.log10(300) + 0.1 * math.log((5 - half) / (half - 1)))
    assert found == pytest.approx(expected, rel=0.06)


def test_noise_moves_ages_a_little():
    middles = np.geomspace(40, 2500, 60)
    found = surprisal_ages(sigmoids(middles, noise=0.3), STEPS, VOCAB)
    assert np.abs(np.log10(found / middles)).max() < 0.1


def test_ages_are_those_of_a_fit_by_scipy():
    from scipy.optimize import curve_fit

    def sigmoid(x, low, high, middle, width):
        return low + (high - low) / (1 + np.exp((x - middle) / width))

    curves, x = sigmoids(np.geomspace(60, 1500, 8), low=1.5, high=6.5, noise=0.1), np.log10(STEPS)
    for curve, found in zip(curves.T, surprisal_ages(curves, STEPS, VOCAB), strict=True):
        low, high, middle, width = curve_fit(sigmoid, x, curve, [1.5, 6.5, 2.5, 0.1])[0]
        half = (math.log(VOCAB) + curve.min()) / 2
        expected = middle + width * math.log((high - half) / (half - low))
        assert math.log10(found) == pytest.approx(expected, abs=0.02)


def test_what_does_not_fall_or_is_missing_has_no_age():
    rising = sigmoids(np.array([300.0]))[::-1]
    missing = sigmoids(np.array([300.0]))
    missing[3] = np.nan
    flat = np.full((len(STEPS), 1), 3.0)
    low = sigmoids(np.array([300.0]), low=0.5, high=1)  # below half-way from the start
    curves = np.concatenate([rising, missing, flat, low], axis=1)
    assert np.isnan(surprisal_ages(curves, STEPS, VOCAB)).all()


def test_step_0_is_left_out_and_few_steps_are_refused():
    curves = sigmoids(np.array([100.0, 900.0]))
    with_start = np.concatenate([np.full((1, 2), 9.0), curves])
    steps = np.concatenate([[0], STEPS])
    found = surprisal_ages(with_start, steps, VOCAB)
    assert found.tolist() == surprisal_ages(curves, STEPS, VOCAB).tolist()
    with pytest.raises(ValueError, match="there are 3 steps from 1 on"):
        surprisal_ages(with_start[:4], steps[:4], VOCAB)
