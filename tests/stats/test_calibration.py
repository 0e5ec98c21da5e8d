"""Laws of calibration: known answers, scikit-learn's values, and bins that leave nobody out."""

import math

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from hf_apt.stats.calibration import (
    brier_score,
    calibration,
    equal_width_bins,
    error_if_calibrated,
    expected_calibration_error,
    negative_log_likelihood,
    reliability,
)
from hf_apt.stats.confidence import equal_count_bins

settings.register_profile("laws", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("laws")

share = st.integers(0, 8).map(lambda part: part / 8)
rows = st.lists(st.tuples(share, st.booleans()), min_size=1, max_size=40)
kinds = pytest.mark.parametrize("bins", [equal_width_bins, equal_count_bins])


def columns(pairs: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    confidence, correct = zip(*pairs, strict=True)
    return np.array(confidence), np.array(correct, float)


def calibrated(num: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    confidence = rng.random(num)
    return confidence, (rng.random(num) < confidence).astype(float)


@kinds
@given(rows, st.integers(1, 20))
def test_the_error_is_that_of_a_loop_over_bins_that_leave_nobody_out(bins, pairs, num_bins) -> None:
    confidence, correct = columns(pairs)
    bin_I = bins(confidence, num_bins)
    assert ((bin_I >= 0) & (bin_I < num_bins)).all()
    expected, curve = 0.0, reliability(confidence, correct, bin_I)
    for index in range(num_bins):
        inside = [place for place, number in enumerate(bin_I) if number == index]
        if inside:
            gap = math.fsum(confidence[inside]) - math.fsum(correct[inside])
            expected += abs(gap) / len(pairs)
    assert expected_calibration_error(confidence, correct, bin_I) == pytest.approx(expected)
    assert sum(part.accuracy.num for part in curve) == len(pairs)
    weighted = sum(abs(part.gap) * part.accuracy.num for part in curve) / len(pairs)
    assert weighted == pytest.approx(expected)
    means = [part.confidence.value for part in curve]
    assert means == sorted(means)


@given(rows, st.integers(1, 20))
def test_the_curve_of_equal_widths_is_scikit_learns(pairs, num_bins) -> None:
    confidence, correct = columns(pairs)
    known = calibration_curve(correct, confidence, n_bins=num_bins)
    curve = reliability(confidence, correct, equal_width_bins(confidence, num_bins))
    np.testing.assert_allclose([part.accuracy.value for part in curve], known[0])
    np.testing.assert_allclose([part.confidence.value for part in curve], known[1])


@kinds
def test_truth_has_no_error_and_certainty_without_knowledge_half(bins) -> None:
    confidence, correct = calibrated(200_000, seed=1)
    assert expected_calibration_error(confidence, correct, bins(confidence, 15)) < 0.005
    sure, coin = np.ones(1000), np.arange(1000) % 2
    assert expected_calibration_error(sure, coin.astype(float), bins(sure, 15)) == 0.5


def test_what_a_calibrated_classifier_would_have_is_what_calibrated_ones_have() -> None:
    confidence, _ = calibrated(300, seed=2)
    bin_I = equal_width_bins(confidence)
    mean, high = error_if_calibrated(confidence, bin_I)
    rng = np.random.default_rng(3)
    errors = []
    for _ in range(1000):
        correct = (rng.random(300) < confidence).astype(float)
        errors.append(expected_calibration_error(confidence, correct, bin_I))
    assert mean == pytest.approx(np.mean(errors), rel=0.03)
    assert np.mean(np.array(errors) <= high) == pytest.approx(0.95, abs=0.02)
    assert error_if_calibrated(confidence, bin_I) == (mean, high)
    certain = np.ones(50)
    assert error_if_calibrated(certain, equal_width_bins(certain)) == (0, 0)


def test_scores_are_those_of_their_definitions() -> None:
    rng = np.random.default_rng(4)
    logits, labels = 3 * rng.standard_normal((50, 4)), rng.integers(0, 4, 50)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    likelihood = negative_log_likelihood(logits, labels)
    assert likelihood.mean() == pytest.approx(log_loss(labels, p))
    for place, score in enumerate(brier_score(logits, labels)):
        wanted = [float(label == labels[place]) for label in range(4)]
        assert score == pytest.approx(math.dist(p[place], wanted) ** 2)
    sure = np.where(np.eye(4, dtype=bool)[labels], 800.0, 0.0)
    assert negative_log_likelihood(sure, labels).max() == 0
    assert brier_score(sure, labels).max() == 0
    wrong = np.roll(sure, 1, axis=1)
    assert negative_log_likelihood(wrong, labels) == pytest.approx(np.full(50, 800.0))
    assert brier_score(wrong, labels) == pytest.approx(np.full(50, 2.0))


def test_the_whole_of_it_is_made_of_these_parts() -> None:
    rng = np.random.default_rng(5)
    logits, labels = rng.standard_normal((90, 3)).astype(np.float32), rng.integers(0, 3, 90)
    figures = calibration(logits, labels)
    confidence = np.exp(-negative_log_likelihood(logits, logits.argmax(axis=1)))
    correct = (logits.argmax(axis=1) == labels).astype(float)
    for name, bins in (("equal_width", equal_width_bins), ("equal_count", equal_count_bins)):
        expected = expected_calibration_error(confidence, correct, bins(confidence, 15))
        assert figures[name]["error"] == pytest.approx(expected)
        assert sum(part.accuracy.num for part in figures[name]["curve"]) == 90
        assert 0 < figures[name]["error_if_calibrated"] < figures[name]["error_if_calibrated_95"]
    assert len(figures["equal_count"]["curve"]) == 15
    nats = negative_log_likelihood(logits, labels).tolist()
    assert figures["negative_log_likelihood"].value == pytest.approx(oracles.mean(nats))
    error = figures["negative_log_likelihood"].standard_error
    assert error == pytest.approx(oracles.standard_error(nats))
