"""The most probable token of each position, without ever holding all its logits."""
# N positions, V vocabulary, E decoder input width, C tokens of a chunk, K tokens of a block.

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

CHUNK = 1024
"""Tokens scored at once: their logits stay in the processor's cache."""
_BLOCK = 64
"""Tokens whose largest logit is found first: a maximum is vectorised, its place is not."""


def streamed_argmax(features_NE: Tensor, weight_VE: Tensor, bias_V: Tensor | None) -> Tensor:
    """The token id (N,) of the largest logit, from chunks of the vocabulary.

    Logits are computed in the precision of the features; of equal logits the lowest id wins.
    """
    best_N = torch.full(features_NE.shape[:1], -torch.inf, device=features_NE.device)
    ids_N = torch.zeros(features_NE.shape[:1], dtype=torch.long, device=features_NE.device)
    for start in range(0, len(weight_VE), CHUNK):
        chunk = slice(start, start + CHUNK)
        logits_NC = nn.functional.linear(
            features_NE, weight_VE[chunk], None if bias_V is None else bias_V[chunk]
        )
        largest_N, places_N = _largest(logits_NC)
        better_N = largest_N > best_N
        best_N = torch.where(better_N, largest_N, best_N)
        ids_N = torch.where(better_N, places_N + start, ids_N)
    return ids_N


def once_each(decode: Callable[[Tensor], Tensor], hidden_NH: Tensor) -> Tensor:
    """What `decode` makes of each row, asked once for rows that are equal to the bit.

    At the embeddings they are few: a masked position is known by its place alone.
    """
    if hidden_NH.device.type != "cpu" or hidden_NH.dtype != torch.float32 or not len(hidden_NH):
        return decode(hidden_NH)
    rows_N = hidden_NH.contiguous().numpy().view(f"V{hidden_NH.shape[1] * 4}")[:, 0]
    _, first, inverse_N = np.unique(rows_N, return_index=True, return_inverse=True)
    return decode(hidden_NH[torch.from_numpy(first)])[torch.from_numpy(inverse_N)]


def _largest(logits_NC: Tensor) -> tuple[Tensor, Tensor]:
    """The largest logit of each row, and its first place."""
    if logits_NC.device.type != "cpu" or logits_NC.shape[1] % _BLOCK:
        return logits_NC.max(dim=1)
    blocks_NbK = logits_NC.unflatten(1, (-1, _BLOCK))
    largest_N, block_N = blocks_NbK.amax(dim=2).max(dim=1)
    rows_N = torch.arange(len(logits_NC))
    return largest_N, blocks_NbK[rows_N, block_N].argmax(dim=1) + block_N * _BLOCK
