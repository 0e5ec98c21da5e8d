"""Losses of telling the true token: a yes or no, and a choice among candidates. In float32."""
# N positions, K answers.

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import softplus


def detection_losses(
    logits: Float[Tensor, "*positions"], is_replaced: Bool[Tensor, "*positions"]
) -> Float[Tensor, "*positions"]:
    """-log p of what is true: log(1 + exp(-x)) if the token was replaced, log(1 + exp(x)) if not.

    Clark et al. 2020, arXiv 2003.10555, section 3.1. Finite at every finite logit.

    Args:
        logits: of "this token was replaced".
        is_replaced: whether the token is another than the original; a sample that happens to be
            the original is not.

    Returns:
        A loss at each position, at least 0, in nats.
    """
    logits = logits.float()
    return softplus(torch.where(is_replaced, -logits, logits))


def choice_losses(
    scores_NK: Float[Tensor, "*positions answers"], right_N: Int[Tensor, "*positions"] | None = None
) -> Float[Tensor, "*positions"]:
    """-log of the softmax of the right answer among K.

    Shen et al. 2021, arXiv 2106.00139, section 3, and Xu et al. 2020, arXiv 2006.05744, section 3.

    Args:
        scores_NK: a score of each answer.
        right_N: which answer is right, from 0 to K - 1; the first one everywhere if None.

    Returns:
        A loss at each position, at least 0, in nats: 0 of one answer, log K of equal scores.
    """
    scores_NK = scores_NK.float()
    if right_N is None:
        right = scores_NK[..., 0]
    else:
        right = scores_NK.gather(-1, right_N[..., None])[..., 0]
    return scores_NK.logsumexp(dim=-1) - right
