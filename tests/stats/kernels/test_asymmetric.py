"""The asymmetric solver: ridge for a symmetric kernel, and both sides fit for another one."""

import numpy as np
import pytest

from hf_apt.stats.kernels.asymmetric import asymmetric_solution
from hf_apt.stats.kernels.ridge import kernel_ridge

RNG = np.random.default_rng(2)
FEATURES = RNG.normal(size=(8, 12))
LABELS = RNG.integers(0, 2, 8)


def test_a_symmetric_kernel_gives_ridge_regression_twice() -> None:
    kernel = FEATURES @ FEATURES.T
    both = asymmetric_solution(kernel, LABELS, regularisation=0.05)
    signs = (2.0 * LABELS - 1)[:, None]
    ridge = kernel_ridge(kernel[:, None, :, None], signs, regularisation=0.05)[:, 0]
    np.testing.assert_allclose(both.columns_I, ridge, atol=1e-9)
    np.testing.assert_allclose(both.rows_I, ridge, atol=1e-9)


def test_both_sides_of_an_asymmetric_kernel_fit_the_labels() -> None:
    kernel = FEATURES @ np.sign(FEATURES).T
    both = asymmetric_solution(kernel, LABELS, regularisation=1e-6)
    np.testing.assert_allclose(kernel @ both.columns_I, 2 * LABELS - 1, atol=1e-2)
    np.testing.assert_allclose(both.rows_I @ kernel, 2 * LABELS - 1, atol=1e-2)
    # The system itself, equation by equation.
    signs = 2.0 * LABELS - 1
    own = 1e-6 * np.linalg.norm(kernel, 2)
    left = own * both.rows_I * signs + signs * (kernel @ both.columns_I)
    np.testing.assert_allclose(left, 1, atol=1e-9)


def test_what_it_is_not_for_is_refused() -> None:
    with pytest.raises(ValueError, match="two classes"):
        asymmetric_solution(np.eye(3), np.array([0, 1, 2]))
    with pytest.raises(ValueError, match="for 2 labels"):
        asymmetric_solution(np.eye(3), np.array([0, 1]))
    with pytest.raises(ValueError, match="above 0"):
        asymmetric_solution(np.eye(2), np.array([0, 1]), regularisation=0)
