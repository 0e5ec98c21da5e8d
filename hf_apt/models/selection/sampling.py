"""Tokens drawn from a generator's answers: what is shown, and other tokens than the true one.

All draws are a pure function of one 64-bit key a position and of the generator's probabilities, so
that they do not depend on how a batch is divided, and are the same after a resumption. Numbers are
those of SplitMix64 (`hf_apt.data.draws.splitmix`); tokens are found by inversion of the
distribution function in float64.
"""
# N positions, V vocabulary, K tokens drawn, R tokens that are left out.

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hf_apt.data.draws.splitmix import SIGNED_STEP, mixed_signed, shifted_right

_FLOOR = 1e-12
"""Smallest probability of a token: there is always another one to draw."""


def uniforms(keys_N: Int[Tensor, " n"], num: int) -> Float[Tensor, "n num"]:
    """`num` numbers in [0, 1) for each key, float64, to 53 bits."""
    steps = torch.arange(1, num + 1, device=keys_N.device) * SIGNED_STEP
    return shifted_right(mixed_signed(keys_N[:, None] + steps), 11).double() * 2.0**-53


def cumulative(logits_NV: Float[Tensor, "n vocab"]) -> Float[Tensor, "n vocab"]:
    """The distribution functions of the softmax of `logits_NV`, in float64; the last entry is 1."""
    probabilities_NV = logits_NV.double().softmax(dim=-1).clamp_(min=_FLOOR)
    sums_NV = probabilities_NV.cumsum(dim=-1)
    return sums_NV.div_(sums_NV[:, -1:].clone())


def drawn(
    cumulative_NV: Float[Tensor, "n vocab"],
    uniforms_N: Float[Tensor, " n"],
    without_NR: Int[Tensor, "n left_out"],
) -> Int[Tensor, " n"]:
    """A token for each position, drawn from its distribution without some tokens.

    Args:
        cumulative_NV: distribution functions, as `cumulative` gives them.
        uniforms_N: a number in [0, 1) for each position.
        without_NR: ids of different tokens that are not to be drawn, fewer than there are.

    Returns:
        Token ids, int64.
    """
    without_NR = without_NR.sort(dim=-1).values
    ends_NR = cumulative_NV.gather(1, without_NR)
    begins_NR = cumulative_NV.gather(1, (without_NR - 1).clamp(min=0))
    begins_NR = begins_NR.masked_fill(without_NR == 0, 0.0)
    masses_NR = ends_NR - begins_NR
    places_N = uniforms_N * (cumulative_NV[:, -1] - masses_NR.sum(dim=1))
    for begin_N, mass_N in zip(begins_NR.unbind(1), masses_NR.unbind(1), strict=True):
        places_N = places_N + torch.where(places_N >= begin_N, mass_N, 0.0)
    vocab_size = cumulative_NV.shape[1]
    ids_N1 = torch.searchsorted(cumulative_NV, places_N[:, None], right=True)
    ids_N1 = ids_N1.clamp(max=vocab_size - 1)
    for _ in range(without_NR.shape[1]):  # a place that was rounded onto a token left out
        is_out_N1 = (ids_N1 == without_NR).any(dim=1, keepdim=True)
        ids_N1 = torch.where(is_out_N1, (ids_N1 + 1) % vocab_size, ids_N1)
    return ids_N1[:, 0]


def shown_and_others(
    logits_NV: Float[Tensor, "n vocab"],
    true_N: Int[Tensor, " n"],
    keys_N: Int[Tensor, " n"],
    *,
    num_others: int,
    asked_N: Tensor | None = None,
) -> tuple[Int[Tensor, " n"], Int[Tensor, "n others"]]:
    """A token to be shown at each position, and different tokens that are not the true one.

    The token that is shown is a sample of the generator. The others are drawn one after the other
    from the same distribution, each without the true token and those before it, and begin with the
    token that is shown where that is not the true one.

    Args:
        logits_NV: the generator's logits, shape (N, V).
        true_N: ids of the true tokens, shape (N,).
        keys_N: an int64 key for each position, of all its bits.
        num_others: number K of other tokens, less than V.
        asked_N: at which positions a sample is shown; at others it is the true token. All if None.

    Returns:
        Ids of the tokens that are shown, (N,), and of the others, (N, K).
    """
    cumulative_NV = cumulative(logits_NV)
    uniforms_NK = uniforms(keys_N, num_others + 1)
    shown_N = drawn(cumulative_NV, uniforms_NK[:, 0], true_N.new_empty(len(true_N), 0))
    if asked_N is not None:
        shown_N = torch.where(asked_N, shown_N, true_N)
    left_out_NK = true_N[:, None]
    for number in range(num_others):
        other_N = drawn(cumulative_NV, uniforms_NK[:, number + 1], left_out_NK)
        if number == 0:
            other_N = torch.where(shown_N != true_N, shown_N, other_N)
        left_out_NK = torch.cat([left_out_NK, other_N[:, None]], dim=1)
    return shown_N, left_out_NK[:, 1:]


def choices(
    true_N: Int[Tensor, " n"], shown_N: Int[Tensor, " n"], others_NK: Int[Tensor, "n others"]
) -> Int[Tensor, "n others"]:
    """Tokens that can stand in place of the one shown, which is not among them.

    Where the shown one is not the true one, the true one comes first in its place: `others_NK`, as
    `shown_and_others` gives them, begin with it.

    Returns:
        Ids of K different tokens for each position, (N, K).
    """
    first_N = torch.where(shown_N != true_N, true_N, others_NK[:, 0])
    return torch.cat([first_N[:, None], others_NK[:, 1:]], dim=1)
