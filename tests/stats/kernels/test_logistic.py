"""Softmax regression with a kernel is that on gradients as features, whatever solves it."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from hf_apt.stats.kernels.kernel_tensor import operator_norm
from hf_apt.stats.kernels.logistic import kernel_logistic
from hf_apt.stats.kernels.ridge import kernel_prediction

RNG = np.random.default_rng(1)
NUM, WIDE = 30, 5
X = RNG.normal(size=(NUM + 7, WIDE))
LABELS = (X[:NUM, :3] + RNG.normal(size=(NUM, 3))).argmax(axis=1)


def head_kernel(num_outputs: int) -> np.ndarray:
    """The kernel of W x: each output by itself."""
    return np.einsum("ji,op->joip", X @ X[:NUM].T, np.eye(num_outputs))


def test_three_classes_equal_scikit_learn_on_the_features() -> None:
    kernel = head_kernel(3)
    norm = operator_norm(kernel[:NUM].reshape(3 * NUM, -1))
    solved = kernel_logistic(kernel[:NUM], LABELS, regularisation=0.1)
    theirs = LogisticRegression(C=norm / (0.1 * NUM), fit_intercept=False, tol=1e-10, max_iter=9999)
    theirs.fit(X[:NUM], LABELS)
    mine = kernel_prediction(kernel, solved)
    centred = mine - mine.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(centred, theirs.decision_function(X), atol=2e-4)


def test_a_single_output_is_the_logit_of_class_one() -> None:
    kernel, labels = head_kernel(1), (LABELS > 0).astype(int)
    norm = operator_norm(kernel[:NUM, 0, :, 0])
    solved = kernel_logistic(kernel[:NUM], labels, regularisation=0.1)
    theirs = LogisticRegression(C=norm / (0.1 * NUM), fit_intercept=False, tol=1e-10, max_iter=9999)
    theirs.fit(X[:NUM], labels)
    mine = kernel_prediction(kernel, solved)[:, 0]
    np.testing.assert_allclose(mine, theirs.decision_function(X), atol=2e-4)


def test_texts_of_a_softmax_belong_together() -> None:
    """Three outputs in a softmax are not three binary problems: a shift of all changes nothing."""
    start = RNG.normal(size=(NUM, 3))
    one = kernel_logistic(head_kernel(3)[:NUM], LABELS, start_IO=start)
    other = kernel_logistic(head_kernel(3)[:NUM], LABELS, start_IO=start + 5)
    kernel = head_kernel(3)[:NUM]
    np.testing.assert_allclose(
        *(kernel_prediction(kernel, each) for each in (one, other)), atol=2e-3
    )


def test_an_asymmetric_kernel_lowers_the_loss() -> None:
    kernel = RNG.normal(size=(NUM, 3, NUM, 3))
    solved = kernel_logistic(kernel, LABELS, regularisation=1e-4)
    assert (kernel_prediction(kernel, solved).argmax(axis=1) == LABELS).all()


def test_no_regularisation_and_foreign_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        kernel_logistic(head_kernel(3)[:NUM], LABELS, regularisation=0)
    with pytest.raises(ValueError, match="label 5"):
        kernel_logistic(head_kernel(3)[:NUM], LABELS + 3)
