"""Known values of the contrastive loss, and laws that hold of any."""

import math

import pytest
import torch

from hf_apt.training.representation.aligned_tokens import (
    aligned_token_infonce,
    overlapping_windows,
)


def by_hand(first, second, temperature, types=None) -> float:
    """The loss as it is written, number by number."""

    def cosine(a, b):
        return sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)

    num, total = len(first), 0.0
    for one, other in ((first, second), (second, first)):
        for i in range(num):
            exps = {
                j: math.exp(cosine(one[i], other[j]) / temperature)
                for j in range(num)
                if types is None or j == i or types[j] != types[i]
            }
            total -= math.log(exps[i] / sum(exps.values()))
    return total / (2 * num)


@pytest.mark.parametrize(
    ("temperature", "expected"), [(1.0, 0.7436683806), (0.4, 0.2201430510), (0.07, 1.8746e-6)]
)
def test_orthonormal_tokens(temperature, expected):
    rows = torch.eye(4, dtype=torch.float64)
    loss, found = aligned_token_infonce(rows, 3 * rows, temperature)
    assert float(loss) == pytest.approx(expected, rel=1e-4 if expected < 1e-3 else 1e-9)
    assert math.log(1 + 3 * math.exp(-1 / temperature)) == pytest.approx(float(loss), rel=1e-9)
    assert math.log(1 + 3 * math.exp(-1 / temperature)) == pytest.approx(expected, rel=1e-4)
    assert float(found) == 1.0


@pytest.mark.parametrize("num", [2, 8, 16])
def test_tokens_that_are_all_alike(num):
    loss, _ = aligned_token_infonce(torch.ones(num, 3), torch.ones(num, 3), 0.07)
    assert float(loss) == pytest.approx(math.log(num), rel=1e-5)


@pytest.fixture
def pair() -> torch.Tensor:
    return torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("types", [None, [0, 1, 0, 2, 1, 0]])
def test_it_is_the_sum_written_out(pair, types):
    given = None if types is None else torch.tensor(types)
    loss, found = aligned_token_infonce(pair[0], pair[1], 0.3, given)
    expected = by_hand(pair[0].tolist(), pair[1].tolist(), 0.3, types)
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    swapped, other = aligned_token_infonce(pair[1], pair[0], 0.3, given)
    assert float(swapped) == pytest.approx(float(loss), rel=1e-6)
    assert float(other) == float(found)
    assert float(loss) >= 0


def test_tokens_of_one_type_are_told_from_others_alone(pair):
    """Two tokens with one state: told apart they cost log 2 each, and nothing if of one type."""
    rows = torch.eye(3)[[0, 0, 1]]
    types = torch.tensor([7, 7, 9])
    loss, _ = aligned_token_infonce(rows, rows, 0.01, types)
    assert float(loss) == pytest.approx(0.0, abs=1e-6)
    loss, _ = aligned_token_infonce(rows, rows, 0.01)
    assert float(loss) == pytest.approx(2 * math.log(2) / 3, rel=1e-5)
    alone, _ = aligned_token_infonce(pair[0], pair[1], 0.3, torch.zeros(6))
    assert float(alone) == 0.0, "there is no other type to be told from"


def test_gradients_are_right_through_both_views(pair):
    first, second = (each.double().requires_grad_() for each in pair)
    types = torch.tensor([0, 1, 0, 2, 1, 0])
    for given in (None, types):
        assert torch.autograd.gradcheck(
            lambda *both, given=given: aligned_token_infonce(*both, 0.5, given)[0],
            (first, second),
            eps=1e-2,
            atol=1e-2,
        )
    aligned_token_infonce(first, second, 0.5)[0].backward()
    assert min(each.grad.abs().max() for each in (first, second)) > 1e-3


@pytest.mark.parametrize("num", [0, 1])
def test_fewer_than_two_tokens_have_nothing_to_tell(num):
    rows = torch.ones(num, 3, requires_grad=True)
    loss, found = aligned_token_infonce(rows, rows, 0.07)
    loss.backward()
    assert (float(loss.detach()), float(found)) == (0.0, 1.0)
    assert rows.grad is not None


def test_matches_are_found_where_views_say_the_same():
    rows = torch.randn(40, 8, generator=torch.Generator().manual_seed(1))
    noise = torch.randn(40, 8, generator=torch.Generator().manual_seed(2))
    shares = [float(aligned_token_infonce(rows, rows + s * noise, 0.1)[1]) for s in (0.0, 1.0, 99)]
    assert shares[0] == 1.0
    assert shares[0] > shares[1] > shares[2]
    assert shares[2] < 0.2, "of noise one in 40 is found"


def test_windows_overlap_whatever_side_is_padded():
    present = torch.tensor([[1, 1, 1, 1, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1, 1, 0]]).bool()
    first, last = overlapping_windows(present, 0.75)
    assert first.int().tolist() == [[1, 1, 1, 1, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1, 0, 0]]
    assert last.int().tolist() == [[0, 0, 1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1, 1, 0]]
    for length in range(1, 9):
        text = torch.arange(8)[None] < length
        both = overlapping_windows(text, 0.6)
        assert torch.equal(both[0] | both[1], text), "every token is in one"
        assert (both[0] & both[1]).any(), "and one in both"
