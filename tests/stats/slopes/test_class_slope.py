"""Slopes within classes are those of a regression with an intercept for each class."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hf_apt.stats.estimates import slope
from hf_apt.stats.slopes.class_slope import class_slope

settings.register_profile("laws", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("laws")

share = st.integers(0, 10).map(lambda tenths: tenths / 10)
rows = st.lists(st.tuples(share, share, st.integers(0, 3)), min_size=1, max_size=30)


def columns(triples) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, y, classes = (np.array(column) for column in zip(*triples, strict=True))
    return x, y, classes


def fitted(x, y, classes) -> float:
    """The slope by a design matrix with a column for each class; NaN where there is none."""
    dummies = (classes[:, None] == np.unique(classes)).astype(float)
    design = np.column_stack([x, dummies])
    if np.linalg.matrix_rank(design, tol=1e-9) < design.shape[1]:
        return math.nan
    return float(np.linalg.lstsq(design, y, rcond=None)[0][0])


@given(rows)
def test_it_is_the_regression_with_an_intercept_for_each_class(triples) -> None:
    x, y, classes = columns(triples)
    line = class_slope(x, y, classes)
    assert line.value == pytest.approx(fitted(x, y, classes), abs=1e-9, nan_ok=True)
    sizes = np.bincount(classes)
    assert line.num == sizes[sizes > 1].sum()


@given(rows)
def test_its_error_is_that_of_leaving_out_one(triples) -> None:
    x, y, classes = columns(triples)
    line = class_slope(x, y, classes)
    kept = np.bincount(classes)[classes] > 1
    x, y, classes = x[kept], y[kept], classes[kept]
    lefts = [
        fitted(*(np.delete(column, place) for column in (x, y, classes))) for place in range(len(x))
    ]
    if math.isnan(line.value) or any(map(math.isnan, lefts)):
        assert math.isnan(line.standard_error)
        return
    freedom = len(x) - len(set(classes.tolist())) - 1
    if freedom < 1:
        assert math.isnan(line.low)
        return
    error = math.dist([line.value] * len(x), lefts)
    assert line.standard_error == pytest.approx(error, abs=1e-9)
    half = stats.t.ppf(0.975, freedom) * error
    assert line.low == pytest.approx(line.value - half, abs=1e-7)
    assert line.high == pytest.approx(line.value + half, abs=1e-7)


@given(st.lists(st.tuples(share, share), min_size=1, max_size=30))
def test_of_one_class_it_is_the_pooled_slope(pairs) -> None:
    x, y = (np.array(column) for column in zip(*pairs, strict=True))
    ours, pooled = class_slope(x, y, np.full(len(x), 7)), slope(x, y)
    if len(x) > 1:
        assert ours.num == pooled.num
    for name in ("value", "standard_error", "low", "high"):
        expected = pytest.approx(getattr(pooled, name), abs=1e-9, nan_ok=True)
        assert getattr(ours, name) == expected


def test_classes_that_differ_in_both_make_a_pooled_slope_of_none() -> None:
    """Sixteen classes, confidence flat within each: Simpson's paradox."""
    rng = np.random.default_rng(3)
    classes = np.arange(800) % 16
    x = 0.3 + 0.02 * classes + 0.03 * rng.standard_normal(800)
    y = 0.9 - 0.02 * classes + 0.02 * rng.standard_normal(800)
    pooled, within = slope(x, y), class_slope(x, y, classes)
    assert pooled.high < -0.7
    assert within.low < 0 < within.high
    assert within.high - within.low < 0.2


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng, inside = np.random.default_rng(4), 0
    classes = np.arange(96) % 16
    for _ in range(1000):
        x = rng.standard_normal(96) + classes
        y = 0.3 * x - classes + (0.2 + np.abs(x - classes)) * rng.standard_normal(96)
        line = class_slope(x, y, classes)
        inside += line.low <= 0.3 <= line.high
    assert 930 <= inside <= 970


def test_names_and_order_of_classes_change_nothing() -> None:
    rng = np.random.default_rng(5)
    x, y, classes = rng.random(40), rng.random(40), rng.integers(0, 4, 40)
    order, line = rng.permutation(40), class_slope(x, y, classes)
    other = class_slope(x[order], y[order], np.array([9, -3, 40, 2])[classes[order]])
    assert other.value == pytest.approx(line.value)
    assert other.low == pytest.approx(line.low)
