"""How much of a kernel points along the labels, and which part of it does."""
# O: outputs of a function. G: groups of parameters.

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from hf_apt.stats.kernels.kernel_tensor import as_square


def label_alignment(
    kernel_IOIO: Float[np.ndarray, "I O I O"], targets_IO: Float[np.ndarray, "I O"]
) -> float:
    """The cosine between the kernel and that of the targets, `y' K y / (|K| |y|^2)`, in [-1, 1].

    `|K|` is the root of the sum of squares. 1 is reached by K = y y' alone: a step of training then
    moves all outputs to their targets at once. Kernel-target alignment, Cristianini et al., NIPS
    2001.

    Args:
        kernel_IOIO: the kernel between training texts.
        targets_IO: what they are to become.

    Returns:
        The cosine; NaN for a kernel or targets of 0.

    >>> y = np.array([[1.0], [-1.0]])
    >>> round(label_alignment((y @ y.T).reshape(2, 1, 2, 1), y), 9)
    1.0
    """
    size = np.linalg.norm(as_square(kernel_IOIO)) * np.linalg.norm(targets_IO) ** 2
    return along_labels(kernel_IOIO, targets_IO) / float(size) if size else float("nan")


def along_labels(
    kernel_IOIO: Float[np.ndarray, "I O I O"], targets_IO: Float[np.ndarray, "I O"]
) -> float:
    """Y' K y: how fast training moves outputs towards their targets; adds up over kernels."""
    flat = np.asarray(targets_IO, np.float64).reshape(-1)
    return float(flat @ as_square(kernel_IOIO) @ flat)


def trace(kernel_IOIO: Float[np.ndarray, "I O I O"]) -> float:
    """The sum of squared gradients of all texts and outputs; adds up over kernels."""
    return float(np.trace(as_square(kernel_IOIO)))


def shares(parts_G: Sequence[float]) -> list[float]:
    """Each part over the sum of all; NaN where that is 0.

    Parts of an asymmetric kernel can be negative, and shares then lie outside of [0, 1].

    >>> shares([1.0, 3.0])
    [0.25, 0.75]
    """
    total = float(sum(parts_G))
    return [float(part) / total if total else float("nan") for part in parts_G]
