"""Balanced sets and their contrast: known answers, and a loop."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from hf_apt.training.contrast.contrastive_set import SetSizes, contrast_losses, contrastive_sets

SIZES = SetSizes(num_positives=5, num_negatives=9, hardest=2, mix=0.5)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_every_class_has_as_many_however_few_are_remembered():
    members = [drawn(30, 4), drawn(1, 4, seed=1), torch.zeros(0, 4)]
    prototypes = drawn(3, 4, seed=2)
    positives, negatives = contrastive_sets(members, prototypes, SIZES, 0.5, seed=3)
    assert positives.shape == (3, 5, 4)
    assert negatives.shape == (3, 9, 4)
    for rows in (positives, negatives):
        assert torch.allclose(rows.norm(dim=-1), torch.ones(rows.shape[:2]), atol=1e-5)
    # Of a class that was never met, the prototype stands for all.
    assert torch.allclose(positives[2], normalize(prototypes, dim=1)[2].expand(5, 4), atol=1e-5)
    again = contrastive_sets(members, prototypes, SIZES, 0.5, seed=3)
    assert torch.equal(again[0], positives)
    assert not torch.equal(contrastive_sets(members, prototypes, SIZES, 0.5, seed=4)[0], positives)


def test_what_is_not_mixed_is_a_feature_and_other_classes_come_alike():
    members = [drawn(30, 4), drawn(2, 4, seed=1), drawn(5, 4, seed=5)]
    prototypes = drawn(3, 4, seed=2)
    sizes = SetSizes(num_positives=40, num_negatives=400, hardest=2, mix=0.5)
    positives, negatives = contrastive_sets(members, prototypes, sizes, 0.0, seed=0)
    pools = [
        normalize(torch.cat([own, p[None]]), dim=1)
        for own, p in zip(members, prototypes, strict=True)
    ]

    def from_which(row: torch.Tensor) -> int:
        return min(range(3), key=lambda label: float((pools[label] - row).abs().sum(1).min()))

    assert {from_which(row) for row in positives[0]} == {0}
    origins = [from_which(row) for row in negatives[0]]
    assert abs(origins.count(1) - 200) < 60, "of 2 features as often as of 5"
    assert set(origins) == {1, 2}


def test_mixes_lie_between_the_two_hardest():
    """Positives those least like the prototype, negatives those most like it."""
    angles = torch.tensor([0.1, 0.2, 1.0, 1.2])
    own = torch.stack([angles.cos(), angles.sin()], dim=1)
    other = torch.stack([(-angles).cos(), (-angles).sin()], dim=1)
    prototypes = torch.tensor([[1.0, 0.0], [0.0, -1.0]])
    positives, negatives = contrastive_sets([own, other], prototypes, SIZES, 1.0, seed=0)
    at = torch.atan2(positives[0, :, 1], positives[0, :, 0])
    assert ((at > 1.0 - 1e-5) & (at < 1.2 + 1e-5)).all()
    assert (torch.atan2(negatives[0, :, 1], negatives[0, :, 0]) > -0.2 - 1e-5).all()


def test_the_loss_is_that_of_a_loop():
    features, prototypes = drawn(4, 6), drawn(3, 6, seed=1)
    labels = torch.tensor([2, 0, 0, 1])
    positives, negatives = drawn(3, 2, 6, seed=2), drawn(3, 5, 6, seed=3)
    positives, negatives = normalize(positives, dim=-1), normalize(negatives, dim=-1)
    losses = contrast_losses(features, labels, prototypes, positives, negatives, 0.3)
    for row, label, loss in zip(features, labels.tolist(), losses.tolist(), strict=True):
        entries = [*prototypes, *positives[label], *negatives[label]]
        alike = [float(torch.cosine_similarity(row, each, dim=0)) / 0.3 for each in entries]
        log_sum = math.log(sum(math.exp(each) for each in alike))
        own = [alike[label], alike[3], alike[4]]
        assert loss == pytest.approx(log_sum - sum(own) / 3, rel=1e-4)


def test_known_answers():
    # Where all look alike: the log of the number of entries, 2 + 3 + 4.
    ones = torch.ones(2, 4)
    same = normalize(torch.ones(2, 3, 4), dim=-1), normalize(torch.ones(2, 4, 4), dim=-1)
    losses = contrast_losses(ones, torch.tensor([0, 1]), ones, *same, 0.3)
    assert losses.tolist() == pytest.approx([math.log(9)] * 2)
    # Orthonormal, one entry of 4 right: ln(1 + 3 / e), as of InfoNCE.
    eye = torch.eye(4)
    none = torch.zeros(4, 0, 4)
    loss = contrast_losses(eye, torch.arange(4), eye, none, none, 1.0)
    assert loss.tolist() == pytest.approx([0.7436683806] * 4)
    assert contrast_losses(7 * eye, torch.arange(4), 3 * eye, none, none, 0.4).tolist() == (
        pytest.approx([0.2201430510] * 4)
    )


def test_gradients_go_to_features_and_prototypes():
    features = drawn(3, 4).double().requires_grad_()
    prototypes = drawn(2, 4, seed=1).double().requires_grad_()
    sets = (normalize(drawn(2, 2, 4, seed=2), dim=-1), normalize(drawn(2, 3, 4, seed=3), dim=-1))
    labels = torch.tensor([0, 1, 1])
    losses = contrast_losses(features, labels, prototypes, *sets, 0.3)
    gradients = torch.autograd.grad(losses.sum(), (features, prototypes))
    assert min(float(each.abs().max()) for each in gradients) > 1e-3
    # Of unit rows the gradient has no part along the row.
    assert (gradients[0] * features).sum(dim=1).detach().abs().max() < 1e-5
