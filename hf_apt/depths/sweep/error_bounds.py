"""How far a logit multiplied in bfloat16 can be from the float32 one: bounds that always hold.

For a row x, a token's weights w and bias b, all float32 of width E, let x', w' be x, w rounded to
bfloat16, and |.| the Euclidean norm. A screen computes z = x'w' + b. Let f be xw + b summed up in
float32 in any order, with fused multiplications or without. Then z is off xw + b, and f too, by

1. rounding operands: xw - x'w' = x(w - w') + (x - x')w', at most |x| |w - w'| + |x - x'| |w'| by
   Cauchy and Schwarz. The norms of what rounding took are measured, not bounded by 2^-8 |x|.
2. a tensor core's sum: products of bfloat16 are exact; k >= 2 of them at a time are added to the
   sum so far, each cut to 24 bits of the largest, and so is the result (Fasi, Higham, Mikaitis and
   Pranesh, Numerical behavior of NVIDIA tensor cores, PeerJ Computer Science 7:e330, 2021): at most
   (k + 2) / k E 2^-23 <= E 2^-22 of |x'| |w'|. Zeros up to a full step count as columns.
3. the float32 sum: at most (E + 2) 2^-24 / (1 - (E + 2) 2^-24) of |x| |w| + |b| (Higham, Accuracy
   and Stability of Numerical Algorithms, 2nd ed., section 3.1).
4. adding the bias, and forming the bounds themselves: a few roundings of 2^-24.

With s = |x| + |x - x'|, t = |w'| + |w - w'| and c = 6 (E + 64) 2^-24, which covers 2 to 4, both
are within s (|w - w'| + c t) + |x - x'| t + c |b| of each other, and of xw + b. The sum of these
terms ours; it holds for E up to `MAX_WIDTH` and steps of up to 64 columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

MAX_WIDTH = 2**14
"""Columns up to which terms of second order are within the bounds."""

_LARGEST = 2.0**120
"""Logits below it overflow in no order of summation."""
_SLACK = 1 + 2.0**-16
"""More than the roundings by which the terms themselves can be too small."""


@dataclass(frozen=True)
class RoundedRows:
    """Rows in bfloat16, and what bounds their errors."""

    values_NE: Tensor
    """The rows rounded to bfloat16."""

    terms_2N: Tensor
    """|x| + |x - x'| and |x - x'| of each row, float32, rounded up."""


@dataclass(frozen=True)
class RoundedTokens:
    """Weights in bfloat16, their biases, and what bounds their errors."""

    values_VE: Tensor
    """The weights rounded to bfloat16."""

    terms_4V: Tensor
    """The bias, and what the two terms of a row and 1 are multiplied with, float32, rounded up."""


def rounded_rows(features_NE: Tensor) -> RoundedRows:
    """Float32 rows in bfloat16, and the terms of their bounds."""
    values_NE = features_NE.bfloat16().contiguous()
    lost_N = _norm_above(features_NE - values_NE.float())
    return RoundedRows(values_NE, torch.stack([_norm_above(features_NE) + lost_N, lost_N]))


def rounded_tokens(weight_VE: Tensor, bias_V: Tensor | None) -> RoundedTokens:
    """Float32 weights and biases in bfloat16, and the terms of their bounds.

    A bias of -inf rules its token out in either precision, and has no error.
    """
    width = weight_VE.shape[1]
    values_VE = weight_VE.bfloat16().contiguous()
    lost_V = _norm_above(weight_VE - values_VE.float())
    size_V = _norm_above(values_VE.float()) + lost_V
    bias_V = torch.zeros_like(size_V) if bias_V is None else bias_V.float()
    summed = 6 * (width + 64) * 2.0**-24
    bias_size_V = bias_V.abs().masked_fill(bias_V == -torch.inf, 0.0)
    errors = [lost_V + summed * size_V, size_V, summed * bias_size_V]
    return RoundedTokens(values_VE, torch.stack([bias_V, *(_SLACK * error for error in errors)]))


def is_bounded(rows: RoundedRows, tokens: RoundedTokens) -> Tensor:
    """Whether the bounds hold for a row, bool (N,): nothing is NaN, infinite or near overflow."""
    bias_V, size_V = tokens.terms_4V[0], tokens.terms_4V[2]
    moderate = (bias_V.masked_fill(bias_V == -torch.inf, 0.0).abs() < _LARGEST).all()
    size_N = rows.terms_2N[0]
    return (size_N * size_V.amax() < _LARGEST) & (size_N < _LARGEST) & moderate


def float32_error(magnitudes_P: Tensor, width: int) -> Tensor:
    """How far a float32 sum in any order can be from the true logit, float64 (P,).

    Args:
        magnitudes_P: the sums of |product| over the columns, and |bias|, in float64.
        width: the number of columns.
    """
    roundings = (width + 3) * 2.0**-24  # one for the float64 sum to which it is compared
    return magnitudes_P * (roundings / (1 - roundings)) + width * 2.0**-125


def _norm_above(rows_NE: Tensor) -> Tensor:
    """The Euclidean norm of each row, or a little more: never less, however it is rounded.

    Squares that vanish take at most 2^-63 of each column.
    """
    width = rows_NE.shape[1]
    norm_N = torch.linalg.vector_norm(rows_NE, dim=1)
    return norm_N * (1 + (width + 8) * 2.0**-23) + width**0.5 * 2.0**-62
