"""Kernels of functions with several outputs, as tensors and as matrices."""
# J: texts that are predicted. O: outputs of a function, the axis C but for two classes.

from __future__ import annotations

import numpy as np
from jaxtyping import Float

ROUNDING = float(np.finfo(np.float32).eps)
"""Relative precision of float32, in which gradients are computed."""


def as_matrix(kernel_JOIO: Float[np.ndarray, "J O I O"]) -> Float[np.ndarray, "JO IO"]:
    """The kernel with a row for each text and output, and a column for each training one.

    Args:
        kernel_JOIO: values between output o of text j and output p of training text i, float64.

    Returns:
        The same numbers as a matrix of shape (J * O, I * O).

    Raises:
        ValueError: for another shape, and for values that are not finite.
    """
    kernel_JOIO = np.asarray(kernel_JOIO, np.float64)
    if kernel_JOIO.ndim != 4 or kernel_JOIO.shape[1] != kernel_JOIO.shape[3]:
        raise ValueError(
            f"a kernel has the shape (texts, outputs, training texts, outputs), got "
            f"{kernel_JOIO.shape}."
        )
    if not np.isfinite(kernel_JOIO).all():
        raise ValueError("the kernel holds NaN or infinite values: nothing can be solved with it.")
    num_texts, num_outputs, num_train = kernel_JOIO.shape[:3]
    return kernel_JOIO.reshape(num_texts * num_outputs, num_train * num_outputs)


def as_square(kernel_IOIO: Float[np.ndarray, "I O I O"]) -> Float[np.ndarray, "IO IO"]:
    """`as_matrix` of a kernel between training texts alone.

    Raises:
        ValueError: as `as_matrix` does, and unless rows and columns are of the same texts.
    """
    matrix = as_matrix(kernel_IOIO)
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(
            f"a kernel between {kernel_IOIO.shape[0]} and {kernel_IOIO.shape[2]} texts: give the "
            "one between training texts."
        )
    return matrix


def is_symmetric(matrix_XX: Float[np.ndarray, "X X"]) -> bool:
    """Whether a matrix is its own transpose, up to 1e-6 of its largest entry."""
    return bool(np.abs(matrix_XX - matrix_XX.T).max() <= 1e-6 * np.abs(matrix_XX).max())


def operator_norm(matrix_XX: Float[np.ndarray, "X X"]) -> float:
    """The largest singular value of a matrix: what regularisation is relative to."""
    return float(np.linalg.norm(matrix_XX, 2))


def class_targets(labels_I: np.ndarray, num_outputs: int) -> Float[np.ndarray, "I O"]:
    """What a kernel predicts for each label: one-hot minus its mean; ±1 for a single output.

    Args:
        labels_I: the class of each text, from 0.
        num_outputs: the number of classes, or 1 for the difference of two.

    Raises:
        ValueError: for a label outside of the outputs.

    >>> class_targets(np.array([0, 1]), 1).tolist()
    [[-1.0], [1.0]]
    >>> class_targets(np.array([2]), 4).tolist()
    [[-0.25, -0.25, 0.75, -0.25]]
    """
    labels_I = np.asarray(labels_I)
    num_classes = max(num_outputs, 2)
    if len(labels_I) and not 0 <= labels_I.min() <= labels_I.max() < num_classes:
        outside = labels_I[(labels_I < 0) | (labels_I >= num_classes)][0]
        raise ValueError(
            f"the label {outside} is none of the {num_classes} classes of the kernel: give each "
            "label a word, or a class of the head."
        )
    if num_outputs == 1:
        return (2.0 * labels_I - 1)[:, None]
    return np.eye(num_outputs)[labels_I] - 1 / num_outputs


def predicted_classes(outputs_JO: Float[np.ndarray, "J O"]) -> np.ndarray:
    """The class of the largest output, or of the sign of a single one; int64."""
    if outputs_JO.shape[1] == 1:
        return (outputs_JO[:, 0] > 0).astype(np.int64)
    return outputs_JO.argmax(axis=1)


def output_accuracy(outputs_JO: Float[np.ndarray, "J O"], labels_J: np.ndarray) -> float:
    """Share of texts whose class is right, in [0, 1].

    >>> output_accuracy(np.array([[0.5], [-1.0]]), np.array([1, 1]))
    0.5
    """
    return float((predicted_classes(outputs_JO) == labels_J).mean())
