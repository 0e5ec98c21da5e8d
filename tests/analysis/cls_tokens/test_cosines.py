"""Laws of mean cosines: loops over pairs, and planted states."""

import math

import pytest
import torch

from hf_apt.analysis.cls_tokens.cosines import cls_cosines


def cosine(one, other) -> float:
    return float(one @ other / (one.norm() * other.norm()))


def test_means_are_those_of_loops_over_pairs() -> None:
    states_BTH = torch.randn(3, 7, 5, generator=torch.Generator().manual_seed(0)).double()
    own_BT = torch.ones(3, 7, dtype=torch.bool)
    own_BT[:, 0] = own_BT[:, -1] = False
    own_BT[1, 4:] = False
    to_cls_B, pairs_B = cls_cosines(states_BTH, own_BT)
    for text in range(3):
        chosen = [states_BTH[text, at] for at in range(7) if own_BT[text, at]]
        first = [cosine(states_BTH[text, 0], each) for each in chosen]
        between = [cosine(a, b) for at, a in enumerate(chosen) for b in chosen[at + 1 :]]
        assert to_cls_B[text] == pytest.approx(sum(first) / len(first))
        assert pairs_B[text] == pytest.approx(sum(between) / len(between))


def test_equal_states_have_a_cosine_of_one_and_opposite_ones_of_minus_one() -> None:
    states_BTH = torch.tensor([1.0, 2.0, -3.0]).repeat(2, 4, 1)
    states_BTH[1, 0] *= -5
    own_BT = torch.tensor([[False, True, True, True]] * 2)
    to_cls_B, pairs_B = cls_cosines(states_BTH, own_BT)
    assert to_cls_B.tolist() == pytest.approx([1, -1])
    assert pairs_B.tolist() == pytest.approx([1, 1])


def test_one_token_has_no_other() -> None:
    pairs_B = cls_cosines(torch.ones(1, 2, 2), torch.tensor([[False, True]]))[1]
    assert math.isnan(pairs_B[0])
