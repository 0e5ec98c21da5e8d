"""Transferability scores against their definitions, written out slowly."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from hf_apt.stats.transfer_scores import (
    SCORES,
    coding_rate,
    h_score,
    logme,
    nleep,
    score_per_depth,
    transrate,
)


def blobs(num=30, num_classes=3, width=4, spread=1.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(num) % num_classes)
    means = rng.normal(size=(num_classes, width))
    return means[labels] + spread * rng.normal(size=(num, width)) + 0.5, labels


def evidence(features, target, alpha, beta):
    """Log density of the targets, weights and noise integrated out: no linear model in sight."""
    covariance = np.eye(len(target)) / beta + features @ features.T / alpha
    return multivariate_normal.logpdf(target, np.zeros(len(target)), covariance)


def slow_logme(features, labels):
    total = []
    for label in sorted(set(labels.tolist())):
        target = np.array([float(one == label) for one in labels])
        best = -math.inf
        for start in [(0, 0), (3, 1), (-3, 3), (5, 2)]:
            minimum = minimize(
                lambda x, target=target: -evidence(features, target, *np.exp(x)),
                start,
                method="Nelder-Mead",
                options={"xatol": 1e-7, "fatol": 1e-10, "maxiter": 2000},
            )
            best = max(best, -minimum.fun)
        total.append(best / len(target))
    return sum(total) / len(total)


@pytest.mark.parametrize("shape", [(30, 4), (12, 20), (20, 20)])
def test_logme_is_the_largest_evidence(shape):
    num, width = shape
    features, labels = blobs(num=num, width=width, spread=1.5)
    assert logme(features, labels) == pytest.approx(slow_logme(features, labels), abs=1e-5)


def test_logme_does_not_see_rotation_and_scale():
    features, labels = blobs()
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(4, 4)))[0]
    assert logme(7 * features @ turn, labels) == pytest.approx(logme(features, labels), abs=1e-6)


def slow_h_score(features, labels):
    num, width = features.shape
    mean = sum(features) / num
    covariance, between = np.zeros((width, width)), np.zeros((width, width))
    for row, label in zip(features, labels, strict=True):
        same = [other for other, its in zip(features, labels, strict=True) if its == label]
        centre = sum(same) / len(same) - mean
        covariance += np.outer(row - mean, row - mean) / num
        between += np.outer(centre, centre) / num
    return np.trace(np.linalg.inv(covariance) @ between)


@pytest.mark.parametrize("num", [30, 31])
def test_h_score_is_its_definition(num):
    features, labels = blobs(num=num)
    assert h_score(features, labels) == pytest.approx(slow_h_score(features, labels), rel=1e-9)


def test_h_score_is_the_number_of_classes_less_one_where_they_are_points():
    labels = np.arange(30) % 3
    points = np.random.default_rng(0).normal(size=(3, 5))[labels]
    assert h_score(points, labels) == pytest.approx(2)
    mixed = np.random.default_rng(1).normal(size=(4, 5, 5))
    assert 0 <= h_score(mixed.reshape(20, 5), np.arange(20) % 4) < 3


def slow_rate(features, distortion):
    values = np.linalg.eigvalsh(features.T @ features / len(features))
    return sum(math.log(1 + max(value, 0) / distortion) for value in values) / 2


@pytest.mark.parametrize(("num", "width"), [(30, 4), (9, 20), (31, 4)])
def test_transrate_is_its_definition(num, width):
    features, labels = blobs(num=num, width=width)
    centred = features - sum(features) / num
    expected = slow_rate(centred, 1e-3)
    for label in range(3):
        own = np.array([row for row, its in zip(centred, labels, strict=True) if its == label])
        expected -= len(own) / num * slow_rate(own, 1e-3)
    assert transrate(features, labels, distortion=1e-3) == pytest.approx(expected, rel=1e-9)
    assert coding_rate(centred, 0.1) == pytest.approx(slow_rate(centred, 0.1), rel=1e-9)


def test_nleep_is_leep_of_components_that_are_the_classes():
    features, labels = blobs(num=90, spread=0.01, seed=4)
    assert nleep(features, labels) == pytest.approx(0, abs=1e-6)
    assert nleep(features, labels) == nleep(features, labels)


@pytest.mark.parametrize("name", SCORES)
def test_separation_is_better_and_names_and_order_of_classes_say_nothing(name):
    apart, labels = blobs(num=120, spread=0.3)
    mixed, _ = blobs(num=120, spread=3)
    order = np.random.default_rng(1).permutation(120)
    scores = score_per_depth(name, np.stack([mixed, apart]), labels)
    assert scores[0] < scores[1]
    renamed = SCORES[name](apart, np.array([7, 0, 4])[labels])
    assert renamed == pytest.approx(scores[1], rel=1e-6)
    if name != "nleep":  # which starts from random texts
        assert SCORES[name](apart[order], labels[order]) == pytest.approx(scores[1], rel=1e-6)


@pytest.mark.parametrize("name", SCORES)
def test_features_that_say_nothing_have_a_finite_score(name):
    features = np.tile(np.array([[1.0, -2.0]], np.float32), (20, 1))
    labels = np.arange(20) % 2
    (score,) = score_per_depth(name, features[None], labels)
    expected = {"h_score": 0, "transrate": 0, "nleep": -math.log(2)}
    assert math.isfinite(score)
    assert score == pytest.approx(expected.get(name, score), abs=1e-9)


def test_what_does_not_fit_is_told_in_a_sentence():
    features, labels = blobs()
    with pytest.raises(ValueError, match="no score is called 'x'"):
        score_per_depth("x", features[None], labels)
    with pytest.raises(ValueError, match="30 texts came with 29 labels"):
        score_per_depth("logme", features[None], labels[1:])
    with pytest.raises(ValueError, match="of 1 classes"):
        score_per_depth("logme", features[None], labels * 0)
