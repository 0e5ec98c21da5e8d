"""Losses that draw linked vectors together and push others apart.

The multi-similarity loss is that of Wang et al. 2019, "Multi-Similarity Loss with General Pair
Weighting for Deep Metric Learning", arXiv 1904.06627, the contrastive one that of Hadsell, Chopra
and LeCun 2006 with a margin on either side; both as in McDermott et al. 2023, "Structure-inducing
pre-training", arXiv 2103.10334. Ours, from the equations.
"""
# N vectors, E numbers of a vector.

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def multi_similarity_loss(
    vectors: Float[Tensor, "n e"],
    linked: Bool[Tensor, "n n"],
    unlinked: Bool[Tensor, "n n"],
    *,
    positive_scale: float = 2.0,
    negative_scale: float = 40.0,
    threshold: float = 0.5,
    margin: float = math.inf,
) -> Float[Tensor, ""]:
    """The multi-similarity loss of vectors, compared by cosine.

    With S the cosines, a and b the scales and t the threshold, a vector i with linked ones P and
    unlinked ones N has the loss

        log(1 + sum over P of exp(-a (S - t))) / a + log(1 + sum over N of exp(b (S - t))) / b

    Args:
        vectors: a row for each text (N, E), of any length.
        linked: which pairs are to be alike (N, N). The diagonal does not count.
        unlinked: which pairs are not to be alike (N, N). What is in neither does not count.
        positive_scale: a.
        negative_scale: b.
        threshold: t, the cosine that neither draws nor pushes.
        margin: of pairs, which count. An unlinked one counts if its S + margin is above the least S
            of P, a linked one if its S - margin is below the largest of N. With infinity, and with
            more than 2, all do.

    Returns:
        A scalar in float32: the mean over the vectors that have pairs of both kinds that count, 0
        where there is none. It is finite and has finite gradients for scales of any size.
    """
    with torch.autocast(vectors.device.type, enabled=False):
        unit_NE = unit_vectors(vectors)
        cosines_NN = unit_NE @ unit_NE.T
        linked_NN, unlinked_NN = off_diagonal(linked), off_diagonal(unlinked)
        still_NN = cosines_NN.detach()
        least_N1 = still_NN.masked_fill(~linked_NN, math.inf).amin(dim=1, keepdim=True)
        largest_N1 = still_NN.masked_fill(~unlinked_NN, -math.inf).amax(dim=1, keepdim=True)
        kept_unlinked_NN = unlinked_NN & (still_NN + margin > least_N1)
        kept_linked_NN = linked_NN & (still_NN - margin < largest_N1)
        counts_N = kept_linked_NN.any(dim=1) & kept_unlinked_NN.any(dim=1)
        above_NN = cosines_NN - threshold
        losses_N = (
            _log_of_one_and_sum(-positive_scale * above_NN, kept_linked_NN) / positive_scale
            + _log_of_one_and_sum(negative_scale * above_NN, kept_unlinked_NN) / negative_scale
        )
        return losses_N.masked_fill(~counts_N, 0.0).sum() / counts_N.sum().clamp(min=1)


def contrastive_loss(
    vectors: Float[Tensor, "n e"],
    linked: Bool[Tensor, "n n"],
    unlinked: Bool[Tensor, "n n"],
    *,
    positive_margin: float = 0.0,
    negative_margin: float = 1.0,
) -> Float[Tensor, ""]:
    """The contrastive loss of vectors, compared by Euclidean distance.

    Args:
        vectors: a row for each text (N, E); their length counts.
        linked: which pairs are to be near (N, N). The diagonal does not count.
        unlinked: which pairs are to be far (N, N). What is in neither does not count.
        positive_margin: the distance up to which linked vectors are near enough.
        negative_margin: the distance from which on others are far enough.

    Returns:
        A scalar in float32: the mean over linked pairs of what their distance exceeds the positive
        margin by, plus the mean over unlinked pairs of what theirs falls short of the negative one;
        a mean over no pair is 0. Vectors at the same place get no gradient from each other.
    """
    with torch.autocast(vectors.device.type, enabled=False):
        vectors_NE = vectors.float()
        squares_NN = (vectors_NE[:, None] - vectors_NE[None]).square().sum(dim=-1)
        is_same_NN = squares_NN == 0  # where a square root has no slope
        distances_NN = squares_NN.masked_fill(is_same_NN, 1.0).sqrt().masked_fill(is_same_NN, 0.0)
        too_far_NN = (distances_NN - positive_margin).relu()
        too_near_NN = (negative_margin - distances_NN).relu()
        return _mean_where(too_far_NN, off_diagonal(linked)) + _mean_where(
            too_near_NN, off_diagonal(unlinked)
        )


def unit_vectors(vectors: Float[Tensor, "n e"]) -> Float[Tensor, "n e"]:
    """The vectors in float32, each one long; one of zeros stays."""
    return torch.nn.functional.normalize(vectors.float(), dim=-1)


def off_diagonal(pairs: Bool[Tensor, "n n"]) -> Bool[Tensor, "n n"]:
    """The pairs without those of a vector with itself."""
    return pairs & ~torch.eye(len(pairs), dtype=torch.bool, device=pairs.device)


def _log_of_one_and_sum(exponents_NN: Tensor, counts_NN: Tensor) -> Tensor:
    """log(1 + sum of exp) over what counts in each row, by a softmax with a zero beside."""
    zeros_N1 = exponents_NN.new_zeros(len(exponents_NN), 1)
    exponents_NN = exponents_NN.masked_fill(~counts_NN, -math.inf)
    return torch.cat([zeros_N1, exponents_NN], dim=1).logsumexp(dim=1)


def _mean_where(values_NN: Tensor, counts_NN: Tensor) -> Tensor:
    return values_NN.masked_fill(~counts_NN, 0.0).sum() / counts_NN.sum().clamp(min=1)
