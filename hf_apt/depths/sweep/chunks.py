"""The sweep in torch, for any device: logits of a chunk of the vocabulary at a time.

On the processor rows are taken some at a time, too, so that their logits of a chunk stay in its
cache, and float32 is multiplied by what is fastest there (`hf_apt.arithmetic.matmul.fast_linear`).
"""
# J: blocks of a chunk.

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from hf_apt.arithmetic.matmul import fast_linear
from hf_apt.depths.sweep.result import VocabularySweep, answered

CHUNK = 1024
"""Tokens scored at once: their logits stay in the processor's cache."""
_ROWS = 1024
"""Rows scored at once on the processor, for the same reason."""
_BLOCK = 64
"""Tokens whose largest logit is found first: a maximum is vectorised, its index is not."""


def chunked_argmax(features_NE: Tensor, weight_VE: Tensor, bias_V: Tensor | None) -> Tensor:
    """The token id (N,) of the largest logit; of equal logits the lowest id; else `NO_ANSWER`."""
    ids = []
    for rows_NE in _tiles(features_NE):
        best = _Best(rows_NE)
        for start, logits_NK in chunks_of_logits(rows_NE, weight_VE, bias_V):
            best.update(start, logits_NK)
        ids.append(answered(best.ids_N, best.logit_N))
    return torch.cat(ids)


def chunked_sweep(
    features_NE: Tensor, weight_VE: Tensor, bias_V: Tensor | None, targets_N: Tensor
) -> VocabularySweep:
    """The id of `chunked_argmax`, and what cross-entropy needs, from the same chunks."""
    parts = zip(_tiles(features_NE), _tiles(targets_N), strict=True)
    return VocabularySweep.joined(
        [_swept(rows_NE, weight_VE, bias_V, rows_N) for rows_NE, rows_N in parts]
    )


def _swept(
    features_NE: Tensor, weight_VE: Tensor, bias_V: Tensor | None, targets_N: Tensor
) -> VocabularySweep:
    best = _Best(features_NE)
    total_N = torch.zeros_like(best.logit_N)
    target_logits_N = torch.zeros_like(best.logit_N)
    for start, logits_NK in chunks_of_logits(features_NE, weight_VE, bias_V):
        indices_N = targets_N - start
        here_N = (indices_N >= 0) & (indices_N < logits_NK.shape[1])
        target_N = logits_NK.gather(1, indices_N.clamp(0, logits_NK.shape[1] - 1)[:, None])[:, 0]
        target_logits_N = torch.where(here_N, target_N, target_logits_N)
        before_N = best.logit_N
        best.update(start, logits_NK)
        # Sums are of exp(logit - largest so far); where all are -inf there is nothing to take off.
        offset_N = best.logit_N.masked_fill(best.logit_N == -torch.inf, 0.0)
        total_N = total_N * (before_N - offset_N).exp()
        total_N += logits_NK.sub_(offset_N[:, None]).exp_().sum(dim=1)
    offset_N = best.logit_N.masked_fill(best.logit_N == -torch.inf, 0.0)
    return VocabularySweep(
        answered(best.ids_N, best.logit_N), offset_N + total_N.log(), target_logits_N
    )


def _tiles(rows: Tensor) -> tuple[Tensor, ...]:
    """`rows`, equally many at a time, at most `_ROWS` on the processor; never no part."""
    num_parts = -(-len(rows) // _ROWS) if rows.device.type == "cpu" else 1
    return rows.tensor_split(max(num_parts, 1))


class _Best:
    """The largest logit of each row so far, NaN if one was NaN, and its id."""

    def __init__(self, features_NE: Tensor):
        shape, device = features_NE.shape[:1], features_NE.device
        self.logit_N = torch.full(shape, -torch.inf, dtype=_wide(features_NE), device=device)
        self.ids_N = torch.zeros(shape, dtype=torch.long, device=device)

    def update(self, start: int, logits_NK: Tensor) -> None:
        largest_N, indices_N = _largest(logits_NK)
        better_N = largest_N > self.logit_N
        self.logit_N = torch.maximum(self.logit_N, largest_N)
        self.ids_N = torch.where(better_N, indices_N + start, self.ids_N)


def _wide(features_NE: Tensor) -> torch.dtype:
    """What logits are held in: rounded to 16 bits, they would tie where they differ."""
    return torch.promote_types(features_NE.dtype, torch.float32)


def chunks_of_logits(
    features_NE: Tensor, weight_VE: Tensor, bias_V: Tensor | None
) -> Iterator[tuple[int, Tensor]]:
    """The first id of each chunk of the vocabulary, and its logits (N, K), float32 at least."""
    wide = _wide(features_NE)
    features_NE = features_NE.to(wide)
    for start in range(0, len(weight_VE), CHUNK):
        chunk = slice(start, start + CHUNK)
        bias_K = None if bias_V is None else bias_V[chunk].to(wide)
        weight_KE = weight_VE[chunk].to(wide)
        with _no_autocast(features_NE.device.type):  # which would round again
            logits_NK = fast_linear(features_NE, weight_KE, bias_K)
        yield start, logits_NK


def _no_autocast(device: str) -> AbstractContextManager[object]:
    available = torch.amp.is_autocast_available(device)
    return torch.autocast(device, enabled=False) if available else nullcontext()


def _largest(logits_NK: Tensor) -> tuple[Tensor, Tensor]:
    """The largest logit of each row, and the lowest index at which it stands."""
    if logits_NK.device.type != "cpu" or logits_NK.shape[1] % _BLOCK:
        return logits_NK.max(dim=1)
    blocks_NJW = logits_NK.unflatten(1, (-1, _BLOCK))
    largest_N, block_N = blocks_NJW.amax(dim=2).max(dim=1)
    rows_N = torch.arange(len(logits_NK))
    return largest_N, blocks_NJW[rows_N, block_N].argmax(dim=1) + block_N * _BLOCK
