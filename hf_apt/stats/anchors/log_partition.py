"""The logarithm of the partition function over the bulk of the words."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from hf_apt.stats.anchors.bulk import AnchorBulk


def log_bulk_partition(logits_NV: Float[np.ndarray, "n vocab"], bulk: AnchorBulk) -> np.ndarray:
    """The logarithm of the sum of exp(logit) over the bulk of each row, float64 of shape (N,).

    Raises ValueError where nothing of the vocabulary is left.

    >>> logits_NV = np.log([[1.0, 2.0, 7.0]])
    >>> without_best = AnchorBulk(rule="minus_topk", top_k=1)
    >>> np.exp(log_bulk_partition(logits_NV, without_best)).round(9).tolist()
    [3.0]
    """
    bulk.require_fit(logits_NV.shape[1])
    logits_NV = np.asarray(logits_NV, np.float64)
    if bulk.rule == "minus_words":
        logits_NV = np.delete(logits_NV, sorted(set(bulk.words)), axis=1)
    elif bulk.rule == "minus_topk":
        num = logits_NV.shape[1] - bulk.top_k
        logits_NV = np.partition(logits_NV, num - 1, axis=1)[:, :num]
    if bulk.rule != "tail_mass":
        largest_N1 = logits_NV.max(axis=1, keepdims=True)
        return largest_N1[:, 0] + np.log(np.exp(logits_NV - largest_N1).sum(axis=1))
    sums_NV = np.logaddexp.accumulate(np.sort(logits_NV, axis=1), axis=1)
    num_N = (sums_NV <= sums_NV[:, -1:] + np.log(bulk.tail_mass)).sum(axis=1)
    return np.take_along_axis(sums_NV, np.maximum(num_N - 1, 0)[:, None], axis=1)[:, 0]
