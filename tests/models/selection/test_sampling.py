"""Draws from a generator's answers against NumPy's SplitMix64, a slow loop, and exact laws."""

import itertools

import numpy as np
import pytest
import torch

from hf_apt.data.masking import sampling_keys
from hf_apt.models.selection.sampling import (
    choices,
    cumulative,
    drawn,
    shown_and_others,
    uniforms,
)

MASK = (1 << 64) - 1


def splitmix(key: int, number: int) -> float:
    """The number-th output of SplitMix64 from a state, in Python's integers, as a share."""
    x = (key + number * 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return ((x ^ (x >> 31)) >> 11) / 2**53


def keys(num: int) -> torch.Tensor:
    return torch.from_numpy(sampling_keys(3, np.arange(num), 1)[:, 0].copy())


def test_uniforms_are_those_of_splitmix():
    some = torch.tensor([0, 1, -1, 2**63 - 1, -(2**63), 123456789])
    expected = [[splitmix(int(key) & MASK, number) for number in (1, 2, 3)] for key in some]
    assert uniforms(some, 3).tolist() == expected
    assert uniforms(some, 0).shape == (6, 0)
    many = uniforms(keys(20_000), 2)
    assert many.min() >= 0
    assert many.max() < 1
    assert float(many.mean()) == pytest.approx(0.5, abs=0.005)
    assert float(torch.corrcoef(many.T)[0, 1]) == pytest.approx(0, abs=0.03)


def slowly_drawn(probabilities: list[float], share: float, without: set[int]) -> int:
    """By a walk over the tokens that are left."""
    left = [(token, p) for token, p in enumerate(probabilities) if token not in without]
    place = share * sum(p for _, p in left)
    for token, p in left:
        if place < p:
            return token
        place -= p
    return left[-1][0]


def test_a_draw_is_a_walk_over_the_tokens_that_are_left():
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(200, 11, generator=generator)
    shares = torch.rand(200, generator=generator, dtype=torch.double)
    without = torch.stack([torch.randperm(11, generator=generator)[:4] for _ in range(200)])
    ids = drawn(cumulative(logits), shares, without)
    probabilities = logits.double().softmax(-1).tolist()
    expected = [
        slowly_drawn(each, float(share), set(out.tolist()))
        for each, share, out in zip(probabilities, shares, without, strict=True)
    ]
    assert ids.tolist() == expected


def test_what_is_shown_and_the_others_have_the_law_of_draws_without_replacement():
    probabilities = torch.tensor([0.4, 0.3, 0.2, 0.1], dtype=torch.double)
    num, true = 40_000, 1
    logits = probabilities.log().expand(num, 4)
    shown, others = shown_and_others(logits, torch.full((num,), true), keys(num), num_others=2)
    seen: dict[tuple[int, ...], int] = {}
    for row in torch.cat([shown[:, None], others], dim=1).tolist():
        seen[tuple(row)] = seen.get(tuple(row), 0) + 1
    expected: dict[tuple[int, ...], float] = {}
    p = probabilities.tolist()
    for first, second in itertools.permutations([0, 2, 3], 2):
        after = p[second] / (1 - p[true] - p[first])
        # Shown is another token, which is the first of the others; or it is the true one.
        expected[first, first, second] = p[first] * after
        expected[true, first, second] = p[true] * p[first] / (1 - p[true]) * after
    assert set(seen) == set(expected)
    assert sum(expected.values()) == pytest.approx(1)
    for row, share in expected.items():
        error = (share * (1 - share) / num) ** 0.5
        assert seen[row] / num == pytest.approx(share, abs=4.5 * error), row


@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0, 1000.0])
def test_the_others_are_different_and_never_the_true_token(scale):
    generator = torch.Generator().manual_seed(1)
    logits = scale * torch.randn(500, 12, generator=generator)
    true = torch.randint(12, (500,), generator=generator)
    true[:100] = logits[:100].argmax(-1)
    shown, others = shown_and_others(logits, true, keys(500), num_others=11)
    rows = torch.cat([true[:, None], others], dim=1)
    # All twelve, each once: nothing else is left at the end.
    assert torch.equal(rows.sort(dim=1).values, torch.arange(12).expand(500, 12))
    is_other = shown != true
    assert torch.equal(others[is_other, 0], shown[is_other])
    assert torch.equal(
        choices(true, shown, others).sort(dim=1).values,
        torch.stack([torch.tensor([i for i in range(12) if i != s]) for s in shown.tolist()]),
    )


def test_where_nobody_asks_the_true_token_is_shown():
    logits = torch.zeros(300, 5)
    asked = torch.arange(300) % 2 == 0
    true = torch.full((300,), 2)
    shown, others = shown_and_others(logits, true, keys(300), num_others=3, asked_N=asked)
    assert (shown[~asked] == 2).all()
    assert (shown[asked] != 2).any()
    assert (others != 2).all()


def test_no_others_are_drawn_of_none():
    shown, others = shown_and_others(
        torch.zeros(6, 5), torch.zeros(6, dtype=int), keys(6), num_others=0
    )
    assert others.shape == (6, 0)
    assert shown.shape == (6,)


def test_choices_have_the_original_in_place_of_what_is_shown():
    true, shown = torch.tensor([1, 1]), torch.tensor([3, 1])
    others = torch.tensor([[3, 0, 2], [4, 0, 2]])
    assert choices(true, shown, others).tolist() == [[1, 0, 2], [4, 0, 2]]


def test_draws_do_not_depend_on_the_rows_beside_them():
    generator = torch.Generator().manual_seed(2)
    logits, true = torch.randn(64, 30, generator=generator), torch.arange(64) % 30
    whole = shown_and_others(logits, true, keys(64), num_others=4)
    parts = [
        shown_and_others(logits[at], true[at], keys(64)[at], num_others=4)
        for at in torch.arange(64).split(7)
    ]
    for number in range(2):
        assert torch.equal(whole[number], torch.cat([part[number] for part in parts]))
