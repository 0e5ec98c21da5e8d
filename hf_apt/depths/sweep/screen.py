"""From bounds of all logits to the ids that they prove."""
# T: tiles of the vocabulary; P: pairs of a row and a token.

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hf_apt.depths.sweep.error_bounds import float32_error

MOST_CANDIDATES = 64
"""Tokens of a row that are scored again; a row that has more is swept."""

UNPROVEN = -2
"""The id of a row that the screen does not decide."""

_PAIRS = 4096
"""Candidates whose weights are gathered at once."""


@dataclass(frozen=True)
class Screen:
    """Bounds of the logits of N rows, over T tiles of tokens."""

    upper_TN: Tensor
    """The largest upper bound in each tile, float32."""

    ids_TN: Tensor
    """The token that has it, int32."""

    second_N: Tensor
    """The largest upper bound that is not the largest of its tile, float32."""

    lower_N: Tensor
    """The largest lower bound of all tokens, float32."""

    is_bounded_N: Tensor
    """Whether the bounds hold."""

    @property
    def is_candidate_TN(self) -> Tensor:
        """Whether the first token of each tile can have the row's largest float32 logit."""
        return self.upper_TN >= self.lower_N

    @property
    def is_complete_N(self) -> Tensor:
        """Whether no other token can: at most one of each tile."""
        return self.is_bounded_N & self.lower_N.isfinite() & (self.second_N < self.lower_N)

    @property
    def num_candidates_N(self) -> Tensor:
        """The number of tiles with a candidate, which where complete is that of candidates."""
        return self.is_candidate_TN.sum(dim=0)


def proven_ids(
    screen: Screen, features_NE: Tensor, weight_VE: Tensor, bias_V: Tensor | None
) -> Tensor:
    """The token id (N,) of the largest float32 logit, whatever the order of its sums.

    A single candidate is proven by the screen. Several are scored in float64; one is proven if
    float32 sums of all others stay below its own. `UNPROVEN` are the rest: ties and almost ties,
    rows that are not bounded, that have two candidates in one tile or too many of them.
    """
    num_N = screen.num_candidates_N
    decided_N = screen.is_complete_N & (num_N <= MOST_CANDIDATES)
    first_N = screen.upper_TN.argmax(dim=0, keepdim=True)
    ids_N = screen.ids_TN.gather(0, first_N)[0].long()
    ids_N = ids_N.where(decided_N & (num_N == 1), UNPROVEN)
    tiles_P, rows_P = (screen.is_candidate_TN & decided_N & (num_N > 1)).nonzero(as_tuple=True)
    tokens_P = screen.ids_TN[tiles_P, rows_P].long()
    lower_P, upper_P = _float32_bounds(features_NE, weight_VE, bias_V, rows_P, tokens_P)
    lower_N = lower_P.new_full(ids_N.shape, -torch.inf).scatter_reduce(0, rows_P, lower_P, "amax")
    is_left_P = upper_P >= lower_N[rows_P]
    num_left_N = torch.zeros_like(ids_N).scatter_add(0, rows_P, is_left_P.long())
    is_proven_P = is_left_P & (num_left_N[rows_P] == 1)
    return ids_N.index_put((rows_P[is_proven_P],), tokens_P[is_proven_P])


def _float32_bounds(
    features_NE: Tensor,
    weight_VE: Tensor,
    bias_V: Tensor | None,
    rows_P: Tensor,
    tokens_P: Tensor,
) -> tuple[Tensor, Tensor]:
    """What the float32 logit of each pair cannot be below, and not above, float64 (P,)."""
    bounds = [
        _bounds_of(features_NE[rows], weight_VE[tokens], None if bias_V is None else bias_V[tokens])
        for rows, tokens in zip(rows_P.split(_PAIRS), tokens_P.split(_PAIRS), strict=True)
    ]
    lower, upper = zip(*bounds, strict=True)
    return torch.cat(lower), torch.cat(upper)


def _bounds_of(
    features_PE: Tensor, weight_PE: Tensor, bias_P: Tensor | None
) -> tuple[Tensor, Tensor]:
    products_PE = features_PE.double() * weight_PE.double()
    logits_P, magnitudes_P = products_PE.sum(dim=1), products_PE.abs().sum(dim=1)
    if bias_P is not None:
        bias_P = bias_P.float()  # as the sweep adds it
        logits_P, magnitudes_P = logits_P + bias_P, magnitudes_P + bias_P.abs()
    error_P = float32_error(magnitudes_P, features_PE.shape[1])
    return logits_P - error_P, logits_P + error_P
