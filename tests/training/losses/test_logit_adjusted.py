"""Logit adjustment against the softmax written out, and as the balanced softmax."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from hf_apt.training.losses.logit_adjusted import LogitAdjusted

COUNTS = torch.tensor([90.0, 9.0, 1.0])


@pytest.mark.parametrize("tau", [0.5, 1.0, 2.0])
def test_it_is_the_softmax_of_logits_and_priors(tau):
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)).double()
    labels = torch.tensor([0, 1, 2, 2, 0])
    losses = LogitAdjusted(tau=tau).each(logits, labels, COUNTS.double()).tolist()
    for row, label, loss in zip(logits.tolist(), labels.tolist(), losses, strict=True):
        shares = [0.9, 0.09, 0.01]
        terms = [math.exp(z) * share**tau for z, share in zip(row, shares, strict=True)]
        assert loss == pytest.approx(-math.log(terms[label] / sum(terms)), rel=1e-5)


def test_at_tau_1_it_is_the_balanced_softmax():
    """n_y exp(z_y) over the sum of n_c exp(z_c): the constant of the priors does not matter."""
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([2, 1, 0, 1])
    balanced = cross_entropy(logits + COUNTS.log(), labels, reduction="none")
    assert torch.allclose(LogitAdjusted().each(logits, labels, COUNTS), balanced, atol=1e-6)


def test_even_classes_are_the_cross_entropy():
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([2, 1, 0, 1])
    plain = cross_entropy(logits, labels, reduction="none")
    even = LogitAdjusted(tau=3.0).each(logits, labels, torch.full((3,), 7.0))
    assert torch.allclose(even, plain, atol=1e-6)


def test_its_optimum_is_balanced():
    """Where two classes look alike, the logits that lose least are equal, whatever their sizes."""
    logits = torch.zeros(1, 2, requires_grad=True)
    counts = torch.tensor([99.0, 1.0])
    rows = logits.expand(100, 2)
    labels = torch.tensor([0] * 99 + [1])
    LogitAdjusted().each(rows, labels, counts).sum().backward()
    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-4
