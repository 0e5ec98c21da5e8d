"""Laws of the cross-entropy of each token."""

import numpy as np
import pytest

from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.token_cross_entropy import TokenCrossEntropy

DEPTHS, VOCAB = 3, 9


def batch(seed: int, num: int = 300) -> Answers:
    draw = np.random.default_rng(seed)
    ids_N, none_N = draw.integers(0, VOCAB - 1, num), np.zeros(num, int)
    losses_DN = draw.gamma(2, 3, (DEPTHS, num)).astype(np.float32)
    return Answers(ids_N, none_N, none_N, draw.integers(0, VOCAB, (DEPTHS, num)), losses_DN)


def measured(*seeds: int) -> TokenCrossEntropy:
    measure = TokenCrossEntropy.empty(DEPTHS, VOCAB)
    for seed in seeds:
        measure.update(batch(seed))
    return measure


def counted(answers: Answers) -> DepthCounts:
    counts = DepthCounts.empty(DEPTHS, VOCAB)
    return counts.update(answers.references_N, answers.predictions_DN, answers.treatments_N)


def test_sums_are_those_of_a_loop():
    answers, slow_DV = batch(1), np.zeros((DEPTHS, VOCAB))
    for depth in range(DEPTHS):
        for token, loss in zip(answers.references_N, answers.cross_entropy_DN[depth], strict=True):
            slow_DV[depth, token] += loss
    assert measured(1).sums_DV == pytest.approx(slow_DV, abs=300 * 2**-20)
    assert (slow_DV[:, :-1] > 0).all()


def test_the_order_changes_no_bit():
    one = measured(1, 2, 3).sums_DV
    other = measured(3).merge(measured(2, 1)).sums_DV
    assert np.array_equal(one, other)


def test_it_is_of_its_own_counts():
    measured(1).require_same_pass(counted(batch(1)))
    none = DepthCounts.empty(DEPTHS, VOCAB)
    with pytest.raises(ValueError, match="was not asked for has a cross-entropy"):
        measured(1).require_same_pass(none)
    with pytest.raises(ValueError, match="other depths or tokens"):
        measured(1).require_same_pass(DepthCounts.empty(DEPTHS, VOCAB + 1))


@pytest.mark.parametrize("wrong", [-1.0, np.nan])
def test_what_is_no_sum_is_refused(wrong):
    arrays = measured(1).arrays()
    arrays["sums_DV"][1, 2] = wrong
    with pytest.raises(ValueError, match="negative or not a number"):
        TokenCrossEntropy.from_arrays(arrays)
