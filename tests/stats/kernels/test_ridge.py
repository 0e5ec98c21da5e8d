"""Kernel ridge regression: gradient descent's limit, normal equations, and what it must refuse."""

import numpy as np
import pytest

from hf_apt.stats.kernels.kernel_tensor import (
    as_matrix,
    as_square,
    class_targets,
    is_symmetric,
    output_accuracy,
)
from hf_apt.stats.kernels.ridge import kernel_prediction, kernel_ridge

RNG = np.random.default_rng(0)
NUM, OUT, WIDE = 6, 3, 40
JACOBIAN = RNG.normal(size=(NUM + 4, OUT, WIDE))
KERNEL = np.einsum("jow,ipw->joip", JACOBIAN, JACOBIAN[:NUM])
TARGETS = RNG.normal(size=(NUM, OUT))
START = RNG.normal(size=(NUM + 4, OUT))


def test_ridgeless_is_where_gradient_descent_of_a_linear_model_ends() -> None:
    """Outputs f0 + J w, squared loss, small steps from w = 0: independent of any kernel formula."""
    weights = np.zeros(WIDE)
    for _ in range(20_000):
        rest = START[:NUM] + JACOBIAN[:NUM] @ weights - TARGETS
        weights -= 2e-3 * np.einsum("io,iow->w", rest, JACOBIAN[:NUM])
    solved = kernel_ridge(KERNEL[:NUM], TARGETS, start_IO=START[:NUM])
    predicted = kernel_prediction(KERNEL, solved, START)
    np.testing.assert_allclose(predicted, START + JACOBIAN @ weights, atol=1e-6)
    np.testing.assert_allclose(predicted[:NUM], TARGETS, atol=1e-8)


def test_with_regularisation_it_is_ridge_regression_on_features() -> None:
    flat = JACOBIAN.reshape(-1, WIDE)
    train = flat[: NUM * OUT]
    shift = 0.1 * np.linalg.norm(train @ train.T, 2)
    weights = np.linalg.solve(train.T @ train + shift * np.eye(WIDE), train.T @ TARGETS.reshape(-1))
    solved = kernel_ridge(KERNEL[:NUM], TARGETS, regularisation=0.1)
    predicted = kernel_prediction(KERNEL, solved)
    np.testing.assert_allclose(predicted.reshape(-1), flat @ weights, atol=1e-10)


def test_predictions_follow_targets_and_start_where_both_are_scaled() -> None:
    plain = kernel_prediction(
        KERNEL, kernel_ridge(KERNEL[:NUM], TARGETS, start_IO=START[:NUM]), START
    )
    scaled = kernel_ridge(KERNEL[:NUM], 7 * TARGETS, start_IO=7 * START[:NUM])
    np.testing.assert_allclose(kernel_prediction(KERNEL, scaled, 7 * START), 7 * plain, atol=1e-8)


def test_a_singular_kernel_gives_the_smallest_solution() -> None:
    doubled = np.concatenate([JACOBIAN[:2], JACOBIAN[:2]])  # each text twice
    kernel = np.einsum("jow,ipw->joip", doubled, doubled)
    targets = np.concatenate([TARGETS[:2], TARGETS[:2]])
    solved = kernel_ridge(kernel, targets)
    np.testing.assert_allclose(kernel_prediction(kernel, solved), targets, atol=1e-8)
    np.testing.assert_allclose(solved[:2], solved[2:], atol=1e-10)  # shared, not on one of the two


def test_an_asymmetric_kernel_is_solved_too() -> None:
    kernel = RNG.normal(size=(NUM, OUT, NUM, OUT))
    assert not is_symmetric(as_square(kernel))
    solved = kernel_ridge(kernel, TARGETS)
    np.testing.assert_allclose(kernel_prediction(kernel, solved), TARGETS, atol=1e-6)


def test_shapes_and_numbers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(texts, outputs, training texts, outputs\)"):
        as_matrix(np.zeros((2, 3, 2, 4)))
    with pytest.raises(ValueError, match="NaN"):
        kernel_ridge(np.full((2, 1, 2, 1), np.nan), np.zeros((2, 1)))
    with pytest.raises(ValueError, match="between 10 and 6 texts"):
        kernel_ridge(KERNEL, TARGETS)
    with pytest.raises(ValueError, match="regularisation of -1"):
        kernel_ridge(KERNEL[:NUM], TARGETS, regularisation=-1)
    with pytest.raises(ValueError, match="give one for each"):
        kernel_ridge(KERNEL[:NUM], TARGETS[:2])
    with pytest.raises(ValueError, match="label 3 is none of the 3 classes"):
        class_targets(np.array([0, 3]), 3)


def test_accuracy_counts_classes() -> None:
    assert output_accuracy(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([0, 0])) == 0.5
