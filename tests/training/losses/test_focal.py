"""The focal loss against its formula in Python's floats."""

import math

import pytest
import torch

from hf_apt.training.losses.focal import Focal

ONES = torch.ones(2)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_it_is_the_formula(gamma, share):
    logits = torch.tensor([[math.log(share), math.log(1 - share)]], dtype=torch.double)
    loss = Focal(gamma=gamma).each(logits, torch.tensor([0]), ONES)
    assert float(loss) == pytest.approx(-((1 - share) ** gamma) * math.log(share))


def test_known_answers():
    # p = 1/2: (1/2)^2 ln 2.
    loss = Focal(gamma=2.0).each(torch.zeros(1, 2), torch.tensor([1]), ONES)
    assert float(loss) == pytest.approx(0.1732868, rel=1e-6)
    assert not Focal(gamma=2.0).needs_counts
    assert Focal(gamma=0.0).is_plain


def test_what_is_certain_and_right_has_no_gradient_and_no_nan():
    for gamma in (0.1, 0.5, 2.0):
        logits = torch.tensor([[200.0, 0.0]], requires_grad=True)
        loss = Focal(gamma=gamma).each(logits, torch.tensor([0]), ONES).sum()
        loss.backward()
        assert float(loss) == 0
        assert logits.grad is not None
        assert logits.grad.abs().max() == 0
