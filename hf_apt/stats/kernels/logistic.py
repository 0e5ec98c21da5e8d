"""Softmax regression with a kernel, all outputs of a text in one softmax."""
# J: texts that are predicted. O: outputs of a function.

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from hf_apt.stats.kernels.kernel_tensor import as_square, is_symmetric, operator_norm


def kernel_logistic(
    kernel_IOIO: Float[np.ndarray, "I O I O"],
    labels_I: np.ndarray,
    *,
    regularisation: float = 1e-2,
    start_IO: Float[np.ndarray, "I O"] | None = None,
    max_iterations: int = 1000,
) -> Float[np.ndarray, "I O"]:
    """The coefficients a of softmax regression with outputs f0 + K a.

    Minimised is the mean cross-entropy plus g / (2 s) times a penalty, s the largest singular value
    of K. For a symmetric kernel the penalty is a' K a, the squared norm of the function, so that it
    is the regression on gradients as features; for another one s a' a, that on rows of the
    kernel. A single output is the logit of class 1 against 0.

    Args:
        kernel_IOIO: the kernel between training texts.
        labels_I: the class of each training text, from 0.
        regularisation: g, above 0.
        start_IO: the outputs before training, f0; None for 0.
        max_iterations: steps of L-BFGS at most.

    Returns:
        The coefficients, of shape (texts, outputs); `kernel_prediction` takes them.

    Raises:
        ValueError: for shapes that do not fit, labels outside of the outputs, or a regularisation
            of 0 or less: without one a separable task has no solution.
    """
    from scipy.optimize import minimize

    from hf_apt.stats.kernels.kernel_tensor import class_targets

    matrix = as_square(kernel_IOIO)
    if not regularisation > 0:
        raise ValueError(
            f"a regularisation of {regularisation}: give a number above 0, since classes that can "
            "be separated have no finite solution without."
        )
    num_texts, num_outputs = kernel_IOIO.shape[:2]
    class_targets(labels_I, num_outputs)
    start_IO = np.zeros((num_texts, num_outputs)) if start_IO is None else start_IO
    norm = operator_norm(matrix) or 1.0
    penalty = matrix if is_symmetric(matrix) else norm * np.eye(len(matrix))
    factor = regularisation / norm

    def value_and_slope(flat: np.ndarray) -> tuple[float, np.ndarray]:
        outputs_IO = start_IO + (matrix @ flat).reshape(num_texts, num_outputs)
        loss, slope_IO = _cross_entropy(outputs_IO, labels_I)
        pulled = penalty @ flat
        slope = matrix.T @ slope_IO.reshape(-1) + factor * pulled
        return loss + factor / 2 * float(flat @ pulled), slope

    solved = minimize(
        value_and_slope,
        np.zeros(len(matrix)),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": max_iterations, "maxfun": 4 * max_iterations, "ftol": 1e-15},
    )
    return solved.x.reshape(num_texts, num_outputs)


def _cross_entropy(outputs_IO: np.ndarray, labels_I: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean cross-entropy and its slope by the outputs."""
    num = len(labels_I)
    if outputs_IO.shape[1] == 1:
        signed_I = (2 * labels_I - 1) * outputs_IO[:, 0]
        slope_I = -(2 * labels_I - 1) / (1 + np.exp(np.clip(signed_I, -500, 500)))
        return float(np.logaddexp(0, -signed_I).mean()), slope_I[:, None] / num
    shifted_IO = outputs_IO - outputs_IO.max(axis=1, keepdims=True)
    log_probs_IO = shifted_IO - np.log(np.exp(shifted_IO).sum(axis=1, keepdims=True))
    slope_IO = np.exp(log_probs_IO)
    slope_IO[np.arange(num), labels_I] -= 1
    return float(-log_probs_IO[np.arange(num), labels_I].mean()), slope_IO / num
