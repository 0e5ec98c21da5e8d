"""Logits corrected for uneven classes after training, which costs nothing.

Menon et al. 2021, "Long-tail learning via logit adjustment", arXiv 2007.07314, section 4. The same
while training is `hf_apt.training.losses.logit_adjusted`.
"""
# I texts, C classes.

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int


def logit_adjusted(
    logits_IC: Float[np.ndarray, "texts classes"],
    class_counts: Sequence[int] | Int[np.ndarray, " classes"],
    tau: float = 1.0,
) -> Float[np.ndarray, "texts classes"]:
    """The logits minus tau times the log of each class's share of the training texts.

    For probabilities that are right and tau = 1, their largest is the answer that is best where
    classes are equally frequent: p(y | x) / p(y) is in proportion to p(x | y).

    Args:
        logits_IC: logits, or log probabilities, of a classifier trained on uneven classes.
        class_counts: the number of training texts of each class, at least 1.
        tau: how much is taken away; 0 leaves the logits as they are.

    Returns:
        Logits of the same shape and dtype.

    Raises:
        ValueError: for counts of another number of classes, and a class without a training text.
    """
    counts_C = np.asarray(class_counts, np.float64)
    if counts_C.shape != logits_IC.shape[1:]:
        raise ValueError(
            f"counts of {len(counts_C)} classes came with logits of {logits_IC.shape[1]}: give the "
            "number of training texts of every class."
        )
    if (counts_C < 1).any():
        number = int((counts_C < 1).argmax())
        raise ValueError(
            f"class {number} has {counts_C[number]:g} training texts: its logit cannot be adjusted."
        )
    shift_C = tau * np.log(counts_C / counts_C.sum())
    return logits_IC - shift_C.astype(logits_IC.dtype)
