"""A head that gives one joint law over the words at two masked positions.

After the pairwise masked language model of He et al. 2021, arXiv 2110.15527, whose head gives all
pairs of amino acids. The form is ours: scores of either word and an interaction of low rank.
"""
# A answers: K words and "another word". H width of the states. N pairs. R rank.

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


class PairHead(nn.Module):
    """The joint law of the answers at an earlier and a later position, from both states.

    Either state goes through one transform (linear, GELU, normalisation). The score of the answers
    (x, y) is a score of x by the earlier state, one of y by the later state, and an interaction
    sum over r of g_r P_xr Q_yr, whose R factors g come from both states and the distance. All
    scores together, K + 1 squared, go through one softmax. Where g is 0, as at first, the two
    answers are independent.

    Args:
        hidden_size: width H of the states.
        num_answers: number A of answers of a position.
        rank: number R of factors of the interaction.
        max_distance: largest distance of two positions.
        seed: of the first weights, which draw nothing from torch's own random numbers.
    """

    def __init__(
        self, hidden_size: int, *, num_answers: int, rank: int, max_distance: int, seed: int = 0
    ):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)

        def drawn(*shape: int, std: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator) * std)

        def zeros(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.zeros(*shape))

        self.transform = drawn(hidden_size, hidden_size, std=hidden_size**-0.5)
        self.transform_bias = zeros(hidden_size)
        self.norm_weight = nn.Parameter(torch.ones(hidden_size))
        self.norm_bias = zeros(hidden_size)
        self.first_scores = drawn(num_answers, hidden_size, std=0.02)
        self.first_bias = zeros(num_answers)
        self.second_scores = drawn(num_answers, hidden_size, std=0.02)
        self.second_bias = zeros(num_answers)
        self.first_factors = drawn(num_answers, rank, std=rank**-0.5)
        self.second_factors = drawn(num_answers, rank, std=rank**-0.5)
        self.gate = zeros(rank, 2 * hidden_size)
        self.distance_gate = zeros(max_distance, rank)

    def forward(
        self,
        first_NH: Float[Tensor, "n h"],
        second_NH: Float[Tensor, "n h"],
        distances_N: Int[Tensor, " n"],
    ) -> Float[Tensor, "n first second"]:
        """The logarithm of the joint law of each pair, in float32.

        Memory: N * A^2 numbers, and a few times that in training.

        Args:
            first_NH: states at the earlier positions.
            second_NH: states at the later positions.
            distances_N: tokens from one to the other, from 1 to `max_distance`.

        Returns:
            (N, A, A) in nats, a row for each earlier answer; each law adds up to 1.
        """
        with torch.autocast(first_NH.device.type, enabled=False):
            first_NH, second_NH = self._transformed(first_NH), self._transformed(second_NH)
            first_NA = first_NH @ self.first_scores.T + self.first_bias
            second_NA = second_NH @ self.second_scores.T + self.second_bias
            gate_NR = torch.cat([first_NH, second_NH], dim=-1) @ self.gate.T
            gate_NR = gate_NR + self.distance_gate[distances_N - 1]
            factors_NAR = gate_NR[:, None] * self.first_factors
            scores_NAA = factors_NAR @ self.second_factors.T
            scores_NAA = scores_NAA + first_NA[:, :, None] + second_NA[:, None]
            return scores_NAA.flatten(1).log_softmax(dim=-1).view_as(scores_NAA)

    def _transformed(self, states_NH: Float[Tensor, "n h"]) -> Float[Tensor, "n h"]:
        hidden_NH = states_NH.float() @ self.transform.T + self.transform_bias
        return nn.functional.layer_norm(
            nn.functional.gelu(hidden_NH), hidden_NH.shape[-1:], self.norm_weight, self.norm_bias
        )


def gaps(log_joint_NAA: Float[Tensor, "n first second"]) -> Float[Tensor, " n"]:
    """KL(joint || product of its own marginals), the mutual information of each pair, in nats.

    It is 0 for independent answers and the entropy of the answer for copies.
    """
    first_NA1 = log_joint_NAA.logsumexp(dim=2, keepdim=True)
    second_N1A = log_joint_NAA.logsumexp(dim=1, keepdim=True)
    terms_NAA = log_joint_NAA.exp() * (log_joint_NAA - first_NA1 - second_N1A)
    # A probability that underflows has no share.
    return terms_NAA.nan_to_num(nan=0.0).flatten(1).sum(dim=1)
