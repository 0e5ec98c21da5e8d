"""What reads the discriminator's states: one logit a position, or scores of tokens."""
# N positions, K candidates, H width.

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import gelu


class DetectionHead(nn.Module):
    """Whether the token shown was replaced: a layer, GELU, and a linear map to one logit."""

    def __init__(self, width: int):
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)

    def forward(self, hidden: Float[Tensor, "*positions width"]) -> Float[Tensor, "*positions"]:
        """The logit of "replaced" at each position."""
        return self.out(gelu(self.dense(hidden)))[..., 0]


class CandidateHead(nn.Module):
    """Scores of candidate tokens: products of their embeddings with a state that a layer has made.

    With `rejects` the first score is that of rejecting them all, the product with a vector of its
    own.
    """

    def __init__(self, width: int, eps: float, *, rejects: bool):
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.LayerNorm = nn.LayerNorm(width, eps=eps)
        self.reject = nn.Linear(width, 1, bias=False) if rejects else None

    def forward(
        self,
        hidden: Float[Tensor, "*positions width"],
        candidate_ids: Int[Tensor, "*positions candidates"],
        embed: Callable[[Tensor], Tensor],
    ) -> Float[Tensor, "*positions answers"]:
        """A score for each candidate; before them that of rejection, if there is one."""
        read = self.LayerNorm(gelu(self.dense(hidden)))
        # Under autocast the table is float32 and the states are not.
        scores = (embed(candidate_ids).to(read.dtype) @ read[..., None])[..., 0]
        return scores if self.reject is None else torch.cat([self.reject(read), scores], dim=-1)
