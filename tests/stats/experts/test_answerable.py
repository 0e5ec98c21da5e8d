"""Laws of the convex-hull bound, held against linear programmes and many random numbers."""

import numpy as np
import pytest
from scipy.optimize import linprog

from hf_apt.stats.experts.answerable import answerable, concave_hull


def by_linear_programme(weight_VK: np.ndarray, bias_V: np.ndarray, token: int) -> bool:
    """Whether `token` is above all others by a margin at some x."""
    others = np.arange(len(bias_V)) != token
    num = weight_VK.shape[1]
    lead = np.c_[weight_VK[others] - weight_VK[token], np.ones(others.sum())]
    result = linprog(
        [*[0] * num, -1],
        A_ub=lead,
        b_ub=bias_V[token] - bias_V[others],
        bounds=[(None, None)] * num + [(None, 1)],
    )
    return bool(result.x[-1] > 1e-9)


@pytest.mark.parametrize("num", [1, 2, 3])
def test_it_is_what_a_linear_programme_finds(num) -> None:
    rng = np.random.default_rng(num)
    weight_VK, bias_V = rng.normal(size=(40, num)), rng.normal(size=40)
    expected = [by_linear_programme(weight_VK, bias_V, token) for token in range(40)]
    assert answerable(weight_VK, bias_V).tolist() == expected
    assert 1 < sum(expected) < 40


@pytest.mark.parametrize("num", [1, 2, 3])
def test_no_other_token_is_ever_answered(num) -> None:
    rng = np.random.default_rng(num)
    weight_VK, bias_V = rng.normal(size=(300, num)), rng.normal(size=300)
    x_NK = 20 * rng.normal(size=(20_000, num))
    answered = np.unique((x_NK @ weight_VK.T + bias_V).argmax(axis=1))
    can = np.flatnonzero(answerable(weight_VK, bias_V))
    assert set(answered) <= set(can)
    assert len(answered) > 0.7 * len(can)


def test_parallel_and_touching_lines_are_left_out() -> None:
    slope = np.array([[1.0], [1.0], [0.0], [-1.0], [0.5]])
    height = np.array([0.0, -1.0, 0.0, 0.0, 0.0])
    assert answerable(slope, height).tolist() == [True, False, False, True, False]


def test_one_token_alone_is_always_answered() -> None:
    assert answerable(np.array([[3.0]]), np.array([0.0])).tolist() == [True]


@pytest.mark.parametrize(
    ("weight", "bias", "words"),
    [
        (np.zeros((4, 4)), np.zeros(4), "1 to 3 numbers, not 4"),
        (np.full((4, 1), np.nan), np.zeros(4), "not finite"),
        (np.c_[np.arange(9.0), np.arange(9.0)], np.arange(9.0) ** 2, "do not span"),
    ],
)
def test_what_has_no_hull_is_refused(weight, bias, words) -> None:
    with pytest.raises(ValueError, match=words):
        answerable(weight, bias)


def test_the_hull_is_above_all_points_and_concave() -> None:
    rng = np.random.default_rng(0)
    x, y = np.arange(12.0), np.sort(rng.random(12))
    high = concave_hull(x.tolist(), y.tolist())
    assert (high >= y - 1e-12).all()
    assert (np.diff(high, 2) < 1e-12).all()
    assert high[0] == y[0]
    assert high[-1] == y[-1]
    np.testing.assert_allclose(concave_hull(x.tolist(), np.sqrt(x).tolist()), np.sqrt(x))
