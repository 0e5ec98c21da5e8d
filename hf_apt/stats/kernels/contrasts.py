"""A kernel of the differences between classes: all that a softmax sees of its logits."""
# O: outputs of a function. E: differences between them, one fewer; 1 of a single output.

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def class_contrasts(kernel_JOIO: Float[np.ndarray, "J O I O"]) -> Float[np.ndarray, "J E I E"]:
    """The kernel of orthonormal differences of the outputs instead of the outputs.

    What all logits of a text have in common changes no probability and no loss, and in a language
    model it can be more than half of the trace. Without it condition numbers and alignments are of
    what is learnt, and those of two classes, whose kernel is of a difference already, compare with
    those of more. Source: ours.

    Args:
        kernel_JOIO: values between output o of text j and output p of training text i.

    Returns:
        The kernel with one output fewer; a kernel of a single output as it is.

    >>> common = np.ones((1, 3, 1, 3))  # all three logits move together
    >>> np.round(class_contrasts(common), 12).reshape(2, 2).tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    num_outputs = kernel_JOIO.shape[1]
    if num_outputs == 1:
        return kernel_JOIO
    basis_OE = _basis(num_outputs)
    return np.einsum("joip,oe,pf->jeif", kernel_JOIO, basis_OE, basis_OE, optimize=True)


def target_contrasts(targets_IO: Float[np.ndarray, "I O"]) -> Float[np.ndarray, "I E"]:
    """Targets in the same basis, for kernels that `class_contrasts` returned.

    Args:
        targets_IO: what each output is to become.

    Returns:
        The targets of the differences.
    """
    num_outputs = targets_IO.shape[1]
    return targets_IO if num_outputs == 1 else targets_IO @ _basis(num_outputs)


def _basis(num_outputs: int) -> Float[np.ndarray, "O E"]:
    """Orthonormal columns, each adding up to 0 (Helmert's)."""
    basis_OE = np.zeros((num_outputs, num_outputs - 1))
    for column in range(num_outputs - 1):
        basis_OE[: column + 1, column] = 1
        basis_OE[column + 1, column] = -(column + 1)
    return basis_OE / np.linalg.norm(basis_OE, axis=0)
