"""How unevenly a kernel lets a model learn: the spread of its eigenvalues."""
# O: outputs of a function.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hf_apt.stats.kernels.kernel_tensor import ROUNDING, as_square


@dataclass(frozen=True)
class Condition:
    """The condition number of a kernel, and its rank."""

    value: float
    """Largest over smallest singular value, at least 1; infinite for a singular kernel."""

    rank: int
    """Singular values above rounding."""

    size: int
    """Rows of the kernel: texts times outputs."""

    of_rank: float
    """Largest over smallest singular value above rounding; NaN for a kernel of 0."""


def condition_number(
    kernel_IOIO: Float[np.ndarray, "I O I O"], *, rounding: float = ROUNDING
) -> Condition:
    """The condition number of a kernel between training texts.

    arXiv 2602.08239 asks it of the tangent kernel at the start of fine-tuning: directions of
    eigenvalue e are learnt e times as fast, so that with a large number some are not learnt at all.

    Args:
        kernel_IOIO: the kernel, symmetric or not.
        rounding: values at most this share of the largest, times the size, count as 0; that of
            float32, in which gradients are computed.

    Returns:
        The number, the rank, and the number of what is above rounding.

    Raises:
        ValueError: for a kernel that is not square or not finite.

    >>> condition_number(np.diag([4.0, 1.0]).reshape(2, 1, 2, 1)).value
    4.0
    """
    values_X = np.linalg.svd(as_square(kernel_IOIO), compute_uv=False)
    size = len(values_X)
    largest = float(values_X[0])
    above_X = values_X[values_X > largest * rounding * size]
    of_rank = largest / float(above_X[-1]) if len(above_X) else float("nan")
    whole = len(above_X) == size
    return Condition(of_rank if whole else float("inf"), len(above_X), size, of_rank)
