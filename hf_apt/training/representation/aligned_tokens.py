"""Two views of the same texts, token by token: windows, and the loss that tells matches apart.

After the PointInfoNCE loss of Xie et al. 2020, "PointContrast: Unsupervised Pre-training for 3D
Point Cloud Understanding", arXiv 2007.10985, for tokens in place of points. Ours, from the formula.
"""
# B texts, T tokens, N matched tokens, H width.

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize


def aligned_token_infonce(
    first_NH: Float[Tensor, "n h"],
    second_NH: Float[Tensor, "n h"],
    temperature: float,
    types_N: Int[Tensor, " n"] | None = None,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """How badly each token of a view is told to be its match in the other, from all other matches.

    With cosines c_ij of token i in one view and j in the other, it is the mean over i of
    -log softmax_j(c_ij / temperature) at j = i, and over both directions: symmetric in the views,
    at least 0, log N where all tokens are alike.

    Args:
        first_NH: states of the tokens in the first view.
        second_NH: those of the same tokens in the second view, in the same order.
        temperature: what cosines are divided by, above 0.
        types_N: the type of each token, where another token of the same type is not to count as one
            to be told apart; None where all count.

    Returns:
        The loss in nats a token, and the share of tokens whose match is the nearest, without a
        gradient. Of fewer than two tokens both are 0 and 1: there is nothing to tell.
    """
    if len(first_NH) < 2:
        nothing = (first_NH.sum() + second_NH.sum()) * 0.0
        return nothing, torch.ones_like(nothing.detach())
    with torch.autocast(first_NH.device.type, enabled=False):
        kind = torch.promote_types(first_NH.dtype, torch.float32)
        first_NH, second_NH = (normalize(each.to(kind), dim=1) for each in (first_NH, second_NH))
        logits_NN = first_NH @ second_NH.T / temperature
    matches_N = torch.arange(len(logits_NN), device=logits_NN.device)
    if types_N is not None:
        same_NN = types_N[:, None] == types_N
        same_NN.fill_diagonal_(False)
        logits_NN = logits_NN.masked_fill(same_NN, -math.inf)
    directions = (logits_NN, logits_NN.T)
    loss = sum(cross_entropy(each, matches_N) for each in directions) / 2
    found = sum((each.argmax(dim=1) == matches_N).float().mean() for each in directions) / 2
    return torch.as_tensor(loss), torch.as_tensor(found).detach()


def overlapping_windows(
    present_BT: Bool[Tensor, "b t"], share: float
) -> tuple[Bool[Tensor, "b t"], Bool[Tensor, "b t"]]:
    """The tokens of two windows of each text, its first and its last ones.

    Each holds `share` of the text's tokens, rounded up: they overlap where `share` is above 1/2.

    >>> first, last = overlapping_windows(torch.tensor([[True, True, True, True, False]]), 0.75)
    >>> first.int().tolist(), last.int().tolist()
    ([[1, 1, 1, 0, 0]], [[0, 1, 1, 1, 0]])
    """
    lengths_B1 = present_BT.sum(dim=1, keepdim=True)
    places_BT = present_BT.cumsum(dim=1) - 1
    widths_B1 = torch.ceil(lengths_B1 * share).long()
    return (
        present_BT & (places_BT < widths_B1),
        present_BT & (places_BT >= lengths_B1 - widths_B1),
    )
