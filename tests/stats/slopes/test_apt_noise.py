"""The noise of APT: unbiased, and the squares of its moves are its variance."""

import numpy as np
import pytest

from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.rarefied_apt import RarefiedApt
from hf_apt.stats.slopes.apt_noise import GroupedHits


def drawn(rng, *, num_groups=6, num_tokens=9, most=5) -> GroupedHits:
    support = rng.integers(0, most, (num_groups, num_tokens))
    return GroupedHits(rng.binomial(support, rng.random(num_tokens)), support)


def test_it_is_that_of_a_loop_over_pairs_of_groups() -> None:
    counts = drawn(np.random.default_rng(0), most=3)
    noise, apt = counts.noise(), counts.apt_V
    unknown = 0
    for token in range(9):
        hits, support = counts.hits_GV[:, token], counts.support_GV[:, token]
        pairs = [(g, h) for g in range(6) for h in range(6) if g != h]
        below = sum(int(support[g] * support[h]) for g, h in pairs)
        if not below:
            unknown += 1
            assert noise[token] == 0
            assert np.isnan(apt[token])
            continue
        square = sum(int(hits[g] * hits[h]) for g, h in pairs) / below
        assert apt[token] == pytest.approx(hits.sum() / support.sum())
        assert noise[token] == pytest.approx(apt[token] ** 2 - square)
    assert (counts.is_spread_V == ~np.isnan(apt)).all()
    assert unknown < 9


def test_alone_in_its_group_each_position_gives_the_binomial_variance() -> None:
    right = np.array([1] * 3 + [0] * 5)[:, None]
    p = 3 / 8
    assert GroupedHits(right, np.ones_like(right)).noise()[0] == pytest.approx(p * (1 - p) / 7)


def test_it_is_unbiased_where_answers_go_together_in_a_sequence() -> None:
    """Right answers are likelier in some sequences; the binomial variance is then too small."""
    rng = np.random.default_rng(1)
    support = rng.integers(1, 9, (20, 1)) * np.ones(20_000, int)
    p_GV = rng.beta(0.6, 0.9, support.shape)
    counts = GroupedHits(rng.binomial(support, p_GV), support)
    truth = counts.apt_V.var()
    assert counts.noise().mean() == pytest.approx(truth, rel=0.04)
    num, binomial = support[:, 0].sum(), counts.apt_V * (1 - counts.apt_V)
    assert binomial.mean() / num < 0.4 * truth


def test_moves_are_derivatives_by_the_weight_of_a_group() -> None:
    counts, step = drawn(np.random.default_rng(2)), 1e-6
    apt_GV, noise_GV = counts.moves()
    for group in range(6):
        weights = np.ones((6, 1))
        weights[group] += step
        heavier = GroupedHits(counts.hits_GV * weights, counts.support_GV * weights)
        spread = counts.is_spread_V
        moved = (heavier.apt_V - counts.apt_V)[spread] / step
        np.testing.assert_allclose(apt_GV[group][spread], moved, atol=1e-4)
        moved = (heavier.noise() - counts.noise())[spread] / step
        np.testing.assert_allclose(noise_GV[group][spread], moved, atol=1e-4)
        assert not apt_GV[group][~spread].any()


def test_kept_groups_are_those_of_the_sequences() -> None:
    rng = np.random.default_rng(3)
    true, sequences = rng.integers(0, 12, 500), rng.integers(0, 70, 500)
    answers = np.where(rng.random((2, 500)) < 0.5, true, 0)
    measure = RarefiedApt.empty(2, 12)
    zeros = np.zeros(500, np.uint8)
    measure.update(Answers(true, zeros, sequences, answers, np.zeros((2, 500))))
    counts = GroupedHits.kept(measure, 15)
    assert counts.hits_GV.shape == (20, 15)
    for group in range(20):
        here = sequences * 20 // 70 == group
        expected = np.bincount(true[here], minlength=15)
        assert (counts.support_GV[group] == expected).all()
        expected = np.bincount(true[here & (answers[1] == true)], minlength=15)
        assert (counts.hits_GV[group] == expected).all()


def test_dealt_positions_are_all_there_and_spread_evenly() -> None:
    rng = np.random.default_rng(4)
    support = np.array([0, 1, 2, 19, 20, 57, 4000])
    hits = rng.binomial(support, 0.4)
    counts = GroupedHits.dealt(hits, support, seed=1)
    assert (counts.hits_GV.sum(axis=0) == hits).all()
    assert (counts.support_GV.sum(axis=0) == support).all()
    assert (np.ptp(counts.support_GV, axis=0) <= 1).all()
    assert (counts.hits_GV <= counts.support_GV).all()
    assert (counts.hits_GV >= 0).all()
    assert counts.is_spread_V.tolist() == [False, False, True, True, True, True, True]


def test_dealt_noise_is_the_binomial_one_on_average() -> None:
    support = np.full(4000, 7)
    counts = GroupedHits.dealt(np.full(4000, 3), support, seed=2)
    p = 3 / 7
    assert counts.noise() == pytest.approx(np.full(4000, p * (1 - p) / 6))
