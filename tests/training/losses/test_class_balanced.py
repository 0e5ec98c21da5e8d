"""Weights of classes against the effective number written out, and its two limits."""

import math

import pytest
import torch

from hf_apt.training.losses.class_balanced import ClassBalanced

COUNTS = torch.tensor([100.0, 10.0, 1.0])


def by_hand(beta: float, counts: list[int]) -> list[float]:
    """1 / (1 + beta + beta^2 + ... of n summands), scaled to a sum of the number of classes."""
    effective = [math.fsum(beta**power for power in range(n)) for n in counts]
    total = math.fsum(1 / each for each in effective)
    return [len(counts) / each / total for each in effective]


@pytest.mark.parametrize("beta", [0.5, 0.9, 0.999, 0.999999])
def test_weights_are_those_of_the_sum_written_out(beta):
    weights = ClassBalanced(beta=beta).weights(COUNTS)
    assert weights.tolist() == pytest.approx(by_hand(beta, [100, 10, 1]), rel=1e-5)
    assert float(weights.sum()) == pytest.approx(3)


def test_known_answers():
    # E = 1.5 and 1: weights in proportion 2 to 3.
    weights = ClassBalanced(beta=0.5).weights(torch.tensor([2.0, 1.0]))
    assert weights.tolist() == pytest.approx([0.8, 1.2])
    assert ClassBalanced(beta=0.0).weights(COUNTS).tolist() == [1.0, 1.0, 1.0]
    inverse = [1 / n for n in (100, 10, 1)]
    near = ClassBalanced(beta=1 - 1e-12).weights(COUNTS).tolist()
    assert near == pytest.approx([3 * each / sum(inverse) for each in inverse], rel=1e-4)
    even = ClassBalanced(beta=0.99).weights(torch.full((4,), 7.0))
    assert even.tolist() == pytest.approx([1.0] * 4)


def test_an_example_weighs_as_its_class_does():
    logits = torch.tensor([[2.0, 0.0], [0.0, 0.0]])
    losses = ClassBalanced(beta=0.5).each(logits, torch.tensor([1, 0]), torch.tensor([2.0, 1.0]))
    expected = [1.2 * (2 + math.log1p(math.exp(-2))), 0.8 * math.log(2)]
    assert losses.tolist() == pytest.approx(expected)
