"""Least squares with a kernel: what gradient descent on a linearised model converges to."""
# J: texts that are predicted. O: outputs of a function.

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from hf_apt.stats.kernels.kernel_tensor import ROUNDING, as_matrix, as_square, operator_norm


def kernel_ridge(
    kernel_IOIO: Float[np.ndarray, "I O I O"],
    targets_IO: Float[np.ndarray, "I O"],
    *,
    regularisation: float = 0.0,
    start_IO: Float[np.ndarray, "I O"] | None = None,
    rounding: float = ROUNDING,
) -> Float[np.ndarray, "I O"]:
    """The coefficients of kernel ridge regression: (K + g s I) a = y - f0.

    s is the largest singular value of K. With a regularisation of 0 it is the solution of least
    squares with the smallest norm, by a pseudo-inverse, which is also right for a singular kernel;
    the kernel need not be symmetric. Source: arXiv 2210.05643.

    Args:
        kernel_IOIO: the kernel between training texts.
        targets_IO: what is to be predicted, y.
        regularisation: g, relative to the operator norm, at least 0.
        start_IO: the outputs before training, f0; None for 0.
        rounding: without regularisation, singular values at most this share of the largest, times
            the size, count as 0; that of float32, in which gradients are computed.

    Returns:
        The coefficients, of the shape of `targets_IO`.

    Raises:
        ValueError: for shapes that do not fit, a negative regularisation, and numbers that are not
            finite.
    """
    matrix = as_square(kernel_IOIO)
    if not regularisation >= 0:
        raise ValueError(f"a regularisation of {regularisation}: give 0, or a number above.")
    targets_IO = np.asarray(targets_IO, np.float64)
    if targets_IO.shape != kernel_IOIO.shape[:2]:
        raise ValueError(
            f"targets of the shape {targets_IO.shape} for a kernel of {kernel_IOIO.shape[0]} texts "
            f"and {kernel_IOIO.shape[1]} outputs: give one for each."
        )
    rest_IO = targets_IO if start_IO is None else targets_IO - start_IO
    if regularisation:
        matrix = matrix + regularisation * operator_norm(matrix) * np.eye(len(matrix))
        return np.linalg.solve(matrix, rest_IO.reshape(-1)).reshape(targets_IO.shape)
    cut = len(matrix) * rounding
    solved = np.linalg.lstsq(matrix, rest_IO.reshape(-1), rcond=cut)[0]
    return solved.reshape(targets_IO.shape)


def kernel_prediction(
    kernel_JOIO: Float[np.ndarray, "J O I O"],
    coefficients_IO: Float[np.ndarray, "I O"],
    start_JO: Float[np.ndarray, "J O"] | None = None,
) -> Float[np.ndarray, "J O"]:
    """The outputs that coefficients of training texts give other texts: f0 + K a.

    Args:
        kernel_JOIO: the kernel between these texts and the training texts.
        coefficients_IO: what a solver returned.
        start_JO: the outputs before training; None for 0.

    Returns:
        Outputs in float64.

    Raises:
        ValueError: for a kernel of another shape.
    """
    matrix = as_matrix(kernel_JOIO)
    outputs_JO = (matrix @ coefficients_IO.reshape(-1)).reshape(kernel_JOIO.shape[:2])
    return outputs_JO if start_JO is None else outputs_JO + start_JO
