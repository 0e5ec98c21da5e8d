"""Cosines of the states of [CLS] and of tokens, of each text."""

from __future__ import annotations

import torch
from torch import Tensor


def cls_cosines(states_BTH: Tensor, own_BT: Tensor) -> tuple[Tensor, Tensor]:
    """The mean cosine of [CLS] with a text's tokens, and of these with one another.

    [CLS] is the first position. A state of length 0 has a cosine of 0 with every other.

    Args:
        states_BTH: states of texts, shape (B, T, H), computed in float64.
        own_BT: which positions are tokens of the text's own, booleans of shape (B, T), without the
            first.

    Returns:
        For each text the mean cosine of [CLS] and its tokens, and of all pairs of different tokens,
        each of shape (B,), from -1 to 1; NaN over nothing.

    >>> states_BTH = torch.tensor([[[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]]])
    >>> own_BT = torch.tensor([[False, True, True]])
    >>> [float(each) for each in cls_cosines(states_BTH, own_BT)]
    [0.5, 0.0]
    """
    unit_BTH = torch.nn.functional.normalize(states_BTH.double(), dim=-1)
    own_BT = own_BT.to(unit_BTH.device)
    tokens_BTH = unit_BTH * own_BT[..., None]
    num_B = own_BT.sum(dim=1).double()
    sum_BH = tokens_BTH.sum(dim=1)
    to_cls_B = (sum_BH * unit_BTH[:, 0]).sum(dim=1) / num_B
    squares_B = tokens_BTH.square().sum(dim=(1, 2))
    pairs_B = (sum_BH.square().sum(dim=1) - squares_B) / (num_B * (num_B - 1))
    return to_cls_B, pairs_B
