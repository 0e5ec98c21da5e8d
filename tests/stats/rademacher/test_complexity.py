"""Known Rademacher complexities, and laws that hold of any."""

import itertools
import math

import numpy as np
import pytest

from hf_apt.stats.rademacher.complexity import MOST_ENUMERATED, rademacher_complexity


def by_hand(features, radius: float = 1.0) -> float:
    """The mean over every choice of signs, vector by vector."""
    lengths = []
    for signs in itertools.product((-1, 1), repeat=len(features)):
        total = [
            sum(sign * row[at] for sign, row in zip(signs, features, strict=True))
            for at in range(len(features[0]))
        ]
        lengths.append(math.sqrt(sum(each * each for each in total)))
    return radius * sum(lengths) / len(lengths) / len(features)


def test_three_rows():
    measured = rademacher_complexity(np.array([[1, 0], [0, 1], [1, 1]]))
    assert measured.value == pytest.approx(0.5690355937, abs=1e-10)
    assert measured.value * 3 == pytest.approx(1.707107, abs=1e-6)
    assert measured.upper == pytest.approx(0.666667, abs=1e-6)
    assert measured.lower == pytest.approx(0.666667 / math.sqrt(2), abs=1e-6)
    assert (measured.is_exact, measured.standard_error, measured.num_draws) == (True, 0.0, 4)
    assert measured.norm_share == pytest.approx(measured.value / measured.upper)
    drawn = rademacher_complexity(np.array([[1, 0], [0, 1], [1, 1]]), num_draws=100_000)
    # The mean of squared lengths is 4, the variance therefore 4 - 1.707107^2.
    assert drawn.standard_error == pytest.approx(math.sqrt((4 - 1.707107**2) / 1e5) / 3, rel=0.02)


@pytest.mark.parametrize(
    ("num", "expected"),
    [(1, 1.0), (2, 0.5), (4, 0.375), (8, 0.2734375), (16, 12870 / 65536)],
)
def test_rows_that_are_alike(num, expected):
    """A walk on a line: the binomial coefficient over its middle, by all walks."""
    alike = np.repeat([[0.6, 0.0, 0.8]], num, axis=0)
    measured = rademacher_complexity(alike)
    assert measured.is_exact == (num <= MOST_ENUMERATED)
    if measured.is_exact:
        assert measured.value == pytest.approx(expected, abs=1e-12)
    else:
        assert abs(measured.value - expected) < 4 * measured.standard_error
    if num > 1:
        assert math.comb(num, num // 2) / 2**num == expected


@pytest.mark.parametrize("num", [1, 2, 5, 12, 30])
def test_orthonormal_rows_are_alike_for_every_choice_of_signs(num):
    turned, _ = np.linalg.qr(np.random.default_rng(num).normal(size=(40, 40)))
    measured = rademacher_complexity(turned[:num], num_draws=50)
    assert measured.value == pytest.approx(1 / math.sqrt(num), rel=1e-12)
    assert measured.standard_error == pytest.approx(0.0, abs=1e-12)
    assert measured.norm_share == pytest.approx(1.0)
    assert measured.scaled == pytest.approx(1.0)


@pytest.fixture
def features() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(7, 3)) * [1.0, 4.0, 0.2] + [0.0, 1.0, 0.0]


def test_it_is_the_mean_over_all_signs(features):
    assert rademacher_complexity(features).value == pytest.approx(by_hand(features), rel=1e-12)
    assert rademacher_complexity(features, 2.5).value == pytest.approx(by_hand(features, 2.5))


def test_scaled_turned_or_with_signs_of_rows_changed(features):
    value = rademacher_complexity(features).value
    assert rademacher_complexity(-3 * features).value == pytest.approx(3 * value)
    turned, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    assert rademacher_complexity(features @ turned).value == pytest.approx(value)
    signs = np.array([1, -1, -1, 1, 1, -1, 1])[:, None]
    assert rademacher_complexity(features * signs).value == pytest.approx(value)


@pytest.mark.parametrize("num", [2, 6, 12])
def test_draws_agree_with_all_signs(num):
    rows = np.random.default_rng(num).normal(size=(num, 4))
    exact = rademacher_complexity(rows)
    for seed in range(5):
        drawn = rademacher_complexity(rows, num_draws=2000, seed=seed)
        assert not drawn.is_exact
        assert 0 < abs(drawn.value - exact.value) < 4 * drawn.standard_error
    errors = [rademacher_complexity(rows, num_draws=n).standard_error for n in (500, 8000)]
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.15)


@pytest.mark.parametrize("seed", range(8))
def test_it_lies_between_its_bounds(seed):
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(generator.integers(1, 13), 5)) * generator.exponential(size=5)
    measured = rademacher_complexity(rows)
    assert measured.lower <= measured.value * (1 + 1e-12)
    assert measured.value <= measured.upper * (1 + 1e-12)
    two = rademacher_complexity(np.array([[1.0], [1.0]]))
    assert two.value == pytest.approx(two.lower), "the lower bound is reached"


def test_it_is_what_the_best_linear_functions_reach(features):
    """For every choice of signs the best v within the ball, by projected gradient ascent."""
    signs_BN = np.array(list(itertools.product((-1.0, 1.0), repeat=len(features))))
    slopes_BE = signs_BN @ features / len(features)
    v_BE = np.random.default_rng(3).normal(size=slopes_BE.shape)
    for _ in range(2000):
        v_BE = v_BE + 0.5 * slopes_BE
        v_BE = 2.0 * v_BE / np.linalg.norm(v_BE, axis=1, keepdims=True).clip(min=2.0)
    reached = (v_BE * slopes_BE).sum(axis=1).mean()
    assert rademacher_complexity(features, radius=2.0).value == pytest.approx(reached, abs=1e-6)


def test_zero_features():
    measured = rademacher_complexity(np.zeros((5, 2)))
    assert (measured.value, measured.upper) == (0.0, 0.0)
    assert math.isnan(measured.norm_share)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"features": np.zeros(3)}, r"features of shape \(3,\) and type float64 are no rows"),
        ({"features": np.zeros((0, 3))}, "are no rows of numbers"),
        ({"features": np.array([["a"]])}, "are no rows of numbers"),
        ({"features": np.array([[1.0, np.inf]])}, "the features hold inf: give numbers"),
        ({"features": np.eye(2), "radius": 0.0}, "the radius is 0.0: give a number above 0"),
        ({"features": np.eye(2), "num_draws": 1}, "num_draws is 1: give 2 at least"),
    ],
)
def test_what_is_refused(asked, told):
    with pytest.raises(ValueError, match=told):
        rademacher_complexity(**asked)
