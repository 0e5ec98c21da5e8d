"""The divergences against numbers written out, and their gradients."""

import math

import pytest
import torch

from hf_apt.training.adversary.divergence import squared_difference, symmetric_kl


def logits(*shares: float) -> torch.Tensor:
    return torch.tensor([shares], dtype=torch.double).log()


def test_known_answers():
    first, second = logits(0.9, 0.1), logits(0.5, 0.5)
    there, back = 0.3680642072, 0.5108256238
    assert there == pytest.approx(math.log(2) + 0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    assert float(symmetric_kl(first, second)) == pytest.approx(there + back, rel=1e-6)
    assert float(symmetric_kl(first, second)) == pytest.approx(0.8788898309, rel=1e-6)
    assert torch.equal(symmetric_kl(first, second), symmetric_kl(second, first))
    assert float(symmetric_kl(first, first)) == 0.0
    assert float(symmetric_kl(first, first + 5.0)) == pytest.approx(0.0, abs=1e-12)
    assert squared_difference(torch.tensor([[3.0]]), torch.tensor([[1.0]])).tolist() == [4.0]
    assert squared_difference(torch.ones(2, 3), torch.zeros(2, 3)).tolist() == [3.0, 3.0]


def test_a_small_shift_gives_the_fisher_form():
    probabilities = torch.tensor([0.7, 0.2, 0.1])
    shift = torch.tensor([1e-3, -2e-3, 5e-4])
    fisher = torch.diag(probabilities) - torch.outer(probabilities, probabilities)
    assert float(shift @ fisher @ shift) == pytest.approx(1.4025e-6, rel=1e-4)
    moved = symmetric_kl(probabilities.log()[None], (probabilities.log() + shift)[None])
    assert float(moved) == pytest.approx(1.40130e-6, rel=2e-3)


def test_it_is_never_negative_and_in_float32():
    first, second = torch.randn(2, 500, 3, generator=torch.Generator().manual_seed(0)).bfloat16()
    divergence_N = symmetric_kl(first, second)
    assert divergence_N.dtype == torch.float32
    assert divergence_N.shape == (500,)
    assert float(divergence_N.min()) >= 0


def test_gradients_are_those_of_the_whole_sum_on_both_sides():
    first, second = (
        torch.randn(3, 4, generator=torch.Generator().manual_seed(seed)).requires_grad_()
        for seed in range(2)
    )
    symmetric_kl(first, second).sum().backward()

    def by_hand(values: torch.Tensor, other: torch.Tensor) -> float:
        p, q = values.double().softmax(-1), other.double().softmax(-1)
        return float(((p - q) * (p / q).log()).sum())

    for moved, other in ((first, second), (second, first)):
        assert moved.grad is not None
        for place in ((0, 1), (2, 3)):
            step = torch.zeros(3, 4, dtype=torch.double)
            step[place] = 1e-5
            values = moved.detach()
            plus, minus = (by_hand(values + sign * step, other.detach()) for sign in (1, -1))
            assert float(moved.grad[place]) == pytest.approx((plus - minus) / 2e-5, rel=1e-4)
