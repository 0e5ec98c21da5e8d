"""Losses on pairs: golden numbers, loops over pairs in Python's floats, what must not matter."""

import math

import pytest
import torch

from hf_apt.training.representation.pair_losses import (
    contrastive_loss,
    multi_similarity_loss,
    off_diagonal,
    unit_vectors,
)


@pytest.fixture
def batch():
    """Vectors of three groups, nodes of which some are there twice, and which pairs count."""
    generator = torch.Generator().manual_seed(0)
    nodes = torch.tensor([0, 1, 2, 3, 4, 5, 1, 6, 3])
    vectors = torch.randn(9, 5, generator=generator)
    same = nodes[:, None] == nodes[None]
    linked = (nodes[:, None] % 3 == nodes[None] % 3) & ~same
    return vectors, linked, ~linked & ~same


def in_a_loop(vectors, linked, unlinked, a=2.0, b=40.0, threshold=0.5, margin=math.inf) -> float:
    rows = vectors.tolist()
    num = len(rows)

    def cosine(i: int, j: int) -> float:
        product = sum(a * b for a, b in zip(rows[i], rows[j], strict=True))
        return product / math.hypot(*rows[i]) / math.hypot(*rows[j])

    losses = []
    for i in range(num):
        near = [cosine(i, j) for j in range(num) if linked[i][j] and i != j]
        far = [cosine(i, j) for j in range(num) if unlinked[i][j] and i != j]
        kept_far = [each for each in far if near and each + margin > min(near)]
        kept_near = [each for each in near if far and each - margin < max(far)]
        if kept_near and kept_far:
            losses.append(
                math.log1p(sum(math.exp(-a * (each - threshold)) for each in kept_near)) / a
                + math.log1p(sum(math.exp(b * (each - threshold)) for each in kept_far)) / b
            )
    return sum(losses) / max(len(losses), 1)


def pair_of(positive: float, negative: float) -> tuple[torch.Tensor, ...]:
    """One vector with a linked one at one cosine and an unlinked one at another."""
    vectors = torch.tensor(
        [
            [1.0, 0.0],
            [positive, math.sqrt(1 - positive**2)],
            [negative, -math.sqrt(1 - negative**2)],
        ]
    )
    linked, unlinked = torch.zeros(2, 3, 3, dtype=torch.bool)
    linked[0, 1] = unlinked[0, 2] = True
    return vectors, linked, unlinked


def test_the_golden_number():
    loss = multi_similarity_loss(*pair_of(0.8, 0.2))
    assert float(loss) == pytest.approx(0.2187441288, abs=2e-7)


@pytest.mark.parametrize("margin", [math.inf, 10.0, 0.5, 0.1, 0.0])
@pytest.mark.parametrize("scales", [(2.0, 40.0), (1.0, 1.0), (0.5, 2.0)])
def test_it_is_the_sum_written_out(batch, margin, scales):
    a, b = scales
    loss = multi_similarity_loss(
        *batch, positive_scale=a, negative_scale=b, threshold=0.3, margin=margin
    )
    expected = in_a_loop(*batch, a=a, b=b, threshold=0.3, margin=margin)
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert expected > 0
    if margin == 10:
        assert expected == in_a_loop(*batch, a=a, b=b, threshold=0.3)


def test_mining_keeps_what_violates_the_order_of_cosines():
    """At 0.8 and 0.2 nothing does by a margin of 0.5, and by one of 0.7 both do."""
    assert multi_similarity_loss(*pair_of(0.8, 0.2), margin=0.5) == 0
    kept = multi_similarity_loss(*pair_of(0.8, 0.2), margin=0.7)
    assert kept == multi_similarity_loss(*pair_of(0.8, 0.2))


def test_a_perfect_answer_costs_nothing_with_large_scales():
    loss = multi_similarity_loss(*pair_of(1.0, -1.0), positive_scale=100.0, negative_scale=100.0)
    assert 0 <= float(loss) < 1e-6


def test_an_anchor_without_pairs_of_both_kinds_does_not_count(batch):
    vectors, linked, unlinked = batch
    nothing = torch.zeros_like(linked)
    for pairs in ((nothing, unlinked), (linked, nothing), (nothing, nothing)):
        leaf = vectors.clone().requires_grad_()
        loss = multi_similarity_loss(leaf, *pairs)
        assert loss.item() == 0.0
        loss.backward()
        assert leaf.grad is not None
        assert (leaf.grad == 0).all()
    some = linked.clone()
    some[4:] = False
    loss = multi_similarity_loss(vectors, some, unlinked)
    assert float(loss) == pytest.approx(in_a_loop(vectors, some, unlinked), rel=1e-5)


@pytest.mark.parametrize("function", [multi_similarity_loss, contrastive_loss])
def test_order_does_not_matter_and_pairs_that_do_not_count_neither(batch, function):
    vectors, linked, unlinked = batch
    order = torch.randperm(9, generator=torch.Generator().manual_seed(1))
    expected = float(function(vectors, linked, unlinked))
    moved = [pairs[order][:, order] for pairs in (linked, unlinked)]
    assert float(function(vectors[order], *moved)) == pytest.approx(expected, rel=1e-6)
    diagonal = torch.eye(9, dtype=torch.bool)
    assert float(function(vectors, linked | diagonal, unlinked | diagonal)) == expected
    # A node that is there twice is no pair with itself: as far apart as you like, it costs nothing.
    leaf = vectors.clone().requires_grad_()
    only = torch.zeros(9, 9, dtype=torch.bool)
    function(leaf, only, only).backward()
    assert leaf.grad is not None
    assert (leaf.grad == 0).all()


@pytest.mark.parametrize("scale", [1e4, 1e-4])
def test_scales_of_any_size_are_finite_with_finite_slopes(batch, scale):
    vectors, linked, unlinked = batch
    leaf = vectors.clone().requires_grad_()
    loss = multi_similarity_loss(leaf, linked, unlinked, positive_scale=scale, negative_scale=scale)
    loss.backward()
    assert leaf.grad is not None
    assert torch.isfinite(loss)
    assert torch.isfinite(leaf.grad).all()


def test_slopes_are_those_of_differences(batch):
    vectors, linked, unlinked = (batch[0].double(), *batch[1:])
    leaf = vectors.clone().requires_grad_()
    multi_similarity_loss(leaf, linked, unlinked, positive_scale=2, negative_scale=5).backward()
    for row, column in ((0, 0), (3, 2), (8, 4)):
        moved = [vectors.clone(), vectors.clone()]
        moved[0][row, column] += 1e-5
        moved[1][row, column] -= 1e-5
        up, down = (in_a_loop(each, linked, unlinked, b=5.0) for each in moved)
        assert leaf.grad is not None
        assert float(leaf.grad[row, column]) == pytest.approx((up - down) / 2e-5, abs=1e-4)


def test_the_contrastive_loss_is_the_sum_written_out(batch):
    vectors, linked, unlinked = batch
    rows = vectors.tolist()
    near = [math.dist(rows[i], rows[j]) for i in range(9) for j in range(9) if linked[i, j]]
    far = [math.dist(rows[i], rows[j]) for i in range(9) for j in range(9) if unlinked[i, j]]
    expected = sum(max(each - 1.5, 0) for each in near) / len(near) + sum(
        max(4.0 - each, 0) for each in far
    ) / len(far)
    loss = contrastive_loss(vectors, linked, unlinked, positive_margin=1.5, negative_margin=4.0)
    assert float(loss) == pytest.approx(expected, rel=1e-6)


def test_within_its_margins_the_contrastive_loss_is_0_without_a_slope():
    vectors = torch.tensor([[0.0, 0.0], [0.1, 0.0], [3.0, 0.0]], requires_grad=True)
    linked = torch.tensor([[0, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=torch.bool)
    unlinked = torch.tensor([[0, 0, 1], [0, 0, 1], [1, 1, 0]], dtype=torch.bool)
    loss = contrastive_loss(vectors, linked, unlinked, positive_margin=0.1, negative_margin=2.0)
    loss.backward()
    assert loss.item() == 0.0
    assert vectors.grad is not None
    assert (vectors.grad == 0).all()


def test_equal_vectors_have_finite_slopes():
    """A square root has none at 0."""
    vectors = torch.ones(3, 2, requires_grad=True)
    pairs = ~torch.eye(3, dtype=torch.bool)
    loss = contrastive_loss(vectors, pairs, pairs, positive_margin=0.0, negative_margin=1.0)
    assert loss.item() == 1.0
    loss.backward()
    assert vectors.grad is not None
    assert torch.isfinite(vectors.grad).all()


def test_it_is_computed_in_float32_whatever_the_precision_around_it(batch):
    vectors, linked, unlinked = batch
    for function in (multi_similarity_loss, contrastive_loss):
        expected = function(vectors, linked, unlinked)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert function(vectors, linked, unlinked) == expected
        assert function(vectors.bfloat16(), linked, unlinked).dtype == torch.float32


def test_unit_vectors_and_pairs_off_the_diagonal():
    assert unit_vectors(torch.tensor([[3.0, 4.0], [0.0, 0.0]])).tolist() == [
        pytest.approx([0.6, 0.8]),
        [0.0, 0.0],
    ]
    assert off_diagonal(torch.ones(2, 2, dtype=torch.bool)).tolist() == [
        [False, True],
        [True, False],
    ]
