"""The sweep in plain torch, for any device: logits of a chunk of the vocabulary at a time."""
# N positions, V vocabulary, E decoder input width, C tokens of a chunk, K tokens of a block.

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from hf_apt.depths.sweep.result import VocabularySweep

CHUNK = 1024
"""Tokens scored at once: their logits stay in the processor's cache."""
_BLOCK = 64
"""Tokens whose largest logit is found first: a maximum is vectorised, its place is not."""


def chunked_argmax(features_NE: Tensor, weight_VE: Tensor, bias_V: Tensor | None) -> Tensor:
    """The token id (N,) of the largest logit; of equal logits the lowest id."""
    best = _Best(features_NE)
    for start, logits_NC in _chunks(features_NE, weight_VE, bias_V):
        best.update(start, logits_NC)
    return best.ids_N


def chunked_sweep(
    features_NE: Tensor, weight_VE: Tensor, bias_V: Tensor | None, targets_N: Tensor
) -> VocabularySweep:
    """The same id, and what cross-entropy needs, from the same chunks."""
    best = _Best(features_NE)
    total_N = torch.zeros_like(best.logit_N)
    target_logits_N = torch.zeros_like(best.logit_N)
    for start, logits_NC in _chunks(features_NE, weight_VE, bias_V):
        places_N = targets_N - start
        here_N = (places_N >= 0) & (places_N < logits_NC.shape[1])
        target_N = logits_NC.gather(1, places_N.clamp(0, logits_NC.shape[1] - 1)[:, None])[:, 0]
        target_logits_N = torch.where(here_N, target_N, target_logits_N)
        before_N = best.logit_N
        best.update(start, logits_NC)
        # Sums are of exp(logit - largest so far); where all are -inf there is nothing to take off.
        offset_N = best.logit_N.masked_fill(best.logit_N == -torch.inf, 0.0)
        total_N = total_N * (before_N - offset_N).exp()
        total_N += logits_NC.sub_(offset_N[:, None]).exp_().sum(dim=1)
    offset_N = best.logit_N.masked_fill(best.logit_N == -torch.inf, 0.0)
    return VocabularySweep(best.ids_N, offset_N + total_N.log(), target_logits_N)


class _Best:
    """The largest logit of each row so far, and its id."""

    def __init__(self, features_NE: Tensor):
        shape, device = features_NE.shape[:1], features_NE.device
        self.logit_N = torch.full(shape, -torch.inf, dtype=_wide(features_NE), device=device)
        self.ids_N = torch.zeros(shape, dtype=torch.long, device=device)

    def update(self, start: int, logits_NC: Tensor) -> None:
        largest_N, places_N = _largest(logits_NC)
        better_N = largest_N > self.logit_N
        self.logit_N = torch.where(better_N, largest_N, self.logit_N)
        self.ids_N = torch.where(better_N, places_N + start, self.ids_N)


def _wide(features_NE: Tensor) -> torch.dtype:
    """What logits are held in: rounded to 16 bits, they would tie where they differ."""
    return torch.promote_types(features_NE.dtype, torch.float32)


def _chunks(
    features_NE: Tensor, weight_VE: Tensor, bias_V: Tensor | None
) -> Iterator[tuple[int, Tensor]]:
    """The first id of each chunk, and its logits (N, C)."""
    wide = _wide(features_NE)
    features_NE = features_NE.to(wide)
    for start in range(0, len(weight_VE), CHUNK):
        chunk = slice(start, start + CHUNK)
        bias_C = None if bias_V is None else bias_V[chunk].to(wide)
        weight_CE = weight_VE[chunk].to(wide)
        with _no_autocast(features_NE.device.type):  # which would round again
            logits_NC = nn.functional.linear(features_NE, weight_CE, bias_C)
        yield start, logits_NC


def _no_autocast(device: str) -> AbstractContextManager[object]:
    available = torch.amp.is_autocast_available(device)
    return torch.autocast(device, enabled=False) if available else nullcontext()


def _largest(logits_NC: Tensor) -> tuple[Tensor, Tensor]:
    """The largest logit of each row, and its first place."""
    if logits_NC.device.type != "cpu" or logits_NC.shape[1] % _BLOCK:
        return logits_NC.max(dim=1)
    blocks_NbK = logits_NC.unflatten(1, (-1, _BLOCK))
    largest_N, block_N = blocks_NbK.amax(dim=2).max(dim=1)
    rows_N = torch.arange(len(logits_NC))
    return largest_N, blocks_NbK[rows_N, block_N].argmax(dim=1) + block_N * _BLOCK
