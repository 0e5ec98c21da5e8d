"""The head over pairs: its law by loops, independence as a special case, and known gaps."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from hf_apt.training.pairs.pair_head import PairHead, gaps


def drawn_head(**changed) -> PairHead:
    """A head none of whose weights is 0."""
    head = PairHead(6, num_answers=4, rank=3, max_distance=5, **changed)
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weight in head.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * 0.5)
    return head


def test_the_law_of_a_pair_is_what_loops_over_answers_give():
    head = drawn_head()
    first, second = torch.randn(2, 6, generator=torch.Generator().manual_seed(2))
    law = head(first[None], second[None], torch.tensor([3]))[0].exp()

    def transformed(state: torch.Tensor) -> np.ndarray:
        x = head.transform.detach().numpy() @ state.numpy() + head.transform_bias.detach().numpy()
        x = np.array([each * 0.5 * (1 + math.erf(each / math.sqrt(2))) for each in x])
        x = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
        return x * head.norm_weight.detach().numpy() + head.norm_bias.detach().numpy()

    a, b = transformed(first), transformed(second)
    weights = {name: each.detach().double().numpy() for name, each in head.named_parameters()}
    scores = np.zeros((4, 4))
    for x in range(4):
        for y in range(4):
            scores[x, y] = weights["first_scores"][x] @ a + weights["first_bias"][x]
            scores[x, y] += weights["second_scores"][y] @ b + weights["second_bias"][y]
            for r in range(3):
                gate = weights["gate"][r] @ np.concatenate([a, b]) + weights["distance_gate"][2][r]
                scores[x, y] += (
                    gate * weights["first_factors"][x, r] * weights["second_factors"][y, r]
                )
    expected = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(law.detach().numpy(), expected, rtol=1e-4, atol=1e-6)


def test_at_first_the_answers_are_independent_and_it_draws_nothing_of_torchs():
    before = torch.random.get_rng_state()
    head = PairHead(6, num_answers=4, rank=3, max_distance=5, seed=3)
    assert torch.equal(torch.random.get_rng_state(), before)
    states = torch.randn(2, 9, 6, generator=torch.Generator().manual_seed(1))
    log_joint = head(states[0], states[1], torch.arange(9) % 5 + 1)
    torch.testing.assert_close(log_joint.exp().sum((1, 2)), torch.ones(9))
    torch.testing.assert_close(gaps(log_joint), torch.zeros(9), atol=1e-6, rtol=0)
    again = PairHead(6, num_answers=4, rank=3, max_distance=5, seed=3)
    other = PairHead(6, num_answers=4, rank=3, max_distance=5, seed=4)
    assert torch.equal(again.transform, head.transform)
    assert not torch.equal(other.transform, head.transform)


def test_order_and_distance_matter():
    head = drawn_head()
    first, second = torch.randn(2, 1, 6, generator=torch.Generator().manual_seed(1))
    law = head(first, second, torch.tensor([2]))
    assert not torch.allclose(law, head(second, first, torch.tensor([2])).transpose(1, 2))
    assert not torch.allclose(law, head(first, second, torch.tensor([3])))


def test_gaps_of_independent_answers_of_copies_and_of_a_mix():
    p = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    entropy = -float((p * p.log()).sum())
    independent = p.log()[:, None] + torch.tensor([0.1, 0.6, 0.3], dtype=torch.float64).log()
    copies = torch.diag(p).log()
    mix = 0.5 * torch.diag(p) + 0.5 * p[:, None] * p
    by_hand = sum(
        float(mix[x, y] * math.log(mix[x, y] / (p[x] * p[y]))) for x in range(3) for y in range(3)
    )
    values = gaps(torch.stack([independent, copies, mix.log()]))
    np.testing.assert_allclose(values.numpy(), [0.0, entropy, by_hand], atol=1e-12)


@pytest.mark.parametrize("law", ["copies", "chain", "independent"])
def test_it_learns_joint_laws_of_copies_of_neighbours_and_of_independent_words(law):
    """States that say nothing: the mean loss comes to the entropy of the true joint law."""
    p = torch.tensor([0.4, 0.3, 0.2, 0.1])
    joint = {
        "copies": torch.diag(p) + 1e-4,
        "chain": p[:, None] * (0.8 * torch.eye(4) + 0.05),
        "independent": p[:, None] * p,
    }[law]
    joint = joint / joint.sum()
    head = PairHead(4, num_answers=4, rank=4, max_distance=1)
    states = torch.ones(1, 4) * torch.tensor([1.0, 0.0, -1.0, 2.0])
    optimizer = torch.optim.Adam(head.parameters(), lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        log_joint = head(states, states, torch.ones(1, dtype=torch.long))
        loss = cross_entropy(log_joint.flatten(1), joint.flatten()[None])
        loss.backward()
        optimizer.step()
    log_joint = head(states, states, torch.ones(1, dtype=torch.long)).detach()
    entropy = -float((joint * joint.log()).sum())
    assert float(loss.detach()) == pytest.approx(entropy, abs=0.01)
    marginals = joint.sum(1)[:, None] * joint.sum(0)
    gap = float((joint * (joint / marginals).log()).sum())
    assert float(gaps(log_joint)[0]) == pytest.approx(gap, abs=0.02)
