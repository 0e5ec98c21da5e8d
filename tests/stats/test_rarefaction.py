"""Laws of rarefied mean APT: it is what drawing positions again and again gives on average."""

from itertools import combinations

import numpy as np
import pytest

from hf_apt.stats.apt import mean_apt
from hf_apt.stats.rarefaction import (
    chance_to_occur,
    common_sizes,
    rarefied_mean_apt,
    rarefied_num_tokens,
)

HITS = np.array([[2, 0, 1, 0, 0], [3, 1, 0, 0, 1]])
SUPPORT = np.array([3, 2, 1, 0, 1])
TOKENS = np.repeat(np.arange(5), SUPPORT)


def drawn(num: int) -> tuple[list[set[int]], list[float]]:
    """For every choice of positions, its tokens and the sum of their APT in it, at depth 0."""
    right = np.concatenate([np.arange(s) < h for h, s in zip(HITS[0], SUPPORT, strict=True)])
    present, sums = [], []
    for chosen in map(list, combinations(range(SUPPORT.sum()), num)):
        tokens = set(TOKENS[chosen].tolist())
        present.append(tokens)
        sums.append(sum(right[chosen][TOKENS[chosen] == token].mean() for token in tokens))
    return present, sums


@pytest.mark.parametrize("num", range(1, 8))
def test_it_is_the_mean_over_all_choices_of_positions(num):
    present, sums = drawn(num)
    chance = [np.mean([token in tokens for tokens in present]) for token in range(5)]
    assert chance_to_occur(SUPPORT, num) == pytest.approx(chance, abs=1e-14)
    expected = np.mean([len(tokens) for tokens in present])
    assert rarefied_num_tokens(SUPPORT, num) == pytest.approx(expected, abs=1e-13)
    value = rarefied_mean_apt(HITS, SUPPORT, num)[0]
    assert value == pytest.approx(np.mean(sums) / expected, abs=1e-14)


def test_at_all_positions_it_is_mean_apt_and_at_one_it_is_accuracy():
    for depth in range(2):
        assert rarefied_mean_apt(HITS[depth], SUPPORT, 7) == pytest.approx(
            mean_apt(HITS[depth], SUPPORT).value
        )
    assert rarefied_mean_apt(HITS, SUPPORT, 1) == pytest.approx(HITS.sum(axis=1) / 7)


def test_of_one_apt_for_all_tokens_the_size_makes_no_difference():
    support = np.array([4, 400, 40, 4])
    values = [rarefied_mean_apt(support // 4, support, num) for num in (1, 10, 100, 448)]
    assert values == pytest.approx([0.25] * 4, abs=1e-12)


@pytest.mark.slow
def test_a_large_measurement_is_exact():
    """A token of one position in a hundred million: its chance is n / S."""
    support = np.array([10**8 - 2, 1, 1])
    assert chance_to_occur(support, 1000) == pytest.approx([1, 1e-5, 1e-5], rel=1e-12)


@pytest.mark.parametrize("num", [0, -1, 8])
def test_more_positions_than_were_asked_are_refused(num):
    told = f"{num} positions cannot be drawn from the 7" if num > 0 else "a whole number of at"
    with pytest.raises(ValueError, match=told):
        rarefied_mean_apt(HITS, SUPPORT, num)


def test_nothing_asked_has_no_sizes():
    assert common_sizes(0) == common_sizes(99) == ()
    assert common_sizes(5000)[-1] == 5000
