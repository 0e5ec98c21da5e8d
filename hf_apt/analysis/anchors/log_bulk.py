"""The log bulk partition of states, from one stream over the vocabulary."""
# L: the most probable words so far.

from __future__ import annotations

import math

import torch
from torch import Tensor

from hf_apt.depths.sweep import chunks_of_logits, vocabulary_sweep
from hf_apt.stats.anchors.bulk import AnchorBulk

_LOGITS_AT_ONCE = 1 << 24
"""Logits of `tail_mass` that are held at once, 64 MiB: its words are known once all are sorted."""


@torch.no_grad()
def log_bulk(
    features_NE: Tensor, weight_VE: Tensor, bias_V: Tensor | None, bulk: AnchorBulk
) -> Tensor:
    """The logarithm of the sum of exp(logit) over the bulk of each state, float64 of shape (N,).

    The vocabulary is read in chunks, with a running log-sum-exp (Milakov and Gimelshein, arXiv
    1805.02867), so that no (N, V) array is held. `tail_mass` holds the logits of a few states.

    Args:
        features_NE: the states that enter the output layer, shape (N, E).
        weight_VE: word vectors, shape (V, E).
        bias_V: biases of the words, shape (V,), or None.
        bulk: which words are summed over.

    Returns:
        Log-partitions in nats, on the device of the states; of logits in float32, summed up in
        float64 from chunk to chunk.

    Raises:
        ValueError: for a bulk of nothing.
    """
    bulk.require_fit(len(weight_VE))
    if bulk.rule == "all":
        targets_N = torch.zeros(len(features_NE), dtype=torch.long, device=features_NE.device)
        return vocabulary_sweep(features_NE, weight_VE, bias_V, targets_N).log_sum_exp_N.double()
    if bulk.rule == "tail_mass":
        num = max(_LOGITS_AT_ONCE // len(weight_VE), 1)
        parts = features_NE.split(num)
        return torch.cat(
            [_of_tail(part_NE, weight_VE, bias_V, bulk.tail_mass) for part_NE in parts]
        )
    return _streamed(features_NE, weight_VE, bias_V, bulk)


def _streamed(
    features_NE: Tensor, weight_VE: Tensor, bias_V: Tensor | None, bulk: AnchorBulk
) -> Tensor:
    left_out = torch.tensor(sorted(set(bulk.words)), device=features_NE.device, dtype=torch.long)
    sum_N = torch.full((len(features_NE),), -torch.inf, dtype=torch.float64).to(features_NE.device)
    best_NL: Tensor | None = None
    for start, logits_NK in chunks_of_logits(features_NE, weight_VE, bias_V):
        if bulk.rule == "minus_words":
            here = (left_out >= start) & (left_out < start + logits_NK.shape[1])
            logits_NK[:, left_out[here] - start] = -torch.inf
        else:
            if best_NL is not None:
                logits_NK = torch.cat([best_NL, logits_NK], dim=1)
            best_NL, at_NL = logits_NK.topk(min(bulk.top_k, logits_NK.shape[1]), dim=1)
            logits_NK = logits_NK.scatter(1, at_NL, -torch.inf)
        sum_N = torch.logaddexp(sum_N, logits_NK.logsumexp(dim=1).double())
    return sum_N


def _of_tail(features_NE: Tensor, weight_VE: Tensor, bias_V: Tensor | None, share: float) -> Tensor:
    chunks = chunks_of_logits(features_NE, weight_VE, bias_V)
    logits_NV = torch.cat([logits_NK for _, logits_NK in chunks], dim=1)
    sums_NV = logits_NV.sort(dim=1)[0].double().logcumsumexp(dim=1)
    is_within_NV = sums_NV <= sums_NV[:, -1:] + math.log(share)
    last_N1 = is_within_NV.sum(dim=1, keepdim=True).sub_(1).clamp_min_(0)
    return sums_NV.gather(1, last_N1)[:, 0]
