"""Laws of linear CKA: the slow formulas with Gram matrices, invariances, independence, batches."""

import math

import numpy as np
import pytest

from hf_apt.stats.similarity.cka import FromFirst, HsicSums, cka, linear_cka


def slow_hsic(X: np.ndarray, Y: np.ndarray, debiased: bool) -> float:
    """By N x N Gram matrices, as Kornblith et al. and Song et al. write it."""
    n = len(X)
    K, L = X @ X.T, Y @ Y.T
    ones = np.ones(n)
    if not debiased:
        H = np.eye(n) - np.outer(ones, ones) / n
        return float(np.trace(K @ H @ L @ H)) / (n - 1) ** 2
    K, L = K - np.diag(np.diag(K)), L - np.diag(np.diag(L))
    terms = np.trace(K @ L)
    terms += (ones @ K @ ones) * (ones @ L @ ones) / ((n - 1) * (n - 2))
    terms -= 2 / (n - 2) * (ones @ K @ L @ ones)
    return float(terms / (n * (n - 3)))


def slow_cka(X: np.ndarray, Y: np.ndarray, debiased: bool) -> float:
    both = slow_hsic(X, Y, debiased)
    return both / math.sqrt(slow_hsic(X, X, debiased) * slow_hsic(Y, Y, debiased))


@pytest.fixture
def states() -> tuple[np.ndarray, np.ndarray]:
    """Two sets of 60 states that have something in common, of different widths and origins."""
    generator = np.random.default_rng(3)
    X = generator.normal(size=(60, 7))
    return X + 2.0, X[:, :4] @ generator.normal(size=(4, 5)) + generator.normal(size=(60, 5)) - 1.0


@pytest.mark.parametrize("debiased", [True, False])
def test_how_alike_are_two_layers(states, debiased) -> None:
    assert linear_cka(*states, debiased=debiased) == pytest.approx(
        slow_cka(*states, debiased), abs=1e-10
    )


@pytest.mark.parametrize("debiased", [True, False])
def test_rotations_scales_and_shifts_change_nothing(states, debiased) -> None:
    X, Y = states
    rotation, _ = np.linalg.qr(np.random.default_rng(4).normal(size=(7, 7)))
    value = linear_cka(X, Y, debiased)
    assert linear_cka(X, X, debiased) == pytest.approx(1.0, abs=1e-12)
    assert linear_cka(X, 3.0 * X @ rotation, debiased) == pytest.approx(1.0, abs=1e-12)
    assert linear_cka(-0.1 * X @ rotation, Y, debiased) == pytest.approx(value, abs=1e-12)
    assert linear_cka(Y, X, debiased) == pytest.approx(value, abs=1e-12)
    assert linear_cka(X + 1e4, Y - 1e4, debiased) == pytest.approx(value, abs=1e-9)
    stretched = X * np.array([9.0, *np.ones(6)])
    assert abs(linear_cka(stretched, Y, debiased) - value) > 0.01


def test_independent_states_are_at_zero_where_the_plain_form_is_not() -> None:
    generator = np.random.default_rng(5)
    draws = [(generator.normal(size=(30, 40)), generator.normal(size=(30, 40))) for _ in range(200)]
    debiased = np.array([linear_cka(X, Y) for X, Y in draws])
    assert abs(debiased.mean()) < 4 * debiased.std() / math.sqrt(len(draws))
    assert np.mean([linear_cka(X, Y, debiased=False) for X, Y in draws]) > 0.5


@pytest.mark.parametrize("debiased", [True, False])
def test_batches_do_not_matter(states, debiased) -> None:
    X, Y = states
    whole, parts = HsicSums(), HsicSums()
    whole.add(FromFirst().rows("X", X), FromFirst().rows("Y", Y))
    x, y = FromFirst(), FromFirst()
    for start, end in ((0, 1), (1, 1), (1, 30), (30, 60)):
        parts.add(x.rows("X", X[start:end]), y.rows("Y", Y[start:end]))
    assert parts.num == 60
    assert parts.hsic(debiased=debiased) == pytest.approx(whole.hsic(debiased=debiased), rel=1e-12)
    assert whole.hsic(debiased=debiased) == pytest.approx(slow_hsic(X, Y, debiased), rel=1e-10)


def test_states_that_do_not_vary_are_like_nothing(states) -> None:
    X, _ = states
    for debiased in (True, False):
        assert math.isnan(linear_cka(X, np.full((60, 3), 0.1), debiased))
    assert math.isnan(cka(0.0, 0.0, 1.0))


def test_what_has_no_cka_is_refused(states) -> None:
    X, Y = states
    broken = X.copy()
    broken[3, 2] = np.nan
    for one, other, words in (
        (X, Y[:50], "60 rows and Y 50"),
        (X[:3], Y[:3], "4 rows at least, and there are 3"),
        (broken, Y, "X holds values that are not finite"),
        (X, Y[:, 0], "Y must have two axes"),
    ):
        with pytest.raises(ValueError, match=words):
            linear_cka(one, other)
