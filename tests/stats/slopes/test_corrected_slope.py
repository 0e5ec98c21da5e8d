"""The corrected slope: of exact counts the plain one, and of noisy ones the true one."""

import math

import numpy as np
import pytest

from hf_apt.stats.confidence import mean_apt_of_inputs
from hf_apt.stats.slopes.apt_noise import GroupedHits
from hf_apt.stats.slopes.class_slope import class_slope
from hf_apt.stats.slopes.corrected_slope import corrected_slope, token_shares

NUM_TOKENS = 300


def drawn_inputs(rng, *, num=160, length=10):
    """Shares (I, V) of tokens of which some are common, and four classes."""
    frequency = 1 / np.arange(1, NUM_TOKENS + 1) ** 0.5
    ids = rng.choice(NUM_TOKENS, (num, length), p=frequency / frequency.sum())
    return ids, np.arange(num) % 4, frequency / frequency.mean()


def planted(rng, slope, *, spread=0.3, together=0.4, sigma=0.02):
    """Shares, confidence with a planted slope on true mean APT within classes, and noisy counts.

    Right answers of a group of sequences go together; the spread of confidence changes with APT.
    """
    ids, classes, frequency = drawn_inputs(rng)
    apt = rng.beta(1, 1.5, NUM_TOKENS)
    support = rng.poisson(3 / 20 * frequency * np.ones((20, 1)))
    p_GV = rng.beta(apt / together + 1e-3, (1 - apt) / together + 1e-3, (20, NUM_TOKENS))
    counts = GroupedHits(rng.binomial(support, p_GV), support)
    shares = token_shares(ids, np.ones(ids.shape, bool), counts.is_spread_V)
    x = shares @ apt
    noise = rng.standard_normal(len(x)) * (sigma + spread * (x - x.mean()) ** 2)
    return shares, slope * x + np.array([0.9, 0.5, 0.7, 0.3])[classes] + noise, classes, counts


def test_the_interval_holds_the_planted_slope_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    slopes = rng.choice([-0.85, 0.0, 0.4], 1000)
    inside, plain_inside, offs, reliabilities = [], [], [], []
    for slope in slopes:
        shares, confidence, classes, counts = planted(rng, slope)
        corrected = corrected_slope(shares, confidence, classes, counts)
        plain = class_slope(shares @ np.nan_to_num(counts.apt_V), confidence, classes)
        inside.append(corrected.slope.low <= slope <= corrected.slope.high)
        plain_inside.append(plain.low <= slope <= plain.high)
        offs.append(corrected.slope.value - slope)
        reliabilities.append(corrected.reliability)
    assert 930 <= sum(inside) <= 970
    for slope in set(slopes):
        assert np.mean(np.array(inside)[slopes == slope]) == pytest.approx(0.95, abs=0.03)
        assert np.median(np.array(offs)[slopes == slope]) == pytest.approx(0, abs=0.03)
    assert 0.55 < np.mean(reliabilities) < 0.7
    assert np.mean(np.array(plain_inside)[slopes == -0.85]) < 0.1


def test_exact_counts_need_no_correction() -> None:
    """Tokens always right or always wrong have no noise, so that the plain slope is the slope."""
    rng = np.random.default_rng(1)
    ids, classes, _ = drawn_inputs(rng)
    support = np.full((20, NUM_TOKENS), 3)
    counts = GroupedHits(support * (rng.random(NUM_TOKENS) < 0.5), support)
    shares = token_shares(ids, np.ones(ids.shape, bool), counts.is_spread_V)
    confidence = rng.random(len(ids))
    for labels in (classes, np.zeros_like(classes)):
        corrected = corrected_slope(shares, confidence, labels, counts)
        plain = class_slope(shares @ counts.apt_V, confidence, labels)
        assert corrected.reliability == pytest.approx(1)
        assert corrected.slope.value == pytest.approx(plain.value)
        assert corrected.slope.standard_error == pytest.approx(plain.standard_error)
        assert corrected.slope.low == pytest.approx(plain.low)
        assert corrected.slope.num == plain.num


def test_it_is_the_slope_of_all_ways_to_read_two_halves() -> None:
    """Mean APT of one group of sequences against that of the other: an instrument."""
    rng = np.random.default_rng(2)
    shares, confidence, classes, counts = planted(rng, -0.5)
    two = GroupedHits(
        np.stack([counts.hits_GV[::2].sum(axis=0), counts.hits_GV[1::2].sum(axis=0)]),
        np.full((2, NUM_TOKENS), 40),
    )
    halves = [part / 40 for part in two.hits_GV]
    rows = shares.toarray()
    for label in range(4):
        rows[classes == label] -= rows[classes == label].mean(axis=0)
    # Within a token the two halves are crossed; different tokens are independent anyway.
    gram = rows.T @ rows
    mean = (halves[0] + halves[1]) / 2
    crossed = mean @ gram @ mean - (np.diag(gram) * (mean**2 - halves[0] * halves[1])).sum()
    expected = (rows @ mean) @ confidence / crossed
    assert corrected_slope(shares, confidence, classes, two).slope.value == pytest.approx(expected)


def test_more_text_brings_the_plain_slope_to_where_the_corrected_one_is_already() -> None:
    rng = np.random.default_rng(3)
    ids, classes, frequency = drawn_inputs(rng, num=2000)
    apt = rng.beta(1, 1.5, NUM_TOKENS)
    values = {}
    for times in (5, 400):
        support = rng.poisson(times / 20 * frequency * np.ones((20, 1)))
        counts = GroupedHits(rng.binomial(support, apt), support)
        shares = token_shares(ids, np.ones(ids.shape, bool), counts.is_spread_V)
        confidence = -0.8 * (shares @ apt) + 0.1 * classes
        corrected = corrected_slope(shares, confidence, classes, counts)
        assert abs(corrected.slope.value + 0.8) < 4 * corrected.slope.standard_error
        plain = class_slope(shares @ np.nan_to_num(counts.apt_V), confidence, classes).value
        values[times] = (plain, corrected.reliability)
    assert -0.6 < values[5][0]
    assert values[400][0] == pytest.approx(-0.8, abs=0.02)
    assert values[5][1] < 0.75 < 0.97 < values[400][1] < 1


def test_shares_times_apt_are_the_mean_apt_of_inputs() -> None:
    rng = np.random.default_rng(4)
    apt = np.where(rng.random(9) < 0.3, np.nan, rng.random(9))
    ids, counted = rng.integers(0, 9, (40, 6)), rng.random((40, 6)) < 0.5
    shares = token_shares(ids, counted, ~np.isnan(apt))
    expected = mean_apt_of_inputs(apt, ids, counted)
    np.testing.assert_allclose(shares @ np.nan_to_num(apt), np.nan_to_num(expected))
    assert ((np.diff(shares.indptr) == 0) == np.isnan(expected)).all()


def test_there_is_no_slope_where_mean_apt_is_noise_alone() -> None:
    rng = np.random.default_rng(5)
    ids, classes, _ = drawn_inputs(rng)
    support = np.ones((20, NUM_TOKENS), int)
    counts = GroupedHits(rng.binomial(support, 0.5), support)
    shares = token_shares(ids, np.ones(ids.shape, bool), counts.is_spread_V)
    reliabilities = []
    for seed in range(20):
        counts = GroupedHits(np.random.default_rng(seed).binomial(support, 0.5), support)
        corrected = corrected_slope(shares, rng.random(len(ids)), classes, counts)
        reliabilities.append(corrected.reliability)
        assert math.isnan(corrected.slope.low) == (corrected.reliability <= 0)
    assert min(reliabilities) < 0
    assert np.mean(reliabilities) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("num", [0, 1, 2])
def test_of_next_to_nothing_there_is_no_slope(num) -> None:
    counts = GroupedHits(np.array([[1, 0], [1, 0]]), np.array([[1, 1], [1, 1]]))
    ids = np.array([[0, 0], [0, 1]])[:num]
    shares = token_shares(ids, np.ones(ids.shape, bool), counts.is_spread_V)
    corrected = corrected_slope(shares, np.ones(num), np.zeros(num, int), counts)
    assert math.isnan(corrected.slope.value)


@pytest.mark.parametrize("num_classes", [1, 4])
def test_equal_confidences_have_no_interval(num_classes) -> None:
    """A classifier that is sure of everything: there is nothing to take an error from."""
    shares_IV, _, classes_I, counts = planted(np.random.default_rng(3), 0.5)
    classes_I = classes_I % num_classes
    line = corrected_slope(shares_IV, np.ones(shares_IV.shape[0]), classes_I, counts).slope
    assert line.value == 0
    assert np.isnan([line.standard_error, line.low, line.high]).all()
