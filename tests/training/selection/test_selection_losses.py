"""Losses of telling the true token: by hand, at the ends of floats, and their gradients."""

import math

import pytest
import torch

from hf_apt.training.selection.selection_losses import choice_losses, detection_losses


def test_a_detections_loss_is_minus_the_log_of_its_probability():
    logits = torch.tensor([0.0, math.log(3), -math.log(3), math.log(3)])
    replaced = torch.tensor([True, True, True, False])
    # Probabilities of "replaced": 1/2, 3/4, 1/4, 3/4.
    expected = [math.log(2), math.log(4 / 3), math.log(4), math.log(4)]
    assert detection_losses(logits, replaced).tolist() == pytest.approx(expected)


def test_a_detections_loss_is_finite_and_exact_far_out():
    logits = torch.tensor([1000.0, -1000.0, 1000.0, -1000.0, -30.0], requires_grad=True)
    losses = detection_losses(logits, torch.tensor([True, True, False, False, False]))
    assert losses.tolist() == pytest.approx([0.0, 1000.0, 1000.0, 0.0, math.exp(-30)], rel=1e-5)
    losses.sum().backward()
    assert logits.grad is not None
    assert logits.grad.tolist() == pytest.approx([0, -1, 1, 0, math.exp(-30)], rel=1e-5)


def test_a_choices_loss_is_that_of_a_softmax_in_pythons_floats():
    generator = torch.Generator().manual_seed(0)
    scores = 4 * torch.randn(3, 5, 7, generator=generator)
    right = torch.randint(7, (3, 5), generator=generator)
    for at in ((0, 0), (1, 3), (2, 4)):
        row = scores[at].tolist()
        expected = math.log(sum(map(math.exp, row))) - row[int(right[at])]
        assert choice_losses(scores, right)[at].item() == pytest.approx(expected, rel=1e-5)
        first = math.log(sum(map(math.exp, row))) - row[0]
        assert choice_losses(scores)[at].item() == pytest.approx(first, rel=1e-5)


def test_one_answer_costs_0_and_equal_ones_the_log_of_their_number():
    assert choice_losses(torch.tensor([[17.3], [-4.0]])).tolist() == [0.0, 0.0]
    for num in (2, 5, 10):
        even = choice_losses(torch.full((3, num), 4.2))
        assert even.tolist() == pytest.approx([math.log(num)] * 3)


def test_a_hand_made_choice():
    # Scores log 2, log 1, log 5: the softmax is 2/8, 1/8, 5/8.
    scores = torch.tensor([[2.0, 1.0, 5.0]]).log().requires_grad_()
    losses = choice_losses(scores, torch.tensor([2]))
    assert losses.item() == pytest.approx(math.log(8 / 5))
    losses.sum().backward()
    assert scores.grad is not None
    assert scores.grad[0].tolist() == pytest.approx([0.25, 0.125, -0.375])


def test_losses_are_taken_in_float32():
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(4, 50, generator=generator).bfloat16()
    assert choice_losses(scores).dtype == torch.float32
    assert torch.equal(choice_losses(scores), choice_losses(scores.float()))
    assert detection_losses(scores, scores > 0).dtype == torch.float32


def test_gradients_are_those_of_differences():
    generator = torch.Generator().manual_seed(1)
    scores, right = torch.randn(4, 5, generator=generator), torch.tensor([0, 3, 4, 1])
    for losses in (
        lambda each: choice_losses(each, right),
        lambda each: detection_losses(each, right[:, None] > 1),
    ):
        moved = scores.clone().requires_grad_()
        losses(moved).sum().backward()
        assert moved.grad is not None
        for at in ((0, 0), (1, 3), (3, 4)):
            up, down = scores.clone(), scores.clone()
            up[at] += 0.01
            down[at] -= 0.01
            slope = float(losses(up).sum() - losses(down).sum()) / 0.02
            assert moved.grad[at].item() == pytest.approx(slope, abs=2e-3)
