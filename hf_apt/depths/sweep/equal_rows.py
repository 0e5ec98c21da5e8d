"""Rows that are equal to the bit, decoded once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from hf_apt.depths.sweep.result import VocabularySweep, require_ids
from hf_apt.depths.sweep.vocabulary import vocabulary_sweep


def once_each(decode: Callable[[Tensor], Tensor], hidden_NH: Tensor) -> Tensor:
    """What `decode` makes of each row, asked once for rows that are equal to the bit.

    At the embeddings they are few: a masked position differs from others by its position alone.
    """
    distinct = _distinct(hidden_NH)
    if distinct is None:
        return decode(hidden_NH)
    first, inverse_N = distinct
    return decode(hidden_NH[first])[inverse_N]


def sweep_once_each(
    features: Callable[[Tensor], Tensor],
    weight_VE: Tensor,
    bias_V: Tensor | None,
    hidden_NH: Tensor,
    targets_N: Tensor,
) -> VocabularySweep:
    """The sweep of `features` of each row, made once for rows that are equal to the bit.

    Only the targets' logits are computed row by row: equal rows can have different targets.

    Raises ValueError if a target is outside the vocabulary.
    """
    distinct = _distinct(hidden_NH)
    if distinct is None:
        return vocabulary_sweep(features(hidden_NH), weight_VE, bias_V, targets_N)
    require_ids(targets_N, len(weight_VE))
    first, inverse_N = distinct
    features_NE = features(hidden_NH[first])
    swept = vocabulary_sweep(features_NE, weight_VE, bias_V, targets_N[first])
    wide = swept.log_sum_exp_N.dtype
    rows_NE, weight_NE = features_NE[inverse_N].to(wide), weight_VE[targets_N].to(wide)
    target_logits_N = torch.linalg.vecdot(rows_NE, weight_NE)
    if bias_V is not None:
        target_logits_N = target_logits_N + bias_V[targets_N].to(wide)
    return VocabularySweep(swept.ids_N[inverse_N], swept.log_sum_exp_N[inverse_N], target_logits_N)


def _distinct(hidden_NH: Tensor) -> tuple[Tensor, Tensor] | None:
    """The first of the rows that are equal, and which of these each row is.

    None where it would not pay to look.
    """
    if hidden_NH.device.type != "cpu" or hidden_NH.dtype != torch.float32 or not len(hidden_NH):
        return None
    rows_N = hidden_NH.contiguous().numpy().view(f"V{hidden_NH.shape[1] * 4}")[:, 0]
    _, first, inverse_N = np.unique(rows_N, return_index=True, return_inverse=True)
    return torch.from_numpy(first), torch.from_numpy(inverse_N)
