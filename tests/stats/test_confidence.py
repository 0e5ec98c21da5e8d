"""Laws of label confidence against mean APT: correlations, their errors, and quantile bins."""

import math

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hf_apt.stats.confidence import (
    confidence_bins,
    equal_count_bins,
    mean_apt_of_inputs,
)
from hf_apt.stats.estimates import pearson, slope, spearman

settings.register_profile("laws", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("laws")

share = st.integers(0, 10).map(lambda tenths: tenths / 10)
rows = st.lists(st.tuples(share, share), min_size=1, max_size=30)


def columns(pairs: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    array = np.array(pairs, float)
    return array[:, 0], array[:, 1]


def is_constant(values: np.ndarray) -> bool:
    return len(set(values.tolist())) == 1


def skewed(num: int, seed: int, *, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Mean APT, and a confidence that grows with it, crowded at 1 and with a changing spread."""
    rng = np.random.default_rng(seed)
    mean_apt = rng.beta(2, 1, num)
    confidence = np.minimum(1, mean_apt**0.5 + (1 - mean_apt) * 0.5 * rng.standard_normal(num))
    return (mean_apt.round(1), confidence.round(1)) if ties else (mean_apt, confidence)


@given(rows)
@pytest.mark.parametrize(
    ("ours", "scipys"), [(pearson, stats.pearsonr), (spearman, stats.spearmanr)]
)
def test_correlations_are_scipys(ours, scipys, pairs: list[tuple[float, float]]) -> None:
    x, y = columns(pairs)
    estimate = ours(x, y)
    assert estimate.num == len(pairs)
    if is_constant(x) or is_constant(y):
        assert math.isnan(estimate.value)
        assert math.isnan(estimate.standard_error)
    else:
        assert estimate.value == pytest.approx(scipys(x, y).statistic, abs=1e-12)
        assert -1 <= estimate.value <= 1


@given(rows)
@pytest.mark.parametrize("correlation", [pearson, spearman])
def test_correlations_have_the_symmetries_they_should(correlation, pairs) -> None:
    x, y = columns(pairs)
    estimate = correlation(x, y)
    for other, sign in [(correlation(y, x), 1), (correlation(x, 1 - y), -1)]:
        assert other.value == pytest.approx(sign * estimate.value, abs=1e-12, nan_ok=True)
        assert other.standard_error == pytest.approx(estimate.standard_error, abs=1e-9, nan_ok=True)


def test_ranks_do_not_see_a_change_of_scale() -> None:
    x, y = skewed(50, seed=1)
    assert spearman(x**3, np.exp(y)) == spearman(x, y)
    assert pearson(5 * x + 2, y).value == pytest.approx(pearson(x, y).value)


@pytest.mark.parametrize("correlation", [pearson, spearman])
def test_a_perfect_correlation_has_no_error(correlation) -> None:
    x = np.arange(10.0)
    estimate = correlation(x, 2 * x)
    assert estimate.value == pytest.approx(1)
    assert estimate.standard_error == pytest.approx(0, abs=1e-12)
    assert math.isnan(correlation(x[:2], x[:2]).standard_error)


@pytest.mark.parametrize("ties", [False, True], ids=["distinct", "ties"])
@pytest.mark.parametrize("correlation", [pearson, spearman])
def test_the_error_is_that_of_leaving_out_one_at_a_time(correlation, ties: bool) -> None:
    x, y = skewed(200, seed=2, ties=ties)
    left_out = [
        correlation(np.delete(x, place), np.delete(y, place)).value for place in range(len(x))
    ]
    jackknife = math.sqrt(len(x) - 1) * np.std(left_out)
    assert correlation(x, y).standard_error == pytest.approx(jackknife, rel=0.03)


@pytest.mark.parametrize("correlation", [pearson, spearman])
def test_the_error_is_the_spread_over_samples(correlation) -> None:
    estimates = [correlation(*skewed(300, seed)) for seed in range(300)]
    spread = np.std([one.value for one in estimates])
    errors = [one.standard_error for one in estimates]
    assert np.median(errors) == pytest.approx(spread, rel=0.12)


@given(rows)
def test_the_slope_is_scipys_and_its_error_that_of_leaving_out_one(pairs) -> None:
    x, y = columns(pairs)
    line = slope(x, y)
    assert line.num == len(pairs)
    if is_constant(x):
        assert math.isnan(line.value)
        return
    assert line.value == pytest.approx(stats.linregress(x, y).slope, abs=1e-12)
    rest = [(np.delete(x, place), np.delete(y, place)) for place in range(len(x))]
    if any(is_constant(left) for left, _ in rest):
        assert math.isnan(line.standard_error)
        assert math.isnan(line.low)
        return
    moves = [line.value - stats.linregress(left, right).slope for left, right in rest]
    assert line.standard_error == pytest.approx(math.dist(moves, [0] * len(moves)), abs=1e-9)
    assert line.high - line.value == pytest.approx(line.value - line.low, abs=1e-9)


def test_the_interval_of_the_slope_holds_the_truth_as_often_as_it_says() -> None:
    """The spread grows away from 0, as the error of equal spreads does not know."""
    rng = np.random.default_rng(6)
    inside, inside_if_equal = 0, 0
    for _ in range(1000):
        x = rng.uniform(-1, 1, 80)
        y = 0.3 * x + x**3 * rng.standard_normal(80)
        line, known = slope(x, y), stats.linregress(x, y)
        inside += line.low <= 0.3 <= line.high
        inside_if_equal += abs(known.slope - 0.3) <= stats.t.ppf(0.975, 78) * known.stderr
    assert 0.93 < inside / 1000 < 0.97
    assert inside_if_equal / 1000 < 0.85


def test_equal_spreads_give_the_textbook_interval() -> None:
    x, y = np.random.default_rng(8).standard_normal((2, 5000))
    line, known = slope(x, y), stats.linregress(x, y)
    assert line.standard_error == pytest.approx(known.stderr, rel=0.03)
    assert (line.high - line.low) / 2 == pytest.approx(1.96 * known.stderr, rel=0.03)


@given(st.lists(share, max_size=30), st.integers(1, 6))
def test_equal_values_share_a_bin_and_distinct_ones_are_dealt_evenly(values, num_bins) -> None:
    bins = equal_count_bins(np.array(values, float), num_bins)
    assert len(bins) == len(values)
    assert len(set(zip(values, bins.tolist(), strict=True))) == len(set(values))
    distinct = np.array([2 * place + value for place, value in enumerate(values)], float)
    sizes = np.bincount(equal_count_bins(distinct, num_bins), minlength=num_bins)
    assert sizes.max() - sizes.min() <= 1


@given(rows, st.integers(1, 6))
def test_bins_are_those_of_a_loop(pairs: list[tuple[float, float]], num_bins: int) -> None:
    mean_apt, confidence = columns(pairs)
    correct = (confidence > 0.5).astype(float)
    expected: dict[int, list[int]] = {}
    for place, value in enumerate(mean_apt):
        below = sum(other < value for other in mean_apt)
        expected.setdefault(int(below) * num_bins // len(pairs), []).append(place)
    bins = confidence_bins(confidence, mean_apt, correct, num_bins=num_bins)
    assert len(bins) == len(expected)
    for part, (_, inside) in zip(bins, sorted(expected.items()), strict=True):
        chosen = [float(confidence[place]) for place in inside]
        assert part.confidence.num == len(inside)
        assert part.confidence.value == pytest.approx(oracles.mean(chosen))
        error = oracles.standard_error(chosen)
        assert part.confidence.standard_error == pytest.approx(
            math.nan if error is None else error, nan_ok=True, abs=1e-12
        )
        assert part.accuracy.value == pytest.approx(np.mean([correct[p] for p in inside]))
        assert (part.low, part.high) == (min(mean_apt[inside]), max(mean_apt[inside]))
    assert all(a.high < b.low for a, b in zip(bins, bins[1:], strict=False))


def test_bins_without_ties_hold_equal_numbers() -> None:
    mean_apt, confidence = skewed(103, seed=4)
    bins = confidence_bins(confidence, mean_apt, num_bins=10)
    assert {part.confidence.num for part in bins} == {10, 11}
    assert len(bins) == 10
    assert all(math.isnan(part.accuracy.value) and part.accuracy.num == 0 for part in bins)


def test_mean_apt_of_inputs_is_that_of_a_loop() -> None:
    rng = np.random.default_rng(5)
    apt = np.where(rng.random(9) < 0.3, np.nan, rng.random(9))
    ids, counted = rng.integers(0, 9, (40, 6)), rng.random((40, 6)) < 0.5
    means = mean_apt_of_inputs(apt, ids, counted)
    empty = 0
    for value, row, inside in zip(means, ids, counted, strict=True):
        known = [apt[i] for i, yes in zip(row, inside, strict=True) if yes and apt[i] == apt[i]]
        empty += not known
        assert value == pytest.approx(sum(known) / len(known) if known else math.nan, nan_ok=True)
    assert 0 < empty < 20
