"""The confidence penalty against sums written out, and known answers."""

import json
import math
from dataclasses import asdict

import pytest
import torch

from hf_apt.training.objective import Step
from hf_apt.training.objectives.entropy import ConfidencePenalty


def step(logits, labels, **inputs) -> Step:
    def refuse(_):
        raise AssertionError("it needs no second pass")

    return Step(
        model=None,
        inputs={"labels": labels} | inputs,
        outputs={"logits": logits},
        loss=torch.zeros(()),
        num_items=torch.tensor(100),
        loss_and_outputs=refuse,
    )


def term(logits, labels, weight=1.0, **inputs):
    (only,) = ConfidencePenalty(weight=weight)(step(logits, labels, **inputs))
    assert (only.name, only.weight, only.num_items) == ("confidence_penalty", weight, 100)
    return only


def slow(rows) -> float:
    """The sum over rows of p ln p, number by number in Python's floats."""
    total = 0.0
    for row in rows:
        exponentials = [math.exp(each) for each in row]
        for each in exponentials:
            share = each / sum(exponentials)
            total += share * math.log(share)
    return total


def test_it_is_the_sum_written_out_over_what_is_asked():
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(2, 7, 11, generator=generator)
    labels = torch.randint(0, 11, (2, 7), generator=generator)
    labels[:, ::3] = -100
    asked = [logits[text, place].tolist() for text in range(2) for place in (1, 2, 4, 5)]
    assert ConfidencePenalty(weight=1.0).count({"labels": labels}) == len(asked)
    assert float(term(logits, labels).total) == pytest.approx(slow(asked), rel=1e-6)
    # The same places, as a model returns them that computes these alone, and as padded ones.
    compact = logits[labels != -100]
    assert float(term(compact, labels).total) == pytest.approx(slow(asked), rel=1e-6)
    places = torch.tensor([1, 2, 4, 5, 8, 9, 11, 12, 0, 3])
    padded = torch.cat([compact, 50 * torch.randn(2, 11, generator=generator)])
    total = term(padded, labels, asked_positions=places).total
    assert float(total) == pytest.approx(slow(asked), rel=1e-6)


def test_known_answers():
    labels = torch.zeros(3, dtype=torch.long)
    even = term(torch.zeros(3, 8), labels).total
    assert float(even) == pytest.approx(-3 * math.log(8))
    certain = term(torch.tensor([[200.0, 0.0, 0.0]] * 3), labels).total
    assert float(certain) == 0.0
    halves = term(torch.tensor([[5.0, 5.0, -200.0]] * 3), labels).total
    assert float(halves) == pytest.approx(-3 * math.log(2))
    assert float(term(torch.zeros(3, 8), torch.full((3,), -100)).total) == 0.0


def test_a_step_down_its_gradient_raises_the_entropy():
    logits = torch.tensor([[2.0, 0.0, -1.0]], requires_grad=True)
    before = term(logits, torch.tensor([0])).total
    before.backward()
    after = term(logits.detach() - 0.1 * logits.grad, torch.tensor([0])).total
    assert after < before - 1e-3
    small = torch.randn(4, 5, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([1, -100, 0, 2])
    assert torch.autograd.gradcheck(
        lambda each: term(each, labels).total.double(), small.requires_grad_(), eps=1e-3, atol=1e-3
    )


def test_it_is_computed_in_float32():
    logits = torch.randn(4, 50, generator=torch.Generator().manual_seed(0)).bfloat16()
    total = term(logits, torch.zeros(4, dtype=torch.long)).total
    assert total.dtype == torch.float32
    assert float(total) == pytest.approx(slow(logits.float().tolist()), rel=1e-5)


def test_its_name_is_in_its_json():
    content = json.loads(json.dumps(asdict(ConfidencePenalty(weight=0.5))))
    assert content == {"name": "confidence_penalty", "weight": 0.5}


@pytest.mark.parametrize("weight", [-1.0, float("nan")])
def test_a_weight_that_is_none_is_refused(weight):
    with pytest.raises(ValueError, match=f"weight of confidence_penalty is {weight}: give a"):
        ConfidencePenalty(weight=weight)
